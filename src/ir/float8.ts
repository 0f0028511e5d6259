/**
 * Floats of one byte: E4M3 and E5M2 of the OCP 8-bit floating point specification (revision 1.0, 2023), as in ONNX, PyTorch
 * and safetensors. E4M3 has no infinities and one NaN for each sign, to have larger numbers.
 */

import type { Float8 } from "./types.ts";

/** A format, with the codes of its special values; the highest bit is the sign. */
interface Float8Format {
  /** The number of bits below the exponent. */
  readonly fraction: number;
  /** What is added to an exponent. */
  readonly bias: number;
  readonly largest: number;
  /** What an infinity becomes. */
  readonly infinity: number;
  readonly nan: number;
}

export const float8Formats: Readonly<Record<Float8, Float8Format>> = {
  f8e4m3: { fraction: 3, bias: 7, largest: 0x7e, infinity: 0x7e, nan: 0x7f },
  f8e5m2: { fraction: 2, bias: 15, largest: 0x7b, infinity: 0x7c, nan: 0x7e },
};

function conversions({ fraction, bias, largest, infinity, nan }: Float8Format) {
  // By code. They are in ascending order, and infinity, if any, is next to the largest number.
  const values = Float64Array.from({ length: 128 }, (_, code) => {
    if (code > largest) return code === infinity ? Infinity : Number.NaN;
    const [exponent, part] = [code >> fraction, (code % 2 ** fraction) / 2 ** fraction];
    return exponent === 0 ? part * 2 ** (1 - bias) : (1 + part) * 2 ** (exponent - bias);
  });
  const numberOf = (code: number) => values[code] as number;

  /** The code of the number nearest to one that is not negative. */
  function nearest(size: number): number {
    if (Number.isNaN(size)) return nan;
    if (size === Infinity) return infinity;
    if (size >= numberOf(largest)) return largest;
    let [low, high] = [0, largest];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (numberOf(middle) <= size) low = middle;
      else high = middle;
    }
    const middle = (numberOf(low) + numberOf(high)) / 2;
    return size < middle || (size === middle && low % 2 === 0) ? low : high;
  }

  return {
    to: (value: number) => (value < 0 || Object.is(value, -0) ? 0x80 : 0) | nearest(Math.abs(value)),
    from: (code: number) => (code & 0x80 ? -numberOf(code & 0x7f) : numberOf(code)),
  };
}

/**
 * Conversions to and from the bits. To a number they are exact; from a number to the nearest, with ties to even. What is beyond
 * the largest number becomes that, and so does an infinity in E4M3.
 */
export const byteBits = {
  f8e4m3: conversions(float8Formats.f8e4m3),
  f8e5m2: conversions(float8Formats.f8e5m2),
};
