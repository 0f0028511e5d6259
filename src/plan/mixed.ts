/**
 * Computes a group that reduces each row and also sums over the rows (src/ir/mixed-order.ts) in two kernels:
 *
 *   d_x, d_gamma = ...                                    d_x: f32[rows, 768], d_gamma: f32[768]
 *   ->
 *   d_x, sums = ...  for each tile of rows                sums: f32[tiles, 768]
 *   d_gamma = sum(sums, axes = [0])
 *
 * The first reads each row once, as a kernel of d_x alone does. The tile size follows from the shape alone. It is chosen to give
 * about 1024 tiles, but is at least 4 rows, as the sums of each tile are written and read again, and at most 64 rows, as they are
 * added sequentially. A GPU needs many tiles: on an H200, the gradient of RMSNorm at 256 to 4096 rows takes 0.3 to 0.75 of the
 * time with tiles of 4 rows instead of 16; on software drivers the difference is below the noise. If there are known to be at
 * most 256 rows, tiles are of 2 at least: 0.77 to 0.85 of the time there, while 1024 rows would take 1.1 of it.
 */

import type { Atom } from "../ir/atoms.ts";
import type { Builder } from "../ir/builder.ts";
import { elementsOf } from "../ir/bytes.ts";
import { isLeaf, type Op, presentOperands, type Value } from "../ir/ir.ts";
import { countIn } from "../ir/merged-results.ts";
import { axisOf, type MixedOrder, partialsOf, reducedShape, summedAxes } from "../ir/mixed-order.ts";
import { reductionResultOf } from "../ir/op-kinds.ts";
import { attribute } from "../ir/ops/attributes.ts";
import { ops as table } from "../ir/ops/index.ts";
import type { Dim, Shape, TensorType } from "../ir/types.ts";
import type { Cut, Outliner, Piece, Write } from "./outliner.ts";
import { withinLimits } from "./pieces.ts";
import { reducedInTiles, type Tiled } from "./split.ts";

/** The number of tiles aimed for. */
const usualTiles = 1024;
/** The minimum and maximum number of rows in a tile. */
const [fewestRows, mostRows] = [4, 64];
/** The minimum if there are at most so many rows. */
const few = { rows: 256, inTile: 2 };

/** The two kernels of such a group; undefined if one of them would exceed the limit on storage buffers, or if tiles cannot accumulate the states. */
export function mixedPieces(
  order: MixedOrder,
  writes: readonly Write[],
  outliner: Outliner,
): readonly Piece[] | undefined {
  const { body, sums, after } = order;
  const cut = cutOf(order, outliner);
  const { partial, merge, merged } = reducedInTiles(sums, after, cut.tile, outliner, (op, to) =>
    tiledOf(op, order, to),
  );
  if (!areAccumulated(partial.ops, partial.writes)) return undefined;
  return withinLimits([
    {
      ops: [...body, ...partial.ops],
      writes: [...writes.filter(({ value }) => !merged.has(value)), ...partial.writes],
      tile: { ...cut, ...retyped(order, cut.tile.dim) },
    },
    {
      ops: merge,
      writes: writes.flatMap(({ buffer, value }) => {
        const now = merged.get(value);
        return now === undefined ? [] : [{ buffer, value: now }];
      }),
    },
  ]);
}

/** Whether a lane accumulates the states row by row: each is a number of a running state (src/kernel/running.ts), and no op reads one. */
function areAccumulated(ops: readonly Op[], writes: readonly Write[]): boolean {
  const isRunning = (op: Op) =>
    partialsOf(op) === op.results.length && (op.results.length > 1 || reductionResultOf(op.result) === "combined");
  const states = new Set(ops.filter(isRunning).flatMap(({ results }) => results));
  const isRow = (op: Op) => table[op.name].kind === "elementwise" || isLeaf(op) || isRunning(op);
  const readsNone = (op: Op) => presentOperands(op).every((value) => !states.has(value));
  return ops.every((op) => isRow(op) && readsNone(op)) && writes.every(({ value }) => states.has(value));
}

/** A tile reduces the summed axes, and the merge reduces the tiles and the reduced axes that remain within a tile. */
function tiledOf(op: Op, { space, rows, summed }: MixedOrder, to: Builder): Tiled {
  const tiled = summedAxes(op, space, rows).filter(({ atoms }) => atoms.every((atom) => summed.includes(atom)));
  const inTile = tiled.map(({ axis }) => axis);
  const x = op.operand(0);
  const kept = x.shape.map((_, i) => i - x.shape.length).filter((axis) => !inTile.includes(axis));
  const reduced = attribute.axes(op.attributes);
  const axes = [0, ...kept.flatMap((axis, i) => (reduced.includes(axis) ? [i + 1] : []))];
  const [cut] = summed;
  const others = tiled.filter(({ atoms }) => !atoms.includes(cut as Atom)).map(({ axis }) => x.shape.at(axis) as Dim);
  const total = () => countIn(reducedShape(op), to);
  return { axes: inTile, others, merging: { axes, keepdims: true }, total };
}

/** Tiles along the first summed axis. */
function cutOf({ rows, summed }: MixedOrder, outliner: Outliner): Cut {
  const [cut, ...inner] = summed.map(({ extent }) => extent) as [Dim, ...Dim[]];
  const others = elementsOf(rows.filter((atom) => !summed.includes(atom)).map(({ extent }) => extent));
  const by = Math.max(1, Math.floor(usualTiles / others));
  const fewest = typeof cut === "number" && cut * elementsOf(inner) <= few.rows ? few.inTile : fewestRows;
  const [least, most] = [fewest, mostRows].map((all) => Math.ceil(all / elementsOf(inner))) as [number, number];
  return outliner.cut(cut, { by, least, most });
}

/** Types of values and attributes of ops within a tile, where the axis that is cut has the extent `dim`. */
function retyped({ body, space, summed: [cut] }: MixedOrder, dim: string) {
  const named = (shape: Shape, axis: number | undefined) =>
    axis === undefined || axis < 0 ? shape : shape.map((extent, i) => (i === axis ? dim : extent));
  const axisIn = (value: Value): number | undefined => {
    if (cut === undefined || cut.extent === dim) return undefined;
    const reader = body.find((op) => op.operands.includes(value));
    const dims = reader ? space.readBy(reader, reader.operands.indexOf(value)) : space.dimsOf(value);
    return axisOf(cut, dims);
  };
  return {
    typeOf: (value: Value): TensorType => ({ ...value.type, shape: named(value.shape, axisIn(value)) }),
    attributesOf: (op: Op): Op["attributes"] => {
      if (op.attributes.shape === undefined || !body.includes(op)) return op.attributes;
      return { ...op.attributes, shape: named(op.attributes.shape as Shape, axisIn(op.result)) };
    },
  };
}
