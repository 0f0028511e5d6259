/** Checks of a caller's arguments: arrays, parts of buffers, numbers and extents. */

import type { LaunchArray, LaunchElement } from "./compact.ts";
import { roundUp } from "./counts.ts";
import type { Fail, IntegersOf } from "./problems.ts";

/** The values of GPUBufferUsage, which is not a global in Node. */
export const mapRead = 1;
export const copySource = 4;
export const copyDestination = 8;
export const uniform = 64;
export const storage = 128;

/** Creates a buffer. @param array its initial contents. */
export function bufferOf(
  device: GPUDevice,
  label: string,
  size: number,
  usage: GPUBufferUsageFlags,
  array?: LaunchArray,
): GPUBuffer {
  const buffer = device.createBuffer({ label, size, usage, mappedAtCreation: !!array });
  if (array) {
    new (array.constructor as Float32ArrayConstructor)(buffer.getMappedRange()).set(array);
    buffer.unmap();
  }
  return buffer;
}

/** The usage of a result's buffer, or of the copy of an input array. */
export const usageOf = (array: unknown): GPUBufferUsageFlags => (array ? storage : storage | copySource);

/** The array type of each element type: narrow floats as their bits, bool as 0 and 1. */
export const arrays = {
  f32: Float32Array,
  f16: Uint16Array,
  bf16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
  i8: Int8Array,
  u8: Uint8Array,
  f8e4m3: Uint8Array,
  f8e5m2: Uint8Array,
  bool: Uint32Array,
};

/** A member of an argument. Inherited members such as `toString` do not count. */
export const own = (given: object, name: string): unknown =>
  Object.hasOwn(given, name) ? (given as Readonly<Record<string, unknown>>)[name] : undefined;

/** Throws if an argument is not an object, or has other members than these. */
export function checkMembers(fail: Fail, what: string, given: object, known?: readonly string[]): void {
  if (Object(given) !== given) fail("E0601 not an object", what, given);
  for (const name of Object.keys(given))
    if (known && !known.includes(name)) fail("E0602 unknown", what, name, ...known);
}

/** The kinds of WebGPU's objects that are arguments, and a member of each that the others lack. */
const kinds = {
  device: ["a GPUDevice", "createShaderModule"],
  encoder: ["a GPUCommandEncoder", "beginComputePass"],
  pass: ["a GPUComputePassEncoder", "dispatchWorkgroups"],
  kernel: ["a kernel of a module", "forms"],
} as const;

/** Throws if an argument is not of this kind. */
export function checkKind(fail: Fail, what: keyof typeof kinds, got: unknown): void {
  const [expected, member] = kinds[what];
  if (!(member in Object(got))) fail("E0901 wrong argument", what, expected, got);
}

/** The extent of a dimension. Throws if it is missing or not valid. */
export function extentIn(fail: Fail, dims: object, dim: number | string): number {
  const got = typeof dim === "string" ? own(dims, dim) : dim;
  // Differs from `got` unless that is a u32.
  if (Number(got) >>> 0 !== got) fail("E0607 no extent", dim as string, got);
  return got as number;
}

/** The bytes that are bound: all elements, in whole words, and at least one element of the WGSL array. */
export const boundSize = (element: LaunchElement, stride: number, count: number): number =>
  Math.max(4, stride, roundUp(count * arrays[element].BYTES_PER_ELEMENT, 4));

/** The number of words in the uniform buffer, whose size is a multiple of 16 bytes. */
export const uniformWords = ({ length }: readonly unknown[]): number => roundUp(length, 4);

/** A part of a buffer, or an array, or neither if a result is to be created. */
export type Given = readonly [
  buffer: GPUBuffer | undefined,
  offset: number,
  size: number,
  array?: LaunchArray | undefined,
];

/** Reads a tensor argument. Throws if an array has the wrong type or length, or a part of a buffer is too small. */
export function readTensor(
  name: string,
  element: LaunchElement,
  isInput: boolean,
  value: unknown,
  count: number,
  size: number,
  limits: GPUSupportedLimits,
  fail: Fail,
  integersOf?: IntegersOf,
): Given {
  const isArray = isInput && ArrayBuffer.isView(value);
  const isMade = value === undefined;
  if (isInput && isMade) fail("E0601 missing", name);
  const atMost = (limit: "maxStorageBufferBindingSize" | "maxBufferSize") => {
    if (size > limits[limit]) fail("E0608 too large", name, size, limit, limits[limit]);
  };
  atMost("maxStorageBufferBindingSize");
  const type = arrays[element].name;
  const refuse = () => fail("E0603 not a tensor", name, isInput && type, value);
  if (isMade || isArray) {
    atMost("maxBufferSize");
    const array = value as LaunchArray | undefined;
    const isOwn = isMade || array?.[Symbol.toStringTag] === type;
    const taken = isOwn ? array : (integersOf?.(name, element, array as LaunchArray, fail) ?? refuse());
    if (taken && taken.length !== count) fail("E0605 wrong length", name, taken.length, count);
    return [undefined, 0, size, taken];
  }
  const part = "buffer" in Object(value) ? (value as GPUBufferBinding) : { buffer: value as GPUBuffer };
  const { buffer, offset = 0, size: most = Infinity }: GPUBufferBinding = part;
  if (buffer?.usage === undefined) refuse();
  if (!(buffer.usage & storage)) fail("E0618 no storage", name);
  const multiple = limits.minStorageBufferOffsetAlignment;
  if (offset % multiple || offset < 0) fail("E0618 misaligned", name, offset, multiple);
  const has = Math.min(most, buffer.size - offset);
  if (!(has >= size)) fail("E0618 too small", name, has, size);
  return [buffer, offset, size];
}
