/** Plans on a device, with the conversions and diagnostics that `tirc/runtime` adds to the launcher (prepare.ts). */

import { type CompiledPlan, planOfKernel, signatureOf } from "../emit/plan-signature.ts";
import type { BindPlanOptions, BoundPlan, PlanOptions } from "../launch/bound-plan.ts";
import { PreparedPlan } from "../launch/plan.ts";
import type { LaunchPlan } from "../launch/plan-manifest.ts";
import type { LaunchHooks } from "../launch/prepared.ts";
import type { AnyTypes, LaunchKernel, LaunchTypes } from "../launch/types.ts";
import type { Kernel } from "../target/manifest.ts";
import { checkBindOptions, checkPlanLaunch, checkPlanOptions } from "./check-arguments.ts";
import { kernelFor, launchKernelOf } from "./prepare.ts";
import { once, Runner, type RunResult, type Tensors } from "./runner.ts";

/**
 * A plan with compiled pipelines, which can be run any number of times. Tensors and dimensions are as for one kernel
 * (`PreparedKernel`): dimensions follow from the shapes of arrays.
 * Its methods throw TircError: E0601 to E0609, E0618, E0619 and E0628 for wrong arguments, and `run` E0613 to E0616 for
 * errors of the device.
 */
export interface RunnablePlan<T extends LaunchTypes = AnyTypes> {
  readonly plan: LaunchPlan;
  /** The kernels, in the forms that the device uses and in the order of their launches. */
  readonly kernels: readonly Kernel[];
  /** Runs the plan once, and reads back the results that are not given. Arrays are copied before the call returns. */
  run(tensors: Tensors<T>, dims?: Partial<T["dims"]>, options?: BindPlanOptions<T>): Promise<RunResult<T>>;
  /** Launches the plan once: submitted at once, or in the caller's encoder. Returns the buffers of the results. */
  launch(
    tensors: Tensors<T>,
    dims?: Partial<T["dims"]>,
    options?: PlanOptions<T>,
  ): { readonly [N in keyof T["outputs"]]: GPUBuffer };
  /** Binds tensors and dimensions, so that the plan or a step of it can be recorded any number of times. */
  bind(tensors: Tensors<T>, dims?: Partial<T["dims"]>, options?: BindPlanOptions<T>): BoundPlan<T>;
  /** Frees the pipelines and the memory of intermediates. Everything that was recorded must have been submitted. */
  destroy(): void;
}

/**
 * Compiles the kernels of a plan on a device, without blocking: with the extents `dims` if some are pipeline constants.
 * A kernel counts as a plan of one launch.
 * Throws TircError: E0607, E0610 to E0613, E0615, E0627.
 */
export async function preparePlan<T extends LaunchTypes = AnyTypes>(
  device: GPUDevice,
  plan: CompiledPlan | Kernel | LaunchKernel<T>,
  dims: Partial<T["dims"]> = {},
): Promise<RunnablePlan<T>> {
  checkPlanLaunch("preparePlan", device, plan);
  const runner = new PlanRunner<T>(device, plan as CompiledPlan, dims);
  await runner.compile();
  return runner;
}

/**
 * `preparePlan` and one `run`; the plan is destroyed afterwards.
 * @throws TircError as these do.
 */
export async function runPlan<T extends LaunchTypes = AnyTypes>(
  device: GPUDevice,
  plan: CompiledPlan,
  tensors: Tensors<T>,
  dims: Partial<T["dims"]> = {},
  options: BindPlanOptions<T> = {},
): Promise<RunResult<T>> {
  checkPlanLaunch("runPlan", device, plan);
  return once(new PlanRunner<T>(device, plan, dims), (runner) => runner.run(tensors, {}, options));
}

class PlanRunner<T extends LaunchTypes> extends Runner<T, PreparedPlan> implements RunnablePlan<T> {
  readonly plan: LaunchPlan;
  readonly kernels: readonly Kernel[];

  constructor(device: GPUDevice, given: CompiledPlan | Kernel, dims: Partial<T["dims"]>) {
    const all = "plan" in given ? given.kernels : [given];
    const plan = "plan" in given ? given.plan : planOfKernel(kernelFor(device, given));
    const launched = plan.steps.flatMap((step) => ("launch" in step ? [step.launch] : []));
    const own = launched.map((name) => all.find((kernel) => kernel.name === name) as Kernel);
    const kernels = own.map((kernel) => kernelFor(device, kernel));
    const create = (hooks: LaunchHooks) => new PreparedPlan(device, plan, own.map(launchKernelOf), hooks);
    super(device, signatureOf(plan), kernels, dims, create, (prepared, kernel) => prepared.moduleOf(kernel));
    this.plan = plan;
    this.kernels = kernels;
  }

  run(tensors: Tensors<T>, dims?: Partial<T["dims"]>, options?: BindPlanOptions<T>): Promise<RunResult<T>> {
    const own = options as BindPlanOptions<AnyTypes>;
    const run: Parameters<typeof this.results>[2] = (given) => {
      if (options !== undefined) checkBindOptions("run", options);
      return this.launched.run(given.tensors, given.dims, own);
    };
    return this.results(tensors, dims, run, () => this.kernels.length);
  }

  launch(tensors: Tensors<T>, dims?: Partial<T["dims"]>, options?: PlanOptions<T>) {
    if (options !== undefined) checkPlanOptions("launch", options);
    const given = this.read(tensors, dims);
    return this.launched.launch(given.tensors, given.dims, options as PlanOptions<AnyTypes>) as never;
  }

  bind(tensors: Tensors<T>, dims?: Partial<T["dims"]>, options?: BindPlanOptions<T>): BoundPlan<T> {
    if (options !== undefined) checkBindOptions("bind", options);
    const given = this.read(tensors, dims);
    return this.launched.bind(given.tensors, given.dims, options as BindPlanOptions<AnyTypes>) as never;
  }
}
