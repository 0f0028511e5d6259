import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { alone } from "../../vitest.config.ts";
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

test("each file that counts work has a process of its own", () => {
  const folder = new URL("../", import.meta.url);
  const patterns = alone.map((glob) => {
    const choice = glob.replace(/\{([^}]*)\}/g, (_, names: string) => `(${names.replaceAll(",", "|")})`);
    return new RegExp(
      `^${choice
        .replaceAll(".", "\\.")
        .replaceAll("**/", "(.*/)?")
        .replace(/(?<!\.)\*(?!\/)/g, "[^/]*")}$`,
    );
  });
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".test.ts"));
  const counting = files.filter((name) => readFileSync(new URL(name, folder), "utf8").includes("/counted-work.ts"));
  expect(counting.length).toBeGreaterThan(5);
  for (const name of counting)
    expect(
      patterns.some((pattern) => pattern.test(`test/${name}`)),
      name,
    ).toBe(true);
});
