/** Plans on a device, with the conversions and diagnostics that `tirc/runtime` adds to the launcher (prepare.ts). */

import { TircError } from "../diagnostics/diagnostic.ts";
import { type CompiledPlan, planOfKernel, signatureOf } from "../emit/plan-signature.ts";
import type { BindPlanOptions, BoundPlan, PlanOptions } from "../launch/bound-plan.ts";
import { PreparedPlan } from "../launch/plan.ts";
import type { LaunchPlan } from "../launch/plan-manifest.ts";
import type { AnyTypes, LaunchKernel, LaunchTypes } from "../launch/types.ts";
import type { Kernel } from "../target/manifest.ts";
import { type BoundInputs, bindInputs, type Dims, extents, type Inputs, readDims } from "./bind-inputs.ts";
import { checkLaunch } from "./check-arguments.ts";
import { checkModules, compileChecked, orDeviceLost, withErrorScopes } from "./device-errors.ts";
import { type HostTensor, hostTensorOf } from "./host-tensor.ts";
import { diagnosticOf } from "./launch-diagnostics.ts";
import { argumentsOf, kernelFor, launchKernelOf, mergeDims, type RunResult, type Tensors } from "./prepare.ts";

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
  checkLaunch("preparePlan", device, plan);
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
  checkLaunch("runPlan", device, plan);
  const runner = new PlanRunner<T>(device, plan, dims);
  try {
    return await runner.run(tensors, {}, options);
  } finally {
    runner.destroy();
  }
}

class PlanRunner<T extends LaunchTypes> implements RunnablePlan<T> {
  readonly plan: LaunchPlan;
  readonly kernels: readonly Kernel[];
  readonly #device: GPUDevice;
  readonly #signature: Kernel;
  readonly #dims: Dims;
  /** Untyped: arguments are checked when they are passed. */
  readonly #prepared: PreparedPlan;
  readonly #modules: Promise<void>;

  constructor(device: GPUDevice, given: CompiledPlan | Kernel, dims: Partial<T["dims"]>) {
    const kernels = "plan" in given ? given.kernels : [given];
    const all = new Map(kernels.map((kernel) => [kernel.name, kernel]));
    const chosen = kernels.map((kernel) => kernelFor(device, kernel));
    this.plan = "plan" in given ? given.plan : planOfKernel(chosen[0] as Kernel);
    const launched = this.plan.steps.flatMap((step) => ("launch" in step ? [step.launch] : []));
    this.kernels = launched.map((name) => chosen.find((kernel) => kernel.name === name) as Kernel);
    this.#device = device;
    this.#signature = signatureOf(this.plan);
    this.#dims = readDims(this.#signature, dims as Dims);
    const guard = <R>(work: () => R) => withErrorScopes(device, this.plan.name, work);
    const errorOf = (name: string, problem: Parameters<typeof diagnosticOf>[1]) => {
      const { manifest } = this.kernels.find((kernel) => kernel.name === name) ?? this.#signature;
      return new TircError([
        diagnosticOf(name, problem, name === this.plan.name ? this.#signature.manifest : manifest),
      ]);
    };
    const { value, checked } = guard(() => {
      const forms = launched.map((name) => launchKernelOf(all.get(name) as Kernel));
      const prepared = new PreparedPlan(device, this.plan, forms, { errorOf, guard });
      return { prepared, modules: this.kernels.map((kernel) => [kernel, prepared.moduleOf(kernel.name)] as const) };
    });
    this.#prepared = value.prepared;
    this.#modules = checkModules(value.modules, checked);
    this.#modules.catch(() => {}); // Awaited by all that need the pipelines.
  }

  async compile(): Promise<void> {
    await compileChecked(this.#device, this.plan.name, this.#modules, () => this.#prepared.compile(this.#dims));
  }

  #read(tensors: Tensors<T>, more: Partial<T["dims"]> = {}): BoundInputs {
    const dims = mergeDims(this.#dims, readDims(this.#signature, more as Dims));
    return bindInputs(this.#signature, tensors as unknown as Inputs, dims);
  }

  run(tensors: Tensors<T>, dims?: Partial<T["dims"]>, options?: BindPlanOptions<T>): Promise<RunResult<T>> {
    return orDeviceLost(this.#device, this.plan.name, this.#run(tensors, dims, options));
  }

  async #run(tensors: Tensors<T>, dims?: Partial<T["dims"]>, options?: BindPlanOptions<T>): Promise<RunResult<T>> {
    const read = this.#read(tensors, dims);
    const running = this.#prepared.run(argumentsOf(read), read.dims, options as BindPlanOptions<AnyTypes>);
    running.catch(() => {}); // An error of a module is more informative.
    await this.#modules;
    const arrays = await running;
    const outputs = this.#signature.manifest.bindings.flatMap((binding): [string, HostTensor][] => {
      const array = binding.access === "read_write" ? arrays[binding.name] : undefined;
      return array ? [[binding.name, hostTensorOf(binding, extents(binding.shape, read.dims), array)]] : [];
    });
    return { outputs: Object.fromEntries(outputs) as RunResult<T>["outputs"], launches: this.kernels.length };
  }

  launch(tensors: Tensors<T>, dims?: Partial<T["dims"]>, options?: PlanOptions<T>) {
    const read = this.#read(tensors, dims);
    return this.#prepared.launch(argumentsOf(read), read.dims, options as PlanOptions<AnyTypes>) as never;
  }

  bind(tensors: Tensors<T>, dims?: Partial<T["dims"]>, options?: BindPlanOptions<T>): BoundPlan<T> {
    const read = this.#read(tensors, dims);
    return this.#prepared.bind(argumentsOf(read), read.dims, options as BindPlanOptions<AnyTypes>) as never;
  }

  destroy(): void {
    this.#prepared.destroy();
  }
}
