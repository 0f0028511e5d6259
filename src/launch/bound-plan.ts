/** The options of a plan on a device, and a plan that is bound to its tensors. */

import type { DispatchInto, Part } from "./bound.ts";
import type { LaunchOptions } from "./launch.ts";
import type { Products } from "./products.ts";
import type { AnyTypes, LaunchTypes } from "./types.ts";

/** The memory of results, the functions that compute opaque steps, and the memory of intermediates. */
export interface BindPlanOptions<T extends LaunchTypes> extends Pick<LaunchOptions<T>, "outputs"> {
  readonly products?: Products | undefined;
  /**
   * Allocates memory for intermediates: a buffer of at least this size, with the usage STORAGE, for each slot of the plan.
   * It may be reused as soon as the commands are submitted. Without it, the plan has memory of its own.
   */
  readonly allocate?: ((bytes: number) => GPUBuffer) | undefined;
}

/** Options of a single launch of a plan. */
export interface PlanOptions<T extends LaunchTypes> extends LaunchOptions<T>, BindPlanOptions<T> {}

/** Records a plan into an encoder. The first pass may write a timestamp at its beginning, and the last at its end. */
export type EncodeSteps = (
  encoder: GPUCommandEncoder,
  options?: { readonly timestampWrites?: GPUComputePassTimestampWrites },
) => void;

/** A kernel or an opaque step of a plan, with its tensors. */
export interface BoundStep {
  readonly name: string;
  readonly encode: EncodeSteps;
  /** For a kernel: records into a compute pass of the caller. */
  readonly dispatch?: DispatchInto;
}

/** A plan with its tensors and extents, which can be recorded any number of times. */
export interface BoundPlan<T extends LaunchTypes = AnyTypes> {
  /** The memory of the results: as given, or in created buffers. */
  readonly outputs: { readonly [N in keyof T["outputs"]]: Part };
  /** In order. */
  readonly steps: readonly BoundStep[];
  /** Records all steps, each kernel in a pass of its own, and the copies of results with the same value. */
  readonly encode: EncodeSteps;
  /** Frees copies of arrays, and created results. Everything that was encoded must have been submitted. */
  destroy(): void;
}
