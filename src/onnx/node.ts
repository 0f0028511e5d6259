/** The interface between a rule and the node that it imports. */

import type { Builder } from "../ir/builder.ts";
import type { Attributes, Value } from "../ir/ir.ts";
import type { OpName } from "../ir/ops/index.ts";
import type { Dim, ElementType, Shape } from "../ir/types.ts";
import { printType } from "../ir/types.ts";
import { whyForeign } from "./data-types.ts";
import type { Dimensions } from "./dimensions.ts";
import type { NodeProto } from "./messages.ts";
import { isRowwise } from "./types/last.ts";
import { decline, type Scope, type TensorInfo, TypeView } from "./types/view.ts";

export { Declined, decline } from "./types/view.ts";

/** The state of the import that rules use. */
export interface Surroundings {
  readonly builder: Builder;
  readonly types: Scope;
  readonly dimensions: Dimensions;
  /** The value of a tensor; the first use of an initializer emits the op that reads it. */
  value(name: string): Value;
  /** The elements of a small constant. */
  constant(name: string): { readonly shape: readonly number[]; readonly numbers: readonly number[] } | undefined;
  isUsed(name: string): boolean;
  /** The element type in the language, or undefined if it has none. */
  elementOf(dataType: number | undefined): ElementType | undefined;
}

export class NodeView extends TypeView {
  private readonly around: Surroundings;

  constructor(node: NodeProto, around: Surroundings) {
    super(node, around.types);
    this.around = around;
  }

  get dimensions(): Dimensions {
    return this.around.dimensions;
  }

  /** What was inferred about an output. */
  result(index = 0): TensorInfo {
    return this.around.types.info(this.node.outputs[index] ?? "") ?? { element: undefined, shape: undefined };
  }

  /** The shape of an output, in the program's dimensions. */
  resultShape(index = 0): Dim[] {
    const { shape } = this.result(index);
    return this.dimensions.shape(shape ?? decline("the rank of its result is not known"));
  }

  /** Input `index`. Declines if its type is unknown or not supported. */
  input(index: number): Value {
    const name = this.node.inputs[index] ?? "";
    if (name === "") decline(`it has no input ${index}`);
    const value = this.around.value(name);
    if (!value.type.opaque && this.info(index).shape === undefined && !isRowwise(this))
      decline(`the rank of its input \`${name}\` is not known`);
    return value.type.opaque ? decline(this.whyOpaque(index, name)) : value;
  }

  private whyOpaque(index: number, name: string): string {
    const { element, shape, isSequence } = this.info(index);
    if (element !== undefined && this.elementOf(element) === undefined) {
      return `its input \`${name}\` is ${whyForeign(element)}`;
    }
    if (isSequence === true) return `its input \`${name}\` is a sequence`;
    if (element === undefined) return `the type of its input \`${name}\` is not known`;
    return shape === undefined
      ? `the rank of its input \`${name}\` is not known`
      : `its input \`${name}\` is too large`;
  }

  /** The element type in the language, or undefined if it has none. */
  elementOf(dataType: number): ElementType | undefined {
    return this.around.elementOf(dataType);
  }

  optional(index: number): Value | undefined {
    return this.has(index) ? this.input(index) : undefined;
  }

  /** The value and the rank of an input that is a known number: a tensor of one element. */
  number(index: number): { readonly value: number; readonly rank: number } | undefined {
    const [value, ...others] = this.constantItems(index) ?? [];
    if (value === undefined || others.length > 0) return undefined;
    return { value, rank: this.shape(index).length };
  }

  /** The elements of an input that is a small constant. */
  numbers(index: number): readonly number[] | undefined {
    return this.has(index) ? this.around.constant(this.node.inputs[index] as string)?.numbers : undefined;
  }

  /** Whether output `index` is used. */
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

  reshape(x: Value, shape: Shape): Value {
    return this.emit("reshape", [x], { shape: [...shape] });
  }

  /** The elements `[start, end)` of `x` along an axis. */
  slice(x: Value, axis: number, start: number, end: number): Value {
    return this.emit("slice", [x], { axis, start, end });
  }
}

/** The extent of an axis. Declines if it is not a number. */
export function extentOf(x: Value, axis: number): number {
  const extent = x.shape.at(axis) as Dim;
  return typeof extent === "number"
    ? extent
    : decline(`the extent of axis ${axis} of ${printType(x.type)} is not a number`);
}

export type Rule = (at: NodeView) => Value | readonly (Value | undefined)[];
