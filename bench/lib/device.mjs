/**
 * One device for all libraries. A peer that requests an adapter and a device receives tirc's, and its dispatches are
 * recorded, so that they can be replayed between two timestamps.
 */

const { isSoftware } = await import("../../dist/src/launch/choose.js");
const { openDevice } = await import("../../dist/src/runtime/node.js");
const { actAsPage } = await import("../../dist/src/cli/peers/page.js");

export const tirc = await import("../../dist/src/index.js");
export const { emittedFunctions } = await import("../../dist/src/emit/module.js");
export const { copiesOf } = await import("../../dist/src/bench/copies.js");
const { recordDispatches, replayed } = await import("../../dist/src/bench/recorder.js");
const { measure, median, passesOf, stopwatch } = await import("../../dist/src/runtime/measure.js");

export { measure, median, replayed, stopwatch };

export async function openBench() {
  const opened = await openDevice({ requiredFeatures: ["timestamp-query"] });
  const { device, adapterInfo } = opened;
  const recorder = recordDispatches(device);
  return {
    ...opened,
    isGpu: !isSoftware(adapterInfo),
    adapter: await actAsPage(opened),
    recorder,
    watch: stopwatch(device),
  };
}

/** An idle graphics card lowers its clock, an H200 by a factor of four, and takes time to raise it again. */
const busy = { milliseconds: 200, passes: 20 };

/**
 * The number of passes to time together. A graphics card is kept busy beforehand, and while it is timed by more passes
 * than a single measurement needs.
 */
export async function passesFor({ watch, isGpu }, work) {
  if (!isGpu) return 1;
  const start = performance.now();
  const passes = busy.passes * (await passesOf(watch, work));
  while (performance.now() - start < busy.milliseconds) await watch.time(work, passes);
  return passes;
}

export async function download(device, buffer, count) {
  const readable = device.createBuffer({ size: buffer.size, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, readable, 0, buffer.size);
  device.queue.submit([encoder.finish()]);
  await readable.mapAsync(GPUMapMode.READ);
  return new Float32Array(readable.getMappedRange().slice(0)).subarray(0, count);
}

export function upload(device, data) {
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  const buffer = device.createBuffer({ size: Math.max(16, Math.ceil(data.byteLength / 16) * 16), usage });
  device.queue.writeBuffer(buffer, 0, data);
  return buffer;
}
