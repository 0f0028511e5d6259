/** A plan as a function, for a call in one line: what generated modules export. */

import type { CallableKernel } from "./callable.ts";
import { type PlanOptions, PreparedPlan } from "./plan.ts";
import type { LaunchPlan } from "./plan-manifest.ts";
import type { AnyTypes, LaunchKernel, LaunchTensors, LaunchTypes } from "./types.ts";

/** A function that is several kernels: called as one kernel is. */
export interface CallablePlan<T extends LaunchTypes> extends Pick<CallableKernel<T>, "types"> {
  /**
   * Starts the kernels once, and gives the buffers of the results. What the plan needs of the device, memory for
   * intermediates too, is kept for the next call. Throws what is wrong with the arguments, before anything is recorded.
   */
  (
    device: GPUDevice,
    tensors: LaunchTensors<T>,
    ...rest: Record<never, never> extends T["dims"]
      ? [dims?: T["dims"], options?: PlanOptions<T>]
      : [dims: T["dims"], options?: PlanOptions<T>]
  ): { readonly [N in keyof T["outputs"]]: GPUBuffer };
  readonly plan: LaunchPlan;
  /** In the order in which they are launched. */
  readonly kernels: readonly LaunchKernel[];
  /**
   * The plan on a device, once its pipelines are compiled, without blocking: with the extents `dims`, where some are pipeline
   * constants. Throws what the device lacks, or has against a kernel.
   */
  prepare(device: GPUDevice, dims?: Partial<T["dims"]>): Promise<PreparedPlan<T>>;
}

/** It has no effect until it is called. @param kernels those that the plan launches. */
export function plan<T extends LaunchTypes>(
  manifest: LaunchPlan,
  kernels: readonly CallableKernel<AnyTypes>[],
): CallablePlan<T> {
  const { name } = manifest;
  const onDevice = new WeakMap<GPUDevice, PreparedPlan<T>>();
  const call = (device: GPUDevice, tensors: LaunchTensors<T>, dims?: T["dims"], options?: PlanOptions<T>) => {
    const kept = onDevice.get(device) ?? new PreparedPlan<T>(device, manifest, kernels);
    onDevice.set(device, kept);
    return kept.launch(tensors, dims, options);
  };
  const prepare = async (device: GPUDevice, dims?: Partial<T["dims"]>) => {
    const prepared = new PreparedPlan<T>(device, manifest, kernels);
    await prepared.compile(dims as Record<string, number>);
    return prepared;
  };
  const described = Object.assign(call, { plan: manifest, kernels, prepare }) as unknown as CallablePlan<T>;
  // The function `prepare` takes one kernel.
  const get = () => {
    throw new TypeError(`${name} is several kernels: call it, or \`await ${name}.prepare(device)\``);
  };
  return Object.defineProperties(described, { name: { value: name }, forms: { get } });
}
