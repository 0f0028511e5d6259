/** Kernels that read at indices other than those of their loops are proved too. */

import { expect, test } from "vitest";
import { proveKernel } from "../../codegen/prove.ts";
import { compile } from "../../src/driver/compile.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { parse } from "../../src/parse/parse.ts";
import { portableTarget } from "../../src/target/target.ts";
import { indexPrograms } from "../support/index-programs.ts";

const verdictOf = (text: string) => {
  const { module } = compile(parse(text), { target: portableTarget });
  return proveKernel(module.fns[0] as Fn, [], portableTarget, {}, { elements: 2 ** 12 }).verdict;
};

test.each([
  "RoPE, halves of a head",
  "SwiGLU on one tensor",
  "a row backwards, before and after a norm",
  "padded by vectors",
  "a loss by labels",
  "a causal mask by positions",
])("%s", (name) => {
  expect(verdictOf(indexPrograms[name] as string)).toBe("equal");
});

test("an element of a vector", () => {
  const text = `fn f(x: f32[n, 16]) -> f32[n, 16] {
  return x - broadcast(slice(x, axis = -1, start = 3, end = 4), shape = [n, 16])
}`;
  expect(verdictOf(text)).toBe("equal");
});

test("an element by a number that the kernel computes", () => {
  const text = `fn f(x: f32[n, 16], k: i32[n, 1]) -> f32[n, 1] {
  return cast(gather(x, clamp(k * 3 - 7, 0, 15), axis = -1) > 0, to = f32) + cast(k, to = f32)
}`;
  expect(verdictOf(text)).toBe("equal");
});
