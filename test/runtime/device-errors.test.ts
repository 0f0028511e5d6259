import { describe, expect } from "vitest";
import { TircError } from "../../src/diagnostics/diagnostic.ts";
import { renderPretty } from "../../src/diagnostics/pretty.ts";
import { compile } from "../../src/driver/compile.ts";
import { parse } from "../../src/parse/parse.ts";
import { openDevice } from "../../src/runtime/node.ts";
import { prepare, runKernel } from "../../src/runtime/prepare.ts";
import type { Kernel } from "../../src/target/manifest.ts";
import { rejectionOf } from "../support/diagnostics.ts";
import { gpuTest as test } from "../support/gpu.ts";
import { handKernel, rowSum } from "../support/hand-kernel.ts";
import { spyOn } from "../support/spy-device.ts";

const input = { x: { element: "f32", shape: [2, 3], data: new Float32Array(6) } } as const;

describe("what a kernel asks of a device", () => {
  test("E0608: a buffer larger than the device takes", async ({ gpu }) => {
    const kernel = handKernel("@compute @workgroup_size(1) fn main() {}", {
      outputs: { y: ["f32", ["n"]] },
      dims: [{ name: "n", binding: "uniform" }],
    });
    const most = gpu.device.limits.maxStorageBufferBindingSize;
    expect(await rejectionOf(runKernel(gpu.device, kernel, {}, { n: most / 4 + 4 }))).toEqual([
      `E0608: \`y\` takes ${most + 16} bytes, but the device's maxStorageBufferBindingSize is ${most}\n` +
        "help: run fewer rows at a time",
    ]);
  });

  test("E0608: more workgroups than the device starts", async ({ gpu }) => {
    const kernel = handKernel("@compute @workgroup_size(1) fn main() {}", {
      outputs: { y: ["f32", [1]] },
      dims: [{ name: "n", binding: "uniform" }],
      dispatch: { rows: ["n"], columns: [], rowsPerWorkgroup: 1 },
    });
    for (const n of [65535 ** 2 + 1, 2 ** 32 - 1]) {
      const [message] = await rejectionOf(runKernel(gpu.device, kernel, {}, { n }));
      expect(message).toContain(`E0608: \`hand\` would count ${n} rows, but counts with 32 bits`);
    }
  });

  test("E0610: features that it was made without", async ({ gpu }) => {
    const requiredFeatures = ["no-such-feature"];
    const kernel = { ...rowSum, manifest: { ...rowSum.manifest, requiredFeatures } };
    expect(await rejectionOf(prepare(gpu.device, kernel))).toEqual([
      "E0610: the kernel `hand` needs `no-such-feature`, which this device was not requested with\n" +
        "help: request the device with these features, or compile for a target that has none: `portable`",
    ]);
  });

  test("E0611: a limit above the device's", async ({ gpu }) => {
    const requiredLimits = { maxComputeInvocationsPerWorkgroup: 2 ** 20 };
    const kernel = { ...rowSum, manifest: { ...rowSum.manifest, requiredLimits } };
    const [message] = await rejectionOf(prepare(gpu.device, kernel));
    expect(message).toMatch(
      /^E0611: the kernel `hand` needs maxComputeInvocationsPerWorkgroup of 1048576, but this device has \d+\n/,
    );
  });
});

/** Its uniforms are larger than its manifest says, which the device sees when the pass is encoded. */
const noRoom = { ...rowSum, wgsl: rowSum.wgsl.replace("{ rows: u32 }", "{ rows: u32, more: array<vec4u, 8> }") };

describe("what a device refuses", () => {
  test("E0612: the WGSL, with places", async ({ gpu }) => {
    const kernel = { ...rowSum, wgsl: rowSum.wgsl.replace("var value = 0.0;", "var value = true;") };
    const [message] = await rejectionOf(prepare(gpu.device, kernel));
    expect(message).toMatch(/^E0612: the device rejected the WGSL of `hand`\nnote: 31:\d+: error: /);
  });

  describe("E0612 with a source map", () => {
    const text = `fn f(x: f32[rows, 8], g: f32[8]) -> f32[rows, 8] {
  let y = tanh(x)
  return rmsnorm(y, g, axes = [-1])
}
`;
    const [kernel] = compile(parse(text, { file: "f.tir" })).kernels as [Kernel];
    const diagnosticsOf = async (device: GPUDevice, wgsl: string) => {
      expect(wgsl).not.toBe(kernel.wgsl);
      const caught = await prepare(device, { ...kernel, wgsl }).catch((caught: unknown) => caught);
      if (!(caught instanceof TircError)) throw caught;
      return caught.diagnostics.map((diagnostic) => renderPretty(diagnostic));
    };

    test("the place is that of the op", async ({ gpu }) => {
      const [only, ...more] = await diagnosticsOf(gpu.device, kernel.wgsl.replace("inverseSqrt(", "inverseSqroot("));
      expect(more).toEqual([]);
      expect(only).toMatch(/^f\.tir:3:10: error\[E0612\]: .*`f`.*: unresolved call target 'inverseSqroot'\n/);
      expect(only).toContain("3 |   return rmsnorm(y, g, axes = [-1])\n  |          ^^^^^^^^^^^^^^^^^^^^^^^^^^");
      const line = kernel.wgsl.split("\n").findIndex((line) => line.includes("inverseSqrt(")) + 1;
      expect(only).toMatch(new RegExp(`note: line ${line} of the WGSL, column \\d+: let rsqrt = inverseSqroot\\(`));
    });

    test("a parameter's, where its binding is wrong", async ({ gpu }) => {
      const [first] = await diagnosticsOf(gpu.device, kernel.wgsl.replace(/(in_g: )array<\w+>/, "$1array<no_type>"));
      expect(first).toMatch(/^f\.tir:1:23: error\[E0612\]: .*'no_type'/);
    });

    test("none, where the line serves no op", async ({ gpu }) => {
      const [first] = await diagnosticsOf(gpu.device, kernel.wgsl.replace("let lane = ", "let lane = no_name + "));
      expect(first).toMatch(
        /^error\[E0612\]: the device rejected the WGSL of `f`\n {2}= note: \d+:\d+: error: .*'no_name'/,
      );
    });
  });

  test("E0613: the pipeline", async ({ gpu }) => {
    const overrides = [{ dim: "columns", constant: "other" }];
    const kernel = { ...rowSum, manifest: { ...rowSum.manifest, overrides } };
    const [message] = await rejectionOf(runKernel(gpu.device, kernel, input));
    expect(message).toMatch(/^E0613: the device could not create a pipeline for `hand`: .*other/s);
  });

  test("E0613: an override beside the kernel's own; the next call with a good one runs", async ({ gpu }) => {
    const wgsl = rowSum.wgsl.replace(
      "let again = sum(value, lane);",
      "let again = sum(value, lane) + f32(1u / columns);",
    );
    const prepared = await prepare(gpu.device, { ...rowSum, wgsl });
    const empty = { x: { element: "f32", shape: [2, 0], data: new Float32Array(0) } } as const;
    expect((await rejectionOf(prepared.run(empty)))[0]).toMatch(/^E0613: /);
    expect((await rejectionOf(prepared.run(empty)))[0]).toMatch(/^E0613: /);
    expect((await prepared.run(input)).outputs.y?.shape).toEqual([2]);
  });

  test("E0616: a call, with every buffer freed", async ({ gpu }) => {
    // Nothing is bound where the shader reads its extents.
    const { uniforms: _, ...manifest } = rowSum.manifest;
    expect((await rejectionOf(runKernel(gpu.device, { ...rowSum, manifest }, input)))[0]).toMatch(/^E0616: /);

    const spied = spyOn(gpu.device);
    const [message] = await rejectionOf(runKernel(spied.device, noRoom, input));
    expect(message).toMatch(/^E0616: the device reported an error while running `hand`: /);
    expect(spied.created.length).toBeGreaterThan(0);
    expect(new Set(spied.destroyed)).toEqual(new Set(spied.created));
  });

  test("an error of one call is not another's", async ({ gpu }) => {
    const [bad, good] = await Promise.all([
      rejectionOf(runKernel(gpu.device, noRoom, input)),
      rejectionOf(runKernel(gpu.device, rowSum, input)),
    ]);
    expect(bad[0]).toMatch(/^E0616/);
    expect(good).toEqual([]);
  });

  test("E0614: memory", async ({ gpu }) => {
    // A test cannot reliably fill a device's memory, so the second of three popped scopes answers as if it were full.
    let pops = 0;
    const popErrorScope = async () => {
      const answer = await gpu.device.popErrorScope();
      pops += 1;
      return pops === 3 + 2 ? { message: "no 16 bytes left" } : answer;
    };
    const spied = spyOn(gpu.device, { popErrorScope });
    const prepared = await prepare(spied.device, rowSum);
    expect(await rejectionOf(prepared.run(input))).toEqual([
      "E0614: out of memory while running `hand`: no 16 bytes left\nhelp: run fewer rows at a time",
    ]);
    expect((await prepared.run(input)).launches).toBe(1);
    prepared.destroy();
    expect(new Set(spied.destroyed)).toEqual(new Set(spied.created));
  });
});

test("E0623: a feature that the adapter has not", async ({ gpu }) => {
  const requiredFeatures = ["no-such-feature" as GPUFeatureName];
  expect(await rejectionOf(openDevice({ requiredFeatures }))).toEqual([
    `E0623: the adapter ${gpu.description} has no \`no-such-feature\`\nhelp: compile for a target without it: \`--target portable\``,
  ]);
});

describe("a lost device", () => {
  test("E0615: before the call and during it", async ({ gpu: _ }) => {
    const { device } = await openDevice();
    const prepared = await prepare(device, rowSum);
    const running = rejectionOf(prepared.run(input));
    device.destroy();
    const lost = /^E0615: the device was lost while running `hand` \(destroyed\): /;
    expect((await running)[0]).toMatch(lost);
    expect((await rejectionOf(prepared.run(input)))[0]).toMatch(lost);
    expect((await rejectionOf(prepare(device, rowSum, { columns: 3 })))[0]).toMatch(lost);
  });
});
