/**
 * Sine, cosine, tangent and the angle of a point.
 *
 * An angle is k pi/2 + r with |r| <= pi/4 (pi/2 is a quarter of a turn). Up to 2^13, r is found by Cody and Waite's method
 * (1980): pi/2 is the sum of three parts, and k times each of the first two is exact. From there on whole turns are taken
 * off first by Payne and Hanek's (1983), in integers: of 1 / (2 pi) only 56 bits matter, those in front of them count
 * whole turns.
 */

import { horner, ofAny, polynomials, type WgslFunctionDef } from "./wgsl-parts.ts";

const { atanCoefficients, sinCoefficients, cosCoefficients } = polynomials;

/** 1 / (2 pi) in binary, 32 bits from every 16th on; the first is that of weight 2^13. */
const perTurn = [
  ...["0x0000a2f9u", "0xa2f9836eu", "0x836e4e44u", "0x4e441529u", "0x1529fc27u"],
  ...["0xfc2757d1u", "0x57d1f534u", "0xf534ddc0u", "0xddc0db62u", "0xdb629599u"],
];
/** The words from the first, second, ... on, or those `by` later. */
const later = (words: readonly string[], by: number, when: string) =>
  words.slice(0, -by).map((word, i) => `select(${word}, ${words[i + by]}, ${when})`);
const define = (name: string, texts: readonly string[]) =>
  texts.map((text, i) => `  let ${name}${i} = ${text};`).join("\n");
const names = (name: string, count: number) => Array.from({ length: count }, (_, i) => `${name}${i}`);

/** Angles that are far, one after the other: a vector goes round until each component has been the first. */
function nearComponents(width: number): string {
  if (width === 1) return "y = far_angle(x);";
  return `for (var i = 0; i < ${width}; i++) {
      if ((bitcast<i32>(y.x) & 0x7fffffff) > 0x46000000) {
        y.x = far_angle(y.x);
      }
      y = y.${width === 2 ? "yx" : "yzwx"};
    }`;
}

export const trigonometry = {
  // x less whole turns, for |x| from 2^13 on, one number at a time: some drivers run both sides of every branch.
  far_angle: {
    cost: [46, 0],
    needs: ["nan"],
    body: `fn far_angle(x: T) -> T {
  let bits = bitcast<U>(x);
  // The mantissa times 2^0 to 2^7, and the bits of 1 / (2 pi) from a whole byte on: their product counts turns.
  let place = ((bits >> U(23u)) & U(0xffu)) - U(136u);
  let mantissa = bitcast<T>((bits & U(0x7fffffu)) | ((U(150u) + (place & U(7u))) << U(23u)));
  let by64 = (place & U(64u)) != U(0u);
  let by32 = (place & U(32u)) != U(0u);
  let by16 = (place & U(16u)) != U(0u);
  let by8 = (place & U(8u)) != U(0u);
${define(
  "a",
  later(
    perTurn.map((word) => `U(${word})`),
    4,
    "by64",
  ),
)}
${define("b", later(names("a", 6), 2, "by32"))}
  let high = select(b0, b1, by16);
  let low = select(b2, b3, by16);
  let whole = select(high, (high << U(8u)) | (low >> U(24u)), by8);
  let rest = select(low, low << U(8u), by8) >> U(1u);
  let fraction = U(I(mantissa * T(bitcast<I>(rest)) * 4.656612873077392578125e-10));
  let turn = bitcast<I>(U(I(mantissa)) * whole + fraction);
  let size = T(turn) * 1.4629180793e-9;
  let y = select(size, -size, x < T(0.0));
  return select(y, T(nan()), (bits & U(0x7f800000u)) == U(0x7f800000u));
}`,
  },
  // An addition of 1.5 2^23 rounds to the nearest number of quarters.
  sin_quarter: {
    cost: [31, 0],
    needs: ["far_angle"],
    body: (width: number) => `fn near_angle(x: T) -> T {
  var y = x;
  if (${ofAny(width, "(bitcast<I>(x) & I(0x7fffffff)) > I(0x46000000)")}) {
    ${nearComponents(width)}
  }
  return y;
}
fn sin_quarter(x: T, shift: i32) -> T {
  let k = bitcast<I>(x * 0.6366197724 + 12582912.0) - I(0x4b400000);
  let n = T(k);
  let r = ((x - n * 1.5703125) - n * 4.837512969970703125e-4) - n * 7.54978995489188e-8;
  let s = r * r;
  let sine = r * ${horner("s", sinCoefficients)};
  let cosine = ${horner("s", cosCoefficients)};
  let quarter = k + I(shift);
  let value = select(sine, cosine, (quarter & I(1)) == I(1));
  return select(value, -value, (quarter & I(2)) == I(2));
}`,
  },
  sin: {
    cost: [33, 0],
    needs: ["sin_quarter"],
    body: `fn sin_(x: T) -> T {
  return sin_quarter(near_angle(x), 0);
}`,
  },
  cos: {
    cost: [33, 0],
    needs: ["sin_quarter"],
    body: `fn cos_(x: T) -> T {
  return sin_quarter(near_angle(x), 1);
}`,
  },
  tan: {
    cost: [64, 1],
    needs: ["sin_quarter"],
    body: `fn tan_(x: T) -> T {
  let y = near_angle(x);
  return sin_quarter(y, 0) / sin_quarter(y, 1);
}`,
  },
  // atan of the smaller over the larger, 1.2e-7 relative, then the octant. Signs are read from the bits: -0 has one.
  atan2: {
    cost: [41, 1],
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
