/** The manifest of a plan, which launchers read: version 2. */

import { constantNames, dimensionNames, type Result, type Value } from "../ir/ir.ts";
import type { LaunchBuffer, LaunchOfOp, LaunchPlan, LaunchStep } from "../launch/plan-manifest.ts";
import { checkPlan } from "./arguments.ts";
import { type OpaqueStep, opaqueOp, type Plan, type PlanBuffer, type Step } from "./plan.ts";

/** The manifest as plain JSON data. Kernels have the names of their functions. @throws TircError E0901 */
export function planManifest(plan: Plan): LaunchPlan {
  checkPlan("planManifest", plan);
  const { fn, extents, buffers, steps } = plan;
  const dims = dimensionNames(fn).map((name) => ({ name }));
  return { version: 2, name: fn.name, dims, extents, buffers: buffers.map(bufferOf), steps: steps.map(stepOf) };
}

function bufferOf({ name, kind, type: { element, shape }, result, same, slot }: PlanBuffer): LaunchBuffer {
  return {
    ...{ name, kind, element, shape },
    ...(result !== undefined && result !== name && { result }),
    ...(same !== undefined && { same }),
    ...(slot !== undefined && { slot }),
  };
}

function stepOf(step: Step): LaunchStep {
  if (step.kind === "opaque") return opaqueStepOf(step);
  if (step.kind !== "launch") {
    const { name } = step.buffer;
    return step.kind === "alloc" ? { alloc: name } : { free: name };
  }
  const { fn, reads, writes } = step;
  const pairs = (names: readonly (string | undefined)[], of: readonly PlanBuffer[]) =>
    Object.fromEntries(names.map((name, i) => [name, of[i]?.name as string]));
  const constants = constantNames(fn.ops);
  return {
    launch: fn.name,
    reads: {
      ...pairs(
        fn.params.map(({ name }) => name),
        reads,
      ),
      ...Object.fromEntries(constants.map((name) => [name, name])),
    },
    writes: pairs(
      fn.results.map(({ name }) => name),
      writes,
    ),
  };
}

function opaqueStepOf(step: OpaqueStep): LaunchOfOp {
  const { fn, reads, writes } = step;
  const { name, attributes } = opaqueOp(step);
  const seen = ({ name }: PlanBuffer, { shape }: Value) => ({ buffer: name, shape });
  return {
    opaque: name as LaunchOfOp["opaque"],
    name: fn.name,
    attributes,
    reads: Object.fromEntries(fn.params.map((param, i) => [param.name as string, seen(reads[i] as PlanBuffer, param)])),
    writes: Object.fromEntries(
      fn.results.map(({ name, value }: Result, i) => [name, seen(writes[i] as PlanBuffer, value)]),
    ),
  };
}
