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

import { Bound, type Call, encodeCall, type Part, type Result } from "./bound.ts";
import { type Lasting, type LaunchOptions, launch } from "./launch.ts";
import {
  constantsOf,
  type ErrorOf,
  type Launcher,
  launcherOf,
  pipelineNow,
  pipelineOf,
  variantOf,
} from "./launcher.ts";
import { destroyAll, place } from "./place.ts";
import { Slots } from "./slots.ts";
import { arrays, own, usage } from "./tensors.ts";
import type { AfterTensors, AnyTypes, LaunchKernel, LaunchTensors, LaunchTypes } from "./types.ts";

/** What stands around a launcher. */
export interface LaunchHooks {
  /** The error that is thrown for a problem; the kernel's `explain` says it unless said otherwise. */
  readonly errorOf?: ErrorOf;
  /** Runs what makes objects of the device; `checked` rejects with what the device has against them. */
  readonly guard?: <R>(work: () => R) => { readonly value: R; readonly checked?: Promise<void> };
}

/** A call, and where its uniforms lie. */
interface Taken extends Call {
  readonly slot: Part | undefined;
}

// The value of GPUMapMode, which Node has not among its globals.
const modeRead = 1;

/** A kernel on a device, to bind and run any number of times. */
export class Prepared<T extends LaunchTypes = AnyTypes> {
  readonly device: GPUDevice;
  readonly kernel: LaunchKernel<T>;
  /** Of the kernel's text: the device can be asked for messages about it. */
  readonly module: GPUShaderModule;
  readonly #launcher: Launcher;
  readonly #guard: NonNullable<LaunchHooks["guard"]>;
  readonly #slots: Slots;
  readonly #lasting: Lasting = new Map();
  readonly #bound = new Set<Bound<T>>();

  /** Throws for what the device lacks. Pipelines are not compiled yet. */
  constructor(device: GPUDevice, kernel: LaunchKernel<T>, { errorOf, guard }: LaunchHooks = {}) {
    this.#launcher = launcherOf(device, kernel as LaunchKernel, errorOf);
    this.device = device;
    this.kernel = this.#launcher.kernel as LaunchKernel<T>;
    this.#guard = guard ?? ((work) => ({ value: work() }));
    this.#slots = new Slots(device, this.kernel.manifest.uniforms?.size ?? 0);
    this.module = variantOf(this.#launcher, []).module;
  }

  /** Compiles the pipeline, without blocking. Where extents are pipeline constants, `dims` has them, or nothing is done. */
  async compile(dims: object = {}): Promise<void> {
    const { overrides } = this.kernel.manifest;
    if (!overrides.every(({ dim }) => typeof own(dims, dim) === "number")) return;
    const constants = constantsOf(this.#launcher, (dim) => own(dims, dim) as number);
    await this.#pipelineSoon({ variant: variantOf(this.#launcher, []), constants });
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
      const bound: Bound<T> = new Bound<T>(this.kernel.name, call, pipelineNow(this.#launcher, call), owner);
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
  launch(tensors: LaunchTensors<T>, dims: T["dims"] | undefined, options?: LaunchOptions<T>) {
    return launch(this.#launcher, this.#lasting, tensors, dims, options);
  }

  /** Runs once; the promise has the results that are not given, as arrays. Arrays are copied before it returns. */
  async run(tensors: LaunchTensors<T>, ...[dims, outputs]: AfterTensors<T>): Promise<T["outputs"]> {
    const { value: call, checked } = this.#guard(() => this.#place(tensors, dims, outputs));
    try {
      const [pipeline] = await Promise.all([this.#pipelineSoon(call), checked]);
      const { value: copies, checked: submitted } = this.#guard(() => this.#submit(call, pipeline));
      // All must settle before the buffers go, or a rejection would be left to nobody.
      const settled = await Promise.allSettled([submitted, ...copies.map(({ copy }) => copy.mapAsync(modeRead))]);
      for (const one of settled) if (one.status === "rejected") throw one.reason;
      const read = copies.map(({ binding, count, copy }) => {
        return [binding.name, new arrays[binding.element](copy.getMappedRange(), 0, count).slice()];
      });
      return Object.fromEntries(read) as T["outputs"];
    } finally {
      this.#free(call);
    }
  }

  /** Starts the kernel, and copies the results that were made to where the host can read them. */
  #submit(call: Taken, pipeline: GPUComputePipeline): (Result & { readonly copy: GPUBuffer })[] {
    const { device } = this;
    const copies = call.results.flatMap((result) => {
      if (!result.isMade) return [];
      const { size } = result.part;
      const copy = device.createBuffer({ label: "copy", size, usage: usage.mapRead | usage.copyDestination });
      call.made.push(copy);
      return [{ ...result, copy }];
    });
    const label = this.kernel.name;
    const encoder = device.createCommandEncoder({ label });
    encodeCall(encoder, label, call, pipeline);
    for (const { part, copy } of copies) encoder.copyBufferToBuffer(part.buffer, 0, copy, 0, part.size);
    device.queue.submit([encoder.finish()]);
    return copies;
  }

  /** Frees pipelines and all that is bound. Runs that have begun end as they would. Nothing starts after it. */
  destroy(): void {
    this.#launcher.isDestroyed = true;
    for (const bound of this.#bound) bound.destroy();
    this.#launcher.pipelines.clear();
    destroyAll(this.#lasting.values());
    this.#slots.close();
  }

  async #pipelineSoon(call: Pick<Call, "variant" | "constants">): Promise<GPUComputePipeline> {
    const { pipelines, fail } = this.#launcher;
    const { key, pipeline } = pipelineOf(this.#launcher, call, "createComputePipelineAsync");
    const replace = (by?: GPUComputePipeline) => {
      if (pipelines.get(key) !== pipeline) return;
      if (by) pipelines.set(key, by);
      else pipelines.delete(key);
    };
    try {
      const compiled = await pipeline;
      replace(compiled);
      return compiled;
    } catch (caught) {
      replace();
      return fail("E0613 no pipeline", (caught as Error).message);
    }
  }

  #place(tensors: object, dims?: object, outputs?: object): Taken {
    let slot: Part | undefined;
    const uniformPart = (words: ArrayBuffer) => {
      slot = this.#slots.take();
      this.device.queue.writeBuffer(slot.buffer, slot.offset, words);
      return slot;
    };
    try {
      return { ...place(this.#launcher, tensors, dims, outputs, uniformPart), slot };
    } catch (caught) {
      if (slot) this.#slots.release(slot);
      throw caught;
    }
  }

  #free({ made, slot }: Taken): void {
    destroyAll(made);
    if (slot) this.#slots.release(slot);
  }
}

/**
 * The kernel on a device, once its pipeline is compiled: with the extents `dims`, where some are pipeline constants.
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
