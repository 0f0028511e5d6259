/** Arguments of kernels and their contents: E0601 to E0609, E0618, E0619, E0628, E0629. */

import { error, type Span } from "../diagnostic.ts";
import type { Entry } from "../page.ts";
import { didYouMeanOr } from "../suggest.ts";
import { codes, counted, type TooMany } from "../wording.ts";

const smaller = "Run fewer rows in a call, and call several times.";

export const E0601: Entry = {
  title: "a missing input",
  explanation: "A kernel needs a tensor for each parameter of its function, given by name.",
  wrong: "await prepared.run({ x })   // of fn f(x: f32[rows, 768], gamma: f32[768])",
  fix: "await prepared.run({ x, gamma })",
};

export function missingInput(kernel: string, name: string, type: string) {
  return error("E0601", `the kernel \`${kernel}\` needs the input \`${name}\`, ${type}, but got none`, {
    help: [`pass it by its name: \`{ ${name}: ... }\``],
  });
}

export function noInputs(kernel: string, got: string) {
  return error("E0601", `the inputs of \`${kernel}\` must be an object with a tensor for each name, but got ${got}`, {
    help: ["pass an object: `{ x: ..., y: ... }`"],
  });
}

export const E0602: Entry = {
  title: "an input or a result that the kernel does not have",
  explanation: `Inputs are the parameters of the function, given by name, and outputs are its results. If a name is
misspelled, the parameter that was meant is missing as well.`,
  wrong: "await prepared.run({ x, gama })",
  fix: "await prepared.run({ x, gamma })",
};

export function unknownInput(kernel: string, name: string, known: readonly string[]) {
  return error("E0602", `the kernel \`${kernel}\` has no input \`${name}\``, {
    notes: [known.length > 0 ? `its inputs are ${codes(known)}` : "it has no inputs"],
    help: didYouMeanOr("leave it out", name, known),
  });
}

export function unknownResult(kernel: string, name: string, known: readonly string[]) {
  return error("E0602", `the kernel \`${kernel}\` has no result \`${name}\``, {
    notes: [`its results are ${codes(known)}`],
    help: didYouMeanOr("leave it out", name, known),
  });
}

export const E0603: Entry = {
  title: "an input of the wrong element type, or a result that is not a buffer",
  explanation: `f32 is a Float32Array, f16 and bf16 are bit patterns in a Uint16Array, f8e4m3 and f8e5m2 in a Uint8Array,
i32 is an Int32Array, u32 a Uint32Array, i8 an Int8Array, u8 a Uint8Array, and bool a Uint8Array of 0 and 1. A
Float64Array or a list of numbers is accepted for any element type, and a BigInt64Array or BigUint64Array for integers,
provided that the values fit. Floats are rounded to the type of the parameter; integers must be whole numbers in range,
and a list must not have missing elements. Booleans are accepted only for bool. An array whose buffer was transferred to
another thread has no elements any more. A result is written to a GPUBuffer; one that is not given is created.`,
  wrong: "await prepared.run({ x: new Int32Array(4 * 768) })   // of fn f(x: f32[rows, 768])",
  fix: "await prepared.run({ x: new Float32Array(4 * 768) })",
};

/** The JavaScript values that are accepted for each element type. */
const arrays: Readonly<Record<string, string>> = {
  ...{ f32: "a Float32Array", f16: "bits in a Uint16Array", bf16: "bits in a Uint16Array" },
  ...{ f8e4m3: "bits in a Uint8Array", f8e5m2: "bits in a Uint8Array", i32: "an Int32Array" },
  ...{ u32: "a Uint32Array", i8: "an Int8Array", u8: "a Uint8Array", bool: "a Uint8Array of 0 and 1" },
};

/** @param expected the type of the input: `f32[rows, 768]`. */
export function wrongElement(name: string, expected: string, got: string) {
  const element = expected.split("[", 1)[0] as string;
  const array = expected === element ? "a number" : `${arrays[element]}, or a list of numbers`;
  return error("E0603", `the input \`${name}\` is ${expected}, but got ${got}`, { help: [`pass ${array}`] });
}

export function noBuffer(name: string, expected: string, got: string) {
  return error("E0603", `the result \`${name}\` is ${expected}, and is written to a GPUBuffer, but got ${got}`, {
    help: ["pass a GPUBuffer with the usage STORAGE, or leave it out: `run` then returns the result as an array"],
  });
}

export const E0604: Entry = {
  title: "an input of the wrong shape",
  explanation: `The shape must have as many dimensions as the parameter, and the extents that the program fixes. A
named dimension accepts any extent.`,
  wrong: 'x: { element: "f32", shape: [4, 512], data } // for x: f32[rows, 768]',
  fix: 'x: { element: "f32", shape: [4, 768], data }',
};

export function wrongShape(name: string, expected: string, got: string, why: string) {
  return error("E0604", `the input \`${name}\` is ${expected}, but got ${got}: ${why}`, {
    help: ["pass a tensor of that shape, or declare another one in the program"],
  });
}

export const E0605: Entry = {
  title: "data whose length does not match the shape",
  explanation: `The number of elements must be the product of the extents. A plain array only tells how many elements
there are, which determines one unknown dimension, but not two.`,
  wrong: "x: new Float32Array(1000)   // for x: f32[rows, 768]",
  fix: 'x: { element: "f32", shape: [4, 768], data: new Float32Array(4 * 768) }',
};

export function wrongLength(name: string, type: string, expected: number, got: number) {
  return error("E0605", `the input \`${name}\` is ${type}, ${expected} elements, but its data has ${got}`, {
    help: [`pass ${expected} ${expected === 1 ? "number" : "numbers"} in row-major order`],
  });
}

export function ambiguousShape(name: string, type: string, length: number, dims: readonly string[]) {
  return error("E0605", `${length} elements do not determine the shape of the input \`${name}\`, ${type}`, {
    notes: [`not known: ${codes(dims)}`],
    help: ["pass `{ element, shape, data }`, or give the dimensions"],
  });
}

export const E0606: Entry = {
  title: "a dimension with two extents",
  explanation: "A name has one extent throughout the function, so all inputs whose shapes contain it must agree.",
  wrong: "x of shape [4, 768] and residual of shape [5, 768]   // both f32[rows, 768]",
  fix: "x of shape [4, 768] and residual of shape [4, 768]",
};

export function dimConflict(dim: string, a: string, extentA: number, b: string, extentB: number) {
  return error("E0606", `the dimension \`${dim}\` is ${extentA} according to ${a}, but ${extentB} according to ${b}`, {
    notes: ["one name is one extent in the whole function"],
    help: ["pass tensors that agree, or give one of the dimensions another name in the program"],
  });
}

export const E0607: Entry = {
  title: "a missing, unknown or invalid extent",
  explanation: `A dimension that does not follow from the shape of an input must be given. It is a whole number from 0
to 2^32 - 1. Dimensions that the program or \`--dim\` fixed at compile time can no longer be chosen.`,
  wrong: "tirc run model.tir --dim rows=-1",
  fix: "tirc run model.tir --dim rows=4096",
};

export function missingDim(kernel: string, dim: string) {
  return error("E0607", `the kernel \`${kernel}\` needs the dimension \`${dim}\`, which no input determines`, {
    help: [`give it with the dimensions: { ${dim}: 1024 }`],
  });
}

export function unknownDim(kernel: string, dim: string, known: readonly string[]) {
  return error("E0607", `the kernel \`${kernel}\` has no dimension \`${dim}\` to choose`, {
    notes: [known.length > 0 ? `its dimensions are ${codes(known)}` : "its shapes are all fixed"],
    help: didYouMeanOr("leave it out", dim, known),
  });
}

export function wrongExtent(dim: string, got: string) {
  return error("E0607", `the dimension \`${dim}\` must be a whole number from 0 to 2^32 - 1, but is ${got}`, {
    help: [`give a number: \`{ ${dim}: 1024 }\``],
  });
}

export function noDims(kernel: string, got: string) {
  return error(
    "E0607",
    `the dimensions of \`${kernel}\` must be an object with a number for each name, but got ${got}`,
    { help: ["pass an object: `{ rows: 1024 }`"] },
  );
}

export const E0608: Entry = {
  title: "more than the device can handle at once",
  explanation: `A device limits the size of a buffer, the size of a binding, and the number of workgroups. A kernel
counts rows, and the elements of a row, with 32 bits, which two small tensors that are broadcast against each other
can exceed.`,
  wrong: "tirc run model.tir --dim rows=100000000",
  fix: smaller,
};

export function bufferTooLarge(name: string, bytes: number, limit: string, most: number) {
  return error("E0608", `\`${name}\` takes ${bytes} bytes, but the device's ${limit} is ${most}`, {
    help: ["run fewer rows at a time"],
  });
}

export function notCounted(kernel: string, overflow: TooMany, most: number) {
  return error("E0608", `\`${kernel}\` would count ${counted(overflow)}, but counts with 32 bits`, {
    notes: [`it counts up to ${most}`],
    help: ["choose smaller dimensions, and run the kernel once for each part"],
  });
}

export const E0609: Entry = {
  title: "a kernel that was destroyed",
  explanation: `\`destroy()\` frees what a prepared kernel holds on the device, including the buffers that were bound
to it. The kernel cannot run afterwards.`,
  wrong: "prepared.destroy(); await prepared.run({ x })",
  fix: "await prepared.run({ x }); prepared.destroy()",
};

export function destroyed(kernel: string) {
  return error("E0609", `the kernel \`${kernel}\` was destroyed`, { help: ["prepare it again"] });
}

export const E0618: Entry = {
  title: "a buffer that cannot be bound",
  explanation: `A tensor on the device is a GPUBuffer with the usage STORAGE, or a part of one:
\`{ buffer, offset, size }\`. It must hold all elements of the tensor, contiguously, rounded up to whole 4-byte words;
for an empty tensor it must hold at least what the kernel loads at once. An offset is a multiple of the device's
minStorageBufferOffsetAlignment, often 256.`,
  wrong: "kernel.bind({ x: { buffer, offset: 100 } }, { rows })",
  fix: "kernel.bind({ x: { buffer, offset: 256 } }, { rows })",
};

export function noStorage(kernel: string, name: string) {
  return error("E0618", `\`${name}\` of \`${kernel}\` is a buffer without the usage STORAGE`, {
    help: ["create it with `usage: GPUBufferUsage.STORAGE | ...`"],
  });
}

export function bufferTooSmall(name: string, type: string, has: number, needs: number) {
  return error("E0618", `\`${name}\` is ${type} and takes ${needs} bytes, but its buffer has ${has}`, {
    help: [`create the buffer with at least ${needs} bytes`],
  });
}

export function misaligned(name: string, offset: number, multiple: number) {
  return error("E0618", `\`${name}\` begins at byte ${offset} of its buffer, which is not a multiple of ${multiple}`, {
    notes: [`the device's minStorageBufferOffsetAlignment is ${multiple}`],
    help: [`begin at ${Math.ceil(offset / multiple) * multiple}`],
  });
}

export const E0619: Entry = {
  title: "an input and a result in the same buffer",
  explanation: `WebGPU does not let a kernel read one part of a buffer and write another. A result may take the place
of an input if the kernel has read each element before it overwrites it: the manifest lists these inputs for each
result (\`mayAlias\`), and the launcher then reads the input through the binding of the result.`,
  wrong: "kernel.bind({ x: { buffer, offset: 0 }, y: { buffer, offset: 4096 } }, { rows })",
  fix: "kernel.bind({ x: buffer, y: buffer }, { rows })   // in place, where the manifest says so",
};

export function boundTwice(kernel: string, input: string, result: string, mayAlias: boolean) {
  return error(
    "E0619",
    `\`${input}\` and \`${result}\` of \`${kernel}\` are in one buffer, and the kernel writes \`${result}\``,
    {
      notes: [
        mayAlias
          ? `\`${result}\` may be written over \`${input}\`, at the same offset; WebGPU allows no other part of its buffer`
          : "an element may be overwritten before it is read",
      ],
      help: [mayAlias ? `bind them at the same offset, or to two buffers` : `give \`${result}\` a buffer of its own`],
    },
  );
}

export const E0628: Entry = {
  title: "a product of a plan that nothing computes",
  explanation: `Matrix products, convolutions and ops of other programs are opaque steps of a plan: no kernel computes
them. The caller passes functions that do. Such a function receives the encoder, and the tensors of the step as
buffers with shapes, and encodes commands that write the result. Alternatively, compile the plan with plain kernels
for products, as \`tirc run\` does; there are none for \`extern\`.`,
  wrong: "await runPlan(device, plan, { x, w })   // of fn f(x: f32[n, 64], w: f32[64, 64]) -> f32[n, 64]",
  fix: "await runPlan(device, plan, { x, w }, {}, { products: { matmul(encoder, { a, b, out }) { gemm(encoder, a, b, out); } } })",
};

export function noProduct(plan: string, step: string, op: string) {
  return error("E0628", `nothing computes the \`${op}\` of \`${plan}\`, its step \`${step}\``, {
    notes: ["a plan has no kernel for such an op; the caller provides what computes it"],
    help: [
      `pass \`products: { ${op}(encoder, call) { ... } }\``,
      ...(op === "extern" ? [] : ['or compile with `products: "plain"`, for kernels that are correct and not tuned']),
    ],
  });
}

export const E0629: Entry = {
  title: "an index that is out of range",
  explanation: `\`embedding\` looks up rows of a table by number, starting at 0, and \`gather\` elements of a row.
Negative numbers do not count from the end here, because they are more often a mistake in the data. A kernel does not
check: it clamps the index to the valid range.`,
  wrong: "embedding(ids, table)    with ids = [0, 3], and a table of 3 rows",
  fix: "embedding(ids, table)    with ids = [0, 2], and a table of 3 rows",
};

const outOfRange = (count: number) => [
  "change the data: a kernel clamps the number, and reads another element",
  `\`tirc run\` draws it if it is not given, where it knows the range: \`--in 'NAME=uniform(0, ${count})'\` or \`--in NAME=FILE.npy\``,
];

export function indexOutOfRange(span: Span, index: number, element: number, count: number) {
  return error("E0629", `the index ${index} (element ${element} of \`index\`) is not in an axis of ${count} elements`, {
    span,
    notes: [count === 0 ? "the axis has no elements" : `indices run from 0 to ${count - 1}`],
    help: outOfRange(count),
  });
}

export function idOutOfRange(span: Span, id: number, element: number, count: number) {
  return error("E0629", `the id ${id} (element ${element} of \`ids\`) is not in a table of ${count} rows`, {
    span,
    notes: [count === 0 ? "the table has no rows" : `ids run from 0 to ${count - 1}`],
    help: outOfRange(count),
  });
}
