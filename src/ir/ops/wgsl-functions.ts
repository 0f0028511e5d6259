/**
 * WGSL functions for what WGSL lacks, or has with too little accuracy (tanh: 1e-5, sin: 5e-4, atan2: 4096 ulp, pow of a
 * negative number: anything). Each is written once for every width: `T` stands for `f32` or `vecN<f32>`, `I` and `U` for
 * the i32 and u32 of that width. Polynomials come from `scripts/fit-polynomials.mjs`; errors are
 * against float64, in f32 arithmetic.
 */

import { halfFunctions } from "./wgsl-halves.ts";

export interface WgslFunctionDef {
  /** Functions that the body calls. */
  readonly needs?: readonly WgslFunction[];
  readonly body: string;
}

/** Nested multiply-adds, lowest power first: `c0 + s * (c1 + s * ...)`. */
function horner(s: string, coefficients: readonly number[]): string {
  return coefficients.reduceRight<string>((rest, c) => (rest === "" ? `T(${c})` : `fma(${rest}, ${s}, T(${c}))`), "");
}

/** Lowest power first; a test holds them to what the script prints. */
export const polynomials = {
  erfNear: [
    1.128379226, -0.3761263788, 0.1128378212, -0.02686543018, 0.005221031606, -0.0008484079735, 0.000112659538,
    -0.000009667030099,
  ],
  erfFar: [
    -0.0001642372372, 0.2850616276, 0.2587512732, 0.3510305882, -0.1102088541, 0.5712658763, -0.4765257239,
    0.1208525598,
  ],
  atanCoefficients: [
    1, -0.333332777, 0.1999807507, -0.1426001638, 0.1093234122, -0.08349724859, 0.05708955601, -0.03035186417,
    0.01048764866, -0.001701169997,
  ],
  tanhCoefficients: [
    1, 0.1338101625, 0.00349557749, 0.0000206089062, 1.335442246e-8, 0.467143327, 0.02587694116, 0.0003285617277,
    7.77645937e-7,
  ],
  sinCoefficients: [1, -0.1666666716, 0.00833332818, -0.0001983911934, 0.000002716582912],
  cosCoefficients: [1, -0.5, 0.04166661203, -0.001388652716, 0.00002437146213],
} as const;

const { erfNear, erfFar, atanCoefficients, tanhCoefficients, sinCoefficients, cosCoefficients } = polynomials;

/** A function of the library that generated WGSL calls. */
export type WgslFunction =
  | "erf"
  | "expm1"
  | "log1p"
  | "tanh"
  | "sin"
  | "cos"
  | "tan"
  | "atan2"
  | "pow"
  | "rem"
  | "half_bits"
  | "round_to_half"
  | "pow2_scale"
  | "infinity"
  | "nan";

export const wgslFunctions: Readonly<Record<WgslFunction, WgslFunctionDef>> = {
  ...halfFunctions,
  // |x| <= 1: x * p(x^2), 2e-7 relative. Beyond: 1 - exp(-x^2) * q(1 / (1 + |x| / 2)), 8e-8 absolute.
  erf: {
    body: `fn erf(x: T) -> T {
  let a = abs(x);
  let s = x * x;
  let near = x * ${horner("s", erfNear)};
  let t = 1.0 / (1.0 + 0.5 * a);
  let far = sign(x) * (1.0 - exp(-s) * ${horner("t", erfFar)});
  return select(far, near, a <= T(1.0));
}`,
  },
  // exp(x) - 1: Taylor's series where the subtraction would cancel.
  expm1: {
    body: `fn expm1(x: T) -> T {
  let near = x * ${horner(
    "x",
    [1, 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040, 1 / 40320].map((c) => Number(c.toPrecision(10))),
  )};
  return select(exp(x) - 1.0, near, abs(x) < T(0.5));
}`,
  },
  // log(1 + x) = 2 atanh(x / (2 + x)) near 0.
  log1p: {
    body: `fn log1p(x: T) -> T {
  let r = x / (2.0 + x);
  let s = r * r;
  let near = 2.0 * r * ${horner(
    "s",
    [1, 1 / 3, 1 / 5, 1 / 7, 1 / 9].map((c) => Number(c.toPrecision(10))),
  )};
  return select(log(1.0 + x), near, abs(x) < T(0.3));
}`,
  },
  // |x| <= 9: x * p(x^2) / q(x^2), 3.1e-7 relative. Beyond, tanh is 1 in f32. No exp, which is dear on processors.
  tanh: {
    body: `fn tanh_(x: T) -> T {
  let s = x * x;
  let near = x * ${horner("s", tanhCoefficients.slice(0, 5))} / ${horner("s", [1, ...tanhCoefficients.slice(5)])};
  return select(near, sign(x), abs(x) > T(9.0));
}`,
  },
  // Cody and Waite's reduction by pi/2 in three parts, the first two exact up to |x| of about 1e4.
  sin: {
    needs: ["cos"],
    body: `fn sin_(x: T) -> T {
  return sin_quarter(x, 0);
}`,
  },
  cos: {
    body: `fn sin_quarter(x: T, shift: i32) -> T {
  let k = round(x * 0.6366197724);
  let r = ((x - k * 1.5703125) - k * 4.837512969970703125e-4) - k * 7.54978995489188e-8;
  let s = r * r;
  let sine = r * ${horner("s", sinCoefficients)};
  let cosine = ${horner("s", cosCoefficients)};
  let quarter = I(k) + I(shift);
  let value = select(sine, cosine, (quarter & I(1)) == I(1));
  return select(value, -value, (quarter & I(2)) == I(2));
}
fn cos_(x: T) -> T {
  return sin_quarter(x, 1);
}`,
  },
  tan: {
    needs: ["sin", "cos"],
    body: `fn tan_(x: T) -> T {
  return sin_(x) / cos_(x);
}`,
  },
  // atan of the smaller over the larger, 1.2e-7 relative, then the octant. Signs are read from the bits: -0 has one.
  atan2: {
    body: `fn atan2_(y: T, x: T) -> T {
  let high = max(abs(x), abs(y));
  let low = min(abs(x), abs(y));
  let ratio = select(low / high, T(1.0), low == high);
  let a = select(ratio, T(0.0), high == T(0.0));
  let s = a * a;
  let first = a * ${horner("s", atanCoefficients)};
  let steep = select(first, 1.5707963268 - first, abs(y) > abs(x));
  let half = select(steep, 3.1415926536 - steep, bitcast<I>(x) < I(0));
  return select(half, -half, bitcast<I>(y) < I(0));
}`,
  },
  // |x|^y by logarithms; whole y bring the sign back, other y of a negative x have no real value. log2(0) may be any
  // number.
  pow: {
    needs: ["nan", "infinity"],
    body: `fn pow_(x: T, y: T) -> T {
  let size = exp2(y * log2(abs(x)));
  let whole = y == floor(y);
  let odd = whole & (floor(y * 0.5) * 2.0 != y);
  let signed = select(select(size, -size, odd), T(nan()), !whole);
  let zero = select(T(0.0), T(infinity()), y < T(0.0));
  let value = select(select(size, signed, x < T(0.0)), zero, x == T(0.0));
  return select(value, T(1.0), y == T(0.0));
}`,
  },
  // a - b trunc(a / b), with the quotient set right where the division rounded past a whole number (WGSL's `%` is then
  // off by b). The quotient must be below 2^24.
  rem: {
    body: `fn rem(a: T, b: T) -> T {
  let step = sign(a) * abs(b);
  let rest = fma(-trunc(a / b), b, a);
  let above = select(rest, rest + step, rest * sign(a) < T(0.0));
  let below = select(above, above - step, abs(above) >= abs(b));
  return select(below, a, abs(a) < abs(b));
}`,
  },
  // 2^-e for an exponent field of e + 127: that field is 127 - e. Of what is below 2^-126 or above 2^127 it would be none.
  pow2_scale: {
    body: `fn pow2_scale(x: T) -> T {
  let field = clamp(bitcast<I>(abs(x)) / I(8388608), I(1), I(253));
  return bitcast<T>((I(254) - field) * I(8388608));
}`,
  },
  // WGSL has no literals for these; a constant expression that gives one is an error, a run-time one is not.
  infinity: {
    body: `fn infinity() -> f32 {
  let bits = 0x7f800000u;
  return bitcast<f32>(bits);
}`,
  },
  nan: {
    body: `fn nan() -> f32 {
  let bits = 0x7fc00000u;
  return bitcast<f32>(bits);
}`,
  },
};

/** Names of functions that would hide a builtin of WGSL carry an underscore. */
const builtinTwins: ReadonlySet<WgslFunction> = new Set(["tanh", "sin", "cos", "tan", "atan2", "pow"]);

/** The name of a library function at a width (1, 2 or 4). */
export function wgslFunctionName(name: WgslFunction, width: number): string {
  if (isScalarOnly(name)) return name;
  return name + (builtinTwins.has(name) ? "_" : "") + (width === 1 ? "" : `_v${width}`);
}

/** What the bodies define, in the scalar form. */
const definitions = Object.values(wgslFunctions).flatMap(({ body }) =>
  [...body.matchAll(/^fn (\w+)\(/gm)].map(([, name]) => name as string),
);
const definedNames = new RegExp(`\\b(${definitions.join("|")})(?=\\()`, "g");
const isScalarOnly = (name: string) => name === "infinity" || name === "nan";

/** Every name that the library may define in a module: locals must not have them. */
export const libraryNames: readonly string[] = definitions.flatMap((name) => [name, `${name}_v2`, `${name}_v4`]);

/** The text of a library function at a width, and of those it calls, each once. */
export function wgslFunctionText(name: WgslFunction, width: number, seen: Set<string>): string[] {
  const key = isScalarOnly(name) ? name : `${name}/${width}`;
  if (seen.has(key)) return [];
  seen.add(key);
  const { needs = [], body } = wgslFunctions[name];
  const before = needs.flatMap((need) => wgslFunctionText(need, width, seen));
  return [...before, isScalarOnly(name) ? body : instantiate(body, width)];
}

function instantiate(body: string, width: number): string {
  const wide = (element: string) => (width === 1 ? element : `vec${width}<${element}>`);
  const typed = body.replace(/\bT\b/g, wide("f32")).replace(/\bI\b/g, wide("i32")).replace(/\bU\b/g, wide("u32"));
  return width === 1
    ? typed
    : typed.replace(definedNames, (called) => (isScalarOnly(called) ? called : `${called}_v${width}`));
}
