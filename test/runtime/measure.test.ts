import { expect, test } from "vitest";
import { passesOf, stopwatch } from "../../src/runtime/measure.ts";
import { gpuTest } from "../support/gpu.ts";

gpuTest("of several passes the first and the last are stamped, and the time is that of one", async ({ gpu }) => {
  const watch = stopwatch(gpu.device);
  const stamped: boolean[] = [];
  const work = {
    encode(encoder: GPUCommandEncoder, options: GPUComputePassDescriptor = {}) {
      stamped.push(options.timestampWrites !== undefined);
      encoder.beginComputePass({ ...options }).end();
    },
  };
  expect(await watch.time(work, 4)).toBeGreaterThanOrEqual(0);
  watch.destroy();
  expect(stamped).toEqual(watch.clock === "timestamps" ? [true, false, false, true] : [false, false, false, false]);
});

test("without timestamps the time of a submission is shared among its passes", async () => {
  const queue = { submit() {}, onSubmittedWorkDone: () => new Promise((done) => setTimeout(done, 40)) };
  const device = { features: new Set(), createCommandEncoder: () => ({ finish: () => ({}) }), queue };
  const watch = stopwatch(device as unknown as GPUDevice);
  let passes = 0;
  const time = await watch.time({ encode: () => void passes++ }, 8);
  expect(passes).toBe(8);
  // At least the 40 ms that were waited for, less the inaccuracy of timers.
  expect(8 * time).toBeGreaterThan(35);
});

test.each([
  [0.001, 200],
  [0.1, 2],
  [5, 1],
  [0.0001, 256],
])("work of %d ms is timed over %i passes", async (milliseconds, passes) => {
  const watch = { clock: "timestamps", time: async () => milliseconds, destroy() {} } as const;
  expect(await passesOf(watch, { encode() {} })).toBe(passes);
});
