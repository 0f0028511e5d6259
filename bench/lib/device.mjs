/**
 * One device for all. Peers ask for an adapter and a device of their own, and are given tirc's; what they dispatch is
 * noted, so that it can be dispatched again between two timestamps.
 */

import { actAsPage } from "../../tools/webgpu-in-node.mjs";

const dist = new URL("../../dist/src/", import.meta.url);
const { openDevice } = await import(new URL("runtime/node.js", dist).href);
const { globals } = await import("webgpu");

export const tirc = await import(new URL("index.js", dist).href);
export const { measure, median, stopwatch } = await import(new URL("runtime/measure.js", dist).href);

export async function openBench() {
  Object.assign(globalThis, globals);
  const opened = await openDevice({ requiredFeatures: ["timestamp-query"] });
  const { device } = opened;
  const recorder = record(device);
  return { ...opened, adapter: actAsPage(opened), recorder, watch: stopwatch(device) };
}

/** Notes dispatches while it is told to, and keeps buffers until it is told otherwise: replays read them. */
function record(device) {
  let noted;
  let kept = [];
  const createCommandEncoder = device.createCommandEncoder.bind(device);
  device.createCommandEncoder = (descriptor) => {
    const encoder = createCommandEncoder(descriptor);
    const beginComputePass = encoder.beginComputePass.bind(encoder);
    encoder.beginComputePass = (options) => notePass(beginComputePass(options));
    return encoder;
  };
  const createBuffer = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    const buffer = createBuffer(descriptor);
    const destroy = buffer.destroy.bind(buffer);
    buffer.destroy = () => kept.push(destroy);
    return buffer;
  };
  const notePass = (pass) => {
    let pipeline;
    const groups = new Map();
    const own = {
      setPipeline: pass.setPipeline.bind(pass),
      setBindGroup: pass.setBindGroup.bind(pass),
      dispatchWorkgroups: pass.dispatchWorkgroups.bind(pass),
    };
    pass.setPipeline = (given) => {
      pipeline = given;
      own.setPipeline(given);
    };
    pass.setBindGroup = (index, ...rest) => {
      groups.set(index, rest);
      own.setBindGroup(index, ...rest);
    };
    pass.dispatchWorkgroups = (...size) => {
      noted?.push({ pipeline, groups: [...groups], size });
      own.dispatchWorkgroups(...size);
    };
    return pass;
  };
  return {
    /** The dispatches of what `work` does. */
    async during(work) {
      noted = [];
      try {
        await work();
        return noted;
      } finally {
        noted = undefined;
      }
    },
    /** Buffers that were given back in the meantime go now. */
    release() {
      for (const destroy of kept) destroy();
      kept = [];
    },
  };
}

/** Dispatches that were noted, as one pass. */
export function replay(dispatches) {
  return {
    encode(encoder, { timestampWrites } = {}) {
      const pass = encoder.beginComputePass({ ...(timestampWrites && { timestampWrites }) });
      for (const { pipeline, groups, size } of dispatches) {
        pass.setPipeline(pipeline);
        for (const [index, rest] of groups) pass.setBindGroup(index, ...rest);
        pass.dispatchWorkgroups(...size);
      }
      pass.end();
    },
  };
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
