/** Refuses plans with ops that no kernel computes, since the command line cannot run them. */

import * as kernelMessages from "../diagnostics/areas/kernels.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { whyOutside } from "../ir/iteration.ts";
import { opaqueOp, opaqueStepsOf, type Plan } from "../plan/plan.ts";

/** @throws TircError E0505 if the plan has a step that another program must compute. */
export function refuseOpaque(plan: Plan): void {
  const [op, ...others] = opaqueStepsOf(plan).map(opaqueOp);
  if (op === undefined) return;
  const counts = { others: others.length, isInterpreted: false };
  fail(kernelMessages.outside(op.span, plan.fn.name, op.name, whyOutside(op) as string, counts));
}
