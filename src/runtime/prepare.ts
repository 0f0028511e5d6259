/**
 * The launcher with what `tirc/runtime` adds to it: inputs in any form, dimensions that follow from their shapes, results
 * with shapes, and diagnostics, at places of the program where they have one.
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
import { checkModules, compileChecked, orDeviceLost, withErrorScopes } from "./device-errors.ts";
import { encode, type HostInput, type HostTensor, hostTensorOf, toNumber } from "./host-tensor.ts";
import { diagnosticOf } from "./launch-diagnostics.ts";

/** What a kernel has computed. */
export interface RunResult<T extends LaunchTypes = AnyTypes> {
  /** By result name; without those that were given. */
  readonly outputs: { readonly [N in keyof T["outputs"]]: HostTensor };
  /** How many kernels were started: one, or none where there is no row. */
  readonly launches: number;
}

/** What a kernel takes by name: an input is on the host or on the device, a scalar is a number too, a result is on the device. */
export type Tensors<T extends LaunchTypes = AnyTypes> = {
  readonly [N in keyof T["inputs"]]:
    | HostInput
    | Extract<T["inputs"][N], number | boolean>
    | (T["inputs"][N] extends number | boolean ? never : OnDevice);
} & LaunchOutputs<Omit<T["outputs"], keyof T["inputs"] | keyof typeof Object.prototype>>;

/** A kernel that is compiled on a device, to bind and run any number of times. */
export interface PreparedKernel<T extends LaunchTypes = AnyTypes> {
  /** In the form that the device takes. */
  readonly kernel: Kernel;
  /**
   * Runs the kernel once, and reads back the results that are not given. Dimensions follow from the shapes of arrays;
   * `dims` gives those that do not. Inputs and dimensions are copied before the call returns: they may be changed then.
   * Throws TircError: E0601 to E0609, E0618 and E0619 for what is passed, E0613 to E0616 for what the device reports.
   */
  run(tensors: Tensors<T>, dims?: Partial<T["dims"]>): Promise<RunResult<T>>;
  /**
   * Binds tensors and dimensions, to dispatch the kernel any number of times. Arrays are copied to the device before it
   * returns. A result is given as a buffer among the tensors (in `outputs` where an input has its name), or made.
   * Throws TircError: E0601 to E0609, E0618, E0619. What the device reports later is an uncaptured error of the device.
   */
  bind(tensors: Tensors<T>, dims?: Partial<T["dims"]>, outputs?: LaunchOutputs<T["outputs"]>): Bound<T>;
  /**
   * Frees what the kernel holds: what is bound, its uniform buffers, and its pipelines, which the device keeps as long as a
   * script can reach them. Runs that have begun end as they would. Nothing starts after it: E0609.
   */
  destroy(): void;
}

/**
 * Compiles the kernel on the device, without blocking, and its pipelines too: for the extents in `dims` where some are
 * pipeline constants or decide which entry point is taken.
 * Throws TircError: E0607, E0610 to E0613, E0615, E0627.
 */
export async function prepare<T extends LaunchTypes = AnyTypes>(
  device: GPUDevice,
  kernel: Kernel | LaunchKernel<T>,
  dims: Partial<T["dims"]> = {},
): Promise<PreparedKernel<T>> {
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
  const prepared = new Runner<T>(device, kernel, dims);
  try {
    return await prepared.run(tensors);
  } finally {
    prepared.destroy();
  }
}

/** As a launcher takes it. */
export const launchKernelOf = ({ name, ...kernel }: Kernel | LaunchKernel): LaunchKernel => {
  const parts = { writeScalar, integersOf, entryFor, constantsOf };
  return "forms" in kernel ? { name, ...kernel, ...parts } : { name, forms: formsOf({ name, ...kernel }), ...parts };
};

/** In the form that the device takes. */
export function kernelFor(device: GPUDevice, kernel: Kernel | LaunchKernel): Kernel {
  const form = formFor(device, formsOf(kernel));
  // Of a callable kernel, which is a function, the name is no member that is spread.
  return { ...kernel, name: kernel.name, wgsl: textOf(form[0]), manifest: manifestOf(kernel, form) } as Kernel;
}

const formsOf = (kernel: Kernel | Pick<LaunchKernel, "forms">): readonly Form[] =>
  "forms" in kernel ? kernel.forms : [[wgslOf(kernel), compact(kernel.manifest)]];

/** With places for the variables that inputs are read by over which results may be written. */
function wgslOf({ wgsl, manifest }: Kernel): Wgsl {
  const parts = inPlaceParts(wgsl, manifest);
  if (parts.length === 1) return wgsl;
  return (readBy) => parts.map((part, i) => (i % 2 === 1 ? (readBy[part] ?? part) : part)).join("");
}

/** What is known of a kernel, or of a form of it: unless said otherwise the one for the least demanding target. */
function manifestOf(kernel: Kernel | Pick<LaunchKernel, "forms">, form?: Form): LaunchManifest {
  if (!("forms" in kernel)) return kernel.manifest;
  const [, manifest] = form ?? (kernel.forms.at(-1) as Form);
  return expand(manifest);
}

class Runner<T extends LaunchTypes> implements PreparedKernel<T> {
  readonly kernel: Kernel;
  readonly #device: GPUDevice;
  readonly #dims: Dims;
  /** Nothing is known of its types here: what is passed is checked. */
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
    this.#module.catch(() => {}); // Whoever needs the pipeline awaits it.
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
    running.catch(() => {}); // What is wrong with the module says more.
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

/** As the launcher takes them. */
export function argumentsOf({ arrays, onDevice }: BoundInputs): Record<string, LaunchArray | number> {
  const host = arrays.map(({ binding, data }) => {
    const isScalar = !("binding" in binding);
    return [binding.name, isScalar ? toNumber(binding.element, data) : encode(binding, data)] as const;
  });
  return { ...Object.fromEntries(host), ...(onDevice as Record<string, never>) };
}

/** The dimensions that `prepare` was given, and those of a call. Throws TircError: E0606 where they differ. */
export function mergeDims(prepared: Dims, more: Dims): Dims {
  for (const [name, extent] of Object.entries(more)) {
    const before = prepared[name];
    if (before !== undefined && before !== extent) {
      fail(inputErrors.dimConflict(name, "`prepare`'s dimensions", before, "the call's dimensions", extent));
    }
  }
  return Object.assign(Object.create(null), prepared, more);
}
