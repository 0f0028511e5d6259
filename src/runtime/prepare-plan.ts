/** A plan that is run many times: its pipelines are compiled once, and its memory is kept. */

import type { Kernel } from "../../codegen/manifest.ts";
import { PreparedPlan } from "../launch/plan.ts";
import { writeScalar } from "../launch/scalars.ts";
import type { AnyTypes, LaunchKernel, LaunchTypes } from "../launch/types.ts";
import { formsOf } from "./prepare.ts";
import type { CompiledPlan } from "./run-plan.ts";

/**
 * Compiles the kernels of a plan on a device, without blocking: with the extents `dims` where some are pipeline constants.
 * Its `launch` takes what is on the device, or arrays, and gives buffers.
 * Throws what the device lacks, or has against a kernel.
 */
export async function preparePlan<T extends LaunchTypes = AnyTypes>(
  device: GPUDevice,
  { plan, kernels }: CompiledPlan,
  dims: Partial<T["dims"]> = {},
): Promise<PreparedPlan<T>> {
  const described = ({ name, ...kernel }: Kernel | LaunchKernel): LaunchKernel =>
    "forms" in kernel ? { name, ...kernel } : { name, forms: formsOf({ name, ...kernel }), writeScalar };
  const prepared = new PreparedPlan<T>(device, plan, kernels.map(described));
  await prepared.compile(dims as Readonly<Record<string, number>>);
  return prepared;
}
