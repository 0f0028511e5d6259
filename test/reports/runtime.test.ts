/**
 * Public reports about drivers and launches, each with the value that is right. Those that do not apply stand at the end,
 * with the reason.
 */

import { expect, test } from "vitest";
import { emitModule } from "../../src/emit/module.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { runKernel } from "../../src/runtime/prepare.ts";
import { type TargetProfile, targetByName } from "../../src/target/target.ts";
import { compileText, targetsFor } from "../support/compile.ts";
import { gpuTest } from "../support/gpu.ts";
import { compareKernel, errorOf, inputsFor, tensorsOf } from "../support/oracle.ts";
import { onDirtyMemory, withoutSubgroups, workgroupArrays } from "../support/rewritten-kernel.ts";

const norm = `fn f(x: f32[n, 300], g: f32[300]) -> (y: f32[n, 300], m: f32[n], s: f32[n]) {
  let h = layernorm(x, g, axes = [-1])
  return h, max(x, axes = [-1]), sum(x, axes = [-1])
}`;
const whole = "fn f(x: i32[n, 300]) -> (m: i32[n], s: i32[n]) { return min(x, axes = [-1]), sum(x, axes = [-1]) }";

// gfx-rs/wgpu#4591: workgroup memory is not zeroed on some AMD drivers, though WGSL promises it.
gpuTest("no kernel reads workgroup memory before it writes it", async ({ gpu }) => {
  const targets = [{ ...targetByName("portable"), limits: gpu.target.limits }, manyLanes(gpu.target, 300)];
  for (const text of [norm, whole]) {
    for (const target of targets) {
      const { fn, kernel } = compileText(text, target);
      const inputs = inputsFor(fn, { n: 5 });
      const dirty = await runKernel(gpu.device, onDirtyMemory(kernel), inputs);
      expect(dirty.outputs).toEqual((await runKernel(gpu.device, kernel, inputs)).outputs);
    }
  }
});

/** More lanes than a subgroup of the device has, so that they merge through workgroup memory. */
function manyLanes(target: TargetProfile, columns: number): TargetProfile {
  const choice = { lanes: 32, workgroup: 64, rowsPerLane: 1, width: 1, keep: 64 } as const;
  return { ...target, schedules: [{ fn: "f", columns, choice }] };
}

gpuTest("the check of workgroup memory sees a read before a write", async ({ gpu }) => {
  const text = "fn f(x: f32[n, 8]) -> (s: f32[n]) { return sum(x, axes = [-1]) }";
  const { fn, kernel } = compileText(text, { ...targetByName("portable"), limits: gpu.target.limits });
  const broken = { ...kernel, wgsl: kernel.wgsl.replace(/^ *lanes_f32\[local\] = \w+;$/m, "") };
  expect(broken.wgsl).not.toBe(kernel.wgsl);
  const inputs = inputsFor(fn, { n: 5 });
  const dirty = await runKernel(gpu.device, onDirtyMemory(broken), inputs);
  expect(dirty.outputs).not.toEqual((await runKernel(gpu.device, broken, inputs)).outputs);
});

// b0nes164/Decoupled-Fallback-Paper#19, jaesung-cs/vulkan_radix_sort#7, gpuweb/gpuweb#4963: code that assumes subgroups of
// 32 breaks with others, and with one that is the whole workgroup.
const sizes = [
  ...[
    [4, 32],
    [32, 32],
    [64, 128],
    [128, 128],
  ].map(([subgroup, lanes]) => [norm, "f32", subgroup, lanes] as const),
  ...[
    [32, 64],
    [64, 64],
  ].map(([subgroup, lanes]) => [whole, "i32", subgroup, lanes] as const),
];

gpuTest(
  "workgroups of 32, 64 and 128 give the same with subgroups of 4 to 128",
  async ({ gpu: { device, target } }) => {
    for (const [text, element, subgroup = 0, workgroup = 0] of sizes) {
      const choice = { lanes: workgroup, workgroup, rowsPerLane: 1, width: 1, keep: 64 } as const;
      const forced: TargetProfile = {
        ...targetByName("gpu-subgroup-32"),
        ...{ limits: target.limits, subgroup: { min: subgroup, max: subgroup } },
        schedules: [{ fn: "f", columns: 300, choice }],
      };
      const { fn, kernel } = compileText(text, forced);
      expect(kernel.wgsl).toContain(subgroup === 4 ? "quadSwapY(" : `, ${subgroup / 2}u)`);
      expect(kernel.manifest.workgroupSize[0]).toBe(workgroup);
      const { errors } = await compareKernel(device, withoutSubgroups(kernel, element), fn, inputsFor(fn, { n: 3 }));
      for (const error of Object.values(errors)) expect(error).toBeLessThan(2e-6);
    }
  },
);

// ggml-org/llama.cpp PR #22266, #25931, #24000: the input and the output one buffer, a validation error or garbage.
gpuTest(
  "an output is in an input's place where that is right, and refused anywhere else before the launch",
  async ({ gpu: { device } }) => {
    const { kernel } = compileText("fn f(x: f32[4], r: f32[4]) -> (y: f32[4]) { return x + r }");
    const text = emitModule([kernel], { language: "js", source: "f.tir" });
    const { f } = await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(text)}`);
    const [x, y] = [0, 1].map(() => device.createBuffer({ size: 512, usage: 128 | 8 | 4 })) as [GPUBuffer, GPUBuffer];
    expect(() => f(device, { x, r: y }, {}, { outputs: { y: { buffer: x, offset: 256 } } })).toThrow(
      "f: x and y are one buffer, but not the same part of it",
    );
    const { kernel: turned } = compileText(
      "fn f(x: f32[2, 2]) -> (y: f32[2, 2]) { return transpose(x, perm = [1, 0]) * 2 }",
    );
    const other = emitModule([turned], { language: "js", source: "f.tir" });
    const { f: turn } = await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(other)}`);
    expect(() => turn(device, { x }, {}, { outputs: { y: x } })).toThrow(
      "f: x and y are one buffer, and the kernel writes to it",
    );
    device.queue.writeBuffer(x, 0, Float32Array.of(1, 2, 3, 4));
    device.queue.writeBuffer(y, 0, Float32Array.of(10, 20, 30, 40));
    f(device, { x, r: y }, {}, { outputs: { y: x } });
    const readable = device.createBuffer({ size: 16, usage: 1 | 8 });
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(x, 0, readable, 0, 16);
    device.queue.submit([encoder.finish()]);
    await readable.mapAsync(1);
    expect(new Float32Array(readable.getMappedRange())).toEqual(Float32Array.of(11, 22, 33, 44));
    expect(() => f(device, { x, r: x }, {}, { outputs: { y } })).not.toThrow();
    // tirc/runtime takes arrays on the host: one array for two inputs is two buffers.
    const data = Float32Array.of(1, 2, 3, 4);
    expect((await runKernel(device, kernel, { x: data, r: data })).outputs.y?.data).toEqual(
      Float32Array.of(2, 4, 6, 8),
    );
  },
);

// ModelTC/LightLLM#1467, unslothai/unsloth PR #10617: the stride of a slice is dropped. Tensors here are contiguous; a part of
// an array begins where it begins, and a slice with a stride has another number of elements.
gpuTest("a part of an array is read from where it begins, and a strided slice is refused", async ({ gpu }) => {
  const { fn, kernel } = compileText(
    "fn f(x: f32[2, 4]) -> (y: f32[2, 4]) { return softmax(x, axes = [-1]) }",
    gpu.target,
  );
  const wide = Float32Array.from({ length: 24 }, (_, i) => Math.fround(Math.sin(i)));
  const part = wide.subarray(4, 12);
  const { outputs } = await runKernel(gpu.device, kernel, { x: part });
  const x = { element: "f32", shape: [2, 4], data: part.slice() } as const;
  const want = interpret(fn, tensorsOf({ x })).y as NonNullable<ReturnType<typeof interpret>[string]>;
  expect(errorOf(outputs.y as (typeof outputs)[string], want)).toBeLessThan(2e-6);
  await expect(runKernel(gpu.device, kernel, { x: wide.subarray(4, 20) })).rejects.toThrow(
    "8 elements, but its data has 16",
  );
});

// gfx-rs/wgpu#4500, naga#2482, #3181, linebender/vello PR #199: on Metal a uniform load of workgroup memory right after a barrier
// may be stale.
test("no kernel loads workgroup memory at an index that is the same for all lanes", () => {
  for (const text of [norm, whole]) {
    for (const target of targetsFor(manyLanes(targetByName("swiftshader"), 300))) {
      const { wgsl } = compileText(text, target).kernel;
      const names = workgroupArrays(wgsl).map(({ name }) => name);
      expect(names.length).toBeGreaterThan(0);
      const indices = [...wgsl.matchAll(new RegExp(`\\b(?:${names.join("|")})\\[([^\\]]*)\\]`, "g"))].map(
        ([, at]) => at,
      );
      // `first` is `(local - lane) / subgroup`: a row's place in the workgroup.
      for (const index of indices) expect(index).toMatch(/\b(local|first)\b/);
    }
  }
});

/*
 * Not here:
 * - hexops/mach#1209, an index into a private array after a `break` (D3D12): kernels have no `break`, and index what a lane
 *   keeps in counted loops.
 * - gfx-rs/wgpu#4006, #4566, #8151, barriers in control flow that is not uniform: Tint checks every kernel (valid.test.ts).
 * - Offsets and strides of a GPUBuffer: a module binds buffers from their beginning, and tensors are contiguous.
 */
