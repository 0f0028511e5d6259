/** A plan as a function that can be called in one line, as generated modules export it. */

import type { PlanOptions } from "./bound-plan.ts";
import type { CallableKernel } from "./callable.ts";
import { PreparedPlan } from "./plan.ts";
import type { LaunchPlan } from "./plan-manifest.ts";
import type { AnyTypes, LaunchKernel, LaunchTensors, LaunchTypes } from "./types.ts";

/** A function that consists of several kernels, called like a single one. */
export interface CallablePlan<T extends LaunchTypes> extends Pick<CallableKernel<T>, "types"> {
  /**
   * Starts the kernels once, and returns the buffers of the results. The plan's objects on the device, including memory for
   * intermediates, are cached for the next call. Throws if an argument is wrong, before anything is recorded.
   */
  (
    device: GPUDevice,
    tensors: LaunchTensors<T>,
    ...rest: Record<never, never> extends T["dims"]
      ? [dims?: T["dims"], options?: PlanOptions<T>]
      : [dims: T["dims"], options?: PlanOptions<T>]
  ): { readonly [N in keyof T["outputs"]]: GPUBuffer };
  readonly plan: LaunchPlan;
  /** The kernels in the order of their launches. */
  readonly kernels: readonly LaunchKernel[];
  /**
   * Prepares the plan on a device, and compiles its pipelines without blocking: with the extents `dims`, if some are pipeline
   * constants. Throws if the device does not meet a requirement or rejects a kernel.
   */
  prepare(device: GPUDevice, dims?: Partial<T["dims"]>): Promise<PreparedPlan<T>>;
}

/** Makes a callable plan. It has no effect until it is called. @param kernels that the plan launches. */
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
  // The function `prepare` accepts a single kernel only.
  const get = () => {
    throw new TypeError(`${name} is several kernels: call it, or \`await ${name}.prepare(device)\``);
  };
  return Object.defineProperties(described, { name: { value: name }, forms: { get } });
}
