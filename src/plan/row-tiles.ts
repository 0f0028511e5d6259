/** Into how many parts of equal length a row is split, where its length is known. */

import type { Op, Value } from "../ir/ir.ts";
import { attribute } from "../ir/ops/attributes.ts";
import { ops as table } from "../ir/ops/index.ts";
import { elementCount } from "../ir/tensor.ts";
import type { Shape } from "../ir/types.ts";

/** Parts of a row, and the length of each. */
export interface RowTiles {
  readonly count: number;
  readonly size: number;
}

/** Fewer parts do not keep a device busier than one workgroup does. */
const fewestTiles = 4;
/** A part is at most so many times longer or shorter than it should be. */
const tolerance = 4;

/** The last axes of a shape, if these are what is reduced, and all of them are known. */
export function rowExtents(shape: Shape, axes: readonly number[]): readonly number[] | undefined {
  const extents = shape.slice(shape.length - axes.length);
  const areLast = axes.every((axis) => axis >= -axes.length);
  return areLast && extents.every((extent) => typeof extent === "number") ? extents : undefined;
}

/** The row that a reduction reduces, if its axes are the last and known. */
export function reducedRow({ name, attributes, operands: [x] }: Op): readonly number[] | undefined {
  if (table[name].kind !== "reduction" || x === undefined) return undefined;
  return rowExtents(x.shape, attribute.axes(attributes));
}

/** The shape with the parts of the last axes in their place. */
export const tiledShape = ({ shape }: Value, axes: readonly number[], { count, size }: RowTiles): Shape => [
  ...shape.slice(0, shape.length - axes.length),
  count,
  size,
];

/**
 * The parts of rows that have these last axes. A part is a row of its own, with about four times the root of the row's elements: so
 * that neither parts nor what merges them are long. Only the length of the row decides, and so the bits of a row do not
 * depend on how many rows there are. @returns undefined where the length has no such divisor.
 */
export function rowTiles(rows: readonly (readonly number[])[]): RowTiles | undefined {
  const length = elementCount(rows[0] as readonly number[]);
  const wanted = 4 * Math.sqrt(length);
  const distance = (count: number) => Math.abs(Math.log(length / count / wanted));
  const counts = rows.map(countsOf).reduce((a, b) => a.filter((count) => b.includes(count)));
  const fitting = counts.filter((count) => count >= fewestTiles && distance(count) <= Math.log(tolerance));
  // Lanes read vectors of four.
  const inVectors = fitting.filter((count) => (length / count) % 4 === 0);
  const [best] = (inVectors.length > 0 ? inVectors : fitting).sort((a, b) => distance(a) - distance(b));
  return best === undefined ? undefined : { count: best, size: length / best };
}

/** Whether a row with these last axes is split where rows of so many elements are. */
export const isLongRow = (row: readonly number[] | undefined, least: number): boolean =>
  row !== undefined && elementCount(row) >= least && rowTiles([row]) !== undefined;

/** How many parts there can be whose borders lie within one axis: all axes before it times a divisor of it. */
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
