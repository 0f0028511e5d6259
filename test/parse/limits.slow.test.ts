/** 50 kB of one construct, in deep runs a quarter of a megabyte: parsing takes linear time for each construct. */

import { expect, test } from "vitest";
import { parseSyntax } from "../../src/parse/parse-syntax.ts";
import { cpuClock } from "../support/cpu-clock.ts";
import { isDeep } from "../support/deep.ts";

const header = "fn f(x: f32[rows, 768]) -> f32[rows, 768] {\n";

function timeOf(text: string): number {
  const clock = cpuClock();
  parseSyntax({ name: "t", text });
  return clock();
}

const size = isDeep ? 250_000 : 50_000;

/**
 * Quadratic time would be four times that of the half, whenever it is measured: one measurement in four that is
 * in proportion shows that the work is, and what a busy machine or a collection of garbage adds to the others does not.
 */
function expectProportion(textOf: (size: number) => string, allowed = 300): void {
  const [half, whole] = [textOf(size / 2), textOf(size)];
  let left = 4;
  while (timeOf(whole) > 3 * timeOf(half) + allowed) expect(--left, "measurements left").toBeGreaterThan(0);
}

test.each([
  ["opening comments", "/*"],
  ["quotes", '"'],
  ["single quotes", "'"],
  ["dots", "."],
  ["digits", "1"],
  ["letters", "a"],
  ["snowmen", "☃"],
  ["lets", "let "],
  ["names with =", "a = \n"],
  ["functions", "fn f("],
  ["numbers with points", "1.e"],
  ["foreign letters", "é"],
  ["brackets", "a[("],
])("many %s are read in time in proportion", (_, part) => {
  const text = (size: number) => part.repeat(Math.ceil(size / part.length));
  expectProportion(text);
  expectProportion((size) => `${header} let y = x + ${text(size)}`);
});

test.each([
  ["name", (size: number) => "a".repeat(size)],
  ["number", (size: number) => `0.${"1".repeat(size)}`],
  ["string", (size: number) => `f("${"é".repeat(size)}")`],
  ["comment", (size: number) => `/* ${"*".repeat(size)} */ x`],
])("a long %s is read in time in proportion", (_, partOf) => {
  const text = (size: number) => `${header} return ${partOf(size)} }`;
  expectProportion(text);
  expect(parseSyntax({ name: "t", text: text(size) }).diagnostics).toEqual([]);
});

test("twice as many statements take at most three times as long", () => {
  const line = "  let v10000 = x * 1.5 + x\n".length;
  // Other names in each: what was matched before costs nothing.
  let first = 10_000;
  const chain = (size: number) => {
    const lets = Array.from({ length: size / line }, () => `  let v${first++} = x * 1.5 + x\n`);
    return `${header}${lets.join("")}  return x\n}\n`;
  };
  expectProportion(chain, 0);
});
