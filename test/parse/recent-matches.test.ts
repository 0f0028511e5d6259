/** A text that was parsed before is matched again only where it has changed. */

import { expect, test } from "vitest";
import { tirGrammars } from "../../src/parse/match-file.ts";
import { parseSyntax } from "../../src/parse/parse-syntax.ts";

/** The grammars, with a count of the pieces that they are asked to match. */
function counting() {
  const asked: string[] = [];
  const grammar = Object.create(tirGrammars.grammar) as typeof tirGrammars.grammar;
  grammar.match = (text, rule) => {
    asked.push(String(text));
    return tirGrammars.grammar.match(text, rule);
  };
  return { asked, grammars: { ...tirGrammars, grammar } };
}

const textOf = (lines: readonly string[]) => `fn f(x: f32[n]) -> f32[n] {\n${lines.join("\n")}\n  return x\n}\n`;

test("an edited line is matched, and what is above and below it is not once more", () => {
  const { asked, grammars } = counting();
  const read = (text: string) => parseSyntax({ name: "t", text }, grammars);
  const lines = Array.from({ length: 20 }, (_, i) => `  let v${i} = x + ${i}`);
  read(textOf(lines));
  expect(asked).toHaveLength(23);
  asked.length = 0;
  const edited = textOf(lines.with(7, "  let v7 = exp(x)\n"));
  const again = read(edited);
  expect(asked).toEqual(["let v7 = exp(x)\n\n  "]);
  // The tree and its places are those of a parser without a cache.
  expect(again).toEqual(parseSyntax({ name: "t", text: edited }, counting().grammars));
  // Failures are cached too, and reported at the current place.
  const [wrong, moved] = [lines.with(7, "  let v7 = x +"), ["", ...lines.with(7, "  let v7 = x +")]].map(textOf);
  for (const text of [wrong, moved] as [string, string]) {
    const { diagnostics } = read(text);
    expect(diagnostics.map(({ span }) => span?.start)).toEqual([text.indexOf("let v8")]);
  }
  expect(asked.filter((piece) => piece === "let v7 = x +\n  ")).toHaveLength(1);
});

test("of many texts, those of long ago are forgotten", () => {
  const { asked, grammars } = counting();
  const read = (i: number) =>
    parseSyntax({ name: "t", text: textOf([`  let v${i} = x + ${"a".repeat(3000)}`]) }, grammars);
  for (let i = 0; i < 25; i++) read(i);
  asked.length = 0;
  read(24);
  expect(asked).toEqual([]);
  read(0);
  expect(asked).toHaveLength(1);
});
