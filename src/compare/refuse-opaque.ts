/** What no kernel of a plan computes, and the command line has nothing for. */

import * as kernelMessages from "../diagnostics/areas/kernels.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { whyOutside } from "../ir/iteration.ts";
import { opaqueOp, opaqueStepsOf, type Plan } from "../plan/plan.ts";

/** @throws TircError E0505 for an op of another program. */
export function refuseOpaque(plan: Plan): void {
  const [op, ...others] = opaqueStepsOf(plan).map(opaqueOp);
  if (op === undefined) return;
  const counts = { others: others.length, isInterpreted: false };
  fail(kernelMessages.outside(op.span, plan.fn.name, op.name, whyOutside(op) as string, counts));
}
