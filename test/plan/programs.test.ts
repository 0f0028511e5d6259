/** Typical programs: how many kernels each takes, why not fewer, and that these move no more bytes than necessary. */

import { describe, expect, test } from "vitest";
import { compile } from "../../src/driver/compile.ts";
import { bytesOfElement } from "../../src/ir/bytes.ts";
import { dimensionNames } from "../../src/ir/ir.ts";
import { elementCount } from "../../src/ir/tensor.ts";
import { planExtents } from "../../src/launch/plan-manifest.ts";
import { parse } from "../../src/parse/parse.ts";
import { callsOf, type Plan, type PlanBuffer } from "../../src/plan/plan.ts";

/** A program: how many kernels it takes beside products, and why not fewer. */
const table: readonly (readonly [name: string, kernels: number, why: string, text: string])[] = [
  ["bias and GELU", 1, "elementwise", `fn f(x: f32[n, 64], b: f32[64]) -> (y: f32[n, 64]) { return gelu(x + b) }`],
  [
    "a residual and LayerNorm",
    1,
    "one walk over rows",
    `fn f(x: f32[n, 64], r: f32[n, 64], g: f32[64], b: f32[64]) -> (y: f32[n, 64], h: f32[n, 64]) {
  let h = x + r
  return layernorm(h, g, b, axes = [-1]), h
}`,
  ],
  [
    "a masked softmax",
    1,
    "one walk over rows",
    `fn f(s: f32[heads, q, k], m: bool[q, k], scale: f32) -> (p: f32[heads, q, k]) { return softmax(where(m, s * scale, -1e9), axes = [-1]) }`,
  ],
  [
    "a causal softmax",
    1,
    "the mask is of places",
    `fn f(s: f32[heads, 32, 32]) -> (p: f32[heads, 32, 32]) {
  let mask = iota(shape = [32, 32], axis = 1) <= iota(shape = [32, 32], axis = 0)
  return softmax(where(mask, s, -1e9), axes = [-1])
}`,
  ],
  [
    "the loss of each row",
    1,
    "one walk over rows",
    `fn f(x: f32[n, 64], label: i32[n, 1]) -> (l: f32[n, 1]) { return -gather(log_softmax(x, axes = [-1]), label, axis = -1) }`,
  ],
  [
    "SwiGLU of one tensor",
    1,
    "halves are loads at other places",
    `fn f(x: f32[n, 128]) -> (y: f32[n, 64]) { return silu(slice(x, axis = -1, start = 0, end = 64)) * slice(x, axis = -1, start = 64, end = 128) }`,
  ],
  [
    "RoPE",
    1,
    "rotation is a load at another place",
    `fn f(x: f32[n, 64], c: f32[n, 64], s: f32[n, 64]) -> (y: f32[n, 64]) {
  let a = slice(x, axis = -1, start = 0, end = 32)
  let b = slice(x, axis = -1, start = 32, end = 64)
  return x * c + concat(-b, a, axis = -1) * s
}`,
  ],
  [
    "GroupNorm and SiLU",
    1,
    "groups are rows",
    `fn f(x: f32[n, 32, 8, 8], g: f32[32], b: f32[32]) -> (y: f32[n, 32, 8, 8]) { return silu(groupnorm(x, g, b, groups = 4)) }`,
  ],
  [
    "an instance norm",
    1,
    "planes are rows",
    `fn f(x: f32[n, 16, 8, 8]) -> (y: f32[n, 16, 8, 8]) { return layernorm(x, axes = [-2, -1]) }`,
  ],
  [
    "a batch norm that is fixed",
    1,
    "elementwise",
    `fn f(x: f32[n, 64], m: f32[64], v: f32[64], g: f32[64], b: f32[64]) -> (y: f32[n, 64]) { return (x - m) / sqrt(v + 1e-5) * g + b }`,
  ],
  [
    "LayerScale and a residual",
    1,
    "elementwise",
    `fn f(x: f32[n, 64], h: f32[n, 64], s: f32[64]) -> (y: f32[n, 64]) { return h + x * s }`,
  ],
  [
    "a table's rows and places",
    1,
    "lookups are loads",
    `fn f(ids: i32[n], table: f32[100, 64], places: f32[n, 64]) -> (y: f32[n, 64]) { return embedding(ids, table) + places }`,
  ],
  [
    "a cache with a token behind it",
    1,
    "joining is a load from one of two",
    `fn f(cache: f32[heads, 15, 64], k: f32[heads, 1, 64]) -> (y: f32[heads, 16, 64]) { return concat(cache, k, axis = 1) }`,
  ],
  [
    "a quantization to int8",
    1,
    "one walk over rows",
    `fn f(x: f32[n, 64]) -> (q: i8[n, 64], s: f32[n, 1]) {
  let s = max(abs(x), axes = [-1], keepdims = true) / 127
  return cast(round(x / s), to = i8), s
}`,
  ],
  [
    "a quantization to floats of one byte",
    1,
    "one walk over rows",
    `fn f(x: f32[n, 64]) -> (q: f8e4m3[n, 64], s: f32[n, 1]) {
  let s = max(abs(x), axes = [-1], keepdims = true) / 448
  return cast(x / s, to = f8e4m3), s
}`,
  ],
  [
    "statistics of bytes beside a product",
    3,
    "the product, the softmax of its rows, and the reduction over rows",
    `fn f(x: f8e4m3[n, 16], w: f32[16, 16]) -> (q: f8e4m3[n, 16], r: f8e5m2[1, 16]) {
  let q = cast(softmax(matmul(cast(x, to = f32), w), axes = [-1]), to = f8e4m3)
  return q, cast(sum(cast(q, to = f32), axes = [0], keepdims = true), to = f8e5m2)
}`,
  ],
  [
    "a dequantization",
    1,
    "elementwise",
    `fn f(q: i8[n, 64], s: f32[n, 1]) -> (y: bf16[n, 64]) { return cast(cast(q, to = f32) * s, to = bf16) }`,
  ],
  [
    "Adam",
    1,
    "three results of one shape",
    `fn f(w: f32[n], g: f32[n], m: f32[n], v: f32[n], rate: f32) -> (w1: f32[n], m1: f32[n], v1: f32[n]) {
  let m1 = 0.9 * m + 0.1 * g
  let v1 = 0.999 * v + 0.001 * g * g
  return w - rate * m1 / (sqrt(v1) + 1e-8), m1, v1
}`,
  ],
  [
    "the largest of each row, and where",
    1,
    "two reductions of one walk",
    `fn f(x: f32[n, 64]) -> (m: f32[n], i: i32[n]) { return max(x, axes = [-1]), argmax(x, axes = [-1]) }`,
  ],
  ["column sums", 1, "columns are what is walked", `fn f(x: f32[n, 64]) -> (s: f32[64]) { return sum(x, axes = [0]) }`],
  [
    "softmax over rows",
    1,
    "columns are what is walked",
    `fn f(x: f32[n, 64]) -> (y: f32[n, 64]) { return softmax(x, axes = [0]) }`,
  ],
  ["the mean of all", 1, "one row", `fn f(x: f32[n, 64]) -> (m: f32) { return mean(x, axes = [0, 1]) }`],
  [
    "a transposed norm",
    1,
    "a store at another place",
    `fn f(x: f32[n, 64]) -> (y: f32[64, n]) { return transpose(rmsnorm(x, axes = [-1]), perm = [1, 0]) }`,
  ],
  [
    "heads taken apart",
    1,
    "a store at another place",
    `fn f(x: f32[t, 256], b: f32[256]) -> (y: f32[4, t, 64]) { return transpose(reshape(x + b, shape = [t, 4, 64]), perm = [1, 0, 2]) }`,
  ],
  [
    "the batch norm of training",
    1,
    "channels are what is walked",
    `fn f(x: f32[n, 64], g: f32[64]) -> (y: f32[n, 64]) {
  let c = x - mean(x, axes = [0], keepdims = true)
  return c * rsqrt(mean(c * c, axes = [0], keepdims = true) + 1e-5) * g
}`,
  ],
  [
    "norms over two axes in turn",
    2,
    "each reduces another axis",
    `fn f(x: f32[16, 64]) -> (y: f32[16, 64]) { return rmsnorm(rmsnorm(x, axes = [-1]), axes = [0]) }`,
  ],
  [
    "a clipped gradient",
    1,
    "all is one row",
    `fn f(g: f32[4096]) -> (y: f32[4096]) { return g * minimum(1, rsqrt(sum(g * g, axes = [0], keepdims = true))) }`,
  ],
  [
    "sums of rows and of columns",
    2,
    "a walk folds one of them",
    `fn f(x: f32[n, 64]) -> (a: f32[n], b: f32[64]) { return sum(x, axes = [1]), sum(x, axes = [0]) }`,
  ],
  [
    "a contrastive loss of as many rows as columns",
    1,
    "one softmax walks the transposed tensor",
    `fn f(x: f32[32, 32]) -> (a: f32[32, 32], b: f32[32, 32]) { return log_softmax(x, axes = [0]), log_softmax(x, axes = [1]) }`,
  ],
  [
    "the same of other extents",
    2,
    "each softmax reduces another axis",
    `fn f(x: f32[32, 48]) -> (a: f32[32, 48], b: f32[32, 48]) { return log_softmax(x, axes = [0]), log_softmax(x, axes = [1]) }`,
  ],
  [
    "a norm and its columns' means",
    2,
    "the means need all rows",
    `fn f(x: f32[n, 64]) -> (y: f32[n, 64], m: f32[64]) {
  let y = rmsnorm(x, axes = [-1])
  return y, mean(y, axes = [0])
}`,
  ],
  [
    "a norm, and its columns' variances",
    2,
    "the variances need all rows",
    `fn f(x: f32[n, 64]) -> (y: f32[n, 64], v: f32[64]) {
  let y = rmsnorm(x, axes = [-1])
  return y, var(y, axes = [0])
}`,
  ],
  [
    "a softmax, and moments of its columns",
    2,
    "the moments need all rows",
    `fn f(x: f32[n, 64]) -> (y: f32[n, 64], m: f32[64], d: f32[64]) {
  let (m, v) = moments(x, axes = [0])
  return softmax(x, axes = [-1]), m, sqrt(v + 1e-5)
}`,
  ],
  [
    "QK-norm of different numbers of heads",
    2,
    "no loop nest has both numbers",
    `fn f(q: f32[n, 16, 64], k: f32[n, 4, 64], g: f32[64], h: f32[64]) -> (a: f32[n, 16, 64], b: f32[n, 4, 64]) {
  return rmsnorm(q, g, axes = [-1]), rmsnorm(k, h, axes = [-1])
}`,
  ],
  [
    "the loss of each row and the mean of them",
    2,
    "the mean needs all rows",
    `fn f(x: f32[n, 64], label: i32[n, 1]) -> (l: f32[n, 1], m: f32) {
  let l = -gather(log_softmax(x, axes = [-1]), label, axis = -1)
  return l, mean(l, axes = [0, 1])
}`,
  ],
  [
    "the gradient of RMSNorm by x and gamma",
    2,
    "gamma's needs all rows",
    `fn f(x: f32[n, 64], g: f32[64], d_y: f32[n, 64]) -> (d_x: f32[n, 64], d_g: f32[64]) {
  let r = rsqrt(mean(x * x, axes = [-1], keepdims = true) + 1e-5)
  let h = x * r
  let d = d_y * g
  return (d - h * mean(d * h, axes = [-1], keepdims = true)) * r, sum(d_y * h, axes = [0])
}`,
  ],
  [
    "a mean over rows by their number",
    1,
    "the number is known at the launch",
    `fn f(x: f32[n, 64]) -> (m: f32[64]) { return sum(x, axes = [0]) / cast(size(shape = [n]), to = f32) }`,
  ],
  [
    "a softmax with ALiBi",
    1,
    "the bias is of places",
    `fn f(s: f32[heads, 32, 32], slope: f32[heads, 1, 1]) -> (p: f32[heads, 32, 32]) {
  let distance = iota(shape = [32, 32], axis = 1) - iota(shape = [32, 32], axis = 0)
  return softmax(s + slope * cast(distance, to = f32), axes = [-1])
}`,
  ],
  [
    "dropout, a residual and LayerNorm",
    1,
    "random bits are of places",
    `fn f(x: f32[n, 64], r: f32[n, 64], g: f32[64], b: f32[64], seed: u32) -> (y: f32[n, 64], h: f32[n, 64]) {
  let h = r + dropout(x, seed, 0, p = 0.1)
  return layernorm(h, g, b, axes = [-1]), h
}`,
  ],
  [
    "a running sum of probabilities, and a mask by it",
    1,
    "a running sum is accumulated in the loop over its row",
    `fn f(x: f32[n, 64], most: f32) -> (y: f32[n, 64]) {
  let p = softmax(x, axes = [-1])
  let kept = where(cumsum(p, axis = -1, exclusive = true) < most, p, 0)
  return kept / sum(kept, axes = [-1], keepdims = true)
}`,
  ],
  [
    "the entropy of a batch",
    2,
    "its sum needs all rows, of which the first kernel leaves a number each",
    `fn f(x: f32[n, 64]) -> (h: f32) {
  let p = log_softmax(x, axes = [-1])
  return -sum(exp(p) * p, axes = [0, 1])
}`,
  ],
  [
    "GELU around a product",
    2,
    "the product is the caller's",
    `fn f(x: f32[n, 64], w: f32[128, 64], b: f32[128]) -> (y: f32[n, 128]) { return gelu(linear(gelu(x), w) + b) }`,
  ],
  [
    "GELU behind a product",
    1,
    "the product is the caller's",
    `fn f(x: f32[n, 64], w: f32[128, 64], b: f32[128]) -> (y: f32[n, 128]) { return gelu(linear(x, w) + b) }`,
  ],
  [
    "attention without its products",
    1,
    "between two products",
    `fn f(q: f32[h, t, 64], k: f32[h, 64, t], v: f32[h, t, 64]) -> (y: f32[h, t, 64]) { return matmul(softmax(matmul(q, k) * 0.125, axes = [-1]), v) }`,
  ],
];

/** Of a tensor, where each dimension with a name is 1024. */
function bytesIn(plan: Plan) {
  const extents = planExtents(plan.extents, Object.fromEntries(dimensionNames(plan.fn).map((name) => [name, 1024])));
  return ({ type: { element, shape } }: PlanBuffer) =>
    elementCount(shape.map((dim) => (typeof dim === "number" ? dim : (extents[dim] as number)))) *
    bytesOfElement({ element });
}

/**
 * Bytes that kernels and products read and write, beside the least: what is passed is read once, results are written once, and
 * what lies between kernels is written and read.
 */
function timesTheLeast(plan: Plan): number {
  const bytesOf = bytesIn(plan);
  const moved = callsOf(plan).flatMap(({ reads, writes }): PlanBuffer[] => [...reads, ...writes]);
  const times = ({ kind }: PlanBuffer) => (kind === "intermediate" ? 2 : 1);
  const least = [...new Set(moved)].reduce((sum, buffer) => sum + times(buffer) * bytesOf(buffer), 0);
  return moved.reduce((sum, buffer) => sum + bytesOf(buffer), 0) / least;
}

/** Two loop nests over one tensor: without tiles the second reads again what the first has read or written. */
const readAgain: Readonly<Record<string, number>> = {
  "sums of rows and of columns": 2,
  "the same of other extents": 4 / 3,
  "a norm and its columns' means": 1.5,
  "a norm, and its columns' variances": 1.5,
  "a softmax, and moments of its columns": 1.5,
};

/** Softmaxes along rows and along columns need a loop nest each. */
const inTwoWalks: Readonly<Record<string, number>> = { "the same of other extents": 4 / 3 };

describe.each(table)("%s: %i, for %s", (name, kernels, _why, text) => {
  const compiled = compile(parse(text), { splitReductions: "none" });
  const plan = compiled.plans[0] as Plan;

  test("so many kernels", () => {
    expect(compiled.kernels).toHaveLength(kernels);
  });

  test("no more bytes than the least", () => {
    expect(timesTheLeast(plan)).toBeLessThanOrEqual(readAgain[name] ?? 1.1);
  });

  test("as it is compiled otherwise, at most 1.1 times the least", () => {
    const { plans } = compile(parse(text));
    expect(timesTheLeast(plans[0] as Plan)).toBeLessThanOrEqual(inTwoWalks[name] ?? 1.1);
  });
});
