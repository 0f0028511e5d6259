/** Every remark of a pass has its page, and the programs of the page show it. */

import { describe, expect, test } from "vitest";
import { passPages } from "../../src/diagnostics/catalog-passes.ts";
import { remarks } from "../../src/diagnostics/remarks.ts";
import { parse } from "../../src/parse/parse.ts";
import { runPasses } from "../support/run-passes.ts";

const span = { source: { name: "test", text: "let y = x" }, start: 8, end: 9 };
const miss = { because: "of this", help: "do that", at: { ...span, start: 0, end: 3 } };

const all = [
  remarks.notRaised(span, "an RMSNorm", miss),
  remarks.centeringStays(span, "x", miss),
  remarks.centeringDropped(span, "x", miss),
  remarks.centeringProved(span, "x", ["`x` is centered"]),
  remarks.groupNormStays(span),
  remarks.centeringFolded(span, "x", ["w"]),
  remarks.centeringMoved(span, "x", [{ name: "h", span }], []),
  remarks.assumed(span, "raise-norms", "a variance is not below 0"),
  remarks.notSimplified(span, "the scale before `rmsnorm`", miss),
];

const passOf = {
  R0101: "raise-norms",
  R0102: "eliminate-centering",
  R0103: "eliminate-centering{mode=lossy}",
  R0104: "eliminate-centering",
  R0105: "layernorm-to-rmsnorm",
  R0106: "eliminate-centering{fold=true}",
  R0107: "eliminate-centering",
  R0108: "eliminate-centering",
  R0109: "simplify-norms",
} satisfies Record<keyof typeof passPages, string>;

describe("pages", () => {
  test("there is one for each remark", () => {
    expect(all.map(({ code }) => code)).toEqual(Object.keys(passPages));
    expect(all).toHaveLength(Object.keys(remarks).length);
  });

  test.each(Object.keys(passPages) as (keyof typeof passPages)[])("%s: one program has it, the other not", (code) => {
    const codes = (text: string) => runPasses(parse(text), passOf[code]).remarks.map((remark) => remark.code);
    expect(codes(passPages[code].wrong)).toContain(code);
    expect(codes(passPages[code].fix)).not.toContain(code);
  });
});

test("a miss elsewhere is labelled, one at the op is not", () => {
  expect(remarks.notRaised(span, "an RMSNorm", miss).labels).toEqual([{ span: miss.at, message: "here" }]);
  expect(remarks.notRaised(span, "an RMSNorm", { ...miss, at: span }).labels).toEqual([]);
});

test("a lossy rewrite warns; what changes nothing remarks", () => {
  const warnings = all.filter(({ severity }) => severity === "warning").map(({ code }) => code);
  expect(warnings).toEqual(["R0103"]);
});

test("a long proof is cut short", () => {
  const steps = Array.from({ length: 20 }, (_, i) => `step ${i}`);
  const { notes } = remarks.centeringProved(span, "x", steps);
  expect(notes).toHaveLength(9);
  expect(notes.at(-1)).toBe("and 12 more steps");
});
