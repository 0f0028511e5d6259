/** Helpers for rows of ops that are linear in their operands. */

import * as linearErrors from "../../diagnostics/areas/linear.ts";
import { printShape, type Shape, sameShape } from "../types.ts";
import type { AttributeDefs, Declaring } from "./attributes.ts";
import type { LinearDef, Refusal } from "./def.ts";

type Parts<A extends AttributeDefs> = Omit<LinearDef<A>, "kind" | "facts" | "attributes"> & {
  /** None by default. */
  readonly attributes?: A;
};

/** A product, or sums of elements. */
export function linearOp<const A extends AttributeDefs = Record<never, never>>(
  parts: Parts<A>,
): Declaring<LinearDef, A> {
  // Functions of a row are only called with that row's attributes.
  return { kind: "linear", facts: {}, attributes: {}, ...parts } as never;
}

/** The attribute of a transpose: the shape of the operand that it is the cotangent of. */
export const shapeAttribute = (summary: string) => ({ shape: { type: "shape", summary } }) as const;

/** The shape given by the attribute, if the op whose transpose this is maps it to the shape of `d_y`. */
export function checkedTranspose(op: string, shape: Shape, forward: Shape | Refusal, d_y: Shape): Shape | Refusal {
  if (typeof forward === "function") return (at) => forward((part) => at(typeof part === "number" ? 0 : part));
  if (sameShape(forward, d_y)) return shape;
  return (at) => linearErrors.operandShape(at(1), op, "d_y", printShape(forward), printShape(d_y));
}
