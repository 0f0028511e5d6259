/** Chooses the number of parts of equal length into which a row of known length is split. */

import type { Op, Value } from "../ir/ir.ts";
import { attribute } from "../ir/ops/attributes.ts";
import { ops as table } from "../ir/ops/index.ts";
import { elementCount } from "../ir/tensor.ts";
import type { Shape } from "../ir/types.ts";

/** The number of parts of a row, and the length of each. */
export interface RowTiles {
  readonly count: number;
  readonly size: number;
}

/** With fewer parts than this, a split gains nothing over one workgroup. */
const fewestTiles = 4;
/** The largest ratio between the length of a part and the ideal length, in either direction. */
const tolerance = 4;

/** The extents of the reduced axes, if these are the last axes of the shape and all of their extents are known. */
export function rowExtents(shape: Shape, axes: readonly number[]): readonly number[] | undefined {
  const extents = shape.slice(shape.length - axes.length);
  const areLast = axes.every((axis) => axis >= -axes.length);
  return areLast && extents.every((extent) => typeof extent === "number") ? extents : undefined;
}

/** The extents of the row that a reduction reduces, if its axes are the last ones, with known extents. */
export function reducedRow({ name, attributes, operands: [x] }: Op): readonly number[] | undefined {
  if (table[name].kind !== "reduction" || x === undefined) return undefined;
  return rowExtents(x.shape, attribute.axes(attributes));
}

/** The shape with the last axes replaced by the parts and their length. */
export const tiledShape = ({ shape }: Value, axes: readonly number[], { count, size }: RowTiles): Shape => [
  ...shape.slice(0, shape.length - axes.length),
  count,
  size,
];

/**
 * The parts of rows with these last axes. A part has about four times the square root of the row's elements, so that neither the
 * parts nor the rows of states that are merged are long. The choice depends on the length of the row alone, so that a row's bits
 * do not depend on how many rows there are.
 * @returns undefined if the length has no suitable divisor.
 */
export function rowTiles(rows: readonly (readonly number[])[]): RowTiles | undefined {
  const length = elementCount(rows[0] as readonly number[]);
  const wanted = 4 * Math.sqrt(length);
  const distance = (count: number) => Math.abs(Math.log(length / count / wanted));
  const counts = rows.map(countsOf).reduce((a, b) => a.filter((count) => b.includes(count)));
  const fitting = counts.filter((count) => count >= fewestTiles && distance(count) <= Math.log(tolerance));
  // Lanes can then read vectors of four.
  const inVectors = fitting.filter((count) => (length / count) % 4 === 0);
  const [best] = (inVectors.length > 0 ? inVectors : fitting).sort((a, b) => distance(a) - distance(b));
  return best === undefined ? undefined : { count: best, size: length / best };
}

/**
 * The parts of the rows that these reductions reduce, if all have as many elements, at least this many, and can be split in the
 * same way. Otherwise they are not split, not even some of them: one kernel for all reads the rows once.
 */
export function longRowTiles(reductions: readonly Op[], least: number): RowTiles | undefined {
  const rows = reductions.map(reducedRow);
  const isLong = (row: (typeof rows)[number]) =>
    row !== undefined && elementCount(row) >= least && elementCount(row) === elementCount(rows[0] ?? []);
  if (rows.length === 0 || !rows.every(isLong)) return undefined;
  return rowTiles(rows as readonly (readonly number[])[]);
}

/** Whether a row with these last axes has at least this many elements and can be split. */
export const isLongRow = (row: readonly number[] | undefined, least: number): boolean =>
  row !== undefined && elementCount(row) >= least && rowTiles([row]) !== undefined;

/** The possible numbers of parts. Only one axis may be cut: a number is the product of all axes before it, times one of its divisors. */
function countsOf(extents: readonly number[]): number[] {
  let before = 1;
  return extents.flatMap((extent) => {
    const counts = divisorsOf(extent).map((divisor) => before * divisor);
    before *= extent;
    return counts;
  });
}

function divisorsOf(n: number): number[] {
  const small: number[] = [];
  for (let i = 1; i * i <= n; i++) if (n % i === 0) small.push(i);
  return [...new Set([...small, ...small.map((divisor) => n / divisor)])];
}
