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
 * bits. A mean is merged as a sum and a count, a variance by Chan, Golub and LeVeque's formula (1979) for any number of parts:
 *
 *   n = sum(count),  m = sum(count * mean) / n,  v = sum(count * (variance + (mean - m)^2)) / n
 *
 * The states of sums of exponentials, and of positions of extremes, are described in states.ts.
 *
 * The number of tiles follows from the shape alone: enough to occupy 2^16 lanes, with at least 16 rows each. Ops that depend
 * only on the results of the reductions are computed by the merge; ops that read the rows again become a third kernel.
 */

import { Builder } from "../ir/builder.ts";
import { elementsOf, mostBuffers } from "../ir/bytes.ts";
import { isLeaf, type Op, presentOperands, Value } from "../ir/ir.ts";
import { reducedShape } from "../ir/mixed-order.ts";
import { attribute } from "../ir/ops/attributes.ts";
import { type ReductionName, ops as table } from "../ir/ops/index.ts";
import { elementCount } from "../ir/tensor.ts";
import { type Dim, isHalf, type Shape, tensorType } from "../ir/types.ts";
import type { Outliner, Piece, Write } from "./outliner.ts";
import { asResult, buffersOf, closure, copyBehind } from "./pieces.ts";
import type { DerivedExtent, Tile } from "./plan.ts";
import {
  expsOfPart,
  isMergeable,
  mergedExps,
  mergedLogsumexp,
  mergedPlace,
  reducedValue,
  sumOfExps,
} from "./states.ts";

/** The number of lanes that the first kernel should occupy. */
const lanes = 2 ** 16;
const [fewTiles, mostTiles] = [2, 1024];
/** The minimum number of rows in a tile, which writes one row of states. */
const leastRows = 16;
/** With fewer elements than this, one kernel is as fast. */
const leastElements = 2 ** 16;
/** The ops of a group before, in and after its reductions over rows. */
interface Parts {
  readonly rows: Dim;
  readonly rank: number;
  readonly before: readonly Op[];
  readonly reductions: readonly Op[];
  /** Ops that depend on the results of the reductions alone. */
  readonly after: readonly Op[];
  /** Ops that read the rows again. */
  readonly again: readonly Op[];
}

/**
 * The kernels of a group whose reductions are split; `undefined` if that is not possible, or not worthwhile.
 * @param leastColumn the minimum number of elements reduced to one, which must be known unless this is 0.
 */
export function splitGroup(
  group: readonly Op[],
  writes: readonly Write[],
  outliner: Outliner,
  extents: DerivedExtent[],
  leastColumn: number,
): readonly Piece[] | undefined {
  const parts = partsOf(group);
  if (parts === undefined) return undefined;
  const isLong = (op: Op) => {
    const column = reducedShape(op);
    return column.every((dim) => typeof dim === "number") && elementCount(column) >= leastColumn;
  };
  if (leastColumn > 0 && !parts.reductions.every(isLong)) return undefined;
  const { rows, rank, before, reductions, after, again } = parts;
  const derived: DerivedExtent[] = [];
  const tile = tileOf(rows, kept(reductions[0] as Op), outliner, derived);

  const builder = new Builder((reductions[0] as Op).span);
  const tiled = new Partials(builder, tile, outliner);
  const merge = new Builder((reductions[0] as Op).span);
  const merged = new Map<Value, Value>();
  for (const op of reductions) {
    for (const b of [builder, merge]) b.standAt({ span: op.span, kernel: 0 });
    for (const [i, value] of new Merge(merge, tiled, op).results().entries()) merged.set(op.results[i] as Value, value);
  }
  copyBehind(merge, after, merged);
  const readAgain = new Set(again.flatMap(presentOperands));
  const isAgain = new Set(again.flatMap((op) => op.results));
  const written = new Set(writes.map(({ value }) => value));
  const between = [...merged.keys()].filter((value) => readAgain.has(value) && !written.has(value));
  const mergeWrites = [
    ...writes.filter(({ value }) => merged.has(value)),
    ...between.map((value) => ({ buffer: outliner.buffers.of(value), value })),
  ].map(({ buffer, value }) => ({ buffer, value: merged.get(value) as Value }));
  // Operands of the reductions that the third kernel reads are recomputed there, unless they are stored anyway.
  const early = writes.filter(({ value }) => value.def !== undefined && before.includes(value.def));
  const late = writes.filter(({ value }) => isAgain.has(value));
  const stored = new Set(early.map(({ value }) => value));
  const needed = closure(
    [...before, ...again],
    late.map(({ value }) => value),
    stored,
  );
  const typeOf = (value: Value) => {
    const isCut = value.shape.length === rank && value.shape[0] === rows;
    return isCut ? tensorType(value.element, [tile.dim, ...value.shape.slice(1)]) : value.type;
  };
  const pieces: readonly Piece[] = [
    { ops: [...before, ...builder.ops], writes: [...early, ...tiled.writes], tile: { tile, typeOf } },
    { ops: merge.ops, writes: mergeWrites },
    ...(late.length > 0 ? [{ ops: needed, writes: late }] : []),
  ];
  if (pieces.some((piece) => buffersOf(piece) > mostBuffers)) return undefined;
  extents.push(...derived);
  return pieces;
}

const kept = (op: Op): Shape => {
  const { shape } = op.operand(0);
  const axes = attribute.axes(op.attributes);
  return shape.filter((_, axis) => !axes.includes(axis - shape.length));
};

function partsOf(group: readonly Op[]): Parts | undefined {
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
  if (elementsOf(x.shape) < leastElements) return undefined;
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
  const small = new Set(reductions.flatMap((op) => op.results));
  const after = rest.filter((op) => {
    const operands = presentOperands(op).filter((value) => !isLeafValue(value));
    const isSmall =
      operands.some((value) => small.has(value)) && operands.every((value) => small.has(value) || isFew(value, x));
    if (isSmall && op.results.every((result) => isFew(result, x))) for (const result of op.results) small.add(result);
    return op.results.every((result) => small.has(result));
  });
  return { rows, rank, before, reductions, after, again: rest.filter((op) => !after.includes(op)) };
}

const isLeafValue = ({ def }: Value) => def !== undefined && isLeaf(def);

/** Whether a value is small compared with the reduced value `x`. */
const isFew = (value: Value, x: Value) => elementsOf(value.shape) * leastRows <= elementsOf(x.shape);

/** Tiles of the rows. Adds the extents for their size and number. */
function tileOf(rows: Dim, columns: Shape, { dims }: Outliner, extents: DerivedExtent[]): Tile {
  const count = Math.min(mostTiles, Math.max(fewTiles, Math.floor(lanes / elementsOf(columns))));
  const stem = typeof rows === "string" ? rows : "rows";
  const dim = typeof rows === "string" ? rows : dims.next("rows");
  if (dim !== rows) extents.push({ name: dim, of: rows, by: 1 });
  const [length, number] = [dims.next(`${stem}_tile`), dims.next(`${stem}_tiles`)];
  extents.push({ name: length, of: dim, by: count, least: leastRows }, { name: number, of: dim, by: length });
  return { dim, size: length, count: number };
}

/** A reduction whose results for tiles are merged by the reduction itself. */
export type Folded = ReductionName;

/** The partial results of tiles. */
export class Partials {
  readonly writes: Write[] = [];
  private readonly builder: Builder;
  private readonly tile: Tile;
  private readonly outliner: Outliner;
  private readonly known = new Map<string, Value>();
  private readonly numbers = new Map<Value, number>();
  /** Maps each value over all tiles to the value within one tile. */
  private readonly inTile = new Map<Value, Value>();

  constructor(builder: Builder, tile: Tile, outliner: Outliner) {
    this.builder = builder;
    this.tile = tile;
    this.outliner = outliner;
  }

  /** Adds a result of each tile. Returns the value with the results of all tiles, stacked along a new first axis. */
  private stacked(value: Value, name: string): Value {
    const type = tensorType(value.element, [this.tile.count, ...value.shape]);
    const all = new Value(type, name, value.span);
    this.writes.push({ buffer: this.outliner.buffers.of(all), value });
    this.inTile.set(all, value);
    return all;
  }

  private once(key: string, make: () => Value): Value {
    const value = this.known.get(key) ?? make();
    this.known.set(key, value);
    return value;
  }

  private keyOf(value: Value): number {
    const number = this.numbers.get(value) ?? this.numbers.size;
    this.numbers.set(value, number);
    return number;
  }

  /** The value in f32: a sum of many halves would not fit into a half. */
  private wide(x: Value): Value {
    if (!isHalf(x.element)) return x;
    return this.once(`wide ${this.keyOf(x)}`, () => this.builder.emit("cast", [x], { to: "f32" }));
  }

  /** A reduction of each tile. */
  of(name: Folded, x: Value, axes: readonly number[]): Value {
    return this.once(`${name} ${this.keyOf(x)} ${axes}`, () => {
      return this.stacked(this.builder.emit(name, [this.wide(x)], { axes }), `${name}s`);
    });
  }

  /** Mean and variance of each tile. */
  moments(x: Value, axes: readonly number[]): readonly [Value, Value] {
    const all = (which: 0 | 1) =>
      this.once(`moments ${which} ${this.keyOf(x)} ${axes}`, () => {
        const op = this.once(
          `moments ${this.keyOf(x)} ${axes}`,
          () => this.builder.op("moments", [this.wide(x)], { axes }).result,
        );
        return this.stacked(op.def?.results[which] as Value, which === 0 ? "means" : "variances");
      });
    return [all(0), all(1)];
  }

  /** The largest element of each tile, and the sum of exp(x - largest). */
  exps(x: Value, axes: readonly number[]): readonly [Value, Value] {
    const mosts = this.of("max", x, axes);
    const sums = this.once(`exps ${this.keyOf(x)} ${axes}`, () => {
      const { builder } = this;
      const shape = x.shape.map((dim, axis) => (axes.includes(axis - x.shape.length) ? 1 : dim));
      const most = builder.emit("reshape", [this.inTile.get(mosts)], { shape });
      return this.stacked(expsOfPart(builder, this.wide(x), most, axes), "exps");
    });
    return [mosts, sums];
  }

  /** The position of the first element of each tile among the reduced ones. @param others other axes that a tile reduces. */
  starts(to: Builder, others: Shape): Value {
    const tiles = to.emit("linear_index", [], { shape: [this.tile.count] });
    const size = to.emit("size", [], { shape: [this.tile.size, ...others] });
    return to.emit("cast", [to.emit("mul", [tiles, size])], { to: "i32" });
  }

  /**
   * The number of elements that each tile reduces to one, computed in the merge: the last tile may have fewer rows.
   * @param others other axes that a tile reduces.
   */
  counted(to: Builder, others: Shape): Value {
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

/** Computes the results of one reduction from the partial results of tiles. */
class Merge {
  private readonly to: Builder;
  private readonly partials: Partials;
  private readonly op: Op;
  private readonly x: Value;
  private readonly axes: readonly number[];

  constructor(to: Builder, partials: Partials, op: Op) {
    this.to = to;
    this.partials = partials;
    this.op = op;
    this.x = op.operand(0);
    this.axes = attribute.axes(op.attributes);
  }

  results(): readonly Value[] {
    return this.states().map((value, i) => asResult(this.to, value, this.op.results[i] as Value));
  }

  private states(): readonly Value[] {
    const { name } = this.op;
    if (name === "mean")
      return [this.to.emit("div", [this.over("sum", this.partials.of("sum", this.x, this.axes)), this.total()])];
    if (name === "var" || name === "std" || name === "moments") {
      const [mean, variance] = this.moments();
      if (name === "std") return [this.to.emit("sqrt", [variance])];
      return name === "var" ? [variance] : [mean, variance];
    }
    if (name === "logsumexp") return [mergedLogsumexp(this.to, this.exps(this.x), this.first())];
    if (name === "argmax" || name === "argmin") return [this.place(name)];
    const x = sumOfExps(this.op);
    if (x !== undefined) return [mergedExps(this.to, this.exps(x), this.first())];
    const of = name as Folded;
    return [this.over(of, this.partials.of(of, this.x, this.axes))];
  }

  private exps(x: Value): readonly [Value, Value] {
    return this.partials.exps(x, this.axes);
  }

  /** The axis of the tiles in a state, counted from the end. */
  private first(): number {
    return this.axes.length - this.x.shape.length - 1;
  }

  private place(name: "argmax" | "argmin"): Value {
    const { to, partials, x, axes } = this;
    const bests = partials.of(name === "argmax" ? "max" : "min", x, axes);
    const starts = partials.starts(to, this.others());
    const shape = [starts.shape[0] as Dim, ...bests.shape.slice(1).map(() => 1)];
    const each = to.emit("reshape", [starts], { shape });
    return mergedPlace(to, name, [bests, partials.of(name, x, axes)], each, this.first());
  }

  private over(name: Folded, partial: Value): Value {
    return this.to.emit(name, [partial], { axes: [0] });
  }

  /** The number of elements that each tile reduces to one. */
  private counts(): Value {
    return this.partials.counted(this.to, this.others());
  }

  /** The extents of reduced axes other than the rows. */
  private others(): Shape {
    const { shape } = this.x;
    return this.axes.filter((axis) => axis !== -shape.length).map((axis) => shape.at(axis) as Dim);
  }

  private total(): Value {
    return this.over("sum", this.counts());
  }

  private moments(): readonly [Value, Value] {
    const { to } = this;
    const [means, variances] = this.partials.moments(this.x, this.axes);
    const counts = this.counts();
    const each = to.emit("reshape", [counts], {
      shape: [counts.shape[0] as Dim, ...means.shape.slice(1).map(() => 1)],
    });
    const total = this.over("sum", counts);
    const mean = to.emit("div", [this.over("sum", to.emit("mul", [each, means])), total]);
    const from = to.emit("sub", [means, mean]);
    const squares = to.emit("add", [variances, to.emit("mul", [from, from])]);
    const sum = this.over("sum", to.emit("mul", [each, squares]));
    const correction = attribute.number(this.op.attributes, "correction");
    const less = correction === 0 ? total : to.emit("sub", [total, to.constant("f32", correction)]);
    return [mean, to.emit("div", [sum, less])];
  }
}
