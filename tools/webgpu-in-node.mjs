/** What libraries for pages look for before they use WebGPU, in Node. */

/**
 * Makes `navigator.gpu` give the device of `openDevice` to whoever asks, and lets its queue take what onnxruntime-web
 * passes. Returns the adapter.
 */
export function actAsPage({ device, adapterInfo }) {
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

/** onnxruntime-web passes views of a SharedArrayBuffer, which WebGPU in Node does not take. */
function acceptSharedMemory(queue) {
  const writeBuffer = queue.writeBuffer.bind(queue);
  queue.writeBuffer = (buffer, at, data, from = 0, size = undefined) => {
    const isView = ArrayBuffer.isView(data);
    if (!((isView ? data.buffer : data) instanceof SharedArrayBuffer)) {
      writeBuffer(buffer, at, data, from, size);
      return;
    }
    const unit = isView ? (data.BYTES_PER_ELEMENT ?? 1) : 1;
    const bytes = isView ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
    const end = size === undefined ? undefined : (from + size) * unit;
    writeBuffer(buffer, at, new Uint8Array(bytes.subarray(from * unit, end)));
  };
}
