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
  item,
  literal,
  multiply,
  select,
  subtract,
} from "../src/kernel/expression.ts";
import { target } from "../src/kernel/statement.ts";
import { f32 } from "../src/kernel/types.ts";
import type { Use } from "./access.ts";
import { type AccumulatorWriter, type Counter, stateParts } from "./accumulate.ts";
import { type Accumulator, accumulatorsOf, isBlocked, operandsOf } from "./accumulators.ts";
import { blocksInRows, blocksOf, depthSuffixes, ofDepth } from "./blocks.ts";
import { extentValue, known } from "./extent.ts";
import { centeringMeans } from "./graph.ts";
import { elementNodes, type Loop, scansOf } from "./loops.ts";
import { Names } from "./names.ts";
import { bufferName, type Node, spanOf } from "./nodes.ts";
import { Place, type PlaceContext, type Strip } from "./place.ts";
import type { RowCaches } from "./row-caches.ts";
import type { Scans, Step } from "./scans.ts";
import { fewUnits, type Split } from "./schedule.ts";
import type { TileSums } from "./tile-sums.ts";

/** A loop along the row, and the accumulators of its reductions. */
interface Nest {
  readonly loop: Loop;
  /** The accumulators of each row that a lane processes at once. */
  readonly perRow: readonly (readonly Accumulator[])[];
  readonly counter: Counter;
  /** Steps in the blocks around the loop, the largest first. */
  readonly blocks: readonly number[];
  /** Units that a lane has in each step. */
  readonly each: number;
}

/** A unit of a lane in a step. */
interface UnitOfStep {
  /** The number of the step, where steps are counted. */
  readonly step: Expression | undefined;
  readonly unit: Expression;
  /** Whether there is such a unit; `undefined` where there always is. */
  readonly isIn: Expression | undefined;
}

/** What the loops share with the rest of the kernel's body. */
interface LaneRows {
  readonly names: Names;
  readonly accumulators: AccumulatorWriter;
  readonly caches: RowCaches;
  readonly tileSums: TileSums | undefined;
  readonly scans: Scans;
  /** Outside of loops: values that are the same in every row, then those of each row. */
  readonly common: Place;
  readonly rows: readonly Place[];
  /** Writes the statements that compute a node: only once if it is the same in every row. */
  readonly define: (node: Node, common: Place, rows: readonly Place[]) => void;
}

export class RowLoops {
  private readonly context: PlaceContext;
  private readonly given: LaneRows;
  /** The reductions of each stage's loop. */
  private readonly reductions: ReadonlyMap<number, readonly Node[]>;
  /** Means that are subtracted from their rows. */
  private readonly centered: ReadonlySet<Node | undefined>;
  private countName = "";
  private inverseName = "";
  /** The lane's remaining unit, whether it has one, and that unit clamped to the last. */
  private left: ReturnType<RowLoops["defineLeft"]> | undefined;

  constructor(context: PlaceContext, given: LaneRows) {
    this.context = context;
    this.given = given;
    const { nodes } = context.graph;
    const reductions = nodes.filter(({ kind }) => kind === "reduction");
    this.reductions = grouped(reductions, ({ stage }) => stage - 1);
    this.centered = centeringMeans(nodes);
  }

  private get unitsOfRow(): Expression {
    return this.given.accumulators.limit ?? extentValue(this.context.schedule.units);
  }

  /** Writes the loop, and the merge of its lanes' states. */
  write(loop: Loop): void {
    const { schedule, isStrict, cacheIsMemory, graph } = this.context;
    // Who has no element in the last step of a loop that lanes take together has seen fewer.
    const split = loop.isTogether ? undefined : schedule.split;
    const reductions = this.reductions.get(loop.stage) ?? [];
    const { accumulators, accumulatorOf } = accumulatorsOf(
      reductions,
      this.centered,
      (hint, reduction) => this.given.names.define(hint, stateParts(reduction)),
      !isStrict,
      split !== undefined,
    );
    const perRow = this.given.rows.map((place, i) => {
      const own = new Map<Accumulator, Accumulator>();
      for (const accumulator of accumulators) {
        const max = accumulator.max && own.get(accumulator.max);
        own.set(
          accumulator,
          i === 0
            ? accumulator
            : {
                ...accumulator,
                max,
                name: this.given.names.define(accumulator.name, stateParts(accumulator.reduction)),
              },
        );
      }
      for (const [node, accumulator] of accumulatorOf)
        place.strip?.accumulatorOf.set(node, own.get(accumulator) as Accumulator);
      return [...own.values()];
    });
    for (const place of this.given.rows) this.bindRowParts(loop, place);
    // A step reads caches before it writes any, and so may reuse the array of one that it is the last to read.
    for (const place of this.given.rows) for (const node of loop.frees) this.given.caches.free(node, place);
    for (const place of this.given.rows) for (const node of loop.keeps) this.given.caches.declare(node, place);
    for (const accumulator of perRow.flat())
      this.context.to.at(accumulator.span, () => this.given.accumulators.declare(accumulator));
    this.writeShifts(loop, perRow);
    const { steps } = schedule;
    const counter = this.declareCounter(accumulators.some(({ reduction }) => reduction.counts));
    const blocks = graph.tiled ? blocksInRows(steps as number) : blocksOf(steps);
    const each = loop.isTogether ? schedule.unitsInStep : 1;
    const sizes = accumulators.some(isBlocked) ? blocks.map((size) => size / each) : [];
    const nest = { loop, perRow, counter, blocks: sizes, each };
    const scanned = steps && Math.ceil(steps / each);
    for (const node of scansOf(loop)) {
      for (const { strip } of this.given.rows) this.given.scans.declare(node, strip as Strip, scanned);
    }
    const isCounted = accumulators.some(({ reduction }) => reduction.remainder);
    // On a processor, a loop with a bound per lane costs nothing extra.
    const isSplit = loop.counts || isCounted || !cacheIsMemory;
    const left = split?.left && isSplit ? split : undefined;
    this.writeBlocks(nest, left?.even);
    const joining = left && this.writeLeft(nest, left);
    this.given.accumulators.finish(perRow.flat(), counter, split?.even, this.context.lane(), (hint) =>
      this.given.names.define(hint),
    );
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
    const { common, rows } = this.stepPlaces(this.left.nearest, this.given.names);
    this.writeNodes(loop, common, rows, step);
    if (loop.stores.length + loop.sums.length > 0) {
      to.when(isLeft, () => {
        for (const store of loop.stores) for (const place of rows) place.store(store);
        for (const sum of loop.sums) this.given.tileSums?.add(sum, rows, count(even), own);
      });
    }
    for (const [i, place] of rows.entries()) {
      for (const accumulator of accumulators[i] as readonly Accumulator[]) {
        to.at(accumulator.span, () =>
          this.given.accumulators.accumulateWhere(isLeft, accumulator, place, nest.counter, 0),
        );
      }
    }
    if (joining.flat().length === 0) return undefined;
    const { isAnew, nodes } = elementNodes(loop, joining[0] as readonly Accumulator[]);
    if (!isAnew || left > fewUnits) {
      const pairs = joining.flatMap((list, i) => list.map((accumulator) => [accumulator, rows[i] as Place] as const));
      return () => this.given.accumulators.joinSome(isLeft, pairs, first, left, this.context.lane());
    }
    // For so few units, it costs less if every lane reads them all than if lanes share their sums.
    return () =>
      to.scope(() => {
        const places = Array.from({ length: left }, (_, i) => this.stepPlaces(count(first + i), this.given.names));
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
    this.countName = this.given.names.define("count", depthSuffixes);
    this.inverseName = this.given.names.define("inverse");
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

  /** A step that all lanes of a row take, also those without an element in it. */
  private writeTogether(nest: Nest, depth: number, at: Step, isCounted: boolean): void {
    const { loop, each } = nest;
    const { lanes, units } = this.context.schedule;
    const { to } = this.context;
    const total = this.unitsOfRow;
    const number = known(units);
    const isWhole = number !== undefined && number % (lanes * each) === 0;
    const last = number === undefined ? subtract(total, 1) : count(Math.max(0, number - 1));
    const { first } = at;
    const lane = this.context.lane();
    const start = isCounted && lanes > 1 ? multiply(first, lanes) : first;
    const own = lanes === 1 ? start : add(start, each === 1 ? lane : multiply(lane, each));
    const names = new Names(this.given.names);
    const list = Array.from({ length: each }, (_, i): UnitOfStep => {
      const name = (hint: string, value: Expression) => to.define(names.define(hint), value);
      const position = name("place", i === 0 ? own : add(own, i));
      const isIn = isWhole ? undefined : name("isIn", binary("<", position, total));
      const nearest = isIn ? call("min", position, last) : position;
      const unit = loop.isReverse || isIn ? name("unit", loop.isReverse ? subtract(last, nearest) : nearest) : position;
      return { step: isCounted ? (i === 0 ? first : add(first, i)) : undefined, unit, isIn };
    });
    this.writeUnits(nest, depth, at, list, names);
  }

  private writeUnits(nest: Nest, depth: number, at: Step, list: readonly UnitOfStep[], names: Names): void {
    const { loop, perRow, counter } = nest;
    const { to } = this.context;
    const { accumulators, rows: given, scans } = this.given;
    const all = list.map((one) => ({ ...one, ...this.stepPlaces(one.unit, names) }));
    const inSteps = (node: Node) => {
      if (node.kind === "scan" && !loop.reads.has(node)) {
        for (const r of given.keys()) {
          const places = all.map(({ rows, isIn }) => ({ place: rows[r] as Place, isIn }));
          scans.write(node, places, at);
        }
      } else for (const { common, rows, step } of all) this.readOrDefine(node, loop, common, rows, step);
    };
    for (const node of loop.reads) inSteps(node);
    for (const node of loop.nodes) {
      if (!loop.reads.has(node)) inSteps(node);
      if (loop.keeps.has(node)) for (const { rows, step } of all) this.keep(node, rows, step);
    }
    for (const { isIn, rows } of all) {
      if (loop.stores.length > 0) {
        to.when(isIn, () => {
          for (const store of loop.stores) for (const place of rows) place.store(store);
        });
      }
      const own = counter.counts[depth];
      if (own !== undefined) {
        const [none, one] = [literal(f32, 0), literal(f32, 1)];
        to.assign(own, isIn ? select(none, one, isIn) : one, "+");
        counter.inverse = to.define(names.define(this.inverseName), divide(1, isIn ? call("max", own, one) : own));
      }
      for (const [i, place] of rows.entries()) {
        for (const accumulator of perRow[i] as readonly Accumulator[]) {
          const within = isBlocked(accumulator) ? depth : 0;
          to.at(accumulator.span, () => {
            if (isIn === undefined) accumulators.accumulate(accumulator, place, counter, within);
            else accumulators.accumulateWhere(isIn, accumulator, place, counter, within);
          });
        }
      }
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
    // A running sum is there only when the loop comes to it: nothing is taken off such elements.
    const shifted = all.map((list) => list.filter((one) => operandsOf(one).every((node) => !node.direction)));
    if (shifted.flat().length === 0) return;
    const { isAnew, nodes } = elementNodes(loop, shifted[0] as readonly Accumulator[]);
    const samples = Math.ceil(3 / this.context.schedule.width);
    for (let which = 0; which < samples; which++) {
      this.context.to.scope(() => {
        const { step, unit } = this.sampledUnit(which, samples, !isAnew, loop);
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
    if (isAnew) return;
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

  /** Binds the parts of indices that are the same along the row to variables. */
  bindRowParts(loop: Loop, place: Place): void {
    const loads = loop.nodes.filter((node) => node.kind === "load");
    const uses = [
      ...loads.map((node) => ({ name: bufferName(node.value), use: node as Use, access: "read" as const })),
      ...loop.stores.map((store) => ({ name: store.name, use: store, access: "read_write" as const })),
    ];
    for (const { name, use, access } of uses) {
      place.bindRowPart(use, this.context.bufferOf(name, access), (part) =>
        this.context.to.define(this.given.names.define("start"), part),
      );
    }
  }

  stepPlaces(unit: Expression, names = new Names(this.given.names), of = this.given.rows) {
    const common = new Place(this.context, { names, strip: undefined, unit }, [this.given.common]);
    const rows: readonly Place[] = of.map(
      (place) => new Place(this.context, { names, strip: place.strip, unit }, [common, place, this.given.common]),
    );
    return { common, rows };
  }

  /** A node in a step: read from a cache, or computed. */
  private readOrDefine(
    node: Node,
    loop: Loop,
    common: Place,
    rows: readonly Place[],
    step: Expression | undefined,
  ): void {
    if (!loop.reads.has(node)) this.given.define(node, common, rows);
    else
      for (const place of rows)
        place.bind(node, place.name(node, item(this.given.caches.of(node, place), step as Expression)));
  }

  /** Computes the nodes of a step, and caches those that later loops read. */
  private writeNodes(loop: Loop, common: Place, rows: readonly Place[], step: Expression | undefined): void {
    for (const node of loop.reads) this.readOrDefine(node, loop, common, rows, step);
    for (const node of loop.nodes) {
      if (!loop.reads.has(node)) this.readOrDefine(node, loop, common, rows, step);
      if (loop.keeps.has(node)) this.keep(node, rows, step);
    }
  }

  private keep(node: Node, rows: readonly Place[], step: Expression | undefined): void {
    for (const place of rows) {
      const cached = target(this.given.caches.of(node, place), step as Expression);
      this.context.to.assign(cached, place.valueOf(node), undefined, spanOf(node));
    }
  }

  /** Processes one unit of a lane's rows. */
  private writeStep(
    { loop, perRow, counter }: Nest,
    depth: number,
    { step, unit }: { readonly step: Expression | undefined; readonly unit: Expression },
  ): void {
    const to = this.context.to;
    const { common, rows } = this.stepPlaces(unit);
    this.writeNodes(loop, common, rows, step);
    for (const store of loop.stores) for (const place of rows) place.store(store);
    for (const sum of loop.sums) this.given.tileSums?.add(sum, rows, step as Expression, unit);
    const own = counter.counts[depth];
    if (own !== undefined) {
      to.assign(own, literal(f32, 1), "+");
      counter.inverse = to.define(this.inverseName, divide(1, own));
    }
    for (const [i, place] of rows.entries()) {
      for (const accumulator of perRow[i] as readonly Accumulator[]) {
        const at = isBlocked(accumulator) ? depth : 0;
        to.at(accumulator.span, () => this.given.accumulators.accumulate(accumulator, place, counter, at));
      }
    }
  }
}
