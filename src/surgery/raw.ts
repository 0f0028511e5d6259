/** Tensors in the encoding of a model: elements are rounded to their type once, and stored as bytes. */

import { lazily } from "../ir/lazily.ts";
import { decode, encode } from "../ir/number-formats.ts";
import type { ElementType } from "../ir/types.ts";

/** A tensor whose bytes are computed on demand, and once. */
export interface RawTensor {
  readonly element: ElementType;
  readonly shape: readonly number[];
  readonly raw: () => Uint8Array;
}

/** @param numbers the elements, already rounded to the element type. */
export function rawTensor(element: ElementType, shape: readonly number[], numbers: () => Float64Array): RawTensor {
  return { element, shape, raw: lazily(() => encode(element, numbers())) };
}

/** The elements of a tensor. */
export const numbersOf = ({ element, raw }: RawTensor): Float64Array => decode(element, raw());
