/** Products of dimensions: extents, strides and counts, known when compiling or only when the kernel runs. */

import type { Dim } from "../src/ir/types.ts";
import { call, count, dimension, divide, type Expression, multiply, subtract } from "../src/kernel/expression.ts";

/** `factor` times the dimensions, divided exactly by `by`. */
export interface Extent {
  readonly factor: number;
  /** Symbolic dimensions, sorted. */
  readonly names: readonly string[];
  /** Above 1 only if a dimension is known to be a multiple of it. */
  readonly by: number;
}

export const one: Extent = { factor: 1, names: [], by: 1 };

export function extentOf(dim: Dim): Extent {
  return typeof dim === "number" ? { factor: dim, names: [], by: 1 } : { factor: 1, names: [dim], by: 1 };
}

export function times(...extents: readonly Extent[]): Extent {
  let factor = 1;
  let by = 1;
  for (const extent of extents) {
    factor *= extent.factor;
    by *= extent.by;
  }
  // Divisors are powers of two.
  for (; by > 1 && factor % 2 === 0; by /= 2) factor /= 2;
  return { factor, names: extents.flatMap((extent) => extent.names).sort(), by };
}

export function sameExtent(a: Extent, b: Extent): boolean {
  return a.factor === b.factor && a.by === b.by && String(a.names) === String(b.names);
}

/**
 * `extent / divisor`, or `undefined` unless the division is known to be exact.
 * @param multiple a dimension that is known to be a multiple of `divisor`.
 */
export function dividedBy(extent: Extent, divisor: number, multiple?: Dim): Extent | undefined {
  if (extent.by === 1 && extent.factor % divisor === 0) return { ...extent, factor: extent.factor / divisor };
  const isMultiple = typeof multiple === "string" && extent.names.includes(multiple);
  return isMultiple ? times(extent, { ...one, by: divisor }) : undefined;
}

/** The number, if it is known. */
export function known(extent: Extent): number | undefined {
  return extent.names.length === 0 || extent.factor === 0 ? extent.factor : undefined;
}

/** The extent as an expression of the kernel. */
export function extentValue(extent: Extent): Expression {
  const number = known(extent);
  if (number !== undefined) return count(number);
  const names = extent.names.map(dimension);
  const factors = extent.factor === 1 ? names : [...names, count(extent.factor)];
  const product = factors.reduce((all, factor) => multiply(all, factor));
  return extent.by === 1 ? product : divide(product, extent.by);
}

/** The same as a divisor: at least 1, as WGSL rejects a division by a constant 0 even if its quotient is not used. */
export function divisorValue(extent: Extent): Expression {
  const number = known(extent);
  return number === undefined ? call("max", extentValue(extent), count(1)) : count(Math.max(1, number));
}

/** The index of the last element, 0 if there is none. */
export function lastIndex(extent: Extent): Expression {
  const number = known(extent);
  return number === undefined ? subtract(extentValue(extent), 1) : count(Math.max(0, number - 1));
}

/** `index * extent` as an expression of the kernel. */
export function timesExtent(index: Expression, extent: Extent): Expression {
  return known(extent) === 1 ? index : multiply(index, extentValue(extent));
}
