/** In Node, what libraries for pages look for before they use WebGPU. */

import type { OpenedDevice } from "../../runtime/node.ts";

/** Makes `navigator.gpu` return this device, and lets its queue accept what onnxruntime-web passes. */
export async function actAsPage({ device, adapterInfo }: OpenedDevice): Promise<unknown> {
  const { globals } = await import("webgpu");
  Object.assign(globalThis, globals);
  acceptSharedMemory(device.queue);
  const { features, limits } = device;
  const requestDevice = async () => device;
  const adapter = { features, limits, info: adapterInfo, isFallbackAdapter: false, requestDevice };
  const gpu = {
    requestAdapter: async () => adapter,
    getPreferredCanvasFormat: () => "bgra8unorm",
    wgslLanguageFeatures: new Set(),
  };
  const navigator = { gpu, userAgent: "node", hardwareConcurrency: 1, platform: process.platform };
  Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });
  return adapter;
}

/** onnxruntime-web passes views of a SharedArrayBuffer, which WebGPU in Node rejects. */
function acceptSharedMemory(queue: GPUQueue): void {
  const writeBuffer = queue.writeBuffer.bind(queue);
  queue.writeBuffer = (buffer, at, data, from = 0, size) => {
    const isView = ArrayBuffer.isView(data);
    if (!((isView ? data.buffer : data) instanceof SharedArrayBuffer)) return writeBuffer(buffer, at, data, from, size);
    const unit = isView ? ((data as { BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1) : 1;
    const bytes = isView ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
    const end = size === undefined ? undefined : (from + size) * unit;
    return writeBuffer(buffer, at, new Uint8Array(bytes.subarray(from * unit, end)));
  };
}
