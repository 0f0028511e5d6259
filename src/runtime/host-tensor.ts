/** Arrays on the host, and how they lie in a kernel's buffers. */

import { halfBits } from "../ir/float16.ts";
import { type ElementType, holds, isHalf, isInteger, printType } from "../ir/types.ts";
import type { LaunchArray } from "../launch/compact.ts";
import { roundUp } from "../launch/counts.ts";
import type { IntegerArray } from "../launch/types.ts";
import type { Parameter } from "../target/manifest.ts";

/** One array type an element type: f16 and bf16 as their bits, bool as 0 and 1. */
export interface HostArrays {
  f32: Float32Array;
  f16: Uint16Array;
  bf16: Uint16Array;
  i32: Int32Array;
  u32: Uint32Array;
  i8: Int8Array;
  u8: Uint8Array;
  bool: Uint8Array;
}

/** A typed array of one of the element types. */
export type HostData = HostArrays[ElementType];

/** A dense row-major array. */
export interface HostTensor {
  readonly element: ElementType;
  readonly shape: readonly number[];
  readonly data: HostData;
}

/**
 * Numbers of any element type, in float64: they are rounded to the parameter's. Truth values stand for a bool's; typed arrays of
 * integers of any width for those of an integer type that holds each of them.
 */
export interface NumberTensor {
  readonly element: ElementType;
  readonly shape: readonly number[];
  readonly data: Float64Array | IntegerArray | readonly number[] | readonly boolean[];
}

/** What `run` takes for a parameter. A bare array takes the parameter's shape, where that is unambiguous. */
export type HostInput = HostTensor | NumberTensor | HostData | NumberTensor["data"];

const arrayOf = {
  f32: Float32Array,
  f16: Uint16Array,
  bf16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
  i8: Int8Array,
  u8: Uint8Array,
  bool: Uint8Array,
} as const satisfies { [E in ElementType]: { new (length: number): HostArrays[E] } };

const elementNames = Object.keys(arrayOf) as ElementType[];

const typedArrayTag = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)
  ?.get as (this: unknown) => string | undefined;

/** `Float32Array` and so on, of whatever window or thread it is; `undefined` for what is no typed array. */
const typedArrayName = (value: unknown): string | undefined => typedArrayTag.call(value);

/** The element type a typed array stands for, `wanted` if it may; `undefined` for plain numbers, which stand for any. */
function elementOfData(data: unknown, wanted?: ElementType): ElementType | undefined {
  const name = typedArrayName(data);
  if (wanted !== undefined && arrayOf[wanted].name === name) return wanted;
  return elementNames.find((element) => arrayOf[element].name === name);
}

export interface ReadInput {
  /** `undefined`: any. */
  readonly element: ElementType | undefined;
  /** `undefined`: follows from the parameter. */
  readonly shape: readonly number[] | undefined;
  readonly data: HostData | Float64Array;
}

/** Why something is no input, for `and got ...`. */
export interface NoInput {
  readonly got: string;
}

/**
 * An input with its element type and shape, as far as they are given. Each of its members is read once. May throw what a
 * getter throws.
 */
export function readInput(binding: Parameter, input: unknown): ReadInput | NoInput {
  const isTensor = typeof input === "object" && input !== null && !isArray(input) && "data" in input;
  const bare = { data: input, element: undefined, shape: undefined };
  const { data, element, shape } = (isTensor ? input : bare) as Record<"data" | "element" | "shape", unknown>;
  if (!isArray(data)) return { got: withArticle(input) };
  if (typedArrayName(data) !== undefined && isDetached(data as Uint8Array)) {
    return { got: `${withArticle(data)} whose buffer is detached: it was given away` };
  }
  if (isTensor && shape !== undefined && !Array.isArray(shape)) return { got: "a tensor whose shape is no list" };
  const extents = shape === undefined ? undefined : Array.from(shape as unknown[]);
  const areAny = areIntegers(data) && isInteger(binding.element);
  const implied = areAny ? binding.element : elementOfData(data, binding.element);
  const known = elementNames.find((name) => name === (element ?? implied));
  if (element !== undefined && known === undefined) return { got: "a tensor of no element type" };
  const holder = withArticle(data);
  const got = known && extents ? `${printType({ element: known, shape: extents.map(shown) })} in ${holder}` : holder;
  if (known !== undefined && known !== binding.element) return { got };
  const own = elementOfData(data, binding.element);
  const isOwn = own === binding.element;
  if (!isOwn && !areAny && (own !== undefined || areIntegers(data))) return { got };
  const numbers = !isOwn ? readNumbers(binding.element, data as ArrayLike<unknown>) : (data as HostData);
  if ("got" in numbers) return numbers;
  return { element: known, shape: extents as number[] | undefined, data: numbers };
}

/** Whether it is a typed array of integers, of any width. */
const areIntegers = (value: unknown) => /int/i.test(typedArrayName(value) ?? "");

const isArray = (value: unknown) =>
  Array.isArray(value) ||
  typedArrayName(value) === "Float64Array" ||
  areIntegers(value) ||
  elementOfData(value) !== undefined;

/** Numbers of a list, or of an array of numbers of 64 bits, that the element type can hold after rounding. */
function readNumbers(element: ElementType, list: ArrayLike<unknown>): Float64Array | NoInput {
  const numbers = new Float64Array(list.length);
  for (let i = 0; i < numbers.length; i++) {
    const given = list[i];
    // What a number cannot hold exactly, no element type holds.
    const value = typeof given === "bigint" && areIntegers(list) ? Number(given) : given;
    const isRight = typeof value === "number" ? canHold(element, value) : element === "bool" && value === !!value;
    if (!isRight) return { got: `${value === undefined ? "nothing" : shown(value)} at element ${i}` };
    numbers[i] = Number(value);
  }
  return numbers;
}

/** Floats round, and every number but NaN is a truth value. */
function canHold(element: ElementType, value: number): boolean {
  return isInteger(element) ? holds(element, value) : element !== "bool" || !Number.isNaN(value);
}

/** Its length is 0 then, as if it had been made so. */
function isDetached({ buffer, length }: Uint8Array): boolean {
  if (length > 0) return false;
  try {
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}

/** `a Float32Array`, `an object`, `null`: what a value is, for people. */
export function withArticle(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  const noun = typedArrayName(value) ?? (Array.isArray(value) ? "Array" : typeof value);
  return `${/^[aeio]/i.test(noun) ? "an" : "a"} ${noun}`;
}

/** A number, a truth value or what else it is. */
export function shown(value: unknown): string {
  return typeof value === "number" || typeof value === "boolean" ? String(value) : withArticle(value);
}

/**
 * The words of `data` as they lie in a buffer, in memory that nothing else changes or shares. Numbers are
 * rounded to the element type.
 */
export function encode({ element }: Parameter, data: ReadInput["data"]): LaunchArray {
  const numbers: ArrayLike<number> = data;
  if (element === "bool") return Uint32Array.from(numbers, (value) => (value ? 1 : 0));
  if (elementOfData(data) === undefined && isHalf(element)) return Uint16Array.from(numbers, halfBits[element].to);
  if (elementOfData(data, element) === element && isPlainBuffer(data.buffer)) return data as LaunchArray;
  return new arrayOf[element](numbers);
}

/** WebGPU takes no memory that may change its size; memory that is shared may change while it is read. */
function isPlainBuffer(buffer: ArrayBufferLike): boolean {
  const isShared = Object.prototype.toString.call(buffer) !== "[object ArrayBuffer]";
  return !isShared && (buffer as { readonly resizable?: boolean }).resizable !== true;
}

/** A result as it was read back from its buffer: of truth values, any word but 0 is true. */
export function hostTensorOf({ element }: Parameter, shape: readonly number[], data: HostData): HostTensor {
  if (element !== "bool") return { element, shape, data };
  return { element, shape, data: Uint8Array.from(data, (word) => (word ? 1 : 0)) };
}

/** The number of a scalar. */
export function toNumber(element: ElementType, data: ReadInput["data"]): number {
  const value = data[0] as number;
  return isHalf(element) && elementOfData(data, element) === element ? halfBits[element].from(value) : value;
}

/** The numbers of a tensor, exactly. */
export function toNumbers(tensor: HostTensor): Float64Array {
  if (!isHalf(tensor.element)) return Float64Array.from(tensor.data);
  return Float64Array.from(tensor.data, halfBits[tensor.element].from);
}

/** Numbers rounded to an element type: to nearest even for floats, wrapped for integers, nonzero is true. */
export function fromNumbers(element: ElementType, shape: readonly number[], data: ArrayLike<number>): HostTensor {
  if (isHalf(element)) return { element, shape, data: Uint16Array.from(data, halfBits[element].to) };
  if (element === "bool") return { element, shape, data: Uint8Array.from(data, (value) => (value ? 1 : 0)) };
  return { element, shape, data: arrayOf[element].from(data) };
}

/** writeBuffer takes multiples of four bytes: what ends within a word is copied first. */
export function writeArray(queue: GPUQueue, buffer: GPUBuffer, array: LaunchArray): void {
  let bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  if (bytes.length % 4 > 0) {
    bytes = new Uint8Array(roundUp(bytes.length, 4));
    bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  }
  queue.writeBuffer(buffer, 0, bytes);
}
