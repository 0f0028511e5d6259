/** Kernels count with 32 bits: whatever the extents, a launch is refused, or no index of it wraps. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compact } from "../../src/emit/compact-manifest.ts";
import { emitModule } from "../../src/emit/module.ts";
import { interpret } from "../../src/ir/interpret.ts";
import type { Dim } from "../../src/ir/types.ts";
import { mostCounted, overflowOf, product, workgroupsOf } from "../../src/launch/counts.ts";
import { entryFor } from "../../src/launch/entries.ts";
import { extents } from "../../src/runtime/bind-inputs.ts";
import { fromNumbers } from "../../src/runtime/host-tensor.ts";
import { runKernel } from "../../src/runtime/prepare.ts";
import type { Kernel } from "../../src/target/manifest.ts";
import { temporaryFolder } from "../support/built.ts";
import { checkIndices } from "../support/checked-index.ts";
import { allTargets, compileText, targetsFor } from "../support/compile.ts";
import { diagnosticsOf, rejectionOf } from "../support/diagnostics.ts";
import { driverTest, gpuTest } from "../support/gpu.ts";
import { errorOf, inputsFor, tensorsOf } from "../support/oracle.ts";

/** Small tensors that are broadcast to large iteration spaces, with or without a reduction. */
const programs = [
  `fn f(x: f32[a, 1], y: f32[1, b]) -> (m: f32, s: f32) {
    let z = x + y
    return max(z, axes = [0, 1]), sum(z, axes = [0, 1])
  }`,
  "fn f(x: f32[a, 1, c], y: f32[1, b, 1]) -> f32[a, b] { return sum(x + y, axes = [2]) }",
  "fn f(x: f32[a, b, 1], y: f32[1, 1, c]) -> f32[a] { return max(x * y, axes = [1, 2]) }",
  "fn f(x: f32[a, 1, 12], y: f32[1, b, 12]) -> f32[a, b] { return max(x + y, axes = [-1]) }",
  "fn f(x: f32[a, 1, 12], y: f32[1, b, 12]) -> f32[12] { return min(x + y, axes = [0, 1]) }",
  "fn f(x: f32[a, 1, b], y: f32[1, c, 1]) -> f32[b] { return sum(x + y, axes = [0, 1]) }",
  "fn f(x: f32[a, 1], y: f32[1, b]) -> f32[a, b] { return x + y }",
  "fn f(x: f32[a, a]) -> f32[a, a] { return x + transpose(x, perm = [1, 0]) }",
  "fn f(x: f32[a, 1, b, 1], y: f32[1, c, 1, 65536]) -> f32[a, c] { return max(x + y, axes = [2, 3]) }",
];

const kernels = programs.flatMap((text) => {
  const compiled = allTargets.map((target) => compileText(text, target).kernel);
  return [...new Map(compiled.map((kernel) => [kernel.wgsl, kernel])).values()];
});

const isSmall = ({ manifest }: Kernel, dims: Record<string, number>) =>
  manifest.bindings.every(({ shape }) => exactProduct(shape, dims) < 2n ** 32n);

const exactProduct = (shape: readonly Dim[], dims: Record<string, number>) =>
  extents(shape, dims).reduce((product, extent) => product * BigInt(extent), 1n);

const near = (middle: number) =>
  fc.integer({ min: Math.max(0, middle - 300), max: Math.min(2 ** 32 - 1, middle + 300) });
const extent = fc.oneof(
  ...[fc.constantFrom(0, 1, 2, 3, 255, 65535, 65536, 65537, 2 ** 31, 2 ** 32 - 1), fc.nat(2 ** 16)],
  ...[near(2 ** 16), near(2 ** 31), near(2 ** 32 - 256), fc.integer({ min: 0, max: 2 ** 32 - 1 })],
);
/** Also such as a product of two is near 2^32. */
const dimensions = fc.oneof(
  fc.record({ a: extent, b: extent, c: extent }),
  fc
    .tuple(fc.integer({ min: 1, max: 2 ** 20 }), fc.integer({ min: -400, max: 400 }), fc.boolean())
    .map(([a, off, isSwapped]) => {
      const b = Math.max(0, Math.min(2 ** 32 - 1, Math.round(2 ** 32 / a) + off));
      return isSwapped ? { a: b, b: a, c: 1 } : { a, b, c: 1 };
    }),
);

describe("a launch at any extents", () => {
  test("has at most 65535 workgroups in a dimension, and starts fewer in excess than it has in the second", () => {
    const property = fc.property(fc.integer({ min: 0, max: mostCounted }), fc.constantFrom(1, 4, 32), (rows, per) => {
      const count = Math.ceil(rows / per);
      const [x, y] = workgroupsOf({ rowsPerWorkgroup: per }, rows);
      // Beyond 32 bits `overflowOf` refuses the launch.
      if (x * y * per > mostCounted) return;
      expect(Math.max(x, y)).toBeLessThanOrEqual(65535);
      expect(x * y).toBeGreaterThanOrEqual(count);
      expect(x * y - count).toBeLessThan(y);
    });
    fc.assert(property, {
      numRuns: 5000,
      seed: 1,
      examples: [
        [65535, 1],
        [65536, 1],
        [131071, 1],
        [0, 1],
      ],
    });
  });

  test("is refused, or no index wraps and every element is inside of its buffer", () => {
    let counted = 0;
    const property = fc.property(fc.constantFrom(...kernels), dimensions, (kernel, dims) => {
      const { dispatch, bindings } = kernel.manifest;
      const rows = extents(dispatch.rows, dims).reduce((all, one) => all * one, 1);
      if (!isSmall(kernel, dims) || rows === 0) return;
      const resolve = (dim: Dim) => extents([dim], dims)[0] as number;
      if (overflowOf(dispatch, resolve) !== undefined) return;
      counted++;
      const groups = workgroupsOf(dispatch, rows);
      const size = kernel.manifest.workgroupSize[0];
      for (const group of [[0, 0] as const, [groups[0] - 1, groups[1] - 1] as const]) {
        for (const local of [0, size - 1]) {
          checkIndices(kernel, dims, { group, groups, local }, (buffer, index) => {
            const binding = bindings.find(({ name }) => buffer === `in_${name}` || buffer === `out_${name}`);
            expect(index < exactProduct(binding?.shape ?? [], dims)).toBe(true);
          });
        }
      }
    });
    fc.assert(property, { numRuns: 4000, seed: 1 });
    expect(counted).toBeGreaterThan(500);
  });

  test("is refused only where a count is beyond 32 bits, or so near that a whole workgroup or step would be", () => {
    let refused = 0;
    const property = fc.property(fc.constantFrom(...kernels), dimensions, (kernel, dims) => {
      const { dispatch } = kernel.manifest;
      const found = overflowOf(dispatch, (dim) => extents([dim], dims)[0] as number);
      if (found === undefined) return;
      refused++;
      const shape = found[0] === "rows" ? dispatch.rows : dispatch.columns;
      const all = shape.map((dim) => BigInt(Math.max(1, extents([dim], dims)[0] as number)));
      const exact = all.reduce((product, one) => product * one, 1n);
      // The last iteration of all workgroups, or of the loop over blocks, would exceed 32 bits.
      const slack = found[0] === "rows" ? 65535 * dispatch.rowsPerWorkgroup : 0;
      expect(exact).toBeGreaterThan(2n ** 32n - BigInt(slack) - 2n ** 20n);
    });
    fc.assert(property, { numRuns: 2000, seed: 2 });
    expect(refused).toBeGreaterThan(200);
  });

  test("is refused by the runtime and by a module alike", async () => {
    const launches = await Promise.all(kernels.map(moduleOf));
    let refused = 0;
    const property = fc.property(fc.nat(kernels.length - 1), dimensions, (at, dims) => {
      const kernel = kernels[at] as Kernel;
      const extentOf = (dim: number | string) => extents([dim], dims)[0] as number;
      const manifest = compact(kernel.manifest);
      // Each entry point has its own number of rows per workgroup.
      const found = overflowOf(
        entryFor(manifest, product(manifest.rows.map(extentOf)), extentOf) ?? manifest,
        extentOf,
      );
      const message = launches[at]?.(dims);
      if (found !== undefined) {
        refused++;
        expect(message).toContain(`f: ${found[1]} ${found[0]} (`);
      } else expect(message).toBeUndefined();
    });
    fc.assert(property, { numRuns: 2000, seed: 3 });
    expect(refused).toBeGreaterThan(200);
  });
});

/** The errors of a kernel's module about dimensions, on a device that accepts buffers of any size. */
async function moduleOf(kernel: Kernel): Promise<(dims: Record<string, number>) => string | undefined> {
  const path = join(temporaryFolder(), "kernel.mjs");
  writeFileSync(path, emitModule([kernel], { language: "js", source: "f.tir" }));
  const { f } = await import(/* @vite-ignore */ pathToFileURL(path).href);
  const buffer = () => ({
    size: Infinity,
    usage: 128,
    getMappedRange: () => new ArrayBuffer(64),
    unmap() {},
    destroy() {},
  });
  const pass = { setPipeline() {}, setBindGroup() {}, dispatchWorkgroups() {}, end() {} };
  const device = {
    features: new Set(kernel.manifest.requiredFeatures),
    adapterInfo: { subgroupMinSize: kernel.manifest.requiredSubgroupSize },
    limits: { maxStorageBufferBindingSize: Infinity, maxBufferSize: Infinity, minUniformBufferOffsetAlignment: 256 },
    queue: { submit() {}, writeBuffer() {} },
    ...{ createBuffer: buffer, createBindGroup() {}, createBindGroupLayout() {}, createPipelineLayout() {} },
    ...{ createShaderModule() {}, createComputePipeline: () => ({ getBindGroupLayout() {} }) },
    createCommandEncoder: () => ({ beginComputePass: () => pass, finish() {} }),
  };
  const inputs = Object.fromEntries(kernel.manifest.bindings.map(({ name }) => [name, buffer()]));
  return (dims) => {
    const known = Object.fromEntries(kernel.manifest.dims.map(({ name }) => [name, dims[name]]));
    try {
      f(device, inputs, known);
      return undefined;
    } catch (caught) {
      return (caught as Error).message;
    }
  };
}

describe("65536 columns and as many rows, broadcast against each other", () => {
  const [text] = programs as [string];
  const ones = (shape: number[]) =>
    fromNumbers("f32", shape, new Float64Array(65537).fill(1).subarray(0, Math.max(...shape)));

  gpuTest("are refused before the launch, with the number", async ({ gpu }) => {
    for (const target of targetsFor(gpu.target)) {
      const { kernel } = compileText(text, target);
      const call = runKernel(gpu.device, kernel, { x: ones([65536, 1]), y: ones([1, 65536]) });
      expect(await rejectionOf(call)).toEqual([
        "E0608: `f` would count 4294967296 steps along a row (65536 x 65536), but counts with 32 bits\n" +
          `note: it counts up to ${mostCounted}\n` +
          "help: choose smaller dimensions, and run the kernel once for each part",
      ]);
    }
  });

  test("are refused when they are compiled, where they are written out", () => {
    const written = (text: string) => text.replace(/\ba\b(?=[,\]])/g, "65537").replace(/\bb\b(?=[,\]])/g, "65535");
    expect(diagnosticsOf(() => compileText(written(text)))).toEqual([
      "E0507: the kernel of `f` would count 4294967295 steps along a row (65537 x 65535), but counts with 32 bits\n" +
        `note: it counts up to ${mostCounted}\n` +
        "help: make the tensors smaller, and run the function once for each part",
    ]);
    const some = "fn f(x: f32[n, a, 1], y: f32[1, 1, b]) -> f32[n] { return max(x + y, axes = [1, 2]) }";
    expect(diagnosticsOf(() => compileText(written(some)))[0]).toContain(
      "4294967295 steps along a row (65537 x 65535)",
    );
    const rows = "fn f(x: f32[a, 1], y: f32[1, b]) -> f32[a, b] { return x + y }";
    expect(diagnosticsOf(() => compileText(written(rows)))[0]).toContain("would count 4294967295 rows (65537 x 65535)");
    const strides = "fn f(x: f32[n, a, m, b]) -> f32[n, m] { return max(x, axes = [1, 3]) }";
    expect(diagnosticsOf(() => compileText(written(strides)))[0]).toContain("4294967295");
    // Counted in vectors of four, they fit.
    expect(diagnosticsOf(() => compileText(written(text).replaceAll("65535", "65532")))).toEqual([]);
  });
});

/** Divisions by extents of 0 are errors of WGSL, even where nothing is computed with the quotient. */
describe("an extent of 0", () => {
  const cases = [
    ["fn f(x: f32[n, a, 1, b], y: f32[n, 1, c, b]) -> f32[n] { return sum(x + y, axes = [1, 2, 3]) }", "nabc"],
    ["fn f(x: f32[n, a, 1, b], y: f32[n, 1, c, b]) -> f32[n, a, c, b] { return x + y }", "b"],
    ["fn f(x: f32[n, a, 1], y: f32[n, 1, b]) -> (m: f32, s: f32[b]) { return 3, sum(x + y, axes = [0, 1]) }", "nb"],
  ] as const;
  driverTest("in any place gives what the reference gives", async (gpu) => {
    for (const [text, empty] of cases) {
      const { fn, kernel } = compileText(text, gpu.target);
      for (const name of empty) {
        const dims = { n: 2, a: 2, b: 3, c: 2, [name]: 0 };
        const inputs = inputsFor(fn, dims);
        const { outputs } = await runKernel(gpu.device, kernel, inputs);
        for (const [result, want] of Object.entries(interpret(fn, tensorsOf(inputs)))) {
          expect(errorOf(outputs[result] as (typeof outputs)[string], want), `${text} ${name}`).toBeLessThan(1e-6);
        }
      }
    }
  });

  gpuTest("that is written out compiles, and runs", async ({ gpu }) => {
    const { kernel } = compileText(
      "fn f(x: f32[2, 0, 3], y: f32[2, 1, 3]) -> f32[2, 0, 3] { return x + y }",
      gpu.target,
    );
    const inputs = { x: fromNumbers("f32", [2, 0, 3], []), y: fromNumbers("f32", [2, 1, 3], [1, 2, 3, 4, 5, 6]) };
    expect((await runKernel(gpu.device, kernel, inputs)).outputs.out0?.data).toHaveLength(0);
  });
});
