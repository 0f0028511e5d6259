/** Kernels that ask for a subgroup size fold by it, and Dawn takes them where the device may take that size. */

import { describe, expect, test } from "vitest";
import type { Kernel } from "../../codegen/manifest.ts";
import { proveKernel } from "../../codegen/prove.ts";
import { checkTarget, type TargetProfile, targetByName } from "../../codegen/target.ts";
import { compile, optimize } from "../../src/compile.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { parse } from "../../src/parse/parse.ts";
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
    expect(wgsl.match(/subgroupShuffleXor\(\w+, (\d+)u\)/g)?.length).toBeGreaterThan(3);
    expect(wgsl.includes("workgroupBarrier")).toBe(size < 64);
    expect(manifest.requiredFeatures).toEqual(["subgroups", "subgroup-size-control"]);
    // The device refuses another size by itself.
    expect(manifest.requiredSubgroupSize).toBeUndefined();
  });

  test.skipIf(!hasTint)("compiles, and makes a pipeline", async () => {
    for (const columns of [64, 768, 769, 16384]) {
      expect(await validateWgsl(kernelFor(asking(size), columns).wgsl, {})).toEqual([]);
    }
  });
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
  expect(wgsl).not.toContain("subgroup_size");
  expect(manifest).toMatchObject({ requiredFeatures: ["subgroups"], requiredSubgroupSize: 4 });
  const unsaid = { ...asking(64), subgroup: { min: 32, max: 64 } };
  expect(kernelFor(unsaid).wgsl).toBe(kernelFor(targetByName("gpu-subgroup-32")).wgsl);
  const flat = compile(parse("fn f(x: f32[n]) -> f32[n] { return x + 1 }"), { target: asking(64) })
    .kernels[0] as Kernel;
  expect(flat.manifest.requiredFeatures).toEqual([]);
});
