/** Expressions of elementwise ops, from the rows of the op table. */

import type { Op } from "../src/ir/ir.ts";
import type { ElementwiseDef, KernelContext } from "../src/ir/ops/def.ts";
import { ops, symbolOf } from "../src/ir/ops/index.ts";
import type { Operands } from "../src/ir/ops/meaning.ts";
import { type ElementType, elementInfo, isInteger } from "../src/ir/types.ts";
import { type Expression, literal, widened } from "../src/kernel/expression.ts";
import { type Scalar, type Type, typeOf } from "../src/kernel/types.ts";

/** The type in which elements are computed. */
export const computedType = (element: ElementType): Scalar => elementInfo[element].computed;

/** The type of a vector of `width` elements. */
export const laneType = (element: ElementType, width: number): Type => typeOf(computedType(element), width);

/** An operand of an op, with its number if it is a constant. */
export interface Argument {
  readonly value: Expression;
  readonly constant?: number | undefined;
}

/** Operators that take a vector and a scalar. */
const mixesWidths: ReadonlySet<string | undefined> = new Set(["+", "-", "*", "/"]);

/** The op applied to these arguments, `width` elements at a time. */
export function elementwise(op: Op, args: readonly Argument[], width: number): Expression {
  const def = ops[op.name] as ElementwiseDef;
  const element = (args.at(-1) as Argument).value.type.scalar;
  const mixes =
    args.length === 2 && mixesWidths.has(symbolOf[op.name]) && args.some(({ value }) => value.type.width === width);
  const values = args.map(({ value }) => (mixes ? value : widened(value, width)));
  const context: KernelContext = {
    element,
    attributes: op.attributes,
    type: (of) => laneType(of, width),
    literal: (value) => literal(typeOf(element, width), value),
    constant: (operand) => args[operand]?.constant,
  };
  return def.kernel(values as Operands<Expression>, context);
}

/**
 * Whether the op's constants must be bound to variables: WGSL evaluates constant expressions when it compiles, and rejects some.
 */
export function bindsConstants(op: Op, args: readonly Argument[]): boolean {
  const { isPartial } = ops[op.name] as ElementwiseDef;
  const isInt = isInteger((args[0] as Argument).value.type.scalar);
  return (isPartial && isInt) || args.every((arg) => arg.constant !== undefined);
}
