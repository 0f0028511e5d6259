/** Times kernels on a device. */

import type { Bound } from "../launch/bound.ts";
import type { AnyTypes } from "../launch/types.ts";

/** What is timed: something that puts a pass into an encoder. */
export type Encodable = Pick<Bound<AnyTypes>, "encode">;

const usage = { mapRead: 1, copySource: 4, copyDestination: 8, queryResolve: 512 };
const mapModeRead = 1;

/**
 * Starts kernels in turn, `rounds` times after one round that does not count, so that what else the machine does weighs
 * on all alike.
 * @returns for each the milliseconds of each round: between two timestamps where the device has `timestamp-query`, else
 *   from the call until the device is done.
 */
export async function measure(
  device: GPUDevice,
  kernels: readonly Encodable[],
  rounds: number,
): Promise<readonly (readonly number[])[]> {
  const watch = stopwatch(device);
  const times = kernels.map((): number[] => []);
  try {
    for (let round = -1; round < rounds; round++) {
      for (let i = 0; i < kernels.length; i++) {
        // Each comes first in some round: what ran before weighs on whoever is next.
        const at = (i + round + kernels.length) % kernels.length;
        const time = await watch.time(kernels[at] as Encodable);
        if (round >= 0) times[at]?.push(time);
      }
    }
  } finally {
    watch.destroy();
  }
  return times;
}

export interface Stopwatch {
  readonly clock: "timestamps" | "submission";
  /** Milliseconds that one pass takes. */
  time(work: Encodable): Promise<number>;
  destroy(): void;
}

/** Times passes between two timestamps where the device has them, else from the submission until it is done. */
export function stopwatch(device: GPUDevice): Stopwatch {
  return device.features.has("timestamp-query") ? timestamps(device) : wallClock(device);
}

function timestamps(device: GPUDevice): Stopwatch {
  const querySet = device.createQuerySet({ type: "timestamp", count: 2 });
  const resolved = device.createBuffer({ size: 16, usage: usage.queryResolve | usage.copySource });
  const readable = device.createBuffer({ size: 16, usage: usage.copyDestination | usage.mapRead });
  const writes = { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 };
  return {
    clock: "timestamps",
    async time(work) {
      const encoder = device.createCommandEncoder();
      work.encode(encoder, { timestampWrites: writes });
      encoder.resolveQuerySet(querySet, 0, 2, resolved, 0);
      encoder.copyBufferToBuffer(resolved, 0, readable, 0, 16);
      device.queue.submit([encoder.finish()]);
      await readable.mapAsync(mapModeRead);
      const [from, to] = new BigUint64Array(readable.getMappedRange().slice(0)) as unknown as [bigint, bigint];
      readable.unmap();
      return Number(to - from) / 1e6;
    },
    destroy() {
      for (const one of [querySet, resolved, readable]) one.destroy();
    },
  };
}

function wallClock(device: GPUDevice): Stopwatch {
  return {
    clock: "submission",
    async time(work) {
      const encoder = device.createCommandEncoder();
      work.encode(encoder);
      const start = performance.now();
      device.queue.submit([encoder.finish()]);
      await device.queue.onSubmittedWorkDone();
      return performance.now() - start;
    },
    destroy() {},
  };
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
