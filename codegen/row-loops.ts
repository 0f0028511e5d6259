/**
 * The loops along the rows of a lane. Each accumulates the reductions of its stage, in blocks whose states are merged, and
 * stores the stage's results. If the length of a row is not a multiple of its lanes, the remaining units are added after the loop.
 */

import { grouped } from "../src/ir/groups.ts";
import {
  add,
  binary,
  call,
  count,
  divide,
  type Expression,
  literal,
  multiply,
  subtract,
} from "../src/kernel/expression.ts";
import { invariant } from "../src/kernel/invariant.ts";
import { f32 } from "../src/kernel/types.ts";
import { type Counter, stateParts } from "./accumulate.ts";
import { type Accumulator, accumulatorsOf, isBlocked, operandsOf } from "./accumulators.ts";
import { blocksInRows, blocksOf, depthSuffixes, ofDepth } from "./blocks.ts";
import { known } from "./extent.ts";
import { centeringMeans } from "./graph.ts";
import { elementNodes, type Loop, scansOf } from "./loops.ts";
import type { Node } from "./nodes.ts";
import type { Place, PlaceContext, Strip } from "./place.ts";
import { type LaneRows, type Nest, RowSteps } from "./row-steps.ts";
import { fewUnits, type Split } from "./schedule.ts";

/** The fewest elements of a lane's row for which the steps of a loop over cached values are written out. */
const writtenFrom = 32;

export class RowLoops extends RowSteps {
  /** The reductions of each stage's loop. */
  private readonly reductions: ReadonlyMap<number, readonly Node[]>;
  /** Means that are subtracted from their rows. */
  private readonly centered: ReadonlySet<Node | undefined>;
  private countName = "";
  /** The lane's remaining unit, whether it has one, and that unit clamped to the last. */
  private left: ReturnType<RowLoops["defineLeft"]> | undefined;

  constructor(context: PlaceContext, given: LaneRows) {
    super(context, given);
    const { nodes } = context.graph;
    const reductions = nodes.filter(({ kind }) => kind === "reduction");
    this.reductions = grouped(reductions, ({ stage }) => stage - 1);
    this.centered = centeringMeans(nodes);
  }

  /** Writes the loop, and the merge of its lanes' states. */
  write(loop: Loop): void {
    const { schedule, isStrict, cacheIsMemory, graph, to, names } = this.context;
    const { rows, caches, scans, accumulators: writer } = this.given;
    // If all lanes execute each step, some have no element in the last one and have seen fewer.
    const split = loop.isTogether ? undefined : schedule.split;
    const reductions = this.reductions.get(loop.stage) ?? [];
    const { accumulators, accumulatorOf } = accumulatorsOf(
      reductions,
      this.centered,
      (hint, reduction) => names.define(hint, stateParts(reduction)),
      !isStrict,
      split !== undefined,
    );
    const perRow = rows.map((place, i) => {
      const own = new Map<Accumulator, Accumulator>();
      for (const accumulator of accumulators) {
        const max = accumulator.max && own.get(accumulator.max);
        const nameOf = () => names.define(accumulator.name, stateParts(accumulator.reduction));
        own.set(accumulator, i === 0 ? accumulator : { ...accumulator, max, name: nameOf() });
      }
      for (const [node, accumulator] of accumulatorOf)
        place.strip?.accumulatorOf.set(node, own.get(accumulator) as Accumulator);
      return [...own.values()];
    });
    for (const place of rows) this.bindRowParts(loop, place);
    // A step reads caches before it writes any, and so may reuse the array of one that it is the last to read.
    for (const place of rows) for (const node of loop.frees) caches.free(node, place);
    for (const place of rows) for (const node of loop.keeps) caches.declare(node, place);
    for (const accumulator of perRow.flat()) to.at(accumulator.span, () => writer.declare(accumulator));
    this.writeShifts(loop, perRow);
    const { steps } = schedule;
    const counter = this.declareCounter(accumulators.some(({ reduction }) => reduction.counts));
    const blocks = graph.tiled ? blocksInRows(steps as number) : blocksOf(steps);
    const each = loop.isTogether ? schedule.unitsInStep : 1;
    const sizes = accumulators.some(isBlocked) ? blocks.map((size) => size / each) : [];
    const nest = { loop, perRow, counter, blocks: sizes, each };
    const scanned = steps && Math.ceil(steps / each);
    for (const node of scansOf(loop)) {
      for (const { strip } of rows) scans.declare(node, strip as Strip, scanned);
    }
    const isCounted = accumulators.some(({ reduction }) => reduction.remainder);
    // On a processor, a loop with a bound per lane costs nothing extra.
    const isSplit = loop.counts || isCounted || !cacheIsMemory;
    const left = split?.left && isSplit ? split : undefined;
    this.writeBlocks(nest, left?.even);
    const joining = left && this.writeLeft(nest, left);
    writer.finish(perRow.flat(), counter, split?.even, this.context.lane(), (hint) => names.define(hint));
    joining?.();
  }

  /**
   * The units that remain if the length of a row is not a multiple of its lanes, one for each of the first lanes. The other
   * lanes load the last unit, which avoids a branch around the loads, and their states do not change.
   * @returns a function that writes how the remaining units join states that have been merged, if any do.
   */
  private writeLeft(nest: Nest, { even, left }: Split): (() => void) | undefined {
    const { loop, perRow } = nest;
    const { lanes } = this.context.schedule;
    const to = this.context.to;
    const first = even * lanes;
    this.left ??= this.defineLeft(first, left);
    const { unit: own, isLeft } = this.left;
    const accumulators = perRow.map((list) => list.filter(({ reduction }) => !reduction.remainder));
    const joining = perRow.map((list) => list.filter(({ reduction }) => reduction.remainder));
    if (perRow.flat().length === 0) {
      to.when(isLeft, () => this.writeStep(nest, 0, { step: count(even), unit: own }));
      return undefined;
    }
    const step = loop.counts ? count(even) : undefined;
    const { common, rows } = this.stepPlaces(this.left.nearest, this.context.names);
    this.writeNodes(loop, [{ common, rows, step }]);
    if (loop.stores.length + loop.sums.length > 0) {
      to.when(isLeft, () => {
        for (const store of loop.stores) for (const place of rows) place.store(store);
        for (const sum of loop.sums) this.given.tileSums?.add(sum, rows, count(even), own);
      });
    }
    this.accumulate(accumulators, rows, nest.counter, 0, isLeft);
    if (joining.flat().length === 0) return undefined;
    const { isRecomputed, nodes } = elementNodes(loop, joining[0] as readonly Accumulator[]);
    if (!isRecomputed || left > fewUnits) {
      const pairs = joining.flatMap((list, i) => list.map((accumulator) => [accumulator, rows[i] as Place] as const));
      return () => this.given.accumulators.joinSome(isLeft, pairs, first, left, this.context.lane());
    }
    // For so few units, it costs less if every lane reads them all than if lanes share their sums.
    return () =>
      to.scope(() => {
        const places = Array.from({ length: left }, (_, i) => this.stepPlaces(count(first + i), this.context.names));
        for (const { common, rows } of places) for (const node of nodes) this.given.define(node, common, rows);
        for (const [i, list] of joining.entries()) {
          const own = places.map(({ rows }) => rows[i] as Place);
          for (const accumulator of list)
            to.at(accumulator.span, () => this.given.accumulators.joinAll(accumulator, own, first));
        }
      });
  }

  private declareCounter(isCounted: boolean): Counter {
    const counter: Counter = { counts: [], inverse: undefined };
    if (!isCounted) return counter;
    this.countName = this.context.names.define("count", depthSuffixes);
    this.inverseName = this.context.names.define("inverse");
    counter.counts.push(this.context.to.variable(this.countName, literal(f32, 0)));
    return counter;
  }

  private defineLeft(first: number, left: number) {
    const to = this.context.to;
    const unit = to.define("left", add(this.context.lane(), first));
    const isLeft = to.define("isLeft", binary("<", unit, first + left));
    return { unit, isLeft, nearest: to.define("leftOrLast", call("min", unit, count(first + left - 1))) };
  }

  /**
   * The loop along the row, inside one loop for each size of block.
   * @param even the number of steps in which all lanes take part, if the remaining units are added after the loop.
   */
  private writeBlocks(nest: Nest, even: number | undefined, depth = 0, from?: Expression): void {
    const { loop, blocks, each } = nest;
    if (this.isWrittenOut(loop)) {
      this.writeOut(nest, even, depth, from);
      return;
    }
    const { lanes, steps: all, units } = this.context.schedule;
    const to = this.context.to;
    const steps = even ?? all;
    const counted = loop.counts && steps !== undefined;
    const total = counted ? steps : even === undefined ? known(units) : even * lanes;
    const end = total === undefined || (even === undefined && !counted) ? this.unitsOfRow : count(total);
    const perStep = counted ? each : lanes * each;
    const around = blocks[depth - 1];
    const isWhole = around !== undefined && total !== undefined && total % (around * perStep) === 0;
    const start = from ?? (counted || loop.isTogether ? count(0) : this.context.lane());
    const size = blocks[depth];
    const name =
      size !== undefined
        ? `blockStart${depth === 0 ? "" : depth + 1}`
        : counted
          ? "step"
          : loop.isTogether
            ? "first"
            : "unit";
    const write = (at: Expression) => {
      if (size !== undefined) this.writeBlock(nest, even, depth + 1, at);
      else if (loop.isTogether) this.writeTogether(nest, depth, { first: at, length: perStep }, counted);
      else if (!counted) this.writeStep(nest, depth, { step: undefined, unit: at });
      else {
        const unit = to.define("unit", lanes === 1 ? at : add(multiply(at, lanes), this.context.lane()));
        const isWhole = even !== undefined || known(units) === steps * lanes;
        const isUnit = isWhole ? undefined : binary("<", unit, known(units) as number);
        to.when(isUnit, () => this.writeStep(nest, depth, { step: at, unit }));
      }
    };
    if (around !== undefined && size === undefined && this.context.schedule.unrolls) {
      // Compilers unroll a loop with a constant trip count, so that loads of several iterations are in flight at once.
      to.loop("turn", count(0), count(around), 1, (turn) => {
        const at = to.define(name, add(start, perStep === 1 ? turn : multiply(turn, perStep)));
        to.when(isWhole ? undefined : binary("<", at, end), () => write(at));
      });
      return;
    }
    let stop = end;
    if (around !== undefined) {
      const after = add(start, around * perStep);
      stop = isWhole ? after : to.define(`blockEnd${depth === 1 ? "" : depth}`, call("min", after, end));
    }
    to.loop(name, start, stop, (size ?? 1) * perStep, write);
  }

  /**
   * Whether the steps of a loop over cached values are written one after the other, so that arrays have constant indices. Drivers
   * unroll short loops: Mesa up to 32 turns, ptxas up to 48 elements. In longer ones they keep arrays in memory, or select the
   * element by a chain of comparisons (Mesa for AMD).
   */
  private isWrittenOut({ keeps, reads, isTogether }: Loop): boolean {
    const { steps = 0, width, unrolls } = this.context.schedule;
    return unrolls && !isTogether && keeps.size + reads.size > 0 && steps * width >= writtenFrom;
  }

  private writeOut(nest: Nest, even: number | undefined, depth: number, from: Expression | undefined): void {
    const { lanes, steps, units } = this.context.schedule;
    const to = this.context.to;
    const around = nest.blocks[depth - 1] ?? Infinity;
    const size = nest.blocks[depth];
    const start = from ?? count(0);
    invariant(start.kind === "literal", "the blocks around steps that are written out are written out too");
    const first = start.value;
    const end = Math.min(first + around, even ?? (steps as number));
    for (let at = first; at < end; at += size ?? 1) {
      to.scope(() => {
        if (size !== undefined) {
          this.writeBlock(nest, even, depth + 1, count(at));
          return;
        }
        const lane = this.context.lane();
        const unit = lanes === 1 ? count(at) : to.define("unit", at === 0 ? lane : add(lane, at * lanes));
        const number = known(units) as number;
        to.when((at + 1) * lanes <= number ? undefined : binary("<", unit, number), () =>
          this.writeStep(nest, depth, { step: count(at), unit }),
        );
      });
    }
  }

  /** A block: declares its states, writes its loop, and merges its states into the enclosing ones. */
  private writeBlock(nest: Nest, even: number | undefined, depth: number, from: Expression): void {
    const { counts } = nest.counter;
    const to = this.context.to;
    const blocked = nest.perRow.flat().filter(isBlocked);
    for (const accumulator of blocked)
      to.at(accumulator.span, () => this.given.accumulators.declare(accumulator, depth));
    const around = counts[depth - 1];
    if (around !== undefined) counts[depth] = to.variable(this.countName + ofDepth(depth), literal(f32, 0));
    this.writeBlocks(nest, even, depth, from);
    const own = counts[depth];
    const both = around && own && call("max", add(around, own), literal(f32, 1));
    const weight = both && to.define("blockWeight", divide(own, both));
    for (const accumulator of blocked)
      to.at(accumulator.span, () => this.given.accumulators.addBlock(accumulator, depth, weight, around));
    if (around && own) to.assign(around, own, "+");
  }

  /**
   * Chooses the shift that is subtracted from the elements of each row, from three elements that are the same for all of its
   * lanes. If computing these needs caches of earlier loops, lane 0 chooses from its own elements, for all lanes.
   */
  private writeShifts(loop: Loop, perRow: readonly (readonly Accumulator[])[]): void {
    const all = perRow.map((accumulators) => accumulators.filter(({ reduction }) => reduction.shift));
    for (const accumulator of all.flat())
      this.context.to.at(accumulator.span, () => this.given.accumulators.declareShift(accumulator));
    // Elements that depend on a scan are not known before the loop reaches them: they have no shift.
    const shifted = all.map((list) => list.filter((one) => operandsOf(one).every((node) => !node.direction)));
    if (shifted.flat().length === 0) return;
    const { isRecomputed, nodes } = elementNodes(loop, shifted[0] as readonly Accumulator[]);
    const samples = Math.ceil(3 / this.context.schedule.width);
    for (let which = 0; which < samples; which++) {
      this.context.to.scope(() => {
        const { step, unit } = this.sampledUnit(which, samples, !isRecomputed, loop);
        const { common, rows } = this.stepPlaces(unit);
        for (const node of nodes) {
          if (step === undefined) this.given.define(node, common, rows);
          else this.readOrDefine(node, loop, common, rows, step);
        }
        for (const [i, place] of rows.entries()) {
          for (const accumulator of shifted[i] as Accumulator[]) {
            this.context.to.at(accumulator.span, () => this.given.accumulators.sample(accumulator, place, which));
          }
        }
      });
    }
    if (isRecomputed) return;
    for (const accumulator of shifted.flat()) {
      this.context.to.at(accumulator.span, () => this.given.accumulators.shareShift(accumulator, this.context.lane()));
    }
  }

  /** The `which`th of `samples` units spread over the row, or over the lane's own units if `isOwn`. */
  private sampledUnit(which: number, samples: number, isOwn: boolean, loop: Loop) {
    const { lanes, steps, units, unitsInStep } = this.context.schedule;
    const to = this.context.to;
    const total = known(units);
    if (isOwn) {
      const number = Math.floor(((steps as number) * which) / samples);
      const step = to.define("step", count(number));
      const last = count((total as number) - 1);
      const each = loop.isTogether ? unitsInStep : 1;
      const own = each === 1 ? this.context.lane() : multiply(this.context.lane(), each);
      const nearest = call("min", add(own, (number - (number % each)) * lanes + (number % each)), last);
      const unit = to.define("unit", loop.isReverse ? subtract(last, nearest) : nearest);
      return { step, unit };
    }
    const at =
      total === undefined
        ? multiply(divide(this.unitsOfRow, samples), which)
        : count(Math.floor((total * which) / samples));
    return { step: undefined, unit: to.define("unit", at) };
  }
}
