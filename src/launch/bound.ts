/** What a call has on the device, its bind group and its buffers, and how it is dispatched. */

import type { LaunchElement } from "./compact.ts";
import type { Constants } from "./constants.ts";
import type { LaunchTypes, ReadBy } from "./types.ts";

/** A part of a buffer. */
export interface Part {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
}

/** A result and the memory it is written to. */
export type Result = readonly [name: string, part: Part, element: LaunchElement, count: number, isMade: boolean];

/** Into a compute pass: sets the pipeline, unless it is the one that is `set`, and bind group 0, and dispatches. */
export type DispatchInto = (pass: GPUComputePassEncoder, set?: GPUComputePipeline) => GPUComputePipeline;

/** An entry point, where there are several, and the values of pipeline constants, where there are any. */
export interface Stage {
  readonly entryPoint: string | undefined;
  readonly constants: Constants | undefined;
}

/** The arguments of a call, on the device. */
export interface Call {
  /** The pipeline that it takes. */
  readonly choice: readonly [readBy: ReadBy, stage: Stage];
  readonly results: readonly Result[];
  /** What the uniform buffer holds: of no bytes where there is none. */
  readonly words: ArrayBuffer;
  /** @param uniforms where `words` lie, if there are any. */
  dispatch(pipeline: GPUComputePipeline, uniforms: GPUBufferBinding | undefined): DispatchInto;
}

/** In a pass of its own. */
export function encodePass(
  encoder: GPUCommandEncoder,
  dispatch: DispatchInto,
  descriptor: GPUComputePassDescriptor,
): void {
  const pass = encoder.beginComputePass(descriptor);
  dispatch(pass);
  pass.end();
}

/** Who a bound kernel belongs to. */
interface Owner {
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
  readonly #owner: Owner;
  #dispatch: DispatchInto | undefined;

  /** `Prepared.bind` makes one. */
  constructor(label: string, results: readonly Result[], dispatch: DispatchInto, owner: Owner) {
    this.#label = label;
    this.#dispatch = dispatch;
    this.#owner = owner;
    const parts = results.map(([name, part]) => [name, part]);
    this.outputs = Object.fromEntries(parts) as typeof this.outputs;
  }

  /**
   * Into a compute pass of the caller's: sets the pipeline and bind group 0, and dispatches. Throws after `destroy`.
   * @param set the pipeline that the pass has, as the dispatch before returned it: it is not set once more.
   * @returns the pipeline that the pass has then
   */
  dispatch(pass: GPUComputePassEncoder, set?: GPUComputePipeline): GPUComputePipeline {
    return (this.#dispatch ?? this.#owner.gone())(pass, set);
  }

  /** In a pass of its own. Throws after `destroy`. */
  encode(encoder: GPUCommandEncoder, options: { readonly timestampWrites?: GPUComputePassTimestampWrites } = {}): void {
    encodePass(encoder, this.#dispatch ?? this.#owner.gone(), { label: this.#label, ...options });
  }

  /** Frees copies of arrays and results that were made. What was encoded must have been submitted. */
  destroy(): void {
    if (this.#dispatch === undefined) return;
    this.#dispatch = undefined;
    this.#owner.free();
  }
}
