/** What a row of the op table says of its meaning over a field; `exact.ts` has the meanings. */

import type { Algebra } from "../field/algebra.ts";
import type { Elements } from "../field/prime.ts";
import type { Attributes } from "../ir.ts";
import type { ElementType } from "../types.ts";

/** Operands of one length, or of length 1; `element` is their type. */
export type ElementwiseMeaning = (
  field: Algebra,
  operands: readonly Elements[],
  at: { readonly element: ElementType; readonly attributes: Attributes },
) => Elements;

/** Rows of `width` elements, one after the other, to one tensor a result. */
export type ReductionMeaning = (
  field: Algebra,
  rows: Elements,
  width: number,
  attributes: Attributes,
) => readonly Elements[];

/**
 * Results are linear in each of the first two operands, and in the third, which is added; or they are sums of elements of
 * operands.
 */
export type LinearMeaning = "bilinear" | "sums";
