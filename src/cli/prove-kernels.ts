/** `tirc compile --prove`: whether kernels compute their functions, in exact arithmetic. */

import { type KernelProof, proveLaunch } from "../../codegen/prove.ts";
import * as kernelMessages from "../diagnostics/areas/kernels.ts";
import * as passMessages from "../diagnostics/areas/pipelines.ts";
import { type Diagnostic, fail } from "../diagnostics/diagnostic.ts";
import type { CompileVariantsResult } from "../driver/compile.ts";
import type { Fn } from "../ir/ir.ts";
import { comparePlan } from "../plan/exact.ts";
import { isOneKernel, launchesOf } from "../plan/plan.ts";
import type { KernelOptions } from "../target/options.ts";
import type { TargetProfile } from "../target/target.ts";
import type { Session } from "./session.ts";

/** Prints what was proved. @throws TircError with E0508 for each kernel that does not compute its function. */
export function proveKernels(
  { plans, module }: CompileVariantsResult,
  targets: readonly TargetProfile[],
  options: KernelOptions,
  session: Session,
): void {
  const wrong: Diagnostic[] = [];
  const proved: string[] = [];
  for (const plan of plans) {
    const launches = launchesOf(plan);
    const difference = !isOneKernel(plan) ? comparePlan(plan, module.consts) : undefined;
    if (difference !== undefined) {
      const found = { ...difference, firstNew: undefined };
      wrong.push(passMessages.notTheSame("outline", plan.fn.name, plan.fn.span, found));
    }
    for (const launch of launches) {
      const { fn } = launch;
      for (const target of targets) {
        const found = problemOf(fn, target, proveLaunch(launch, module.consts, target, options));
        if (found === undefined) proved.push(`${fn.name}: proved for ${target.name}, in exact arithmetic`);
        else if (found.severity === "error") wrong.push(found);
        else session.report([found]);
      }
    }
  }
  session.tell(proved);
  if (wrong.length > 0) fail(...wrong);
}

function problemOf({ name, span }: Fn, target: TargetProfile, proof: KernelProof): Diagnostic | undefined {
  switch (proof.verdict) {
    case "equal":
      return undefined;
    case "different":
      return kernelMessages.notTheFunction(span, name, target.name, proof.difference);
    case "unsound":
      return kernelMessages.notTheFunction(span, name, target.name, proof);
    case "undecided":
      return kernelMessages.notProved(span, name, target.name, proof.because);
    default:
      return proof satisfies never;
  }
}
