/** What `--in NAME=VALUE` fills inputs with: the numbers that come out, against what their distribution promises. */

import { describe, expect, test } from "vitest";
import { type Fill, fillForms, numbersOf, parseFill, printFill } from "../../src/compare/fill.ts";
import { roundTo } from "../../src/ir/float16.ts";
import type { ElementType } from "../../src/ir/types.ts";

const count = 20_000;

function draw(element: ElementType, text: string): number[] | undefined {
  const fill = parseFill(text);
  if (fill === undefined || (typeof fill === "object" && "wrong" in fill)) throw new Error(`no fill: ${text}`);
  const next = numbersOf(element, fill, 1);
  return next && Array.from({ length: count }, () => roundTo[element](next()));
}

const mean = (numbers: readonly number[]) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
const deviation = (numbers: readonly number[]) => {
  const middle = mean(numbers);
  return Math.sqrt(mean(numbers.map((number) => (number - middle) ** 2)));
};

describe("a range", () => {
  test.each([
    ["f32", "rand", 0, 1],
    ["f16", "rand", 0, 1],
    ["f32", "uniform(0, 2)", 0, 2],
    ["f16", "uniform(-3,5)", -3, 5],
    ["f32", "uniform( .5 , 2e0 )", 0.5, 2],
    ["f32", "uniform(1, 1.0000002)", 1, 1.0000002],
    ["f16", "uniform(0.999, 1)", 0.999, 1],
  ] as const)("of %s: %s is uniform, from its first number up to its second", (element, text, low, high) => {
    const numbers = draw(element, text) as number[];
    expect(numbers.every((number) => number >= roundTo[element](low) && number < high)).toBe(true);
    // Six standard errors, and half a step of f16.
    const error = (6 * (high - low)) / Math.sqrt(12 * count) + (element === "f16" ? 2 ** -9 : 1e-7);
    expect(Math.abs(mean(numbers) - (low + high) / 2)).toBeLessThan(error);
    if (high - low > 0.1) expect(Math.abs(deviation(numbers) - (high - low) / Math.sqrt(12))).toBeLessThan(0.05);
  });

  test.each([
    ["i32", "rand", 0, 20],
    ["u32", "rand", 0, 20],
    ["i32", "randn", -10, 10],
    ["u32", "randn", 0, 20],
    ["bool", "rand", 0, 1],
    ["bool", "randn", 0, 1],
    ["bool", "uniform(0, 2)", 0, 1],
    ["i32", "uniform(-2, 3)", -2, 2],
    ["i32", "uniform(-2.5, 2.5)", -2, 2],
    ["u32", "uniform(0, 5)", 0, 4],
    ["u32", "uniform(4294967295, 4294967296)", 2 ** 32 - 1, 2 ** 32 - 1],
  ] as const)("of %s: %s gives each whole number in it, and no other", (element, text, least, most) => {
    const found = [...new Set(draw(element, text))].sort((a, b) => a - b);
    expect(found).toEqual(Array.from({ length: most - least + 1 }, (_, i) => least + i));
  });

  test.each([
    ["u32", "uniform(-1, 3)"],
    ["i32", "uniform(0, 4294967296)"],
    ["bool", "uniform(0, 3)"],
    ["i32", "uniform(0.2, 0.8)"],
    ["i32", "normal(0, 1)"],
    ["bool", "normal(0, 1)"],
    ["f16", "uniform(0, 1e6)"],
    ["f32", "normal(1e39, 1)"],
    ["i32", "0.5"],
  ] as const)("of %s: %s holds numbers that the element type does not", (element, text) => {
    expect(draw(element, text)).toBeUndefined();
  });
});

test("normal numbers have their mean and deviation", () => {
  for (const [text, middle, width] of [
    ["randn", 0, 1],
    ["normal(5, 0.1)", 5, 0.1],
    ["normal(-2,3)", -2, 3],
    ["normal(1, 0)", 1, 0],
  ] as const) {
    const numbers = draw("f32", text) as number[];
    expect(Math.abs(mean(numbers) - middle)).toBeLessThanOrEqual((6 * width) / Math.sqrt(count));
    expect(Math.abs(deviation(numbers) - width)).toBeLessThanOrEqual((6 * width) / Math.sqrt(2 * count));
  }
});

test("a fill is printed as it is read", () => {
  const fills: Fill[] = ["rand", "zeros", -0.25, Infinity, { name: "uniform", of: [0.5, 2] }];
  for (const fill of fills) expect(parseFill(printFill(fill).replace("Infinity", "inf"))).toEqual(fill);
  expect(parseFill("x.npy")).toBeUndefined();
  expect(parseFill("uniform.npy")).toBeUndefined();
  for (const form of fillForms) {
    const text = form
      .replace("NUMBER", "3")
      .replace(/[A-Z]+/, "1")
      .replace(/[A-Z]+/, "2");
    expect(parseFill(text)).toBeDefined();
    expect(parseFill(text)).not.toHaveProperty("wrong");
  }
});
