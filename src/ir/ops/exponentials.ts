/** Rows of the op table for exponentials, logarithms and powers. */

import { call, divide, library as libraryCall, multiply } from "../../kernel/expression.ts";
import { constantValue, type Value } from "../ir.ts";
import { floats } from "./def.ts";
import { type At, binary, by, jumps, library, unary, uninterpreted } from "./elementwise.ts";
import { erf as erfOf } from "./math.ts";
import { absolute, type Bound, exactly, growing, nanOfEither, plus, ulp, ulps } from "./numerics.ts";
import type { Terms } from "./vjp.ts";

export const exp = unary({
  summary: "e to the power of x.",
  cost: "high",
  scalar: Math.exp,
  kernel: library("exp"),
  numerics: { error: growing(3), special: "nan inf 0 1" },
  exact: (field, [x]) => field.exp(x),
  vjp: by((t, { y, dy }) => t.mul(dy, y)),
});

export const exp2 = unary({
  summary: "2 to the power of x.",
  cost: "high",
  scalar: (x) => 2 ** x,
  kernel: library("exp2"),
  numerics: { error: growing(3), special: "nan inf 0 1" },
  exact: (field, [x]) => field.exp2(x),
  vjp: by((t, { y, dy }) => t.mul(t.mul(dy, y), Math.LN2)),
});

const errorOfLogarithm: Bound = {
  text: "3 ulp; 5e-7 for x from 0.5 to 2",
  allowed: (result, [x = 0]) => (x >= 0.5 && x <= 2 ? 5e-7 : 3 * ulp * Math.abs(result)),
};

export const log = unary({
  summary: "Natural logarithm.",
  cost: "high",
  scalar: Math.log,
  kernel: library("log"),
  numerics: { error: errorOfLogarithm, special: "nan inf nan -inf" },
  exact: uninterpreted("log"),
  vjp: by((t, { x, dy }) => t.div(dy, x)),
});

export const log2 = unary({
  summary: "Logarithm to base 2.",
  cost: "high",
  scalar: Math.log2,
  kernel: library("log2"),
  numerics: { error: errorOfLogarithm, special: "nan inf nan -inf" },
  exact: (field, [x]) => field.div(field.apply("log", [x]), field.number(Math.LN2)),
  vjp: by((t, { x, dy }) => t.div(t.mul(dy, 1 / Math.LN2), x)),
});

export const log1p = unary({
  summary: "`log(1 + x)`, accurate near 0.",
  cost: "high",
  scalar: Math.log1p,
  kernel: library("log1p"),
  numerics: { error: plus(ulps(4), absolute(5e-7)), special: "nan inf nan -0" },
  exact: (field, [x]) => field.apply("log", [field.add(field.integer(1), x)]),
  vjp: by((t, { x, dy }) => t.div(dy, t.add(x, 1))),
});

export const expm1 = unary({
  summary: "`exp(x) - 1`, accurate near 0.",
  cost: "high",
  scalar: Math.expm1,
  kernel: library("expm1"),
  numerics: { error: growing(5), special: "nan inf -1 -0" },
  exact: (field, [x]) => field.sub(field.exp(x), field.integer(1)),
  // exp(x) rather than y + 1, which becomes 0 too early.
  vjp: by((t, { x, dy }) => t.mul(dy, t.exp(x))),
});

/** For 0, infinities and NaN, it is the scale of the nearest number, or of the largest. */
function powerOfTwoScale(x: number): number {
  if (!Number.isFinite(x)) return 2 ** -126;
  const size = Math.max(Math.abs(x), 2 ** -126);
  const near = Math.floor(Math.log2(size));
  // log2 may round up to the next whole number, or down.
  const exponent = 2 ** near > size ? near - 1 : 2 ** (near + 1) <= size ? near + 1 : near;
  return 2 ** -Math.min(exponent, 126);
}

export const pow2_scale = unary({
  summary: "The power of two `s` with `1 <= abs(x) * s < 2`, at most 2^126 and at least 2^-126.",
  cost: "high",
  facts: { jumps: true },
  scalar: powerOfTwoScale,
  kernel: library("pow2_scale"),
  numerics: { error: exactly, special: "2^-126 2^-126 2^-126 2^126" },
  // A square, so that it is positive.
  exact: (field, [x]) => {
    const root = field.apply("pow2_scale", [x]);
    return field.mul(root, root);
  },
  vjp: jumps,
});

export const tanh = unary({
  summary: "Hyperbolic tangent.",
  cost: "high",
  scalar: Math.tanh,
  kernel: library("tanh"),
  numerics: { error: ulps(6), special: "nan 1 -1 -0" },
  exact: uninterpreted("tanh"),
  vjp: by((t, { y, dy }) => t.mul(dy, t.sub(1, t.mul(y, y)))),
});

export const erf = unary({
  summary: "Error function.",
  cost: "high",
  scalar: erfOf,
  kernel: library("erf"),
  numerics: { error: ulps(4), special: "nan 1 -1 -0" },
  exact: uninterpreted("erf"),
  vjp: by((t, { x, dy }) => t.mul(t.mul(dy, 2 / Math.sqrt(Math.PI)), t.exp(t.neg(t.mul(x, x))))),
});

/** exp2(b log2(a)): the error of the product is that of the exponent. */
const errorOfPower: Bound = {
  text: "(4 + 5 abs(b log2(a))) ulp + 5e-7 abs(b) of the result",
  allowed(result, [a = 0, b = 0]) {
    const exponent = Math.abs(b * Math.log2(Math.abs(a)));
    return (Math.exp((4 + 5 * exponent) * ulp + 5e-7 * Math.abs(b)) - 1) * Math.abs(result);
  },
};

/** b a^(b - 1); 0 for b = 0. */
function powerOfBase(t: Terms, { a, b, dy }: At): Value {
  const exponent = constantValue(b);
  if (exponent === 0) return t.mul(dy, 0);
  if (exponent === 1) return dy;
  if (exponent === 2) return t.mul(t.mul(dy, 2), a);
  const rest = exponent === undefined ? t.sub(b, 1) : exponent - 1;
  return t.mul(t.mul(dy, b), t.pow(a, rest));
}

/** a^b log(a); 0 unless a is positive, as b -> a^b has no derivative there. */
function powerOfExponent(t: Terms, { a, y, dy }: At): Value {
  const base = constantValue(a);
  if (base !== undefined && base > 0) return t.mul(t.mul(dy, y), Math.log(base));
  const isAbove = t.gt(a, 0);
  return t.where(isAbove, t.mul(t.mul(dy, y), t.log(t.where(isAbove, a, 1))), 0);
}

export const pow = binary({
  summary: "a to the power of b; a negative a requires an integer b.",
  elements: floats,
  cost: "high",
  facts: { rightIdentity: 1 },
  // JavaScript's `**` gives NaN for 1 ** NaN and for (+-1) ** inf; IEEE 754 pow gives 1.
  scalar: (a, b) => (a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : a ** b),
  // Small integer exponents become products: with exact signs, and without the error of exp2 and log2.
  kernel: ([a, b], at) => {
    const exponent = at.constant(1);
    if (exponent === 2) return multiply(a, a);
    if (exponent === 3) return multiply(multiply(a, a), a);
    if (exponent === -1) return divide(1, a);
    if (exponent === 0.5) return call("sqrt", a);
    return libraryCall("pow", a, b);
  },
  numerics: {
    error: errorOfPower,
    special: [
      ...[...nanOfEither, "nan, 0: 1", "1, nan: 1", "0, 0: 1", "inf, 0: 1", "-1, inf: 1", "-1, 0.5: nan"],
      ...["0, -1: inf", "-0, -1: -inf", "-0, 3: -0", "-inf, 3: -inf", "-inf, 0.5: inf"],
    ],
  },
  exact: (field, [a, b]) => field.pow(a, b),
  vjp: by(powerOfBase, powerOfExponent),
});
