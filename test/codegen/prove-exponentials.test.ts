/** Exponentials of powers of 2, and of elements of which only some depend on another exponential. */

import { expect, test } from "vitest";
import { proveKernel } from "../../codegen/prove.ts";
import { compile } from "../../src/driver/compile.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { parse } from "../../src/parse/parse.ts";
import { portableTarget } from "../../src/target/target.ts";

const verdictOf = (text: string, wgsl = (kernel: string) => kernel) => {
  const { module } = compile(parse(text), { target: portableTarget });
  return proveKernel(module.fns[0] as Fn, [], portableTarget, {}, { elements: 2 ** 12, wgsl }).verdict;
};

const alibi = (slope: string) => `fn f(s: f32[8, q, 12]) -> (p: f32[8, q, 12]) {
  let head = cast(iota(shape = [8, 1, 1], axis = 0) + 1, to = f32)
  let distance = iota(shape = [q, 12], axis = 1) - iota(shape = [q, 12], axis = 0)
  return softmax(where(distance <= 0, s + ${slope} * cast(distance, to = f32), -3e38), axes = [-1])
}`;
const chosen = "fn f(x: f32[n, 16], y: f32[n, 16]) -> f32[n, 16] { return exp(where(x < 0, y, exp(x))) }";
const padded =
  "fn f(x: f32[n, 16]) -> f32[n, 20] { return exp(pad(exp(x), axis = -1, before = 0, after = 4, value = 3)) }";

const programs: Readonly<Record<string, string>> = {
  "whole exponents": alibi("exp2(-head)"),
  "fractions as exponents": alibi("exp2(head * -0.25)"),
  "elements that a condition chooses": chosen,
  "elements beside padding": padded,
};

test.each(Object.keys(programs))("%s", (name) => {
  expect(verdictOf(programs[name] as string)).toBe("equal");
});

/** The kernel's text with another one of a part that it contains. */
const replacing = (part: string | RegExp, other: string) => (kernel: string) => {
  const broken = kernel.replace(part, other);
  if (broken === kernel) throw new Error(`the kernel does not contain ${part}`);
  return broken;
};

test.each([
  ["another slope", alibi("exp2(-head)"), replacing("exp2_(neg)", "exp2_(-neg)"), "different"],
  ["another fraction", alibi("exp2(head * -0.25)"), replacing("-0.25", "-0.125"), "different"],
  ["another condition", chosen, replacing("select(exp_1, y, lt)", "select(y, exp_1, lt)"), "undecided"],
] as const)("a kernel with %s is not proved", (_, text, broken, verdict) => {
  expect(verdictOf(text, broken)).toBe(verdict);
});
