/** Programs with large reductions over rows, and how they are compiled. */

import { type CompileOptions, compile } from "../../src/driver/compile.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { parse } from "../../src/parse/parse.ts";
import type { Plan } from "../../src/plan/plan.ts";

/** With all reductions split. */
export const splitText = (text: string, options: CompileOptions = { splitReductions: "all" }) => {
  const module = parse(text, { file: "test.tir" });
  const { plans, kernels } = compile(module, options);
  return { fn: module.fns[0] as Fn, plan: plans[0] as Plan, kernels };
};

/** Each with how many kernels it takes. */
export const columnPrograms: Readonly<Record<string, readonly [kernels: number, text: string]>> = {
  "sums of columns": [2, "fn f(x: f32[n, 768]) -> (y: f32[768]) { return sum(x, axes = [0]) }"],
  "sums, means and variances": [
    2,
    `fn f(x: f32[n, c]) -> (s: f32[c], m: f32[c], v: f32[c]) {
  let e = x * 0.5
  return sum(x, axes = [0]), mean(e, axes = [0]), var(x, axes = [0], correction = 1)
}`,
  ],
  deviations: [
    2,
    "fn f(x: f32[n, c]) -> (d: f32[c], e: f32[c]) { return std(x, axes = [0], correction = 1), std(2 * x, axes = [0]) }",
  ],
  "largest, smallest, products": [
    2,
    `fn f(x: f32[n, c]) -> (h: f32[c], l: f32[1, c], p: f32[c]) {
  let e = x * 0.5
  return max(x, axes = [0]), min(e, axes = [0], keepdims = true), prod(1 + 0.01 * x, axes = [0])
}`,
  ],
  "halves, whose sums no half would hold": [
    2,
    "fn f(x: f16[n, 96]) -> (s: f16[96], m: f16[96]) { return sum(0.01 * x, axes = [0]), mean(x, axes = [0]) }",
  ],
  "known extents": [
    2,
    "fn f(x: f32[700, 96]) -> (s: f32[96], v: f32[96]) { return sum(x, axes = [0]), var(x, axes = [0]) }",
  ],
  "whole numbers": [
    2,
    "fn f(x: i32[n, 96]) -> (s: i32[96], m: i32[96]) { return sum(x, axes = [0]), max(x, axes = [0]) }",
  ],
  everything: [2, "fn f(x: f32[n, m]) -> (s: f32, m: f32) { return sum(x, axes = [0, 1]), mean(x, axes = [0, 1]) }"],
  "a single row of unknown length": [
    2,
    "fn f(x: f32[n]) -> (s: f32, m: f32, v: f32) { return sum(x, axes = [0]), mean(x, axes = [0]), var(x, axes = [0]) }",
  ],
  "softmax of a single row": [3, "fn f(x: f32[n]) -> (y: f32[n]) { return softmax(x, axes = [0]) }"],
  "one column": [
    2,
    "fn f(x: f32[65537, 1]) -> (s: f32[1], v: f32[1]) { return sum(x, axes = [0]), var(x, axes = [0]) }",
  ],
  "channels of a batch": [
    2,
    `fn f(x: f32[n, 64, 5, 3], g: f32[64, 1, 1]) -> (a: f32[64], m: f32[64], v: f32[64]) {
  let (m, v) = moments(g * x, axes = [0, 2, 3])
  return max(x, axes = [0, 2, 3]), m, v
}`,
  ],
  "what follows from sums and other small values": [
    3,
    `fn f(x: f32[n, 96], g: f32[96]) -> (s: f32[96], t: f32[96], y: f32[n, 96]) {
  let e = exp(g)
  let t = sum(x * e, axes = [0]) * e
  return sum(x, axes = [0]) * tanh(g), t, x * t + e
}`,
  ],
  "what has more axes than the sums that it follows from": [
    3,
    `fn f(x: f32[n, 4, 96], g: f32[1, 4, 1]) -> (s: f32[1, 1, 96], y: f32[n, 4, 96]) {
  let s = var(x, axes = [0, 1], keepdims = true)
  return s, x * maximum(s, g)
}`,
  ],
  "a result that is the same for all rows": [
    3,
    `fn f(x: f32[n, 96], g: f32[96]) -> (e: f32[96], s: f32[96]) {
  let e = exp(g)
  return e, sum(x * e, axes = [0])
}`,
  ],
  "rows that are stored, and what follows from the sums": [
    2,
    `fn f(x: f32[n, 768], r: f32[n, 768], g: f32[768]) -> (h: f32[n, 768], y: f32[768]) {
  let h = x + r
  return h, g * tanh(mean(h, axes = [0]))
}`,
  ],
  "rows that are read again": [
    3,
    "fn f(x: f32[n, 768]) -> (y: f32[n, 768]) { return exp(x) / sum(exp(x), axes = [0], keepdims = true) }",
  ],
  logsumexp: [
    2,
    "fn f(x: f32[n, c]) -> (y: f32[c], z: f32[c]) { return logsumexp(x, axes = [0]), logsumexp(0.5 * x, axes = [0]) }",
  ],
  "logsumexp of a batch of halves": [
    2,
    "fn f(x: f16[n, 64, 5]) -> (y: f16[64]) { return logsumexp(x, axes = [0, 2]) }",
  ],
  "places of the largest and the smallest": [
    2,
    `fn f(x: f32[n, 64, 5]) -> (a: i32[64], b: i32[1, 64, 1], m: f32[64]) {
  return argmax(x, axes = [0, 2]), argmin(x, axes = [0, 2], keepdims = true), max(x, axes = [0, 2])
}`,
  ],
  "the place of the largest of all": [2, "fn f(x: f32[n, m]) -> (a: i32) { return argmax(x, axes = [0, 1]) }"],
  "a sum of exponentials, and what follows from it": [
    3,
    `fn f(x: f32[n, 768]) -> (y: f32[n, 768]) {
  let e = exp(x - max(x, axes = [0], keepdims = true))
  return e / sum(e, axes = [0], keepdims = true)
}`,
  ],
};
