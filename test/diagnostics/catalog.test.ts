/** Every code has a page, every page a code, and the examples are what they say. */

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { catalog, explain } from "../../src/diagnostics/catalog.ts";
import { TircError } from "../../src/diagnostics/diagnostic.ts";
import { parse } from "../../src/parse/parse.ts";

const folder = new URL("../../src/diagnostics/", import.meta.url);

/** The codes that the functions which word messages use. */
function usedCodes(): string[] {
  const files = readdirSync(folder).filter((name) => /^(errors-.*|remarks.*)\.ts$/.test(name));
  const text = files.map((name) => readFileSync(new URL(name, folder), "utf8")).join("\n");
  return [...new Set([...text.matchAll(/"([ER]\d{4})"/g)].map(([, code]) => code as string))].sort();
}

/** The codes that a text is refused with, in order, once each. */
function codesOf(text: string): string[] {
  try {
    parse(text);
    return [];
  } catch (caught) {
    if (!(caught instanceof TircError)) throw caught;
    return [...new Set(caught.diagnostics.map(({ code }) => code))];
  }
}

/** Of these the example only describes the program, which is too long to print; their own tests have it whole. */
const described = new Set(["E0137", "E0138"]);
const ofTheLanguage = [...catalog].filter(([code]) => /^E0[12]/.test(code) && !described.has(code));

test("every code that a message uses has a page, and every page is of such a code", () => {
  expect([...catalog.keys()]).toEqual(usedCodes());
});

describe("of errors in programs", () => {
  test.each(ofTheLanguage)("the example of %s gives this error alone", (code, page) => {
    expect(codesOf(page.wrong)).toEqual([code]);
  });

  test.each(ofTheLanguage)("what %s says to write is right", (_code, page) => {
    expect(codesOf(page.fix)).toEqual([]);
  });
});

test.each([...catalog])("the page of %s has lines of bearable length", (_code, page) => {
  const lines = [page.title, page.explanation, page.wrong, page.fix].join("\n").split("\n");
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(124);
  expect(page.title).not.toMatch(/\.$|\n/);
  expect(page.explanation).toMatch(/\.$/);
});

test("a page is printed with its title, the example and what to write instead", () => {
  expect(explain("e0127")).toBe(
    [
      "E0127: a chain of comparisons",
      "",
      "`a < b < c` would compare the truth value of `a < b` with `c`, which nobody means. Join two comparisons with",
      "`&&`.",
      "",
      "For example:",
      "",
      "    fn f(x: f32[rows, 768]) -> f32[rows, 768] {",
      "      return where(0 < x < 1, x, 0)",
      "    }",
      "",
      "Instead:",
      "",
      "    fn f(x: f32[rows, 768]) -> f32[rows, 768] {",
      "      return where(0 < x && x < 1, x, 0)",
      "    }",
    ].join("\n"),
  );
});

test("there is no page of a code that does not exist", () => {
  expect(explain("E9999")).toBeUndefined();
  expect(explain("toString")).toBeUndefined();
});
