/** What a call has on the device: its place in a uniform buffer, its bind group, its buffers. */

import type { LaunchBinding } from "./manifest.ts";
import { usage } from "./tensors.ts";
import type { LaunchTypes } from "./types.ts";

/** A part of a buffer. */
export interface Part {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
}

/**
 * Parts of uniform buffers, all of one size: a page of 64 is made when all are taken, and parts are used again. A part that
 * was released may be written at once, for a queue works in order.
 */
export class Slots {
  readonly #device: GPUDevice;
  readonly #size: number;
  readonly #pages: GPUBuffer[] = [];
  readonly #free: Part[] = [];
  #isClosed = false;

  constructor(device: GPUDevice, size: number) {
    this.#device = device;
    this.#size = size;
  }

  take(): Part {
    if (this.#free.length === 0) {
      const size = this.#size;
      const { minUniformBufferOffsetAlignment: multiple } = this.#device.limits;
      const step = Math.ceil(size / multiple) * multiple;
      const page = { label: "uniforms", size: 64 * step, usage: usage.uniform | usage.copyDestination };
      const buffer = this.#device.createBuffer(page);
      this.#pages.push(buffer);
      for (let i = 63; i >= 0; i--) this.#free.push({ buffer, offset: i * step, size });
    }
    return this.#free.pop() as Part;
  }

  release(slot: Part): void {
    this.#free.push(slot);
    this.#destroyUnused();
  }

  /** Frees the pages, once all parts that are taken are released. */
  close(): void {
    this.#isClosed = true;
    this.#destroyUnused();
  }

  #destroyUnused(): void {
    if (!this.#isClosed || this.#free.length < 64 * this.#pages.length) return;
    for (const page of this.#pages.splice(0)) page.destroy();
    this.#free.length = 0;
  }
}

/** A result and the memory it is written to. */
export interface Result {
  readonly binding: LaunchBinding;
  readonly count: number;
  readonly part: Part;
  readonly isMade: boolean;
}

/** The arguments of a call, on the device. */
export interface Placed {
  readonly group: GPUBindGroup;
  /** Workgroups in x and y. */
  readonly x: number;
  readonly y: number;
  readonly results: readonly Result[];
  /** Buffers that were made for it. */
  readonly made: GPUBuffer[];
  readonly slot: Part | undefined;
}

/** Who a bound kernel belongs to. */
export interface Owner {
  /** Frees what was made for it. */
  free(): void;
  /** Throws that it is destroyed. */
  gone(): never;
}

/** A kernel with its tensors and extents, to dispatch any number of times. */
export class Bound<T extends LaunchTypes> {
  /** Where the results are: as they were given, or in buffers that were made for them, with the usage COPY_SRC too. */
  readonly outputs: { readonly [N in keyof T["outputs"]]: Part };
  readonly #label: string;
  readonly #placed: Placed;
  readonly #owner: Owner;
  #pipeline: GPUComputePipeline | undefined;

  /** `Prepared.bind` makes one. */
  constructor(label: string, placed: Placed, pipeline: GPUComputePipeline, owner: Owner) {
    this.#label = label;
    this.#placed = placed;
    this.#pipeline = pipeline;
    this.#owner = owner;
    const parts = placed.results.map(({ binding, part }) => [binding.name, part]);
    this.outputs = Object.fromEntries(parts) as typeof this.outputs;
  }

  /** Into a compute pass of the caller's: sets the pipeline and bind group 0, and dispatches. Throws after `destroy`. */
  dispatch(pass: GPUComputePassEncoder): void {
    const { group, x, y } = this.#placed;
    pass.setPipeline(this.#pipeline ?? this.#owner.gone());
    pass.setBindGroup(0, group);
    // Of no workgroup Dawn says on the console that it is unusual.
    if (x > 0) pass.dispatchWorkgroups(x, y);
  }

  /** In a pass of its own. Throws after `destroy`. */
  encode(encoder: GPUCommandEncoder, options: { readonly timestampWrites?: GPUComputePassTimestampWrites } = {}): void {
    if (this.#pipeline === undefined) this.#owner.gone();
    const pass = encoder.beginComputePass({ label: this.#label, ...options });
    this.dispatch(pass);
    pass.end();
  }

  /** Frees copies of arrays and results that were made. What was encoded must have been submitted. */
  destroy(): void {
    if (this.#pipeline === undefined) return;
    this.#pipeline = undefined;
    this.#owner.free();
  }
}
