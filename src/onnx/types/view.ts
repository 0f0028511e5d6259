/** The interface between a type rule and a node. */

import { type Extent, type Extents, isSame } from "../extent.ts";
import type { AttributeProto, NodeProto, TensorProto } from "../messages.ts";

/** An element of a tensor: an extent, any other number (0.5), or unknown. A boolean is 0 or 1. */
export type Item = Extent | undefined;

/** Items are inferred for tensors up to this size: no shape is longer. */
export const mostItems = 64;

/** What was inferred about a tensor. */
export interface TensorInfo {
  /** `TensorProto.DataType`. */
  readonly element: number | undefined;
  /** Undefined if the rank is unknown. */
  readonly shape: readonly Extent[] | undefined;
  /** The last extent, if it is known and the rank is not. */
  readonly last?: Extent | undefined;
  /** The elements of a small tensor in row-major order, if any of them is known. */
  readonly items?: readonly Item[] | undefined;
  /** Whether it is a sequence of tensors of this type. */
  readonly isSequence?: boolean;
}

/** The result of a rule, in which extents may be unknown. */
export interface Typed extends Omit<TensorInfo, "shape"> {
  readonly shape: readonly (Extent | undefined)[] | undefined;
}

/** Replaces unknown extents by new dimensions. */
export function closed({ shape, ...rest }: Typed, scope: Pick<Scope, "fresh">): TensorInfo {
  return { ...rest, shape: shape?.map((extent) => extent ?? scope.fresh()) };
}

/** Infers a type for each output; a missing one is unknown. */
export type TypeRule = (at: TypeView) => readonly (Typed | undefined)[];

/** The result has the type of the first input. */
export const likeFirst: TypeRule = (at) => [at.like(0)];

/** The result has the element type of the first input, and this shape. */
export const shaped =
  (shape: (at: TypeView) => Typed["shape"]): TypeRule =>
  (at) => [at.like(0, { shape: shape(at) })];

/** A rule does not support the node; the reason is a clause that can follow "because". */
export class Declined extends Error {}

export function decline(reason: string): never {
  throw new Declined(reason);
}

/** The result of a rule; undefined if it declines. */
export function tried<T>(rule: () => T): T | undefined {
  try {
    return rule();
  } catch (caught) {
    if (caught instanceof Declined) return undefined;
    throw caught;
  }
}

/** The graph of a node, with the types inferred so far. */
export interface Scope {
  readonly extents: Extents;
  /** An unknown extent. */
  fresh(): Extent;
  info(name: string): TensorInfo | undefined;
  /** The version of the standard operator set. */
  readonly opset: number;
  attribute(node: NodeProto, name: string): AttributeProto | undefined;
  /** The first element of a tensor, if it can be read. */
  numberOf(tensor: TensorProto): number | undefined;
  /** The types of a subgraph's results, given those of its inputs. */
  body(node: NodeProto, name: string, inputs: readonly (TensorInfo | undefined)[]): readonly (TensorInfo | undefined)[];
}

/** No op has longer lists as attributes. */
const mostInAttribute = 256;

export class TypeView {
  readonly node: NodeProto;
  protected readonly scope: Scope;

  constructor(node: NodeProto, scope: Scope) {
    this.node = node;
    this.scope = scope;
  }

  /** The version of the standard operator set. */
  get opset(): number {
    return this.scope.opset;
  }

  get extents(): Extents {
    return this.scope.extents;
  }

  fresh(): Extent {
    return this.scope.fresh();
  }

  /** The number of inputs, without trailing omitted ones. */
  get inputCount(): number {
    return this.node.inputs.findLastIndex((name) => name !== "") + 1;
  }

  has(index: number): boolean {
    return (this.node.inputs[index] ?? "") !== "";
  }

  /** What was inferred about an input. */
  info(index: number): TensorInfo {
    const name = this.node.inputs[index] ?? "";
    if (name === "") decline(`it has no input ${index}`);
    return this.scope.info(name) ?? { element: undefined, shape: undefined };
  }

  element(index: number): number | undefined {
    return this.info(index).element;
  }

  shape(index: number): readonly Extent[] {
    return this.info(index).shape ?? decline(`the rank of its input \`${this.node.inputs[index]}\` is not known`);
  }

  /** The shapes of all inputs. */
  shapes(): (readonly Extent[])[] {
    return Array.from({ length: this.inputCount }, (_, i) => this.shape(i));
  }

  /** The type of an input, with changes. */
  like(index: number, changes: Partial<Typed> = {}): Typed {
    const { element, shape } = this.has(index) ? this.info(index) : { element: undefined, shape: undefined };
    return { element, shape, ...changes };
  }

  itemsIfKnown(index: number): readonly Item[] | undefined {
    return this.has(index) ? this.info(index).items : undefined;
  }

  /** The elements of a small input, if all are known numbers. */
  constantItems(index: number): readonly number[] | undefined {
    const items = this.itemsIfKnown(index);
    return items?.every((item) => typeof item === "number") ? items : undefined;
  }

  /** The elements of a small input. Declines if one is unknown. */
  integers(index: number): readonly number[] {
    return this.constantItems(index) ?? decline(`its input \`${this.node.inputs[index]}\` is not a constant`);
  }

  protected attribute(name: string): AttributeProto | undefined {
    return this.scope.attribute(this.node, name);
  }

  hasAttribute(name: string): boolean {
    return this.attribute(name) !== undefined;
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

  tensorAttribute(name: string): TensorProto | undefined {
    return this.attribute(name)?.tensor;
  }

  numberOf(tensor: TensorProto): number | undefined {
    return this.scope.numberOf(tensor);
  }

  ints(name: string): readonly number[] | undefined {
    const attribute = this.attribute(name);
    if (attribute === undefined) return undefined;
    return (
      attribute.integers(mostInAttribute) ??
      decline(`its attribute \`${name}\` has more than ${mostInAttribute} numbers`)
    );
  }

  floats(name: string): readonly number[] | undefined {
    return this.attribute(name)?.floats(mostInAttribute);
  }

  body(name: string, inputs: readonly (TensorInfo | undefined)[]): readonly (TensorInfo | undefined)[] {
    return this.scope.body(this.node, name, inputs);
  }

  /** The axis, counted from the front. Declines if there is no such axis. */
  axis(axis: number, rank: number): number {
    const normal = axis < 0 ? axis + rank : axis;
    return normal >= 0 && normal < rank ? normal : decline(`its axis ${axis} is out of range for rank ${rank}`);
  }

  axes(axes: readonly number[], rank: number): number[] {
    return axes.map((axis) => this.axis(axis, rank));
  }

  /** Axes that are an attribute up to opset `last`, and input `index` from then on. */
  axesOf(last: number, index: number): readonly number[] | undefined {
    if (this.opset <= last) return this.ints("axes");
    return this.has(index) ? this.integers(index) : undefined;
  }
}

/** Whether two shapes are known to be equal. */
export function sameExtents(
  a: readonly (Extent | undefined)[] | undefined,
  b: readonly (Extent | undefined)[] | undefined,
): boolean {
  if (a === undefined || b === undefined || a.length !== b.length) return false;
  return a.every((extent, i) => {
    const other = b[i];
    return extent !== undefined && other !== undefined && isSame(extent, other);
  });
}

/** A table with the same rule for several ops, whose names are separated by spaces. */
export function each(names: string, rule: TypeRule): Record<string, TypeRule> {
  return Object.fromEntries(names.split(" ").map((name) => [name, rule]));
}
