/** Devices, drivers and other libraries that run kernels: E0610 to E0627. */

import { error, type Span } from "../diagnostic.ts";
import type { Entry } from "../page.ts";
import { codes } from "../wording.ts";

const smaller = "Run fewer rows in a call, and call several times.";

export const E0610: Entry = {
  title: "a device without a required feature",
  explanation: `The kernel was compiled for a target with features, such as \`subgroups\` or \`shader-f16\`, with
which this device was not requested.`,
  wrong: "const device = await adapter.requestDevice()",
  fix: "const device = await adapter.requestDevice({ requiredFeatures: kernel.manifest.requiredFeatures })",
};

export function missingFeatures(kernel: string, missing: readonly string[]) {
  return error("E0610", `the kernel \`${kernel}\` needs ${codes(missing)}, which this device was not requested with`, {
    help: ["request the device with these features, or compile for a target that has none: `portable`"],
  });
}

export const E0611: Entry = {
  title: "a device whose limit is too low",
  explanation: "A device has WebGPU's default limits unless it is requested with others that the adapter supports.",
  wrong: "const device = await adapter.requestDevice()",
  fix: "const device = await adapter.requestDevice({ requiredLimits: kernel.manifest.requiredLimits })",
};

export function missingLimit(kernel: string, limit: string, needs: number, has: number) {
  return error("E0611", `the kernel \`${kernel}\` needs ${limit} of ${needs}, but this device has ${has}`, {
    help: ["request the device with this limit, or compile for the target `portable`"],
  });
}

export const E0612: Entry = {
  title: "a shader that the device rejected",
  explanation: `The message and its notes are those of the device's WGSL compiler. The place is the op that the
reported line of WGSL computes, if there is one. The tests validate kernels of every kind, so this is a bug in tirc
or a difference between implementations. Please report it with the program.`,
  wrong: "a kernel whose WGSL was edited by hand",
  fix: "Compile for the target `portable`, which uses no features.",
};

const reportIt = "compile for the target `portable`, and please report this with the program";

export function shaderRejected(kernel: string, messages: readonly string[]) {
  return error("E0612", `the device rejected the WGSL of \`${kernel}\``, { notes: messages, help: [reportIt] });
}

/** @param line of the WGSL, which `message` is about. */
export function shaderRejectedAt(
  span: Span,
  kernel: string,
  { message, lineNum, linePos }: { readonly message: string; readonly lineNum: number; readonly linePos: number },
  line: string,
) {
  return error("E0612", `the device rejected the WGSL of \`${kernel}\` for this op: ${message}`, {
    span,
    notes: [`line ${lineNum} of the WGSL, column ${linePos}: ${line.trim()}`],
    help: [reportIt],
  });
}

export const E0613: Entry = {
  title: "a pipeline that the device could not create",
  explanation: `The shader is valid, but the device cannot create a pipeline from it; often a limit of the driver is
the reason.`,
  wrong: "a row length that needs more workgroup memory than the device has",
  fix: "Compile for the target `portable`, or for the limits of this device.",
};

export function pipelineRejected(kernel: string, message: string) {
  return error("E0613", `the device could not create a pipeline for \`${kernel}\`: ${message}`, {
    help: ["compile for the target `portable`, or for a profile with the limits of this device"],
  });
}

export const E0614: Entry = {
  title: "the device ran out of memory",
  explanation: "All inputs and results are in device memory at the same time.",
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
  explanation: `The driver was reset, the page lost access to its GPU, the device was destroyed, or the system stopped
a kernel that ran for too long. A lost device cannot be used again.`,
  wrong: "device.destroy(); await prepared.run({ x })",
  fix: "Request a new device, and prepare the kernel anew.",
};

export function deviceLost(kernel: string, reason: string, message: string) {
  return error("E0615", `the device was lost while running \`${kernel}\` (${reason}): ${message}`, {
    help: ["request a new device, and prepare the kernel again"],
  });
}

export const E0616: Entry = {
  title: "an error reported by the device",
  explanation: `While the kernel ran, WebGPU reported an error that none of the other codes describes. The message
contains its text.`,
  wrong: "a buffer of another device",
  fix: "Use one device for the kernel and all of its tensors.",
};

export function deviceError(kernel: string, message: string) {
  return error("E0616", `the device reported an error while running \`${kernel}\`: ${message}`, {
    help: ["check that all buffers belong to this device"],
  });
}

export const E0617: Entry = {
  title: "wrong results from the device",
  explanation: `Before a kernel is timed, its results are compared with those of the interpreter. If they are wrong,
the driver is probably at fault; please report it with the program.`,
  wrong: "tirc tune model.tir   // on a driver that compiles a loop wrong",
  fix: "tirc tune model.tir --adapter NAME   // on another driver",
};

export function wrongNumbers(kernel: string, output: string) {
  return error("E0617", `the device gives wrong numbers for \`${output}\` of \`${kernel}\`: nothing was timed`, {
    help: ["`tirc run --compare` shows where they are wrong"],
  });
}

const interpreter = "`--device cpu` runs the reference interpreter instead";

export const E0620: Entry = {
  title: "the package `webgpu` is not installed",
  explanation: `Node has no WebGPU of its own; the package \`webgpu\` (Dawn) provides it. It is an optional peer
dependency of tirc, because compiling needs no GPU.`,
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
  explanation: "The package contains a native library that needs a compatible system: on Linux, a recent glibc.",
  wrong: "tirc run model.tir --device gpu",
  fix: "tirc run model.tir --device cpu   // the reference interpreter",
};

export function webgpuPackageBroken(reason: string) {
  return error("E0621", `the package \`webgpu\` does not load on this machine: ${reason}`, { help: [interpreter] });
}

export const E0622: Entry = {
  title: "no WebGPU adapter",
  explanation: `Dawn found neither a GPU with a Vulkan, Metal or D3D12 driver nor a software adapter. The package
\`@sparticuz/chromium\` contains a software adapter for Linux x64.`,
  wrong: "tirc run model.tir --device gpu",
  fix: `npm install @sparticuz/chromium
tirc run model.tir --device gpu`,
};

export function noAdapter(notes: readonly string[], name?: string) {
  const named = name === undefined ? "" : ` whose name has \`${name}\` in it`;
  return error("E0622", `there is no WebGPU adapter${named} on this machine`, {
    notes,
    help: [
      ...(name === undefined ? [] : ["without `--adapter` and `TIRC_ADAPTER`, the fastest adapter is taken"]),
      "on Linux x64, `npm install @sparticuz/chromium` brings a software one, `swiftshader`",
    ],
  });
}

export const E0623: Entry = {
  title: "an adapter without a required feature",
  explanation: "A device cannot be requested with a feature that its adapter does not have.",
  wrong: "tirc run model.tir --target gpu-f16   // on an adapter without shader-f16",
  fix: "tirc run model.tir --target portable",
};

export function noFeature(adapter: string, missing: readonly string[]) {
  return error("E0623", `the adapter ${adapter} has no ${codes(missing)}`, {
    help: ["compile for a target without it: `--target portable`"],
  });
}

export const E0624: Entry = {
  title: "an adapter that provided no device",
  explanation: "The adapter exists, but could not create a device; the reason comes from the driver.",
  wrong: "tirc run model.tir --device gpu",
  fix: "tirc run model.tir --device cpu   // the reference interpreter",
};

export function noDevice(adapter: string, reason: string) {
  return error("E0624", `the adapter ${adapter} provided no device: ${reason}`, { help: [interpreter] });
}

export const E0625: Entry = {
  title: "a library without a WebGPU device",
  explanation: `A kernel reads and writes the tensors of a library on the device that holds them. onnxruntime-web
creates a device with its first session on the execution provider \`webgpu\`, or uses one that it was given before;
TensorFlow.js creates one with its backend \`webgpu\`.`,
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
  return error("E0625", `the backend of TensorFlow.js is \`${backend}\`, but a kernel needs \`webgpu\``, {
    help: ['`await tf.setBackend("webgpu")`, with "@tensorflow/tfjs-backend-webgpu" imported'],
  });
}

export const E0626: Entry = {
  title: "a tensor type that one side does not have",
  explanation: `TensorFlow.js has f32, i32 and bool. onnxruntime has no bf16, no f8 and no i8 on a device, and its int64,
uint16 and others are not element types of kernels.`,
  wrong: 'kernel.upload(new ort.Tensor("int64", BigInt64Array.of(1n), [1]))',
  fix: 'kernel.upload(new ort.Tensor("int32", Int32Array.of(1), [1]))',
};

export function noTfjsType(kernel: string, result: string, type: string) {
  return error("E0626", `\`${result}\` of \`${kernel}\` is ${type}, which tensors of TensorFlow.js cannot have`, {
    notes: ["a result is f32, i32 or bool there"],
    help: [`return \`cast(${result}, to = f32)\``],
  });
}

export function noOnnxruntimeType(kernel: string, result: string, type: string) {
  return error(
    "E0626",
    `\`${result}\` of \`${kernel}\` is ${type}, which tensors of onnxruntime on a device cannot have`,
    {
      notes: ["a result is f32, f16, i32, u32, u8 or bool there"],
      help: [`return \`cast(${result}, to = f32)\``],
    },
  );
}

export function noUpload(got: string) {
  return error("E0626", `only a tensor on the CPU, of a type that kernels have, can be uploaded, not ${got}`, {
    notes: ["its type is float32, float16, int32, uint32, uint8 or bool"],
    help: ["convert it first; a tensor on the GPU is passed as it is"],
  });
}

export const E0627: Entry = {
  title: "a device whose subgroups are too narrow",
  explanation: `A kernel for a target with subgroups relies on a minimum number of lanes in each subgroup; with fewer,
its results would be wrong. If the adapter does not state \`adapter.info.subgroupMinSize\`, WebGPU's minimum of 4 is
assumed.`,
  wrong: "tirc run model.tir --target gpu-subgroup-32   // on a device whose subgroups have 4 lanes",
  fix: "tirc run model.tir   // for the device of this machine",
};

export function narrowSubgroups(kernel: string, needs: number, has: number) {
  return error(
    "E0627",
    `\`${kernel}\` was compiled for subgroups of at least ${needs} lanes, but this device may use subgroups of ${has}`,
    { help: ["`tirc targets --detect` shows which targets suit this machine"] },
  );
}
