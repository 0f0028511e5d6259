/**
 * The statements of a kernel. Once a row: what does not differ along it. For each level: a loop over the row's columns
 * that folds the level's reductions and writes its results, then the merge of the lanes.
 */

import type { WgslFunction } from "../src/ir/ops/wgsl-functions.ts";
import { indexAlong, inUnits, onceAlong, type Strides, stridesOf } from "./access.ts";
import { type Buffer, printLoad, printStore } from "./buffers.ts";
import {
  type Argument,
  bindsConstants,
  computedType,
  printConstant,
  printElementwise,
  wgslType,
} from "./expression.ts";
import { known, printExtent, times } from "./extent.ts";
import { combine, type Fold, foldsAt } from "./folds.ts";
import { bufferName, type Graph, isColumnStore, isMean, type Node, type Store } from "./graph.ts";
import { type Merge, mergeLanes, Scratch } from "./lanes.ts";
import { type Loop, planLoops } from "./loops.ts";
import { Names } from "./names.ts";
import type { Schedule } from "./schedule.ts";
import { Writer } from "./writer.ts";

export interface BodyContext {
  readonly graph: Graph;
  readonly schedule: Schedule;
  readonly bufferOf: (name: string, access: "read" | "read_write") => Buffer;
  /** How a symbolic dimension is read. */
  readonly dim: (name: string) => string;
  readonly require: (name: WgslFunction, width: number) => string;
  readonly requireMoments: () => void;
  /** What a lane may keep of a row, in elements. */
  readonly cacheElements: number;
}

/** A value in a scope: its text, and how many elements of the row it has. */
interface Bound {
  readonly text: string;
  readonly width: number;
}

type Scope = Map<Node, Bound>;

const structural = [
  "group",
  "groups",
  "local",
  "lane",
  "row",
  "index",
  "isRow",
  "step",
  "unit",
  "dims",
  "main",
  "merge_moments",
  "lane_moments",
];

/** Endings of the names of a fold's variables. */
const foldParts = ["", "_lane", "_count", "_shift", "_mean", "_m2"];

export class Body {
  readonly writer = new Writer();
  readonly scratch = new Scratch();
  private readonly names = new Names();
  private readonly context: BodyContext;
  private readonly rowScope: Scope = new Map();
  /** Texts of index parts that are the same along a row, and the names they are bound to. */
  private readonly rowParts = new Map<string, string>();
  private readonly foldOf = new Map<Node, Fold>();
  private readonly caches = new Map<Node, string>();
  /** Nodes whose value something reads; the mean of a centered row is not among them. */
  private readonly read: ReadonlySet<Node>;

  constructor(context: BodyContext, taken: readonly string[]) {
    this.context = context;
    for (const name of [...structural, ...taken]) this.names.define(name);
    const { nodes, stores } = context.graph;
    const operands = nodes.flatMap((node) => (node.kind === "centered" ? node.operands.slice(0, 1) : node.operands));
    this.read = new Set([...operands, ...stores.map((store) => store.node)]);
  }

  write(): void {
    const { graph } = this.context;
    this.writeIndices();
    const levels = Math.max(0, ...graph.nodes.map((node) => node.level));
    const loops = planLoops(graph, this.context.schedule, this.context.cacheElements);
    for (let level = 0; level <= levels; level++) {
      this.writeRowValues(level);
      const loop = loops[level];
      if (loop !== undefined) this.writeLoop(loop);
    }
  }

  /** `index` numbers the rows that the dispatch starts; `row` is it, or the last row for those beyond. */
  private writeIndices(): void {
    const { lanes, rowsPerWorkgroup, rows } = this.context.schedule;
    const w = this.writer;
    const count = times(...rows.map(({ extent }) => extent));
    const total = printExtent(count, this.context.dim);
    const number = known(count);
    const group = "(group.x + group.y * groups.x)";
    if (lanes > 1) w.line(`let lane = local % ${lanes}u;`);
    else w.line("let lane = 0u;");
    const within = lanes === 1 ? "local" : rowsPerWorkgroup === 1 ? "" : `local / ${lanes}u`;
    const start = rowsPerWorkgroup === 1 ? group : `${group} * ${rowsPerWorkgroup}u`;
    w.line(`let index = ${[start, within].filter((part) => part !== "").join(" + ")};`);
    w.line(`let isRow = index < ${total};`);
    w.line(`let row = min(index, ${number === undefined ? `${total} - 1u` : `${Math.max(0, number - 1)}u`});`);
  }

  /** Constants, loads, ops and reductions that do not differ along the row; then the results among them. */
  private writeRowValues(level: number): void {
    const { graph } = this.context;
    for (const node of graph.nodes) {
      if (node.level === level && !node.isColumn && this.read.has(node)) this.define(node, this.rowScope, this.names);
    }
    for (const store of graph.stores) {
      if (store.node.level === level && !isColumnStore(store, graph)) this.store(store, this.rowScope, undefined);
    }
  }

  /** The width in which a node's values stand: vectors where it differs along the vector atom. */
  private widthOf(node: Node): number {
    const { vector, width } = this.context.schedule;
    return vector !== undefined && node.atoms.includes(vector) ? width : 1;
  }

  private define(node: Node, scope: Scope, names: Names): void {
    if (node.kind === "constant") return;
    const width = this.widthOf(node);
    const text = this.expression(node, scope, width, names);
    if (node.kind === "reduction" && text === this.foldOf.get(node)?.name) {
      scope.set(node, { text, width });
      return;
    }
    const name = names.define(node.value.name ?? node.op?.name ?? "x");
    this.writer.line(`let ${name} = ${text};`);
    scope.set(node, { text: name, width });
  }

  private expression(node: Node, scope: Scope, width: number, names: Names): string {
    const { require } = this.context;
    switch (node.kind) {
      case "load":
        return this.load(node, scope !== this.rowScope);
      case "elementwise": {
        const op = node.op as NonNullable<Node["op"]>;
        let args = node.operands.map((operand) => this.argument(operand, scope, width));
        if (bindsConstants(op, args)) args = args.map((arg) => this.bound(arg, names));
        return printElementwise(op, args, width, require);
      }
      case "centered": {
        const [x, mean] = node.operands as [Node, Node];
        const fold = this.foldOf.get(mean) as Fold;
        return `(${this.argument(x, scope, width).text} - ${fold.name}.y) - ${fold.name}.z`;
      }
      case "reduction":
        return this.foldResult(node);
      case "single": {
        const x = this.argument(node.operands[0] as Node, scope, width).text;
        const divisor = 1 - Number(node.op?.attributes.correction ?? 0);
        return divisor === 1 ? `${x} - ${x}` : `(${x} - ${x}) / ${printConstant(divisor, "f32", width, require)}`;
      }
      case "constant":
        return "";
      default:
        return node.kind satisfies never;
    }
  }

  private argument(node: Node, scope: Scope, width: number): Argument {
    const { element } = node.value;
    if (node.kind === "constant") {
      const constant = node.op?.attributes.value as number;
      const text = printConstant(constant, element, 1, this.context.require);
      return { text, element, width: 1, constant };
    }
    const bound = scope.get(node) ?? (this.rowScope.get(node) as Bound);
    return { text: bound.text, element, width: Math.min(bound.width, width) };
  }

  /** A constant under a name, out of reach of WGSL's constant evaluation. */
  private bound(arg: Argument, names: Names): Argument {
    if (arg.constant === undefined) return arg;
    const name = names.define("c");
    this.writer.line(`var ${name} = ${arg.text};`);
    return { ...arg, text: name };
  }

  private strides(dims: Store["dims"], buffer: Buffer): Strides {
    const { vector, width } = this.context.schedule;
    const strides = stridesOf(dims);
    return vector !== undefined && buffer.width > 1 ? inUnits(strides, vector, width) : strides;
  }

  private indexOf(strides: Strides, inLoop: boolean): string {
    const { schedule, dim } = this.context;
    const rowPart = this.rowPart(indexAlong(strides, schedule.rows, "row", dim));
    const columnPart = inLoop ? indexAlong(strides, schedule.columns, "unit", dim) : "";
    return [rowPart, columnPart].filter((part) => part !== "").join(" + ") || "0u";
  }

  /** Binds what is more than a name, once for all buffers that lie alike. Only the row scope's lines may do so. */
  private rowPart(text: string): string {
    return this.rowParts.get(text) ?? text;
  }

  private load(node: Node, inLoop: boolean): string {
    const buffer = this.context.bufferOf(bufferName(node.value), "read");
    const strides = this.strides(node.dims as Store["dims"], buffer);
    return printLoad(buffer, this.indexOf(strides, inLoop));
  }

  private store(store: Store, scope: Scope, loop: Loop | undefined): void {
    const { schedule, dim } = this.context;
    const buffer = this.context.bufferOf(store.name, "read_write");
    const strides = this.strides(store.dims, buffer);
    const hasRow = schedule.rows.some(({ atom }) => strides.has(atom));
    const conditions = [
      hasRow ? "isRow" : "",
      onceAlong(strides, schedule.rows, "index", dim),
      loop === undefined ? (schedule.lanes > 1 ? "lane == 0u" : "") : onceAlong(strides, schedule.columns, "unit", dim),
    ];
    const { text, width, constant } = this.argument(store.node, scope, this.widthOf(store.node));
    const element = buffer.element;
    const wide =
      width === buffer.width
        ? text
        : constant !== undefined
          ? printConstant(constant, element, buffer.width, this.context.require)
          : `${wgslType(element, buffer.width)}(${text})`;
    this.writer.when(conditions.filter((condition) => condition !== "").join(" && "), () => {
      this.writer.line(printStore(buffer, this.indexOf(strides, loop !== undefined), wide));
    });
  }

  private writeLoop(loop: Loop): void {
    const { graph, schedule, dim } = this.context;
    const { folds, foldOf } = foldsAt(loop.level, graph.nodes, (hint) => this.names.define(hint, foldParts));
    for (const [node, fold] of foldOf) this.foldOf.set(node, fold);
    this.bindRowParts(loop);
    for (const node of loop.keeps) this.declareCache(node);
    for (const fold of folds) this.declareFold(fold);
    const { lanes, steps } = schedule;
    const units = known(schedule.units);
    const contents = () => this.writeStep(loop, folds);
    if (loop.counts && steps !== undefined) {
      this.writer.block(`for (var step = 0u; step < ${steps}u; step++)`, () => {
        this.writer.line(`let unit = ${lanes === 1 ? "step" : `step * ${lanes}u + lane`};`);
        this.writer.when(units === steps * lanes ? "" : `unit < ${units}u`, contents);
      });
    } else {
      const end = printExtent(schedule.units, dim);
      this.writer.block(`for (var unit = lane; unit < ${end}; unit += ${lanes}u)`, contents);
    }
    for (const fold of folds) this.finishFold(fold);
  }

  /** Names for the parts of indices that stay the same along the row. */
  private bindRowParts(loop: Loop): void {
    const { schedule, dim } = this.context;
    const uses = [
      ...loop.nodes.filter((node) => node.kind === "load").map((node) => ({ node, access: "read" as const })),
      ...loop.stores.map((store) => ({ store, access: "read_write" as const })),
    ];
    for (const use of uses) {
      const name = "node" in use ? bufferName(use.node.value) : use.store.name;
      const dims = "node" in use ? (use.node.dims as Store["dims"]) : use.store.dims;
      const part = indexAlong(this.strides(dims, this.context.bufferOf(name, use.access)), schedule.rows, "row", dim);
      if (part === "" || part === "row" || this.rowParts.has(part)) continue;
      const bound = this.names.define("start");
      this.writer.line(`let ${bound} = ${part};`);
      this.rowParts.set(part, bound);
    }
  }

  private declareCache(node: Node): void {
    const name = this.names.define(`${node.value.name ?? node.op?.name ?? "x"}_row`);
    const { steps } = this.context.schedule;
    this.writer.line(`var ${name}: array<${wgslType(node.value.element, this.widthOf(node))}, ${steps}>;`);
    this.caches.set(node, name);
  }

  /** What one lane does with one unit. */
  private writeStep(loop: Loop, folds: readonly Fold[]): void {
    const scope: Scope = new Map();
    const names = new Names(this.names);
    for (const node of loop.nodes) {
      if (!loop.reads.has(node)) this.define(node, scope, names);
      else {
        const name = names.define(node.value.name ?? node.op?.name ?? "x");
        this.writer.line(`let ${name} = ${this.caches.get(node)}[step];`);
        scope.set(node, { text: name, width: this.widthOf(node) });
      }
      if (loop.keeps.has(node)) this.writer.line(`${this.caches.get(node)}[step] = ${scope.get(node)?.text};`);
    }
    for (const store of loop.stores) this.store(store, scope, loop);
    for (const fold of folds) this.accumulate(fold, scope, names);
  }

  private declareFold({ kind, name, operand, variance }: Fold): void {
    const { width } = this.context.schedule;
    const type = wgslType(operand.value.element, width);
    if (kind !== "moments") {
      this.writer.line(`var ${name}_lane = ${type}(${this.identity(kind, operand)});`);
      return;
    }
    this.writer.line(`var ${name}_count = 0.0;`);
    for (const part of variance ? ["shift", "mean", "m2"] : ["shift", "mean"]) {
      this.writer.line(`var ${name}_${part} = ${type}();`);
    }
  }

  private identity(kind: Exclude<Fold["kind"], "moments">, { value: { element } }: Node): string {
    const computed = computedType(element);
    const extremes = {
      f32: [-Infinity, Infinity],
      i32: [-(2 ** 31), 2 ** 31 - 1],
      u32: [0, 2 ** 32 - 1],
      bool: [0, 1],
    };
    const [low, high] = extremes[computed] as [number, number];
    return printConstant({ sum: 0, prod: 1, max: low, min: high }[kind], element, 1, this.context.require);
  }

  private accumulate({ kind, name, operand, variance }: Fold, scope: Scope, names: Names): void {
    const { width } = this.context.schedule;
    const arg = this.argument(operand, scope, width);
    const text = arg.width === width ? arg.text : `${wgslType(arg.element, width)}(${arg.text})`;
    const w = this.writer;
    if (kind !== "moments") {
      w.line(`${name}_lane = ${combine[kind](`${name}_lane`, text)};`);
      return;
    }
    const x = names.define("shifted");
    const delta = names.define("delta");
    w.line(`${name}_count += 1.0;`);
    w.line(`${name}_shift = select(${name}_shift, ${text}, ${name}_count == 1.0);`);
    w.line(`let ${x} = ${text} - ${name}_shift;`);
    w.line(`let ${delta} = ${x} - ${name}_mean;`);
    w.line(`${name}_mean += ${delta} / ${name}_count;`);
    if (variance) w.line(`${name}_m2 += ${delta} * (${x} - ${name}_mean);`);
  }

  /** The lane's vectors to one state, then the states of the row's lanes to one. */
  private finishFold(fold: Fold): void {
    const { kind, name } = fold;
    if (kind === "moments") this.context.requireMoments();
    const state = kind === "moments" ? this.laneMoments(fold) : this.laneValue(kind, `${name}_lane`);
    this.writer.line(`var ${name} = ${state};`);
    mergeLanes(this.mergeOf(fold), this.context.schedule, this.scratch, this.writer);
  }

  private laneMoments({ name, operand, variance }: Fold): string {
    const { width } = this.context.schedule;
    const m2 = variance ? `${name}_m2` : `${wgslType(operand.value.element, width)}()`;
    const state = `(${name}_count, ${name}_shift, ${name}_mean, ${m2})`;
    return width === 1 ? `vec4f${state}` : `lane_moments${state}`;
  }

  private laneValue(kind: Exclude<Fold["kind"], "moments">, lane: string): string {
    const { width } = this.context.schedule;
    if (width === 1) return lane;
    const [low, high] = [combine[kind](`${lane}.x`, `${lane}.y`), combine[kind](`${lane}.z`, `${lane}.w`)];
    if (width === 2) return low;
    return kind === "sum" || kind === "prod" ? combine[kind](`(${low})`, `(${high})`) : combine[kind](low, high);
  }

  private mergeOf({ kind, name, operand }: Fold): Merge {
    if (kind === "moments") {
      return { state: name, type: "vec4f", combine: (a, b) => `merge_moments(${a}, ${b})`, commutes: false };
    }
    const type = computedType(operand.value.element) as "f32" | "i32" | "u32";
    return { state: name, type, combine: combine[kind], commutes: true };
  }

  /** A reduction's value from the row's state. */
  private foldResult(node: Node): string {
    const fold = this.foldOf.get(node) as Fold;
    const count = this.context.schedule.columnCount;
    const asFloat = (less: number) => {
      const number = known(count);
      if (number !== undefined) return printConstant(number - less, "f32", 1, this.context.require);
      const whole = `f32(${printExtent(count, this.context.dim)})`;
      return less === 0 ? whole : `(${whole} - ${less}.0)`;
    };
    if (fold.kind !== "moments") return isMean(node) ? `${fold.name} / ${asFloat(0)}` : fold.name;
    if (isMean(node)) return `${fold.name}.y + ${fold.name}.z`;
    return `${fold.name}.w / ${asFloat(Number(node.op?.attributes.correction ?? 0))}`;
  }
}
