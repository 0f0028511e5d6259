/** Sums of (x - mean(x)) * y are reduced along with the means, in one pass over the row, as accurately as in two. */

import { describe, expect, test } from "vitest";
import { proveKernel } from "../../codegen/prove.ts";
import { compile, optimize } from "../../src/driver/compile.ts";
import type { Fn } from "../../src/ir/ir.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { parse } from "../../src/parse/parse.ts";
import type { HostTensor } from "../../src/runtime/host-tensor.ts";
import { portableTarget, type TargetProfile, targetByName } from "../../src/target/target.ts";
import { compileText, targetsFor } from "../support/compile.ts";
import { gpuTest } from "../support/gpu.ts";
import { backwardText } from "../support/gradients.ts";
import { compareKernel, type Fill, inputsFor, normal } from "../support/oracle.ts";

const along = "axes = [-1], keepdims = true";
const of = (n: number | string, body: string) => `fn f(x: f32[rows, ${n}], y: f32[rows, ${n}]) -> (s: f32[rows, 1]) {
  ${body}
}`;
const covariance = (n: number | string) =>
  of(n, `return mean((x - mean(x, ${along})) * (y - mean(y, ${along})), ${along})`);
const wgslOf = (text: string, options: Parameters<typeof compile>[1] = {}) =>
  compile(parse(text), options).kernels[0]?.wgsl ?? "";

const layernormByX = (n: number) =>
  backwardText(
    `fn f(x: f32[rows, ${n}], g: f32[${n}], b: f32[${n}]) -> (y: f32[rows, ${n}]) {
  return layernorm(x, g, b, axes = [-1])
}`,
    { wrt: ["x"] },
  );

describe("d_x of a LayerNorm", () => {
  // A lane on a processor caches nothing of a long row, so that each loop over it reads it again.
  test.each(["swiftshader", "lavapipe"])("walks over its row twice, for %s", (target) => {
    const wgsl = wgslOf(layernormByX(4096), { target: targetByName(target) });
    const registerRows = wgsl.match(/let isRow/g)?.length;
    // The shift is chosen from two units of vectors of two.
    expect(wgsl.match(/in_x\[/g)).toHaveLength((2 + 2) * (registerRows as number));
  });

  test("has one round of barriers where lanes merge in workgroup memory", () => {
    const loops = wgslOf(layernormByX(4096), { target: "portable" }).match(/half > 0u|half = \d+u/g);
    expect(loops?.filter((text) => text.startsWith("half ="))).toHaveLength(1);
  });
});

describe("is no covariance", () => {
  const isOne = (text: string, options?: Parameters<typeof compile>[1]) => wgslOf(text, options).includes("comoments");

  test("unless: one of the two is centered, or both", () => {
    expect(isOne(covariance(12))).toBe(true);
    expect(isOne(of(12, `return sum(y * (x - mean(x, ${along})), ${along})`))).toBe(true);
  });

  test.each([
    ["a variance", `let c = x - mean(x, ${along})\n  return mean(c * c, ${along})`],
    ["a product of what is not centered", `return mean(x * y, ${along}) + mean(x, ${along})`],
    ["what is off another row's mean", `return mean((x - mean(y, ${along})) * y, ${along})`],
    [
      "what comes after another reduction anyway",
      `return mean((x - mean(x, ${along})) * (y * max(abs(y), ${along})), ${along})`,
    ],
    ["a factor that is the same along the row", `return sum((x - mean(x, ${along})) * min(y, ${along}), ${along})`],
    [
      "a mean that is itself subtracted",
      `let p = (x - mean(x, ${along})) * y\n  return max(p - mean(p, ${along}), ${along})`,
    ],
  ])("%s", (_, body) => expect(isOne(of(12, body))).toBe(false));

  test("where each op is as in a kernel of its own, and where a mean is a reduction before the next", () => {
    expect(isOne(covariance(12), { rounding: "strict" })).toBe(false);
    expect(isOne(covariance(12), { reduction: "two-fold" })).toBe(false);
  });
});

describe("in exact arithmetic", () => {
  const tree: TargetProfile = {
    ...portableTarget,
    limits: { ...portableTarget.limits, maxComputeInvocationsPerWorkgroup: 16 },
  };
  const text = (
    n: number | string,
  ) => `fn f(x: f32[rows, ${n}], y: f32[rows, ${n}]) -> (c: f32[rows, 1], v: f32[rows, 1], p: f32[rows, ${n}]) {
  let m = mean(x, ${along})
  let d = y - mean(y, ${along})
  return sum((x - m) * d, ${along}), var(y, ${along}), (x - m) * mean(y * (x - m), ${along}) - d
}`;
  const proof = (n: number | string, target: TargetProfile, wgsl?: (text: string) => string) => {
    const module = optimize(parse(text(n))).module;
    const how = { elements: 2 ** 14, ...(wgsl && { wgsl }) };
    return proveKernel(module.fns[0] as Fn, module.consts, target, {}, how).verdict;
  };

  // Even lanes, a remainder that each lane reads, one that is shared, lanes that count, and blocks of steps.
  test.each([
    [74, tree],
    [70, targetByName("lavapipe")],
    [30, targetByName("gpu-subgroup-32")],
    ["n", targetByName("swiftshader")],
    [4096, targetByName("swiftshader")],
  ] as const)("rows of %s", (n, target) => {
    expect(proof(n, target)).toBe("equal");
  });

  test.each([
    ["a merge of even lanes", targetByName("lavapipe"), "delta * delta_y * half", "delta * half"],
    ["a merge of lanes that count", tree, "delta * a.x * moved_y", "delta * moved_y"],
    ["a step", tree, "+= off * delta_y", "+= delta * delta_y"],
    ["a shift", tree, "_shift_y -", "_shift -"],
  ])("a mistake in %s is found", (_, target, right, wrong) => {
    const changed = (wgsl: string) => {
      expect(wgsl).toContain(right);
      return wgsl.replace(right, wrong);
    };
    expect(proof(74, target, changed)).toBe("different");
  });
});

const outlier: Fill = (next, i) => (i % 50 === 7 ? 1e4 : normal(next));
const hard: Readonly<Record<string, { readonly x: Fill; readonly y: Fill; readonly allowed: number }>> = {
  "about 0": { x: normal, y: normal, allowed: 2e-6 },
  "both far from 0": { x: (next) => 1e4 + normal(next), y: (next) => normal(next) - 3e4, allowed: 2e-5 },
  "an outlier in either": { x: outlier, y: (next, i) => outlier(next, i + 3), allowed: 4e-6 },
  "very small": { x: (next) => 1e-25 * normal(next), y: normal, allowed: 2e-6 },
};

const offMean = (row: Float64Array) => {
  const mean = row.reduce((sum, value) => sum + value, 0) / row.length;
  return row.map((value) => value - mean);
};

// An error is told beside the mean of what the products of deviations are in size.
gpuTest.for([65, 1000, "n"] as const)("hard rows of %s keep their digits", async (n, { gpu }) => {
  const [device, portable] = targetsFor(gpu.target) as [TargetProfile, TargetProfile];
  const { fn, kernel } = compileText(covariance(n), n === 1000 ? portable : device);
  const length = n === "n" ? 333 : n;
  for (const [name, { allowed, ...fill }] of Object.entries(hard)) {
    const inputs = inputsFor(fn, { rows: 3, n: length }, { fill });
    const { outputs, wanted } = await compareKernel(gpu.device, kernel, fn, inputs);
    const row = (key: "x" | "y", at: number) => {
      const { data } = inputs[key] as HostTensor;
      return offMean(Float64Array.from(data as Float32Array).subarray(at * length, (at + 1) * length));
    };
    for (const [i, want] of (wanted.s as Tensor).data.entries()) {
      const y = row("y", i);
      const size = row("x", i).reduce((sum, value, j) => sum + Math.abs(value * (y[j] as number)), 0) / length;
      const off = Math.abs((outputs.s?.data[i] as number) - Number(want));
      expect(off / size, name).toBeLessThanOrEqual(allowed);
    }
  }
});

gpuTest("beside a constant row it is exactly 0", async ({ gpu }) => {
  const { fn, kernel } = compileText(covariance(77));
  const inputs = inputsFor(fn, { rows: 3 }, { fill: { x: normal, y: () => 0.1 } });
  const { outputs } = await compareKernel(gpu.device, kernel, fn, inputs);
  const { data } = outputs.s as HostTensor;
  expect([...(data as Float32Array)].map(Math.abs)).toEqual([0, 0, 0]);
});
