/**
 * Computes equal values once: same op, same operands, same attributes, in the same kernel group.
 *
 *   let a = exp(x)
 *   let b = exp(x)
 *   return a * b
 *   ->
 *   let a = exp(x)
 *   return a * a
 *
 * Operands of commutative ops may be in either order. `extern` ops stay, as two of them may compute different
 * results.
 */

import { rewrite } from "../src/ir/builder.ts";
import { type Fn, isLeaf, type Op } from "../src/ir/ir.ts";
import { definePass } from "../src/pass/define-pass.ts";
import { OpKeys } from "./op-keys.ts";

/**
 * `fn` with every value computed once (the same object if there was nothing to merge), and the replacement of each value.
 * @param merged is called with a removed op of `fn`, the op of `fn` that replaces it, and the new form of the latter.
 */
export function withoutEqualOps(fn: Fn, merged: (gone: Op, stays: Op, now: Op) => void = () => {}) {
  const keys = new OpKeys();
  // A constant costs nothing, so equal constants are merged anywhere.
  const keyOf = (op: Op) => `${isLeaf(op) ? "" : (op.kernel ?? "")}|${keys.of(op.name, op.operands, op.attributes)}`;
  const first = new Map<string, { readonly original: Op; readonly op: Op }>();
  return rewrite(fn, (op, _, original) => {
    if (op.name === "extern") return undefined;
    const key = keyOf(op);
    const same = first.get(key);
    if (same === undefined) {
      first.set(key, { original, op });
      return undefined;
    }
    merged(original, same.original, same.op);
    return same.op.results;
  });
}

export const cse = definePass({
  name: "cse",
  summary: "Computes equal values once.",
  example: "let a = exp(x)\nlet b = exp(x)\nreturn a * b\n->\nlet a = exp(x)\nreturn a * a",
  options: {},
  run: (fn, context) => withoutEqualOps(fn, () => context.count("ops merged")),
});
