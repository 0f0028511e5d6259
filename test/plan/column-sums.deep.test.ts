/** Reductions over rows of any number, up to ten million, of one column or of 131072: as one kernel, and as two. */

import { describe, expect } from "vitest";
import { compile } from "../../src/driver/compile.ts";
import { randomNumbers } from "../../src/ir/random.ts";
import { parse } from "../../src/parse/parse.ts";
import { planManifest } from "../../src/plan/manifest.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { runPlan } from "../../src/runtime/prepare-plan.ts";
import { gpuTest } from "../support/gpu.ts";

const shapes = [
  [1, 1],
  [1, 131072],
  [7, 131072],
  [65537, 32],
  [65537, 1],
  [255, 131072],
  [10_000_000, 1],
  [10_000_000, 3],
] as const;

/** By column, in float64: the sum, the sum of absolute values, and the largest. */
function wanted(x: Float32Array, n: number) {
  const [sums, sizes, most] = [new Float64Array(n), new Float64Array(n), new Float64Array(n).fill(-Infinity)];
  for (const [i, value] of x.entries()) {
    const column = i % n;
    sums[column] = (sums[column] as number) + value;
    sizes[column] = (sizes[column] as number) + Math.abs(value);
    most[column] = Math.max(most[column] as number, value);
  }
  return { sums, sizes, most };
}

describe.each(shapes)("%d rows of %d", (rows, n) => {
  gpuTest.for(["none", "all"] as const)("split: %s", { timeout: 600_000 }, async (splitReductions, { gpu }) => {
    const text = `fn f(x: f32[rows, ${n}]) -> (s: f32[${n}], m: f32[${n}]) {
  return sum(x, axes = [0]), max(x, axes = [0])
}`;
    const { plans, kernels } = compile(parse(text), { target: gpu.target, splitReductions });
    const next = randomNumbers(rows + n);
    const x = Float32Array.from({ length: rows * n }, () => 2 * next() - 0.9);
    const plan = { plan: planManifest(plans[0] as Plan), kernels };
    const { outputs } = await runPlan(gpu.device, plan, { x });
    const { sums, sizes, most } = wanted(x, n);
    const off = Array.from(outputs.s?.data as Float32Array, (sum, i) => {
      return Math.abs(sum - (sums[i] as number)) / (sizes[i] as number);
    });
    expect(off.reduce((a, b) => Math.max(a, b), 0)).toBeLessThan(2e-6);
    expect(Float64Array.from(outputs.m?.data as Float32Array)).toEqual(most);
  });
});
