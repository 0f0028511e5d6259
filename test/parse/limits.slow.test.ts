/** 100 kB of one thing, in deep runs a quarter of a megabyte: whatever it is, reading takes time in proportion. */

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

const size = isDeep ? 250_000 : 100_000;

/** Quadratic time would be four times that of the half. The half is read before and after, as machines are not steady. */
function expectProportion(textOf: (size: number) => string): void {
  const half = textOf(size / 2);
  const before = timeOf(half);
  const whole = timeOf(textOf(size));
  expect(whole).toBeLessThan(3 * Math.max(before, timeOf(half)) + 300);
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
  const chain = (count: number) => {
    const lets = Array.from({ length: count }, (_, i) => `  let v${i} = x * 1.5 + x\n`);
    return `${header}${lets.join("")}  return v0\n}\n`;
  };
  timeOf(chain(1000));
  const half = isDeep ? 10_000 : 5_000;
  expect(timeOf(chain(2 * half)) / timeOf(chain(half))).toBeLessThan(3);
});
