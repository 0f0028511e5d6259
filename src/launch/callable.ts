/** A kernel as a function, for a call in one line: what generated modules export. */

import { type CompactManifest, expand } from "./compact.ts";
import { type Lasting, type LaunchOptions, launch } from "./launch.ts";
import { type Launcher, launcherOf } from "./launcher.ts";
import type { Explain } from "./problems.ts";
import type { LaunchKernel, LaunchTensors, LaunchTypes } from "./types.ts";

/** `prepare` takes it, and so does a call: `norm(device, { x, gamma }, { rows })`. */
export interface CallableKernel<T extends LaunchTypes> extends LaunchKernel<T> {
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
export type Form = readonly [wgsl: string, manifest: CompactManifest];

/**
 * A kernel compiled for one target or several, as a function too. It has no effect until it is called.
 * @param explain says what is wrong with a call; in short unless it is given.
 */
export function kernel<T extends LaunchTypes>(
  name: string,
  given: readonly Form[],
  explain?: Explain,
): CallableKernel<T> {
  const base = given[given.length - 1]?.[1];
  const forms = given.map(([wgsl, own]) => ({ name, wgsl, manifest: expand({ ...base, ...own }) }));
  const onDevice = new WeakMap<GPUDevice, [Launcher, Lasting]>();
  const call = (device: GPUDevice, tensors: LaunchTensors<T>, dims?: T["dims"], options?: LaunchOptions<T>) => {
    const kept = onDevice.get(device) ?? [launcherOf(device, described as unknown as LaunchKernel), new Map()];
    onDevice.set(device, kept);
    return launch(...kept, tensors, dims, options);
  };
  const { wgsl, manifest } = forms[forms.length - 1] as LaunchKernel;
  const described = Object.assign(call, { wgsl, manifest, forms, explain }) as unknown as CallableKernel<T>;
  // A function's own name is not written by assignment.
  return Object.defineProperty(described, "name", { value: name });
}
