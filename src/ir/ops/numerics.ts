/**
 * What kernels promise of each elementwise op: how far a result may be off, and what becomes of values that are no
 * ordinary numbers. The docs print these rows and a test checks each, in the interpreter and on devices.
 *
 * An ulp is 2^-23 of the result. Where an op is one of WGSL's, its bound is the one that WGSL asks of devices.
 */

/** How far a result may be from that of real numbers. */
export interface Bound {
  readonly text: string;
  /** The largest error allowed for a result and its operands. */
  readonly allowed: (result: number, operands: readonly number[]) => number;
}

/** What kernels promise of an op. */
export interface Numerics {
  readonly error: Bound;
  /**
   * Results for NaN, infinity, minus infinity and -0, where one number goes in; else for operands that stand before a
   * colon. `x` is any number but 0, `±0` is a zero of either sign.
   */
  readonly special: string | readonly string[];
}

const ulp = 2 ** -23;

const exact: Bound = { text: "exact", allowed: () => 0 };
const ulps = (count: number): Bound => ({
  text: `${count} ulp`,
  allowed: (result) => count * ulp * Math.abs(result),
});
const absolute = (error: number): Bound => ({ text: `${error}`, allowed: () => error });
const both = (a: Bound, b: Bound): Bound => ({
  text: `${a.text} + ${b.text}`,
  allowed: (result, operands) => a.allowed(result, operands) + b.allowed(result, operands),
});
/** What grows with the operand, as that of exp. */
const growing = (count: number): Bound => ({
  text: `(${count} + 2 abs(x)) ulp`,
  allowed: (result, [x = 0]) => (count + 2 * Math.abs(x)) * ulp * Math.abs(result),
});
const logarithm: Bound = {
  text: "3 ulp; 5e-7 for x from 0.5 to 2",
  allowed: (result, [x = 0]) => (x >= 0.5 && x <= 2 ? 5e-7 : 3 * ulp * Math.abs(result)),
};
const tangent: Bound = { text: "5e-7 (1 + tan(x)^2)", allowed: (result) => 5e-7 * (1 + result * result) };
const fused: Bound = {
  text: "1 ulp of abs(a * b) + abs(c)",
  allowed: (_, [a = 0, b = 0, c = 0]) => ulp * (Math.abs(a * b) + Math.abs(c)),
};
/** exp2(b log2(a)): the error of the product is that of the exponent. */
const power: Bound = {
  text: "(4 + 5 abs(b log2(a))) ulp + 5e-7 abs(b) of the result",
  allowed(result, [a = 0, b = 0]) {
    const exponent = Math.abs(b * Math.log2(Math.abs(a)));
    return (Math.exp((4 + 5 * exponent) * ulp + 5e-7 * Math.abs(b)) - 1) * Math.abs(result);
  },
};

const row = (error: Bound, special: Numerics["special"]): Numerics => ({ error, special });
const nan = ["nan, x: nan", "x, nan: nan"];
const unordered = ["nan, x: false", "x, nan: false", "nan, nan: false"];

export const numerics = {
  neg: row(exact, "nan -inf inf 0"),
  abs: row(exact, "nan inf inf 0"),
  sign: row(exact, "nan 1 -1 -0"),
  sqrt: row(ulps(3), "nan inf nan -0"),
  rsqrt: row(ulps(2), "nan 0 nan -inf"),
  reciprocal: row(ulps(2.5), "nan 0 -0 -inf"),
  square: row(ulps(1), "nan inf inf 0"),
  exp: row(growing(3), "nan inf 0 1"),
  exp2: row(growing(3), "nan inf 0 1"),
  log: row(logarithm, "nan inf nan -inf"),
  log2: row(logarithm, "nan inf nan -inf"),
  log1p: row(both(ulps(4), absolute(5e-7)), "nan inf nan -0"),
  expm1: row(growing(5), "nan inf -1 -0"),
  pow2_scale: row(exact, "2^-126 2^-126 2^-126 2^126"),
  sin: row(absolute(4e-7), "nan nan nan ±0"),
  cos: row(absolute(4e-7), "nan nan nan 1"),
  tan: row(tangent, "nan nan nan ±0"),
  tanh: row(ulps(6), "nan 1 -1 -0"),
  erf: row(ulps(4), "nan 1 -1 -0"),
  sigmoid: row(growing(6), "nan 1 0 0.5"),
  relu: row(exact, "nan inf 0 0"),
  gelu: row(both(ulps(4), absolute(1e-6)), "nan inf nan -0"),
  silu: row(growing(6), "nan inf nan -0"),
  softplus: row(both(growing(8), absolute(5e-7)), "nan inf 0 0.6931472"),
  elu: row(growing(6), "nan inf -1 -0"),
  leaky_relu: row(ulps(1), "nan inf -inf -0"),
  hardswish: row(both(ulps(5), absolute(5e-7)), "nan inf nan -0"),
  floor: row(exact, "nan inf -inf -0"),
  ceil: row(exact, "nan inf -inf -0"),
  round: row(exact, "nan inf -inf -0"),
  trunc: row(exact, "nan inf -inf -0"),
  stop_gradient: row(exact, "nan inf -inf -0"),
  not: row(exact, []),
  cast: row(exact, [
    ...["nan, f16: nan", "inf, f16: inf", "-0, f16: -0", "65520, f16: inf", "nan, bool: true", "-0, bool: false"],
    ...[
      "nan, i32: 0",
      "nan, u32: 0",
      "inf, i32: 2147483520",
      "-inf, i32: -2147483648",
      "-inf, u32: 0",
      "inf, u32: 4294967040",
    ],
  ]),
  add: row(ulps(1), [...nan, "inf, -inf: nan", "-0, -0: -0"]),
  sub: row(ulps(1), [...nan, "inf, inf: nan", "-0, 0: -0"]),
  mul: row(ulps(1), [...nan, "inf, 0: nan", "0, inf: nan", "-0, 1: -0"]),
  div: row(ulps(2.5), [...nan, "1, 0: inf", "1, -0: -inf", "0, 0: nan", "inf, inf: nan", "1, -inf: -0"]),
  rem: row(exact, [...nan, "inf, x: nan", "x, 0: nan", "x, inf: x", "-0, x: -0"]),
  pow: row(power, [
    ...[...nan, "nan, 0: 1", "1, nan: 1", "0, 0: 1", "inf, 0: 1", "-1, inf: 1", "-1, 0.5: nan"],
    ...["0, -1: inf", "-0, -1: -inf", "-0, 3: -0", "-inf, 3: -inf", "-inf, 0.5: inf"],
  ]),
  minimum: row(exact, [...nan, "nan, -inf: nan", "-inf, x: -inf", "0, -0: ±0"]),
  maximum: row(exact, [...nan, "nan, inf: nan", "inf, x: inf", "0, -0: ±0"]),
  atan2: row(ulps(6), [...nan, "0, -0: 3.1415927", "-0, 0: -0", "inf, inf: 0.7853982", "1, -inf: 3.1415927"]),
  eq: row(exact, [...unordered, "0, -0: true", "inf, inf: true"]),
  ne: row(exact, ["nan, x: true", "x, nan: true", "nan, nan: true", "0, -0: false"]),
  lt: row(exact, [...unordered, "-0, 0: false", "-inf, x: true"]),
  le: row(exact, [...unordered, "0, -0: true"]),
  gt: row(exact, [...unordered, "0, -0: false", "inf, x: true"]),
  ge: row(exact, [...unordered, "-0, 0: true"]),
  random_bits: row(exact, []),
  and: row(exact, []),
  or: row(exact, []),
  where: row(exact, ["true, nan, 1: nan", "true, x, nan: x", "false, nan, x: x", "true, -0, 1: -0"]),
  clamp: row(exact, [
    ...["nan, 0, 1: nan", "0.5, nan, 1: nan", "0.5, 0, nan: nan", "inf, 0, 1: 1", "-inf, 0, 1: 0", "-0, 0, 1: ±0"],
  ]),
  fma: row(fused, ["nan, x, 1: nan", "x, nan, 1: nan", "1, x, nan: nan", "inf, 0, 1: nan", "inf, 1, -inf: nan"]),
} satisfies Readonly<Record<string, Numerics>>;
