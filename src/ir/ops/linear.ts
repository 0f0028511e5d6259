/** What rows of ops that are linear in their operands are written with. */

import * as linearErrors from "../../diagnostics/areas/linear.ts";
import { printShape, type Shape, sameShape } from "../types.ts";
import type { AttributeDefs, Declaring } from "./attributes.ts";
import type { LinearDef, Refusal } from "./def.ts";

type Parts<A extends AttributeDefs> = Omit<LinearDef<A>, "kind" | "facts" | "attributes"> & {
  /** None unless said otherwise. */
  readonly attributes?: A;
};

/** A product, or sums of elements. */
export function linearOp<const A extends AttributeDefs = Record<never, never>>(
  parts: Parts<A>,
): Declaring<LinearDef, A> {
  // What reads the attributes of its own row is given no others.
  return { kind: "linear", facts: {}, attributes: {}, ...parts } as never;
}

/** Of a transpose, which has the shape of what it is the cotangent of. */
export const shapeAttribute = (summary: string) => ({ shape: { type: "shape", summary } }) as const;

/** The shape that the attribute says, if the op of which this is the transpose makes of it what `d_y` is. */
export function checkedTranspose(op: string, shape: Shape, forward: Shape | Refusal, d_y: Shape): Shape | Refusal {
  if (typeof forward === "function") return (at) => forward((part) => at(typeof part === "number" ? 0 : part));
  if (sameShape(forward, d_y)) return shape;
  return (at) => linearErrors.operandShape(at(1), op, "d_y", printShape(forward), printShape(d_y));
}
