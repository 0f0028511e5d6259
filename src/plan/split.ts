/**
 * Splits reductions over rows into two kernels: one reduces tiles of rows to partial states, one merges the states.
 *
 *   s = sum(x, axes = [0])                         x: f32[rows, 768]
 *   ->
 *   p = sum(x, axes = [0])  for each tile of rows  p: f32[tiles, 768]
 *   s = sum(p, axes = [0])
 *
 * In the first, each lane iterates over the rows of its tile in one column, so that adjacent lanes read adjacent elements, as in
 * Futhark's `SegRed` and in Harris's two-kernel reductions of a grid. There are no atomics, so the same shape gives the same
 * bits. How a reduction follows from those of tiles is a column of its row (src/ir/ops/parts.ts).
 *
 * The number of tiles follows from the shape alone: enough to occupy 2^16 lanes, with at least 16 rows each. Ops that depend
 * only on the results of the reductions are computed by the merge; ops that read the rows again become a third kernel.
 */

import { Builder, Copies } from "../ir/builder.ts";
import { elementsOf } from "../ir/bytes.ts";
import { type Op, presentOperands, Value } from "../ir/ir.ts";
import { asResult, resultsFrom } from "../ir/merged-results.ts";
import { reducedShape } from "../ir/mixed-order.ts";
import { attribute } from "../ir/ops/attributes.ts";
import type { Emitter } from "../ir/ops/emitter.ts";
import { ops as table } from "../ir/ops/index.ts";
import type { Operands } from "../ir/ops/meaning.ts";
import { asValue, type Division } from "../ir/ops/parts.ts";
import { elementCount } from "../ir/tensor.ts";
import { type Dim, isNarrow, type Shape, tensorType } from "../ir/types.ts";
import type { Cut, Outliner, Piece, Write } from "./outliner.ts";
import { closure, copyBehind, isLeafValue, valuesOf, withinLimits } from "./pieces.ts";
import type { Tile } from "./plan.ts";
import { type Divided, dividedOf, isMergeable, reducedValue, SharedOps } from "./states.ts";

/** The number of lanes that the first kernel should occupy. */
const lanes = 2 ** 16;
const [fewTiles, mostTiles] = [2, 1024];
/** The minimum number of rows in a tile, which writes one row of states. No more rows than that are not split. */
const leastRows = 16;
/** With fewer elements than this, one kernel is as fast. */
const leastElements = 2 ** 16;
/** The ops of a group before, in and after its reductions over rows. */
interface Parts {
  readonly rows: Dim;
  readonly rank: number;
  readonly before: readonly Op[];
  readonly reductions: readonly Op[];
  /** Ops that follow from the results of the reductions and other small values, with those that compute these values. */
  readonly after: readonly Op[];
  /** The results of the reductions, and what follows from them. */
  readonly merged: ReadonlySet<Value>;
  /** Ops that read the rows again. */
  readonly again: readonly Op[];
}

/**
 * The kernels of a group whose reductions are split; `undefined` if that is not possible, or not worthwhile.
 * @param longColumn the minimum number of elements reduced to one, which must be known unless this is 0.
 * @param isUnknownLong as in `OutlineOptions`.
 */
export function splitGroup(
  group: readonly Op[],
  writes: readonly Write[],
  outliner: Outliner,
  { longColumn, isUnknownLong }: { readonly longColumn: number; readonly isUnknownLong: boolean },
): readonly Piece[] | undefined {
  const parts = partsOf(group, isUnknownLong);
  if (parts === undefined) return undefined;
  if (longColumn > 0 && !parts.reductions.every((op) => isLong(op, longColumn))) return undefined;
  const { rows, rank, reductions, after } = parts;
  const columns = elementsOf(kept(reductions[0] as Op));
  const by = Math.min(mostTiles, Math.max(fewTiles, Math.floor(lanes / columns)));
  const cut = outliner.cut(rows, { by, least: leastRows });
  const tiled = reducedInTiles(reductions, after, cut.tile, outliner, (op) => {
    const axes = attribute.axes(op.attributes);
    const others = axes.filter((axis) => axis !== -rank).map((axis) => op.operand(0).shape.at(axis) as Dim);
    return { axes, others, merging: { axes: [axes.length - rank - 1], keepdims: false } };
  });
  return withinLimits(piecesOf(parts, tiled, cut, writes, outliner));
}

function isLong(op: Op, least: number): boolean {
  const column = reducedShape(op);
  return column.every((dim) => typeof dim === "number") && elementCount(column) >= least;
}

/** The kernel over tiles, one for values that tiles cannot share, the merge, and one that reads the rows again. */
function piecesOf(
  { rows, rank, before, merged: small, again }: Parts,
  tiled: ReducedInTiles,
  cut: Cut,
  writes: readonly Write[],
  outliner: Outliner,
): readonly Piece[] {
  const { partial, merge, merged } = tiled;
  const readAgain = new Set(again.flatMap(presentOperands));
  const isAgain = new Set(again.flatMap((op) => op.results));
  const late = writes.filter(({ value }) => isAgain.has(value));
  const written = new Set(valuesOf(writes));
  const between = [...small].filter((value) => readAgain.has(value) && !written.has(value));
  const mergeWrites = [
    ...writes.filter(({ value }) => small.has(value)),
    ...between.map((value) => ({ buffer: outliner.buffers.of(value), value })),
  ].map(({ buffer, value }) => ({ buffer, value: merged.get(value) as Value }));
  // Operands of the reductions that the last kernel reads are recomputed there, unless they are stored anyway.
  const own = writes.filter(({ value }) => value.def !== undefined && before.includes(value.def));
  const isInRows = ({ shape }: Value) => shape.length === rank && shape[0] === rows;
  const early = own.filter(({ value }) => isInRows(value));
  // Tiles cannot share a value that is the same for all rows.
  const fixed = own.filter(({ value }) => !isInRows(value));
  const typeOf = (value: Value) =>
    isInRows(value) ? tensorType(value.element, [cut.tile.dim, ...value.shape.slice(1)]) : value.type;
  return [
    { ops: [...before, ...partial.ops], writes: [...early, ...partial.writes], tile: { ...cut, typeOf } },
    ...(fixed.length > 0 ? [{ ops: closure(before, valuesOf(fixed)), writes: fixed }] : []),
    { ops: merge, writes: mergeWrites },
    ...(late.length > 0
      ? [{ ops: closure([...before, ...again], valuesOf(late), new Set(valuesOf(own))), writes: late }]
      : []),
  ];
}

const kept = (op: Op): Shape => {
  const { shape } = op.operand(0);
  const axes = attribute.axes(op.attributes);
  return shape.filter((_, axis) => !axes.includes(axis - shape.length));
};

function partsOf(group: readonly Op[], isUnknownLong: boolean): Parts | undefined {
  const reductions = group.filter((op) => table[op.name].kind === "reduction");
  const [first] = reductions;
  const x = first?.operand(0);
  const rows = x?.shape[0];
  if (first === undefined || x === undefined || rows === undefined) return undefined;
  const rank = x.shape.length;
  const isOverRows = (op: Op) => {
    const { shape } = op.operand(0);
    return shape.length === rank && shape[0] === rows && attribute.axes(op.attributes).includes(-rank);
  };
  if (!reductions.every(isOverRows) || !reductions.every(isMergeable)) return undefined;
  const isLarge = (isUnknownLong && typeof rows === "string") || elementsOf(x.shape) >= leastElements;
  if (!isLarge || (typeof rows === "number" && rows <= leastRows)) return undefined;
  const before = closure(group, reductions.map(reducedValue));
  if (!before.every((op) => table[op.name].kind === "elementwise")) return undefined;
  // In each of these values the rows must be the first axis, or absent.
  const values = [...before.flatMap(presentOperands), ...reductions.map((op) => op.operand(0))];
  const isPlain = (value: Value) => {
    if (isLeafValue(value)) return value.shape.length < rank;
    const { shape } = value;
    if (shape.length > rank || shape.slice(1).includes(rows as string)) return typeof rows === "number";
    return shape.length === rank
      ? shape[0] === rows || shape[0] === 1
      : !(typeof rows === "string" && shape.includes(rows));
  };
  if (!values.every(isPlain)) return undefined;
  const rest = group.filter((op) => !before.includes(op) && !reductions.includes(op));
  const own = new Set(group.flatMap((op) => op.results));
  const reduced = new Set(reductions.flatMap((op) => op.results));
  // A larger result, with axes that no reduction has left, does not fit the loop nest of the merge.
  const most = Math.max(...reductions.map((op) => elementsOf(kept(op))));
  const fits = (result: Value) => isFew(result, x) && elementsOf(result.shape) <= most;
  const small = new Set(reduced);
  const few: Op[] = [];
  for (const op of [...before, ...rest]) {
    const operands = presentOperands(op).filter((value) => !isLeafValue(value));
    const isSmall = operands.every((value) => small.has(value) || (!own.has(value) && isFew(value, x)));
    if (!isSmall || !op.results.every(fits)) continue;
    few.push(op);
    for (const result of op.results) small.add(result);
    if (operands.some((value) => reduced.has(value))) for (const result of op.results) reduced.add(result);
  }
  const behind = new Set(few.filter((op) => op.results.some((result) => reduced.has(result))));
  return {
    ...{ rows, rank, before, reductions },
    after: closure(few, [...reduced]),
    merged: reduced,
    again: rest.filter((op) => !behind.has(op)),
  };
}

/** Whether a value is small compared with the reduced value `x`. */
const isFew = (value: Value, x: Value) => elementsOf(value.shape) * leastRows <= elementsOf(x.shape);

/** What the tiles reduce of a reduction, and how the merge reduces their states. */
export interface Tiled {
  /** The axes that a tile reduces. */
  readonly axes: readonly number[];
  /** The extents of those that are not cut into tiles. */
  readonly others: Shape;
  readonly merging: Pick<Division, "axes" | "keepdims">;
  /** The number of all reduced elements; by default the sum of the tiles' numbers. */
  readonly total?: () => Value | number;
}

/** The ops that reduce tiles, with what they write, and the ops that merge that. */
interface ReducedInTiles {
  readonly partial: Piece;
  readonly merge: readonly Op[];
  /** The values of the merge for the results of the reductions, and for those of the ops after them. */
  readonly merged: Copies;
}

/**
 * Reduces tiles to states, and merges the states.
 * @param after ops that the merge computes from the results.
 * @param tiledOf how tiles reduce a reduction; `to` is the merge.
 */
export function reducedInTiles(
  reductions: readonly Op[],
  after: readonly Op[],
  tile: Tile,
  outliner: Outliner,
  tiledOf: (op: Op, to: Builder) => Tiled,
): ReducedInTiles {
  const [{ span }] = reductions as [Op];
  const [builder, merge] = [new Builder(span), new Builder(span)];
  const partials = new Partials(builder, tile, outliner);
  const merged = new Copies();
  for (const op of reductions) {
    for (const one of [builder, merge]) one.standAt({ span: op.span, kernel: 0 });
    const values = partials.results(merge, op, dividedOf(op), tiledOf(op, merge));
    for (const [i, value] of values.entries()) merged.set(op.results[i] as Value, value);
  }
  copyBehind(merge, after, merged);
  return { partial: { ops: builder.ops, writes: partials.writes }, merge: merge.ops, merged };
}

/** The partial results of tiles. */
class Partials {
  readonly writes: Write[] = [];
  private readonly builder: Emitter;
  private readonly tile: Tile;
  private readonly outliner: Outliner;
  /** Maps each value within one tile to the value over all tiles. */
  private readonly overTiles = new Map<Value, Value>();

  constructor(builder: Builder, tile: Tile, outliner: Outliner) {
    this.builder = new SharedOps(builder);
    this.tile = tile;
    this.outliner = outliner;
  }

  /** The value with the results of all tiles, stacked along a new first axis. */
  private stacked(value: Value, name: string | undefined): Value {
    const known = this.overTiles.get(value);
    if (known !== undefined) return known;
    const type = tensorType(value.element, [this.tile.count, ...value.shape]);
    const all = new Value(type, name, value.span);
    this.writes.push({ buffer: this.outliner.buffers.of(all), value });
    this.overTiles.set(value, all);
    return all;
  }

  /** The results of a reduction, which the merge `to` computes from the states of tiles. */
  results(to: Builder, op: Op, { x, parts }: Divided, { axes, others, merging, total }: Tiled): readonly Value[] {
    const { attributes } = op;
    // A sum of many halves would not fit into a half.
    const wide = isNarrow(x.element) ? this.builder.emit("cast", [x], { to: "f32" }) : x;
    const states = parts
      .states(this.builder, wide, { axes, attributes, isEqual: false })
      .map((value, i) => this.stacked(value, parts.state[i])) as Operands<Value>;
    const beside = (value: Value) =>
      to.emit("reshape", [value], { shape: [this.tile.count, ...states[0].shape.slice(1).map(() => 1)] });
    const sum = (counts: Value) => to.emit("sum", [counts], { axes: [0] });
    const elements = {
      total: () => total?.() ?? sum(this.counted(to, others)),
      each: () => {
        const all = total && asValue(to, total());
        const counts = this.counted(to, others);
        return [beside(counts), all ?? sum(counts)] as const;
      },
    };
    const division: Division = { ...merging, elements, starts: () => beside(this.starts(to, others)) };
    const values = resultsFrom(to, op, parts, parts.merge(to, states, division), division);
    return values.map((value, i) => asResult(to, value, op.results[i] as Value));
  }

  /** The position of the first element of each tile among the reduced ones. @param others other axes that a tile reduces. */
  private starts(to: Builder, others: Shape): Value {
    const tiles = to.emit("linear_index", [], { shape: [this.tile.count] });
    const size = to.emit("size", [], { shape: [this.tile.size, ...others] });
    return to.emit("cast", [to.emit("mul", [tiles, size])], { to: "i32" });
  }

  /**
   * The number of elements that each tile reduces to one, computed in the merge: the last tile may have fewer rows.
   * @param others other axes that a tile reduces.
   */
  private counted(to: Builder, others: Shape): Value {
    const { dim, size, count } = this.tile;
    const sizeOf = (extent: Dim) => to.emit("size", [], { shape: [extent] });
    const tiles = to.emit("linear_index", [], { shape: [count] });
    const rest = to.emit("sub", [sizeOf(dim), to.emit("mul", [tiles, sizeOf(size)])]);
    const isLast = to.emit("eq", [to.emit("add", [tiles, to.constant("u32", 1)]), sizeOf(count)]);
    const rows = to.emit("where", [isLast, rest, sizeOf(size)]);
    const all = others.length === 0 ? rows : to.emit("mul", [rows, to.emit("size", [], { shape: others })]);
    return to.emit("cast", [all], { to: "f32" });
  }
}
