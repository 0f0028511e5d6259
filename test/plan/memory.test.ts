/** Intermediates share memory slots, and the slots are as small as possible. */

import { describe, expect, test } from "vitest";
import { randomNumbers } from "../../src/ir/random.ts";
import { assignSlots, type Lifetime } from "../../src/plan/memory.ts";

const overlap = (a: Lifetime, b: Lifetime) => a.from <= b.to && b.from <= a.to;

/** Bytes of the places together: each is as large as the largest that lies in it. */
function bytesOf(lifetimes: readonly Lifetime[], slots: readonly number[]): number {
  const sizes = new Map<number, number>();
  for (const [i, slot] of slots.entries()) {
    sizes.set(slot, Math.max(sizes.get(slot) ?? 0, (lifetimes[i] as Lifetime).bytes));
  }
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

const isSound = (lifetimes: readonly Lifetime[], slots: readonly number[]) =>
  lifetimes.every((a, i) => lifetimes.every((b, j) => i >= j || slots[i] !== slots[j] || !overlap(a, b)));

/** The least of all assignments: every one is tried. */
function least(lifetimes: readonly Lifetime[]): number {
  let best = Infinity;
  const visit = (slots: readonly number[]): void => {
    if (slots.length === lifetimes.length) {
      if (isSound(lifetimes, slots)) best = Math.min(best, bytesOf(lifetimes, slots));
      return;
    }
    for (let slot = 0; slot <= Math.max(-1, ...slots) + 1; slot++) visit([...slots, slot]);
  };
  visit([]);
  return best;
}

function randomLifetimes(seed: number, count: number): Lifetime[] {
  const next = randomNumbers(seed);
  return Array.from({ length: count }, () => {
    const from = Math.floor(next() * 6);
    return { from, to: from + Math.floor(next() * 4), bytes: 4 * (1 + Math.floor(next() * 8)) };
  });
}

describe("as good as the best of all assignments", () => {
  test.each(Array.from({ length: 40 }, (_, seed) => seed))("of random lifetimes, seed %i", (seed) => {
    const lifetimes = randomLifetimes(seed, 2 + (seed % 6));
    const slots = assignSlots(lifetimes);
    expect(isSound(lifetimes, slots)).toBe(true);
    expect(bytesOf(lifetimes, slots)).toBe(least(lifetimes));
  });
});

test("of many intermediates it is sound, and no larger than one place each", () => {
  const lifetimes = randomLifetimes(1, 200);
  const slots = assignSlots(lifetimes);
  expect(isSound(lifetimes, slots)).toBe(true);
  expect(bytesOf(lifetimes, slots)).toBeLessThan(lifetimes.reduce((sum, { bytes }) => sum + bytes, 0) / 2);
});

test("none at all", () => {
  expect(assignSlots([])).toEqual([]);
});
