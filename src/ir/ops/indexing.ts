/**
 * What rows of ops are written with that move elements by their index: cut, joined, padded, reversed and looked up tensors.
 *
 * Each says by one `IndexMap` from where an element of the result comes. A kernel takes that map into the index at which it
 * loads, through whatever is computed in between, as tinygrad's movement ops do (tinygrad/schedule/rangeify.py): nothing is
 * stored on the way. Futhark's index functions (LMADs) hold one stride an axis, and so neither a seam nor a lookup.
 *
 * A derivative is the transpose of the move: an element gets the sum of the cotangents at all places where it stands.
 */

import { type Dim, printShape, type Shape } from "../types.ts";
import type { AttributeDefs, AttributesOf, Declaring } from "./attributes.ts";
import { anyElement, type IndexDef } from "./def.ts";

interface Parts<A extends AttributeDefs>
  extends Omit<IndexDef<A>, "kind" | "facts" | "attributes" | "elements">,
    Partial<Pick<IndexDef<A>, "elements">> {
  /** None unless said otherwise. */
  readonly attributes?: A;
}

/** An op of tensors of any element type, unless `elements` says otherwise. */
export function indexOp<const A extends AttributeDefs = Record<never, never>>(parts: Parts<A>): Declaring<IndexDef, A> {
  // What reads the attributes of its own row is given no others.
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
