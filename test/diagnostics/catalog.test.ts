/** A code has one page, and its examples are what they say. That no code lacks its page is checked by their types. */

import { describe, expect, test } from "vitest";
import { area } from "../../src/diagnostics/area.ts";
import { catalog, explain, families } from "../../src/diagnostics/catalog.ts";
import { error, TircError } from "../../src/diagnostics/diagnostic.ts";
import type { Entry } from "../../src/diagnostics/page.ts";
import { parse } from "../../src/parse/parse.ts";

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

test("an area has a page for each code that it raises, and no other", () => {
  const E0001: Entry = { title: "a title", explanation: "Why.", wrong: "x", fix: { body: ["return x"] } };
  const raises = () => error("E0001", "no");
  expect(area({ E0001, raises }).map(([code]) => code)).toEqual(["E0001"]);
  // @ts-expect-error: nothing raises E0002.
  area({ E0001, raises, E0002: E0001 });
  // @ts-expect-error: E0002 has no page.
  area({ E0001, raises, raisesAnother: () => error("E0002", "no") });
  // @ts-expect-error: which code is raised must be known.
  area({ E0001, raises, raisesAny: (code: string) => error(code, "no") });
});

test("no code is raised in two areas", () => {
  expect(families.flatMap(({ pages }) => [...pages.keys()]).toSorted()).toEqual([...catalog.keys()]);
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
      "E0127: chained comparisons",
      "",
      "`a < b < c` would compare the boolean `a < b` with `c`, which is hardly ever what was meant.",
      "Join two comparisons with `&&`.",
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
