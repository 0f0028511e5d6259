/**
 * Kernels on a device, with what `tirc/runtime` adds to the launcher: inputs in any form, dimensions inferred from their shapes,
 * results with shapes, and diagnostics, with spans of the program if possible.
 */

import { compact, expand } from "../emit/compact-manifest.ts";
import { elementCount } from "../ir/tensor.ts";
import type { Bound } from "../launch/bound.ts";
import { formFor } from "../launch/choose.ts";
import { constantsOf } from "../launch/constants.ts";
import { workgroupsOf } from "../launch/counts.ts";
import { entryFor } from "../launch/entries.ts";
import { integersOf } from "../launch/integers.ts";
import { type LaunchHooks, Prepared } from "../launch/prepared.ts";
import { writeScalar } from "../launch/scalars.ts";
import {
  type AnyTypes,
  type Form,
  type LaunchKernel,
  type LaunchOutputs,
  type LaunchTypes,
  textOf,
  type Wgsl,
} from "../launch/types.ts";
import type { Kernel } from "../target/manifest.ts";
import { inPlaceParts } from "../target/reads.ts";
import { type Dims, extents } from "./bind-inputs.ts";
import { checkLaunch } from "./check-arguments.ts";
import { once, Runner, type RunResult, type Tensors } from "./runner.ts";

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
  const prepared = new KernelRunner<T>(device, kernel, dims);
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
  return once(new KernelRunner<T>(device, kernel, dims), (prepared) => prepared.run(tensors));
}

/** A kernel in the form that the launcher accepts. */
export const launchKernelOf = ({ name, ...kernel }: Kernel | LaunchKernel): LaunchKernel => {
  const parts = { writeScalar, integersOf, entryFor, constantsOf };
  return "forms" in kernel ? { name, ...kernel, ...parts } : { name, forms: formsOf({ name, ...kernel }), ...parts };
};

/** The kernel in the form that the device uses. */
export function kernelFor(device: GPUDevice, kernel: Kernel | LaunchKernel): Kernel {
  const form = formFor(device, formsOf(kernel));
  const manifest = "forms" in kernel ? expand(form[1]) : kernel.manifest;
  // The name of a callable kernel, which is a function, is not an enumerable member.
  return { ...kernel, name: kernel.name, wgsl: textOf(form[0]), manifest } as Kernel;
}

const formsOf = (kernel: Kernel | Pick<LaunchKernel, "forms">): readonly Form[] =>
  "forms" in kernel ? kernel.forms : [[wgslOf(kernel), compact(kernel.manifest)]];

/** The text of a kernel. If results may overwrite inputs, it is a function of the variables by which inputs are read. */
function wgslOf({ wgsl, manifest }: Kernel): Wgsl {
  const parts = inPlaceParts(wgsl, manifest);
  if (parts.length === 1) return wgsl;
  return (readBy) => parts.map((part, i) => (i % 2 === 1 ? (readBy[part] ?? part) : part)).join("");
}

class KernelRunner<T extends LaunchTypes> extends Runner<T, Prepared> implements PreparedKernel<T> {
  readonly kernel: Kernel;

  constructor(device: GPUDevice, given: Kernel | LaunchKernel<T>, dims: Partial<T["dims"]>) {
    const kernel = kernelFor(device, given as Kernel);
    const create = (hooks: LaunchHooks) => new Prepared(device, launchKernelOf(given as Kernel), hooks);
    super(device, kernel, [kernel], dims, create, ({ module }) => module);
    this.kernel = kernel;
  }

  run(tensors: Tensors<T>, more?: Partial<T["dims"]>): Promise<RunResult<T>> {
    const { dispatch } = this.kernel.manifest;
    const launches = (dims: Dims) => Math.min(1, workgroupsOf(dispatch, elementCount(extents(dispatch.rows, dims)))[0]);
    return this.results(tensors, more, (given) => this.launched.run(given.tensors, given.dims), launches);
  }

  bind(tensors: Tensors<T>, more?: Partial<T["dims"]>, outputs: LaunchOutputs<T["outputs"]> = {}): Bound<T> {
    const given = this.read(tensors, more);
    const bound: Bound<AnyTypes> = this.launched.bind(given.tensors, given.dims, outputs as LaunchOutputs<object>);
    return bound as unknown as Bound<T>;
  }
}
