/** Every remark of a pass has its page. */

import { expect, test } from "vitest";
import { passPages } from "../../src/diagnostics/catalog-passes.ts";
import { remarks } from "../../src/diagnostics/remarks.ts";

const span = { source: { name: "test", text: "let y = x" }, start: 8, end: 9 };
const miss = { because: "of this", help: "do that", at: { ...span, start: 0, end: 3 } };

const all = [
  remarks.notRaised(span, "an RMSNorm", miss),
  remarks.centeringStays(span, "x", miss),
  remarks.centeringDropped(span, "x", miss),
  remarks.centeringProved(span, "x", ["`x` is centered"]),
  remarks.groupNormStays(span),
];

test("each has a page, and each page a remark", () => {
  expect(all.map(({ code }) => code)).toEqual(Object.keys(passPages));
  expect(all).toHaveLength(Object.keys(remarks).length);
});

test("a miss elsewhere is labelled, one at the op is not", () => {
  expect(remarks.notRaised(span, "an RMSNorm", miss).labels).toEqual([{ span: miss.at, message: "here" }]);
  expect(remarks.notRaised(span, "an RMSNorm", { ...miss, at: span }).labels).toEqual([]);
});

test("a lossy rewrite warns; what changes nothing remarks", () => {
  expect(all.map(({ severity }) => severity)).toEqual(["remark", "remark", "warning", "remark", "remark"]);
});

test("a long proof is cut short", () => {
  const steps = Array.from({ length: 20 }, (_, i) => `step ${i}`);
  const { notes } = remarks.centeringProved(span, "x", steps);
  expect(notes).toHaveLength(9);
  expect(notes.at(-1)).toBe("and 12 more steps");
});
