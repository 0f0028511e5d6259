/** Products of dimensions: extents, strides and counts, known or to be known when the kernel runs. */

import type { Dim } from "../src/ir/types.ts";
import { call, count, dimension, divide, type Expression, multiply } from "../src/kernel/expression.ts";

/** `factor` times the dimensions, divided by `by`, which divides that. */
export interface Extent {
  readonly factor: number;
  /** Symbolic dimensions, sorted. */
  readonly names: readonly string[];
  /** Above 1 where a dimension is known to be a multiple. */
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
  // What divides is a power of two.
  for (; by > 1 && factor % 2 === 0; by /= 2) factor /= 2;
  return { factor, names: extents.flatMap((extent) => extent.names).sort(), by };
}

export function sameExtent(a: Extent, b: Extent): boolean {
  return a.factor === b.factor && a.by === b.by && String(a.names) === String(b.names);
}

/**
 * `extent / divisor`, or `undefined` unless it is known to be whole.
 * @param multiple a dimension of which that is known.
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

/** Its value in a kernel. */
export function extentValue(extent: Extent): Expression {
  const number = known(extent);
  if (number !== undefined) return count(number);
  const names = extent.names.map(dimension);
  const factors = extent.factor === 1 ? names : [...names, count(extent.factor)];
  const product = factors.reduce((all, factor) => multiply(all, factor));
  return extent.by === 1 ? product : divide(product, extent.by);
}

/** The same to divide by. WGSL refuses to divide by a constant 0, even where nothing is computed with the quotient. */
export function divisorValue(extent: Extent): Expression {
  const number = known(extent);
  return number === undefined ? call("max", extentValue(extent), count(1)) : count(Math.max(1, number));
}

/** `index * extent` in a kernel. */
export function timesExtent(index: Expression, extent: Extent): Expression {
  return known(extent) === 1 ? index : multiply(index, extentValue(extent));
}
