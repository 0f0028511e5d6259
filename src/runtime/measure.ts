/** Measures times of kernels on a device. */

import type { Bound } from "../launch/bound.ts";
import type { AnyTypes } from "../launch/types.ts";

/** Something that records a pass into an encoder, to be measured. */
export type Encodable = Pick<Bound<AnyTypes>, "encode">;

const usage = { mapRead: 1, copySource: 4, copyDestination: 8, queryResolve: 512 };
const mapModeRead = 1;

/**
 * Runs kernels in turn, for `rounds` rounds after a warm-up round, so that other load on the machine affects
 * all alike.
 * @returns for each kernel the milliseconds of each round: between two timestamps if the device has `timestamp-query`, else
 *   from the submission until the device is done.
 */
export async function measure(
  device: GPUDevice,
  kernels: readonly Encodable[],
  rounds: number,
): Promise<readonly (readonly number[])[]> {
  const watch = stopwatch(device);
  const times = kernels.map((): number[] => []);
  try {
    const passes = kernels[0] === undefined ? 1 : await passesOf(watch, kernels[0]);
    for (let round = -1; round < rounds; round++) {
      for (let i = 0; i < kernels.length; i++) {
        // The order rotates, as a kernel is affected by the one before it.
        const at = (i + round + kernels.length) % kernels.length;
        const time = await watch.time(kernels[at] as Encodable, passes);
        if (round >= 0) times[at]?.push(time);
      }
    }
  } finally {
    watch.destroy();
  }
  return times;
}

/** The least milliseconds of a measurement, whose overhead is microseconds. */
const measuredAtLeast = 0.2;
const mostPasses = 256;

/** The number of passes that are measured together. One takes microseconds on a GPU, milliseconds on a processor. */
export async function passesOf(watch: Stopwatch, work: Encodable): Promise<number> {
  await watch.time(work);
  const time = await watch.time(work);
  return Math.max(1, Math.min(mostPasses, Math.ceil(measuredAtLeast / time)));
}

export interface Stopwatch {
  readonly clock: "timestamps" | "submission";
  /** The milliseconds of one pass, averaged over `times` passes in one submission. @param times 1 by default. */
  time(work: Encodable, times?: number): Promise<number>;
  destroy(): void;
}

/** Measures passes between two timestamps if the device has them, else from the submission until it is done. */
export function stopwatch(device: GPUDevice): Stopwatch {
  return device.features.has("timestamp-query") ? timestamps(device) : wallClock(device);
}

/** Indices of timestamps: the beginning and the end of all passes, and two that are not read. */
const stamps = { begin: 0, end: 1, firstEnd: 2, lastBegin: 3 };

function timestamps(device: GPUDevice): Stopwatch {
  const querySet = device.createQuerySet({ type: "timestamp", count: 4 });
  const resolved = device.createBuffer({ size: 16, usage: usage.queryResolve | usage.copySource });
  const readable = device.createBuffer({ size: 16, usage: usage.copyDestination | usage.mapRead });
  return {
    clock: "timestamps",
    async time(work, times = 1) {
      const encoder = device.createCommandEncoder();
      for (let i = 0; i < times; i++) {
        const beginningOfPassWriteIndex = i === 0 ? stamps.begin : stamps.lastBegin;
        const endOfPassWriteIndex = i === times - 1 ? stamps.end : stamps.firstEnd;
        const timestampWrites = { querySet, beginningOfPassWriteIndex, endOfPassWriteIndex };
        work.encode(encoder, i === 0 || i === times - 1 ? { timestampWrites } : {});
      }
      encoder.resolveQuerySet(querySet, 0, 2, resolved, 0);
      encoder.copyBufferToBuffer(resolved, 0, readable, 0, 16);
      device.queue.submit([encoder.finish()]);
      await readable.mapAsync(mapModeRead);
      const [from, to] = new BigUint64Array(readable.getMappedRange().slice(0)) as unknown as [bigint, bigint];
      readable.unmap();
      return Number(to - from) / 1e6 / times;
    },
    destroy() {
      for (const one of [querySet, resolved, readable]) one.destroy();
    },
  };
}

function wallClock(device: GPUDevice): Stopwatch {
  return {
    clock: "submission",
    async time(work, times = 1) {
      const encoder = device.createCommandEncoder();
      for (let i = 0; i < times; i++) work.encode(encoder);
      const start = performance.now();
      device.queue.submit([encoder.finish()]);
      await device.queue.onSubmittedWorkDone();
      return (performance.now() - start) / times;
    },
    destroy() {},
  };
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
