/** Compares the results of two functions number by number. */

import { expect } from "vitest";
import type { Tensor } from "../../src/ir/tensor.ts";

export interface Tolerance {
  /** Relative to the largest finite magnitude of the result. */
  readonly relative: number;
  readonly what?: string;
}

/** NaN is the same as NaN, an infinity as itself. */
export function expectSameNumbers(
  found: Readonly<Record<string, Tensor>>,
  wanted: Readonly<Record<string, Tensor>>,
  { relative, what = "" }: Tolerance,
): void {
  expect(Object.keys(found)).toEqual(Object.keys(wanted));
  for (const [name, { data, shape }] of Object.entries(wanted)) {
    const other = found[name] as Tensor;
    expect(other.shape).toEqual(shape);
    const largest = data.reduce((top, x) => (Number.isFinite(x) ? Math.max(top, Math.abs(x)) : top), 0);
    const wrong = data.findIndex((x, i) => {
      const y = other.data[i] as number;
      return !Object.is(x, y) && !(Math.abs(x - y) <= relative * Math.max(largest, 1));
    });
    expect(wrong < 0, `${what}: ${name}[${wrong}] is ${other.data[wrong]}, not ${data[wrong]}`).toBe(true);
  }
}
