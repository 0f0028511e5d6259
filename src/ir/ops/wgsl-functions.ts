/**
 * WGSL functions for what WGSL lacks, or has with too little accuracy (tanh: 1e-5, sin: 5e-4, atan2: 4096 ulp, pow of a
 * negative number: anything). Each is written once for every width: `T` stands for `f32` or `vecN<f32>`, `I` and `U` for
 * the i32 and u32 of that width. Polynomials come from `scripts/fit-polynomials.mjs`; errors are
 * against float64, in f32 arithmetic.
 */

import { bitFunctions } from "./wgsl-bits.ts";
import { byteFunctions } from "./wgsl-bytes.ts";
import { horner, polynomials, type WgslFunction, type WgslFunctionDef } from "./wgsl-parts.ts";
import { trigonometry } from "./wgsl-trigonometry.ts";

export type { WgslFunction } from "./wgsl-parts.ts";

const { erfNear, erfcCoefficients, tanhCoefficients } = polynomials;
/** exp(u^2) erfc(u) for u = scale * a >= 0, as statements that define `q`: a polynomial in 1 / (1 + 0.55 u). */
const scaledErfc = (a: string, scale = 1) => `let t = 1.0 / (1.0 + ${(0.55 * scale).toPrecision(8)} * ${a});
  let q = ${horner("t", erfcCoefficients)};`;

function logarithm(name: "log" | "log2"): string {
  return `fn ${name}_(x: T) -> T {
  let value = select(T(nan()), ${name}(x), x >= T(0.0));
  return select(value, T(-infinity()), x == T(0.0));
}`;
}

export const wgslFunctions: Readonly<Record<WgslFunction, WgslFunctionDef>> = {
  ...trigonometry,
  ...bitFunctions,
  ...byteFunctions,
  // |x| <= 1: x * p(x^2), 2e-7 relative. Beyond: 1 - erfc(|x|), 7e-8 absolute.
  erf: {
    cost: [31, 2],
    body: `fn erf(x: T) -> T {
  let a = abs(x);
  let s = x * x;
  let near = x * ${horner("s", erfNear)};
  ${scaledErfc("a")}
  let far = sign(x) * (1.0 - exp(-s) * q);
  return select(near, far, a > T(1.0));
}`,
  },
  // erfc(-x / sqrt(2)) / 2. Unlike (1 + erf(x / sqrt(2))) / 2 it needs no other form near 0, and nothing cancels below 0.
  normal_cdf: {
    cost: [19, 2],
    body: `fn normal_cdf(x: T) -> T {
  let a = abs(x);
  ${scaledErfc("a", Math.SQRT1_2)}
  let tail = 0.5 * exp(-0.5 * a * a) * q;
  return select(1.0 - tail, tail, x < T(0.0));
}`,
  },
  // Drivers make numbers of NaN here, and of log(0) and logarithms of what is below 0.
  exp: { cost: [2, 1], body: "fn exp_(x: T) -> T {\n  return select(x, exp(x), x == x);\n}" },
  exp2: { cost: [2, 1], body: "fn exp2_(x: T) -> T {\n  return select(x, exp2(x), x == x);\n}" },
  log: { cost: [5, 1], needs: ["nan", "infinity"], body: logarithm("log") },
  log2: { cost: [5, 1], needs: ["nan", "infinity"], body: logarithm("log2") },
  // exp(x) - 1: Taylor's series where the subtraction would cancel.
  expm1: {
    cost: [14, 1],
    needs: ["exp"],
    body: `fn expm1(x: T) -> T {
  let near = x * ${horner(
    "x",
    [1, 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040, 1 / 40320].map((c) => Number(c.toPrecision(10))),
  )};
  return select(exp_(x) - 1.0, near, abs(x) < T(0.5));
}`,
  },
  // log(1 + x) = 2 atanh(x / (2 + x)) near 0.
  log1p: {
    cost: [17, 2],
    needs: ["log"],
    body: `fn log1p(x: T) -> T {
  let r = x / (2.0 + x);
  let s = r * r;
  let near = 2.0 * r * ${horner(
    "s",
    [1, 1 / 3, 1 / 5, 1 / 7, 1 / 9].map((c) => Number(c.toPrecision(10))),
  )};
  return select(log_(1.0 + x), near, abs(x) < T(0.3));
}`,
  },
  // |x| <= 9: x * p(x^2) / q(x^2), 3.1e-7 relative. Beyond, tanh is 1 in f32. No exp, which is dear on processors.
  tanh: {
    cost: [14, 1],
    body: `fn tanh_(x: T) -> T {
  let s = x * x;
  let near = x * ${horner("s", tanhCoefficients.slice(0, 5))} / ${horner("s", [1, ...tanhCoefficients.slice(5)])};
  return select(near, sign(x), abs(x) > T(9.0));
}`,
  },
  // x - x: 0, and NaN of what is not finite.
  less_itself: {
    cost: [3, 0],
    needs: ["nan"],
    body: "fn less_itself(x: T) -> T {\n  return select(T(nan()), T(0.0), abs(x) <= T(3.4028234663852886e38));\n}",
  },
  // WGSL's own may drop a NaN.
  maximum: { cost: [5, 0], body: "fn maximum(a: T, b: T) -> T {\n  return select(b, a, (a > b) | !(a == a));\n}" },
  minimum: { cost: [5, 0], body: "fn minimum(a: T, b: T) -> T {\n  return select(b, a, (a < b) | !(a == a));\n}" },
  // |x|^y by logarithms; whole y bring the sign back, other y of a negative x have no real value.
  pow: {
    cost: [32, 2],
    needs: ["exp2", "log2"],
    body: `fn pow_(x: T, y: T) -> T {
  let size = select(exp2_(y * log2_(abs(x))), T(1.0), abs(x) == T(1.0));
  let whole = y == floor(y);
  let odd = whole & (floor(y * 0.5) * 2.0 != y);
  let signed = select(size, -size, odd & (bitcast<I>(x) < I(0)));
  let value = select(signed, T(nan()), (x < T(0.0)) & (x > T(-infinity())) & !whole);
  return select(value, T(1.0), y == T(0.0));
}`,
  },
  // WGSL has no literals for these; a constant expression that gives one is an error, a run-time one is not.
  infinity: {
    cost: [0, 0],
    body: `fn infinity() -> f32 {
  let bits = 0x7f800000u;
  return bitcast<f32>(bits);
}`,
  },
  nan: {
    cost: [0, 0],
    body: `fn nan() -> f32 {
  let bits = 0x7fc00000u;
  return bitcast<f32>(bits);
}`,
  },
};

/** Functions whose names would shadow a builtin of WGSL get an underscore. */
const builtinTwins: ReadonlySet<WgslFunction> = new Set([
  ...(["exp", "exp2", "log", "log2", "tanh", "sin", "cos", "tan", "atan2", "pow"] as const),
]);

/** The name of a library function at a width (1, 2 or 4). */
export function wgslFunctionName(name: WgslFunction, width: number): string {
  if (isScalarOnly(name)) return name;
  return name + (builtinTwins.has(name) ? "_" : "") + (width === 1 ? "" : `_v${width}`);
}

/** The names that the bodies define, in the scalar form. */
const definitions = Object.values(wgslFunctions).flatMap(({ body }) =>
  [...bodyAt(body, 1).matchAll(/^fn (\w+)\(/gm)].map(([, name]) => name as string),
);
const definedNames = new RegExp(`\\b(${definitions.join("|")})(?=\\()`, "g");
const isScalarOnly = (name: string) => name === "infinity" || name === "nan" || name === "far_angle";

/** All names that the library may define in a module, which locals must not have. */
export const libraryNames: readonly string[] = definitions.flatMap((name) => [name, `${name}_v2`, `${name}_v4`]);

/** The text of a library function at a width, and of the functions that it calls, each once. */
export function wgslFunctionText(name: WgslFunction, width: number, seen: Set<string>): string[] {
  const key = isScalarOnly(name) ? name : `${name}/${width}`;
  if (seen.has(key)) return [];
  seen.add(key);
  const { needs = [], body } = wgslFunctions[name];
  const before = needs.flatMap((need) => wgslFunctionText(need, width, seen));
  return [...before, instantiate(body, isScalarOnly(name) ? 1 : width)];
}

function bodyAt(body: WgslFunctionDef["body"], width: number): string {
  return typeof body === "string" ? body : body(width);
}

function instantiate(text: WgslFunctionDef["body"], width: number): string {
  const body = bodyAt(text, width);
  const wide = (element: string) => (width === 1 ? element : `vec${width}<${element}>`);
  const typed = body.replace(/\bT\b/g, wide("f32")).replace(/\bI\b/g, wide("i32")).replace(/\bU\b/g, wide("u32"));
  return width === 1
    ? typed
    : typed.replace(definedNames, (called) => (isScalarOnly(called) ? called : `${called}_v${width}`));
}
