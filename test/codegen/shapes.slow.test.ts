/** The ways in which tensors relate to the iteration space, against float64. */

import { expect } from "vitest";
import { compileText, targetsInTurn } from "../support/compile.ts";
import { isDeep } from "../support/deep.ts";
import { gpuTest } from "../support/gpu.ts";
import { compareKernel, inputsFor } from "../support/oracle.ts";

/** Largest error by program; integers and truth values must be equal. */
const cases: readonly (readonly [string, string, Record<string, number>])[] = [
  ["transpose", "fn f(x: f32[n, m, 8]) -> f32[m, n, 8] { return transpose(x, perm = [1, 0, 2]) * 2 }", { n: 3, m: 5 }],
  ["x + transpose(x)", "fn f(x: f32[n, n]) -> f32[n, n] { return x + transpose(x, perm = [1, 0]) }", { n: 6 }],
  [
    "a row's statistic used down the columns",
    "fn f(x: f32[20, 20]) -> f32[20, 20] { let m = mean(x, axes = [-1])  return x - m }",
    {},
  ],
  [
    "rows of heads",
    `fn f(x: f32[n, 768], g: f32[64]) -> f32[n, 12, 64] {
      return rmsnorm(reshape(x, shape = [n, 12, 64]), g, axes = [-1])
    }`,
    { n: 3 },
  ],
  ["columns first", "fn f(x: f32[32, n], g: f32[32]) -> f32[32, n] { return layernorm(x, g, axes = [0]) }", { n: 5 }],
  [
    "columns in the middle",
    "fn f(x: f32[n, 32, 6], g: f32[32]) -> f32[n, 32, 6] { return layernorm(x, g, axes = [1]) }",
    { n: 3 },
  ],
  ["columns around a row axis", "fn f(x: f32[4, n, 6]) -> f32[4, n, 6] { return softmax(x, axes = [0, 2]) }", { n: 5 }],
  [
    "two column axes",
    "fn f(x: f32[n, 4, 6], g: f32[4, 6]) -> f32[n, 4, 6] { return layernorm(x, g, axes = [-1, -2]) }",
    { n: 3 },
  ],
  [
    "everything folded",
    "fn f(x: f32[n, 20]) -> (s: f32, m: f32) { return mean(x, axes = [0, 1]), max(x, axes = [0, 1]) }",
    { n: 7 },
  ],
  ["a parameter as it is", "fn f(x: f32[n, 20]) -> f32[n, 20] { return x }", { n: 3 }],
  ["a literal", "fn f(x: f32[n]) -> (y: f32, z: f32[n]) { return 3, x }", { n: 9 }],
  [
    "results of many shapes",
    `fn f(x: f32[n, 20], g: f32[20]) -> (m: f32[n], h: f32[20], k: f32, y: f32[n, 20]) {
      return mean(x, axes = [-1]), g * 2, 4, x - g
    }`,
    { n: 5 },
  ],
  [
    "small results of no rows",
    "fn f(x: f32[n, 8], g: f32[8]) -> (y: f32[n, 8], h: f32[8], s: f32) { return x + g, g * 2, sum(g, axes = [0]) }",
    { n: 0 },
  ],
  ["a repeated row", "fn f(x: f32[20]) -> f32[7, 20] { return broadcast(x, shape = [7, 20]) }", {}],
  [
    "the sum of a repeated row",
    "fn f(x: f32[20]) -> f32[20] { return sum(broadcast(x, shape = [7, 20]), axes = [0]) }",
    {},
  ],
  [
    "integers and truth values",
    `fn f(x: i32[n, 20], p: bool[n, 20], u: u32[20]) -> (y: i32[n, 20], q: bool[n, 20], m: i32[n], w: u32[20]) {
      return where(p && x > 3, x / 3, x % 5), !p || x == 2, max(x, axes = [-1]), u + 1
    }`,
    { n: 5 },
  ],
  [
    "integer sums",
    "fn f(x: i32[n, 50], u: u32[n, 50]) -> (a: i32[n], b: u32[n], c: u32[n]) { return sum(x, axes = [-1]), sum(u, axes = [-1]), min(u, axes = [-1]) }",
    { n: 5 },
  ],
  ["products", "fn f(x: f32[n, 50]) -> f32[n] { return prod(x * 0.1 + 1, axes = [-1]) }", { n: 5 }],
  [
    "unbiased variance",
    "fn f(x: f32[n, 50]) -> (m: f32[n], v: f32[n], u: f32[n]) { let (m, v) = moments(x, axes = [-1])  return m, v, var(x, axes = [-1], correction = 1) }",
    { n: 5 },
  ],
  [
    "variance of one element",
    "fn f(x: f32[n, 1]) -> (a: f32[n], b: f32[n]) { return var(x, axes = [-1]), var(x, axes = [-1], correction = 1) }",
    { n: 5 },
  ],
  [
    "a scale a row and a scalar",
    "fn f(x: f32[n, 12], s: f32[n, 1], t: f32) -> f32[n, 12] { return softmax(x * s + t, axes = [-1]) }",
    { n: 5 },
  ],
  [
    "a reshape of the input across its axes",
    "fn f(x: f32[6, 4]) -> f32[4, 6] { return softmax(reshape(x, shape = [4, 6]), axes = [-1]) }",
    {},
  ],
  [
    "groups",
    "fn f(x: f32[n, 6, 5, 3], g: f32[6], b: f32[6]) -> f32[n, 6, 5, 3] { return groupnorm(x, g, b, groups = 3) }",
    { n: 2 },
  ],
  [
    "instance norm",
    "fn f(x: f32[n, c, 5, 4], g: f32[6]) -> f32[n, c, 5, 4] { return layernorm(x, axes = [-1, -2]) }",
    { n: 2, c: 3 },
  ],
  [
    "two rows walked together",
    "fn f(x: f32[n, 16], z: f32[n, 16]) -> (a: f32[n], b: f32[n]) { return sum(x, axes = [-1]), max(z, axes = [-1]) }",
    { n: 5 },
  ],
  [
    "infinities as literals",
    "fn f(x: f32[n]) -> (a: bool[n], b: f32[n]) { return x < inf, where(x > 0, -inf, x) }",
    { n: 9 },
  ],
];

gpuTest.for([1, 3, 7])("halves in rows of %i, of which two may lie in one word", async (columns, { gpu }) => {
  const text = `fn f(x: f16[n, ${columns}]) -> (y: f16[n, ${columns}], m: f16[n]) {
    return center(x, axes = [-1]), max(x, axes = [-1])
  }`;
  for (const target of targetsInTurn(gpu.target, columns >> 1)) {
    const { fn, kernel } = compileText(text, target);
    const { errors } = await compareKernel(gpu.device, kernel, fn, inputsFor(fn, { n: 33 }));
    expect(Math.max(...Object.values(errors)), target.name).toBeLessThanOrEqual(1e-3);
  }
});

gpuTest.for(cases.map((one, turn) => [...one, turn] as const))("%s", async ([, text, dims, turn], { gpu }) => {
  for (const target of targetsInTurn(gpu.target, turn)) {
    const ran = new Set<string>();
    // Without passes a kernel has more ops, if they apply, and the same loops.
    for (const passes of isDeep || target === gpu.target ? ["default", "O0"] : ["default"]) {
      const { fn, kernel } = compileText(text, target, { passes });
      if (ran.has(kernel.wgsl)) continue;
      ran.add(kernel.wgsl);
      const { errors } = await compareKernel(gpu.device, kernel, fn, inputsFor(fn, dims));
      for (const [name, error] of Object.entries(errors)) {
        expect(error, `${name}, ${target.name}, ${passes}\n${kernel.wgsl}`).toBeLessThanOrEqual(2e-6);
      }
    }
  }
});
