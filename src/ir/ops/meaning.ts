/**
 * What a row of the op table says of its meaning over a field (src/ir/field): the column by which programs are compared
 * without a tolerance.
 *
 * Laws of real arithmetic that passes use hold there too: those of fields, exp of a sum, roots of products, lattices, and
 * that what is rounded already is left alone. Derived ops are their definitions. All else is uninterpreted.
 */

import type { Algebra } from "../field/algebra.ts";
import type { Elements } from "../field/prime.ts";
import type { ElementType } from "../types.ts";
import type { AttributeDefs, AttributesOf } from "./attributes.ts";

/** One for each operand of the op, which are three at most: of an op that has fewer the others are not there. */
export type Operands<T> = [T, T, T];

/** Operands of one length, or of length 1; `element` is their type. */
export type ElementwiseMeaning<A extends AttributeDefs = AttributeDefs> = (
  field: Algebra,
  operands: Operands<Elements>,
  at: { readonly element: ElementType; readonly attributes: AttributesOf<A> },
) => Elements;

/** Rows of `width` elements, one after the other, to one tensor a result. */
export type ReductionMeaning<A extends AttributeDefs = AttributeDefs> = (
  field: Algebra,
  rows: Elements,
  width: number,
  attributes: AttributesOf<A>,
) => readonly Elements[];

/**
 * Results are linear in each of the first two operands, and in the third, which is added; or they are sums of elements of
 * operands.
 */
export type LinearMeaning = "bilinear" | "sums";
