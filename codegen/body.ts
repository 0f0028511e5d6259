/**
 * The statements of a kernel. Once a row: what does not differ along it. For each level: a loop over the row's columns
 * that folds the level's reductions and writes its results, then the merge of the lanes.
 *
 * A lane may have several rows at hand (strips). What is the same in every row is then loaded and computed once for all
 * of them.
 */

import {
  add,
  binary,
  call,
  count,
  dimension,
  divide,
  type Expression,
  item,
  literal,
  multiply,
  subtract,
} from "../src/kernel/expression.ts";
import { Statements, target } from "../src/kernel/statement.ts";
import { f32 } from "../src/kernel/types.ts";
import type { Use } from "./access.ts";
import { type Counter, FoldWriter, foldParts } from "./accumulate.ts";
import { aliasesOf } from "./aliases.ts";
import { blocksInRows, blocksOf, depthSuffixes, ofDepth } from "./blocks.ts";
import { divisorValue, extentValue, known, times, timesExtent } from "./extent.ts";
import { type Fold, foldsOf, isBlocked } from "./folds.ts";
import { centeringMeans, isColumnStore, type Store } from "./graph.ts";
import { mostWorkgroups } from "./launch.ts";
import { elementNodes, grouped, type Loop, planLoops } from "./loops.ts";
import { Names } from "./names.ts";
import { bufferName, type Node, spanOf } from "./nodes.ts";
import { type BodyContext, Place, type PlaceContext, type Strip } from "./place.ts";
import { RowCaches } from "./row-caches.ts";
import { fewUnits, type Split } from "./schedule.ts";
import { Scratch } from "./scratch.ts";
import { TileSums } from "./tile-sums.ts";
import { type WordLoop, WordStores, wordLoops } from "./word-stores.ts";

const structural = [
  ...["group", "groups", "local", "lane", "team", "row", "index", "isRow", "step", "unit", "dims", "main"],
  ...["left", "isLeft", "leftOrLast", "subgroupSize"],
  ...["blockStart", "blockStart2", "blockEnd", "blockEnd2", "blockWeight", "blockDelta", "blockDelta_y"],
  ...["merge_moments", "merge_means", "merge_comoments"],
];

/** A loop along the row, and what it folds. */
interface Nest {
  readonly loop: Loop;
  /** The folds of each row that a lane has at hand. */
  readonly perRow: readonly (readonly Fold[])[];
  readonly counter: Counter;
  /** Steps in the blocks around the loop, the largest first. */
  readonly blocks: readonly number[];
}

export class Body {
  readonly statements = new Statements();
  readonly scratch: Scratch;
  /** By result: the inputs that it may be written over. */
  aliases: ReadonlyMap<string, readonly string[]> = new Map();
  private readonly names = new Names();
  private readonly context: PlaceContext;
  private lane: Expression = count(0);
  private countName = "";
  private inverseName = "";
  private readonly folds: FoldWriter;
  /** Outside of loops: what is the same in every row, then each row. */
  private readonly common: Place;
  private rows: readonly Place[] = [];
  private tileSums: TileSums | undefined;
  private wordLoops: readonly WordLoop[] = [];
  /** Nodes whose value something reads; the mean of a centered row is not among them. */
  private readonly read: ReadonlySet<Node>;
  /** By level: what does not differ along the row, the reductions that its loop folds, and the results of either. */
  private readonly rowNodes: ReadonlyMap<number, readonly Node[]>;
  private readonly reductions: ReadonlyMap<number, readonly Node[]>;
  private readonly rowStores: ReadonlyMap<number, readonly Store[]>;
  /** Means that are subtracted from their rows. */
  private readonly centered: ReadonlySet<Node | undefined>;
  private readonly caches: RowCaches;
  /** The lane's unit of those that are left, whether it has one, and else the last of them. */
  private left: ReturnType<Body["defineLeft"]> | undefined;
  /** Nodes that are the same in every row; folds are each row's own. */
  private readonly same = new Set<Node>();

  constructor(context: BodyContext, taken: readonly string[]) {
    const to = this.statements;
    this.scratch = new Scratch(context.schedule, context.schedule.spareMemory, this.names);
    this.caches = new RowCaches(to, this.names, context.schedule.steps);
    this.folds = new FoldWriter(context, to, this.scratch);
    this.context = {
      ...context,
      to,
      lane: () => this.lane,
      centered: (...of) => this.folds.centered(...of),
    };
    for (const name of [...structural, ...taken]) this.names.define(name);
    this.common = this.place(this.names, undefined, undefined, []);
    const { nodes, stores, rows } = context.graph;
    for (const node of nodes) {
      const isFolded = node.kind === "reduction" || node.kind === "centered";
      const differs = node.atoms.some((atom) => rows.includes(atom)) || !node.operands.every((x) => this.same.has(x));
      if (!isFolded && !differs) this.same.add(node);
    }
    const operands = nodes.flatMap((node) => (node.kind === "centered" ? node.operands.slice(0, 1) : node.operands));
    const summed = (context.graph.tiled?.sums ?? []).map(({ operand }) => operand);
    this.read = new Set([...operands, ...stores.map((store) => store.node), ...summed]);
    const isRowNode = (node: Node) => !node.isColumn && this.read.has(node);
    this.rowNodes = grouped(nodes.filter(isRowNode), ({ level }) => level);
    const reductions = nodes.filter(({ kind }) => kind === "reduction");
    this.reductions = grouped(reductions, ({ level }) => level - 1);
    const rowStores = stores.filter((store) => !isColumnStore(store, context.graph));
    this.rowStores = grouped(rowStores, ({ node }) => node.level);
    this.centered = centeringMeans(nodes);
  }

  private place(names: Names, strip: Strip | undefined, unit: Expression | undefined, around: readonly Place[]): Place {
    return new Place(this.context, { names, strip, unit }, around);
  }

  /** All of the kernel, in the loops over workgroups, their teams of lanes, and these. */
  write(): void {
    const { lanes, rowsPerWorkgroup, rowsPerLane } = this.context.schedule;
    const teams = rowsPerWorkgroup / rowsPerLane;
    const to = this.statements;
    to.bind("grid", "group", undefined, (group) => {
      to.bind("workgroup", "team", teams, (team) => {
        to.bind("lane", "lane", lanes, (lane) => {
          this.lane = lane;
          const groups = teams === 1 ? group : multiply(group, teams);
          this.writeRows(teams === 1 && lanes > 1 ? groups : add(groups, team));
        });
      });
    });
  }

  /** @param team numbers the teams of lanes of all workgroups. */
  private writeRows(team: Expression): void {
    const { graph, schedule, cacheIsMemory, mostArrays } = this.context;
    this.wordLoops = wordLoops(this.context);
    const inWords = this.wordLoops.flatMap(({ stores }) => stores);
    const others = { ...graph, stores: graph.stores.filter((store) => !inWords.includes(store)) };
    const loops = planLoops(others, schedule, { elements: schedule.keep, arrays: mostArrays, isMemory: cacheIsMemory });
    this.aliases = aliasesOf(this.context, [...loops, ...this.wordLoops]);
    if (graph.tiled === undefined) {
      this.writeLevels(this.writeIndices(team), loops);
      return;
    }
    this.tileSums = new TileSums(this.context, graph.tiled, this.names);
    this.tileSums.write(team, (strips) => {
      this.writeLevels(strips, loops);
      this.scratch.release(this.statements);
    });
  }

  /** What is computed of some rows. */
  private writeLevels(strips: readonly Strip[], loops: readonly (Loop | undefined)[]): void {
    const { graph } = this.context;
    this.rows = strips.map((strip) => this.place(this.names, strip, undefined, [this.common]));
    this.folds.limit = this.writeLimit();
    for (let level = 0; level < graph.levels; level++) {
      this.writeRowValues(level);
      const loop = loops[level];
      if (loop !== undefined) this.writeLoop(loop);
    }
    for (const loop of this.wordLoops) this.writeWords(loop);
  }

  private writeWords(loop: WordLoop): void {
    for (const row of this.rows) this.bindRowParts(loop, row);
    const names = new Names(this.names);
    new WordStores(this.context, names).write(loop, this.rows, (unit, of) => {
      const { common, rows } = this.stepPlaces(unit, names, of);
      return { places: rows, define: (node) => this.define(node, common, rows) };
    });
  }

  /** The units of a row of the tile that the first row at hand stands in: the last tile may have fewer. */
  private writeLimit(): Expression | undefined {
    const { tile, schedule, graph } = this.context;
    if (tile === undefined || graph.tiled !== undefined) return undefined;
    const [first] = this.rows as [Place];
    const { row } = first.strip as Strip;
    const [count, ...inner] = schedule.rows;
    const within = times(...inner.map(({ extent }) => extent));
    const at = known(within) === 1 || count === undefined ? row : divide(row, divisorValue(within));
    const left = subtract(dimension(tile.dim), multiply(at, dimension(tile.size)));
    const length = call("min", dimension(tile.size), left);
    const units = times(...schedule.columns.slice(1).map(({ extent }) => extent));
    return this.statements.define(this.names.define("limit"), timesExtent(length, units));
  }

  private get unitsOfRow(): Expression {
    return this.folds.limit ?? extentValue(this.context.schedule.units);
  }

  private writeIndices(team: Expression): Strip[] {
    const { rowsPerWorkgroup, rowsPerLane, rows } = this.context.schedule;
    const to = this.statements;
    const extent = times(...rows.map(({ extent }) => extent));
    const total = extentValue(extent);
    const number = known(extent);
    const first = rowsPerLane === 1 ? team : multiply(team, rowsPerLane);
    const last = number === undefined ? subtract(total, 1) : count(Math.max(0, number - 1));
    const workgroups = (number ?? Infinity) / rowsPerWorkgroup;
    const isWhole = rowsPerLane > 1 && Number.isInteger(workgroups) && workgroups > 0 && workgroups <= mostWorkgroups;
    const strips: Strip[] = [];
    for (let i = 0; i < rowsPerLane; i++) {
      const named = (name: string) => (i === 0 ? name : this.names.define(name));
      const index = to.define(named("index"), strips[0] === undefined ? first : add(strips[0].index, i));
      const maps = { parts: new Map(), foldOf: new Map(), caches: new Map() };
      if (isWhole) strips.push({ index, row: index, isRow: undefined, ...maps });
      else {
        const [isRowName, rowName] = [named("isRow"), named("row")];
        const isRow = to.define(isRowName, binary("<", index, total));
        strips.push({ index, row: to.define(rowName, call("min", index, last)), isRow, ...maps });
      }
    }
    return strips;
  }

  /** Constants, loads, ops and reductions that do not differ along the row; then the results among them. */
  private writeRowValues(level: number): void {
    for (const node of this.rowNodes.get(level) ?? []) this.define(node, this.common, this.rows);
    for (const store of this.rowStores.get(level) ?? []) for (const place of this.rows) place.store(store);
  }

  private define(node: Node, common: Place, rows: readonly Place[]): void {
    for (const place of this.same.has(node) ? [common] : rows) {
      place.define(node, (reduction) => this.folds.result(reduction, place.strip?.foldOf.get(reduction) as Fold));
    }
  }

  private writeLoop(loop: Loop): void {
    const { schedule, isStrict, cacheIsMemory, graph } = this.context;
    const reductions = this.reductions.get(loop.level) ?? [];
    const { folds, foldOf } = foldsOf(
      reductions,
      this.centered,
      (hint, reduction) => this.names.define(hint, foldParts(reduction)),
      !isStrict,
      schedule.split !== undefined,
    );
    const perRow = this.rows.map((place, i) => {
      const own = new Map<Fold, Fold>();
      for (const fold of folds) {
        const max = fold.max && own.get(fold.max);
        own.set(fold, i === 0 ? fold : { ...fold, max, name: this.names.define(fold.name, foldParts(fold.reduction)) });
      }
      for (const [node, fold] of foldOf) place.strip?.foldOf.set(node, own.get(fold) as Fold);
      return [...own.values()];
    });
    for (const place of this.rows) this.bindRowParts(loop, place);
    // A step reads what is kept before it keeps anything: it may do so in the same array.
    for (const place of this.rows) for (const node of loop.frees) this.caches.free(node, place);
    for (const place of this.rows) for (const node of loop.keeps) this.caches.declare(node, place);
    for (const fold of perRow.flat()) this.statements.at(fold.span, () => this.folds.declare(fold));
    this.writeShifts(loop, perRow);
    const { steps } = schedule;
    const counter = this.declareCounter(folds.some(({ reduction }) => reduction.counts));
    const blocks = graph.tiled ? blocksInRows(steps as number) : blocksOf(steps);
    const nest = { loop, perRow, counter, blocks: folds.some(isBlocked) ? blocks : [] };
    const { split } = schedule;
    const isCounted = folds.some(({ reduction }) => reduction.remainder);
    // A processor's loop ends where its row does, at no cost.
    const isSplit = loop.counts || isCounted || !cacheIsMemory;
    const left = split?.left && isSplit ? split : undefined;
    this.writeBlocks(nest, left?.even);
    const joining = left && this.writeLeft(nest, left);
    this.folds.finish(perRow.flat(), counter, this.lane, (hint) => this.names.define(hint));
    joining?.();
  }

  /**
   * The units that are left where a row is no multiple of its lanes, one for each of the first lanes. The others load the
   * last one, so that nothing waits for a branch, and their states stay as they were.
   * @returns what writes how they join the states that have been merged before.
   */
  private writeLeft(nest: Nest, { even, left }: Split): (() => void) | undefined {
    const { loop, perRow } = nest;
    const { lanes } = this.context.schedule;
    const to = this.statements;
    const first = even * lanes;
    this.left ??= this.defineLeft(first, left);
    const { unit: own, isLeft } = this.left;
    const folds = perRow.map((list) => list.filter(({ reduction }) => !reduction.remainder));
    const joining = perRow.map((list) => list.filter(({ reduction }) => reduction.remainder));
    if (perRow.flat().length === 0) {
      to.when(isLeft, () => this.writeStep(nest, 0, { step: count(even), unit: own }));
      return undefined;
    }
    const step = loop.counts ? count(even) : undefined;
    const { common, rows } = this.stepPlaces(this.left.nearest, this.names);
    this.writeNodes(loop, common, rows, step);
    if (loop.stores.length + loop.sums.length > 0) {
      to.when(isLeft, () => {
        for (const store of loop.stores) for (const place of rows) place.store(store);
        for (const sum of loop.sums) this.tileSums?.add(sum, rows, count(even), own);
      });
    }
    for (const [i, place] of rows.entries()) {
      for (const fold of folds[i] as readonly Fold[]) {
        to.at(fold.span, () => this.folds.accumulateWhere(isLeft, fold, place, nest.counter));
      }
    }
    if (joining.flat().length === 0) return undefined;
    const { isAnew, nodes } = elementNodes(loop, joining[0] as readonly Fold[]);
    if (!isAnew || left > fewUnits) {
      const pairs = joining.flatMap((list, i) => list.map((fold) => [fold, rows[i] as Place] as const));
      return () => this.folds.joinSome(isLeft, pairs, first, left, this.lane);
    }
    // So few are read by each lane, for less than their sums would cost to share.
    return () =>
      to.scope(() => {
        const places = Array.from({ length: left }, (_, i) => this.stepPlaces(count(first + i), this.names));
        for (const { common, rows } of places) for (const node of nodes) this.define(node, common, rows);
        for (const [i, list] of joining.entries()) {
          const own = places.map(({ rows }) => rows[i] as Place);
          for (const fold of list) to.at(fold.span, () => this.folds.joinAll(fold, own, first));
        }
      });
  }

  private declareCounter(isCounted: boolean): Counter {
    const counter: Counter = { counts: [], inverse: undefined };
    if (!isCounted) return counter;
    this.countName = this.names.define("count", depthSuffixes);
    this.inverseName = this.names.define("inverse");
    counter.counts.push(this.statements.variable(this.countName, literal(f32, 0)));
    return counter;
  }

  private defineLeft(first: number, left: number) {
    const to = this.statements;
    const unit = to.define("left", add(this.lane, first));
    const isLeft = to.define("isLeft", binary("<", unit, first + left));
    return { unit, isLeft, nearest: to.define("leftOrLast", call("min", unit, count(first + left - 1))) };
  }

  /**
   * The loop along the row, within one loop for each size of block.
   * @param even how many steps there are where not all units are in it.
   */
  private writeBlocks(nest: Nest, even: number | undefined, depth = 0, from?: Expression): void {
    const { loop, blocks } = nest;
    const { lanes, steps: all, units } = this.context.schedule;
    const to = this.statements;
    const steps = even ?? all;
    const counted = loop.counts && steps !== undefined;
    const total = counted ? steps : even === undefined ? known(units) : even * lanes;
    const end = total === undefined || (even === undefined && !counted) ? this.unitsOfRow : count(total);
    const perStep = counted ? 1 : lanes;
    const around = blocks[depth - 1];
    const isWhole = around !== undefined && total !== undefined && total % (around * perStep) === 0;
    const start = from ?? (counted ? count(0) : this.lane);
    let stop = end;
    if (around !== undefined) {
      const after = add(start, around * perStep);
      stop = isWhole ? after : to.define(`blockEnd${depth === 1 ? "" : depth}`, call("min", after, end));
    }
    const size = blocks[depth];
    const name = size !== undefined ? `blockStart${depth === 0 ? "" : depth + 1}` : counted ? "step" : "unit";
    to.loop(name, start, stop, (size ?? 1) * perStep, (at) => {
      if (size !== undefined) this.writeBlock(nest, even, depth + 1, at);
      else if (!counted) this.writeStep(nest, depth, { step: undefined, unit: at });
      else {
        const unit = to.define("unit", lanes === 1 ? at : add(multiply(at, lanes), this.lane));
        const isWhole = even !== undefined || known(units) === steps * lanes;
        const isUnit = isWhole ? undefined : binary("<", unit, known(units) as number);
        to.when(isUnit, () => this.writeStep(nest, depth, { step: at, unit }));
      }
    });
  }

  /** One block: its own states, its loop, and its states into those around it. */
  private writeBlock(nest: Nest, even: number | undefined, depth: number, from: Expression): void {
    const { counts } = nest.counter;
    const to = this.statements;
    const blocked = nest.perRow.flat().filter(isBlocked);
    for (const fold of blocked) to.at(fold.span, () => this.folds.declare(fold, depth));
    const around = counts[depth - 1];
    if (around !== undefined) counts[depth] = to.variable(this.countName + ofDepth(depth), literal(f32, 0));
    this.writeBlocks(nest, even, depth, from);
    const own = counts[depth];
    const both = around && own && call("max", add(around, own), literal(f32, 1));
    const weight = both && to.define("blockWeight", divide(own, both));
    for (const fold of blocked) to.at(fold.span, () => this.folds.addBlock(fold, depth, weight, around));
    if (around && own) to.assign(around, own, "+");
  }

  /**
   * Chooses what is taken off the elements of each row, from three of them which are the same for all of its lanes. Where an
   * earlier loop has kept what they are computed from at some length, lane 0 chooses from its own, for all.
   */
  private writeShifts(loop: Loop, perRow: readonly (readonly Fold[])[]): void {
    const shifted = perRow.map((folds) => folds.filter(({ reduction }) => reduction.shift));
    if (shifted.flat().length === 0) return;
    const { isAnew, nodes } = elementNodes(loop, shifted[0] as readonly Fold[]);
    for (const fold of shifted.flat()) this.statements.at(fold.span, () => this.folds.declareShift(fold));
    const samples = Math.ceil(3 / this.context.schedule.width);
    for (let which = 0; which < samples; which++) {
      this.statements.scope(() => {
        const { step, unit } = this.sampledUnit(which, samples, !isAnew);
        const { common, rows } = this.stepPlaces(unit);
        for (const node of nodes) {
          if (step === undefined) this.define(node, common, rows);
          else this.readOrDefine(node, loop, common, rows, step);
        }
        for (const [i, place] of rows.entries()) {
          for (const fold of shifted[i] as Fold[]) {
            this.statements.at(fold.span, () => this.folds.sample(fold, place, which));
          }
        }
      });
    }
    if (isAnew) return;
    for (const fold of shifted.flat()) {
      this.statements.at(fold.span, () => this.folds.shareShift(fold, this.lane));
    }
  }

  /** One of some units that are far apart in the row; of the lane's own where `isOwn`. */
  private sampledUnit(which: number, samples: number, isOwn: boolean) {
    const { lanes, steps, units } = this.context.schedule;
    const to = this.statements;
    const total = known(units);
    if (isOwn) {
      const number = Math.floor(((steps as number) * which) / samples);
      const step = to.define("step", count(number));
      const unit = to.define("unit", call("min", add(this.lane, number * lanes), count((total as number) - 1)));
      return { step, unit };
    }
    const at =
      total === undefined
        ? multiply(divide(this.unitsOfRow, samples), which)
        : count(Math.floor((total * which) / samples));
    return { step: undefined, unit: to.define("unit", at) };
  }

  /** Names for the parts of indices that stay the same along the row. */
  private bindRowParts(loop: Loop, place: Place): void {
    const loads = loop.nodes.filter((node) => node.kind === "load");
    const uses = [
      ...loads.map((node) => ({ name: bufferName(node.value), use: node as Use, access: "read" as const })),
      ...loop.stores.map((store) => ({ name: store.name, use: store, access: "read_write" as const })),
    ];
    for (const { name, use, access } of uses) {
      place.bindRowPart(use, this.context.bufferOf(name, access), (part) =>
        this.statements.define(this.names.define("start"), part),
      );
    }
  }

  private stepPlaces(unit: Expression, names = new Names(this.names), of = this.rows) {
    const common = this.place(names, undefined, unit, [this.common]);
    const rows: readonly Place[] = of.map((place) =>
      this.place(names, place.strip, unit, [common, place, this.common]),
    );
    return { common, rows };
  }

  /** A node in a step: kept by an earlier loop, or computed. */
  private readOrDefine(
    node: Node,
    loop: Loop,
    common: Place,
    rows: readonly Place[],
    step: Expression | undefined,
  ): void {
    if (!loop.reads.has(node)) this.define(node, common, rows);
    else
      for (const place of rows)
        place.bind(node, place.name(node, item(this.caches.of(node, place), step as Expression)));
  }

  /** What a loop computes in a step, and what it keeps of that. */
  private writeNodes(loop: Loop, common: Place, rows: readonly Place[], step: Expression | undefined): void {
    for (const node of loop.reads) this.readOrDefine(node, loop, common, rows, step);
    for (const node of loop.nodes) {
      if (!loop.reads.has(node)) this.readOrDefine(node, loop, common, rows, step);
      if (!loop.keeps.has(node)) continue;
      for (const place of rows) {
        const kept = target(this.caches.of(node, place), step as Expression);
        this.statements.assign(kept, place.valueOf(node), undefined, spanOf(node));
      }
    }
  }

  /** What one lane does with one unit of its rows. */
  private writeStep(
    { loop, perRow, counter }: Nest,
    depth: number,
    { step, unit }: { readonly step: Expression | undefined; readonly unit: Expression },
  ): void {
    const to = this.statements;
    const { common, rows } = this.stepPlaces(unit);
    this.writeNodes(loop, common, rows, step);
    for (const store of loop.stores) for (const place of rows) place.store(store);
    for (const sum of loop.sums) this.tileSums?.add(sum, rows, step as Expression, unit);
    const own = counter.counts[depth];
    if (own !== undefined) {
      to.assign(own, literal(f32, 1), "+");
      counter.inverse = to.define(this.inverseName, divide(1, own));
    }
    for (const [i, place] of rows.entries()) {
      for (const fold of perRow[i] as readonly Fold[]) {
        const at = isBlocked(fold) ? depth : 0;
        to.at(fold.span, () => this.folds.accumulate(fold, place, counter, at));
      }
    }
  }
}
