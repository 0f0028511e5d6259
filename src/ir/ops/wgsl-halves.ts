/**
 * Conversions to f16, exact for every f32: to the nearest, halves to the even one, infinity from 65520 on, NaN stays NaN.
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

export const halfFunctions = {
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
