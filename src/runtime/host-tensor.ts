/** Arrays on the host, and how they lie in a kernel's buffers. */

import type { Binding } from "../../codegen/manifest.ts";
import { fromFloat16Bits, toFloat16Bits } from "../ir/float16.ts";
import { elementCount } from "../ir/tensor.ts";
import type { ElementType } from "../ir/types.ts";

/** One array type an element type: f16 as its bits, bool as 0 and 1. */
export interface HostArrays {
  f32: Float32Array;
  f16: Uint16Array;
  i32: Int32Array;
  u32: Uint32Array;
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

/** Numbers of any element type, in float64: they are rounded to the parameter's. */
export interface NumberTensor {
  readonly element: ElementType;
  readonly shape: readonly number[];
  readonly data: Float64Array | readonly number[];
}

/** What `run` takes for a parameter. A bare array takes the parameter's shape, where that is unambiguous. */
export type HostInput = HostTensor | NumberTensor | HostData | Float64Array | readonly number[];

const arrayOf = {
  f32: Float32Array,
  f16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
  bool: Uint8Array,
} as const satisfies { [E in ElementType]: { new (length: number): HostArrays[E] } };

const elementNames = Object.keys(arrayOf) as ElementType[];

/** The element type a typed array stands for; `undefined` for plain numbers, which stand for any. */
function elementOfData(data: unknown): ElementType | undefined {
  return elementNames.find((element) => data instanceof arrayOf[element]);
}

export interface ReadInput {
  /** `undefined`: any. */
  readonly element: ElementType | undefined;
  /** `undefined`: follows from the parameter. */
  readonly shape: readonly number[] | undefined;
  readonly data: HostData | Float64Array | readonly number[];
}

/** An input with its element type and shape, as far as they are given; `undefined` for what is no array at all. */
export function readInput(input: HostInput): ReadInput | undefined {
  const isTensor = typeof input === "object" && input !== null && "data" in input;
  const data: unknown = isTensor ? input.data : input;
  const known = Array.isArray(data) || data instanceof Float64Array || elementOfData(data) !== undefined;
  if (!known) return undefined;
  const numbers = data as ReadInput["data"];
  if (!isTensor) return { element: elementOfData(numbers), shape: undefined, data: numbers };
  const { element = elementOfData(numbers), shape } = input;
  return shape === undefined || Array.isArray(shape) ? { element, shape, data: numbers } : undefined;
}

/** Whether `data` can hold elements of this type. */
export function dataFits(element: ElementType, data: ReadInput["data"]): boolean {
  const own = elementOfData(data);
  return own === undefined || own === element;
}

/** Bytes of one element in a binding's buffer. */
export function storedSize(binding: Binding): number {
  return binding.storage === "f16" || binding.storage === "f16x2" ? 2 : 4;
}

/** Buffers are padded so that a whole vec4 can be bound, and an empty array too. */
export function bufferSize(binding: Binding, elements: number): number {
  return Math.max(16, Math.ceil((elements * storedSize(binding)) / 16) * 16);
}

/** The bytes of `data` in the layout of the binding, not padded. Numbers are rounded to the element type. */
export function encode(binding: Binding, data: ReadInput["data"]): ArrayBufferView<ArrayBuffer> {
  if (binding.element === "bool") return Uint32Array.from(data as ArrayLike<number>, (value) => (value ? 1 : 0));
  if (elementOfData(data) === binding.element) return data as ArrayBufferView<ArrayBuffer>;
  const numbers = data as ArrayLike<number>;
  if (binding.element === "f16") return Uint16Array.from(numbers, toFloat16Bits);
  return arrayOf[binding.element].from(numbers) as ArrayBufferView<ArrayBuffer>;
}

/** A result read back from its buffer. `bytes` may be padded; the tensor gets its own copy. */
export function decode(binding: Binding, shape: readonly number[], bytes: ArrayBuffer): HostTensor {
  const { element } = binding;
  const count = elementCount(shape);
  if (element === "bool") {
    return { element, shape, data: Uint8Array.from(new Uint32Array(bytes, 0, count), (word) => (word ? 1 : 0)) };
  }
  return { element, shape, data: new arrayOf[element](bytes, 0, count).slice() };
}

/** The numbers of a tensor, exactly. */
export function toNumbers(tensor: HostTensor): Float64Array {
  if (tensor.element !== "f16") return Float64Array.from(tensor.data);
  return Float64Array.from(tensor.data, fromFloat16Bits);
}

/** Numbers rounded to an element type: to nearest even for floats, wrapped for integers, nonzero is true. */
export function fromNumbers(element: ElementType, shape: readonly number[], data: ArrayLike<number>): HostTensor {
  if (element === "f16") return { element, shape, data: Uint16Array.from(data, toFloat16Bits) };
  if (element === "bool") return { element, shape, data: Uint8Array.from(data, (value) => (value ? 1 : 0)) };
  return { element, shape, data: arrayOf[element].from(data) };
}
