/**
 * Helpers for rows of elementwise ops. The rows are in files by family, each of which exports its ops by their
 * names. A row contains everything that the compiler knows about its op.
 */

import {
  type BinaryOperator,
  type BuiltinFunction,
  call,
  type Expression,
  library as libraryCall,
  binary as operation,
} from "../../kernel/expression.ts";
import type { Value } from "../ir.ts";
import type { AttributeDefs, Declaring } from "./attributes.ts";
import { type ElementwiseDef, floats, numbers, type OperandDef } from "./def.ts";
import type { Adjoint, Terms, Vjp } from "./vjp.ts";
import type { WgslFunction } from "./wgsl-functions.ts";

type Unsaid = "kind" | "operands" | "attributes" | "elements" | "facts" | "result";

/** A row without the columns that have defaults. */
interface Parts<A extends AttributeDefs>
  extends Omit<ElementwiseDef<A>, Unsaid>,
    Partial<Pick<ElementwiseDef<A>, "elements" | "facts" | "result">> {
  /** None by default. */
  readonly attributes?: A;
}

function row<A extends AttributeDefs>(
  operands: readonly (OperandDef & { readonly element?: "bool" })[],
  elements: ElementwiseDef["elements"],
  parts: Parts<A>,
): Declaring<ElementwiseDef, A> {
  const attributes = {};
  // Functions of a row are only called with that row's attributes.
  return { kind: "elementwise", operands, attributes, elements, facts: {}, result: "same", ...parts } as never;
}

/** An op of one operand `x`, of floats unless `elements` is given. */
export function unary<const A extends AttributeDefs = Record<never, never>>(
  parts: Parts<A>,
): Declaring<ElementwiseDef, A> {
  return row([{ name: "x" }], floats, parts);
}

/** An op of two operands `a` and `b`, of numbers unless `elements` is given. */
export function binary<const A extends AttributeDefs = Record<never, never>>(
  parts: Parts<A>,
): Declaring<ElementwiseDef, A> {
  return row([{ name: "a" }, { name: "b" }], numbers, parts);
}

/** An op of three operands, of numbers unless `elements` is given. */
export function ternary<const A extends AttributeDefs = Record<never, never>>(
  parts: Parts<A> & Pick<ElementwiseDef, "operands">,
): Declaring<ElementwiseDef, A> {
  return row(parts.operands, numbers, parts);
}

type Kernel = ElementwiseDef["kernel"];

/** The kernel expression of a builtin function of WGSL. */
export const builtin =
  (name: BuiltinFunction): Kernel =>
  (args) =>
    call(name, ...args);

/** The kernel expression of a function in `wgsl-functions.ts`. */
export const library =
  (name: WgslFunction): Kernel =>
  (args) =>
    libraryCall(name, ...args);

/** The kernel expression of an operator. */
export const infix =
  (symbol: BinaryOperator): Kernel =>
  ([a, b]) =>
    operation(symbol, a, b);

export const above = (a: Expression, b: Expression): Expression => operation(">", a, b);
export const below = (a: Expression, b: Expression): Expression => operation("<", a, b);
export const atMost = (a: Expression, b: Expression): Expression => operation("<=", a, b);

/** The meaning of an uninterpreted op. */
export const uninterpreted =
  (name: string): ElementwiseDef["exact"] =>
  (field, operands) =>
    field.apply(name, operands);

/** What a derivative may use: the operands, or `x` if there is one, the result `y` and its cotangent `dy`. */
export interface At {
  readonly x: Value;
  readonly a: Value;
  readonly b: Value;
  readonly c: Value;
  readonly y: Value;
  readonly dy: Value;
  readonly attributes: Adjoint["attributes"];
}

/** The cotangent of an operand. */
type Formula = (t: Terms, at: At) => Value;

/**
 * The derivative of an op by each of its operands; `null` for one that gets no gradient.
 *
 * Formulas are in an order in which intermediate results neither overflow nor cancel: ((dy y) y) y stays between dy
 * and the result, y^3 does not. At a jump of the derivative one side is chosen; equal operands of minima and maxima share `dy`.
 */
export const by = (...formulas: readonly (Formula | null)[]): Vjp => ({
  by: formulas.map(
    (formula) =>
      formula &&
      (({ operands, results, cotangents, attributes, terms }) => {
        const [x, b, c] = operands as readonly [Value, Value, Value];
        const [y, dy] = [results[0] as Value, cotangents[0] as Value];
        return formula(terms, { x, a: x, b, c, y, dy, attributes });
      }),
  ),
});

/** Neither operand gets a gradient. */
export const noGradient: Vjp = by(null, null);

/** The derivative of a piecewise constant function. */
export const jumps: Vjp = { none: "it has jumps, and is constant between them" };
