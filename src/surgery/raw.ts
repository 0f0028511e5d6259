/** Numbers as they lie in a model: what is new is rounded to its type once, and held as its bytes. */

import { fromFloat16Bits, toFloat16Bits } from "../ir/float16.ts";
import type { Tensor } from "../ir/tensor.ts";
import type { ElementType } from "../ir/types.ts";

/** A tensor as its bytes. */
export interface RawTensor {
  readonly element: ElementType;
  readonly shape: readonly number[];
  readonly raw: Uint8Array;
}

export function rawTensor({ element, shape, data }: Tensor): RawTensor {
  const raw = new Uint8Array(data.length * (element === "f16" ? 2 : 4));
  const view = new DataView(raw.buffer);
  for (const [i, value] of data.entries()) {
    if (element === "f16") view.setUint16(2 * i, toFloat16Bits(value), true);
    else view.setFloat32(4 * i, value, true);
  }
  return { element, shape, raw };
}

export function numbersOf({ element, raw }: RawTensor): Float64Array {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const isHalf = element === "f16";
  const numbers = new Float64Array(raw.byteLength / (isHalf ? 2 : 4));
  for (let i = 0; i < numbers.length; i++) {
    numbers[i] = isHalf ? fromFloat16Bits(view.getUint16(2 * i, true)) : view.getFloat32(4 * i, true);
  }
  return numbers;
}
