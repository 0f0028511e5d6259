/**
 * Functions on the bits of floats, which are exact on every device.
 *
 * Conversions to f16 are correct for every f32: to nearest with ties to even, infinity from 65520 on, NaN stays NaN.
 * WGSL guarantees none of that: `pack2x16float`, `quantizeToF16` and `f16()` may round either way and flush
 * subnormals to zero, and if one half of a word is out of range, both are indeterminate.
 *
 * To a number of exponent e >= -14, 2^(e + 13) is added: the last bit of the sum has the weight 2^(e - 10), like that of an
 * f16, so that the addition rounds, and the low 12 bits of the sum count these units. All else is done on bits, out of reach of
 * compilers that simplify (a + b) - b to a.
 */

import { ofAny, type WgslFunctionDef } from "./wgsl-parts.ts";

/** The bits of |x|, what is infinite as 2^16; those of 2^(e + 13); those of their sum. */
const rounded = `let bits = bitcast<I>(x);
  let size = bits & I(0x7fffffff);
  let held = min(size, I(0x47800000));
  let grain = max(held & I(0x7f800000), I(0x38800000)) + I(0x06800000);
  let sum = bitcast<I>(bitcast<T>(held) + bitcast<T>(grain));`;

export const bitFunctions = {
  // C's fmod by long division of the mantissas, 16 bits of the quotient a step, each to the nearest: what is left over is
  // less than the divisor, below 0 too, and is exact in the low 32 bits.
  rem: {
    cost: [39, 1],
    needs: ["nan"],
    body: (width: number) => `fn rem(a: T, b: T) -> T {
  let x = bitcast<I>(a) & I(0x7fffffff);
  let y = bitcast<I>(b) & I(0x7fffffff);
  let mantissa = (y & I(0x7fffff)) | I(0x800000);
  let inverse = 1.0 / T(mantissa);
  var rest = (x & I(0x7fffff)) | I(0x800000);
  var left = max((x >> U(23u)) - (y >> U(23u)), I(0));
  loop {
    let step = min(left, I(16));
    let scale = bitcast<T>((step + I(127)) << U(23u));
    let quotient = bitcast<I>(T(rest) * inverse * scale + 8388608.0) - I(0x4b000000);
    let over = (rest << bitcast<U>(step)) - quotient * mantissa;
    rest = select(over, over + mantissa, over < I(0));
    left -= step;
    if (!(${ofAny(width, "left > I(0)")})) {
      break;
    }
  }
  let size = T(rest) * 1.1920928955078125e-7 * bitcast<T>(y & I(0x7f800000));
  let value = select(bitcast<I>(size), x, x < y) | (bitcast<I>(a) & I(-2147483648));
  let isNumber = (x < I(0x7f800000)) & (y <= I(0x7f800000)) & (y >= I(0x800000));
  return select(T(nan()), bitcast<T>(value), isNumber);
}`,
  },
  // 2^-e for an exponent field of e + 127: that field is 127 - e. Of what is below 2^-126 or above 2^127 it would be none.
  pow2_scale: {
    cost: [5, 0],
    body: `fn pow2_scale(x: T) -> T {
  let field = clamp(bitcast<I>(abs(x)) / I(8388608), I(1), I(253));
  return bitcast<T>((I(254) - field) * I(8388608));
}`,
  },
  // A carry into the exponent is what it should be.
  f16_bits: {
    cost: [15, 0],
    body: `fn f16_bits(x: T) -> U {
  ${rounded}
  let half = (sum >> U(13u)) + (sum & I(0xfff)) - I(0x1f800);
  return bitcast<U>(select(half, I(0x7e00), size > I(0x7f800000)) | ((bits >> U(16u)) & I(0x8000)));
}`,
  },
  // The upper half of an f32's bits, to even between two.
  bf16_bits: {
    cost: [10, 0],
    body: `fn bf16_bits(x: T) -> U {
  let bits = bitcast<U>(x);
  let near = (bits + ((bits >> U(16u)) & U(1u)) + U(0x7fffu)) >> U(16u);
  return select(near, (bits >> U(16u)) | U(0x40u), (bits & U(0x7fffffffu)) > U(0x7f800000u));
}`,
  },
  round_to_bf16: {
    cost: [11, 0],
    needs: ["bf16_bits"],
    body: `fn round_to_bf16(x: T) -> T {
  return bitcast<T>(bf16_bits(x) << U(16u));
}`,
  },
  // The same as a number in f32.
  round_to_f16: {
    cost: [16, 0],
    body: `fn round_to_f16(x: T) -> T {
  ${rounded}
  let half = bitcast<I>(T(sum & I(0xfff)) * bitcast<T>(grain - I(0x0b800000)));
  let limited = select(half, I(0x7f800000), half >= I(0x47800000));
  return bitcast<T>(select(limited, size, size > I(0x7f800000)) | (bits & I(-2147483648)));
}`,
  },
} satisfies Readonly<Record<string, WgslFunctionDef>>;
