import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { leastTime } from "../support/cpu-clock.ts";
import { expectDiagnosticsOnly } from "./expect-diagnostics.ts";
import { mutated, randomBytes, randomNumbers } from "./mutate.ts";

const examples = new URL("../../examples/", import.meta.url);
const texts = readdirSync(examples)
  .filter((name) => name.endsWith(".tir"))
  .map((name) => readFileSync(new URL(name, examples), "utf8"));

/** That one text may take. */
const mostMilliseconds = 2000;

/** Runs `make` and checks its texts; returns the longest time for one text, in milliseconds. */
function fuzz(count: number, make: (i: number) => string): number {
  let longest = 0;
  for (let i = 0; i < count; i++) {
    const text = make(i);
    longest = Math.max(
      longest,
      leastTime(() => expectDiagnosticsOnly(text), mostMilliseconds),
    );
  }
  return longest;
}

test("80,000 random byte strings give diagnostics only, each soon", { timeout: 300_000 }, () => {
  const random = randomNumbers(3);
  expect(fuzz(80_000, () => randomBytes(random))).toBeLessThan(mostMilliseconds);
});

test("20,000 mutations of the examples give diagnostics only, each soon", { timeout: 600_000 }, () => {
  const random = randomNumbers(4);
  expect(texts.length).toBeGreaterThan(0);
  expect(fuzz(20_000, (i) => mutated(texts[i % texts.length] as string, random))).toBeLessThan(mostMilliseconds);
});
