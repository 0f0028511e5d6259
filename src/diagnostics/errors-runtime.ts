/** Every message about running a kernel: E060x about what the caller passes, E061x about the device. */

import { type Diagnostic, error, type Span } from "./diagnostic.ts";
import { counted, type TooMany } from "./errors-kernel.ts";

const quoted = (names: readonly string[]) => names.map((name) => `\`${name}\``).join(", ");

export const runtimeErrors = {
  noProduct(plan: string, step: string, op: string): Diagnostic {
    return error("E0628", `nothing computes the \`${op}\` of \`${plan}\`, its step \`${step}\``, {
      notes: ["a plan has no kernel for such an op; whoever runs it says what computes it"],
      help: [
        `pass \`products: { ${op}(encoder, call) { ... } }\``,
        ...(op === "extern" ? [] : ['or compile with `products: "plain"`, for kernels that are correct and not tuned']),
      ],
    });
  },
  missingInput(kernel: string, name: string, type: string): Diagnostic {
    return error("E0601", `the kernel \`${kernel}\` needs the input \`${name}\`, ${type}, and got none`);
  },
  noInputs(kernel: string, got: string): Diagnostic {
    return error("E0601", `the inputs of \`${kernel}\` are an object with a tensor for each name, and got ${got}`);
  },
  unknownInput(kernel: string, name: string, known: readonly string[]): Diagnostic {
    return error("E0602", `the kernel \`${kernel}\` has no input \`${name}\``, {
      notes: [known.length > 0 ? `its inputs are ${quoted(known)}` : "it has no inputs"],
    });
  },
  wrongElement(name: string, expected: string, got: string): Diagnostic {
    return error("E0603", `the input \`${name}\` is ${expected}, and got ${got}`);
  },
  wrongShape(name: string, expected: string, got: string, why: string): Diagnostic {
    return error("E0604", `the input \`${name}\` is ${expected}, and got ${got}: ${why}`);
  },
  wrongLength(name: string, type: string, expected: number, got: number): Diagnostic {
    return error("E0605", `the input \`${name}\` is ${type}, ${expected} elements, and its data has ${got}`);
  },
  ambiguousShape(name: string, type: string, length: number, dims: readonly string[]): Diagnostic {
    return error("E0605", `${length} elements do not tell the shape of the input \`${name}\`, ${type}`, {
      notes: [`not known: ${quoted(dims)}`],
      help: ["pass `{ element, shape, data }`, or give the dimensions"],
    });
  },
  dimConflict(dim: string, a: string, extentA: number, b: string, extentB: number): Diagnostic {
    return error("E0606", `the dimension \`${dim}\` is ${extentA} by ${a} and ${extentB} by ${b}`, {
      notes: ["one name is one extent in the whole function"],
    });
  },
  missingDim(kernel: string, dim: string): Diagnostic {
    return error("E0607", `the kernel \`${kernel}\` needs the dimension \`${dim}\`, which no input tells`, {
      help: [`give it with the dimensions: { ${dim}: 1024 }`],
    });
  },
  unknownDim(kernel: string, dim: string, known: readonly string[]): Diagnostic {
    return error("E0607", `the kernel \`${kernel}\` has no dimension \`${dim}\` to choose`, {
      notes: [known.length > 0 ? `its dimensions are ${quoted(known)}` : "its shapes are all fixed"],
    });
  },
  wrongExtent(dim: string, got: string): Diagnostic {
    return error("E0607", `the dimension \`${dim}\` must be a whole number from 0 to 2^32 - 1, and is ${got}`);
  },
  noDims(kernel: string, got: string): Diagnostic {
    return error("E0607", `the dimensions of \`${kernel}\` are an object with a number for each name, and got ${got}`);
  },
  bufferTooLarge(name: string, bytes: number, limit: string, most: number): Diagnostic {
    return error("E0608", `\`${name}\` takes ${bytes} bytes, and the device's ${limit} is ${most}`, {
      help: ["run fewer rows at a time"],
    });
  },
  notCounted(kernel: string, overflow: TooMany, most: number): Diagnostic {
    return error("E0608", `\`${kernel}\` would count ${counted(overflow)}, and counts with 32 bits`, {
      notes: [`it counts up to ${most}`],
      help: ["choose smaller dimensions, and run the kernel once for each part"],
    });
  },
  noStorage(kernel: string, name: string): Diagnostic {
    return error("E0618", `\`${name}\` of \`${kernel}\` is a buffer without the usage STORAGE`, {
      help: ["create it with `usage: GPUBufferUsage.STORAGE | ...`"],
    });
  },
  bufferTooSmall(name: string, type: string, has: number, needs: number): Diagnostic {
    return error("E0618", `\`${name}\` is ${type} and takes ${needs} bytes, and its buffer has ${has}`);
  },
  misaligned(name: string, offset: number, multiple: number): Diagnostic {
    return error("E0618", `\`${name}\` begins at byte ${offset} of its buffer, which is no multiple of ${multiple}`, {
      notes: [`the device's minStorageBufferOffsetAlignment is ${multiple}`],
    });
  },
  boundTwice(kernel: string, input: string, result: string, mayAlias: boolean): Diagnostic {
    return error(
      "E0619",
      `\`${input}\` and \`${result}\` of \`${kernel}\` are in one buffer, and the kernel writes \`${result}\``,
      {
        notes: [
          mayAlias
            ? `\`${result}\` may be written over \`${input}\`, at the same offset; WebGPU takes no other part of its buffer`
            : "an element may be written before another one that stands in its place is read",
        ],
        help: [mayAlias ? `bind them at the same offset, or to two buffers` : `give \`${result}\` a buffer of its own`],
      },
    );
  },
  destroyed(kernel: string): Diagnostic {
    return error("E0609", `the kernel \`${kernel}\` was destroyed`, { help: ["prepare it again"] });
  },
  missingFeatures(kernel: string, missing: readonly string[]): Diagnostic {
    return error("E0610", `the kernel \`${kernel}\` needs ${quoted(missing)}, which this device was made without`, {
      help: ["request the device with these features, or compile for a target that has none: `portable`"],
    });
  },
  missingLimit(kernel: string, limit: string, needs: number, has: number): Diagnostic {
    return error("E0611", `the kernel \`${kernel}\` needs ${limit} of ${needs}, and this device has ${has}`, {
      help: ["request the device with this limit, or compile for the target `portable`"],
    });
  },
  shaderRejected(kernel: string, messages: readonly string[]): Diagnostic {
    return error("E0612", `the device refused the WGSL of \`${kernel}\``, { notes: messages });
  },
  /** @param line of the WGSL, which `message` is about. */
  shaderRejectedAt(
    span: Span,
    kernel: string,
    { message, lineNum, linePos }: { readonly message: string; readonly lineNum: number; readonly linePos: number },
    line: string,
  ): Diagnostic {
    return error("E0612", `the device refused what the WGSL of \`${kernel}\` has for this: ${message}`, {
      span,
      notes: [`line ${lineNum} of the WGSL, column ${linePos}: ${line.trim()}`],
    });
  },
  pipelineRejected(kernel: string, message: string): Diagnostic {
    return error("E0613", `the device made no pipeline of \`${kernel}\`: ${message}`);
  },
  outOfMemory(kernel: string, message: string): Diagnostic {
    return error("E0614", `out of memory while running \`${kernel}\`: ${message}`, {
      help: ["run fewer rows at a time"],
    });
  },
  deviceLost(kernel: string, reason: string, message: string): Diagnostic {
    return error("E0615", `the device was lost while running \`${kernel}\` (${reason}): ${message}`);
  },
  deviceError(kernel: string, message: string): Diagnostic {
    return error("E0616", `the device reported an error while running \`${kernel}\`: ${message}`);
  },
  wrongNumbers(kernel: string, output: string): Diagnostic {
    return error("E0617", `the device gives wrong numbers for \`${output}\` of \`${kernel}\`: nothing was timed`, {
      help: ["`tirc run --compare` shows where they are wrong"],
    });
  },
  narrowSubgroups(kernel: string, needs: number, has: number): Diagnostic {
    return error(
      "E0627",
      `\`${kernel}\` was compiled for subgroups of at least ${needs} lanes, and those of this device may have ${has}`,
      { help: ["`tirc targets --detect` says which targets are right here"] },
    );
  },
};

export const adapterErrors = {
  noWebgpuPackage(reason: string): Diagnostic {
    return error("E0620", "the package `webgpu` is not installed, so there is no WebGPU in Node", {
      notes: [reason],
      help: ["npm install webgpu"],
    });
  },
  webgpuPackageBroken(reason: string): Diagnostic {
    return error("E0621", `the package \`webgpu\` does not load on this machine: ${reason}`);
  },
  noAdapter(notes: readonly string[], name?: string): Diagnostic {
    const named = name === undefined ? "" : ` whose name has \`${name}\` in it`;
    return error("E0622", `there is no WebGPU adapter${named} on this machine`, {
      notes,
      help: ["on Linux x64, `npm install @sparticuz/chromium` brings a software one, `swiftshader`"],
    });
  },
  noFeature(adapter: string, missing: readonly string[]): Diagnostic {
    return error("E0623", `the adapter ${adapter} has no ${quoted(missing)}`);
  },
  noDevice(adapter: string, reason: string): Diagnostic {
    return error("E0624", `the adapter ${adapter} gave no device: ${reason}`);
  },
};

export const integrationErrors = {
  noOnnxruntimeDevice(): Diagnostic {
    return error("E0625", "onnxruntime-web has no WebGPU device", {
      help: [
        'create a session with `executionProviders: ["webgpu"]` first, from "onnxruntime-web/webgpu"',
        "or give it a device: `ort.env.webgpu.device = device`",
      ],
    });
  },
  noTfjsDevice(backend: string): Diagnostic {
    return error("E0625", `the backend of TensorFlow.js is \`${backend}\`, and a kernel needs \`webgpu\``, {
      help: ['`await tf.setBackend("webgpu")`, with "@tensorflow/tfjs-backend-webgpu" imported'],
    });
  },
  noTfjsType(kernel: string, result: string, type: string): Diagnostic {
    return error("E0626", `\`${result}\` of \`${kernel}\` is ${type}, which no tensor of TensorFlow.js is`, {
      notes: ["a result is f32, i32 or bool there"],
    });
  },
  noOnnxruntimeType(kernel: string, result: string, type: string): Diagnostic {
    return error("E0626", `\`${result}\` of \`${kernel}\` is ${type}, which no tensor of onnxruntime is on a device`, {
      notes: ["a result is f32, f16, i32, u32, u8 or bool there"],
      help: [`return \`cast(${result}, to = f32)\``],
    });
  },
  noUpload(got: string): Diagnostic {
    return error("E0626", `what is uploaded is a tensor on the CPU that a kernel can take, not ${got}`, {
      notes: ["its type is float32, float16, int32, uint32, uint8 or bool"],
    });
  },
};
