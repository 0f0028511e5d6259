/**
 * The statements of a kernel. Once a row: what does not differ along it. For each level: a loop over the row's columns
 * that folds the level's reductions and writes its results, then the merge of the lanes.
 *
 * A lane may have several rows at hand (strips). What is the same in every row is then loaded and computed once for all
 * of them.
 */

import { type Counter, FoldWriter, foldParts, manySteps } from "./accumulate.ts";
import { blocksOf, ofDepth } from "./blocks.ts";
import { wgslType } from "./expression.ts";
import { known, printExtent, times } from "./extent.ts";
import { type Fold, foldsOf, isBlocked } from "./folds.ts";
import { bufferName, centeringMeans, isColumnStore, type Node, type Store, spanOf } from "./graph.ts";
import { Scratch } from "./lanes.ts";
import { mostWorkgroups } from "./launch.ts";
import { grouped, type Loop, planLoops } from "./loops.ts";
import { Names } from "./names.ts";
import { type BodyContext, hintOf, Place, type Strip } from "./place.ts";
import { Writer } from "./writer.ts";

export type { BodyContext } from "./place.ts";

const structural = [
  ...["group", "groups", "local", "lane", "row", "index", "isRow", "step", "unit", "dims", "main"],
  ...["blockStart", "blockStart2", "blockEnd", "blockEnd2", "blockWeight", "blockDelta"],
  ...["merge_moments", "lane_moments"],
];

const depths = ["", ...blocksOf().map((_, i) => ofDepth(i + 1))];

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
  readonly writer = new Writer();
  readonly scratch = new Scratch();
  private readonly names = new Names();
  private readonly context: BodyContext;
  private readonly folds: FoldWriter;
  /** Outside of loops: what is the same in every row, then each row. */
  private readonly common: Place;
  private rows: readonly Place[] = [];
  /** Nodes whose value something reads; the mean of a centered row is not among them. */
  private readonly read: ReadonlySet<Node>;
  /** By level: what does not differ along the row, the reductions that its loop folds, and the results of either. */
  private readonly rowNodes: ReadonlyMap<number, readonly Node[]>;
  private readonly reductions: ReadonlyMap<number, readonly Node[]>;
  private readonly rowStores: ReadonlyMap<number, readonly Store[]>;
  /** Means that are taken off their rows. */
  private readonly centered: ReadonlySet<Node | undefined>;
  /** Arrays that are read no more, by row and type. */
  private readonly spare = new Map<Place, Map<string, string[]>>();
  /** Nodes that are the same in every row; folds are each row's own. */
  private readonly same = new Set<Node>();

  constructor(context: BodyContext, taken: readonly string[]) {
    this.context = context;
    for (const name of [...structural, ...taken]) this.names.define(name);
    this.folds = new FoldWriter(context, this.writer, this.scratch);
    this.common = this.place(this.names, undefined, false, []);
    const { nodes, stores, rows } = context.graph;
    for (const node of nodes) {
      const isFolded = node.kind === "reduction" || node.kind === "centered";
      const differs = node.atoms.some((atom) => rows.includes(atom)) || !node.operands.every((x) => this.same.has(x));
      if (!isFolded && !differs) this.same.add(node);
    }
    const operands = nodes.flatMap((node) => (node.kind === "centered" ? node.operands.slice(0, 1) : node.operands));
    this.read = new Set([...operands, ...stores.map((store) => store.node)]);
    const isRowNode = (node: Node) => !node.isColumn && this.read.has(node);
    this.rowNodes = grouped(nodes.filter(isRowNode), ({ level }) => level);
    const reductions = nodes.filter(({ kind }) => kind === "reduction");
    this.reductions = grouped(reductions, ({ level }) => level - 1);
    const rowStores = stores.filter((store) => !isColumnStore(store, context.graph));
    this.rowStores = grouped(rowStores, ({ node }) => node.level);
    this.centered = centeringMeans(nodes);
  }

  private place(names: Names, strip: Strip | undefined, inLoop: boolean, around: readonly Place[]): Place {
    return new Place({ context: this.context, writer: this.writer }, { names, strip, inLoop }, around);
  }

  write(): void {
    const { graph, schedule, cacheIsMemory } = this.context;
    this.rows = this.writeIndices().map((strip) => this.place(this.names, strip, false, [this.common]));
    const loops = planLoops(graph, schedule, { elements: schedule.keep, isMemory: cacheIsMemory });
    for (let level = 0; level < graph.levels; level++) {
      this.writeRowValues(level);
      const loop = loops[level];
      if (loop !== undefined) this.writeLoop(loop);
    }
  }

  private writeIndices(): Strip[] {
    const { lanes, rowsPerWorkgroup, rowsPerLane, rows } = this.context.schedule;
    const w = this.writer;
    const count = times(...rows.map(({ extent }) => extent));
    const total = printExtent(count, this.context.dim);
    const number = known(count);
    const teams = rowsPerWorkgroup / rowsPerLane;
    const group = "(group.x + group.y * groups.x)";
    w.line(lanes > 1 ? `let lane = local % ${lanes}u;` : "let lane = 0u;");
    const within = lanes === 1 ? "local" : teams === 1 ? "" : `local / ${lanes}u`;
    const team = [teams === 1 ? group : `${group} * ${teams}u`, within].filter((part) => part !== "").join(" + ");
    const first = rowsPerLane === 1 ? team : `${within === "" ? team : `(${team})`} * ${rowsPerLane}u`;
    const workgroups = (number ?? Infinity) / rowsPerWorkgroup;
    const isWhole = rowsPerLane > 1 && Number.isInteger(workgroups) && workgroups > 0 && workgroups <= mostWorkgroups;
    return Array.from({ length: rowsPerLane }, (_, i): Strip => {
      const named = (name: string) => (i === 0 ? name : this.names.define(name));
      const index = named("index");
      w.line(`let ${index} = ${i === 0 ? first : `index + ${i}u`};`);
      const maps = { parts: new Map(), foldOf: new Map(), caches: new Map() };
      if (isWhole) return { index, row: index, isRow: "", ...maps };
      const isRow = named("isRow");
      const row = named("row");
      w.line(`let ${isRow} = ${index} < ${total};`);
      w.line(`let ${row} = min(${index}, ${number === undefined ? `${total} - 1u` : `${Math.max(0, number - 1)}u`});`);
      return { index, row, isRow, ...maps };
    });
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
    const { schedule, isStrict } = this.context;
    const reductions = this.reductions.get(loop.level) ?? [];
    const { folds, foldOf } = foldsOf(
      reductions,
      this.centered,
      (hint) => this.names.define(hint, foldParts),
      !isStrict,
    );
    const perRow = this.rows.map((place, i) => {
      const own = new Map<Fold, Fold>();
      for (const fold of folds) {
        const max = fold.max && own.get(fold.max);
        own.set(fold, i === 0 ? fold : { ...fold, max, name: this.names.define(fold.name, foldParts) });
      }
      for (const [node, fold] of foldOf) place.strip?.foldOf.set(node, own.get(fold) as Fold);
      return [...own.values()];
    });
    for (const place of this.rows) this.bindRowParts(loop, place);
    for (const place of this.rows) for (const node of loop.keeps) this.declareCache(node, place);
    for (const fold of perRow.flat()) this.writer.at(fold.span, () => this.folds.declare(fold));
    const { steps } = schedule;
    const units = known(schedule.units);
    const isShifted = steps !== undefined && units !== undefined && steps >= manySteps;
    const moments = folds.filter(({ kind }) => kind === "moments");
    if (isShifted && moments.length > 0) this.writeShifts(loop, perRow, { steps, units });
    const counter = this.declareCounter(moments, isShifted);
    this.writeBlocks({ loop, perRow, counter, blocks: folds.some(isBlocked) ? blocksOf(steps) : [] });
    for (const fold of perRow.flat()) this.writer.at(fold.span, () => this.folds.finish(fold, counter));
    for (const place of this.rows) for (const node of loop.frees) this.freeCache(node, place);
  }

  private declareCounter(moments: readonly Fold[], isShifted: boolean): Counter {
    if (moments.length === 0) return { count: "", inverse: "", isShifted };
    const counter = { count: this.names.define("count", depths), inverse: this.names.define("inverse"), isShifted };
    this.writer.line(`var ${counter.count} = 0.0;`);
    return counter;
  }

  /** The loop along the row, within one loop for each size of block. */
  private writeBlocks(nest: Nest, depth = 0, from?: string): void {
    const { loop, blocks } = nest;
    const { lanes, steps, units } = this.context.schedule;
    const w = this.writer;
    const counted = loop.counts && steps !== undefined;
    const end = counted ? `${steps}u` : printExtent(units, this.context.dim);
    const total = counted ? steps : known(units);
    const perStep = counted ? 1 : lanes;
    const around = blocks[depth - 1];
    const isWhole = around !== undefined && total !== undefined && total % (around * perStep) === 0;
    const start = from ?? (counted ? "0u" : "lane");
    const after = `${start} + ${(around ?? 0) * perStep}u`;
    const stop = around === undefined ? end : isWhole ? after : `blockEnd${depth === 1 ? "" : depth}`;
    if (around !== undefined && !isWhole) w.line(`let ${stop} = min(${after}, ${end});`);
    const size = blocks[depth];
    const index = size !== undefined ? `blockStart${depth === 0 ? "" : depth + 1}` : counted ? "step" : "unit";
    const stride = (size ?? 1) * perStep;
    const next = stride === 1 ? `${index}++` : `${index} += ${stride}u`;
    w.block(`for (var ${index} = ${start}; ${index} < ${stop}; ${next})`, () => {
      if (size !== undefined) this.writeBlock(nest, depth + 1, index);
      else if (!counted) this.writeStep(nest, depth);
      else {
        w.line(`let unit = ${lanes === 1 ? "step" : `step * ${lanes}u + lane`};`);
        w.when(known(units) === steps * lanes ? "" : `unit < ${known(units)}u`, () => this.writeStep(nest, depth));
      }
    });
  }

  /** One block: its own states, its loop, and its states into those around it. */
  private writeBlock(nest: Nest, depth: number, from: string): void {
    const { perRow, counter } = nest;
    const w = this.writer;
    const blocked = perRow.flat().filter(isBlocked);
    for (const fold of blocked) w.at(fold.span, () => this.folds.declare(fold, depth));
    const [around, count] = [counter.count + ofDepth(depth - 1), counter.count + ofDepth(depth)];
    if (counter.count !== "") w.line(`var ${count} = 0.0;`);
    this.writeBlocks(nest, depth, from);
    if (counter.count !== "") w.line(`let blockWeight = ${count} / max(${around} + ${count}, 1.0);`);
    for (const fold of blocked) w.at(fold.span, () => this.folds.addBlock(fold, depth, "blockWeight", around));
    if (counter.count !== "") w.line(`${around} += ${count};`);
  }

  /** The shift of a lane that has many elements: the median of three of them, which no single outlier is. */
  private writeShifts(
    loop: Loop,
    perRow: readonly (readonly Fold[])[],
    { steps, units }: { readonly steps: number; readonly units: number },
  ): void {
    const moments = perRow.map((folds) => folds.filter(({ kind }) => kind === "moments"));
    const needed = new Set((moments[0] as Fold[]).map(({ operand }) => operand));
    for (const node of loop.nodes.toReversed()) {
      if (needed.has(node)) for (const operand of node.operands) needed.add(operand);
    }
    const nodes = loop.nodes.filter((node) => needed.has(node));
    const { lanes } = this.context.schedule;
    for (let third = 0; third < 3; third++) {
      const step = Math.floor((steps * third) / 3);
      this.writer.block("", () => {
        if (loop.reads.size > 0) this.writer.line(`let step = ${step}u;`);
        this.writer.line(`let unit = min(lane + ${step * lanes}u, ${units - 1}u);`);
        const { common, rows } = this.stepPlaces();
        for (const node of nodes) this.readOrDefine(node, loop, common, rows);
        for (const [i, place] of rows.entries()) {
          for (const fold of moments[i] as Fold[]) {
            this.writer.at(fold.span, () => this.folds.shift(fold, place, third));
          }
        }
      });
    }
  }

  /** Names for the parts of indices that stay the same along the row. */
  private bindRowParts(loop: Loop, place: Place): void {
    const loads = loop.nodes.filter((node) => node.kind === "load");
    const uses = [
      ...loads.map((node) => ({ name: bufferName(node.value), dims: node.dims, access: "read" as const })),
      ...loop.stores.map(({ name, dims }) => ({ name, dims, access: "read_write" as const })),
    ];
    const { parts, row } = place.strip as Strip;
    for (const { name, dims, access } of uses) {
      const buffer = this.context.bufferOf(name, access);
      const part = place.rowPart(place.strides(dims as Store["dims"], buffer));
      if (part === "" || part === row || parts.has(part)) continue;
      const bound = this.names.define("start");
      this.writer.line(`let ${bound} = ${part};`);
      parts.set(part, bound);
    }
  }

  private declareCache(node: Node, place: Place): void {
    const type = wgslType(node.value.element, place.widthOf(node));
    const spare = this.spare.get(place)?.get(type)?.pop();
    const name = spare ?? this.names.define(`${hintOf(node)}_row`);
    const { steps } = this.context.schedule;
    if (spare === undefined) this.writer.line(`var ${name}: array<${type}, ${steps}>;`, spanOf(node));
    place.strip?.caches.set(node, name);
  }

  /** Its array is there for what a later loop keeps. */
  private freeCache(node: Node, place: Place): void {
    const type = wgslType(node.value.element, place.widthOf(node));
    const byType = this.spare.get(place) ?? new Map<string, string[]>();
    this.spare.set(place, byType);
    byType.set(type, [...(byType.get(type) ?? []), place.strip?.caches.get(node) as string]);
  }

  private stepPlaces(): { common: Place; rows: readonly Place[] } {
    const names = new Names(this.names);
    const common = this.place(names, undefined, true, [this.common]);
    const rows = this.rows.map((place) => this.place(names, place.strip, true, [common, place, this.common]));
    return { common, rows };
  }

  /** A node in a step: kept by an earlier loop, or computed. */
  private readOrDefine(node: Node, loop: Loop, common: Place, rows: readonly Place[]): void {
    if (!loop.reads.has(node)) this.define(node, common, rows);
    else for (const place of rows) place.bind(node, place.name(node, `${place.strip?.caches.get(node)}[step]`));
  }

  /** What one lane does with one unit of its rows. */
  private writeStep({ loop, perRow, counter }: Nest, depth: number): void {
    const { common, rows } = this.stepPlaces();
    for (const node of loop.nodes) {
      this.readOrDefine(node, loop, common, rows);
      if (!loop.keeps.has(node)) continue;
      for (const place of rows) {
        this.writer.line(`${place.strip?.caches.get(node)}[step] = ${place.textOf(node)};`, spanOf(node));
      }
    }
    for (const store of loop.stores) for (const place of rows) place.store(store);
    if (counter.count !== "") {
      const count = counter.count + ofDepth(depth);
      this.writer.line(`${count} += 1.0;`);
      this.writer.line(`let ${counter.inverse} = 1.0 / ${count};`);
    }
    for (const [i, place] of rows.entries()) {
      for (const fold of perRow[i] as readonly Fold[]) {
        const at = isBlocked(fold) ? depth : 0;
        this.writer.at(fold.span, () => this.folds.accumulate(fold, place, counter, at));
      }
    }
  }
}
