/**
 * Kernels on a device, with what `tirc/runtime` adds to the launcher: inputs in any form, dimensions inferred from their shapes,
 * results with shapes, and diagnostics, with spans of the program if possible.
 */

import * as inputErrors from "../diagnostics/areas/inputs.ts";
import { fail, TircError } from "../diagnostics/diagnostic.ts";
import { compact, expand } from "../emit/compact-manifest.ts";
import { elementCount } from "../ir/tensor.ts";
import type { Bound } from "../launch/bound.ts";
import { formFor } from "../launch/choose.ts";
import type { LaunchArray } from "../launch/compact.ts";
import { constantsOf } from "../launch/constants.ts";
import { workgroupsOf } from "../launch/counts.ts";
import { entryFor } from "../launch/entries.ts";
import { integersOf } from "../launch/integers.ts";
import type { LaunchManifest } from "../launch/manifest.ts";
import { Prepared } from "../launch/prepared.ts";
import { writeScalar } from "../launch/scalars.ts";
import {
  type AnyTypes,
  type Form,
  type LaunchKernel,
  type LaunchOutputs,
  type LaunchTypes,
  type OnDevice,
  textOf,
  type Wgsl,
} from "../launch/types.ts";
import type { Kernel } from "../target/manifest.ts";
import { inPlaceParts } from "../target/reads.ts";
import { type BoundInputs, bindInputs, type Dims, extents, type Inputs, readDims } from "./bind-inputs.ts";
import { checkLaunch } from "./check-arguments.ts";
import { checkModules, compileChecked, orDeviceLost, withErrorScopes } from "./device-errors.ts";
import { encode, type HostInput, type HostTensor, hostTensorOf, toNumber } from "./host-tensor.ts";
import { diagnosticOf } from "./launch-diagnostics.ts";

/** The results of a run. */
export interface RunResult<T extends LaunchTypes = AnyTypes> {
  /** The results by name, without those that were given. */
  readonly outputs: { readonly [N in keyof T["outputs"]]: HostTensor };
  /** The number of kernels that were started: for one kernel, none if there are no rows. */
  readonly launches: number;
}

/** The tensors of a call by name: inputs on the host or on the device, scalars also as numbers, and results on the device. */
export type Tensors<T extends LaunchTypes = AnyTypes> = {
  readonly [N in keyof T["inputs"]]:
    | HostInput
    | Extract<T["inputs"][N], number | boolean>
    | (T["inputs"][N] extends number | boolean ? never : OnDevice);
} & LaunchOutputs<Omit<T["outputs"], keyof T["inputs"] | keyof typeof Object.prototype>>;

/** A kernel that is compiled on a device, and can be bound and run any number of times. */
export interface PreparedKernel<T extends LaunchTypes = AnyTypes> {
  /** The kernel, in the form that the device uses. */
  readonly kernel: Kernel;
  /**
   * Runs the kernel once, and reads back the results that are not given. Dimensions are inferred from the shapes of arrays;
   * `dims` gives the others. Inputs and dimensions are copied before the call returns, and may be changed then.
   * Throws TircError: E0601 to E0609, E0618 and E0619 for wrong arguments, E0613 to E0616 for errors of the device.
   */
  run(tensors: Tensors<T>, dims?: Partial<T["dims"]>): Promise<RunResult<T>>;
  /**
   * Binds tensors and dimensions, so that the kernel can be dispatched any number of times. Arrays are copied to the device
   * before it returns. A result is given as a buffer among the tensors (in `outputs` if an input has its name), or created.
   * Throws TircError: E0601 to E0609, E0618, E0619. Later errors of the device are uncaptured errors.
   */
  bind(tensors: Tensors<T>, dims?: Partial<T["dims"]>, outputs?: LaunchOutputs<T["outputs"]>): Bound<T>;
  /**
   * Frees all bound kernels, uniform buffers and pipelines. The device keeps a pipeline as long as a
   * script can reach it. Runs that have begun complete. Nothing can be started afterwards: E0609.
   */
  destroy(): void;
}

/**
 * Compiles a kernel on a device, including its pipelines, without blocking: for the extents in `dims` if some are
 * pipeline constants or determine the entry point.
 * Throws TircError: E0607, E0610 to E0613, E0615, E0627.
 */
export async function prepare<T extends LaunchTypes = AnyTypes>(
  device: GPUDevice,
  kernel: Kernel | LaunchKernel<T>,
  dims: Partial<T["dims"]> = {},
): Promise<PreparedKernel<T>> {
  checkLaunch("prepare", device, kernel);
  const prepared = new Runner<T>(device, kernel, dims);
  await prepared.compile();
  return prepared;
}

/** `prepare` and one `run`; the kernel is destroyed afterwards. */
export async function runKernel<T extends LaunchTypes = AnyTypes>(
  device: GPUDevice,
  kernel: Kernel | LaunchKernel<T>,
  tensors: Tensors<T>,
  dims: Partial<T["dims"]> = {},
): Promise<RunResult<T>> {
  checkLaunch("runKernel", device, kernel);
  const prepared = new Runner<T>(device, kernel, dims);
  try {
    return await prepared.run(tensors);
  } finally {
    prepared.destroy();
  }
}

/** A kernel in the form that the launcher accepts. */
export const launchKernelOf = ({ name, ...kernel }: Kernel | LaunchKernel): LaunchKernel => {
  const parts = { writeScalar, integersOf, entryFor, constantsOf };
  return "forms" in kernel ? { name, ...kernel, ...parts } : { name, forms: formsOf({ name, ...kernel }), ...parts };
};

/** The kernel in the form that the device uses. */
export function kernelFor(device: GPUDevice, kernel: Kernel | LaunchKernel): Kernel {
  const form = formFor(device, formsOf(kernel));
  // The name of a callable kernel, which is a function, is not an enumerable member.
  return { ...kernel, name: kernel.name, wgsl: textOf(form[0]), manifest: manifestOf(kernel, form) } as Kernel;
}

const formsOf = (kernel: Kernel | Pick<LaunchKernel, "forms">): readonly Form[] =>
  "forms" in kernel ? kernel.forms : [[wgslOf(kernel), compact(kernel.manifest)]];

/** The text of a kernel. If results may overwrite inputs, it is a function of the variables by which inputs are read. */
function wgslOf({ wgsl, manifest }: Kernel): Wgsl {
  const parts = inPlaceParts(wgsl, manifest);
  if (parts.length === 1) return wgsl;
  return (readBy) => parts.map((part, i) => (i % 2 === 1 ? (readBy[part] ?? part) : part)).join("");
}

/** The manifest of a kernel's form; by default of that for the least demanding target. */
function manifestOf(kernel: Kernel | Pick<LaunchKernel, "forms">, form?: Form): LaunchManifest {
  if (!("forms" in kernel)) return kernel.manifest;
  const [, manifest] = form ?? (kernel.forms.at(-1) as Form);
  return expand(manifest);
}

class Runner<T extends LaunchTypes> implements PreparedKernel<T> {
  readonly kernel: Kernel;
  readonly #device: GPUDevice;
  readonly #dims: Dims;
  /** Untyped: arguments are checked when they are passed. */
  readonly #launcher: Prepared;
  readonly #module: Promise<void>;

  constructor(device: GPUDevice, kernel: Kernel | LaunchKernel<T>, dims: Partial<T["dims"]>) {
    this.kernel = kernelFor(device, kernel as Kernel);
    this.#device = device;
    this.#dims = readDims(this.kernel, dims as Dims);
    const guard = <R>(work: () => R) => withErrorScopes(device, kernel.name, work);
    const errorOf = (name: string, problem: Parameters<typeof diagnosticOf>[1]) =>
      new TircError([diagnosticOf(name, problem, this.kernel.manifest)]);
    const { value, checked } = guard(() => new Prepared(device, launchKernelOf(kernel as Kernel), { errorOf, guard }));
    this.#launcher = value;
    this.#module = checkModules([[this.kernel, this.#launcher.module]], checked);
    this.#module.catch(() => {}); // Awaited by all that need the pipeline.
  }

  async compile(): Promise<void> {
    await compileChecked(this.#device, this.kernel.name, this.#module, () => this.#launcher.compile(this.#dims));
  }

  #read(tensors: Tensors<T>, more: Partial<T["dims"]>): BoundInputs {
    const dims = mergeDims(this.#dims, readDims(this.kernel, more as Dims));
    return bindInputs(this.kernel, tensors as unknown as Inputs, dims);
  }

  run(tensors: Tensors<T>, more: Partial<T["dims"]> = {}): Promise<RunResult<T>> {
    const { name } = this.kernel;
    return orDeviceLost(this.#device, name, this.#run(tensors, more));
  }

  async #run(tensors: Tensors<T>, more: Partial<T["dims"]>): Promise<RunResult<T>> {
    const { dispatch, bindings } = this.kernel.manifest;
    const read = this.#read(tensors, more);
    const running = this.#launcher.run(argumentsOf(read), read.dims);
    running.catch(() => {}); // An error of the module is more informative.
    await this.#module;
    const arrays = await running;
    const outputs = bindings.flatMap((binding) => {
      const array = binding.access === "read_write" ? arrays[binding.name] : undefined;
      return array ? [[binding.name, hostTensorOf(binding, extents(binding.shape, read.dims), array)]] : [];
    });
    const [x] = workgroupsOf(dispatch, elementCount(extents(dispatch.rows, read.dims)));
    return { outputs: Object.fromEntries(outputs), launches: x > 0 ? 1 : 0 };
  }

  bind(tensors: Tensors<T>, more: Partial<T["dims"]> = {}, outputs: LaunchOutputs<T["outputs"]> = {}): Bound<T> {
    const read = this.#read(tensors, more);
    const bound: Bound<AnyTypes> = this.#launcher.bind(argumentsOf(read), read.dims, outputs as LaunchOutputs<object>);
    return bound as unknown as Bound<T>;
  }

  destroy(): void {
    this.#launcher.destroy();
  }
}

/** The arguments in the form that the launcher accepts. */
export function argumentsOf({ arrays, onDevice }: BoundInputs): Record<string, LaunchArray | number> {
  const host = arrays.map(({ binding, data }) => {
    const isScalar = !("binding" in binding);
    return [binding.name, isScalar ? toNumber(binding.element, data) : encode(binding, data)] as const;
  });
  return { ...Object.fromEntries(host), ...(onDevice as Record<string, never>) };
}

/** Merges the dimensions given to `prepare` with those of a call. Throws TircError: E0606 if they differ. */
export function mergeDims(prepared: Dims, more: Dims): Dims {
  for (const [name, extent] of Object.entries(more)) {
    const before = prepared[name];
    if (before !== undefined && before !== extent) {
      fail(inputErrors.dimConflict(name, "`prepare`'s dimensions", before, "the call's dimensions", extent));
    }
  }
  return Object.assign(Object.create(null), prepared, more);
}
