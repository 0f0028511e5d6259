/** Space for uniforms of bound kernels and runs. */

import type { Part } from "./bound.ts";
import { roundUp } from "./counts.ts";
import { bufferOf, copyDestination, uniform } from "./tensors.ts";

/**
 * Allocates slots of equal size in uniform buffers. A page of 64 is created when no slot is free, and slots are reused. A slot that
 * was released may be written at once, as a queue works in order.
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
      const step = roundUp(size, multiple);
      const buffer = bufferOf(this.#device, "uniforms", 64 * step, uniform | copyDestination);
      this.#pages.push(buffer);
      for (let i = 63; i >= 0; i--) this.#free.push({ buffer, offset: i * step, size });
    }
    return this.#free.pop() as Part;
  }

  release(slot: Part): void {
    this.#free.push(slot);
    this.#destroyUnused();
  }

  /** Destroys the pages, once all slots are released. */
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
