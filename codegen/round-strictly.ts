/**
 * Rounds what each op gives to its type, as if it were stored. Kernels compute f16 and bf16 in f32, in which values stay
 * otherwise until they are stored; a result of f32 is one already, and is kept apart from what reads it: lowered norms
 * and the generator see x - mean(x) and the like within one op only. Literals are not stored, and stay as exact as f32
 * has them.
 */

import { rewriteFn } from "../src/ir/builder.ts";
import { type Fn, isLeaf, type Op } from "../src/ir/ir.ts";
import { ops } from "../src/ir/ops/index.ts";
import { isFloat } from "../src/ir/types.ts";

/** Whether the op is what stands between a result of f32 and those who read it. */
export const isKeptApart = (op: Op) =>
  op.name === "cast" && op.operand(0).element === "f32" && op.result.element === "f32";

export function roundStrictly(fn: Fn): Fn {
  return rewriteFn(fn, (op, builder) => {
    // A shape op moves what is rounded already, and a cast rounds by itself.
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
