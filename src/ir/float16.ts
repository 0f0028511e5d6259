/** Two-byte floats as bits, IEEE 754 binary16 (Node 20 has no Float16Array) and bfloat16, and rounding to any type. */

import { byteBits } from "./float8.ts";
import { roundHalfEven } from "./ops/math.ts";
import { type ElementType, elementInfo, holds, isFloat, type NarrowFloat } from "./types.ts";

const scratch = new DataView(new ArrayBuffer(8));

/** The bits of the binary16 nearest to a float64 (ties to even). Overflow gives an infinity, NaN gives 0x7e00. */
export function toFloat16Bits(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  scratch.setFloat64(0, value);
  const sign = (scratch.getUint16(0) >>> 15) << 15;
  const magnitude = Math.abs(value);
  if (magnitude >= 65520) return sign | 0x7c00;
  // Below the normal range, the spacing is 2^-24. A carry gives the bits of the smallest normal number.
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

const float32 = new Float32Array(1);
const float32Bits = new Uint32Array(float32.buffer);

/**
 * The upper half of the bits of an f32: the bfloat16 nearest to a float64 (ties to even). Overflow gives an infinity, NaN
 * gives 0x7fc0.
 */
export function toBfloat16Bits(value: number): number {
  if (Number.isNaN(value)) return 0x7fc0;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (magnitude === Infinity) return sign | 0x7f80;
  // Rounds only once, from the float64, to the spacing of numbers of this size, which is 2^-133 below 2^-126.
  scratch.setFloat64(0, magnitude);
  const exponent = Math.max(((scratch.getUint16(0) >>> 4) & 0x7ff) - 1023, -126);
  float32[0] = roundHalfEven(magnitude * 2 ** (7 - exponent)) * 2 ** (exponent - 7);
  return sign | ((float32Bits[0] as number) >>> 16);
}

/** The value of the 16 bits of a bfloat16. Exact. */
export function fromBfloat16Bits(bits: number): number {
  float32Bits[0] = bits << 16;
  return float32[0] as number;
}

/** The bfloat16 nearest to a float64, as a number. */
export function roundToBfloat16(value: number): number {
  return fromBfloat16Bits(toBfloat16Bits(value));
}

/** Conversions of narrow floats to and from their bits on the host. */
export const narrowBits: {
  readonly [E in NarrowFloat]: {
    readonly to: (value: number) => number;
    readonly from: (bits: number) => number;
  };
} = {
  ...byteBits,
  f16: { to: toFloat16Bits, from: fromFloat16Bits },
  bf16: { to: toBfloat16Bits, from: fromBfloat16Bits },
};

/** Half the distance from 1 to the next number: the largest relative error of rounding to the type. */
export const roundoff = { f32: 2 ** -24, f16: 2 ** -11, bf16: 2 ** -8 } as const;

/** Rounds a number in the range of an element type to the nearest that it represents. */
export const roundTo: { readonly [E in ElementType]: (value: number) => number } = {
  f32: Math.fround,
  f16: roundToFloat16,
  bf16: roundToBfloat16,
  f8e4m3: (value) => byteBits.f8e4m3.from(byteBits.f8e4m3.to(value)),
  f8e5m2: (value) => byteBits.f8e5m2.from(byteBits.f8e5m2.to(value)),
  i32: (value) => value,
  u32: (value) => value,
  i8: (value) => value,
  u8: (value) => value,
  bool: (value) => value,
};

/**
 * Whether a number is out of the range of an element type, so that conversion would give an infinity, the largest number or
 * another integer.
 */
export function isBeyond(element: ElementType, value: number): boolean {
  if (!isFloat(element) || !Number.isFinite(value)) return !holds(element, value);
  const { isStorage, range } = elementInfo[element];
  return isStorage ? Math.abs(value) > range[1] : !Number.isFinite(roundTo[element](value));
}
