import { expect, test } from "vitest";
import { interpret } from "../../src/ir/interpret.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { lookupRanges } from "../../src/ir/lookups.ts";
import { parse } from "../../src/parse/parse.ts";
import { randomInputs } from "../../src/testing/random-inputs.ts";

/** The function that picks elements of rows by the index computed from `label`. */
const picking = (index: string, element = "i32") =>
  parse(`fn f(p: f32[rows, 40], label: ${element}[rows, 1], other: i32[rows, 1], keep: bool[rows, 1]) -> f32[rows, 1] {
  return gather(p, ${index}, axis = -1) + cast(other, to = f32) + cast(keep, to = f32)
}`).fns[0] as Fn;

const dims = { rows: 7 };
const rangesOf = (fn: Fn) => Object.fromEntries([...lookupRanges(fn, dims)].map(([{ name }, range]) => [name, range]));
const range = (least: number, most: number) => ({ least, most });

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
  expect(rangesOf(fn)).toEqual({ label: range(0, 39) });
  expect(() => interpret(fn, randomInputs(fn))).not.toThrow();
});

test.for<readonly [index: string, least: number, most: number, element?: string]>([
  ["label - 1", 1, 40],
  ["label - 1000", 1000, 1039],
  ["label + 1", 0, 38],
  ["1000 - label", 961, 1000],
  ["label * 2", 0, 19],
  ["label / 3", 0, 119],
  ["-label", -39, 0],
  ["maximum(label, 0) + 1", 0, 38],
  ["cast(cast(label, to = i32) - 1, to = u32)", 1, 40, "u32"],
  ["where(keep, label - 1, 39)", 1, 40],
  ["label + iota(shape = [rows, 1], axis = 0)", 0, 33],
  ["iota(shape = [rows, 1], axis = 0) * 4 + label", 0, 15],
  ["cast(round(label), to = i32)", 0, 38, "f32"],
  ["cast(floor(label * 39), to = i32)", 0, 0, "f32"],
])("%s is in range for labels from %s to %s", ([index, least, most, element]) => {
  const fn = picking(index, element);
  expect(rangesOf(fn)).toEqual({ label: range(least, most) });
  for (const seed of [1, 2, 3]) expect(() => interpret(fn, randomInputs(fn, seed, dims))).not.toThrow();
});

test("both operands are positions, or neither", () => {
  expect(rangesOf(picking("maximum(label, other)"))).toEqual({ label: range(0, 39), other: range(0, 39) });
  expect(rangesOf(picking("label + other"))).toEqual({ label: range(0, 19), other: range(0, 19) });
  expect(rangesOf(picking("label - other"))).toEqual({});
});

test("a parameter of two lookups is in the range of both", () => {
  const fn = parse(`fn f(p: f32[rows, 40], label: i32[rows, 1]) -> f32[rows, 1] {
  return gather(p, label, axis = -1) + gather(p, label - 1, axis = -1)
}`).fns[0] as Fn;
  expect(rangesOf(fn)).toEqual({ label: range(1, 39) });
});

test("tokens before positions are numbers of both tables", () => {
  const fn = parse(`fn f(at: i32, ids: i32[t], tokens: f32[50, 8], positions: f32[32, 8]) -> f32[t, 8] {
  return embedding(ids, tokens) + embedding(at + iota(shape = [t], axis = 0), positions)
}`).fns[0] as Fn;
  const ranges = Object.fromEntries([...lookupRanges(fn, { t: 5 })].map(([{ name }, range]) => [name, range]));
  expect(ranges).toEqual({ ids: range(0, 49), at: range(0, 27) });
});
