/**
 * Why a reduction of columns does not share a kernel with one of rows: the remark says what to do, and doing it helps.
 */

import { expect, test } from "vitest";
import { compile } from "../../src/driver/compile.ts";
import { parse } from "../../src/parse/parse.ts";

const remarksOf = (text: string, dims: Record<string, number> = {}) => {
  const { remarks, kernels } = compile(parse(text), { dims });
  const cuts = remarks.filter(({ code }) => code === "R0501");
  return { help: cuts.map(({ help }) => (help ?? [])[0] ?? ""), kernels: kernels.length };
};
const beside = (sum: string, c = "64") => `fn f(x: f32[rows, ${c}]) -> (n: f32[rows, ${c}], s: f32[${c}]) {
  let n = rmsnorm(x, axes = [-1])
  return n, ${sum}
}`;

test("columns whose number is not known: with it there is one kernel less, and no remark", () => {
  const text = beside("sum(n, axes = [0])", "c");
  const { help, kernels } = remarksOf(text);
  expect(help).toEqual([expect.stringContaining("`--dim c=N`")]);
  expect(remarksOf(text, { c: 64 })).toEqual({ help: [], kernels: kernels - 1 });
});

test.each([
  ["logsumexp", beside("logsumexp(n, axes = [0])"), "and `logsumexp` needs more"],
  ["more columns than lanes hold", beside("sum(n, axes = [0])", "65536"), "at most 32768 columns, but there are 65536"],
  [
    "results that are spread over the rows",
    `fn f(x: f32[rows, 64]) -> (y: f32[rows, 64]) {
  let n = softmax(x, axes = [-1])
  return n / sum(n, axes = [0], keepdims = true)
}`,
    "if its result is not broadcast over the rows again",
  ],
])("%s", (_, text, way) => {
  expect(remarksOf(text).help.join("\n")).toContain(way);
});

test("nothing is said of them where no rows are reduced", () => {
  const text =
    "fn f(x: f32[rows, c]) -> (s: f32[c], t: f32) { let s = var(x, axes = [0]) return s, sum(s, axes = [0]) }";
  expect(remarksOf(text).help.join()).not.toContain("shares a kernel with");
});
