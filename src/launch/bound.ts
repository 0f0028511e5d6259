/** The objects of a call on the device, its bind group and buffers, and how it is dispatched. */

import type { LaunchElement } from "./compact.ts";
import type { Constants } from "./constants.ts";
import type { Fail } from "./problems.ts";
import { checkKind } from "./tensors.ts";
import type { LaunchTypes, ReadBy } from "./types.ts";

/** A part of a buffer. */
export interface Part {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
}

/** A result, and the memory that it is written to. */
export type Result = readonly [name: string, part: Part, element: LaunchElement, count: number, isMade: boolean];

/** Records into a compute pass: sets the pipeline, unless it is `set` already, sets bind group 0, and dispatches. */
export type DispatchInto = (pass: GPUComputePassEncoder, set?: GPUComputePipeline) => GPUComputePipeline;

/** The entry point, if there are several, and the values of pipeline constants, if there are any. */
export interface Stage {
  readonly entryPoint: string | undefined;
  readonly constants: Constants | undefined;
}

/** The arguments of a call, on the device. */
export interface Call {
  /** Which pipeline it uses. */
  readonly choice: readonly [readBy: ReadBy, stage: Stage];
  readonly results: readonly Result[];
  /** The contents of the uniform buffer; empty if there is none. */
  readonly words: ArrayBuffer;
  /** @param uniforms the memory of `words`, if there are any. */
  dispatch(pipeline: GPUComputePipeline, uniforms: GPUBufferBinding | undefined): DispatchInto;
}

/** Records a dispatch in a pass of its own. Throws if the encoder is not one. */
export function encodePass(
  fail: Fail,
  encoder: GPUCommandEncoder,
  dispatch: DispatchInto,
  descriptor: GPUComputePassDescriptor,
): void {
  checkKind(fail, "encoder", encoder);
  const pass = encoder.beginComputePass(descriptor);
  dispatch(pass);
  pass.end();
}

/** The owner of a bound kernel. */
interface Owner {
  /** Frees the kernel's buffers. */
  free(): void;
  readonly fail: Fail;
}

/** A kernel with its tensors and extents, to dispatch any number of times. */
export class Bound<T extends LaunchTypes> {
  /** The memory of the results: as given, or in created buffers, which also have the usage COPY_SRC. */
  readonly outputs: { readonly [N in keyof T["outputs"]]: Part };
  readonly #label: string;
  readonly #owner: Owner;
  #dispatch: DispatchInto | undefined;

  /** Called by `Prepared.bind`. */
  constructor(label: string, results: readonly Result[], dispatch: DispatchInto, owner: Owner) {
    this.#label = label;
    this.#dispatch = dispatch;
    this.#owner = owner;
    const parts = results.map(([name, part]) => [name, part]);
    this.outputs = Object.fromEntries(parts) as typeof this.outputs;
  }

  /**
   * Records into a compute pass of the caller: sets the pipeline and bind group 0, and dispatches. Throws after `destroy`.
   * @param set the pipeline that is set in the pass already, as the previous dispatch returned it.
   * @returns the pipeline that is set in the pass afterwards
   */
  dispatch(pass: GPUComputePassEncoder, set?: GPUComputePipeline): GPUComputePipeline {
    return this.#recorded()(pass, set);
  }

  /** Records a dispatch in a pass of its own. Throws after `destroy`. */
  encode(encoder: GPUCommandEncoder, options: { readonly timestampWrites?: GPUComputePassTimestampWrites } = {}): void {
    encodePass(this.#owner.fail, encoder, this.#recorded(), { label: this.#label, ...options });
  }

  #recorded(): DispatchInto {
    return this.#dispatch ?? this.#owner.fail("E0609 destroyed");
  }

  /** Frees copies of arrays, and created results. Everything that was encoded must have been submitted. */
  destroy(): void {
    if (this.#dispatch === undefined) return;
    this.#dispatch = undefined;
    this.#owner.free();
  }
}
