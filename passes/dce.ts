/**
 * Removes ops that no result depends on. Parameters stay, as they are the function's signature, and so do `extern` ops:
 * nothing is known of them.
 *
 *   let unused = exp(x)
 *   return x + 1
 *   ->
 *   return x + 1
 */

import { type Fn, makeFn, type Op, presentOperands, type Value } from "../src/ir/ir.ts";
import { definePass } from "../src/pass/define-pass.ts";

/** `fn` without its dead ops; the same object if there are none. */
export function withoutDeadOps(fn: Fn): Fn {
  const live = new Set<Value>(fn.results.map((r) => r.value));
  const kept: Op[] = [];
  for (const op of fn.ops.toReversed()) {
    if (op.name !== "extern" && !op.results.some((result) => live.has(result))) continue;
    for (const operand of presentOperands(op)) live.add(operand);
    kept.push(op);
  }
  return kept.length === fn.ops.length ? fn : makeFn({ ...fn, ops: kept.reverse() });
}

export const dce = definePass({
  name: "dce",
  summary: "Removes ops that no result depends on.",
  example: "let unused = exp(x)\nreturn x + 1\n->\nreturn x + 1",
  options: {},
  run(fn, context) {
    const kept = withoutDeadOps(fn);
    if (kept !== fn) context.count("ops removed", fn.ops.length - kept.ops.length);
    return kept;
  },
});
