/** What a rule sees of the node that it turns into ops. */

import type { Builder } from "../ir/builder.ts";
import type { Attributes, Value } from "../ir/ir.ts";
import type { OpName } from "../ir/ops/index.ts";
import type { Dim, ElementType, Shape } from "../ir/types.ts";
import { printType } from "../ir/types.ts";
import type { Dimensions } from "./dimensions.ts";
import type { Item, KnownItems } from "./known.ts";
import type { NodeProto } from "./messages.ts";
import type { OnnxModel } from "./model.ts";

/** The node does something that the language has no op for; the reason is a clause that can follow "because". */
export class Declined extends Error {}

export function decline(reason: string): never {
  throw new Declined(reason);
}

/** What the importer has made of the graph so far. */
export interface Surroundings {
  readonly model: OnnxModel;
  readonly builder: Builder;
  readonly known: KnownItems;
  readonly dimensions: Dimensions;
  /** The value of a name; an initializer is read by an op from here on. */
  value(name: string): Value;
  /** The numbers of a name that is a small constant of the model. */
  constant(name: string): { readonly shape: readonly number[]; readonly numbers: readonly number[] } | undefined;
  isUsed(name: string): boolean;
}

/** Longer lists in attributes than any op has. */
const mostInAttribute = 256;

export class NodeView {
  readonly node: NodeProto;
  /** The version of ONNX's operator set. */
  readonly opset: number;
  private readonly around: Surroundings;

  constructor(node: NodeProto, around: Surroundings) {
    this.node = node;
    this.around = around;
    this.opset = around.model.opset;
  }

  get dimensions(): Dimensions {
    return this.around.dimensions;
  }

  /** How many inputs it has, those left out at the end not counted. */
  get inputCount(): number {
    return this.node.inputs.findLastIndex((name) => name !== "") + 1;
  }

  has(index: number): boolean {
    return (this.node.inputs[index] ?? "") !== "";
  }

  /** Input `index`, of a type that the language has. */
  input(index: number): Value {
    const name = this.node.inputs[index] ?? "";
    if (name === "") decline(`it has no input ${index}`);
    const value = this.around.value(name);
    return value.type.opaque ? decline(`nothing is known of its input \`${name}\``) : value;
  }

  optional(index: number): Value | undefined {
    return this.has(index) ? this.input(index) : undefined;
  }

  /** The single number of an input that is a constant, and the rank that it has. */
  number(index: number): { readonly value: number; readonly rank: number } | undefined {
    const found = this.has(index) ? this.around.constant(this.node.inputs[index] as string) : undefined;
    if (found === undefined || found.numbers.length !== 1) return undefined;
    return { value: found.numbers[0] as number, rank: found.shape.length };
  }

  /** The numbers of an input that is a small constant. */
  numbers(index: number): readonly number[] | undefined {
    return this.has(index) ? this.around.constant(this.node.inputs[index] as string)?.numbers : undefined;
  }

  /** What is known of an integer input's items. */
  items(index: number): readonly Item[] {
    const items = this.around.known.of(this.input(index));
    return items ?? decline(`its input \`${this.node.inputs[index]}\` is not known before it runs`);
  }

  itemsIfKnown(index: number): readonly Item[] | undefined {
    return this.around.known.of(this.input(index));
  }

  /** The numbers of an integer input, if all are known. */
  constantItems(index: number): readonly number[] | undefined {
    const items = this.itemsIfKnown(index);
    return items?.every((item) => typeof item === "number") ? items : undefined;
  }

  /** The numbers of an integer input that is known. */
  integers(index: number): readonly number[] {
    const items = this.items(index);
    const name = items.find((item) => typeof item !== "number");
    if (items.every((item) => typeof item === "number")) return items;
    return decline(`its input \`${this.node.inputs[index]}\` is not known before it runs (${name ?? "an extent"})`);
  }

  private attribute(name: string) {
    return this.around.model.attribute(this.node, name);
  }

  int(name: string, other: number): number {
    return this.attribute(name)?.integer ?? other;
  }

  float(name: string, other: number): number {
    return this.attribute(name)?.float ?? other;
  }

  text(name: string, other: string): string {
    return this.attribute(name)?.text ?? other;
  }

  tensorAttribute(name: string) {
    return this.attribute(name)?.tensor;
  }

  ints(name: string): readonly number[] | undefined {
    const attribute = this.attribute(name);
    if (attribute === undefined) return undefined;
    return (
      attribute.integers(mostInAttribute) ??
      decline(`its attribute \`${name}\` has more than ${mostInAttribute} numbers`)
    );
  }

  /** Whether something takes output `index`. */
  wants(index: number): boolean {
    const name = this.node.outputs[index] ?? "";
    return name !== "" && this.around.isUsed(name);
  }

  emit(name: OpName, operands: readonly (Value | undefined)[], attributes: Attributes = {}): Value {
    return this.around.builder.emit(name, operands, attributes);
  }

  constant(element: ElementType, value: number): Value {
    return this.around.builder.constant(element, value);
  }

  /** An axis counted from the front. */
  axis(axis: number, rank: number): number {
    const normal = axis < 0 ? axis + rank : axis;
    return normal >= 0 && normal < rank ? normal : decline(`its axis ${axis} is not one of ${rank}`);
  }

  axes(axes: readonly number[], rank: number): number[] {
    return axes.map((axis) => this.axis(axis, rank));
  }

  /** Axes that are an attribute up to operator set `last`, and input `index` from then on. */
  axesOf(last: number, index: number): readonly number[] | undefined {
    if (this.opset <= last) return this.ints("axes");
    return this.has(index) ? this.integers(index) : undefined;
  }

  reshape(x: Value, shape: Shape): Value {
    return this.emit("reshape", [x], { shape: [...shape] });
  }

  /** Elements of `x` along an axis from `start` to `end - 1`. */
  slice(x: Value, axis: number, start: number, end: number): Value {
    return this.emit("slice", [x], { axis, start, end });
  }
}

/** The extent of an axis, which must be a number. */
export function extentOf(x: Value, axis: number): number {
  const extent = x.shape.at(axis) as Dim;
  return typeof extent === "number" ? extent : decline(`axis ${axis} of ${printType(x.type)} has no number`);
}

export type Rule = (at: NodeView) => Value | readonly (Value | undefined)[];
