/** Products of dimensions: extents, strides and counts, known or to be known when the kernel runs. */

import type { Dim } from "../src/ir/types.ts";

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

/** A WGSL expression of it; a product of several stands in parentheses. `name` says how a dimension is read. */
export function printExtent(extent: Extent, name: (dim: string) => string): string {
  const number = known(extent);
  if (number !== undefined) return `${number}u`;
  const parts = extent.names.map(name);
  if (extent.factor !== 1) parts.push(`${extent.factor}u`);
  return parts.length === 1 ? (parts[0] as string) : `(${parts.join(" * ")})`;
}

/** The same to divide by. WGSL refuses to divide by a constant 0, even where nothing is computed with the quotient. */
export function printDivisor(extent: Extent, name: (dim: string) => string): string {
  const number = known(extent);
  return number === undefined ? `max(${printExtent(extent, name)}, 1u)` : `${Math.max(1, number)}u`;
}

/** `index * extent` in WGSL. */
export function printTimes(index: string, extent: Extent, name: (dim: string) => string): string {
  return known(extent) === 1 ? index : `${index} * ${printExtent(extent, name)}`;
}
