/**
 * Literals have no element type of their own: they are float64 (or booleans) until they meet a tensor or a declaration,
 * whose element type they take.
 */

import * as elementErrors from "../diagnostics/areas/elements.ts";
import { type Diagnostic, fail, type Span } from "../diagnostics/diagnostic.ts";
import { completeAttributes, inferTypes, type Places } from "../ir/infer.ts";
import type { Attributes } from "../ir/ir.ts";
import { type OpName, ops } from "../ir/ops/index.ts";
import { printNumber } from "../ir/print.ts";
import { type ElementType, holds, isInteger, tensorType } from "../ir/types.ts";

export interface Literal {
  readonly kind: "literal";
  readonly value: number;
  /** `true` and `false` are distinguished from 1 and 0. */
  readonly boolean: boolean;
  readonly span: Span;
}

export function printedLiteral(literal: Literal): string {
  return literal.boolean ? String(literal.value !== 0) : printNumber(literal.value);
}

function whyNot(literal: Literal, element: ElementType): string | undefined {
  if (literal.boolean !== (element === "bool")) {
    return literal.boolean ? "it is a boolean" : "it is a number, and bool has `true` and `false`";
  }
  if (holds(element, literal.value)) return undefined;
  if (!isInteger(element)) {
    return Math.abs(literal.value) < 1 ? "it is too small, and would become 0" : "it is too large";
  }
  return Number.isInteger(literal.value) ? "it is out of range" : "it is not a whole number";
}

/** The error if `literal` is not a valid number of type `element`. */
export function literalProblem(literal: Literal, element: ElementType): Diagnostic | undefined {
  const reason = whyNot(literal, element);
  return reason === undefined
    ? undefined
    : elementErrors.literalRange(literal.span, printedLiteral(literal), element, reason);
}

/**
 * Evaluates an elementwise op on literals alone, in float64.
 * @throws TircError if the op is not elementwise or does not take these literals.
 */
export function foldLiterals(
  name: OpName,
  literals: readonly (Literal | undefined)[],
  attributes: Attributes,
  places: Places,
): Literal & { element: ElementType } {
  const def = ops[name];
  if (def.kind !== "elementwise") fail(elementErrors.noConstantFolding(places.op, name));
  const types = literals.map((literal) => literal && tensorType(literal.boolean ? "bool" : "f32", []));
  const complete = completeAttributes(name, attributes, types, places);
  const element = inferTypes(name, types, complete, places)[0]?.element as ElementType;
  const [a, b, c] = literals.map((literal) => literal?.value as number);
  const at = { element: types.at(-1)?.element as ElementType, attributes: complete };
  const value = def.scalar(a as number, b as number, c as number, at);
  return { kind: "literal", value, boolean: element === "bool", span: places.op, element };
}
