/** The language service on a whole file: diagnostics, formatting, inlay hints, the outline. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { FileSymbol } from "../../src/language/index.ts";
import * as language from "../../src/language/index.ts";
import { root } from "../support/built.ts";
import { refused } from "../support/diagnostics.ts";

const program = `const w: f32[8] = load("w.npy")
fn f(x: f32[n, 8]) -> (y: f32[n, 8]) {
  let scaled = x * w
  let eps = 1e-5
  let s: f32[n, 8] = scaled + eps
  let m = mean(s, axes = [-1])
  return s
}
`;

describe("diagnostics", () => {
  test("of a program that is right there are none", () => {
    expect(language.diagnostics(program)).toEqual([]);
  });

  test("syntax and types, in the order of places", () => {
    const text = "fn f(x: f32[n]) -> f32[n] {\n  let a = nothing(x)\n  let b = x +\n  return x\n}\n";
    const found = language.diagnostics(text).map(({ code, span }) => [code, span?.start]);
    expect(found.map(([code]) => code)).toEqual(["E0202", "E0111"]);
    expect(found[0]?.[1]).toBe(text.indexOf("nothing"));
  });

  test("of every part of a program they are what the parser refuses it for", () => {
    const text = readFileSync(`${root}/examples/masked-softmax.tir`, "utf8");
    const told = (found: readonly language.Diagnostic[]) =>
      found.map(({ code, span }) => [code, span?.start, span?.end]);
    for (let at = 0; at < text.length; at += 3) {
      for (const part of [text.slice(0, at), text.slice(at), text.slice(0, at) + text.slice(at + 9)]) {
        expect(told(language.diagnostics(part)), part).toEqual(told(refused(part)));
      }
    }
  });

  test("the empty text has no function", () => {
    expect(language.diagnostics("")).toHaveLength(1);
  });
});

test("format lays out, and leaves alone what does not parse", () => {
  expect(language.format("fn f( x:f32[n] )->f32[n]{return x}")).toBe("fn f(x: f32[n]) -> f32[n] {\n  return x\n}\n");
  expect(language.format("fn f(")).toBeUndefined();
});

test("inlay hints stand after names without a type, and a number has none", () => {
  const hints = language.inlayHints(program);
  const shown = hints.toReversed().reduce((text, { offset, label }) => {
    return `${text.slice(0, offset)}${label}${text.slice(offset)}`;
  }, program);
  expect(shown).toBe(program.replace("let scaled", "let scaled: f32[n, 8]").replace("let m", "let m: f32[n]"));
});

test("the outline has functions, consts, and what functions name", () => {
  const line = ({ kind, name, detail, children }: FileSymbol): string[] => [
    `${kind} ${name} ${detail}`,
    ...children.flatMap(line).map((text) => `  ${text}`),
  ];
  const found = language.symbols(program);
  expect(found.flatMap(line)).toEqual([
    "const w f32[8]",
    "function f fn f(x: f32[n, 8]) -> (y: f32[n, 8])",
    "  parameter x f32[n, 8]",
    "  value scaled f32[n, 8]",
    "  value eps ",
    "  value s f32[n, 8]",
    "  value m f32[n]",
  ]);
  for (const { range, nameRange } of found) {
    expect(range.start).toBeLessThanOrEqual(nameRange.start);
    expect(range.end).toBeGreaterThanOrEqual(nameRange.end);
  }
});

test("every function takes every prefix of a program", () => {
  const text = readFileSync(`${root}/examples/vit-block.tir`, "utf8");
  for (let end = 0; end <= text.length; end += 7) {
    const prefix = text.slice(0, end);
    language.diagnostics(prefix);
    language.inlayHints(prefix);
    language.symbols(prefix);
    language.format(prefix);
    for (const at of [0, end >> 1, end, end + 1]) {
      language.hover(prefix, at);
      language.definition(prefix, at);
      language.references(prefix, at);
      language.rename(prefix, at, "fresh");
      language.completions(prefix, at);
    }
  }
});
