/** What measuring scripts report if a process ends early: a missed figure, and not an exception. */

import { expect, test } from "vitest";
import { measured, Report } from "../../scripts/measured.mjs";

const limits = { megabytes: 32, seconds: 60 };

test("a process prints its figures", () => {
  expect(measured(["-p", "JSON.stringify({ seconds: 2 })"], limits)).toEqual({ seconds: 2 });
});

test("a process that runs out of memory, of time, or throws has none", () => {
  const fill = "const all = []; for (;;) all.push(new Array(1000).fill({}));";
  expect(measured(["-e", fill], limits)).toEqual({ missing: "out of memory, with 32 MB" });
  expect(measured(["-e", "for (;;);"], { ...limits, seconds: 0.5 })).toEqual({ missing: "not done after 0.5 s" });
  expect(measured(["-e", "null.x"], limits).missing).toMatch(/^TypeError: /);
});

test("a missing figure is a missed one", () => {
  const lines: string[] = [];
  const report = new Report((line) => lines.push(line));
  report.figure("start", 2, "s", 3);
  expect(report.missed).toBe(0);
  report.figure("passes", 4, "s", 3);
  report.figure("memory", "out of memory, with 32 MB", "MB", 3);
  expect(report.missed).toBe(2);
  expect(lines.map((line) => line.replace(/ +/g, " "))).toEqual([
    "start 2.00 s (at most 3) ok",
    "passes 4.00 s (at most 3) MISSED",
    "memory out of memory, with 32 MB (at most 3 MB) MISSED",
  ]);
});
