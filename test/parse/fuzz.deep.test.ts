import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { cpuClock } from "../support/cpu-clock.ts";
import { expectDiagnosticsOnly } from "./expect-diagnostics.ts";
import { mutated, randomBytes, randomNumbers } from "./mutate.ts";

const examples = new URL("../../examples/", import.meta.url);
const texts = readdirSync(examples)
  .filter((name) => name.endsWith(".tir"))
  .map((name) => readFileSync(new URL(name, examples), "utf8"));

/** Runs `make` and checks what it made; returns the longest time that one text took, in milliseconds. */
function fuzz(count: number, make: (i: number) => string): number {
  let longest = 0;
  for (let i = 0; i < count; i++) {
    const text = make(i);
    const clock = cpuClock();
    expectDiagnosticsOnly(text);
    longest = Math.max(longest, clock());
  }
  return longest;
}

test("80,000 random byte strings give diagnostics only, each soon", { timeout: 300_000 }, () => {
  const random = randomNumbers(3);
  expect(fuzz(80_000, () => randomBytes(random))).toBeLessThan(2000);
});

test("20,000 mutations of the examples give diagnostics only, each soon", { timeout: 600_000 }, () => {
  const random = randomNumbers(4);
  expect(texts.length).toBeGreaterThan(0);
  expect(fuzz(20_000, (i) => mutated(texts[i % texts.length] as string, random))).toBeLessThan(2000);
});
