/**
 * What rows of elementwise ops are written with. The rows stand in files by family: each exports its ops, an op under its
 * name. A row says all that the compiler knows of its op.
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

/** A row, less what most have in common. */
interface Parts<A extends AttributeDefs>
  extends Omit<ElementwiseDef<A>, Unsaid>,
    Partial<Pick<ElementwiseDef<A>, "elements" | "facts" | "result">> {
  /** None unless said otherwise. */
  readonly attributes?: A;
}

function row<A extends AttributeDefs>(
  operands: readonly (OperandDef & { readonly element?: "bool" })[],
  elements: ElementwiseDef["elements"],
  parts: Parts<A>,
): Declaring<ElementwiseDef, A> {
  const attributes = {};
  // What reads the attributes of its own row is given no others.
  return { kind: "elementwise", operands, attributes, elements, facts: {}, result: "same", ...parts } as never;
}

/** An op of one operand `x`, of floats unless `elements` says otherwise. */
export function unary<const A extends AttributeDefs = Record<never, never>>(
  parts: Parts<A>,
): Declaring<ElementwiseDef, A> {
  return row([{ name: "x" }], floats, parts);
}

/** An op of two operands `a` and `b`, of numbers unless `elements` says otherwise. */
export function binary<const A extends AttributeDefs = Record<never, never>>(
  parts: Parts<A>,
): Declaring<ElementwiseDef, A> {
  return row([{ name: "a" }, { name: "b" }], numbers, parts);
}

/** An op of three operands, of numbers unless `elements` says otherwise. */
export function ternary<const A extends AttributeDefs = Record<never, never>>(
  parts: Parts<A> & Pick<ElementwiseDef, "operands">,
): Declaring<ElementwiseDef, A> {
  return row(parts.operands, numbers, parts);
}

type Kernel = ElementwiseDef["kernel"];

/** The kernel of a function of WGSL. */
export const builtin =
  (name: BuiltinFunction): Kernel =>
  (args) =>
    call(name, ...args);

/** The kernel of a function of `wgsl-functions.ts`. */
export const library =
  (name: WgslFunction): Kernel =>
  (args) =>
    libraryCall(name, ...args);

/** The kernel of an operator. */
export const infix =
  (symbol: BinaryOperator): Kernel =>
  ([a, b]) =>
    operation(symbol, a, b);

export const above = (a: Expression, b: Expression): Expression => operation(">", a, b);
export const below = (a: Expression, b: Expression): Expression => operation("<", a, b);
export const atMost = (a: Expression, b: Expression): Expression => operation("<=", a, b);

/** The meaning of an op of which nothing is known but that it is a function. */
export const uninterpreted =
  (name: string): ElementwiseDef["exact"] =>
  (field, operands) =>
    field.apply(name, operands);

/** What a derivative is written with: operands, of one operand `x`; the result `y` and its cotangent `dy`. */
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
 * The derivative of an op by each of its operands; `null` for one through which no gradient goes.
 *
 * Where a formula has parts that overflow or cancel, its order is that in which they do not: ((dy y) y) y stays between dy
 * and the result, y^3 does not. At a jump of the derivative the side is said; minima and maxima of equals share `dy`.
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

/** No gradient goes through either operand. */
export const noGradient: Vjp = by(null, null);

/** Of a function that is constant between its jumps. */
export const jumps: Vjp = { none: "it jumps, and is constant everywhere else" };
