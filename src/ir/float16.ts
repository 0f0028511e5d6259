/** IEEE 754 binary16, kept as its 16 bits: Node 20 has no Float16Array. */

import { type ElementType, holds, isFloat } from "./types.ts";

const scratch = new DataView(new ArrayBuffer(8));

/** The nearest integer, ties to even. */
function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}

/** The bits of the binary16 nearest to a float64 (ties to even). Overflow gives an infinity, NaN gives 0x7e00. */
export function toFloat16Bits(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  scratch.setFloat64(0, value);
  const sign = (scratch.getUint16(0) >>> 15) << 15;
  const magnitude = Math.abs(value);
  if (magnitude >= 65520) return sign | 0x7c00;
  // Below the normal range the grain is 2^-24. A carry out of it gives the bits of the smallest normal number.
  if (magnitude < 2 ** -14) return sign | roundHalfEven(magnitude * 2 ** 24);
  const exponent = ((scratch.getUint16(0) >>> 4) & 0x7ff) - 1023;
  const mantissa = roundHalfEven(magnitude * 2 ** (10 - exponent)) - 1024;
  return sign | (((exponent + 15) << 10) + mantissa);
}

/** The value of 16 bits. Exact. */
export function fromFloat16Bits(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0x1f) return mantissa === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  return sign * (1024 + mantissa) * 2 ** (exponent - 25);
}

/** The binary16 nearest to a float64, as a number. */
export function roundToFloat16(value: number): number {
  return fromFloat16Bits(toFloat16Bits(value));
}

/** The nearest number that an element type holds, for a number in its range. */
export const roundTo: { readonly [E in ElementType]: (value: number) => number } = {
  f32: Math.fround,
  f16: roundToFloat16,
  i32: (value) => value,
  u32: (value) => value,
  bool: (value) => value,
};

/** Whether a number is beyond the range of an element type, so that rounding makes an infinity of it, or another integer. */
export function isBeyond(element: ElementType, value: number): boolean {
  return isFloat(element)
    ? Number.isFinite(value) && !Number.isFinite(roundTo[element](value))
    : !holds(element, value);
}
