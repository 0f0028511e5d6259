/**
 * What other libraries dispatch, noted so that it can be dispatched again between two timestamps: kernel times of all are
 * then measured in one way, on one device, in turn.
 */

import type { Encodable } from "../runtime/measure.ts";

/** A dispatch with all that it was made with. */
interface Dispatch {
  readonly pipeline: GPUComputePipeline;
  readonly groups: readonly (readonly [index: number, group: GPUBindGroup | null, offsets: readonly number[]])[];
  readonly size: Parameters<GPUComputePassEncoder["dispatchWorkgroups"]>;
}

export interface Recorder {
  /** The dispatches of what `work` does. */
  during(work: () => Promise<void>): Promise<Dispatch[]>;
  /** Buffers that were given back since then go now: replays read them. */
  release(): void;
}

/** Watches a device from now on. */
export function recordDispatches(device: GPUDevice): Recorder {
  let noted: Dispatch[] | undefined;
  let kept: (() => void)[] = [];
  const watched = (pass: GPUComputePassEncoder) => {
    let pipeline: GPUComputePipeline | undefined;
    const groups = new Map<number, readonly [number, GPUBindGroup | null, readonly number[]]>();
    const setPipeline = pass.setPipeline.bind(pass);
    const setBindGroup = pass.setBindGroup.bind(pass) as (
      index: number,
      group: GPUBindGroup | null,
      offsets?: number[],
    ) => undefined;
    const dispatchWorkgroups = pass.dispatchWorkgroups.bind(pass);
    pass.setPipeline = (given) => {
      pipeline = given;
      return setPipeline(given);
    };
    pass.setBindGroup = ((index: number, group: GPUBindGroup | null, offsets: Iterable<number> = []) => {
      groups.set(index, [index, group, [...offsets]]);
      return setBindGroup(index, group, [...offsets]);
    }) as GPUComputePassEncoder["setBindGroup"];
    pass.dispatchWorkgroups = (...size) => {
      if (pipeline !== undefined) noted?.push({ pipeline, groups: [...groups.values()], size });
      return dispatchWorkgroups(...size);
    };
    return pass;
  };
  const createCommandEncoder = device.createCommandEncoder.bind(device);
  device.createCommandEncoder = (descriptor) => {
    const encoder = createCommandEncoder(descriptor);
    const beginComputePass = encoder.beginComputePass.bind(encoder);
    encoder.beginComputePass = (options) => watched(beginComputePass(options));
    return encoder;
  };
  const createBuffer = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    const buffer = createBuffer(descriptor);
    const destroy = buffer.destroy.bind(buffer);
    buffer.destroy = () => {
      kept.push(destroy);
      return undefined;
    };
    return buffer;
  };
  return {
    async during(work) {
      const own: Dispatch[] = [];
      noted = own;
      try {
        await work();
        return own;
      } finally {
        noted = undefined;
      }
    },
    release() {
      for (const destroy of kept) destroy();
      kept = [];
    },
  };
}

/** Dispatches that were noted, as one pass. */
export function replayed(dispatches: readonly Dispatch[]): Encodable {
  return {
    encode(encoder, options = {}) {
      const pass = encoder.beginComputePass({ ...options });
      for (const { pipeline, groups, size } of dispatches) {
        pass.setPipeline(pipeline);
        for (const [index, group, offsets] of groups) pass.setBindGroup(index, group, offsets);
        pass.dispatchWorkgroups(...size);
      }
      pass.end();
    },
  };
}
