/**
 * A kernel on a device: prepared once, bound to tensors, dispatched any number of times. This folder imports nothing from
 * outside: its text is also what generated modules carry.
 *
 * Binding arguments once and dispatching often is what PyTorch's CUDA graphs and wgpu's render bundles do; uniform space
 * in slots that are used again is Dawn's own advice for dynamic data.
 *
 * - tensor: a `GPUBuffer`, a part of one (`{ buffer, offset, size }`), or a typed array, which is copied to the device.
 * - scalar: a parameter without dimensions. It is a number, and lies in the uniform buffer beside the extents.
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

/** What stands around a launcher. */
export interface LaunchHooks {
  /** The error that is thrown for a problem; the kernel's `explain` says it unless said otherwise. */
  readonly errorOf?: ErrorOf;
  /** Runs what makes objects of the device; `checked` rejects with what the device has against them. */
  readonly guard?: <R>(work: () => R) => { readonly value: R; readonly checked?: Promise<void> };
}

/** A call with what is freed after it. */
interface Taken extends Call {
  readonly made: GPUBuffer[];
  readonly slot: Part | undefined;
}

/** A kernel on a device, to bind and run any number of times. */
export class Prepared<T extends LaunchTypes = AnyTypes> {
  readonly device: GPUDevice;
  /** The form of the kernel that the device takes. */
  readonly manifest: CompactManifest;
  /** Of the kernel's text: the device can be asked for messages about it. */
  readonly module: GPUShaderModule;
  readonly #launcher: Launcher;
  readonly #guard: NonNullable<LaunchHooks["guard"]>;
  readonly #slots: Slots;
  readonly #bound = new Set<Bound<T>>();
  #isDestroyed = false;

  /** Throws for what the device lacks. Pipelines are not compiled yet. */
  constructor(device: GPUDevice, kernel: LaunchKernel<T>, { errorOf, guard }: LaunchHooks = {}) {
    this.#launcher = launcherOf(device, kernel as LaunchKernel, errorOf);
    this.device = device;
    this.manifest = this.#launcher.manifest;
    this.#guard = guard ?? ((work) => ({ value: work() }));
    this.#slots = new Slots(device, 4 * uniformWords(this.manifest.uniforms));
    this.module = this.#launcher.moduleOf({});
  }

  /** Compiles the pipeline, without blocking. Where extents are pipeline constants, `dims` has them, or nothing is done. */
  async compile(dims: object = {}): Promise<void> {
    await compilePipeline(this.#launcher, dims);
  }

  /**
   * Binds tensors and extents; arrays are copied before it returns. Results are named among the tensors or, where an
   * input has the same name, in `outputs`; those that are not given are made. Throws what is wrong with them.
   */
  bind(tensors: LaunchTensors<T>, ...[dims, outputs]: AfterTensors<T>): Bound<T> {
    const call = this.#place(tensors, dims, outputs);
    try {
      const free = () => {
        this.#bound.delete(bound);
        this.#free(call);
      };
      const owner = { free, gone: () => this.#launcher.fail("E0609 destroyed") };
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
   * Starts the kernel once: submitted at once, or in a pass of an encoder of the caller's. The results are the caller's.
   * Throws what is wrong with the arguments.
   */
  launch(
    tensors: LaunchTensors<T>,
    dims: T["dims"] | undefined,
    options?: LaunchOptions<T>,
  ): Record<string, GPUBuffer> {
    this.#failIfDestroyed();
    return launch(this.#launcher, tensors, dims, options);
  }

  /** Runs once; the promise has the results that are not given, as arrays. Arrays are copied before it returns. */
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

  /** Starts the kernel, and copies the results that were made to where the host can read them. */
  #submit(call: Taken, dispatch: DispatchInto): ReturnType<typeof readBack> {
    const { device } = this;
    const label = this.#launcher.label;
    const encoder = device.createCommandEncoder({ label });
    encodePass(encoder, dispatch, { label });
    const read = readBack(device, encoder, call.results, call.made);
    device.queue.submit([encoder.finish()]);
    return read;
  }

  /** Frees pipelines and all that is bound. Runs that have begun end as they would. Nothing starts after it. */
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
 * The kernel on a device, once its pipelines are compiled: for the extents `dims`, where some are pipeline constants or decide
 * which entry point is taken.
 * Throws what the device lacks, or has against the kernel.
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
