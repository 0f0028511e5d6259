/**
 * Helpers for rows of ops that move elements by an index map: slices, concatenations, padding, reversal and lookups.
 *
 * Each has an `IndexMap`, which gives the source of an element of the result. A kernel composes that map with the index at which it
 * loads, through the ops in between, as tinygrad does with movement ops (tinygrad/schedule/rangeify.py): nothing is
 * stored in between. Futhark's index functions (LMADs) have one stride per axis, and so express neither seams nor lookups.
 *
 * A derivative is the transpose of the move: an element gets the sum of the cotangents at all positions that it is moved to.
 */

import { type Dim, printShape, type Shape } from "../types.ts";
import type { AttributeDefs, AttributesOf, Declaring } from "./attributes.ts";
import { anyElement, type IndexDef } from "./def.ts";

interface Parts<A extends AttributeDefs>
  extends Omit<IndexDef<A>, "kind" | "facts" | "attributes" | "elements">,
    Partial<Pick<IndexDef<A>, "elements">> {
  /** None by default. */
  readonly attributes?: A;
}

/** An op of tensors of any element type, unless `elements` is given. */
export function indexOp<const A extends AttributeDefs = Record<never, never>>(parts: Parts<A>): Declaring<IndexDef, A> {
  // Functions of a row are only called with that row's attributes.
  return { kind: "index", facts: {}, attributes: {}, elements: anyElement, ...parts } as never;
}

/** The attribute of an op along an axis. */
export const along = { axis: { type: "axis", summary: "The axis; -1 is the last." } } as const;
type Along = AttributesOf<typeof along>;

export const printed = (shape: Shape): string => (shape.length === 0 ? "a scalar" : printShape(shape));

/** The shape with another extent along an axis. */
export const withExtent = (shape: Shape, axis: number, extent: Dim): Shape => shape.with(axis + shape.length, extent);

/** The extent of the op's axis in its first operand. */
export const extentOf = ([x]: readonly (Shape | undefined)[], { axis }: Along): Dim => (x as Shape).at(axis) as Dim;
