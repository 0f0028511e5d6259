/** Tensors in the encoding of a model: elements are rounded to their type once, and stored as bytes. */

import { narrowBits } from "../ir/float16.ts";
import { lazily } from "../ir/lazily.ts";
import type { ElementType } from "../ir/types.ts";

/** A tensor whose bytes are computed on demand, and once. */
export interface RawTensor {
  readonly element: ElementType;
  readonly shape: readonly number[];
  readonly raw: () => Uint8Array;
}

/** @param numbers the elements, already rounded to the element type. */
export function rawTensor(element: ElementType, shape: readonly number[], numbers: () => Float64Array): RawTensor {
  return { element, shape, raw: lazily(() => bytesOf(element, numbers())) };
}

const halfOf = (element: ElementType) => (element === "f16" || element === "bf16" ? narrowBits[element] : undefined);

function bytesOf(element: ElementType, numbers: Float64Array): Uint8Array {
  if (element === "bool") return Uint8Array.from(numbers);
  const half = halfOf(element);
  const raw = new Uint8Array(numbers.length * (half ? 2 : 4));
  const view = new DataView(raw.buffer);
  // By index: `entries()` would allocate a pair for each of perhaps millions of elements.
  for (let i = 0; i < numbers.length; i++) {
    const value = numbers[i] as number;
    if (half) view.setUint16(2 * i, half.to(value), true);
    else if (element === "f32") view.setFloat32(4 * i, value, true);
    else view.setInt32(4 * i, value, true);
  }
  return raw;
}

/** The elements of a tensor of floats. */
export function numbersOf({ element, raw }: RawTensor): Float64Array {
  const bytes = raw();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const half = halfOf(element);
  const numbers = new Float64Array(bytes.byteLength / (half ? 2 : 4));
  for (let i = 0; i < numbers.length; i++) {
    numbers[i] = half ? half.from(view.getUint16(2 * i, true)) : view.getFloat32(4 * i, true);
  }
  return numbers;
}
