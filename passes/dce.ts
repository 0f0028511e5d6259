/**
 * Removes ops that no result depends on. Parameters stay, as they are the function's signature, and so do `extern` ops,
 * which may have effects.
 *
 *   let unused = exp(x)
 *   return x + 1
 *   ->
 *   return x + 1
 */

import { type Fn, makeFn, type Op, presentOperands, type Value } from "../src/ir/ir.ts";
import { definePass } from "../src/pass/define-pass.ts";

/** `fn` without its dead ops, the same object if there are none; nothing replaces their results. */
export function withoutDeadOps(fn: Fn) {
  const live = new Set<Value>(fn.results.map((r) => r.value));
  const kept: Op[] = [];
  const provenance = new Map<Value, readonly Value[]>();
  for (const op of fn.ops.toReversed()) {
    if (op.name !== "extern" && !op.results.some((result) => live.has(result))) {
      for (const result of op.results) provenance.set(result, []);
      continue;
    }
    for (const operand of presentOperands(op)) live.add(operand);
    kept.push(op);
  }
  return { fn: kept.length === fn.ops.length ? fn : makeFn({ ...fn, ops: kept.reverse() }), provenance };
}

export const dce = definePass({
  name: "dce",
  summary: "Removes ops that no result depends on.",
  example: "let unused = exp(x)\nreturn x + 1\n->\nreturn x + 1",
  options: {},
  run(fn, context) {
    const output = withoutDeadOps(fn);
    if (output.fn !== fn) context.count("ops removed", fn.ops.length - output.fn.ops.length);
    return output;
  },
});
