/** Rows on which statistics computed carelessly go wrong. */

import { expect } from "vitest";
import { compileText, targetsFor } from "../support/compile.ts";
import { gpuTest } from "../support/gpu.ts";
import { compareKernel, inputsFor, normal } from "../support/oracle.ts";

const layernorm = (columns: number, extra = "") => `
fn f(x: f32[rows, ${columns}], gamma: f32[${columns}], beta: f32[${columns}]) -> f32[rows, ${columns}] {
  return layernorm(x, gamma, beta, axes = [-1]${extra})
}`;

const lengths = [1, 2, 3, 5, 64, 65, 257, 768, 769, 1000];

gpuTest.for(lengths)("a constant row of %i gives exactly beta", async (columns, { gpu }) => {
  for (const target of targetsFor(gpu.target)) {
    const { fn, kernel } = compileText(layernorm(columns), target);
    for (const constant of [0, 1e6, -3.3, 1e-20, 12345.678, 1e20, -3e38]) {
      const inputs = inputsFor(fn, { rows: 3 }, { fill: { x: () => constant } });
      const { outputs } = await compareKernel(gpu.device, kernel, fn, inputs);
      const beta = inputs.beta?.data as Float32Array;
      const want = Float32Array.from({ length: 3 * columns }, (_, i) => beta[i % columns] as number);
      expect(outputs.out0?.data, `${target.name}, rows of ${constant}`).toEqual(want);
    }
  }
});

gpuTest.for([1e4, -1e4, 1e5])("rows of %d + N(0, 1)", async (offset, { gpu }) => {
  for (const target of targetsFor(gpu.target)) {
    for (const columns of [65, 768, 1000]) {
      const { fn, kernel } = compileText(layernorm(columns), target);
      const fill = { x: (next: () => number) => offset + normal(next), gamma: () => 1, beta: () => 0 };
      const { errors } = await compareKernel(gpu.device, kernel, fn, inputsFor(fn, { rows: 16 }, { fill }));
      // 2e-3 is asked for at 1e4; taking each lane's first element off makes it as good as at 0.
      expect(errors.out0, `${target.name}, ${columns} columns`).toBeLessThanOrEqual(2e-6);
    }
  }
});

gpuTest("one large element among small ones", async ({ gpu }) => {
  for (const target of targetsFor(gpu.target)) {
    const { fn, kernel } = compileText(layernorm(768), target);
    const fill = { x: (next: () => number, i: number) => (i % 768 === 0 ? 1e4 : normal(next)) };
    const { errors } = await compareKernel(gpu.device, kernel, fn, inputsFor(fn, { rows: 4 }, { fill }));
    expect(errors.out0, target.name).toBeLessThanOrEqual(2e-6);
  }
});

gpuTest("a NaN or an infinity in a row makes that row NaN and no other", async ({ gpu }) => {
  for (const target of targetsFor(gpu.target)) {
    const { fn, kernel } = compileText(layernorm(65), target);
    const fill = { x: (next: () => number, i: number) => (i === 70 ? Infinity : i === 200 ? NaN : normal(next)) };
    const { errors } = await compareKernel(gpu.device, kernel, fn, inputsFor(fn, { rows: 5 }, { fill }));
    expect(errors.out0, target.name).toBeLessThanOrEqual(2e-6);
  }
});

gpuTest("softmax of rows that overflow without the shift, and of rows with minus infinity", async ({ gpu }) => {
  const text = "fn f(x: f32[rows, 100]) -> f32[rows, 100] { return softmax(x, axes = [-1]) }";
  for (const target of targetsFor(gpu.target)) {
    const { fn, kernel } = compileText(text, target);
    const fill = { x: (next: () => number, i: number) => (i % 7 === 0 ? -Infinity : 500 + 100 * normal(next)) };
    const { errors } = await compareKernel(gpu.device, kernel, fn, inputsFor(fn, { rows: 5 }, { fill }));
    expect(errors.out0, target.name).toBeLessThanOrEqual(2e-6);
  }
});
