/** Every row length that is an edge case, in every norm, against float64. */

import { describe, expect } from "vitest";
import { compileText, targetsForRows, targetsInTurn } from "../support/compile.ts";
import { isDeep } from "../support/deep.ts";
import { gpuTest } from "../support/gpu.ts";
import { compareKernel, inputsFor } from "../support/oracle.ts";

/** All lengths in the deep run, else those of which each takes another way through the generator. */
const lengths = isDeep ? [1, 2, 3, 5, 63, 64, 65, 255, 256, 257, 769, 1000, 131072] : [1, 64, 769, 131072];
const halfLengths = isDeep ? [1, 2, 5, 65, 256, 769] : [5, 769];
const norms = {
  layernorm: "layernorm(x, gamma, beta, axes = [-1], eps = 1e-5)",
  rmsnorm: "rmsnorm(x, gamma, axes = [-1], eps = 1e-6)",
  softmax: "softmax(x * gamma, axes = [-1])",
  center: "center(x, axes = [-1]) * gamma",
  quantized: "x / (max(abs(x), axes = [-1], keepdims = true) + 1e-3) * gamma",
};

const turnOf = (norm: keyof typeof norms) => Object.keys(norms).indexOf(norm);

const program = (norm: string, columns: number | string, element = "f32") => `
fn f(x: ${element}[rows, ${columns}], gamma: ${element}[${columns}], beta: ${element}[${columns}])
    -> ${element}[rows, ${columns}] {
  return ${norm}
}`;

describe.each(Object.keys(norms) as (keyof typeof norms)[])("%s", (name) => {
  gpuTest.for(lengths)("f32 rows of %i", async (columns, { gpu }) => {
    for (const target of targetsForRows(gpu.target, columns)) {
      const { fn, kernel } = compileText(program(norms[name], columns), target);
      for (const rows of columns > 1000 ? [1] : [1, 7]) {
        const { errors, launches } = await compareKernel(gpu.device, kernel, fn, inputsFor(fn, { rows }));
        expect(errors.out0, `${target.name}, ${rows} rows`).toBeLessThanOrEqual(2e-6);
        expect(launches).toBe(1);
      }
    }
  });

  gpuTest.for(halfLengths)("f16 rows of %i", async (columns, { gpu }) => {
    for (const target of targetsInTurn(gpu.target, turnOf(name) + halfLengths.indexOf(columns))) {
      const { fn, kernel } = compileText(program(norms[name], columns, "f16"), target);
      const { errors } = await compareKernel(gpu.device, kernel, fn, inputsFor(fn, { rows: 7 }));
      expect(errors.out0, target.name).toBeLessThanOrEqual(1e-3);
    }
  });

  gpuTest("rows whose length is known when the pipeline is made", async ({ gpu }) => {
    for (const target of targetsInTurn(gpu.target, turnOf(name))) {
      const { fn, kernel } = compileText(program(norms[name], "columns"), target);
      for (const columns of isDeep ? [1, 3, 64, 128, 769] : [1, 128, 769]) {
        const { errors } = await compareKernel(gpu.device, kernel, fn, inputsFor(fn, { rows: 3, columns }));
        expect(errors.out0, `${target.name}, ${columns} columns`).toBeLessThanOrEqual(2e-6);
      }
    }
  });

  gpuTest("no rows at all", async ({ gpu }) => {
    const { fn, kernel } = compileText(program(norms[name], 64), gpu.target);
    const { outputs } = await compareKernel(gpu.device, kernel, fn, inputsFor(fn, { rows: 0 }));
    expect(outputs.out0?.shape).toEqual([0, 64]);
  });
});

gpuTest("more rows than one dispatch dimension has workgroups", async ({ gpu }) => {
  // 64 different rows over and over: the reference computes those, and every row of the result is compared.
  const rows = 65537;
  const period = 64;
  for (const target of targetsInTurn(gpu.target, 0)) {
    for (const columns of isDeep ? [5, 128] : [5]) {
      const { fn, kernel } = compileText(program(norms.layernorm, columns), target);
      const few = inputsFor(fn, { rows: period });
      const { errors, outputs } = await compareKernel(gpu.device, kernel, fn, few);
      expect(errors.out0).toBeLessThanOrEqual(2e-6);
      const x = few.x?.data as Float32Array;
      const repeated = Float32Array.from({ length: rows * columns }, (_, i) => x[i % x.length] as number);
      const many = { ...few, x: { element: "f32" as const, shape: [rows, columns], data: repeated } };
      const { prepare } = await import("../../src/runtime/prepare.ts");
      const got = (await (await prepare(gpu.device, kernel)).run(many)).outputs.out0?.data as Float32Array;
      const want = outputs.out0?.data as Float32Array;
      const different = got.findIndex((value, i) => !Object.is(value, want[i % want.length]));
      // The same bits in whatever batch a row is computed.
      expect(different, `${target.name}, ${columns} columns`).toBe(-1);
    }
  }
});
