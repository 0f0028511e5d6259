/** Common mistakes in first programs: where the message points, and what it says to do. */

import { expect, test } from "vitest";
import { TircError } from "../../src/diagnostics/diagnostic.ts";
import { placeOf } from "../../src/diagnostics/place.ts";
import { listing } from "../../src/diagnostics/wording.ts";
import { elementInfo, elementTypes } from "../../src/ir/types.ts";
import { parse } from "../../src/parse/parse.ts";

function firstOf(text: string) {
  try {
    parse(text);
  } catch (caught) {
    if (caught instanceof TircError) return caught.diagnostics[0];
    throw caught;
  }
  return undefined;
}

test.for<readonly [text: string, column: number, code: string, help: string]>([
  ["fn f(x: f32[n]) f32[n] { return x }", 17, "E0118", "add `->`"],
  ["fn f(x: f32[n]) (y: f32[n]) { return x }", 17, "E0118", "add `->`"],
  ["fn f(x: f32[n]): f32[n] { return x }", 16, "E0118", "write `->` instead of it"],
  ["fn f(x: f32[n]) { return x }", 17, "E0118", "write `fn name(x: f32[rows, 768]) -> f32[rows, 768] {`"],
  ["fn f(x: Tensor) -> f32 { return x }", 9, "E0120", "write one of these, with a shape: `f32[rows, 768]`"],
  ["fn f(x: f32[n, n+1]) -> f32[n] { return x }", 17, "E0121", "use a name for an extent that varies: `rows`"],
  ["fn f(x: f32[n, 1.5]) -> f32[n] { return x }", 16, "E0121", "use a name for an extent that varies: `rows`"],
  ["fn f(x: f32[n], x: f32[n]) -> f32[n] { return x }", 17, "E0225", "choose another name"],
  ["fn f(x: f32[n]) -> f32[n] { return x } more", 40, "E0130", "move it into the body of a function, or remove it"],
  [
    "fn f(x: f32[n]) -> f32[n] { return if x > 0 { x } else { 0 } }",
    36,
    "E0133",
    "choose with `where(condition, a, b)`",
  ],
  ["fn f(x: f32[n, 8]) -> f32[n] { return sum(x, axes = [0, 0]) }", 53, "E0213", "name each axis once"],
  [
    "fn f(x: f32[b, 320]) -> f32[b, 320] { return groupnorm(x, groups = 33) }",
    68,
    "E0217",
    "choose a number that divides 320",
  ],
  [
    "fn f(x: f32[b, c, n]) -> f32[c] { return variance(x, axes = [0, 2]) }",
    42,
    "E0202",
    "write `var(x, axes = [0, 2])`",
  ],
  ["fn f(x: f32[n, 8]) -> u32 { return size(x) }", 41, "E0207", "write `size(shape = ...)`"],
])("%s", ([text, column, code, help]) => {
  const found = firstOf(text);
  expect(found?.code).toBe(code);
  expect(found?.span && placeOf(found.span).col).toBe(column);
  expect(found?.help).toContain(help);
});

test("axes are named as they are written", () => {
  const twice = (axes: string) => firstOf(`fn f(x: f32[n, 8]) -> f32[n] { return sum(x, axes = ${axes}) }`);
  expect(twice("[0, 0]")).toMatchObject({ message: "`sum` names axis 0 twice", notes: [] });
  expect(twice("[1, 0, -1]")).toMatchObject({
    message: "`sum` names axis 1 twice",
    notes: ["1 and -1 are the same axis: negative numbers count from the end"],
  });
});

test("the note on an 8-bit type that does not exist names those that do", () => {
  const eightBit = elementTypes.filter((element) => elementInfo[element].isStorage);
  const names = listing(eightBit.map((element) => `\`${element}\``));
  expect(firstOf("fn f(x: fp8[n]) -> f32[n] { return cast(x, to = f32) }")).toMatchObject({
    code: "E0120",
    notes: [
      expect.stringContaining("the element types are"),
      `the 8-bit types are ${names}, which can be stored and converted`,
    ],
    help: ["did you mean `f8e4m3`?"],
  });
});
