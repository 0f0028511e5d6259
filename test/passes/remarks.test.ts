/** Every remark of a pass has its page, and the programs of the page show it. */

import { describe, expect, test } from "vitest";
import * as remarks from "../../src/diagnostics/areas/rewrites.ts";
import { catalog } from "../../src/diagnostics/catalog.ts";
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
};

describe("pages", () => {
  test("there is one for each remark", () => {
    expect(all.map(({ code }) => code)).toEqual(Object.keys(passOf));
    expect(Object.keys(remarks)).toEqual(expect.arrayContaining(Object.keys(passOf)));
    const makers = Object.values<unknown>(remarks).filter((value) => typeof value === "function");
    expect(all).toHaveLength(makers.length);
  });

  test.each(Object.entries(passOf))("%s: one program has it, the other not", (code, pass) => {
    const codes = (text = "") => runPasses(parse(text), pass).remarks.map((remark) => remark.code);
    expect(codes(catalog.get(code)?.wrong)).toContain(code);
    expect(codes(catalog.get(code)?.fix)).not.toContain(code);
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
