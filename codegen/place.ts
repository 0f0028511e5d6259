/**
 * Where values are bound and statements are emitted: for one row or all rows of a lane, inside or outside of the loop along
 * the row.
 */

import type { Op } from "../src/ir/ir.ts";
import { scanOf } from "../src/ir/op-kinds.ts";
import { type Buffer, elementsInWord } from "../src/kernel/buffer.ts";
import {
  allOf,
  binary,
  count,
  type Expression,
  equals,
  literal,
  load,
  opaque,
  select,
  sumOf,
  type Variable,
  widened,
} from "../src/kernel/expression.ts";
import type { Statements } from "../src/kernel/statement.ts";
import type { Tile } from "../src/plan/plan.ts";
import { accessOf, indexAlong, onceAlong, type Strides, splitUse, type Use } from "./access.ts";
import type { Accumulator } from "./accumulators.ts";
import { type Argument, bindsConstants, elementwise, laneType } from "./expression.ts";
import { timesExtent } from "./extent.ts";
import type { Graph, Store } from "./graph.ts";
import type { Names } from "./names.ts";
import type { Along } from "./nodes.ts";
import { bufferName, type Node, ofOne, type Part, spanOf } from "./nodes.ts";
import { PlaceWriter } from "./place-writer.ts";
import { keyOf } from "./print-wgsl.ts";
import { isKeptApart } from "./round-strictly.ts";
import type { Schedule } from "./schedule.ts";

export interface BodyContext {
  readonly graph: Graph;
  readonly schedule: Schedule;
  readonly bufferOf: (name: string, access: "read" | "read_write") => Buffer;
  /** Whether each op gives the same bits as in a kernel of its own. */
  readonly isStrict: boolean;
  /** Whether caching a value and reading it back costs as much as two loads. */
  readonly cacheIsMemory: boolean;
  /** Arrays that a lane may have to cache rows in. */
  readonly mostArrays: number;
  /** The tile whose rows are the columns: the last tile may have fewer. */
  readonly tile?: Tile | undefined;
}

/** What the places of a kernel's body share. */
export interface PlaceContext extends BodyContext {
  readonly to: Statements;
  /** Names outside of loops. */
  readonly names: Names;
  /** The number of the lane in its row. */
  readonly lane: () => Expression;
  /** An element minus the mean of its row, once its lanes are merged. */
  readonly centered: (mean: Node, accumulator: Accumulator, element: Expression) => Expression;
}

/** One of the rows that a lane processes at once, and the names of its values. */
export interface Strip {
  /** The row's number in the dispatch, which may start more rows than there are. */
  readonly index: Expression;
  /** `index` clamped to the last row. */
  readonly row: Expression;
  /** Whether `index` is a row; `undefined` if it always is. */
  readonly isRow: Expression | undefined;
  /** The variables of index parts that are the same along the row, by the text of the part. */
  readonly parts: Map<string, Expression>;
  /** The accumulator that each reduction reads. */
  readonly accumulatorOf: Map<Node, Accumulator>;
  /** The arrays in which the lane caches values of the row. */
  readonly caches: Map<Node, Variable>;
}

export function makeStrip(index: Expression, row = index, isRow?: Expression): Strip {
  return { index, row, isRow, parts: new Map(), accumulatorOf: new Map(), caches: new Map() };
}

export class Place {
  readonly names: Names;
  /** `undefined` for values that are the same in every row. */
  readonly strip: Strip | undefined;
  private readonly context: PlaceContext;
  private readonly to: Statements;
  /** `undefined` outside of the loops along the row. */
  private readonly unit: Expression | undefined;
  private readonly around: readonly Place[];
  private readonly scope = new Map<Node, Expression>();

  constructor(
    context: PlaceContext,
    at: { readonly names: Names; readonly strip: Strip | undefined; readonly unit: Expression | undefined },
    around: readonly Place[],
  ) {
    this.context = context;
    this.to = context.to;
    this.names = at.names;
    this.strip = at.strip;
    this.unit = at.unit;
    this.around = around;
  }

  /** The width of a node's values: vectors if it varies along the vector atom. */
  widthOf(node: Node): number {
    const { vector, width } = this.context.schedule;
    return vector !== undefined && node.atoms.includes(vector) ? width : 1;
  }

  /** Writes the statement that computes the node, unless it needs none. @param result reads a reduction's result. */
  define(node: Node, result: (node: Node) => Expression): void {
    if (node.kind === "constant") return;
    const value = node.kind === "reduction" ? result(node) : this.expression(node, this.widthOf(node));
    if (node.kind === "reduction" && value.kind === "read") this.bind(node, value);
    else this.bind(node, this.name(node, value));
  }

  /** Defines a variable for the value. */
  name(node: Node, value: Expression): Expression {
    return this.to.define(this.names.define(hintOf(node)), value, spanOf(node));
  }

  bind(node: Node, value: Expression): void {
    this.scope.set(node, value);
  }

  valueOf(node: Node): Expression {
    return this.find(node) as Expression;
  }

  private find(node: Node): Expression | undefined {
    const own = this.scope.get(node);
    if (own !== undefined) return own;
    for (const place of this.around) {
      const found = place.scope.get(node);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  private expression(node: Node, width: number): Expression {
    switch (node.kind) {
      case "load": {
        const buffer = this.context.bufferOf(bufferName(node.value), "read");
        const use = node as Use;
        return load(buffer, this.indexOf(use, buffer), this.isUnit(use, buffer) ? buffer.type.width : 1);
      }
      case "position":
        return this.places.position(node.place as Along, node.value.element as "i32" | "u32", width);
      case "choice":
        return this.choice(node, width);
      case "elementwise": {
        const op = node.op as NonNullable<Node["op"]>;
        let args = node.operands.map((operand) => this.argument(operand));
        if (bindsConstants(op, args)) args = args.map((arg) => this.constant(arg, node));
        const value = elementwise(op, args, width);
        return this.context.isStrict && isKeptApart(op) ? opaque(value) : value;
      }
      case "centered": {
        const [x, mean] = node.operands as [Node, Node];
        return this.context.centered(mean, this.strip?.accumulatorOf.get(mean) as Accumulator, this.argument(x).value);
      }
      case "single": {
        if (scanOf(node.op as Op) !== undefined) return literal(laneType(node.value.element, width), 0);
        const { value } = this.argument(node.operands[0] as Node);
        const op = node.op as NonNullable<Node["op"]>;
        const elements = (less: number) => literal(value.type, 1 - less);
        return ofOne(op, node.value)?.(value, { elements, attributes: op.attributes }) ?? value;
      }
      case "constant":
      case "reduction":
      case "scan":
        throw new Error(`a ${node.kind} has no expression`);
      default:
        return node.kind satisfies never;
    }
  }

  argument(node: Node): Argument {
    if (node.kind !== "constant") return { value: this.valueOf(node) };
    const constant = node.op?.attributes.value as number;
    return { value: literal(laneType(node.value.element, 1), constant), constant };
  }

  /** Puts a constant into a variable, out of reach of WGSL's constant evaluation. */
  private constant(arg: Argument, node: Node): Argument {
    if (arg.constant === undefined) return arg;
    return { ...arg, value: this.to.variable(this.names.define("c"), arg.value, spanOf(node)) };
  }

  /** The element at a position of an axis that consists of several parts. */
  private choice({ operands, parts = [], place, value: { element } }: Node, width: number): Expression {
    const type = laneType(element, width);
    const partOf = ({ operand, fill }: Part) =>
      operand === undefined
        ? literal(type, fill as number)
        : widened(this.argument(operands[operand] as Node).value, width);
    const { at, scale } = this.places.compared(place as Along);
    return parts
      .toReversed()
      .map((part) => ({ value: partOf(part), end: part.end }))
      .reduce((after, { value, end }) => ({ value: select(after.value, value, binary("<", at, end / scale)), end }))
      .value;
  }

  private get places(): PlaceWriter {
    const { schedule } = this.context;
    return new PlaceWriter(schedule, {
      row: this.strip?.row,
      unit: this.unit,
      valueOf: (node) => this.argument(node).value,
    });
  }

  /** The positions of the unit's elements, as wide as the schedule. */
  placesOf(place: Along): Expression {
    return this.places.position(place, "i32", this.context.schedule.width);
  }

  /** Whether the use reads or writes whole vectors of the buffer. */
  private isUnit(use: Use, { type }: Buffer): boolean {
    const { vector, width } = this.context.schedule;
    return type.width > 1 && vector !== undefined && accessOf(use, vector, width) === "unit";
  }

  private split(use: Use, buffer: Buffer) {
    const { vector, width } = this.context.schedule;
    return splitUse(use, this.isUnit(use, buffer) && vector ? { vector, width } : undefined);
  }

  /** The terms of an index that depend on the row. */
  private rowTerms(strides: Strides): readonly Expression[] {
    return this.strip === undefined ? [] : indexAlong(strides, this.context.schedule.rows, this.strip.row);
  }

  /** Binds the part of an index that depends on the row to a variable, unless it is bound already. */
  bindRowPart(use: Use, buffer: Buffer, define: (part: Expression) => Expression): void {
    const part = sumOf(this.rowTerms(this.split(use, buffer).strides));
    const { parts, row } = this.strip as Strip;
    if (part === undefined || part === row) return;
    const key = keyOf(part);
    if (!parts.has(key)) parts.set(key, define(part));
  }

  private indexOf(use: Use, buffer: Buffer): Expression {
    const { strides, moved } = this.split(use, buffer);
    const terms = this.rowTerms(strides);
    const part = sumOf(terms);
    const bound = part && this.strip?.parts.get(keyOf(part));
    const columns = this.unit ? indexAlong(strides, this.context.schedule.columns, this.unit) : [];
    const others = moved.map(({ place, stride, inUnits }) => timesExtent(this.places.value(place, inUnits), stride));
    return sumOf([...(bound ? [bound] : terms), ...columns, ...others]) ?? count(0);
  }

  /** The index of the row's first element, counted in the buffer's array elements. */
  startOf(use: Use, buffer: Buffer): Expression {
    const part = sumOf(this.rowTerms(this.split(use, buffer).strides));
    return (part && this.strip?.parts.get(keyOf(part))) ?? part ?? count(0);
  }

  /** Loads a whole word of the row, which contains the elements of several units. */
  loadWord({ value }: Node, word: Expression): Expression {
    const buffer = this.context.bufferOf(bufferName(value), "read");
    return load(buffer, word, elementsInWord(buffer.storage));
  }

  /** The value to store, as wide as the buffer's elements. */
  storedValue({ node }: Store, { type }: Buffer): Expression {
    const { value, constant } = this.argument(node);
    return constant === undefined ? widened(value, type.width) : literal(type, constant);
  }

  store(store: Store): void {
    const stored = this.storedValue(store, this.context.bufferOf(store.name, "read_write"));
    this.update([store], () => [stored]);
  }

  /** Updates results of one shape, each in its buffer. @param after the new values, from the stored ones. */
  update(stores: readonly Store[], after: (before: readonly Expression[]) => readonly Expression[]): void {
    const { schedule, lane } = this.context;
    const [store] = stores as readonly [Store];
    const buffers = stores.map(({ name }) => this.context.bufferOf(name, "read_write"));
    const buffer = buffers[0] as Buffer;
    const { strides } = this.split(store, buffer);
    const { index, isRow } = this.strip as Strip;
    // A result without row axes is stored by the first row; if there are no row axes at all, by the only one.
    const hasRow = schedule.rows.length === 0 || schedule.rows.some(({ atom }) => strides.has(atom));
    const onceInRow = schedule.lanes > 1 ? [equals(lane(), 0)] : [];
    const conditions = [
      ...(hasRow && isRow ? [isRow] : []),
      ...onceAlong(strides, schedule.rows, index),
      ...(this.unit ? onceAlong(strides, schedule.columns, this.unit) : onceInRow),
    ];
    this.to.when(allOf(conditions), () => {
      const places = stores.map((store, i) => {
        const buffer = buffers[i] as Buffer;
        return { store, buffer, at: this.indexOf(store, buffer) };
      });
      const values = after(places.map(({ buffer, at }) => load(buffer, at)));
      for (const [i, { store, buffer, at }] of places.entries()) {
        this.to.store(buffer, at, widened(values[i] as Expression, buffer.type.width), spanOf(store.node));
      }
    });
  }
}

export const hintOf = (node: Node) => node.value.name ?? node.op?.name ?? "x";
