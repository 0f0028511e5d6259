/** What a rule sees of the node that it turns into ops. */

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

/** What the importer has made of the graph so far. */
export interface Surroundings {
  readonly builder: Builder;
  readonly types: Scope;
  readonly dimensions: Dimensions;
  /** The value of a name; an initializer is read by an op from here on. */
  value(name: string): Value;
  /** The numbers of a name that is a small constant of the model. */
  constant(name: string): { readonly shape: readonly number[]; readonly numbers: readonly number[] } | undefined;
  isUsed(name: string): boolean;
  /** What the language calls an element type. */
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

  /** What is known of an output. */
  result(index = 0): TensorInfo {
    return this.around.types.info(this.node.outputs[index] ?? "") ?? { element: undefined, shape: undefined };
  }

  /** The shape of an output, in dimensions of the program. */
  resultShape(index = 0): Dim[] {
    const { shape } = this.result(index);
    return this.dimensions.shape(shape ?? decline("the rank of its result is not known"));
  }

  /** Input `index`, of a type that the language has. */
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

  /** What the language calls an element type. */
  elementOf(dataType: number): ElementType | undefined {
    return this.around.elementOf(dataType);
  }

  optional(index: number): Value | undefined {
    return this.has(index) ? this.input(index) : undefined;
  }

  /** The single number of an input that is known, and the rank that it has. */
  number(index: number): { readonly value: number; readonly rank: number } | undefined {
    const [value, ...others] = this.constantItems(index) ?? [];
    if (value === undefined || others.length > 0) return undefined;
    return { value, rank: this.shape(index).length };
  }

  /** The numbers of an input that is a small constant. */
  numbers(index: number): readonly number[] | undefined {
    return this.has(index) ? this.around.constant(this.node.inputs[index] as string)?.numbers : undefined;
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
