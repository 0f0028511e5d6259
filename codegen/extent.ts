/** Products of dimensions: extents, strides and counts, known or to be known when the kernel runs. */

import type { Dim } from "../src/ir/types.ts";
import { call, count, dimension, type Expression, multiply } from "./kernel/expression.ts";

export interface Extent {
  readonly factor: number;
  /** Symbolic dimensions, sorted. */
  readonly names: readonly string[];
}

export const one: Extent = { factor: 1, names: [] };

export function extentOf(dim: Dim): Extent {
  return typeof dim === "number" ? { factor: dim, names: [] } : { factor: 1, names: [dim] };
}

export function times(...extents: readonly Extent[]): Extent {
  const factor = extents.reduce((product, extent) => product * extent.factor, 1);
  return { factor, names: extents.flatMap((extent) => extent.names).sort() };
}

export function sameExtent(a: Extent, b: Extent): boolean {
  return a.factor === b.factor && String(a.names) === String(b.names);
}

/** `extent / divisor`, or `undefined` unless it is known to be whole. */
export function dividedBy(extent: Extent, divisor: number): Extent | undefined {
  return extent.factor % divisor === 0 ? { ...extent, factor: extent.factor / divisor } : undefined;
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
  return factors.reduce((product, factor) => multiply(product, factor));
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
