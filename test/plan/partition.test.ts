/** Which ops share a kernel: how many kernels programs take and why, and that no other partition is cheaper. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { KernelGroups } from "../../passes/kernel-groups.ts";
import { costOf, type Partition, partition } from "../../passes/partition.ts";
import { compile } from "../../src/driver/compile.ts";
import { elementsOf } from "../../src/ir/bytes.ts";
import { type Fn, type Op, presentOperands } from "../../src/ir/ir.ts";
import { firstMismatch, whyOutside } from "../../src/ir/iteration.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { parse } from "../../src/parse/parse.ts";
import { interpretPlan } from "../../src/plan/interpret.ts";
import type { Plan } from "../../src/plan/plan.ts";

/** A program: how many kernels it takes, and why not fewer. */
const table: readonly (readonly [name: string, kernels: number, why: string, text: string])[] = [
  [
    "a norm",
    1,
    "one walk",
    "fn f(x: f32[n, 64], g: f32[64]) -> (y: f32[n, 64]) { return gelu(rmsnorm(x, g, axes = [-1])) }",
  ],
  [
    "QK-norm",
    2,
    "16 and 8 heads: no tensor has the axes of both",
    `fn f(q: f16[tokens, 16, 128], k: f16[tokens, 8, 128], gq: f16[128], gk: f16[128]) -> (qn: f16[tokens, 16, 128], kn: f16[tokens, 8, 128]) {
  return rmsnorm(q, gq, axes = [-1]), rmsnorm(k, gk, axes = [-1])
}`,
  ],
  [
    "QK-norm of as many heads",
    1,
    "axes of equal extents are walked together",
    `fn f(q: f32[tokens, 8, 128], k: f32[tokens, 8, 128], g: f32[128]) -> (qn: f32[tokens, 8, 128], kn: f32[tokens, 8, 128]) {
  return rmsnorm(q, g, axes = [-1]), rmsnorm(k, g, axes = [-1])
}`,
  ],
  [
    "the mean of a loss",
    2,
    "the mean needs all rows",
    `fn f(logits: f32[n, c], label: i32[n, 1], ids: i32[c]) -> (loss: f32[n], mean_loss: f32) {
  let l = -sum(where(ids == label, log_softmax(logits, axes = [-1]), 0), axes = [-1])
  return l, mean(l, axes = [0])
}`,
  ],
  [
    "the variance of centered rows, whose mean nothing reads",
    2,
    "the variance needs all rows",
    `fn f(x: f32[n, 64]) -> (y: f32[n, 64]) {
  let c = x - max(x, axes = [-1], keepdims = true)
  let (m, v) = moments(c, axes = [-2, -1], keepdims = true)
  return maximum(v, c)
}`,
  ],
  [
    "softmax over two axes in turn",
    2,
    "each reduces another axis",
    "fn f(x: f32[n, 20]) -> (y: f32[n, 20]) { return softmax(softmax(x, axes = [-1]), axes = [0]) }",
  ],
  [
    "two results of two shapes",
    2,
    "nothing is shared",
    "fn f(x: f32[n], z: f32[m]) -> (a: f32[n], b: f32[m]) { return exp(x), exp(z) }",
  ],
  [
    "two results in turns",
    2,
    "each of their ops joins its own, wherever it stands",
    `fn f(x: f32[n], z: f32[m]) -> (a: f32[n], b: f32[m]) {
  let p = exp(x)
  let q = exp(z)
  return p * p, q * q
}`,
  ],
  [
    "sums of rows and of columns",
    2,
    "sums of tiles of rows, and of these",
    "fn f(x: f32[8, 4]) -> (a: f32[8], b: f32[4]) { return sum(x, axes = [1]), sum(x, axes = [0]) }",
  ],
  [
    "statistics of a batch, and what they normalize",
    1,
    "both fold the same axes",
    `fn f(x: f32[n, 8, s]) -> (y: f32[n, 8, s]) {
  let (m, v) = moments(x, axes = [0, 2], keepdims = true)
  return (x - m) * rsqrt(v + 1e-5)
}`,
  ],
  [
    "Sinkhorn's first step",
    2,
    "rows, then columns",
    `fn f(x: f32[n, m]) -> (y: f32[n, m]) {
  let r = x / sum(x, axes = [1], keepdims = true)
  return r / sum(r, axes = [0], keepdims = true)
}`,
  ],
  [
    "a norm of a norm's transpose",
    2,
    "the columns of one are rows of the other",
    `fn f(x: f32[20, 20]) -> (y: f32[20, 20]) {
  let a = softmax(x, axes = [-1])
  return softmax(transpose(a, perm = [1, 0]), axes = [-1])
}`,
  ],
  [
    "cut across what was computed",
    2,
    "rows of 4 become rows of 6",
    "fn f(x: f32[6, 4]) -> (y: f32[4, 6]) { return softmax(reshape(exp(x), shape = [4, 6]), axes = [-1]) }",
  ],
  [
    "a product between an op and its reader",
    1,
    "tanh joins exp across the product",
    `fn f(x: f32[n, 64], w: f32[64, 64]) -> (y: f32[n, 64], p: f32[n, 64]) {
  let e = exp(x)
  let p = matmul(e, w)
  return tanh(e), p
}`,
  ],
];

const functionOf = (text: string) => parse(text, { file: "test.tir" }).fns[0] as Fn;

describe.each(table)("%s", (_, kernels, _why, text) => {
  const fn = functionOf(text);
  const found = partition(fn);

  test(`${kernels}`, () => {
    // A group that also sums over rows takes two kernels: one for tiles of rows, and their merge.
    const counts = found.map((group) => (firstMismatch(group) === undefined ? 1 : 2));
    const inside = counts.filter((_, i) => whyOutside(found[i]?.[0] as Op) === undefined);
    expect(inside.reduce((sum, count) => sum + count, 0)).toBe(kernels);
    const isWhole = fn.ops.every((op) => whyOutside(op) === undefined);
    if (isWhole) expect(compile(parse(text), { splitReductions: "none" }).kernels).toHaveLength(kernels);
  });

  test("no other partition is cheaper", () => {
    expect(costOf(fn, found)).toBe(least(fn));
  });
});

test("a function of many ops computes a value again instead of storing it", () => {
  const programs = parse(readFileSync("test/fixtures/training-programs.tir", "utf8"), {
    file: "training-programs.tir",
  });
  const { plans } = compile(programs, { fn: "infonce" });
  const stored = (plans[0] as Plan).buffers.filter(({ kind }) => kind === "intermediate");
  // One number for each row and column is stored; both kernels scale the matrix themselves.
  expect(stored.map(({ type }) => elementsOf(type.shape)).sort((a, b) => a - b)).toEqual([1, 64, 64]);
});

test("more tensors than WebGPU promises buffers are several kernels, of which none has more", () => {
  const names = ["a", "b", "c", "d", "e", "g", "h", "i", "j"];
  const text = `fn f(${names.map((name) => `${name}: f32[n]`).join(", ")}) -> (y: f32[n]) { return ${names.join(" + ")} }`;
  const { plans, kernels } = compile(parse(text));
  expect(kernels).toHaveLength(2);
  for (const { manifest } of kernels) expect(manifest.bindings.length).toBeLessThanOrEqual(8);
  const inputs = Object.fromEntries(
    names.map((name, i) => [name, { element: "f32" as const, shape: [3], data: Float64Array.of(i, 2 * i, 1) }]),
  );
  expect([...(interpretPlan(plans[0] as Plan, inputs).y as Tensor).data]).toEqual([36, 72, 9]);
});

/** The least cost of all partitions whose groups are kernels and can be launched in some order. */
function least(fn: Fn): number {
  const groups = new KernelGroups(fn);
  let best = Infinity;
  const visit = (i: number, parts: readonly (readonly Op[])[]): void => {
    const op = groups.ops[i];
    if (op === undefined) {
      if (parts.every((part) => isKernel(part)) && isOrdered(parts)) best = Math.min(best, costOf(fn, parts));
      return;
    }
    visit(i + 1, [...parts, [op]]);
    for (const [at] of parts.entries())
      visit(
        i + 1,
        parts.map((part, j) => (j === at ? [...part, op] : part)),
      );
  };
  const isKernel = (part: readonly Op[]) =>
    part.some((op) => whyOutside(op) !== undefined) ? part.length === 1 : groups.refusal(part, Infinity) === undefined;
  visit(0, []);
  return best;
}

function isOrdered(parts: Partition): boolean {
  const open = new Set(parts);
  for (let before = -1; before !== open.size; ) {
    before = open.size;
    for (const part of open) {
      const waits = [...open].some(
        (other) =>
          other !== part && part.some((op) => presentOperands(op).some(({ def }) => def && other.includes(def))),
      );
      if (!waits) open.delete(part);
    }
  }
  return open.size === 0;
}
