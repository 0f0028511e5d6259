/** A file with very many errors: the first are shown with help, the others are counted, in linear work. */

import { expect, test } from "vitest";
import * as callErrors from "../../src/diagnostics/areas/calls.ts";
import { error } from "../../src/diagnostics/diagnostic.ts";
import { limited } from "../../src/diagnostics/limit.ts";
import { programOf } from "../../src/language/program.ts";
import { workOf } from "../support/counted-work.ts";
import { refused } from "../support/diagnostics.ts";

/** Names of a file, and declarations of another. */
const [count, declared] = [1_000, 500];

const lines = (line: (i: number) => string) => Array.from({ length: count }, (_, i) => `  ${line(i)}`).join("\n");
const fn = (body: string) => `fn f(x: f32[n]) -> (y: f32[n]) {\n${body}\n  return x\n}\n`;
/** Each name is new and similar to all others, so that the search for suggestions grows with the file. */
const unknown = fn(lines((i) => `let value${i} = vaule${i}`));
const right = fn(lines((i) => `let value${i} = x`));

/** A text with a mistake in each line takes at most twice the work of a correct one. */
function expectNear(wrong: () => unknown, right: () => unknown): void {
  expect(workOf(wrong) / workOf(right)).toBeLessThan(2);
}

test("a hundred are shown, with suggestions, and the last says how many are not", () => {
  const found = refused(unknown);
  expect(found).toHaveLength(100);
  expect(found.every(({ code }) => code === "E0201")).toBe(true);
  expect(found.slice(2).every(({ help }) => help[0]?.startsWith("did you mean `value"))).toBe(true);
  expect(found.at(-1)?.notes).toEqual([`at least ${count - 100} more errors in this file are not shown`]);
});

test("suggestions name what stands before the mistake, and no more is looked for than is shown", () => {
  let asked = 0;
  const at = { source: { name: "t", text: "" }, start: 0, end: 0 };
  const known = () => {
    asked++;
    return ["value"];
  };
  const found = limited(Array.from({ length: 1000 }, () => callErrors.unknownName(at, "vaule", known, false)));
  expect(asked).toBeLessThanOrEqual(1);
  expect(found.map(({ help }) => help[0])).toEqual(Array.from({ length: 100 }, () => "did you mean `value`?"));
  expect(asked).toBe(100);
  const [early] = refused("fn f(x: f32) -> f32 {\n let a = latre\n let later = x\n return later\n}");
  expect(early?.help).toEqual(["define it before: as a parameter, a `const`, or a `let` above"]);
});

test("help that is asked for twice is found once", () => {
  let asked = 0;
  const found = error("E0000", "", { help: () => [String(++asked)] });
  expect([found.help, found.help, { ...found }.help]).toEqual([["1"], ["1"], ["1"]]);
});

// 12,500 names took 76 s where a right program took 1 s.
test.each([
  ["parse", (text: string) => refused(text)],
  ["the language server's reading", (text: string) => programOf(text)],
])("%s takes at most twice the work of a right program", (_, read) => {
  read(right);
  expectNear(
    () => read(unknown),
    () => read(`${right}\n`),
  );
});

test("the same of consts, dimensions and functions", () => {
  const consts = Array.from({ length: declared }, (_, i) => `const value${i}: f32[2] = [1, 2]`).join("\n");
  const program = (name: string, dim: string) =>
    `${consts}\n${Array.from({ length: declared }, (_, i) => `fn f${i}(x: f32[2]) -> f32[${dim}] {\n  return ${name}${i}\n}`).join("\n")}`;
  expectNear(
    () => refused(program("vaule", "r")),
    () => refused(program("value", "2")),
  );
});
