/**
 * Gradients with respect to a weight: the accuracy of sums over many rows, hard rows, wide rows, and reproducible bits.
 */

import { describe, expect } from "vitest";
import { compile } from "../../src/driver/compile.ts";
import { parse } from "../../src/parse/parse.ts";
import { planManifest } from "../../src/plan/manifest.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { type HostTensor, toNumbers } from "../../src/runtime/host-tensor.ts";
import { runPlan } from "../../src/runtime/prepare-plan.ts";
import { driverTest, gpuTest } from "../support/gpu.ts";
import { backwardText } from "../support/gradients.ts";
import { type Fill, normal, random } from "../support/oracle.ts";

type Numbers = Readonly<Record<string, Float32Array>>;

const norms = {
  rmsnorm: (n: number) =>
    `fn f(x: f32[rows, ${n}], gamma: f32[${n}]) -> (y: f32[rows, ${n}]) { return rmsnorm(x, gamma, axes = [-1]) }`,
  layernorm: (n: number) =>
    `fn f(x: f32[rows, ${n}], gamma: f32[${n}], beta: f32[${n}]) -> (y: f32[rows, ${n}]) { return layernorm(x, gamma, beta, axes = [-1]) }`,
};

/** d_gamma and d_beta in float64, and the sums of the magnitudes of what they add. */
function wanted(norm: keyof typeof norms, { x, d_y }: Numbers, n: number) {
  const sums = ["d_gamma", "d_beta", "ofGamma", "ofBeta"].map((name) => [name, new Float64Array(n)] as const);
  const { d_gamma, d_beta, ofGamma, ofBeta } = Object.fromEntries(sums) as Record<string, Float64Array>;
  const [values, cotangents] = [x, d_y] as [Float32Array, Float32Array];
  for (let start = 0; start < values.length; start += n) {
    const row = values.subarray(start, start + n);
    const mean = norm === "layernorm" ? row.reduce((sum, value) => sum + value, 0) / n : 0;
    const r = 1 / Math.sqrt(row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / n + 1e-5);
    for (let i = 0; i < n; i++) {
      const d = cotangents[start + i] as number;
      const term = d * ((row[i] as number) - mean) * r;
      for (const [into, value] of [
        [d_gamma, term],
        [ofGamma, Math.abs(term)],
        [d_beta, d],
        [ofBeta, Math.abs(d)],
      ] as const)
        (into as Float64Array)[i] = ((into as Float64Array)[i] as number) + value;
    }
  }
  return { d_gamma, d_beta, ofGamma, ofBeta } as Record<string, Float64Array>;
}

/** The largest error of a column, of the sum of the magnitudes that it adds. */
function worst(found: HostTensor, want: Float64Array, magnitudes: Float64Array): number {
  return toNumbers(found).reduce(
    (most, value, i) =>
      Math.max(most, Math.abs(value - (want[i] as number)) / Math.max(1e-30, magnitudes[i] as number)),
    0,
  );
}

function compiled(norm: keyof typeof norms, n: number, target: Parameters<typeof compile>[1] = {}) {
  const { plans, kernels } = compile(parse(backwardText(norms[norm](n))), target);
  return { plan: planManifest(plans[0] as Plan), kernels };
}

function filled(rows: number, n: number, x: Fill, d_y: Fill): Numbers {
  const next = random(7);
  const of = (fill: Fill, count: number) => Float32Array.from({ length: count }, (_, i) => fill(next, i));
  return { x: of(x, rows * n), d_y: of(d_y, rows * n), gamma: of((one) => normal(one), n), beta: new Float32Array(n) };
}

const tensorsOf = (numbers: Numbers, n: number, names: readonly string[]) =>
  Object.fromEntries(
    names.map((name) => {
      const data = numbers[name] as Float32Array;
      const shape = name === "x" || name === "d_y" ? [data.length / n, n] : [n];
      return [name, { element: "f32", shape, data } as HostTensor];
    }),
  );

async function errors(
  gpu: { device: GPUDevice; target: never },
  norm: keyof typeof norms,
  n: number,
  numbers: Numbers,
) {
  const { plan, kernels } = compiled(norm, n, { target: gpu.target });
  expect(kernels).toHaveLength(2);
  const names = plan.buffers.filter(({ kind }) => kind === "input").map(({ name }) => name);
  const { outputs } = await runPlan(gpu.device, { plan, kernels }, tensorsOf(numbers, n, names));
  const want = wanted(norm, numbers, n) as Record<string, Float64Array>;
  const of = (name: string, magnitudes: string) =>
    outputs[name]
      ? worst(outputs[name] as HostTensor, want[name] as Float64Array, want[magnitudes] as Float64Array)
      : 0;
  return Math.max(of("d_gamma", "ofGamma"), of("d_beta", "ofBeta"));
}

const usual: Fill = (next) => normal(next);

describe("sums keep their digits", () => {
  driverTest("over a million rows, of one number among them", async (gpu) => {
    const numbers = filled(1_000_000, 8, usual, () => Math.fround(0.1));
    expect(await errors(gpu as never, "layernorm", 8, numbers)).toBeLessThan(1e-6);
  });

  driverTest("of hard rows", async (gpu) => {
    const hard: readonly Fill[] = [
      (next) => 1e4 + normal(next),
      (next, i) => (i % 768 === 3 ? 1e4 : normal(next)),
      (next) => 1e14 * normal(next),
      (next) => 2000 + normal(next),
    ];
    for (const x of hard) {
      for (const norm of ["rmsnorm", "layernorm"] as const) {
        expect(await errors(gpu as never, norm, 768, filled(67, 768, x, usual))).toBeLessThan(2e-5);
      }
    }
  });

  driverTest("of many and of wide rows", async (gpu) => {
    for (const [rows, n] of [
      [65537, 5],
      [65537, 64],
      [7, 4096],
      [33, 16384],
    ] as const) {
      expect(await errors(gpu as never, "rmsnorm", n, filled(rows, n, usual, usual)), `${rows} x ${n}`).toBeLessThan(
        1e-6,
      );
    }
  });
});

gpuTest.for(["rmsnorm", "layernorm"] as const)("%s: the same bits in 100 runs", async (norm, { gpu }) => {
  const { plan, kernels } = compiled(norm, 96, { target: gpu.target });
  const names = ["x", "d_y", "gamma", ...(norm === "layernorm" ? ["beta"] : [])];
  const tensors = tensorsOf(filled(1000, 96, usual, usual), 96, names);
  const run = async () => (await runPlan(gpu.device, { plan, kernels }, tensors)).outputs;
  const first = await run();
  for (let i = 1; i < 100; i++) expect(await run()).toEqual(first);
});
