/**
 * Sine, cosine, tangent and the angle of a point.
 *
 * An angle is written as k pi/2 + r with |r| <= pi/4 (a quarter turn is pi/2), where r is accurate relative to itself:
 * up to 2^13 by Cody and Waite's method (1980), pi/2 in four parts of which the first three have products with k that
 * are exact; beyond by Payne and Hanek's (1983), in integers: of 2/pi only 96 bits matter, those in front of them count
 * whole turns.
 */

import type { WgslFunctionDef } from "./wgsl-functions.ts";
import { horner, polynomials } from "./wgsl-polynomials.ts";

const { atanCoefficients, sinCoefficients, cosCoefficients } = polynomials;

/** 2/pi in binary, 32 bits each. */
const twoOverPi = ["0xa2f9836eu", "0x4e441529u", "0xfc2757d1u", "0xf534ddc0u", "0xdb629599u", "0x3c439041u"];
const [w0, w1, w2, w3, w4, w5] = twoOverPi;

export const trigonometry = {
  quarters: {
    needs: ["nan"],
    body: `fn multiply_high(a: U, b: U) -> U {
  let low = U(0xffffu);
  let half = U(16u);
  let first = (a >> half) * (b & low) + (((a & low) * (b & low)) >> half);
  let second = (a & low) * (b >> half) + (first & low);
  return (a >> half) * (b >> half) + (first >> half) + (second >> half);
}
/** The same as \`quarters\` for 2^13 and more. */
fn far_quarters(x: T, k: ptr<function, I>) -> T {
  let bits = bitcast<U>(x);
  // The bits of 2/pi from this one on, after 32 zeros.
  let first = ((bits >> U(23u)) & U(0xffu)) - U(128u);
  let two = (first & U(64u)) != U(0u);
  let a = select(U(0u), U(${w1}), two);
  let b = select(U(${w0}), U(${w2}), two);
  let c = select(U(${w1}), U(${w3}), two);
  let d = select(U(${w2}), U(${w4}), two);
  let e = select(U(${w3}), U(${w5}), two);
  let one = (first & U(32u)) != U(0u);
  let left = first & U(31u);
  let right = U(31u) - left;
  let high = (select(a, b, one) << left) | ((select(b, c, one) >> U(1u)) >> right);
  let middle = (select(b, c, one) << left) | ((select(c, d, one) >> U(1u)) >> right);
  let low = (select(c, d, one) << left) | ((select(d, e, one) >> U(1u)) >> right);
  // x 2/pi mod 4, in units of 2^-30 and of 2^-62.
  let mantissa = (bits | U(0x800000u)) << U(8u);
  let part = mantissa * middle;
  let fine = part + multiply_high(mantissa, low);
  let coarse = mantissa * high + multiply_high(mantissa, middle) + select(U(0u), U(1u), fine < part);
  let turns = I((coarse + U(0x20000000u)) >> U(30u));
  let fraction = (coarse << U(2u)) | (fine >> U(30u));
  let isBelow = fraction >= U(0x80000000u);
  let size = select(fraction, ~fraction, isBelow);
  let rest = select(fine << U(2u), ~(fine << U(2u)), isBelow);
  let zeros = countLeadingZeros(size);
  let digits = (size << zeros) | ((rest >> U(1u)) >> (U(31u) - zeros));
  let r = T(digits) * bitcast<T>((U(95u) - zeros) << U(23u)) * 1.5707963268;
  let isNegative = x < T(0.0);
  *k = select(turns, -turns, isNegative);
  let number = select(r, -r, isBelow != isNegative);
  return select(number, T(nan()), (bits & U(0x7f800000u)) == U(0x7f800000u));
}
/** r; k is counted from any whole turn. */
fn quarters(x: T, k: ptr<function, I>) -> T {
  let near = round(x * 0.6366197724);
  let r = (((x - near * 1.5703125) - near * 4.837512969970703e-4) - near * 7.549533620476723e-8) - near * 2.56334406825709e-12;
  *k = I(near);
  let isFar = (bitcast<U>(x) & U(0x7fffffffu)) > U(0x46000000u);
  if (!any(isFar)) {
    return r;
  }
  var turns: I;
  let far = far_quarters(x, &turns);
  *k = select(*k, turns, isFar);
  return select(r, far, isFar);
}
fn sine(r: T, k: I) -> T {
  let s = r * r;
  let sine = r * ${horner("s", sinCoefficients)};
  let cosine = ${horner("s", cosCoefficients)};
  let value = select(sine, cosine, (k & I(1)) == I(1));
  return select(value, -value, (k & I(2)) == I(2));
}`,
  },
  sin: {
    needs: ["quarters"],
    body: `fn sin_(x: T) -> T {
  var k: I;
  let r = quarters(x, &k);
  return sine(r, k);
}`,
  },
  cos: {
    needs: ["quarters"],
    body: `fn cos_(x: T) -> T {
  var k: I;
  let r = quarters(x, &k);
  return sine(r, k + I(1));
}`,
  },
  tan: {
    needs: ["quarters"],
    body: `fn tan_(x: T) -> T {
  var k: I;
  let r = quarters(x, &k);
  return sine(r, k) / sine(r, k + I(1));
}`,
  },
  // atan of the smaller over the larger, 1.2e-7 relative, then the octant. Signs are read from the bits: -0 has one.
  atan2: {
    needs: ["nan"],
    body: `fn atan2_(y: T, x: T) -> T {
  let high = max(abs(x), abs(y));
  let low = min(abs(x), abs(y));
  let ratio = select(low / high, T(1.0), low == high);
  let a = select(ratio, T(0.0), high == T(0.0));
  let s = a * a;
  let first = a * ${horner("s", atanCoefficients)};
  let steep = select(first, 1.5707963268 - first, abs(y) > abs(x));
  let half = select(steep, 3.1415926536 - steep, bitcast<I>(x) < I(0));
  let signed = select(half, -half, bitcast<I>(y) < I(0));
  return select(T(nan()), signed, (x == x) & (y == y));
}`,
  },
} satisfies Readonly<Record<string, WgslFunctionDef>>;
