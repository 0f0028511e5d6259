/**
 * Rounds what each op gives to f16, where that is its type: kernels compute halves in f32, in which values stay
 * otherwise until they are stored. Literals are not stored, and stay as exact as f32 has them.
 */

import { rewriteFn } from "../src/ir/builder.ts";
import { type Fn, isLeaf } from "../src/ir/ir.ts";
import { ops } from "../src/ir/ops/index.ts";

export function roundStrictly(fn: Fn): Fn {
  return rewriteFn(fn, (op, builder) => {
    // A shape op moves what is rounded already, and a cast rounds by itself.
    const isExact = isLeaf(op) || ops[op.name].kind === "shape" || op.name === "cast";
    if (isExact || op.results.every(({ element }) => element !== "f16")) return undefined;
    builder.add(op);
    return op.results.map((value) => {
      if (value.element !== "f16") return value;
      const wide = builder.emit("cast", [value], { to: "f32" });
      return builder.emit("cast", [wide], { to: "f16" });
    });
  });
}
