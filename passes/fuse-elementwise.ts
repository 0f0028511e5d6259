/**
 * Groups ops into kernels: as many as one walk over rows and columns can compute.
 *
 *   let h = x + residual
 *   let n = rmsnorm(h, axes = [-1])
 *   let y = gelu(n)
 *   ->
 *   kernel {
 *     let h = x + residual
 *     let n = rmsnorm(h, axes = [-1])
 *     let y = gelu(n)
 *   }
 *
 * An op joins the group before it if it walks its operands in the group's order and its reductions fold the group's
 * columns; else it opens a group of its own, and a remark says why. Matrix products and the like stay outside of
 * kernels, with a remark too. Nothing is computed differently.
 */

import type { Refusal } from "../src/diagnostics/errors-kernel.ts";
import { copyOp } from "../src/ir/builder.ts";
import { isLeaf, makeFn, type Op, type Value } from "../src/ir/ir.ts";
import { IterationSpace, whyOutside } from "../src/ir/iteration.ts";
import { definePass } from "../src/pass/define-pass.ts";
import type { KernelCut } from "../src/pass/facts.ts";

export const fuseElementwise = definePass({
  name: "fuse-elementwise",
  summary: "Groups ops into kernels: elementwise chains, reductions over the same columns, and what is around them.",
  example: "let a = exp(x)  let b = a + y   ->   kernel { let a = exp(x)  let b = a + y }",
  options: {},
  run(fn, context) {
    const facts: KernelCut[] = [];
    const kernels = assign(fn.ops, (op, why) => void facts.push({ kind: "kernel cut", op, why }));
    if (fn.ops.every((op) => kernels.get(op) === op.kernel)) return { fn, facts };
    context.count("ops fused", kernels.size);
    context.count("kernels", new Set(kernels.values()).size);

    const mapped = new Map<Value, Value>();
    const now = (value: Value) => mapped.get(value) ?? value;
    const ops = fn.ops.map((op) => {
      const operands = op.operands.map((value) => value && now(value));
      const copy = copyOp(op, { operands, kernel: kernels.get(op) });
      for (const [i, result] of op.results.entries()) mapped.set(result, copy.results[i] as Value);
      return copy;
    });
    const results = fn.results.map(({ name, value }) => ({ name, value: now(value) }));
    return { fn: makeFn({ ...fn, ops, results }), provenance: mapped, facts };
  },
});

/** The kernel of each op; constants and what no kernel computes belong to none. */
function assign(ops: readonly Op[], onCut: (op: Op, why: string | Refusal) => void): Map<Op, number> {
  const kernels = new Map<Op, number>();
  let kernel = -1;
  let space: IterationSpace | undefined;
  for (const op of ops) {
    if (isLeaf(op)) continue;
    const outside = whyOutside(op);
    if (outside !== undefined) {
      onCut(op, outside);
      space = undefined;
      continue;
    }
    const refusal = space?.add(op);
    if (refusal !== undefined) onCut(op, refusal);
    if (space === undefined || refusal !== undefined) {
      kernel++;
      space = new IterationSpace();
      space.add(op);
    }
    kernels.set(op, kernel);
  }
  return kernels;
}
