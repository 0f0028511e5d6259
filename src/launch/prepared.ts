/**
 * A kernel on a device: prepared once, bound to tensors, dispatched any number of times. This folder has no imports from
 * outside, as generated modules include its text.
 *
 * Arguments are bound once and dispatched often, as with PyTorch's CUDA graphs and wgpu's render bundles. Uniform space
 * in slots that are reused follows Dawn's own advice for dynamic data.
 *
 * - tensor: a `GPUBuffer`, a part of one (`{ buffer, offset, size }`), or a typed array, which is copied to the device.
 * - scalar: a parameter without dimensions. It is a number in the uniform buffer, like the extents.
 */

import { Bound, type Call, type DispatchInto, encodePass, type Part } from "./bound.ts";
import type { CompactManifest } from "./compact.ts";
import { type LaunchOptions, launch } from "./launch.ts";
import {
  compilePipeline,
  destroyAll,
  type ErrorOf,
  type Launcher,
  launcherOf,
  pipelineSoon,
  releaseLauncher,
} from "./launcher.ts";
import { readBack } from "./read-back.ts";
import { Slots } from "./slots.ts";
import { uniformWords } from "./tensors.ts";
import type { AfterTensors, AnyTypes, LaunchKernel, LaunchTensors, LaunchTypes } from "./types.ts";

/** Hooks of a launcher. */
export interface LaunchHooks {
  /** Makes the error for a problem. By default, the kernel's `explain` describes it. */
  readonly errorOf?: ErrorOf;
  /** Runs code that creates objects on the device. `checked` rejects if the device reports an error. */
  readonly guard?: <R>(work: () => R) => { readonly value: R; readonly checked?: Promise<void> };
}

/** A call, and the memory that is freed after it. */
interface Taken extends Call {
  readonly made: GPUBuffer[];
  readonly slot: Part | undefined;
}

/** A kernel on a device, which can be bound and run any number of times. */
export class Prepared<T extends LaunchTypes = AnyTypes> {
  readonly device: GPUDevice;
  /** The manifest of the form that the device uses. */
  readonly manifest: CompactManifest;
  /** The shader module, which can be asked for compilation messages. */
  readonly module: GPUShaderModule;
  readonly #launcher: Launcher;
  readonly #guard: NonNullable<LaunchHooks["guard"]>;
  readonly #slots: Slots;
  readonly #bound = new Set<Bound<T>>();
  #isDestroyed = false;

  /** Throws if the device does not meet a requirement. Pipelines are not compiled yet. */
  constructor(device: GPUDevice, kernel: LaunchKernel<T>, { errorOf, guard }: LaunchHooks = {}) {
    this.#launcher = launcherOf(device, kernel as LaunchKernel, errorOf);
    this.device = device;
    this.manifest = this.#launcher.manifest;
    this.#guard = guard ?? ((work) => ({ value: work() }));
    this.#slots = new Slots(device, 4 * uniformWords(this.manifest.uniforms));
    this.module = this.#launcher.moduleOf({});
  }

  /** Compiles the pipeline without blocking. If extents are pipeline constants and `dims` does not have them, it does nothing. */
  async compile(dims: object = {}): Promise<void> {
    await compilePipeline(this.#launcher, dims);
  }

  /**
   * Binds tensors and extents. Arrays are copied before it returns. Results are given among the tensors or, if an
   * input has the same name, in `outputs`; others are created. Throws if an argument is wrong.
   */
  bind(tensors: LaunchTensors<T>, ...[dims, outputs]: AfterTensors<T>): Bound<T> {
    const call = this.#place(tensors, dims, outputs);
    try {
      const free = () => {
        this.#bound.delete(bound);
        this.#free(call);
      };
      const owner = { free, fail: this.#launcher.fail };
      const dispatch = call.dispatch(this.#launcher.pipelineOf(...call.choice)[0] as GPUComputePipeline, call.slot);
      const bound: Bound<T> = new Bound<T>(this.#launcher.label, call.results, dispatch, owner);
      this.#bound.add(bound);
      return bound;
    } catch (caught) {
      this.#free(call);
      throw caught;
    }
  }

  /**
   * Launches the kernel once: submitted at once, or in a pass of the caller's encoder. The results belong to the caller.
   * Throws if an argument is wrong.
   */
  launch(
    tensors: LaunchTensors<T>,
    dims: T["dims"] | undefined,
    options?: LaunchOptions<T>,
  ): Record<string, GPUBuffer> {
    this.#failIfDestroyed();
    return launch(this.#launcher, tensors, dims, options);
  }

  /** Runs the kernel once, and reads back the results that are not given. Arrays are copied before it returns. */
  async run(tensors: LaunchTensors<T>, ...[dims, outputs]: AfterTensors<T>): Promise<T["outputs"]> {
    const { value: call, checked } = this.#guard(() => this.#place(tensors, dims, outputs));
    try {
      const [pipeline] = await Promise.all([pipelineSoon(this.#launcher, ...call.choice), checked]);
      const { value: arraysOf, checked: submitted } = this.#guard(() =>
        this.#submit(call, call.dispatch(pipeline, call.slot)),
      );
      return (await arraysOf(submitted)) as T["outputs"];
    } finally {
      this.#free(call);
    }
  }

  /** Submits the kernel and copies of created results to mappable buffers. */
  #submit(call: Taken, dispatch: DispatchInto): ReturnType<typeof readBack> {
    const { device } = this;
    const { label, fail } = this.#launcher;
    const encoder = device.createCommandEncoder({ label });
    encodePass(fail, encoder, dispatch, { label });
    const read = readBack(device, encoder, call.results, call.made);
    device.queue.submit([encoder.finish()]);
    return read;
  }

  /** Frees the pipelines and all bound kernels. Runs that have begun complete, and no more can be started. */
  destroy(): void {
    this.#isDestroyed = true;
    for (const bound of this.#bound) bound.destroy();
    releaseLauncher(this.#launcher);
    this.#slots.close();
  }

  #place(tensors: object, dims?: object, outputs?: object): Taken {
    this.#failIfDestroyed();
    const made: GPUBuffer[] = [];
    let slot: Part | undefined;
    try {
      const call = this.#launcher.place(tensors, made, dims, outputs);
      if (call.words.byteLength > 0) {
        slot = this.#slots.take();
        this.device.queue.writeBuffer(slot.buffer, slot.offset, call.words);
      }
      return { ...call, made, slot };
    } catch (caught) {
      this.#free({ made, slot });
      throw caught;
    }
  }

  #free({ made, slot }: Pick<Taken, "made" | "slot">): void {
    destroyAll(made);
    if (slot) this.#slots.release(slot);
  }

  #failIfDestroyed(): void {
    if (this.#isDestroyed) this.#launcher.fail("E0609 destroyed");
  }
}

/**
 * Prepares a kernel on a device, and compiles its pipelines: for the extents `dims`, if some are pipeline constants or determine
 * the entry point.
 * Throws if the device does not meet a requirement or rejects the kernel.
 */
export async function prepare<T extends LaunchTypes = AnyTypes>(
  device: GPUDevice,
  kernel: LaunchKernel<T>,
  dims?: Partial<T["dims"]>,
): Promise<Prepared<T>> {
  const prepared = new Prepared(device, kernel);
  await prepared.compile(dims);
  return prepared;
}
