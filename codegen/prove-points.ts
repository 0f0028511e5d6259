/**
 * The points at which a kernel is proved: extents that exercise the beginning, middle and end of workgroups, steps, blocks and
 * tiles. A function with a large constant number of rows is proved with fewer.
 */

import { resolveShape } from "../src/ir/interpret.ts";
import { dimensionNames, type Fn } from "../src/ir/ir.ts";
import { mapOf } from "../src/ir/iteration.ts";
import { scanOf } from "../src/ir/op-kinds.ts";
import { ops } from "../src/ir/ops/index.ts";
import { type Extents, withDims } from "../src/ir/specialize.ts";
import { elementCount } from "../src/ir/tensor.ts";
import type { Dim, Shape } from "../src/ir/types.ts";
import type { Tile } from "../src/plan/plan.ts";
import type { Choice } from "../src/target/choice.ts";
import type { Manifest } from "../src/target/manifest.ts";
import { blocksOf } from "./blocks.ts";
import { elementsOfBlocks } from "./scans.ts";

/** Pairwise different extents for symbolic dimensions. */
export const smallExtents = [2, 3, 5, 7, 11, 13];

const countAt = (shape: Shape, dims: Extents) => elementCount(resolveShape(shape, dims));

/** The number of elements of all values of the function. */
export function sizeOf({ params, ops }: Fn, dims: Extents): number {
  const values = [...params, ...ops.flatMap(({ results }) => results)];
  return values.reduce((sum, { shape }) => sum + countAt(shape, dims), 0);
}

/** The extents of axes along which elements are looked up. */
function extentsLookedUp(fn: Fn): Dim[] {
  return fn.ops.flatMap((op) => {
    const def = ops[op.name];
    if (def.kind !== "index") return [];
    const map = mapOf(op, def);
    return map.kind === "lookup" ? [op.operand(map.operand).shape[map.axes.indexOf(undefined)] as Dim] : [];
  });
}

/**
 * The function with fewer rows, and shorter axes of lookups, if their extents are large constants: a kernel uses these only
 * as bounds.
 */
export function withFewRows(fn: Fn, { dispatch }: Manifest, most: number): Fn {
  const ones = Object.fromEntries(dimensionNames(fn).map((name) => [name, 2]));
  if (sizeOf(fn, ones) <= most) return fn;
  const globals = fn.ops.filter(({ name }) => name === "global");
  const kept = new Set<Dim>([...dispatch.columns, ...globals.flatMap(({ result }) => result.shape)]);
  const written = [...new Set([...dispatch.rows, ...extentsLookedUp(fn)])].filter(
    (dim) => typeof dim === "number" && !kept.has(dim),
  );
  const few = dispatch.rowsPerWorkgroup + 2;
  let small = fn;
  for (const [i, dim] of written.entries()) {
    if ((dim as number) <= few + i) continue;
    try {
      small = withDims(small, (one) => (one === dim ? few + i : one));
    } catch {
      // A literal or an attribute depends on the extent.
    }
  }
  return small;
}

/** Extents with tiles of at least `least` rows, of which the last has a single row or half of the others' rows. */
function inTiles(dims: Extents, { dim, size, count }: Tile, least: number): Extents {
  const rows = Math.max(dims[size] as number, least);
  const last = least > 1 ? 1 : Math.ceil(rows / 2);
  return { ...dims, [size]: rows, [dim]: rows * ((dims[count] as number) - 1) + last };
}

/** Extents for the two points: one with rows for more than one workgroup, and one with rows as long as several blocks of steps. */
export function pointsFor(
  fn: Fn,
  { dispatch }: Manifest,
  { lanes, rowsPerLane }: Choice,
  most: number,
  tile: Tile | undefined,
): Extents[] {
  const own = dimensionNames(fn).filter((name) => name !== tile?.dim);
  const names = tile === undefined ? own : [...own, tile.count, tile.size];
  const rowName = dispatch.rows.findLast((dim) => typeof dim === "string");
  const columnName = dispatch.columns.findLast((dim) => typeof dim === "string" && !dispatch.rows.includes(dim));
  const { rowsPerWorkgroup } = dispatch;
  const [outer = 1, inner = 1] = blocksOf(undefined);
  const withTail = (rows: number) => rowsPerWorkgroup === 1 || rows % rowsPerWorkgroup > 0;
  const candidates = (name: Dim | undefined, dims: readonly Dim[], least: readonly number[], inTile = 1) =>
    least.flatMap((product) =>
      // If the point would be too large, the other extents are 1.
      [smallExtents, [1]].map((extents) => {
        const given = Object.fromEntries(names.map((one, i) => [one, extents[i % extents.length] as number]));
        const all = grown(given, name, dims, product, dims === dispatch.rows ? withTail : () => true);
        return tile === undefined ? all : inTiles(all, tile, inTile);
      }),
    );
  const smallest = (list: readonly Extents[]) =>
    list.find((dims) => sizeOf(fn, dims) <= most) ?? (list.at(-1) as Extents);
  const scanned = fn.ops.some((op) => scanOf(op) !== undefined) ? [elementsOfBlocks] : [];
  const steps = [...scanned, outer, inner, 1].map((count) => lanes * (count + 1) + 3);
  return [
    smallest(candidates(rowName, dispatch.rows, [rowsPerWorkgroup + 1])),
    // The tile has rows for several turns of a lane.
    smallest(candidates(columnName, dispatch.columns, steps, 2 * rowsPerLane + 1)),
  ];
}

/** Extents with `name` increased so that the product of `dims` is at least `least` and, if possible, satisfies `fits`. */
function grown(
  extents: Extents,
  name: Dim | undefined,
  dims: readonly Dim[],
  least: number,
  fits: (product: number) => boolean,
): Extents {
  if (typeof name !== "string") return extents;
  const others = dims.filter((dim) => dim !== name);
  const power = dims.length - others.length;
  const count = countAt(others, extents);
  const first = Math.max(extents[name] as number, Math.ceil((least / Math.max(1, count)) ** (1 / power)));
  return { ...extents, [name]: [first, first + 1, first + 2].find((extent) => fits(extent ** power * count)) ?? first };
}
