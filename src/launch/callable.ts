/** A kernel as a function, for a call in one line: what generated modules export. */

import type { CompactManifest } from "./compact.ts";
import { type LaunchOptions, launch } from "./launch.ts";
import { type Launcher, launcherOf } from "./launcher.ts";
import { type Form, type LaunchKernel, type LaunchTensors, type LaunchTypes, textOf, type Wgsl } from "./types.ts";

/** `prepare` takes it, and so does a call: `norm(device, { x, gamma }, { rows })`. */
export interface CallableKernel<T extends LaunchTypes> extends LaunchKernel<T> {
  /** Its text for the least demanding target. */
  readonly wgsl: string;
  /**
   * Starts the kernel once, and gives the buffers of its results. What it needs of the device is kept for the next call.
   * Throws what is wrong with the arguments, before anything starts.
   */
  (
    device: GPUDevice,
    tensors: LaunchTensors<T>,
    ...rest: Record<never, never> extends T["dims"]
      ? [dims?: T["dims"], options?: LaunchOptions<T>]
      : [dims: T["dims"], options?: LaunchOptions<T>]
  ): { readonly [N in keyof T["outputs"]]: GPUBuffer };
}

/** The text of a form, and what of its manifest differs from that of the last, whose manifest is whole. */
export type GivenForm = readonly [wgsl: Wgsl, manifest: Partial<CompactManifest>];

/**
 * A kernel compiled for one target or several, as a function too. It has no effect until it is called.
 * @param parts of the launcher that not every kernel has: `explain` says what is wrong with a call, in short unless it is
 *   given; `writeScalar` is for kernels with scalars, `integersOf` for those with parameters of integers, `entryFor` for those with several entry points, `constantsOf` for
 *   those with pipeline constants.
 */
export function kernel<T extends LaunchTypes>(
  name: string,
  given: readonly GivenForm[],
  parts?: Pick<LaunchKernel, "explain" | "writeScalar" | "integersOf" | "entryFor" | "constantsOf">,
): CallableKernel<T> {
  const [wgsl, whole] = given.at(-1) as Form;
  const forms = given.map(([text, manifest]): Form => [text, { ...whole, ...manifest }]);
  const onDevice = new WeakMap<GPUDevice, Launcher>();
  // A function's own name is not written by assignment.
  const { [name]: call } = {
    [name]: (device: GPUDevice, tensors: LaunchTensors<T>, dims?: T["dims"], options?: LaunchOptions<T>) => {
      const kept = onDevice.get(device) ?? launcherOf(device, described);
      onDevice.set(device, kept);
      return launch(kept, tensors, dims, options);
    },
  };
  const described = Object.assign(call as NonNullable<typeof call>, { wgsl: textOf(wgsl), forms, ...parts });
  return described as unknown as CallableKernel<T>;
}
