/** 4 to 16 kB of one construct, in deep runs a quarter of a megabyte, too: parsing takes linear work for each construct. */

import { expect, test } from "vitest";
import { parseSyntax } from "../../src/parse/parse-syntax.ts";
import { expectLinear, workOf } from "../support/counted-work.ts";
import { isDeep } from "../support/deep.ts";

const header = "fn f(x: f32[rows, 768]) -> f32[rows, 768] {\n";

const size = 4_000;
const read = (text: string) => parseSyntax({ name: "t", text });

function expectInProportion(textOf: (size: number) => string): void {
  expectLinear(size, textOf, read);
  if (!isDeep) return;
  // Beyond the limit on a statement's tokens less is parsed: work grows less there, or even shrinks.
  const [half, whole] = [textOf(125_000), textOf(250_000)].map((text) => workOf(() => read(text))) as [number, number];
  expect(whole).toBeLessThan(3 * half);
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
])("many %s are read in work in proportion", (_, part) => {
  const text = (size: number) => part.repeat(Math.ceil(size / part.length));
  expectInProportion(text);
  expectInProportion((size) => `${header} let y = x + ${text(size)}`);
});

test.each([
  ["name", (size: number) => "a".repeat(size)],
  ["number", (size: number) => `0.${"1".repeat(size)}`],
  ["string", (size: number) => `f("${"é".repeat(size)}")`],
  ["comment", (size: number) => `/* ${"*".repeat(size)} */ x`],
])("a long %s is read in work in proportion", (_, partOf) => {
  const text = (size: number) => `${header} return ${partOf(size)} }`;
  expectInProportion(text);
  expect(parseSyntax({ name: "t", text: text(size) }).diagnostics).toEqual([]);
});

test("statements are read in work in proportion", () => {
  const line = "  let v10000 = x * 1.5 + x\n".length;
  // Other names in each: what was matched before costs nothing.
  let first = 10_000;
  const chain = (size: number) => {
    const lets = Array.from({ length: size / line }, () => `  let v${first++} = x * 1.5 + x\n`);
    return `${header}${lets.join("")}  return x\n}\n`;
  };
  expectInProportion(chain);
});
