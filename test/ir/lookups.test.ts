import { expect, test } from "vitest";
import { interpret } from "../../src/ir/interpret.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { lookupsBy } from "../../src/ir/lookups.ts";
import { parse } from "../../src/parse/parse.ts";
import { randomInputs } from "../../src/testing/random-inputs.ts";

/** The function that picks elements of rows by the index computed from `label`. */
const picking = (index: string, element = "i32") =>
  parse(`fn f(p: f32[rows, 40], label: ${element}[rows, 1], other: i32[rows, 1], keep: bool[rows, 1]) -> f32[rows, 1] {
  return gather(p, ${index}, axis = -1) + cast(other, to = f32) + cast(keep, to = f32)
}`).fns[0] as Fn;

const boundsOf = (fn: Fn) => Object.fromEntries([...lookupsBy(fn)].map(([{ name }, dims]) => [name, dims]));

test.for<readonly [index: string, element?: string]>([
  ["label"],
  ["maximum(label, 0)"],
  ["minimum(label, 39)"],
  ["clamp(label, 0, 39)"],
  ["abs(label)"],
  ["abs(label) % 40"],
  ["where(label == -100, 0, label)"],
  ["where(keep, label, 0)"],
  ["maximum(reshape(label, shape = [rows, 1]), 0)"],
  ["cast(label, to = i32)", "u32"],
  ["cast(label, to = i32)", "f32"],
  ["cast(floor(label), to = i32)", "f32"],
])("%s of a label in range is in range", ([index, element]) => {
  const fn = picking(index, element);
  expect(boundsOf(fn)).toEqual({ label: [40] });
  expect(() => interpret(fn, randomInputs(fn))).not.toThrow();
});

test.for([["label - 1"], ["label + 1"], ["label * 2"], ["-label"], ["maximum(label, 0) + 1"]])(
  "%s may leave the range",
  ([index]) => expect(boundsOf(picking(index as string))).toEqual({}),
);

test("rounding may go up to the extent", () => {
  expect(boundsOf(picking("cast(round(label), to = i32)", "f32"))).toEqual({});
});

test("both operands are positions, or neither", () => {
  expect(boundsOf(picking("maximum(label, other)"))).toEqual({ label: [40], other: [40] });
  expect(boundsOf(picking("label - other"))).toEqual({});
});
