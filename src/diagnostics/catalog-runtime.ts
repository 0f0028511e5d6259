/** The pages of errors when a kernel runs: E0601 to E0628. */

import { program } from "./example.ts";
import type { Page } from "./page.ts";

const smaller = "Run fewer rows in a call, and call several times.";

export const runtimePages = {
  E0601: {
    title: "an input is missing",
    explanation: "A kernel needs a tensor for each parameter of its function, by its name.",
    wrong: "await prepared.run({ x })   // of fn f(x: f32[rows, 768], gamma: f32[768])",
    fix: "await prepared.run({ x, gamma })",
  },
  E0602: {
    title: "an input that the kernel does not have",
    explanation:
      "Inputs are the parameters of the function, by their names. A misspelled one shows here, and its place is missing.",
    wrong: "await prepared.run({ x, gama })",
    fix: "await prepared.run({ x, gamma })",
  },
  E0603: {
    title: "an input of another element type",
    explanation: `f32 is a Float32Array, f16 and bf16 the bits in a Uint16Array, i32 an Int32Array, u32 a Uint32Array, i8 an
Int8Array, u8 a Uint8Array, bool a Uint8Array of 0 and 1. A Float64Array or a list of numbers stands for any element type, a
BigInt64Array or BigUint64Array for integers that the element type holds.
Floats are rounded to the parameter's; integers must be whole numbers that fit, and no element of a list may be missing.
Truth values are a bool's alone. An array whose buffer went to another thread has no elements any more.`,
    wrong: "await prepared.run({ x: new Int32Array(4 * 768) })   // of fn f(x: f32[rows, 768])",
    fix: "await prepared.run({ x: new Float32Array(4 * 768) })",
  },
  E0604: {
    title: "an input of another shape",
    explanation: `The shape must have as many dimensions as the parameter, and its extents those that the program fixes. A dimension with
a name takes any extent.`,
    wrong: 'x: { element: "f32", shape: [4, 512], data } // for x: f32[rows, 768]',
    fix: 'x: { element: "f32", shape: [4, 768], data }',
  },
  E0605: {
    title: "the length of the data does not fit the shape",
    explanation: `The data holds as many elements as the product of the extents. A bare array says only how many elements there are: that
tells one unknown dimension, and not two.`,
    wrong: "x: new Float32Array(1000)   // for x: f32[rows, 768]",
    fix: 'x: { element: "f32", shape: [4, 768], data: new Float32Array(4 * 768) }',
  },
  E0606: {
    title: "one dimension with two extents",
    explanation: "One name is one extent in the whole function, so all inputs whose shape has it must agree.",
    wrong: "x of shape [4, 768] and residual of shape [5, 768]   // both f32[rows, 768]",
    fix: "x of shape [4, 768] and residual of shape [4, 768]",
  },
  E0607: {
    title: "the extent of a dimension is missing, unknown or no extent",
    explanation: `A dimension that no input's shape tells must be given. It is a whole number from 0 to 2^32 - 1. Dimensions that the
program or \`--dim\` fixed at compile time can no longer be chosen.`,
    wrong: "tirc run model.tir --dim rows=-1",
    fix: "tirc run model.tir --dim rows=4096",
  },
  E0608: {
    title: "more than the device can take at once",
    explanation: `A device has limits for the size of a buffer, for what is bound of it, and for the number of workgroups. A kernel counts
rows, and the elements of a row, with 32 bits: two small tensors that are broadcast against each other can make more.`,
    wrong: "tirc run model.tir --dim rows=100000000",
    fix: smaller,
  },
  E0609: {
    title: "a kernel that was destroyed",
    explanation:
      "`destroy()` frees what a prepared kernel holds on the device, the buffers that were bound to it too. It cannot run then.",
    wrong: "prepared.destroy(); await prepared.run({ x })",
    fix: "await prepared.run({ x }); prepared.destroy()",
  },
  E0610: {
    title: "the device lacks a feature",
    explanation: `The kernel was compiled for a target with features, such as \`subgroups\` or \`shader-f16\`, which this device was not
requested with.`,
    wrong: "const device = await adapter.requestDevice()",
    fix: "const device = await adapter.requestDevice({ requiredFeatures: kernel.manifest.requiredFeatures })",
  },
  E0611: {
    title: "the device has a lower limit",
    explanation: "A device has WebGPU's default limits unless it is requested with others that the adapter has.",
    wrong: "const device = await adapter.requestDevice()",
    fix: "const device = await adapter.requestDevice({ requiredLimits: kernel.manifest.requiredLimits })",
  },
  E0612: {
    title: "the device refused the shader",
    explanation: `The message or its notes are what the WGSL compiler of the device says; the place is that of the op which the line of
WGSL computes, where it computes one. Every kernel is checked with one, so this is a bug in tirc
or a difference between implementations. Please report it with the program.`,
    wrong: "a kernel whose WGSL was edited by hand",
    fix: "Compile for the target `portable`, which uses no features.",
  },
  E0613: {
    title: "the device made no pipeline",
    explanation: "The shader is valid, and the device cannot make a pipeline of it: often a limit of its driver.",
    wrong: "a row length that needs more workgroup memory than the device has",
    fix: "Compile for the target `portable`, or for the limits of this device.",
  },
  E0614: {
    title: "the device ran out of memory",
    explanation: "Inputs and results are in the memory of the device at the same time.",
    wrong: "tirc run model.tir --dim rows=10000000",
    fix: smaller,
  },
  E0615: {
    title: "the device was lost",
    explanation: `The driver reset, the page lost its GPU, the device was destroyed, or a kernel ran for so long that the system ended
it. Nothing can be done with a lost device.`,
    wrong: "device.destroy(); await prepared.run({ x })",
    fix: "Request a new device, and prepare the kernel anew.",
  },
  E0616: {
    title: "the device reported an error",
    explanation:
      "WebGPU reported an error that is none of the others while the kernel ran. Its text is in the message.",
    wrong: "a buffer of another device",
    fix: "Use one device for the kernel and all that it is given.",
  },
  E0617: {
    title: "the device gives wrong numbers",
    explanation: `Before a kernel is timed, its results are compared with the interpreter's. They are wrong where the driver is
at fault; please report it with the program.`,
    wrong: "tirc tune model.tir   // on a driver that compiles a loop wrong",
    fix: "tirc tune model.tir --adapter NAME   // on another driver",
  },
  E0618: {
    title: "a buffer that cannot be bound",
    explanation: `A tensor on the device is a GPUBuffer with the usage STORAGE, or a part of one: \`{ buffer, offset, size }\`. It has at
least the bytes of its elements, without gaps, in words of four; an empty one has room for what the kernel loads at once. An
offset is a multiple of the device's minStorageBufferOffsetAlignment, often 256.`,
    wrong: "kernel.bind({ x: { buffer, offset: 100 } }, { rows })",
    fix: "kernel.bind({ x: { buffer, offset: 256 } }, { rows })",
  },
  E0619: {
    title: "an input and a result in one buffer",
    explanation: `WebGPU lets no kernel read one part of a buffer and write another. In the same place a result may be where the kernel reads
each element for the last time before it writes the one that replaces it: the manifest lists these inputs of a result
(\`mayAlias\`), and the launcher then reads the input through the result's binding.`,
    wrong: "kernel.bind({ x: { buffer, offset: 0 }, y: { buffer, offset: 4096 } }, { rows })",
    fix: "kernel.bind({ x: buffer, y: buffer }, { rows })   // in place, where the manifest says so",
  },
  E0620: {
    title: "the package `webgpu` is not installed",
    explanation: `Node has no WebGPU of its own; the package \`webgpu\` (Dawn) brings it. It is an optional peer of tirc, because compiling
needs no GPU.`,
    wrong: "tirc run model.tir --device gpu",
    fix: program("npm install webgpu", "tirc run model.tir --device gpu"),
  },
  E0621: {
    title: "the package `webgpu` does not load",
    explanation: "It holds a compiled library, which needs a system of its kind: on Linux a recent glibc.",
    wrong: "tirc run model.tir --device gpu",
    fix: "tirc run model.tir --device cpu   // the reference interpreter",
  },
  E0622: {
    title: "there is no WebGPU adapter",
    explanation: `Dawn found neither a GPU with a driver for Vulkan, Metal or D3D12, nor a software one. A software adapter for Linux x64
comes with the package \`@sparticuz/chromium\`.`,
    wrong: "tirc run model.tir --device gpu",
    fix: program("npm install @sparticuz/chromium", "tirc run model.tir --device gpu"),
  },
  E0623: {
    title: "the adapter lacks a feature",
    explanation: "The device cannot be requested with a feature that its adapter does not have.",
    wrong: "tirc run model.tir --target gpu-f16   // on an adapter without shader-f16",
    fix: "tirc run model.tir --target portable",
  },
  E0624: {
    title: "the adapter gave no device",
    explanation: "The adapter exists, and refused to make a device; the reason is the driver's.",
    wrong: "tirc run model.tir --device gpu",
    fix: "tirc run model.tir --device cpu   // the reference interpreter",
  },
  E0625: {
    title: "a library has no WebGPU device",
    explanation: `A kernel reads and writes a library's tensors on the device that they are on. onnxruntime-web opens one with its first
session on the execution provider \`webgpu\`, or takes the one that it is given before; TensorFlow.js opens one with its
backend \`webgpu\`.`,
    wrong: program('import { prepare } from "tirc/onnxruntime";', "await prepare(ort, kernel)   // before any session"),
    fix: program(
      'const session = await ort.InferenceSession.create(bytes, { executionProviders: ["webgpu"] });',
      "await prepare(ort, kernel)",
    ),
  },
  E0626: {
    title: "a tensor of a type that only one side has",
    explanation: `TensorFlow.js has f32, i32 and bool; onnxruntime has no bf16 and no i8 on a device, and its int64, uint16 and others are
no element types of a kernel.`,
    wrong: 'kernel.upload(new ort.Tensor("int64", BigInt64Array.of(1n), [1]))',
    fix: 'kernel.upload(new ort.Tensor("int32", Int32Array.of(1), [1]))',
  },
  E0627: {
    title: "the device's subgroups are too narrow",
    explanation: `A kernel for a target with subgroups counts on so many lanes in each; with fewer it would compute wrong numbers.
Without \`adapter.info.subgroupMinSize\` they are taken to be WebGPU's smallest, 4.`,
    wrong: "tirc run model.tir --target gpu-subgroup-32   // on a device whose subgroups have 4 lanes",
    fix: "tirc run model.tir   // for the device at hand",
  },
  E0628: {
    title: "nothing computes a product of a plan",
    explanation: `Matrix products, convolutions and ops of other programs are opaque steps of a plan: no kernel here computes them.
Whoever runs the plan passes functions that do. A function gets the encoder, and the tensors of the step as buffers with
shapes; it adds commands that write the result. Or the plan is compiled with plain kernels for products, as \`tirc run\` has
them; there is none for \`extern\`.`,
    wrong: "await runPlan(device, plan, { x, w })   // of fn f(x: f32[n, 64], w: f32[64, 64]) -> f32[n, 64]",
    fix: "await runPlan(device, plan, { x, w }, {}, { products: { matmul(encoder, { a, b, out }) { gemm(encoder, a, b, out); } } })",
  },
} satisfies Record<string, Page>;
