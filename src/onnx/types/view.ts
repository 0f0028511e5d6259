/** What a rule sees of a node whose results it types. */

import { type Extent, type Extents, isSame } from "../extent.ts";
import type { AttributeProto, NodeProto, TensorProto } from "../messages.ts";

/** What is known of an element: an extent, a number that is none (0.5), or nothing. A boolean is 0 or 1. */
export type Item = Extent | undefined;

/** More items than any shape has. */
export const mostItems = 64;

/** What is known of a tensor before the model runs. */
export interface TensorInfo {
  /** `TensorProto.DataType`. */
  readonly element: number | undefined;
  /** `undefined` where the rank is not known. */
  readonly shape: readonly Extent[] | undefined;
  /** The last extent, where that is known and the rank is not. */
  readonly last?: Extent | undefined;
  /** Its elements in row-major order, where it is small and something is known of them. */
  readonly items?: readonly Item[] | undefined;
  /** Whether it is a sequence of such tensors. */
  readonly isSequence?: boolean;
}

/** The result of a rule: an extent that is `undefined` is not known. */
export interface Typed extends Omit<TensorInfo, "shape"> {
  readonly shape: readonly (Extent | undefined)[] | undefined;
}

/** A type for each output; what is missing is not known. */
export type TypeRule = (at: TypeView) => readonly (Typed | undefined)[];

/** `TensorProto.DataType` by name, as far as rules need it. */
export const types = {
  ...{ float: 1, uint8: 2, int8: 3, uint16: 4, int16: 5, int32: 6, int64: 7, string: 8, bool: 9, half: 10, double: 11 },
  ...{ uint32: 12, uint64: 13, bfloat16: 16 },
} as const;

/** The node does something that there is no rule for; the reason is a clause that can follow "because". */
export class Declined extends Error {}

export function decline(reason: string): never {
  throw new Declined(reason);
}

/** The graph around a node, as far as it is typed. */
export interface Scope {
  readonly extents: Extents;
  /** A dimension of which nothing is known. */
  fresh(): Extent;
  info(name: string): TensorInfo | undefined;
  /** The version of ONNX's operator set. */
  readonly opset: number;
  attribute(node: NodeProto, name: string): AttributeProto | undefined;
  /** The one number of a tensor. */
  numberOf(tensor: TensorProto): number | undefined;
  /** The results of a graph in an attribute of the node, given what its inputs are. */
  body(node: NodeProto, name: string, inputs: readonly (TensorInfo | undefined)[]): readonly (TensorInfo | undefined)[];
}

/** Longer lists in attributes than any op has. */
const mostInAttribute = 256;

export class TypeView {
  readonly node: NodeProto;
  protected readonly scope: Scope;

  constructor(node: NodeProto, scope: Scope) {
    this.node = node;
    this.scope = scope;
  }

  /** The version of ONNX's operator set. */
  get opset(): number {
    return this.scope.opset;
  }

  get extents(): Extents {
    return this.scope.extents;
  }

  fresh(): Extent {
    return this.scope.fresh();
  }

  /** How many inputs it has, those left out at the end not counted. */
  get inputCount(): number {
    return this.node.inputs.findLastIndex((name) => name !== "") + 1;
  }

  has(index: number): boolean {
    return (this.node.inputs[index] ?? "") !== "";
  }

  /** What is known of an input. */
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

  /** The shapes of all inputs from `first` on. */
  shapes(first = 0): (readonly Extent[])[] {
    return Array.from({ length: this.inputCount - first }, (_, i) => this.shape(first + i));
  }

  /** Like an input, in another shape or of another type. */
  like(index: number, changes: Partial<Typed> = {}): Typed {
    const { element, shape } = this.has(index) ? this.info(index) : { element: undefined, shape: undefined };
    return { element, shape, ...changes };
  }

  /** What is known of an integer input's items. */
  items(index: number): readonly Item[] {
    return this.itemsIfKnown(index) ?? decline(`its input \`${this.node.inputs[index]}\` is not known before it runs`);
  }

  itemsIfKnown(index: number): readonly Item[] | undefined {
    return this.has(index) ? this.info(index).items : undefined;
  }

  /** The numbers of a small input, if all are known. */
  constantItems(index: number): readonly number[] | undefined {
    const items = this.itemsIfKnown(index);
    return items?.every((item) => typeof item === "number") ? items : undefined;
  }

  /** The numbers of a small input that is known. */
  integers(index: number): readonly number[] {
    this.items(index);
    return this.constantItems(index) ?? decline(`its input \`${this.node.inputs[index]}\` is not known before it runs`);
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
}

/** Whether extents are the same, known or not. */
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

/** How a rule gets a table from names. */
export function each(names: string, rule: TypeRule): Record<string, TypeRule> {
  return Object.fromEntries(names.split(" ").map((name) => [name, rule]));
}
