/**
 * Where values are bound and statements stand: for one row or for all that a lane has at hand, in a step along the row
 * or outside of it.
 */

import type { WgslFunction } from "../src/ir/ops/wgsl-functions.ts";
import { indexAlong, inUnits, onceAlong, type Strides, stridesOf } from "./access.ts";
import { type Buffer, printLoad, printStore } from "./buffers.ts";
import { type Argument, bindsConstants, printConstant, printElementwise, wgslType } from "./expression.ts";
import type { Fold } from "./folds.ts";
import { bufferName, type Graph, type Node, type Store, spanOf } from "./graph.ts";
import type { Names } from "./names.ts";
import { opaque } from "./opaque.ts";
import { isKeptApart } from "./round-strictly.ts";
import type { Schedule } from "./schedule.ts";
import type { Writer } from "./writer.ts";

export interface BodyContext {
  readonly graph: Graph;
  readonly schedule: Schedule;
  readonly bufferOf: (name: string, access: "read" | "read_write") => Buffer;
  /** How a symbolic dimension is read. */
  readonly dim: (name: string) => string;
  readonly require: (name: WgslFunction, width: number) => string;
  readonly requireMoments: () => void;
  /** Whether each op gives the bits that it gives in a kernel of its own. */
  readonly isStrict: boolean;
  /** Whether keeping a value and reading it again costs as much as two loads. */
  readonly cacheIsMemory: boolean;
}

/** One of the rows that a lane has at hand, and the names of what belongs to it. */
export interface Strip {
  /** Numbers the rows that the dispatch starts. */
  readonly index: string;
  /** It, or the last row for those beyond. */
  readonly row: string;
  /** A condition: there is such a row; "" where there always is. */
  readonly isRow: string;
  /** Texts of index parts that are the same along the row, and the names they are bound to. */
  readonly parts: Map<string, string>;
  /** What reductions read. */
  readonly foldOf: Map<Node, Fold>;
  /** What the lane keeps of the row. */
  readonly caches: Map<Node, string>;
}

/** A value: its text, and how many elements of the row it has. */
interface Bound {
  readonly text: string;
  readonly width: number;
}

export class Place {
  readonly names: Names;
  /** `undefined`: what is the same in every row. */
  readonly strip: Strip | undefined;
  private readonly context: BodyContext;
  private readonly writer: Writer;
  private readonly inLoop: boolean;
  private readonly around: readonly Place[];
  private readonly scope = new Map<Node, Bound>();

  constructor(
    shared: { readonly context: BodyContext; readonly writer: Writer },
    at: { readonly names: Names; readonly strip: Strip | undefined; readonly inLoop: boolean },
    around: readonly Place[],
  ) {
    this.context = shared.context;
    this.writer = shared.writer;
    this.names = at.names;
    this.strip = at.strip;
    this.inLoop = at.inLoop;
    this.around = around;
  }

  /** The width in which a node's values stand: vectors where it differs along the vector atom. */
  widthOf(node: Node): number {
    const { vector, width } = this.context.schedule;
    return vector !== undefined && node.atoms.includes(vector) ? width : 1;
  }

  /** Writes the statement that computes the node, unless it has none. `result` is the text of a reduction. */
  define(node: Node, result: (node: Node) => string): void {
    if (node.kind === "constant") return;
    const width = this.widthOf(node);
    const text = node.kind === "reduction" ? result(node) : this.expression(node, width);
    if (node.kind === "reduction" && text === this.strip?.foldOf.get(node)?.name) this.bind(node, text);
    else this.bind(node, this.name(node, text));
  }

  /** A name for the text, in a statement of its own. */
  name(node: Node, text: string): string {
    const name = this.names.define(hintOf(node));
    this.writer.line(`let ${name} = ${text};`, spanOf(node));
    return name;
  }

  bind(node: Node, text: string): void {
    this.scope.set(node, { text, width: this.widthOf(node) });
  }

  textOf(node: Node): string {
    return (this.find(node) as Bound).text;
  }

  private find(node: Node): Bound | undefined {
    const own = this.scope.get(node);
    if (own !== undefined) return own;
    for (const place of this.around) {
      const found = place.scope.get(node);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  private expression(node: Node, width: number): string {
    const { require } = this.context;
    switch (node.kind) {
      case "load": {
        const buffer = this.context.bufferOf(bufferName(node.value), "read");
        return printLoad(buffer, this.indexOf(this.strides(node.dims as Store["dims"], buffer)));
      }
      case "elementwise": {
        const op = node.op as NonNullable<Node["op"]>;
        let args = node.operands.map((operand) => this.argument(operand, width));
        if (bindsConstants(op, args)) args = args.map((arg) => this.constant(arg, node));
        const text = printElementwise(op, args, width, require);
        return this.context.isStrict && isKeptApart(op) ? opaque(text, width) : text;
      }
      case "centered": {
        const [x, mean] = node.operands as [Node, Node];
        const fold = this.strip?.foldOf.get(mean) as Fold;
        return `(${this.argument(x, width).text} - ${fold.name}.y) - ${fold.name}.z`;
      }
      case "single": {
        const x = this.argument(node.operands[0] as Node, width).text;
        const divisor = 1 - Number(node.op?.attributes.correction ?? 0);
        const zero = `${require("less_itself", width)}(${x})`;
        return divisor === 1 ? zero : `${zero} / ${printConstant(divisor, "f32", width, require)}`;
      }
      case "constant":
      case "reduction":
        return "";
      default:
        return node.kind satisfies never;
    }
  }

  argument(node: Node, width: number): Argument {
    const { element } = node.value;
    if (node.kind === "constant") {
      const constant = node.op?.attributes.value as number;
      const text = printConstant(constant, element, 1, this.context.require);
      return { text, element, width: 1, constant };
    }
    const bound = this.find(node) as Bound;
    return { text: bound.text, element, width: Math.min(bound.width, width) };
  }

  /** A constant that the node reads under a name, out of reach of WGSL's constant evaluation. */
  private constant(arg: Argument, node: Node): Argument {
    if (arg.constant === undefined) return arg;
    const name = this.names.define("c");
    this.writer.line(`var ${name} = ${arg.text};`, spanOf(node));
    return { ...arg, text: name };
  }

  strides(dims: Store["dims"], buffer: Buffer): Strides {
    const { vector, width } = this.context.schedule;
    const strides = stridesOf(dims);
    return vector !== undefined && buffer.width > 1 ? inUnits(strides, vector, width) : strides;
  }

  /** The part of an index that the row decides. */
  rowPart(strides: Strides): string {
    const { schedule, dim } = this.context;
    return indexAlong(strides, schedule.rows, this.strip?.row ?? "row", dim);
  }

  private indexOf(strides: Strides): string {
    const { schedule, dim } = this.context;
    const part = this.rowPart(strides);
    const rowPart = this.strip?.parts.get(part) ?? part;
    const columnPart = this.inLoop ? indexAlong(strides, schedule.columns, "unit", dim) : "";
    return [rowPart, columnPart].filter((text) => text !== "").join(" + ") || "0u";
  }

  store(store: Store): void {
    const { schedule, dim, require } = this.context;
    const buffer = this.context.bufferOf(store.name, "read_write");
    const strides = this.strides(store.dims, buffer);
    const { index, isRow } = this.strip as Strip;
    const hasRow = schedule.rows.some(({ atom }) => strides.has(atom));
    const onceInRow = schedule.lanes > 1 ? "lane == 0u" : "";
    const conditions = [
      hasRow ? isRow : "",
      onceAlong(strides, schedule.rows, index, dim),
      this.inLoop ? onceAlong(strides, schedule.columns, "unit", dim) : onceInRow,
    ];
    const { text, width, constant } = this.argument(store.node, this.widthOf(store.node));
    const { element } = buffer;
    const repeated =
      constant === undefined
        ? `${wgslType(element, buffer.width)}(${text})`
        : printConstant(constant, element, buffer.width, require);
    const value = width === buffer.width ? text : repeated;
    this.writer.when(conditions.filter((condition) => condition !== "").join(" && "), () => {
      this.writer.line(printStore(buffer, this.indexOf(strides), value), spanOf(store.node));
    });
  }
}

export const hintOf = (node: Node) => node.value.name ?? node.op?.name ?? "x";
