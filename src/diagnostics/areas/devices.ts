/** Devices, drivers and other libraries that run kernels: E0610 to E0627. */

import { error, type Span } from "../diagnostic.ts";
import type { Entry } from "../page.ts";
import { codes } from "../wording.ts";

const smaller = "Run fewer rows in a call, and call several times.";

export const E0610: Entry = {
  title: "the device lacks a feature",
  explanation: `The kernel was compiled for a target with features, such as \`subgroups\` or \`shader-f16\`, which this device was not
requested with.`,
  wrong: "const device = await adapter.requestDevice()",
  fix: "const device = await adapter.requestDevice({ requiredFeatures: kernel.manifest.requiredFeatures })",
};

export function missingFeatures(kernel: string, missing: readonly string[]) {
  return error("E0610", `the kernel \`${kernel}\` needs ${codes(missing)}, which this device was made without`, {
    help: ["request the device with these features, or compile for a target that has none: `portable`"],
  });
}

export const E0611: Entry = {
  title: "the device has a lower limit",
  explanation: "A device has WebGPU's default limits unless it is requested with others that the adapter has.",
  wrong: "const device = await adapter.requestDevice()",
  fix: "const device = await adapter.requestDevice({ requiredLimits: kernel.manifest.requiredLimits })",
};

export function missingLimit(kernel: string, limit: string, needs: number, has: number) {
  return error("E0611", `the kernel \`${kernel}\` needs ${limit} of ${needs}, and this device has ${has}`, {
    help: ["request the device with this limit, or compile for the target `portable`"],
  });
}

export const E0612: Entry = {
  title: "the device refused the shader",
  explanation: `The message or its notes are what the WGSL compiler of the device says; the place is that of the op which the line of
WGSL computes, where it computes one. Every kernel is checked with one, so this is a bug in tirc
or a difference between implementations. Please report it with the program.`,
  wrong: "a kernel whose WGSL was edited by hand",
  fix: "Compile for the target `portable`, which uses no features.",
};

export function shaderRejected(kernel: string, messages: readonly string[]) {
  return error("E0612", `the device refused the WGSL of \`${kernel}\``, { notes: messages });
}

/** @param line of the WGSL, which `message` is about. */
export function shaderRejectedAt(
  span: Span,
  kernel: string,
  { message, lineNum, linePos }: { readonly message: string; readonly lineNum: number; readonly linePos: number },
  line: string,
) {
  return error("E0612", `the device refused what the WGSL of \`${kernel}\` has for this: ${message}`, {
    span,
    notes: [`line ${lineNum} of the WGSL, column ${linePos}: ${line.trim()}`],
  });
}

export const E0613: Entry = {
  title: "the device made no pipeline",
  explanation: "The shader is valid, and the device cannot make a pipeline of it: often a limit of its driver.",
  wrong: "a row length that needs more workgroup memory than the device has",
  fix: "Compile for the target `portable`, or for the limits of this device.",
};

export function pipelineRejected(kernel: string, message: string) {
  return error("E0613", `the device made no pipeline of \`${kernel}\`: ${message}`);
}

export const E0614: Entry = {
  title: "the device ran out of memory",
  explanation: "Inputs and results are in the memory of the device at the same time.",
  wrong: "tirc run model.tir --dim rows=10000000",
  fix: smaller,
};

export function outOfMemory(kernel: string, message: string) {
  return error("E0614", `out of memory while running \`${kernel}\`: ${message}`, {
    help: ["run fewer rows at a time"],
  });
}

export const E0615: Entry = {
  title: "the device was lost",
  explanation: `The driver reset, the page lost its GPU, the device was destroyed, or a kernel ran for so long that the system ended
it. Nothing can be done with a lost device.`,
  wrong: "device.destroy(); await prepared.run({ x })",
  fix: "Request a new device, and prepare the kernel anew.",
};

export function deviceLost(kernel: string, reason: string, message: string) {
  return error("E0615", `the device was lost while running \`${kernel}\` (${reason}): ${message}`);
}

export const E0616: Entry = {
  title: "the device reported an error",
  explanation: "WebGPU reported an error that is none of the others while the kernel ran. Its text is in the message.",
  wrong: "a buffer of another device",
  fix: "Use one device for the kernel and all that it is given.",
};

export function deviceError(kernel: string, message: string) {
  return error("E0616", `the device reported an error while running \`${kernel}\`: ${message}`);
}

export const E0617: Entry = {
  title: "the device gives wrong numbers",
  explanation: `Before a kernel is timed, its results are compared with the interpreter's. They are wrong where the driver is
at fault; please report it with the program.`,
  wrong: "tirc tune model.tir   // on a driver that compiles a loop wrong",
  fix: "tirc tune model.tir --adapter NAME   // on another driver",
};

export function wrongNumbers(kernel: string, output: string) {
  return error("E0617", `the device gives wrong numbers for \`${output}\` of \`${kernel}\`: nothing was timed`, {
    help: ["`tirc run --compare` shows where they are wrong"],
  });
}

export const E0620: Entry = {
  title: "the package `webgpu` is not installed",
  explanation: `Node has no WebGPU of its own; the package \`webgpu\` (Dawn) brings it. It is an optional peer of tirc, because compiling
needs no GPU.`,
  wrong: "tirc run model.tir --device gpu",
  fix: `npm install webgpu
tirc run model.tir --device gpu`,
};

export function noWebgpuPackage(reason: string) {
  return error("E0620", "the package `webgpu` is not installed, so there is no WebGPU in Node", {
    notes: [reason],
    help: ["npm install webgpu"],
  });
}

export const E0621: Entry = {
  title: "the package `webgpu` does not load",
  explanation: "It holds a compiled library, which needs a system of its kind: on Linux a recent glibc.",
  wrong: "tirc run model.tir --device gpu",
  fix: "tirc run model.tir --device cpu   // the reference interpreter",
};

export function webgpuPackageBroken(reason: string) {
  return error("E0621", `the package \`webgpu\` does not load on this machine: ${reason}`);
}

export const E0622: Entry = {
  title: "there is no WebGPU adapter",
  explanation: `Dawn found neither a GPU with a driver for Vulkan, Metal or D3D12, nor a software one. A software adapter for Linux x64
comes with the package \`@sparticuz/chromium\`.`,
  wrong: "tirc run model.tir --device gpu",
  fix: `npm install @sparticuz/chromium
tirc run model.tir --device gpu`,
};

export function noAdapter(notes: readonly string[], name?: string) {
  const named = name === undefined ? "" : ` whose name has \`${name}\` in it`;
  return error("E0622", `there is no WebGPU adapter${named} on this machine`, {
    notes,
    help: ["on Linux x64, `npm install @sparticuz/chromium` brings a software one, `swiftshader`"],
  });
}

export const E0623: Entry = {
  title: "the adapter lacks a feature",
  explanation: "The device cannot be requested with a feature that its adapter does not have.",
  wrong: "tirc run model.tir --target gpu-f16   // on an adapter without shader-f16",
  fix: "tirc run model.tir --target portable",
};

export function noFeature(adapter: string, missing: readonly string[]) {
  return error("E0623", `the adapter ${adapter} has no ${codes(missing)}`);
}

export const E0624: Entry = {
  title: "the adapter gave no device",
  explanation: "The adapter exists, and refused to make a device; the reason is the driver's.",
  wrong: "tirc run model.tir --device gpu",
  fix: "tirc run model.tir --device cpu   // the reference interpreter",
};

export function noDevice(adapter: string, reason: string) {
  return error("E0624", `the adapter ${adapter} gave no device: ${reason}`);
}

export const E0625: Entry = {
  title: "a library has no WebGPU device",
  explanation: `A kernel reads and writes a library's tensors on the device that they are on. onnxruntime-web opens one with its first
session on the execution provider \`webgpu\`, or takes the one that it is given before; TensorFlow.js opens one with its
backend \`webgpu\`.`,
  wrong: `import { prepare } from "tirc/onnxruntime";
await prepare(ort, kernel)   // before any session`,
  fix: `const session = await ort.InferenceSession.create(bytes, { executionProviders: ["webgpu"] });
await prepare(ort, kernel)`,
};

export function noOnnxruntimeDevice() {
  return error("E0625", "onnxruntime-web has no WebGPU device", {
    help: [
      'create a session with `executionProviders: ["webgpu"]` first, from "onnxruntime-web/webgpu"',
      "or give it a device: `ort.env.webgpu.device = device`",
    ],
  });
}

export function noTfjsDevice(backend: string) {
  return error("E0625", `the backend of TensorFlow.js is \`${backend}\`, and a kernel needs \`webgpu\``, {
    help: ['`await tf.setBackend("webgpu")`, with "@tensorflow/tfjs-backend-webgpu" imported'],
  });
}

export const E0626: Entry = {
  title: "a tensor of a type that only one side has",
  explanation: `TensorFlow.js has f32, i32 and bool; onnxruntime has no bf16 and no i8 on a device, and its int64, uint16 and others are
no element types of a kernel.`,
  wrong: 'kernel.upload(new ort.Tensor("int64", BigInt64Array.of(1n), [1]))',
  fix: 'kernel.upload(new ort.Tensor("int32", Int32Array.of(1), [1]))',
};

export function noTfjsType(kernel: string, result: string, type: string) {
  return error("E0626", `\`${result}\` of \`${kernel}\` is ${type}, which no tensor of TensorFlow.js is`, {
    notes: ["a result is f32, i32 or bool there"],
  });
}

export function noOnnxruntimeType(kernel: string, result: string, type: string) {
  return error("E0626", `\`${result}\` of \`${kernel}\` is ${type}, which no tensor of onnxruntime is on a device`, {
    notes: ["a result is f32, f16, i32, u32, u8 or bool there"],
    help: [`return \`cast(${result}, to = f32)\``],
  });
}

export function noUpload(got: string) {
  return error("E0626", `what is uploaded is a tensor on the CPU that a kernel can take, not ${got}`, {
    notes: ["its type is float32, float16, int32, uint32, uint8 or bool"],
  });
}

export const E0627: Entry = {
  title: "the device's subgroups are too narrow",
  explanation: `A kernel for a target with subgroups counts on so many lanes in each; with fewer it would compute wrong numbers.
Without \`adapter.info.subgroupMinSize\` they are taken to be WebGPU's smallest, 4.`,
  wrong: "tirc run model.tir --target gpu-subgroup-32   // on a device whose subgroups have 4 lanes",
  fix: "tirc run model.tir   // for the device at hand",
};

export function narrowSubgroups(kernel: string, needs: number, has: number) {
  return error(
    "E0627",
    `\`${kernel}\` was compiled for subgroups of at least ${needs} lanes, and those of this device may have ${has}`,
    { help: ["`tirc targets --detect` says which targets are right here"] },
  );
}
