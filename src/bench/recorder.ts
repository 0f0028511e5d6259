/**
 * Records the dispatches of other libraries, and replays them between two timestamps, so that the kernels of all
 * libraries are timed in the same way, interleaved on one device.
 */

import type { Encodable } from "../runtime/measure.ts";

/** A dispatch, with its pipeline and bind groups. */
interface Dispatch {
  readonly pipeline: GPUComputePipeline;
  readonly groups: readonly (readonly [index: number, group: GPUBindGroup | null, offsets: readonly number[]])[];
  readonly size: Parameters<GPUComputePassEncoder["dispatchWorkgroups"]>;
}

export interface Recorder {
  /** The dispatches made while `work` runs. */
  during(work: () => Promise<void>): Promise<Dispatch[]>;
  /** Destroys the buffers that were kept alive for replays. */
  release(): void;
}

/** Starts recording: wraps methods of the device, and defers the destruction of its buffers. */
export function recordDispatches(device: GPUDevice): Recorder {
  let recorded: Dispatch[] | undefined;
  let deferred: (() => void)[] = [];
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
      if (pipeline !== undefined) recorded?.push({ pipeline, groups: [...groups.values()], size });
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
      deferred.push(destroy);
      return undefined;
    };
    return buffer;
  };
  return {
    async during(work) {
      const own: Dispatch[] = [];
      recorded = own;
      try {
        await work();
        return own;
      } finally {
        recorded = undefined;
      }
    },
    release() {
      for (const destroy of deferred) destroy();
      deferred = [];
    },
  };
}

/** Replays recorded dispatches in one compute pass. */
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
