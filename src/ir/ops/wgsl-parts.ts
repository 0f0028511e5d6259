/** Parts of the WGSL library: polynomials, from `scripts/fit-polynomials.mjs`, and conditions. */

import type { Float8, NarrowFloat } from "../types.ts";

/** A function of the library that generated WGSL calls. */
export type WgslFunction =
  | "erf"
  | "normal_cdf"
  | "exp"
  | "exp2"
  | "log"
  | "log2"
  | "expm1"
  | "log1p"
  | "tanh"
  | "far_angle"
  | "sin_quarter"
  | "sin"
  | "cos"
  | "tan"
  | "atan2"
  | "less_itself"
  | "maximum"
  | "minimum"
  | "pow"
  | "rem"
  | `${NarrowFloat}_bits`
  | `${Float8}_value`
  | `round_to_${NarrowFloat}`
  | "pow2_scale"
  | "infinity"
  | "nan";

/** The type to which a function of the library rounds, if it is one that rounds. */
export function roundedBy(name: WgslFunction): NarrowFloat | undefined {
  const element = name.replace(/^round_to_/, "");
  return element !== name ? (element as NarrowFloat) : undefined;
}

export interface WgslFunctionDef {
  /** Functions that the body calls. */
  readonly needs?: readonly WgslFunction[];
  /** Operations and transcendentals (with divisions) per component for the usual operand, those of its callees included. */
  readonly cost: readonly [operations: number, transcendentals: number];
  /** Its text, or a function of the width that returns it. */
  readonly body: string | ((width: number) => string);
}

/** Nested multiply-adds, lowest power first: `c0 + s * (c1 + s * ...)`. */
export function horner(s: string, coefficients: readonly number[]): string {
  return coefficients.reduceRight<string>((rest, c) => (rest === "" ? `T(${c})` : `fma(${rest}, ${s}, T(${c}))`), "");
}

/** Lowest power first. A test compares them with the script's output. */
export const polynomials = {
  erfNear: [
    1.128379226, -0.3761263788, 0.1128378212, -0.02686543018, 0.005221031606, -0.0008484079735, 0.000112659538,
    -0.000009667030099,
  ],
  erfcCoefficients: [
    0.001687318203, 0.2875331938, 0.4390360415, -0.1286374331, 0.8475676179, -0.5647699833, 0.1175833344,
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

/** Whether the condition holds for a number, or for any component of a vector. */
export const ofAny = (width: number, condition: string) => (width === 1 ? condition : `any(${condition})`);
