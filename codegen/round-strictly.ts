/**
 * Rounds the result of each op to its type, as if it were stored. Kernels compute narrow floats in f32, and otherwise round
 * only when they store. A result in f32 is rounded already, but is separated from its readers by a cast: patterns such as
 * x - mean(x) then match within one op only. Literals are not stored, and stay as exact as f32 has them.
 */

import { rewriteFn } from "../src/ir/builder.ts";
import { type Fn, isLeaf, type Op } from "../src/ir/ir.ts";
import { ops } from "../src/ir/ops/index.ts";
import { isFloat } from "../src/ir/types.ts";

/** Whether the op is the cast that separates an f32 result from its readers. */
export const isKeptApart = (op: Op) =>
  op.name === "cast" && op.operand(0).element === "f32" && op.result.element === "f32";

export function roundStrictly(fn: Fn): Fn {
  return rewriteFn(fn, (op, builder) => {
    // A shape op moves elements that are rounded already, and a cast rounds by itself.
    const isExact = isLeaf(op) || ops[op.name].kind === "shape" || op.name === "cast";
    if (isExact || !op.results.some(({ element }) => isFloat(element))) return undefined;
    builder.add(op);
    return op.results.map((value) => {
      if (!isFloat(value.element)) return value;
      const wide = builder.emit("cast", [value], { to: "f32" });
      return value.element === "f32" ? wide : builder.emit("cast", [wide], { to: value.element });
    });
  });
}
