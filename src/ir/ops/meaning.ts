/**
 * The meaning of an op over a field (src/ir/field): the column of the op table by which programs are compared
 * without a tolerance.
 *
 * The laws of real arithmetic that passes use hold there too: those of fields, exp of a sum, roots of products, lattices, and
 * the idempotence of rounding. Derived ops are expanded. All other ops are uninterpreted.
 */

import type { Algebra } from "../field/algebra.ts";
import type { Elements } from "../field/prime.ts";
import type { ElementType } from "../types.ts";
import type { AttributeDefs, AttributesOf } from "./attributes.ts";

/** The operands of an op, of which there are at most three. Those beyond the op's own are missing. */
export type Operands<T> = [T, T, T];

/** Operands of one length, or of length 1; `element` is their type. */
export type ElementwiseMeaning<A extends AttributeDefs = AttributeDefs> = (
  field: Algebra,
  operands: Operands<Elements>,
  at: { readonly element: ElementType; readonly attributes: AttributesOf<A> },
) => Elements;

/** Reduces consecutive rows of `width` elements, to one tensor per result. */
export type ReductionMeaning<A extends AttributeDefs = AttributeDefs> = (
  field: Algebra,
  rows: Elements,
  width: number,
  attributes: AttributesOf<A>,
) => readonly Elements[];

/**
 * The result is linear in each of the first two operands, and in the third, which is added (`bilinear`); or it consists of sums of
 * elements of operands (`sums`).
 */
export type LinearMeaning = "bilinear" | "sums";
