/** What `--compare` calls right: hand-made outputs against the reference. */

import { describe, expect, test } from "vitest";
import { compareOutput, referenceOf } from "../../src/compare/compare.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { parse } from "../../src/parse/parse.ts";
import { fromNumbers } from "../../src/runtime/host-tensor.ts";

const f32 = (shape: number[], numbers: number[]) => ({
  element: "f32" as const,
  shape,
  data: Float64Array.from(numbers),
});

/** What becomes of `got` as the output of a program of `x: f32[r, n]`. */
function verdict(body: string, type: "f32" | "f16" | "i32" | "bool", x: number[][], got: number[][]) {
  const fn = parse(`fn f(x: f32[r, n]) -> (y: ${type}[r, n]) {\n${body}\n}\n`).fns[0] as Fn;
  const shape = [x.length, x[0]?.length ?? 0];
  const reference = referenceOf(fn, { x: f32(shape, x.flat()) }).y;
  if (reference === undefined) throw new Error("no result y");
  const { wrong, amplified, steps, worst, maxAbsError, maxRelError } = compareOutput(
    fromNumbers(type, shape, got.flat()),
    reference,
  );
  return { wrong, amplified, steps, worst, maxAbsError, maxRelError };
}

describe("a float", () => {
  test("that is exact has no error", () => {
    expect(verdict("return x * 2", "f32", [[1, 2]], [[2, 4]])).toEqual({
      ...{ wrong: 0, amplified: 0, steps: 0, worst: undefined },
      ...{ maxAbsError: 0, maxRelError: 0 },
    });
  });

  test("may be off by the tolerance, and no further", () => {
    expect(verdict("return x * 2", "f32", [[0.25, 0.1]], [[0.5 + 1.9e-6, 0.2]]).wrong).toBe(0);
    expect(verdict("return x * 2", "f32", [[0.25, 0.1]], [[0.5 + 2.2e-6, 0.2]])).toMatchObject({ wrong: 1, worst: 0 });
  });

  test("may be off relative to the largest value of its own row", () => {
    const x = [
      [0, 1000],
      [0, 1],
    ];
    const off = [
      [1e-3, 1000],
      [1e-3, 1],
    ];
    const found = verdict("return x * 1", "f32", x, off);
    expect(found).toMatchObject({ wrong: 1, worst: 2 });
    expect(found.maxRelError).toBeCloseTo(1e-3, 8);
  });

  test("of 16 bits may be off by 1e-3", () => {
    expect(verdict("return cast(x, to = f16)", "f16", [[0.5]], [[0.5005]]).wrong).toBe(0);
    expect(verdict("return cast(x, to = f16)", "f16", [[0.5]], [[0.503]]).wrong).toBe(1);
  });

  test("is a NaN or an infinity exactly where the reference is", () => {
    expect(verdict("return x / 0", "f32", [[1, 0, -1]], [[Infinity, Number.NaN, -Infinity]]).wrong).toBe(0);
    expect(verdict("return x / 0", "f32", [[1, 0, -1]], [[1e30, 0, Infinity]]).wrong).toBe(3);
    expect(verdict("return x * 1", "f32", [[1]], [[Number.NaN]])).toMatchObject({
      wrong: 1,
      worst: 0,
      maxAbsError: Infinity,
    });
  });

  test("beyond the range of its element type may be infinite", () => {
    expect(verdict("return cast(x * x, to = f16)", "f16", [[300]], [[Infinity]]).wrong).toBe(0);
    expect(verdict("return x * 1e30", "f32", [[1e30, 1]], [[Infinity, 1e30]]).wrong).toBe(0);
  });
});

describe("a value that has been rounded", () => {
  const quantized = "return cast(round(x), to = i32)";

  test("may be the neighbour where it lies at the edge between two, and that is counted", () => {
    expect(verdict(quantized, "i32", [[2.4999999, 7]], [[3, 7]])).toMatchObject({ wrong: 0, steps: 1 });
  });

  test("may not where it lies elsewhere", () => {
    expect(verdict(quantized, "i32", [[2.4, 7]], [[3, 7]])).toMatchObject({ wrong: 1, steps: 0, worst: 0 });
  });

  test("may be one step away, not two", () => {
    expect(verdict(quantized, "i32", [[2.4999999, 7]], [[4, 7]]).wrong).toBe(1);
  });

  test("may be the neighbour as a float that goes on from there", () => {
    const scaled = "return round(x) * 0.125";
    expect(verdict(scaled, "f32", [[2.5000001]], [[0.25]])).toMatchObject({ wrong: 0, steps: 1 });
    expect(verdict(scaled, "f32", [[2.6]], [[0.25]]).wrong).toBe(1);
  });

  test("by a cast or a comparison is held to the same", () => {
    expect(verdict("return cast(x, to = i32)", "i32", [[2.9999999]], [[3]])).toMatchObject({ wrong: 0, steps: 1 });
    expect(verdict("return cast(x, to = i32)", "i32", [[2.99]], [[3]]).wrong).toBe(1);
    expect(verdict("return x < 1", "bool", [[0.9999999, 0.5]], [[0, 1]])).toMatchObject({ wrong: 0, steps: 1 });
    expect(verdict("return x < 1", "bool", [[0.99, 0.5]], [[0, 1]]).wrong).toBe(1);
  });

  test("is exact where no float goes in", () => {
    const fn = parse("fn f(x: i32[n]) -> (y: i32[n]) {\n  return x / 2\n}\n").fns[0] as Fn;
    const x = { element: "i32" as const, shape: [2], data: Float64Array.of(5, 8) };
    const { y } = referenceOf(fn, { x });
    expect(compareOutput(fromNumbers("i32", [2], [2, 4]), y as NonNullable<typeof y>).wrong).toBe(0);
    expect(compareOutput(fromNumbers("i32", [2], [3, 4]), y as NonNullable<typeof y>).wrong).toBe(1);
  });
});

/** The program's result with every op rounded to f32, and one that is off by `factor`. */
const off = (values: number[], factor: number) => values.map((value) => value * (1 + factor));
const f = Math.fround;

describe("a program that amplifies rounding errors", () => {
  const x = Array.from({ length: 16 }, (_, i) => f(0.3 + i / 17));

  test("by exp of a large number is allowed what they become, and no more", () => {
    const body = "return exp(x - 400 + 399)";
    const rounded = x.map((value) => f(Math.exp(f(f(value - 400) + 399))));
    expect(verdict(body, "f32", [x], [rounded])).toMatchObject({ wrong: 0, steps: 0 });
    expect(verdict(body, "f32", [x], [rounded]).amplified).toBeGreaterThan(0);
    expect(verdict(body, "f32", [x], [off(rounded, 1e-3)]).wrong).toBeGreaterThan(8);
  });

  test("by a difference that cancels", () => {
    const body = "return 1 / (x * x - 1)";
    const near = x.map((value, i) => f(1 + (i + 1) * 1e-4 + value * 1e-6));
    const rounded = near.map((value) => f(1 / f(f(value * value) - 1)));
    expect(verdict(body, "f32", [near], [rounded])).toMatchObject({ wrong: 0 });
    expect(verdict(body, "f32", [near], [off(rounded, 3e-3)]).wrong).toBeGreaterThan(0);
  });

  test("by a logarithm near 1", () => {
    const body = "return 1 / log(x * 3)";
    const near = x.map((value, i) => f((1 + (i + 1) * 1e-4 + value * 1e-6) / 3));
    const rounded = near.map((value) => f(1 / f(Math.log(f(value * 3)))));
    expect(verdict(body, "f32", [near], [rounded])).toMatchObject({ wrong: 0 });
    expect(verdict(body, "f32", [near], [off(rounded, 3e-2)]).wrong).toBeGreaterThan(0);
  });

  test("by a sum whose terms cancel", () => {
    const body = "return exp(x * 0 + sum(x, axes = [-1], keepdims = true))";
    const terms = x.map((value, i) => (i % 2 === 0 ? f(value * 1000) : f(-(x[i - 1] as number) * 1000 - value / 9)));
    const sum = terms.reduce((total, value) => f(total + value), 0);
    const rounded = terms.map(() => f(Math.exp(sum)));
    expect(verdict(body, "f32", [terms], [rounded])).toMatchObject({ wrong: 0 });
    expect(verdict(body, "f32", [terms], [off(rounded, 1e-2)]).wrong).toBe(16);
  });

  test("is allowed nothing for inputs and exact ops, which have no errors", () => {
    const body = "return exp(maximum(-x, -500) + 399)";
    const large = x.map((value) => f(399 + value));
    const right = large.map((value) => Math.exp(399 - value));
    expect(verdict(body, "f32", [large], [off(right, 4e-4)]).wrong).toBeGreaterThan(0);
  });

  test("is allowed no step of a rounding that is far from a boundary", () => {
    const body = "return round(x * 1000) * 0.5";
    const right = x.map((value) => Math.round(value * 1000) * 0.5);
    expect(verdict(body, "f32", [x], [right])).toMatchObject({ wrong: 0 });
    expect(verdict(body, "f32", [x], [right.map((value) => value + 0.5)]).wrong).toBe(16);
  });

  test("is allowed a step of a rounding whose operand an error moves across the boundary", () => {
    const body = "return round(1 / (x * x - 1))";
    const near = [f(Math.sqrt(1 + 1 / 5000.49))];
    const want = 1 / ((near[0] as number) * (near[0] as number) - 1);
    const other = Math.round(want) + (want > Math.round(want) ? 1 : -1);
    expect(verdict(body, "f32", [near], [[other]])).toMatchObject({ wrong: 0, steps: 1 });
  });
});

test("an output without elements is right", () => {
  expect(verdict("return x * 2", "f32", [], [])).toMatchObject({ wrong: 0, maxAbsError: 0 });
});
