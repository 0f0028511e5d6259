/** Kernels stay within the workgroup memory that their target has. */

import { expect, test } from "vitest";
import { defaultLimits, type TargetProfile } from "../../src/target/target.ts";
import { allTargets, compileText } from "../support/compile.ts";
import { gpuTest } from "../support/gpu.ts";
import { compareKernel, inputsFor } from "../support/oracle.ts";
import { workgroupArrays } from "../support/rewritten-kernel.ts";

/** States of all types: f32, i32, u32 and moments. */
const text = `fn f(x: f32[n, 4096], i: i32[n, 4096], u: u32[n, 4096]) -> (y: f32[n, 4096], a: i32[n], b: u32[n], m: f32[n]) {
  return layernorm(x, axes = [-1]), sum(i, axes = [-1]), max(u, axes = [-1]), max(x, axes = [-1])
}`;

/** As WebGPU counts them: each variable is rounded up to 16. */
const bytesOf = (wgsl: string) =>
  workgroupArrays(wgsl)
    .map(({ type, count }) => Math.ceil((count * (type === "vec4f" ? 16 : 4)) / 16) * 16)
    .reduce((sum, bytes) => sum + bytes, 0);

const small = (target: TargetProfile, bytes: number): TargetProfile => {
  return { ...target, limits: { ...target.limits, maxComputeWorkgroupStorageSize: bytes } };
};

test.each(allTargets)("of $name", (target) => {
  const usual = compileText(text, target).kernel;
  expect(bytesOf(usual.wgsl)).toBeLessThanOrEqual(defaultLimits.maxComputeWorkgroupStorageSize);
  for (const bytes of [16384, 8192, 2048, 1024, 256, 64, 16, 1]) {
    const schedules = [
      { fn: "f", columns: 4096, choice: { ...{ lanes: 256, workgroup: 256 }, rowsPerLane: 1, width: 4, keep: 64 } },
    ] as const;
    for (const one of [small(target, bytes), { ...small(target, bytes), schedules }]) {
      expect(bytesOf(compileText(text, one).kernel.wgsl), `${bytes} bytes`).toBeLessThanOrEqual(bytes);
    }
  }
  // Where there is enough, the limit changes nothing.
  expect(compileText(text, small(target, 8192)).kernel.wgsl).toBe(usual.wgsl);
});

test("reductions of one stage share the barriers of a tree, where there is room", () => {
  const barriers = (results: string, count: number, target = allTargets[0] as TargetProfile) => {
    const types = Array.from({ length: count }, (_, i) => `r${i}: f32[n]`).join(", ");
    const { wgsl } = compileText(`fn f(x: f32[n, 768]) -> (${types}) { return ${results} }`, target).kernel;
    return wgsl.split("workgroupBarrier();").length - 1;
  };
  const one = barriers("sum(x, axes = [-1])", 1);
  const three = "sum(x, axes = [-1]), max(x, axes = [-1]), var(x, axes = [-1])";
  expect(barriers(three, 3)).toBe(one);
  expect(barriers(three, 3, { ...(allTargets[3] as TargetProfile), subgroup: { min: 8, max: 8 } })).toBe(1);
  // Two sums would have an array each: with room for one, the second waits for the first.
  const two = "sum(x, axes = [-1]), max(x, axes = [-1])";
  expect(barriers(two, 2, small(allTargets[0] as TargetProfile, 600))).toBe(2 * one + 1);
});

gpuTest("and the numbers are right with next to none", async ({ gpu }) => {
  const portable = { ...(allTargets[0] as TargetProfile), limits: gpu.target.limits };
  const shorter = text.replaceAll("4096", "100");
  for (const bytes of [256, 1]) {
    const { fn, kernel } = compileText(shorter, small(portable, bytes));
    const { errors } = await compareKernel(gpu.device, kernel, fn, inputsFor(fn, { n: 3 }));
    for (const error of Object.values(errors)) expect(error).toBeLessThan(2e-6);
  }
});
