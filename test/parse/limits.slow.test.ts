/** Megabytes of one thing: whatever it is, reading takes time in proportion. */

import { expect, test } from "vitest";
import { parseSyntax } from "../../src/parse/parse-syntax.ts";
import { cpuClock } from "../support/cpu-clock.ts";

const header = "fn f(x: f32[rows, 768]) -> f32[rows, 768] {\n";

function timeOf(text: string): number {
  const clock = cpuClock();
  parseSyntax({ name: "t", text });
  return clock();
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
])("a megabyte of %s is read in less than 6 s", (_, part) => {
  const text = part.repeat(Math.ceil(1_000_000 / part.length));
  expect(timeOf(text)).toBeLessThan(6000);
  expect(timeOf(`${header} let y = x + ${text}`)).toBeLessThan(6000);
});

test.each([
  ["name", "a".repeat(1_000_000)],
  ["number", `0.${"1".repeat(1_000_000)}`],
  ["string", `f("${"é".repeat(1_000_000)}")`],
  ["comment", `/* ${"*".repeat(1_000_000)} */ x`],
])("a %s of a megabyte is read in less than 6 s", (_, value) => {
  const text = `${header} return ${value} }`;
  expect(timeOf(text)).toBeLessThan(6000);
  expect(parseSyntax({ name: "t", text }).diagnostics).toEqual([]);
});

test("twice as many statements take at most three times as long", () => {
  const chain = (count: number) => {
    const lets = Array.from({ length: count }, (_, i) => `  let v${i} = x * 1.5 + x\n`);
    return `${header}${lets.join("")}  return v0\n}\n`;
  };
  timeOf(chain(1000));
  expect(timeOf(chain(20_000)) / timeOf(chain(10_000))).toBeLessThan(3);
});
