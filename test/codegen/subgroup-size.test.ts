/**
 * Kernels that ask for a subgroup size reduce by it, and Dawn accepts them if the device supports that size. Others reduce by the
 * size that the device has chosen.
 */

import { describe, expect, test } from "vitest";
import { proveKernel } from "../../codegen/prove.ts";
import { compile, optimize } from "../../src/driver/compile.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { parse } from "../../src/parse/parse.ts";
import { runKernel } from "../../src/runtime/prepare.ts";
import type { Kernel } from "../../src/target/manifest.ts";
import { checkTarget, type TargetProfile, targetByName } from "../../src/target/target.ts";
import { driverTest } from "../support/gpu.ts";
import { hasTint, validateWgsl } from "../support/tint.ts";

const asking = (size: number, more: object = {}): TargetProfile => {
  const features = ["subgroups", "subgroup-size-control"];
  return checkTarget({ name: "mine", kind: "gpu", features, subgroup: { min: 4, max: 128, size }, ...more }, "mine");
};
const text = (columns: number) =>
  `fn f(x: f32[rows, ${columns}]) -> f32[rows, ${columns}] { return layernorm(x, axes = [-1]) }`;
const kernelFor = (target: TargetProfile, columns = 768) =>
  compile(parse(text(columns)), { target }).kernels[0] as Kernel;

describe.each([16, 64, 128])("a size of %i", (size) => {
  test("is asked for, and lanes merge by as many", () => {
    const { wgsl, manifest } = kernelFor(asking(size));
    expect(wgsl).toMatch(/^enable subgroups;\nenable subgroup_size_control;\n/);
    const [, workgroup] = wgsl.match(/@workgroup_size\((\d+)\) @subgroup_size\(\d+\)/) ?? [];
    expect(wgsl).toContain(`@subgroup_size(${size})`);
    expect(Number(workgroup) % size).toBe(0);
    const shuffles = [...wgsl.matchAll(/(subgroupShuffleXor|quadSwap[XY])\(\w+(?:, (\d+)u)?\)/g)];
    const within = Array.from({ length: Math.log2(Math.min(size, 64)) }, (_, i) => 2 ** i);
    expect(shuffles.slice(0, within.length).map(([, name, mask]) => mask ?? name)).toEqual(
      within.map((mask) => ({ 1: "quadSwapX", 2: "quadSwapY" })[mask] ?? String(mask)),
    );
    expect(wgsl.includes("workgroupBarrier")).toBe(size < 64);
    expect(manifest.requiredFeatures).toEqual(["subgroups", "subgroup-size-control"]);
    // The device itself rejects other sizes.
    expect(manifest.requiredSubgroupSize).toBeUndefined();
  });

  test.skipIf(!hasTint)("compiles, and makes a pipeline", async () => {
    for (const columns of [64, 768, 769, 16384]) {
      expect(await validateWgsl(kernelFor(asking(size), columns).wgsl, {})).toEqual([]);
    }
  });
});

test("of 16 is halved where lanes cache 32 elements or more of a row, which would not fit in Intel's registers", () => {
  const sizeOf = (size: number, columns: number) =>
    kernelFor(asking(size), columns).wgsl.match(/@subgroup_size\((\d+)\)/)?.[1];
  expect([768, 4096, 8192, 16384].map((columns) => sizeOf(16, columns))).toEqual(["16", "16", "8", "8"]);
  // The last step of an odd row is cached like the others.
  expect(sizeOf(16, 8191)).toBe("8");
  // Longer rows are read twice.
  expect(sizeOf(16, 32768)).toBe("16");
  expect(sizeOf(64, 16384)).toBe("64");
});

test("with a size of 16, lanes cache up to 32 single elements, whose addresses take registers too", () => {
  const cached = (size: number, columns: number) =>
    kernelFor(asking(size), columns).wgsl.match(/array<\w+, (\d+)>;\n {2}var/)?.[1];
  expect([8191, 8193, 16383].map((columns) => cached(16, columns))).toEqual(["32", undefined, undefined]);
  expect([16384, 8196].map((columns) => cached(16, columns))).toEqual(["16", "9"]);
  expect(cached(64, 16383)).toBe("64");
});

test("the kernel computes its function", () => {
  const { module } = optimize(parse(text(70)));
  for (const size of [16, 64]) {
    const proved = (wgsl: (text: string) => string) =>
      proveKernel(module.fns[0] as Fn, [], asking(size), {}, { elements: 2 ** 14, wgsl }).verdict;
    expect(proved((text) => text)).toBe("equal");
    expect(proved((text) => text.replace(/@subgroup_size\(\d+\)/, "@subgroup_size(8)"))).toBe("unsound");
  }
});

test("is not asked for where a workgroup has fewer lanes, no size is given, or nothing merges", () => {
  const limits = { maxComputeInvocationsPerWorkgroup: 32 };
  const { wgsl, manifest } = kernelFor(asking(64, { limits }));
  expect(wgsl).not.toContain("@subgroup_size");
  expect(manifest).toMatchObject({ requiredFeatures: ["subgroups"], requiredSubgroupSize: 4 });
  const unsaid = { ...asking(64), subgroup: { min: 32, max: 32 } };
  expect(kernelFor(unsaid).wgsl).toBe(kernelFor(targetByName("gpu-subgroup-32")).wgsl);
  const flat = compile(parse("fn f(x: f32[n]) -> f32[n] { return x + 1 }"), { target: asking(64) })
    .kernels[0] as Kernel;
  expect(flat.manifest.requiredFeatures).toEqual([]);
});

test("four adjacent lanes of a graphics card exchange their states by quad operations", () => {
  const quads = (target: TargetProfile) => kernelFor(target).wgsl.match(/quadSwap\w+/g) ?? [];
  expect(new Set(quads(targetByName("gpu-subgroup-32")))).toEqual(new Set(["quadSwapX", "quadSwapY"]));
  // Processors emulate them, and a workgroup of fewer lanes has no whole quad.
  expect(quads(targetByName("swiftshader"))).toEqual([]);
  const limits = { maxComputeInvocationsPerWorkgroup: 2, maxComputeWorkgroupSizeX: 2 };
  const { wgsl } = kernelFor(choosing(4, 4, { limits }), 64);
  expect(wgsl).toContain("subgroupShuffleXor(x_moments, 1u)");
  expect(quads(choosing(4, 4, { limits }))).toEqual([]);
});

/** Of a device that chooses, from 4 lanes or as many as it has on. */
const choosing = (min: number, max: number, more: object = {}) =>
  checkTarget({ name: "mine", kind: "gpu", features: ["subgroups"], subgroup: { min, max }, ...more }, "mine");

describe("a size that the device chooses", () => {
  test("is what the kernel folds by: a row of no more lanes passes through no workgroup memory", () => {
    const { wgsl, manifest } = kernelFor(choosing(8, 32), 256);
    expect(wgsl).toContain("@builtin(subgroup_size) subgroupSize: u32");
    expect(manifest).toMatchObject({ requiredFeatures: ["subgroups"], requiredSubgroupSize: 8 });
    const [, alone, through] = wgsl.match(/(if \(subgroupSize < 32u\) \{)([\s\S]*?)\n {2}\}\n/) ?? [];
    expect(alone).toBeDefined();
    expect(wgsl.match(/workgroupBarrier/g)).toHaveLength(through?.match(/workgroupBarrier/g)?.length ?? 0);
    // There is nothing to choose if all lanes of a row are in one subgroup.
    expect(kernelFor(choosing(32, 64), 256).wgsl).not.toContain("subgroup_size");
  });

  test.skipIf(!hasTint)("is uniform: Dawn takes barriers under conditions of it", async () => {
    for (const columns of [64, 769, 16384]) {
      expect(await validateWgsl(kernelFor(choosing(4, 128), columns).wgsl, {})).toEqual([]);
    }
  });

  test("may be any: the kernel computes its function by each", () => {
    // 128 lanes a row of 2048: of subgroups of 8, each lane merges two states before it shuffles.
    const { module } = optimize(parse("fn f(x: f32[rows, 2048]) -> f32[rows] { return mean(x, axes = [-1]) }"));
    const proved = (wgsl: (text: string) => string = (text) => text) =>
      proveKernel(module.fns[0] as Fn, [], choosing(8, 64), {}, { elements: 2 ** 12, wgsl }).verdict;
    expect(proved()).toBe("equal");
    // Too few lanes, too many, and one state merged twice.
    expect(proved((text) => text.replace("subgroupSize >= 16u", "subgroupSize >= 32u"))).toBe("different");
    expect(proved((text) => text.replace("subgroupSize >= 16u", "subgroupSize >= 8u"))).toBe("unsound");
    expect(proved((text) => text.replace("subgroupSize == 32u", "subgroupSize >= 32u"))).not.toBe("equal");
  });

  driverTest("gives the bits of any other size", async ({ device, target }) => {
    const columns = 769;
    const x = Float32Array.from({ length: 3 * columns }, (_, i) => Math.sin(i * 12.9898) * 3);
    const { min = 4 } = target.subgroup ?? {};
    const ran = async (target: TargetProfile) => {
      const module = parse(
        `fn f(x: f32[3, ${columns}]) -> f32[3, ${columns}] { return softmax(layernorm(x, axes = [-1]), axes = [-1]) }`,
      );
      const [kernel] = compile(module, { target }).kernels as [Kernel];
      const { outputs } = await runKernel(device, kernel, { x });
      return [...new Uint32Array((outputs.out0 as { data: Float32Array }).data.buffer)];
    };
    const own = await ran(choosing(min, min));
    expect(own.some((bits) => bits !== 0)).toBe(true);
    expect(await ran(choosing(min, 64))).toEqual(own);
    if (min > 4) expect(await ran(choosing(4, 64))).toEqual(own);
  });
});
