/** How many workgroups a kernel starts, and whether what it counts fits into 32 bits. */

import type { CompactManifest } from "./compact.ts";

/** How many workgroups a kernel starts. */
type Counted = Pick<CompactManifest, "rows" | "columns" | "rowsPerWorkgroup" | "atLeastOne">;

/** What a kernel cannot count, how many there are, and the extents that make so many. */
export type Overflow = readonly [what: "rows" | "steps along a row" | "elements", count: number, ...extents: number[]];

/** Workgroups that one dimension of a dispatch takes; more go on in the second, which may start a few too many. */
export const mostWorkgroups = 65535;

/**
 * Indices are u32. No product of extents may be larger than this: the counter of a loop over blocks goes one block of all
 * lanes, 1024 steps of 256, beyond the last unit of a row, and must not wrap there, or the loop would never end.
 */
export const mostCounted = 2 ** 32 - 256 * 1024;

/** The least multiple that is not below a count. */
export const roundUp = (count: number, multiple: number): number => Math.ceil(count / multiple) * multiple;

/** How many elements a shape has. */
export const product = (extents: readonly number[]): number => extents.reduce((all, extent) => all * extent, 1);

/** Workgroups in x and y; none where there is no row. */
export function workgroupsOf(
  { rowsPerWorkgroup, atLeastOne }: Pick<Counted, "rowsPerWorkgroup" | "atLeastOne">,
  rows: number,
): readonly [number, number] {
  const count = Math.max(atLeastOne ? 1 : 0, Math.ceil(rows / rowsPerWorkgroup));
  return count <= mostWorkgroups ? [count, 1] : [mostWorkgroups, Math.ceil(count / mostWorkgroups)];
}

/**
 * What a kernel cannot count at these extents. An extent of 0 counts as 1: strides leave it out, and are computed though
 * nothing is read by them.
 */
export function overflowOf(dispatch: Counted, extentOf: (dim: number | string) => number): Overflow | undefined {
  const rows = dispatch.rows.map(extentOf);
  const [x, y] = workgroupsOf(dispatch, product(rows));
  // Nothing numbers the rows where nothing starts.
  const numbered = tooMany("rows", x > 0 ? rows : [], x * y * dispatch.rowsPerWorkgroup);
  return numbered ?? tooMany("steps along a row", (dispatch.columns ?? []).map(extentOf));
}

/** @param started how many are numbered, where these are more than there are. */
export function tooMany(what: Overflow[0], extents: readonly number[], started = 0): Overflow | undefined {
  const largest = product(extents.map((extent) => Math.max(1, extent)));
  const count = [largest, started].find((number) => number > mostCounted);
  return count ? [what, count, ...extents] : undefined;
}
