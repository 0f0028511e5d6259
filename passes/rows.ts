/**
 * The forms of rows in the algebra of row means.
 *
 * - axes: all elements along them, counted from the end.
 * - block: runs of this many elements along the only axis, such as one attention head among all heads of a row.
 * - scales: vectors along the only axis, by whose elements the elements of the row are multiplied before the mean is taken.
 */

import { definedBy, type Value } from "../src/ir/ir.ts";
import type { Rows as RowsOfTable } from "../src/ir/ops/def.ts";
import type { ElementType } from "../src/ir/types.ts";
import { layOf, padded, peel, readOf } from "./match.ts";

/** A constant of the module that is a vector, or has extent 1 along all axes but one. */
export interface Scale {
  readonly constant: string;
  readonly length: number;
  readonly element: ElementType;
}

export interface Rows extends RowsOfTable {
  readonly scales?: readonly Scale[];
}

/** The same rows along other axes of another value. */
export const along = ({ block, scales = [] }: Rows, axes: readonly number[]): Rows => {
  if (block === undefined && scales.length === 0) return { axes };
  return { axes, ...(block === undefined ? {} : { block }), ...(scales.length === 0 ? {} : { scales }) };
};

/** Whether rows are complete along their axes and unscaled. */
export const isPlain = ({ block, scales = [] }: Rows) => block === undefined && scales.length === 0;

export const isScaled = ({ scales = [] }: Rows) => scales.length > 0;

/** The rows without the axes along which `value` has extent 1. */
export function ownRows(value: Value, rows: Rows): Rows {
  const isOwn = (axis: number) => (value.shape.at(axis) ?? 1) !== 1;
  return rows.axes.every(isOwn) ? rows : along(rows, rows.axes.filter(isOwn));
}

/** A key that is equal for equal rows. */
export function keyOf({ axes, block, scales = [] }: Rows): string {
  return [axes.join(), block ?? "", ...scales.map(({ constant }) => constant)].join("|");
}

export function sameRows(a: Rows, b: Rows): boolean {
  if (a === b) return true;
  const sameAxes = a.axes.length === b.axes.length && a.axes.every((axis, i) => axis === b.axes[i]);
  return sameAxes && ((isPlain(a) && isPlain(b)) || keyOf(a) === keyOf(b));
}

/** `value` as a vector along the rows of `whole`, if it is a constant and varies along nothing else. */
export function scaleAlong(value: Value, whole: Value, { axes: [axis], ...rows }: Rows): Scale | undefined {
  const length = axis === undefined ? undefined : whole.shape.at(axis);
  const read = peel(readOf(value));
  const global = definedBy(read.value, "global");
  if (global === undefined || typeof length !== "number" || rows.block !== undefined) return undefined;
  const lay = padded(layOf(read), whole.shape.length);
  const isAlong = lay.every((extent, i) => extent === (i === (axis as number) + lay.length ? length : 1));
  if (!isAlong || read.value.element !== whole.element) return undefined;
  return { constant: global.attributes.name, length, element: whole.element };
}
