/** Runs onnxruntime-web on a WebGPU device in Node that counts kernel launches. */

const dist = new URL("../../dist/src/", import.meta.url);

let counted;

/**
 * The runtime, and the number of launches so far, which the caller may reset.
 *
 * @param isNull selects Dawn's null device, which counts launches but neither compiles nor runs pipelines.
 */
export function countedDevice(isNull) {
  counted ??= openCounted(isNull);
  return counted;
}

async function openCounted(isNull) {
  const { openDevice, openNullDevice } = await import(new URL("runtime/node.js", dist).href);
  const { actAsPage } = await import(new URL("cli/peers/page.js", dist).href);
  const opened = await (isNull ? openNullDevice() : openDevice());
  const { device } = opened;
  const launches = { count: 0 };
  countLaunches(device, launches);
  const adapter = await actAsPage(opened);
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
