/** Backward kernels: how many there are, how often they read a row, and their accuracy on hard rows. */

import { describe, expect } from "vitest";
import { compile } from "../../src/driver/compile.ts";
import { parse } from "../../src/parse/parse.ts";
import type { HostTensor } from "../../src/runtime/host-tensor.ts";
import type { TargetProfile } from "../../src/target/target.ts";
import { compileText, targetsFor } from "../support/compile.ts";
import { isDeep } from "../support/deep.ts";
import { gpuTest } from "../support/gpu.ts";
import { backwardText, rowError } from "../support/gradients.ts";
import { compareKernel, type Fill, inputsFor, normal } from "../support/oracle.ts";
import { withoutSample } from "../support/sample.ts";

const rows = (columns: number) => `f32[rows, ${columns}]`;
const of = (columns: number, params: string, ...lines: string[]) =>
  `fn f(x: ${rows(columns)}${params}) -> (y: ${rows(columns)}) {\n${lines.join("\n")}\n}`;

interface Backward {
  readonly text: (columns: number) => string;
  /** How often a row of 768 is read: of each parameter that has rows. */
  readonly reads: number;
}

/** The derivative by x of each. */
const backwards: Readonly<Record<string, Backward>> = {
  layernorm: {
    text: (n) => of(n, `, gamma: f32[${n}], beta: f32[${n}]`, "return layernorm(x, gamma, beta, axes = [-1])"),
    reads: 2,
  },
  rmsnorm: { text: (n) => of(n, `, gamma: f32[${n}]`, "return rmsnorm(x, gamma, axes = [-1])"), reads: 2 },
  softmax: { text: (n) => of(n, "", "return softmax(x, axes = [-1])"), reads: 2 },
  log_softmax: { text: (n) => of(n, "", "return log_softmax(x, axes = [-1])"), reads: 2 },
  l2norm: { text: (n) => of(n, "", "return l2norm(x, axes = [-1], eps = 1e-12)"), reads: 2 },
  gelu: { text: (n) => of(n, "", "return gelu(x)"), reads: 2 },
  "gelu, tanh": { text: (n) => of(n, "", 'return gelu(x, approximate = "tanh")'), reads: 2 },
  swiglu: { text: (n) => of(n, `, b: ${rows(n)}`, "return silu(x) * b"), reads: 3 },
  "add, layernorm, gelu": {
    text: (n) =>
      of(
        n,
        `, residual: ${rows(n)}, gamma: f32[${n}], beta: f32[${n}]`,
        "return gelu(layernorm(x + residual, gamma, beta, axes = [-1]))",
      ),
    reads: 3,
  },
  "add, rmsnorm, and the stream": {
    text: (n) =>
      `fn f(x: ${rows(n)}, residual: ${rows(n)}, gamma: f32[${n}]) -> (y: ${rows(n)}, h: ${rows(n)}) {
  let h = x + residual
  return rmsnorm(h, gamma, axes = [-1]), h
}`,
    reads: 4,
  },
};

const byX = (name: string, columns: number) =>
  backwardText((backwards[name] as Backward).text(columns), { wrt: ["x"] });
const names = Object.keys(backwards);

describe("by x", () => {
  gpuTest.for(names)("%s: one kernel, which reads each row once and agrees with float64", async (name, { gpu }) => {
    const [device, portable] = targetsFor(gpu.target) as [TargetProfile, TargetProfile];
    for (const [columns, target] of [[5, device] as const, [768, portable] as const]) {
      const text = byX(name, columns);
      expect(compile(parse(text)).kernels).toHaveLength(1);
      const { fn, kernel } = compileText(text, target);
      if (columns === 768) {
        const loads = withoutSample(kernel.wgsl).match(/= in_(?!gamma|beta)\w+\[/g) ?? [];
        expect(loads, kernel.wgsl).toHaveLength((backwards[name] as Backward).reads);
        // The 1 / std that the backward computes, and the one of the norm in it, are a single value.
        expect(kernel.wgsl.match(/inverseSqrt\(/g) ?? []).toHaveLength(/norm/.test(name) ? 1 : 0);
      }
      // Half of the cases, as a driver takes a second for some kernels.
      if (!isDeep && (columns === 5) !== (names.indexOf(name) % 2 === 0)) continue;
      const { outputs, wanted } = await compareKernel(gpu.device, kernel, fn, inputsFor(fn, { rows: 9 }));
      const error = rowError(outputs.d_x?.data as Float32Array, wanted.d_x?.data as Float64Array, columns);
      expect(error, `${name}, ${columns} columns, ${target.name}`).toBeLessThanOrEqual(2e-6);
    }
  });
});

const hardRows: Readonly<
  Record<string, { readonly x: Fill; readonly allowed: number; readonly norms: readonly string[] }>
> = {
  "a mean of 1e4": { x: (next) => 1e4 + normal(next), allowed: 2e-5, norms: ["layernorm", "rmsnorm"] },
  "an outlier": {
    x: (next, i) => (i % 768 === 3 ? 1e4 : normal(next)),
    allowed: 4e-6,
    norms: ["layernorm", "rmsnorm"],
  },
  "a constant": { x: () => 12345.678, allowed: 4e-6, norms: ["layernorm", "rmsnorm", "softmax", "l2norm"] },
  "numbers of 1e14": { x: (next) => 1e14 * normal(next), allowed: 4e-6, norms: ["layernorm", "rmsnorm", "l2norm"] },
  "numbers of 1e-15": { x: (next) => 1e-15 * normal(next), allowed: 4e-6, norms: ["layernorm", "rmsnorm"] },
};

describe("hard rows keep the digits of d_x that float64 says are there", () => {
  const cases = Object.entries(hardRows).flatMap(([what, { norms }]) => norms.map((norm) => [what, norm] as const));
  gpuTest.for(cases)("%s: %s", async ([what, norm], { gpu }) => {
    const { x, allowed } = hardRows[what] as (typeof hardRows)[string];
    const { fn, kernel } = compileText(byX(norm, 768), gpu.target);
    const inputs = inputsFor(fn, { rows: 4 }, { fill: { x } });
    const { outputs, wanted } = await compareKernel(gpu.device, kernel, fn, inputs);
    const error = rowError(outputs.d_x?.data as Float32Array, wanted.d_x?.data as Float64Array, 768);
    expect(error, `${norm}, ${what}`).toBeLessThanOrEqual(allowed);
  });
});

/** The one row of a backward by x. */
async function rowOf(gpu: { device: GPUDevice }, text: string, given: Readonly<Record<string, readonly number[]>>) {
  const { fn, kernel } = compileText(backwardText(text, { wrt: ["x"] }));
  const fill = Object.fromEntries(
    Object.entries(given).map(([name, row]) => [name, (_: unknown, i: number) => row[i] as number]),
  );
  const { outputs } = await compareKernel(gpu.device, kernel, fn, inputsFor(fn, { rows: 1 }, { fill }));
  return [...((outputs.d_x as HostTensor).data as Float32Array)];
}

describe("pitfalls of other backward kernels", () => {
  const rms = (n: number, eps: number) => of(n, "", `return rmsnorm(x, axes = [-1], eps = ${eps})`);

  gpuTest("r^3 is 0 in f32 where the variance is 1e28", async ({ gpu }) => {
    const d_x = await rowOf(gpu, rms(4, 1e-5), { x: [1e14, 2e14, -1e14, 3e14], d_y: [1, 2, 3, 4] });
    const wanted = [3.44265e-16, 6.8853e-16, 2.03116e-14, 6.19677e-15];
    expect(rowError(d_x, wanted, 4)).toBeLessThan(1e-5);
  });

  gpuTest("a row of one element cancels all but eps", async ({ gpu }) => {
    const [d_x] = await rowOf(gpu, rms(1, 1e-5), { x: [3], d_y: [1] });
    expect(Math.abs((d_x as number) / 3.70369753e-7 - 1)).toBeLessThan(1e-6);
  });

  gpuTest("a constant cotangent of a LayerNorm gives exactly 0", async ({ gpu }) => {
    for (const scale of [1, 1e-3]) {
      const row = Array.from({ length: 64 }, (_, i) => scale * Math.sin(i));
      const text = of(64, "", "return layernorm(x, axes = [-1], eps = 1e-12)");
      const d_x = await rowOf(gpu, text, { x: row, d_y: row.map(() => 0.1) });
      expect(d_x.map(Math.abs)).toEqual(row.map(() => 0));
    }
  });

  gpuTest("statistics by raw moments lose rows with a mean of 2000", async ({ gpu }) => {
    const { fn, kernel } = compileText(byX("layernorm", 1024));
    const inputs = inputsFor(fn, { rows: 2 }, { fill: { x: (next) => 2000 + normal(next), gamma: () => 1 } });
    const { outputs, wanted } = await compareKernel(gpu.device, kernel, fn, inputs);
    expect(rowError(outputs.d_x?.data as Float32Array, wanted.d_x?.data as Float64Array, 1024)).toBeLessThan(7e-6);
  });

  gpuTest("the cotangent may be the input itself", async ({ gpu }) => {
    const row = [1, 0, 0, 0];
    const [d_x, ...rest] = await rowOf(gpu, rms(4, 1e-4), { x: row, d_y: row });
    expect(Math.abs((d_x as number) / 7.9938e-4 - 1)).toBeLessThan(5e-4);
    expect(rest.map(Math.abs)).toEqual([0, 0, 0]);
  });

  gpuTest("GELU's derivative neither overflows nor gives NaN far from 0", async ({ gpu }) => {
    for (const form of ["none", "tanh"]) {
      const text = of(6, "", `return gelu(x, approximate = "${form}")`);
      const d_x = await rowOf(gpu, text, { x: [-13.24, 13.24, -1e20, 1e20, -3e38, 3e38], d_y: [1, 1, 1, 1, 1, 1] });
      expect(
        d_x.map((value) => Math.abs(value)),
        form,
      ).toEqual([0, 1, 0, 1, 0, 1]);
    }
  });

  gpuTest("a row that the forward makes NaN is NaN in the backward", async ({ gpu }) => {
    const infinite = [1, Infinity, 2, 3];
    for (const op of ["layernorm", "rmsnorm", "softmax"]) {
      const text = of(4, "", `return ${op}(x, axes = [-1])`);
      const d_x = await rowOf(gpu, text, { x: infinite, d_y: [1, 2, 3, 4] });
      expect(d_x.some(Number.isNaN), op).toBe(true);
    }
  });
});
