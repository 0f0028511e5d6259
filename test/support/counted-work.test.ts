import { expect, test } from "vitest";
import { expectLinear, workOf } from "./counted-work.ts";

const numbers = (size: number) => Array.from({ length: size }, (_, i) => i);

/** Runs a step for each number. */
const each = (step: (i: number, all: readonly number[]) => unknown) => (all: readonly number[]) => {
  for (const i of all) step(i, all);
};

test("the same work is counted alike, whatever ran before", () => {
  const work = () => each((i, all) => all[i])(numbers(2000));
  work();
  const counts = numbers(6).map(() => workOf(work));
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThan(100);
});

test.each<[string, (i: number, all: readonly number[]) => unknown]>([
  ["an element", (i, all) => all[i]],
  ["a short slice", (i, all) => all.slice(i, i + 3)],
  ["a short copy", (i) => [...String(i)]],
])("%s in each step is linear work", (_, step) => {
  expectLinear(100, numbers, each(step));
});

test.each<[string, (i: number, all: readonly number[]) => unknown]>([
  ["a loop", (i, all) => all.some((other) => other > i)],
  ["a copy", (_, all) => [...all]],
  ["a set", (_, all) => new Set(all)],
  ["a search", (i, all) => all.includes(i)],
  ["a slice", (i, all) => all.slice(i)],
])("%s of all in each step is quadratic work", (_, step) => {
  expect(() => expectLinear(100, numbers, each(step))).toThrow(/growth of \d+, \d+ and \d+ blocks/);
});
