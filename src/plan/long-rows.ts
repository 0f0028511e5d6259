/**
 * Splits long rows among several workgroups: kernels that reduce parts of rows, that merge the states of parts, and that compute
 * each element from the merged results.
 *
 *   y = x * rsqrt(mean(x * x, axes = [-1], keepdims = true))       x: f32[rows, 131072]
 *   ->
 *   p = mean(reshape(x * x), axes = [-1])                          p: f32[rows, 64], for parts of 2048 elements
 *   r = rsqrt(mean(p, axes = [-1], keepdims = true))
 *   y = x * r
 *
 * Otherwise a row is computed by one workgroup, so that eight rows occupy only eight multiprocessors of a GPU. Parts have equal
 * lengths: the mean of their means is the mean of the row, and by the formula of Chan, Golub and LeVeque (1979) its variance is
 *
 *   var = mean(var_t) + var(mean_t)
 *
 * A reduction that needs the result of another one has parts and a merge of its own after the other's merge, except for sums of
 * exp(x - max(x)), which are merged together with the maximum (states.ts).
 */

import { Builder } from "../ir/builder.ts";
import { elementsOf, mostBuffers } from "../ir/bytes.ts";
import { isLeaf, type Op, presentOperands, type Value } from "../ir/ir.ts";
import { IterationSpace } from "../ir/iteration.ts";
import { loopOrder } from "../ir/loop-order.ts";
import { scanOf } from "../ir/op-kinds.ts";
import { attribute } from "../ir/ops/attributes.ts";
import { type ReductionName, ops as table } from "../ir/ops/index.ts";
import { elementCount } from "../ir/tensor.ts";
import type { Outliner, Piece, Write } from "./outliner.ts";
import { asResult, buffersOf, closure, copyBehind } from "./pieces.ts";
import { type RowTiles, reducedRow, rowTiles, tiledShape } from "./row-tiles.ts";
import {
  expsOfPart,
  isMergeable,
  mergedExps,
  mergedLogsumexp,
  mergedPlace,
  reducedValue,
  sumOfExps,
} from "./states.ts";

/** A value is small, and stored between kernels rather than recomputed, if the rows have at least this many times its elements. */
const fewest = 16;

/**
 * The kernels of a group with long rows; undefined if the group has none, or if they cannot be split.
 * @param least the minimum length of a long row, in elements.
 */
export function splitRows(
  all: readonly Op[],
  writes: readonly Write[],
  outliner: Outliner,
  least: number,
): readonly Piece[] | undefined {
  const group = closure(
    all,
    writes.map(({ value }) => value),
  );
  // A running sum depends on all parts before its own.
  if (group.some((op) => scanOf(op) !== undefined)) return undefined;
  const reductions = group.filter((op) => table[op.name].kind === "reduction");
  const rows = reductions.map(reducedRow).filter((row) => row !== undefined);
  const [row] = rows;
  if (row === undefined || rows.length < reductions.length || !reductions.every(hasParts)) return undefined;
  const length = elementCount(row);
  if (length < least || rows.some((other) => elementCount(other) !== length)) return undefined;
  const tiles = rowTiles(rows);
  if (tiles === undefined) return undefined;
  const pieces = new RowPieces(group, reductions, writes, outliner, tiles).pieces();
  return pieces.every(isKernel) ? pieces : undefined;
}

/** Whether one loop nest computes the piece, within the limit on storage buffers. */
function isKernel(piece: Piece): boolean {
  const space = new IterationSpace();
  if (buffersOf(piece) > mostBuffers || piece.ops.some((op) => space.add(op) !== undefined)) return false;
  const own = new Set(piece.ops.flatMap((op) => op.results));
  const reads = [...new Set(piece.ops.flatMap(presentOperands))].filter(
    (value) => !own.has(value) && !isLeafValue(value),
  );
  const writes = piece.writes.map(({ value }) => value);
  return loopOrder(reads, writes, piece.ops, space).missing === undefined;
}

/** Whether a reduction can be split: its states can be merged, and have the type of its elements. */
const hasParts = (op: Op) => isMergeable(op) && elements.includes(op.operand(0).element);
const elements = ["f32", "i32", "u32"];

class RowPieces {
  private readonly group: readonly Op[];
  private readonly reductions: readonly Op[];
  private readonly writes: readonly Write[];
  private readonly outliner: Outliner;
  private readonly tiles: RowTiles;
  /** Ops on results of reductions whose own results are much smaller than the rows. */
  private readonly small: ReadonlySet<Op>;
  /** Values stored by kernels made so far. */
  private readonly stored = new Set<Value>();
  private readonly made: Piece[] = [];
  private readonly merged = new Set<Op>();

  constructor(
    group: readonly Op[],
    reductions: readonly Op[],
    writes: readonly Write[],
    outliner: Outliner,
    tiles: RowTiles,
  ) {
    this.group = group;
    this.reductions = reductions;
    this.writes = writes;
    this.outliner = outliner;
    this.tiles = tiles;
    this.small = smallOps(group, reductions);
  }

  pieces(): readonly Piece[] {
    let pending = this.reductions;
    while (pending.length > 0) {
      const now = pending.filter((op) => !this.needsAny(op, pending));
      pending = pending.filter((op) => !now.includes(op));
      this.split(now, pending);
    }
    return [...this.made, ...this.rest()];
  }

  /** Kernels that compute the remaining elements: one, or several where one would bind too many buffers. */
  private rest(): readonly Piece[] {
    const pieceOf = (writes: readonly Write[]): Piece => ({
      ops: this.needed(writes.map(({ value }) => value)),
      writes,
    });
    const pieces: Piece[] = [];
    for (const write of this.late()) {
      const joined = pieces.map(({ writes }) => pieceOf([...writes, write]));
      const found = joined.findIndex(isKernel);
      if (found < 0) pieces.push(pieceOf([write]));
      else pieces[found] = joined[found] as Piece;
    }
    return pieces;
  }

  /** Results that no kernel has written yet. */
  private late(): readonly Write[] {
    return this.writes.filter(({ value }) => !this.stored.has(value));
  }

  private needsAny(op: Op, pending: readonly Op[]): boolean {
    const needed = this.needed([reducedValue(op)]);
    return needed.some((other) => pending.includes(other));
  }

  private needed(values: readonly Value[]): Op[] {
    return closure(this.group, values, this.stored);
  }

  /** Adds two kernels: one reduces parts, one merges them. @param pending reductions that come after these. */
  private split(now: readonly Op[], pending: readonly Op[]): void {
    const [{ span }] = now as [Op];
    const [parts, merge] = [new Builder(span), new Builder(span)];
    const states = new States(parts, merge, this.tiles, now);
    const merged = new Map<Value, Value>();
    for (const op of now) {
      for (const one of [parts, merge]) one.standAt({ span: op.span, kernel: 0 });
      for (const [i, value] of states.resultsOf(op).entries()) {
        const result = op.results[i] as Value;
        merged.set(result, asResult(merge, value, result));
      }
      this.merged.add(op);
    }
    const operands = now.map((op) => reducedValue(op));
    const before = this.needed(operands);
    const after = this.group.filter((op) => this.isReady(op, merged));
    copyBehind(merge, after, merged);
    for (const op of after) this.merged.add(op);
    // Results with as many elements as the rows are stored by the first kernel, and read by later ones.
    const isLarge = ({ shape }: Value) => operands.some((x) => elementsOf(x.shape) === elementsOf(shape));
    const early = this.writes.filter(
      ({ value }) => !this.stored.has(value) && value.def && before.includes(value.def) && isLarge(value),
    );
    const partials = [...states.parts].map((value) => ({ buffer: this.outliner.buffers.of(value), value }));
    this.made.push({ ops: [...before, ...parts.ops], writes: [...early, ...partials] });
    for (const { value } of early) this.stored.add(value);
    this.made.push({ ops: merge.ops, writes: this.mergeWrites(merged, pending) });
  }

  /** Whether the merge can compute the op, which must be small and depend on merged values; its results then count as merged. */
  private isReady(op: Op, merged: Map<Value, Value>): boolean {
    if (!this.small.has(op) || this.merged.has(op)) return false;
    const operands = presentOperands(op).filter((value) => !isLeafValue(value));
    const isKnown = (value: Value) => merged.has(value) || this.stored.has(value) || value.def === undefined;
    if (!operands.every(isKnown) || !operands.some((value) => merged.has(value))) return false;
    for (const result of op.results) merged.set(result, result);
    return true;
  }

  /** The writes of a merge: results of the function, and values that later kernels read. */
  private mergeWrites(merged: ReadonlyMap<Value, Value>, pending: readonly Op[]): readonly Write[] {
    const wanted = [...this.late().map(({ value }) => value), ...pending.map((op) => reducedValue(op))];
    const later = closure(this.group, wanted, new Set([...this.stored, ...merged.keys()]));
    const read = new Set(later.filter((op) => !this.merged.has(op)).flatMap(presentOperands));
    const written = new Map(this.writes.map(({ value, buffer }) => [value, buffer]));
    return [...merged].flatMap(([value, now]) => {
      if (!read.has(value) && !written.has(value)) return [];
      this.stored.add(value);
      return [{ buffer: written.get(value) ?? this.outliner.buffers.of(value), value: now }];
    });
  }
}

const isLeafValue = ({ def }: Value) => def !== undefined && isLeaf(def);

function smallOps(group: readonly Op[], reductions: readonly Op[]): ReadonlySet<Op> {
  const small = new Set<Value>(reductions.flatMap(({ results }) => results));
  const most = Math.max(...reductions.map((op) => elementsOf(op.operand(0).shape))) / fewest;
  const isFew = ({ shape }: Value) => elementsOf(shape) <= most;
  const found = group.filter((op) => {
    if (reductions.includes(op) || isLeaf(op)) return false;
    const operands = presentOperands(op).filter((value) => !isLeafValue(value));
    const isSmall =
      operands.some((value) => small.has(value)) &&
      operands.every((value) => small.has(value) || (value.def === undefined && isFew(value))) &&
      op.results.every(isFew);
    if (isSmall) for (const result of op.results) small.add(result);
    return isSmall;
  });
  return new Set(found);
}

const isSpread = ({ name }: Op) => name === "var" || name === "std" || name === "moments";

/** The states of parts, and their merges. Each state is computed once, however many reductions need it. */
class States {
  readonly parts = new Set<Value>();
  private readonly to: Builder;
  private readonly merge: Builder;
  private readonly tiles: RowTiles;
  private readonly known = new Map<Value, Map<string, readonly Value[]>>();
  private readonly spread: ReadonlySet<Value>;
  private readonly merges = new Map<Value, readonly [Value, Value]>();

  /** @param reductions all reductions that are split together: a mean is taken from the moments of the same value, if there are any. */
  constructor(to: Builder, merge: Builder, tiles: RowTiles, reductions: readonly Op[]) {
    this.to = to;
    this.merge = merge;
    this.tiles = tiles;
    this.spread = new Set(reductions.filter(isSpread).map((op) => op.operand(0)));
  }

  /** Memoizes values computed from `x` in the kernel over parts. */
  private once(x: Value, what: string, make: (to: Builder) => readonly Value[]): readonly Value[] {
    const ofX = this.known.get(x) ?? new Map<string, readonly Value[]>();
    this.known.set(x, ofX);
    const values = ofX.get(what) ?? make(this.to);
    ofX.set(what, values);
    return values;
  }

  private rowsOf(x: Value, axes: readonly number[]): Value {
    const shape = tiledShape(x, axes, this.tiles);
    const [rows] = this.once(x, "rows", (to) => [to.emit("reshape", [x], { shape })]);
    return rows as Value;
  }

  /** The results of a reduction for each part. */
  private of(name: ReductionName, op: Op, x = op.operand(0)) {
    const rows = this.rowsOf(x, attribute.axes(op.attributes));
    const values = this.once(x, name, (to) => to.op(name, [rows], { axes: [-1] }).results);
    for (const value of values) this.parts.add(value);
    return values;
  }

  private reduced(name: ReductionName, value: Value): Value {
    return this.merge.emit(name, [value], { axes: [-1] });
  }

  /** The results of a reduction without the axes that it reduces. */
  resultsOf(op: Op): readonly Value[] {
    const { name } = op;
    if (name === "mean" && this.spread.has(op.operand(0))) return [this.moments(op)[0]];
    if (isSpread(op)) {
      const [mean, biased] = this.moments(op);
      const variance = this.corrected(biased, op);
      if (name === "std") return [this.merge.emit("sqrt", [variance])];
      return name === "var" ? [variance] : [mean, variance];
    }
    if (name === "argmax" || name === "argmin") return [this.place(op, name)];
    if (name === "logsumexp") return [mergedLogsumexp(this.merge, this.exps(op, op.operand(0)), -1)];
    const x = sumOfExps(op);
    if (x !== undefined) return [mergedExps(this.merge, this.exps(op, x), -1)];
    const reduction = name as ReductionName;
    return this.of(reduction, op).map((value) => this.reduced(reduction, value));
  }

  /** The largest element and the sum of exponentials of each part. */
  private exps(op: Op, x: Value): readonly [Value, Value] {
    const [most] = this.of("max", op, x) as [Value];
    const rows = this.rowsOf(x, attribute.axes(op.attributes));
    const [sum] = this.once(x, "sum of exps", (to) => {
      const kept = to.emit("reshape", [most], { shape: [...most.shape, 1] });
      return [expsOfPart(to, rows, kept, [-1])];
    }) as [Value];
    this.parts.add(sum);
    return [most, sum];
  }

  /** Mean and variance of all parts. */
  private moments(op: Op): readonly [Value, Value] {
    const { merge } = this;
    const [means, variances] = this.of("moments", op) as readonly [Value, Value];
    const known = this.merges.get(means);
    if (known !== undefined) return known;
    const [mean, between] = merge.op("moments", [means], { axes: [-1] }).results as [Value, Value];
    const made = [mean, merge.emit("add", [this.reduced("mean", variances), between])] as const;
    this.merges.set(means, made);
    return made;
  }

  /** The variance with the op's correction of the divisor. */
  private corrected(variance: Value, { attributes }: Op): Value {
    const correction = attribute.number(attributes, "correction");
    if (correction === 0) return variance;
    const length = this.tiles.count * this.tiles.size;
    return this.merge.emit("mul", [variance, this.merge.constant("f32", length / (length - correction))]);
  }

  private place(op: Op, name: "argmax" | "argmin"): Value {
    const { merge } = this;
    const [bests] = this.of(name === "argmax" ? "max" : "min", op) as [Value];
    const [places] = this.of(name, op) as [Value];
    const numbers = merge.emit("iota", [], { shape: places.shape, axis: -1 });
    const starts = merge.emit("mul", [numbers, merge.constant("i32", this.tiles.size)]);
    return mergedPlace(merge, name, [bests, places], starts, -1);
  }
}
