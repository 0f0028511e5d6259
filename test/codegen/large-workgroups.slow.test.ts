/** Rows that are long enough have more than 256 lanes where a GPU's limits allow it. */

import { describe, expect, test } from "vitest";
import { proveKernel } from "../../codegen/prove.ts";
import { compile, optimize } from "../../src/driver/compile.ts";
import { gradient } from "../../src/driver/gradient.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { parse } from "../../src/parse/parse.ts";
import { runKernel } from "../../src/runtime/prepare.ts";
import type { Kernel } from "../../src/target/manifest.ts";
import { checkTarget, type TargetProfile, targetByName } from "../../src/target/target.ts";
import { driverTest } from "../support/gpu.ts";

const gpu = (most: number, subgroup = { min: 32, max: 32 }): TargetProfile => {
  const limits = { maxComputeInvocationsPerWorkgroup: most, maxComputeWorkgroupSizeX: most };
  return checkTarget({ name: "mine", kind: "gpu", features: ["subgroups"], subgroup, limits }, "mine");
};
const norm = (rows: string | number, columns: number) =>
  `fn f(x: f32[${rows}, ${columns}]) -> f32[${rows}, ${columns}] { return layernorm(x, axes = [-1]) }`;
const compiled = (text: string, target: TargetProfile) => compile(parse(text), { target }).kernels[0] as Kernel;
const workgroupOf = ({ wgsl }: Kernel) => Number(wgsl.match(/@workgroup_size\((\d+)/)?.[1]);

describe("lanes of a workgroup", () => {
  const lengths = { 64: 128, 512: 128, 768: 64, 4096: 256, 8192: 256, 16384: 512, 65536: 1024, 131072: 1024 };
  test.each(Object.entries(lengths))("of %s elements: %i at most", (columns, most) => {
    for (const limit of [256, 512, 1024]) {
      const kernel = compiled(norm("rows", Number(columns)), gpu(limit));
      expect(workgroupOf(kernel)).toBe(Math.min(most, limit));
      const { maxComputeInvocationsPerWorkgroup: required = 0 } = kernel.manifest.requiredLimits;
      expect(required).toBe(Math.min(most, limit) > 256 ? Math.min(most, limit) : 0);
    }
  });

  test("are at most 256 by the limits that every device has", () => {
    expect(workgroupOf(compiled(norm("rows", 131072), targetByName("gpu-subgroup-32")))).toBe(256);
  });

  test("may need more workgroup memory than every device has, which the manifest says", () => {
    const lanes = { maxComputeInvocationsPerWorkgroup: 1024, maxComputeWorkgroupSizeX: 1024 };
    const requiredOf = (bytes: number) => {
      const limits = { ...lanes, maxComputeWorkgroupStorageSize: bytes };
      const target = checkTarget({ name: "mine", kind: "gpu", features: [], limits }, "mine");
      const row = "f32[rows, 131072]";
      const text = `fn f(x: ${row}, y: ${row}, z: ${row}) -> (f32[rows], f32[rows], f32[rows]) {
        return var(x, axes = [-1]), var(y, axes = [-1]), var(z, axes = [-1])
      }`;
      return compiled(text, target).manifest.requiredLimits.maxComputeWorkgroupStorageSize;
    };
    expect(requiredOf(49152)).toBe(3 * 1024 * 8);
    expect(requiredOf(16384)).toBeUndefined();
  });

  test("of a tile of rows, each with a sum per column: 16 elements each", () => {
    const grads = gradient(
      parse("fn f(x: f32[256, 16384], g: f32[16384]) -> f32[256, 16384] { return rmsnorm(x, g, axes = [-1]) }"),
      {
        wrt: ["x", "g"],
      },
    );
    const { kernels } = compile(grads.module, { target: gpu(1024) });
    expect(kernels.map(workgroupOf)).toContain(1024);
  });
});

test("kernels of 512 lanes compute their function", () => {
  const { module } = optimize(parse(norm("rows", 16384)));
  const proved = (wgsl: (text: string) => string = (text) => text) =>
    proveKernel(module.fns[0] as Fn, [], gpu(1024), {}, { elements: 2 ** 16, wgsl }).verdict;
  expect(proved()).toBe("equal");
  expect(proved((text) => text.replace("@workgroup_size(512", "@workgroup_size(256"))).not.toBe("equal");
});

driverTest("kernels of 512 and 1024 lanes agree with those of 256", async ({ device, target }) => {
  const { maxComputeInvocationsPerWorkgroup: limit = 256 } = target.limits;
  for (const columns of [16384, 65536]) {
    const x = Float32Array.from({ length: 2 * columns }, (_, i) => Math.sin(i * 12.9898) * 3 + 100);
    const ran = async (most: number) => {
      const kernel = compiled(norm(2, columns), gpu(Math.min(limit, most), target.subgroup));
      const { outputs } = await runKernel(device, kernel, { x });
      return (outputs.out0 as { data: Float32Array }).data;
    };
    const [few, many] = [await ran(256), await ran(1024)];
    expect(few.some((value) => Math.abs(value) > 1)).toBe(true);
    const error = few.reduce((most, value, i) => Math.max(most, Math.abs(value - (many[i] as number))), 0);
    expect(error).toBeLessThan(2e-6);
  }
});
