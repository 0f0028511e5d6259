/**
 * WGSL functions for what WGSL lacks, or has with too little accuracy (tanh: 1e-5, sin: 5e-4, atan2: 4096 ulp, pow of a
 * negative number: anything). Each is written once for every width: `T` stands for `f32` or `vecN<f32>`, `I` and `B` for
 * the i32 and bool of that width. Polynomials are Chebyshev interpolants from `scripts/fit-polynomials.mjs`; errors are
 * against float64, in f32 arithmetic.
 */

interface WgslFunctionDef {
  /** Functions that the body calls. */
  readonly needs?: readonly WgslFunction[];
  readonly body: string;
}

/** Nested multiply-adds, lowest power first: `c0 + s * (c1 + s * ...)`. */
function horner(s: string, coefficients: readonly number[]): string {
  return coefficients.reduceRight<string>((rest, c) => (rest === "" ? `T(${c})` : `fma(${rest}, ${s}, T(${c}))`), "");
}

const erfNear = [1.1283792257, -0.3761263788, 0.1128378212, -0.0268654302, 0.0052210316, -0.00084840803, 0.0001126596, -0.00000966704647];
const erfFar = [-0.000164237194, 0.2850616276, 0.258751303, 0.3510305882, -0.1102088317, 0.5712658167, -0.4765256941, 0.1208525598];
const atanCoefficients = [
  1, -0.333332777, 0.1999807507, -0.1426001638, 0.1093234122, -0.0834972486, 0.057089556, -0.0303518642, 0.0104876487,
  -0.00170117,
];
const sinCoefficients = [1, -0.1666666716, 0.0083333282, -0.0001983912, 0.0000027165829];
const cosCoefficients = [1, -0.5, 0.041666612, -0.0013886527, 0.0000243714621];

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
  | "infinity"
  | "nan";

export const wgslFunctions: Readonly<Record<WgslFunction, WgslFunctionDef>> = {
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
  let near = x * ${horner("x", [1, 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040, 1 / 40320].map((c) => Number(c.toPrecision(10))))};
  return select(exp(x) - 1.0, near, abs(x) < T(0.5));
}`,
  },
  // log(1 + x) = 2 atanh(x / (2 + x)) near 0.
  log1p: {
    body: `fn log1p(x: T) -> T {
  let r = x / (2.0 + x);
  let s = r * r;
  let near = 2.0 * r * ${horner("s", [1, 1 / 3, 1 / 5, 1 / 7, 1 / 9].map((c) => Number(c.toPrecision(10))))};
  return select(log(1.0 + x), near, abs(x) < T(0.3));
}`,
  },
  // tanh x = -t / (t + 2) with t = expm1(-2 |x|): no overflow, no cancellation.
  tanh: {
    needs: ["expm1"],
    body: `fn tanh_(x: T) -> T {
  let t = expm1(-2.0 * abs(x));
  return sign(x) * (-t / (t + 2.0));
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
  // atan of the smaller over the larger, 1.2e-7 relative, then the octant.
  atan2: {
    body: `fn atan2_(y: T, x: T) -> T {
  let high = max(abs(x), abs(y));
  let low = min(abs(x), abs(y));
  let a = select(low / high, T(0.0), high == T(0.0));
  let s = a * a;
  let first = a * ${horner("s", atanCoefficients)};
  let steep = select(first, 1.5707963268 - first, abs(y) > abs(x));
  let half = select(steep, 3.1415926536 - steep, x < T(0.0));
  return select(half, -half, y < T(0.0));
}`,
  },
  // |x|^y by logarithms; whole y bring the sign back, other y of a negative x have no real value.
  pow: {
    needs: ["nan"],
    body: `fn pow_(x: T, y: T) -> T {
  let size = exp2(y * log2(abs(x)));
  let whole = y == floor(y);
  let odd = whole & (floor(y * 0.5) * 2.0 != y);
  let signed = select(select(size, -size, odd), T(nan()), !whole);
  return select(select(size, signed, x < T(0.0)), T(1.0), y == T(0.0));
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
  if (name === "infinity" || name === "nan") return name;
  return name + (builtinTwins.has(name) ? "_" : "") + (width === 1 ? "" : `_v${width}`);
}

const definedNames = /\b(erf|expm1|log1p|tanh_|sin_quarter|sin_|cos_|tan_|atan2_|pow_)(?=\()/g;

/** The text of a library function at a width, and of those it calls, each once. */
export function wgslFunctionText(name: WgslFunction, width: number, seen: Set<string>): string[] {
  const scalarOnly = name === "infinity" || name === "nan";
  const key = scalarOnly ? name : `${name}/${width}`;
  if (seen.has(key)) return [];
  seen.add(key);
  const { needs = [], body } = wgslFunctions[name];
  const before = needs.flatMap((need) => wgslFunctionText(need, width, seen));
  return [...before, scalarOnly ? body : instantiate(body, width)];
}

function instantiate(body: string, width: number): string {
  const wide = (element: string) => (width === 1 ? element : `vec${width}<${element}>`);
  const typed = body.replace(/\bT\b/g, wide("f32")).replace(/\bI\b/g, wide("i32"));
  return width === 1 ? typed : typed.replace(definedNames, `$1_v${width}`);
}
