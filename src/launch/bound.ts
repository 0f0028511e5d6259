/** What a call has on the device, its bind group and its buffers, and how it is dispatched. */

import type { Constants, Variant } from "./launcher.ts";
import type { LaunchBinding } from "./manifest.ts";
import type { LaunchTypes } from "./types.ts";

/** A part of a buffer. */
export interface Part {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
}

/** A result and the memory it is written to. */
export interface Result {
  readonly binding: LaunchBinding;
  readonly count: number;
  readonly part: Part;
  readonly isMade: boolean;
}

/** The arguments of a call, on the device, and the pipeline that it takes. */
export interface Call {
  readonly group: GPUBindGroup;
  /** Workgroups in x and y. */
  readonly x: number;
  readonly y: number;
  readonly results: readonly Result[];
  /** Buffers that were made for it. */
  readonly made: GPUBuffer[];
  readonly variant: Variant;
  readonly constants: Constants;
}

/** Into a compute pass: sets the pipeline and bind group 0, and dispatches. */
function dispatchCall(pass: GPUComputePassEncoder, { group, x, y }: Call, pipeline: GPUComputePipeline): void {
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  // Of no workgroup Dawn says on the console that it is unusual.
  if (x > 0) pass.dispatchWorkgroups(x, y);
}

/** In a pass of its own. */
export function encodeCall(
  encoder: GPUCommandEncoder,
  label: string,
  call: Call,
  pipeline: GPUComputePipeline,
  options?: GPUComputePassDescriptor,
): void {
  const pass = encoder.beginComputePass({ label, ...options });
  dispatchCall(pass, call, pipeline);
  pass.end();
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
  readonly #call: Call;
  readonly #owner: Owner;
  #pipeline: GPUComputePipeline | undefined;

  /** `Prepared.bind` makes one. */
  constructor(label: string, call: Call, pipeline: GPUComputePipeline, owner: Owner) {
    this.#label = label;
    this.#call = call;
    this.#pipeline = pipeline;
    this.#owner = owner;
    const parts = call.results.map(({ binding, part }) => [binding.name, part]);
    this.outputs = Object.fromEntries(parts) as typeof this.outputs;
  }

  /** Into a compute pass of the caller's: sets the pipeline and bind group 0, and dispatches. Throws after `destroy`. */
  dispatch(pass: GPUComputePassEncoder): void {
    dispatchCall(pass, this.#call, this.#pipeline ?? this.#owner.gone());
  }

  /** In a pass of its own. Throws after `destroy`. */
  encode(encoder: GPUCommandEncoder, options: { readonly timestampWrites?: GPUComputePassTimestampWrites } = {}): void {
    encodeCall(encoder, this.#label, this.#call, this.#pipeline ?? this.#owner.gone(), options);
  }

  /** Frees copies of arrays and results that were made. What was encoded must have been submitted. */
  destroy(): void {
    if (this.#pipeline === undefined) return;
    this.#pipeline = undefined;
    this.#owner.free();
  }
}
