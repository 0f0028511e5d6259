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
 * lengths. How a reduction follows from those of parts is a column of its row (src/ir/ops/parts.ts).
 *
 * A reduction that needs the result of another one has parts and a merge of its own after the other's merge, except for sums of
 * exp(x - max(x)), which are merged together with the maximum (states.ts).
 */

import { Builder, Copies } from "../ir/builder.ts";
import { elementsOf, mostBuffers } from "../ir/bytes.ts";
import { isLeaf, type Op, presentOperands, type Value } from "../ir/ir.ts";
import { IterationSpace } from "../ir/iteration.ts";
import { loopOrder } from "../ir/loop-order.ts";
import { asResult, resultsFrom } from "../ir/merged-results.ts";
import { reductionResultOf, scanOf } from "../ir/op-kinds.ts";
import { attribute } from "../ir/ops/attributes.ts";
import type { Emitter } from "../ir/ops/emitter.ts";
import { ops as table } from "../ir/ops/index.ts";
import type { Operands } from "../ir/ops/meaning.ts";
import type { Division, PartialReduction } from "../ir/ops/parts.ts";
import type { Outliner, Piece, Write } from "./outliner.ts";
import { buffersOf, closure, copyBehind, isLeafValue, valuesOf } from "./pieces.ts";
import { longRowTiles, type RowTiles, tiledShape } from "./row-tiles.ts";
import { type Divided, dividedOf, isMergeable, reducedValue, SharedOps } from "./states.ts";

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
  const group = closure(all, valuesOf(writes));
  // A running sum depends on all parts before its own.
  if (group.some((op) => scanOf(op) !== undefined)) return undefined;
  const reductions = group.filter((op) => table[op.name].kind === "reduction");
  const tiles = longRowTiles(reductions, least);
  if (tiles === undefined || !reductions.every(hasParts)) return undefined;
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
  const writes = valuesOf(piece.writes);
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
      ops: this.needed(valuesOf(writes)),
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
    const merged = new Copies();
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
    const wanted = [...valuesOf(this.late()), ...pending.map((op) => reducedValue(op))];
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

/** What a merge made of states. */
interface Merged {
  readonly states: readonly Value[];
  readonly by: PartialReduction["merge"];
  readonly values: readonly Value[];
}

/** The states of parts, and their merges. Each is computed once, however many reductions need it. */
class States {
  readonly parts = new Set<Value>();
  private readonly to: Emitter;
  private readonly merge: Builder;
  private readonly tiles: RowTiles;
  private readonly divided: readonly Divided[];
  private readonly merges: Merged[] = [];

  /** @param reductions all reductions that are split together. */
  constructor(to: Builder, merge: Builder, tiles: RowTiles, reductions: readonly Op[]) {
    this.to = new SharedOps(to);
    this.merge = merge;
    this.tiles = tiles;
    this.divided = reductions.map(dividedOf);
  }

  /** What a reduction reduces in parts: a mean is taken from the moments of the same value, if there are any. */
  private dividedOf(op: Op): Divided {
    const own = dividedOf(op);
    const hasAll = ({ result }: PartialReduction) =>
      op.results.map(reductionResultOf).every((name) => name && name !== "combined" && result?.[name]);
    return this.divided.find(({ x, parts }) => x === own.x && hasAll(parts)) ?? own;
  }

  /** The results of a reduction without the axes that it reduces. */
  resultsOf(op: Op): readonly Value[] {
    const { merge, tiles } = this;
    const { attributes } = op;
    const { x, parts } = this.dividedOf(op);
    const rows = this.to.emit("reshape", [x], { shape: tiledShape(x, attribute.axes(attributes), tiles) });
    const states = parts.states(this.to, rows, { axes: [-1], attributes, isEqual: true }) as Operands<Value>;
    for (const value of states) this.parts.add(value);
    const starts = () => {
      const numbers = merge.emit("iota", [], { shape: states[0].shape, axis: -1 });
      return merge.emit("mul", [numbers, merge.constant("i32", tiles.size)]);
    };
    const elements = { total: () => tiles.count * tiles.size };
    const division: Division = { axes: [-1], keepdims: true, elements, starts };
    const isSame = (other: Merged) => other.by === parts.merge && states.every((value, i) => value === other.states[i]);
    const known = this.merges.find(isSame);
    const made = known ?? { states, by: parts.merge, values: parts.merge(merge, states, division) };
    if (known === undefined) this.merges.push(made);
    return resultsFrom(merge, op, parts, made.values, division);
  }
}
