/** onnxruntime-web on a WebGPU device of Node that counts the kernels that are launched. */

const dist = new URL("../../dist/src/", import.meta.url);

let opened;

/**
 * The runtime, with its WebGPU provider on a device of tirc's, and a count that its user sets to 0.
 *
 * @param isNull for Dawn's device without a driver, which compiles no pipeline and runs none, but counts all.
 */
export function countedDevice(isNull) {
  opened ??= openCounted(isNull);
  return opened;
}

async function openCounted(isNull) {
  const { openDevice, openNullDevice } = await import(new URL("runtime/node.js", dist).href);
  const { globals } = await import("webgpu");
  Object.assign(globalThis, globals);
  const { device, adapterInfo } = await (isNull ? openNullDevice() : openDevice());
  const launches = { count: 0 };
  countLaunches(device, launches);
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
  const ort = await import("onnxruntime-web/webgpu");
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "fatal";
  ort.env.webgpu.adapter = adapter;
  ort.env.webgpu.device = device;
  return { ort, launches };
}

function countLaunches(device, launches) {
  const createCommandEncoder = device.createCommandEncoder.bind(device);
  device.createCommandEncoder = (descriptor) => {
    const encoder = createCommandEncoder(descriptor);
    const beginComputePass = encoder.beginComputePass.bind(encoder);
    encoder.beginComputePass = (options) => {
      const pass = beginComputePass(options);
      for (const method of ["dispatchWorkgroups", "dispatchWorkgroupsIndirect"]) {
        const dispatch = pass[method].bind(pass);
        pass[method] = (...size) => {
          launches.count++;
          dispatch(...size);
        };
      }
      return pass;
    };
    return encoder;
  };
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
