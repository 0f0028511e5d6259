/** Arrays on the host, and their encoding in a kernel's buffers. */

import { checkArgument, isRecord, type Kind, listOf, oneOf } from "../diagnostics/arguments.ts";
import { listing } from "../diagnostics/wording.ts";
import { narrowBits } from "../ir/float16.ts";
import type { Tensor } from "../ir/tensor.ts";
import { type ElementType, holds, isInteger, isNarrow, type NarrowFloat, printType } from "../ir/types.ts";
import type { LaunchArray } from "../launch/compact.ts";
import { roundUp } from "../launch/counts.ts";
import { arrays } from "../launch/tensors.ts";
import type { IntegerArray } from "../launch/types.ts";
import type { Parameter } from "../target/manifest.ts";

/** The array type for each element type: narrow floats as their bits, bool as 0 and 1. */
export interface HostArrays {
  f32: Float32Array;
  f16: Uint16Array;
  bf16: Uint16Array;
  f8e4m3: Uint8Array;
  f8e5m2: Uint8Array;
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
 * Numbers for a parameter of any element type, to which they are rounded. Booleans are accepted for bool, and typed arrays of
 * integers of any width for an integer type, if each number is in its range.
 */
export interface NumberTensor {
  readonly element: ElementType;
  readonly shape: readonly number[];
  readonly data: Float64Array | IntegerArray | readonly number[] | readonly boolean[];
}

/** An input on the host for `run`. A bare array has the parameter's shape, if that is unambiguous. */
export type HostInput = HostTensor | NumberTensor | HostData | NumberTensor["data"];

const arrayOf = { ...arrays, bool: Uint8Array } as const satisfies {
  [E in ElementType]: { new (length: number): HostArrays[E] };
};

const elementNames = Object.keys(arrayOf) as ElementType[];

const typedArrayTag = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)
  ?.get as (this: unknown) => string | undefined;

/** The name of a typed array's type, such as `Float32Array`, from any window or thread; `undefined` for other values. */
const typedArrayName = (value: unknown): string | undefined => typedArrayTag.call(value);

/** The element type of a typed array, `wanted` if it matches; `undefined` for plain numbers, which match any. */
function elementOfData(data: unknown, wanted?: ElementType): ElementType | undefined {
  const name = typedArrayName(data);
  if (wanted !== undefined && arrayOf[wanted].name === name) return wanted;
  return elementNames.find((element) => arrayOf[element].name === name);
}

export interface ReadInput {
  /** `undefined` if any type matches. */
  readonly element: ElementType | undefined;
  /** `undefined` if it follows from the parameter. */
  readonly shape: readonly number[] | undefined;
  readonly data: HostData | Float64Array;
}

/** Why a value is not an input, for `and got ...`. */
export interface NoInput {
  readonly got: string;
}

/**
 * Reads an input with its element type and shape, as far as they are given. Reads each member once. May throw what a
 * getter throws.
 */
export function readInput(binding: Parameter, input: unknown): ReadInput | NoInput {
  const isTensor = typeof input === "object" && input !== null && !isArray(input) && "data" in input;
  const bare = { data: input, element: undefined, shape: undefined };
  const { data, element, shape } = (isTensor ? input : bare) as Record<"data" | "element" | "shape", unknown>;
  const isRun = typeof input === "object" && input !== null && "outputs" in input;
  if (!isArray(data))
    return { got: isRun ? "the result of a run, whose tensors are its `outputs`" : withArticle(input) };
  if (typedArrayName(data) !== undefined && isDetached(data as Uint8Array)) {
    return { got: `${withArticle(data)} whose buffer is detached: it was given away` };
  }
  if (isTensor && shape !== undefined && !Array.isArray(shape)) return { got: "a tensor whose shape is not a list" };
  const extents = shape === undefined ? undefined : Array.from(shape as unknown[]);
  const areAny = areIntegers(data) && isInteger(binding.element);
  const implied = areAny ? binding.element : elementOfData(data, binding.element);
  const known = elementNames.find((name) => name === (element ?? implied));
  if (element !== undefined && known === undefined) return { got: "a tensor whose element type does not exist" };
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

/** Whether a value is a typed array of integers of any width. */
const areIntegers = (value: unknown) => /int/i.test(typedArrayName(value) ?? "");

const isArray = (value: unknown) =>
  Array.isArray(value) ||
  typedArrayName(value) === "Float64Array" ||
  areIntegers(value) ||
  elementOfData(value) !== undefined;

/** Reads numbers from a list or a 64-bit array. After rounding, they must be in the range of the element type. */
function readNumbers(element: ElementType, list: ArrayLike<unknown>): Float64Array | NoInput {
  const numbers = new Float64Array(list.length);
  for (let i = 0; i < numbers.length; i++) {
    const given = list[i];
    // A bigint that a number cannot represent exactly is out of the range of all element types.
    const value = typeof given === "bigint" && areIntegers(list) ? Number(given) : given;
    const isRight = typeof value === "number" ? canHold(element, value) : element === "bool" && value === !!value;
    if (!isRight) return { got: `${value === undefined ? "nothing" : shown(value)} at element ${i}` };
    numbers[i] = Number(value);
  }
  return numbers;
}

/** Whether a number can be converted to an element type. Floats round, and every number except NaN converts to a bool. */
function canHold(element: ElementType, value: number): boolean {
  return isInteger(element) ? holds(element, value) : element !== "bool" || !Number.isNaN(value);
}

/** Whether the buffer is detached, which cannot be told by the length alone: that is 0, as for an empty array. */
function isDetached({ buffer, length }: Uint8Array): boolean {
  if (length > 0) return false;
  try {
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}

/** What a value is, for messages: `a Float32Array`, `an object`, `null`. */
export function withArticle(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  const named = [Array, Promise].find((type) => value instanceof type)?.name;
  const noun = typedArrayName(value) ?? named ?? typeof value;
  return `${/^[aeio]/i.test(noun) ? "an" : "a"} ${noun}`;
}

/** A number or boolean itself, or what else the value is. */
export function shown(value: unknown): string {
  return typeof value === "number" || typeof value === "boolean" ? String(value) : withArticle(value);
}

/**
 * The contents of a buffer for `data`, in memory that is neither shared nor resizable. Numbers are
 * rounded to the element type.
 */
export function encode({ element }: Parameter, data: ReadInput["data"]): LaunchArray {
  const numbers: ArrayLike<number> = data;
  if (element === "bool") return Uint32Array.from(numbers, (value) => (value ? 1 : 0));
  if (elementOfData(data) === undefined && isNarrow(element)) return bitsOf(element, numbers);
  if (elementOfData(data, element) === element && isPlainBuffer(data.buffer)) return data as LaunchArray;
  return new arrayOf[element](numbers);
}

/** Whether memory is neither resizable, which WebGPU rejects, nor shared, which may change while it is read. */
function isPlainBuffer(buffer: ArrayBufferLike): boolean {
  const isShared = Object.prototype.toString.call(buffer) !== "[object ArrayBuffer]";
  return !isShared && (buffer as { readonly resizable?: boolean }).resizable !== true;
}

const bitsOf = (element: NarrowFloat, numbers: ArrayLike<number>): Uint16Array<ArrayBuffer> | Uint8Array<ArrayBuffer> =>
  (arrays[element] as Uint16ArrayConstructor).from(numbers, narrowBits[element].to);

/** A result that was read back from its buffer. For a bool, any word except 0 is true. */
export function hostTensorOf({ element }: Parameter, shape: readonly number[], data: HostData): HostTensor {
  if (element !== "bool") return { element, shape, data };
  return { element, shape, data: Uint8Array.from(data, (word) => (word ? 1 : 0)) };
}

/** The number of a scalar input. */
export function toNumber(element: ElementType, data: ReadInput["data"]): number {
  const value = data[0] as number;
  return isNarrow(element) && elementOfData(data, element) === element ? narrowBits[element].from(value) : value;
}

const aNumber: Kind = { what: "a number", holds: (value) => typeof value === "number" };

const aTensor: Kind = {
  what: "a tensor, `{ element, shape, data }`",
  holds: (value) => isRecord(value) && elementNames.some((name) => name === value.element) && isArray(value.data),
  help: (value) =>
    isRecord(value) && "outputs" in value
      ? ["pass one of its `outputs`"]
      : [`its \`element\` is ${listing(elementNames, "or")}, and its \`data\` an array`],
};

/** The exact numbers of a tensor. @throws TircError E0901 */
export function toNumbers(tensor: HostTensor): Float64Array {
  checkArgument("the first argument", "toNumbers", tensor, aTensor);
  if (!isNarrow(tensor.element)) return Float64Array.from(tensor.data);
  return Float64Array.from(tensor.data, narrowBits[tensor.element].from);
}

/** A tensor for the interpreter. */
export const tensorOf = (host: HostTensor): Tensor => ({ ...host, data: toNumbers(host) });

export const tensorsOf = (hosts: Readonly<Record<string, HostTensor>>): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(hosts).map(([name, host]) => [name, tensorOf(host)]));

/** Numbers rounded to an element type: to nearest even for floats, wrapped for integers, nonzero is true. @throws TircError E0901 */
export function fromNumbers(element: ElementType, shape: readonly number[], data: ArrayLike<number>): HostTensor {
  checkArgument("the first argument", "fromNumbers", element, oneOf(...elementNames));
  checkArgument("the shape", "fromNumbers", shape, listOf("numbers", aNumber));
  checkArgument("the data", "fromNumbers", data, { what: "a list of numbers", holds: isArray });
  if (isNarrow(element)) return { element, shape, data: bitsOf(element, data) };
  if (element === "bool") return { element, shape, data: Uint8Array.from(data, (value) => (value ? 1 : 0)) };
  return { element, shape, data: arrayOf[element].from(data) };
}

/** Writes an array to a buffer. As writeBuffer requires a multiple of four bytes, others are copied and padded first. */
export function writeArray(queue: GPUQueue, buffer: GPUBuffer, array: LaunchArray): void {
  let bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  if (bytes.length % 4 > 0) {
    bytes = new Uint8Array(roundUp(bytes.length, 4));
    bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  }
  queue.writeBuffer(buffer, 0, bytes);
}
