/** Compares the results of two functions number by number. */

import { expect } from "vitest";
import type { Tensor } from "../../src/ir/tensor.ts";
import { numberDifference } from "../../src/testing/same-numbers.ts";

interface Tolerance {
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
  expect(numberDifference(found, wanted, relative), what).toBeUndefined();
}
