/** The number of workgroups of a dispatch, and the check that a kernel's counts fit into 32 bits. */

import type { CompactManifest } from "./compact.ts";

/** The members of a manifest that determine the dispatch. */
type Counted = Pick<CompactManifest, "rows" | "columns" | "rowsPerWorkgroup" | "atLeastOne">;

/** What a kernel cannot count, the count, and the extents that it is the product of. */
export type Overflow = readonly [what: "rows" | "steps along a row" | "elements", count: number, ...extents: number[]];

/**
 * The most workgroups in one dimension of a dispatch. More use the second dimension, in rows of equal length: at most
 * one per row is started in excess, where full rows of 65535 would start 131070 workgroups for 65536.
 */
export const mostWorkgroups = 65535;

/**
 * Indices are u32. No product of extents may exceed this: the counter of a loop over blocks goes one block of all
 * lanes, 1024 steps of 1024, beyond the last unit of a row, and must not wrap, or the loop would not terminate.
 */
export const mostCounted = 2 ** 32 - 1024 * 1024;

/** Rounds a count up to a multiple. */
export const roundUp = (count: number, multiple: number): number => Math.ceil(count / multiple) * multiple;

/** The number of elements of a shape. */
export const product = (extents: readonly number[]): number => extents.reduce((all, extent) => all * extent, 1);

/** The number of workgroups in x and y; none if there are no rows. */
export function workgroupsOf(
  { rowsPerWorkgroup, atLeastOne }: Pick<Counted, "rowsPerWorkgroup" | "atLeastOne">,
  rows: number,
): readonly [number, number] {
  const count = Math.max(atLeastOne ? 1 : 0, Math.ceil(rows / rowsPerWorkgroup));
  const y = Math.max(1, Math.ceil(count / mostWorkgroups));
  return [Math.ceil(count / y), y];
}

/**
 * What a kernel cannot count at these extents. An extent of 0 counts as 1: strides do not include it, and are computed even
 * if nothing is read.
 */
export function overflowOf(dispatch: Counted, extentOf: (dim: number | string) => number): Overflow | undefined {
  const rows = dispatch.rows.map(extentOf);
  const [x, y] = workgroupsOf(dispatch, product(rows));
  // Rows are not counted if no workgroup starts.
  const numbered = tooMany("rows", x > 0 ? rows : [], x * y * dispatch.rowsPerWorkgroup);
  return numbered ?? tooMany("steps along a row", (dispatch.columns ?? []).map(extentOf));
}

/** @param started the count including rows beyond the last that are started, if it is larger. */
export function tooMany(what: Overflow[0], extents: readonly number[], started = 0): Overflow | undefined {
  const largest = product(extents.map((extent) => Math.max(1, extent)));
  const count = [largest, started].find((number) => number > mostCounted);
  return count ? [what, count, ...extents] : undefined;
}
