import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { lineDiff } from "../../src/pass-manager/line-diff.ts";

const signs = { same: " ", added: "+", removed: "-" };
const drawn = (before: string, after: string) =>
  lineDiff(before, after)
    .map(({ kind, text }) => signs[kind] + text)
    .join("\n");

/** The length of the longest common subsequence, by the textbook's table. */
function commonLines(a: readonly string[], b: readonly string[]): number {
  const table = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  const at = (i: number, j: number) => table[i]?.[j] ?? 0;
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const row = table[i] as number[];
      row[j] = a[i - 1] === b[j - 1] ? at(i - 1, j - 1) + 1 : Math.max(at(i - 1, j), at(i, j - 1));
    }
  }
  return at(a.length, b.length);
}

describe("lineDiff", () => {
  test("shows what went before what came", () => {
    expect(drawn("a\nb\nc\nd", "a\nx\ny\nd\ne")).toBe(" a\n-b\n-c\n+x\n+y\n d\n+e");
  });

  test("the same text is the same", () => {
    expect(drawn("a\nb", "a\nb")).toBe(" a\n b");
  });

  test("another indentation is no change, and the new one is shown", () => {
    expect(drawn("fn {\n  a\n}", "fn {\n  kernel {\n    a\n  }\n}")).toBe(" fn {\n+  kernel {\n     a\n+  }\n }");
  });

  test("from nothing and to nothing", () => {
    expect(drawn("", "a")).toBe("-\n+a");
    expect(drawn("a\nb", "b")).toBe("-a\n b");
  });

  test("both texts can be read out of it, and nothing shorter could say it", () => {
    const text = fc.array(fc.constantFrom("a", "b", "c", "d"), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(text, text, (a, b) => {
        const lines = lineDiff(a.join("\n"), b.join("\n"));
        const without = (left: string) => lines.filter(({ kind }) => kind !== left).map((line) => line.text);
        expect(without("added")).toEqual(a);
        expect(without("removed")).toEqual(b);
        expect(lines.filter(({ kind }) => kind === "same")).toHaveLength(commonLines(a, b));
      }),
    );
  });

  test("texts that have little in common are one for the other, soon", () => {
    const lines = (name: string) => Array.from({ length: 4000 }, (_, i) => `${name}${i}`);
    const diff = lineDiff(lines("a").join("\n"), lines("b").join("\n"));
    expect(diff.map(({ kind }) => kind)).toEqual([...lines("").map(() => "removed"), ...lines("").map(() => "added")]);
  });
});
