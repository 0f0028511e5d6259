/** A kernel as a function that can be called in one line, as generated modules export it. */

import type { CompactManifest } from "./compact.ts";
import { type LaunchOptions, launch } from "./launch.ts";
import { type Launcher, launcherOf } from "./launcher.ts";
import { type Form, type LaunchKernel, type LaunchTensors, type LaunchTypes, textOf, type Wgsl } from "./types.ts";

/** A kernel that can be passed to `prepare`, or called: `norm(device, { x, gamma }, { rows })`. */
export interface CallableKernel<T extends LaunchTypes> extends LaunchKernel<T> {
  /** The WGSL for the least demanding target. */
  readonly wgsl: string;
  /**
   * Starts the kernel once, and returns the buffers of its results. Its objects on the device are cached for the next call.
   * Throws if an argument is wrong, before anything starts.
   */
  (
    device: GPUDevice,
    tensors: LaunchTensors<T>,
    ...rest: Record<never, never> extends T["dims"]
      ? [dims?: T["dims"], options?: LaunchOptions<T>]
      : [dims: T["dims"], options?: LaunchOptions<T>]
  ): { readonly [N in keyof T["outputs"]]: GPUBuffer };
}

/** The text of a form, and the members of its manifest that differ from those of the last form, whose manifest is complete. */
export type GivenForm = readonly [wgsl: Wgsl, manifest: Partial<CompactManifest>];

/**
 * Makes a callable kernel, compiled for one target or several. It has no effect until it is called.
 * @param parts of the launcher that not every kernel needs: `explain` describes problems, which are terse by default;
 *   `writeScalar` is for kernels with scalars, `integersOf` for integer parameters, `entryFor` for several entry points,
 *   `constantsOf` for pipeline constants.
 */
export function kernel<T extends LaunchTypes>(
  name: string,
  given: readonly GivenForm[],
  parts?: Pick<LaunchKernel, "explain" | "writeScalar" | "integersOf" | "entryFor" | "constantsOf">,
): CallableKernel<T> {
  const [wgsl, whole] = given.at(-1) as Form;
  const forms = given.map(([text, manifest]): Form => [text, { ...whole, ...manifest }]);
  const onDevice = new WeakMap<GPUDevice, Launcher>();
  // The name of a function cannot be assigned.
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
