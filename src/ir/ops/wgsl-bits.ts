/**
 * What is computed on the bits of floats, and so is exact on every device.
 *
 * Conversions to f16 are right for every f32: to the nearest, halves to the even one, infinity from 65520 on, NaN stays NaN.
 * WGSL promises none of that: `pack2x16float`, `quantizeToF16` and `f16()` may round either way and make zeros of
 * subnormals, and where one half of a word is out of range both are indeterminate.
 *
 * To a number of exponent e, -14 or more, 2^(e + 13) is added: the sum's last bit is worth 2^(e - 10), as is that of an
 * f16, so the addition rounds, and the sum's low 12 bits count these grains. All else is done on bits, out of reach of
 * whoever takes (a + b) - b for a.
 */

import type { WgslFunctionDef } from "./wgsl-functions.ts";

/** The bits of |x|, what is infinite as 2^16; those of 2^(e + 13); those of their sum. */
const rounded = `let bits = bitcast<I>(x);
  let size = bits & I(0x7fffffff);
  let held = min(size, I(0x47800000));
  let grain = max(held & I(0x7f800000), I(0x38800000)) + I(0x06800000);
  let sum = bitcast<I>(bitcast<T>(held) + bitcast<T>(grain));`;

export const bitFunctions = {
  // C's fmod by long division of the mantissas, 8 bits a step: a remainder has 24 bits. x < y: the dividend is the rest.
  rem: {
    needs: ["nan"],
    body: `fn rem(a: T, b: T) -> T {
  let x = bitcast<U>(a) & U(0x7fffffffu);
  let y = bitcast<U>(b) & U(0x7fffffffu);
  let dividend = max(x >> U(23u), U(1u)) - U(1u);
  let divisor = max(y >> U(23u), U(1u)) - U(1u);
  let mantissa = max(y - (divisor << U(23u)), U(1u));
  var rest = (x - (dividend << U(23u))) % mantissa;
  var left = select(U(0u), dividend - divisor, dividend > divisor);
  while (any(left > U(0u))) {
    let step = min(left, U(8u));
    rest = (rest << step) % mantissa;
    left -= step;
  }
  let shift = min(countLeadingZeros(rest) - U(8u), divisor);
  let size = select(((divisor - shift) << U(23u)) + (rest << shift), U(0u), rest == U(0u));
  let value = bitcast<T>(select(size, x, x < y) | (bitcast<U>(a) & U(0x80000000u)));
  return select(value, T(nan()), (x >= U(0x7f800000u)) | (y > U(0x7f800000u)) | (y == U(0u)));
}`,
  },
  // 2^-e for an exponent field of e + 127: that field is 127 - e. Of what is below 2^-126 or above 2^127 it would be none.
  pow2_scale: {
    body: `fn pow2_scale(x: T) -> T {
  let field = clamp(bitcast<I>(abs(x)) / I(8388608), I(1), I(253));
  return bitcast<T>((I(254) - field) * I(8388608));
}`,
  },
  // A carry into the exponent is what it should be.
  half_bits: {
    body: `fn half_bits(x: T) -> U {
  ${rounded}
  let half = (sum >> U(13u)) + (sum & I(0xfff)) - I(0x1f800);
  return bitcast<U>(select(half, I(0x7e00), size > I(0x7f800000)) | ((bits >> U(16u)) & I(0x8000)));
}`,
  },
  // The same as a number in f32.
  round_to_half: {
    body: `fn round_to_half(x: T) -> T {
  ${rounded}
  let half = bitcast<I>(T(sum & I(0xfff)) * bitcast<T>(grain - I(0x0b800000)));
  let limited = select(half, I(0x7f800000), half >= I(0x47800000));
  return bitcast<T>(select(limited, size, size > I(0x7f800000)) | (bits & I(-2147483648)));
}`,
  },
} satisfies Readonly<Record<string, WgslFunctionDef>>;
