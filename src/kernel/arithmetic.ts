/**
 * Evaluates expressions of a kernel from the values of their operands, vectors component by component. Numbers and operations
 * on them are a parameter, the arithmetic: f32 here, elements of a finite field in field-arithmetic.ts.
 */

import { roundTo } from "../ir/float16.ts";
import type { ElementwiseDef } from "../ir/ops/def.ts";
import { isOpName, ops } from "../ir/ops/index.ts";
import { normalCdf, roundHalfEven } from "../ir/ops/math.ts";
import type { WgslFunction } from "../ir/ops/wgsl-functions.ts";
import { roundedBy } from "../ir/ops/wgsl-parts.ts";
import { type ElementType, isInteger, isNarrow } from "../ir/types.ts";
import type { BinaryOperator, BuiltinFunction, Expression } from "./expression.ts";
import type { Scalar, Type } from "./types.ts";

/** A scalar, or the list of a vector's components. */
export type Value<N> = N | readonly N[];

/**
 * The numbers of a kernel and the operations on them. Indices and bools are JavaScript numbers in every arithmetic; `N` includes
 * them, and the representation of floats.
 */
export interface Arithmetic<N> {
  /** A literal of the kernel. */
  literal(value: number, scalar: Scalar): N;
  negate(a: N, scalar: Scalar): N;
  /** @param from the scalar type of the operands. @param to that of the result. */
  binary(operator: BinaryOperator, a: N, b: N, from: Scalar, to: Scalar): N;
  call(name: BuiltinFunction, args: readonly N[], scalar: Scalar): N;
  /** A function of the library. */
  library(name: WgslFunction, args: readonly N[]): N;
  /** The value converted to another scalar type. */
  converted(value: N, from: Scalar, to: Scalar): N;
  select(no: N, yes: N, condition: N): N;
  /** The value rounded to the element type of a buffer. */
  stored(value: N, element: ElementType): N;
}

export const isVector = <N>(value: Value<N>): value is readonly N[] => Array.isArray(value);

export function splat<N>(arithmetic: Arithmetic<N>, value: number, { scalar, width }: Type): Value<N> {
  const number = arithmetic.literal(value, scalar);
  return width === 1 ? number : new Array<N>(width).fill(number);
}

export const zeroOf = <N>(arithmetic: Arithmetic<N>, type: Type): Value<N> => splat(arithmetic, 0, type);

/** Evaluates an expression in a lane. */
export type Evaluate<N> = (lane: number) => Value<N>;

const at = <N>(value: Value<N>, i: number): N => (isVector(value) ? (value[i] as N) : value);

/** Applies a function component by component. A scalar operand is repeated for each component. */
function unaryOf<N>(a: Evaluate<N>, compute: (a: N) => N): Evaluate<N> {
  return (lane) => {
    const x = a(lane);
    return isVector(x) ? x.map(compute) : compute(x);
  };
}

function binaryOf<N>(a: Evaluate<N>, b: Evaluate<N>, compute: (a: N, b: N) => N): Evaluate<N> {
  return (lane) => {
    const x = a(lane);
    const y = b(lane);
    if (isVector(x)) return x.map((one, i) => compute(one, at(y, i)));
    return isVector(y) ? y.map((one) => compute(x, one)) : compute(x, y);
  };
}

function listOf<N>(parts: readonly Evaluate<N>[], compute: (numbers: readonly N[]) => N): Evaluate<N> {
  return (lane) => {
    const values = parts.map((part) => part(lane));
    const vector = values.find(isVector);
    if (vector === undefined) return compute(values as readonly N[]);
    return vector.map((_, i) => compute(values.map((value) => at(value, i))));
  };
}

/**
 * Applies an operator to two values.
 * @param from the scalar type of the operands.
 * @param to that of the result.
 */
export function evaluateBinary<N>(
  arithmetic: Arithmetic<N>,
  operator: BinaryOperator,
  from: Scalar,
  to: Scalar,
  [a, b]: readonly [Evaluate<N>, Evaluate<N>],
): Evaluate<N> {
  return binaryOf(a, b, (x, y) => arithmetic.binary(operator, x, y, from, to));
}

/** Evaluates an expression that depends on nothing but its operands. */
export function evaluateParts<N>(
  arithmetic: Arithmetic<N>,
  expression: Expression,
  parts: readonly Evaluate<N>[],
): Evaluate<N> {
  const { type } = expression;
  const [a, b, c] = parts as [Evaluate<N>, Evaluate<N>, Evaluate<N>];
  switch (expression.kind) {
    case "unary":
      if (expression.operator === "-") return unaryOf(a, (x) => arithmetic.negate(x, type.scalar));
      return unaryOf(a, (x) => arithmetic.literal(x === 0 ? 1 : 0, "bool"));
    case "binary":
      return evaluateBinary(arithmetic, expression.operator, expression.left.type.scalar, type.scalar, [a, b]);
    case "select":
      return selectOf(arithmetic, a, b, c);
    case "call":
      return listOf(parts, (args) => arithmetic.call(expression.name, args, type.scalar));
    case "library":
      return listOf(parts, (args) => arithmetic.library(expression.name, args));
    case "construct": {
      const from = expression.args[0]?.type.scalar ?? type.scalar;
      return (lane) => constructed(arithmetic, from, type, parts.flatMap((part) => part(lane)) as N[]);
    }
    case "component":
      return (lane) => (a(lane) as readonly N[])[expression.index] as N;
    case "opaque":
      return a;
    default:
      throw new Error(`kernel: a ${expression.kind} does not depend on its operands alone`);
  }
}

function selectOf<N>(
  arithmetic: Arithmetic<N>,
  no: Evaluate<N>,
  yes: Evaluate<N>,
  condition: Evaluate<N>,
): Evaluate<N> {
  return (lane) => {
    const a = no(lane);
    const b = yes(lane);
    const which = condition(lane);
    if (!isVector(a)) return arithmetic.select(a, b as N, which as N);
    return a.map((one, i) => arithmetic.select(one, at(b, i), at(which, i)));
  };
}

function constructed<N>(arithmetic: Arithmetic<N>, from: Scalar, to: Type, parts: readonly N[]): Value<N> {
  if (parts.length === 0) return zeroOf(arithmetic, to);
  const numbers = parts.map((part) => arithmetic.converted(part, from, to.scalar));
  if (to.width === 1) return numbers[0] as N;
  return numbers.length === 1 ? new Array<N>(to.width).fill(numbers[0] as N) : numbers;
}

/** A number rounded to a scalar type. */
function rounded(value: number, scalar: Scalar): number {
  switch (scalar) {
    case "f32":
      return Math.fround(value);
    case "i32":
      return value | 0;
    case "u32":
      return value >>> 0;
    case "bool":
      return value === 0 ? 0 : 1;
    default:
      return scalar satisfies never;
  }
}

const operators: Readonly<Record<BinaryOperator, (a: number, b: number, scalar: Scalar) => number>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b, scalar) => (isInteger(scalar) ? Math.imul(a, b) : a * b),
  // WGSL defines a / 0 = a and a % 0 = 0 for integers.
  "/": (a, b, scalar) => (!isInteger(scalar) ? a / b : b === 0 ? a : Math.trunc(a / b)),
  "%": (a, b, scalar) => (isInteger(scalar) && b === 0 ? 0 : a % b),
  "==": (a, b) => Number(a === b),
  "<": (a, b) => Number(a < b),
  "<=": (a, b) => Number(a <= b),
  ">": (a, b) => Number(a > b),
  ">=": (a, b) => Number(a >= b),
  "&&": (a, b) => a & b,
  "&": (a, b) => a & b,
  "|": (a, b) => a | b,
  "^": (a, b) => a ^ b,
};

/** The builtin functions of WGSL in float64. */
export const builtins: Readonly<Record<BuiltinFunction, (a: number, b: number, c: number) => number>> = {
  abs: Math.abs,
  ceil: Math.ceil,
  clamp: (x, low, high) => Math.min(Math.max(x, low), high),
  exp: Math.exp,
  floor: Math.floor,
  fma: (a, b, c) => a * b + c,
  inverseSqrt: (x) => 1 / Math.sqrt(x),
  max: (a, b) => Math.max(a, b),
  min: (a, b) => Math.min(a, b),
  round: roundHalfEven,
  sign: Math.sign,
  sqrt: Math.sqrt,
  trunc: Math.trunc,
};

type LibraryMeaning = Pick<ElementwiseDef, "scalar" | "exact">;

/** Library functions that parts of ops are computed by. */
const parts: { readonly [Name in WgslFunction]?: LibraryMeaning } = {
  normal_cdf: { scalar: normalCdf, exact: (field, [x]) => field.normalCdf(x) },
};

/** What a library function computes: the op that it is named after, or a part of one. */
export function meaningOfLibrary(name: WgslFunction): LibraryMeaning {
  const part = parts[name];
  if (part !== undefined) return part;
  const def = isOpName(name) ? ops[name] : undefined;
  if (def?.kind !== "elementwise") throw new Error(`kernel: \`${name}\` cannot be evaluated`);
  return def;
}

const libraryFunctions = new Map<WgslFunction, (a: number, b: number) => number>();

/** A library function in float64: that of the op of the same name, or one that no op has. */
export function libraryFunction(name: WgslFunction): (a: number, b: number) => number {
  const known = libraryFunctions.get(name);
  if (known !== undefined) return known;
  const of = (): ((a: number, b: number) => number) => {
    if (name === "less_itself") return (x) => x - x;
    const narrow = roundedBy(name);
    if (narrow !== undefined) return roundTo[narrow];
    const { scalar } = meaningOfLibrary(name);
    return (a, b) => scalar(a, b, 0, { element: "f32", attributes: {} });
  };
  const made = of();
  libraryFunctions.set(name, made);
  return made;
}

/** Conversions of floats to integers saturate (https://www.w3.org/TR/WGSL/#floating-point-conversion). */
function convert(value: number, from: Scalar, to: Scalar): number {
  if (from !== "f32" || !isInteger(to)) return rounded(value, to);
  const [low, high] = to === "i32" ? [-(2 ** 31), 2 ** 31 - 128] : [0, 2 ** 32 - 256];
  return Number.isNaN(value) ? 0 : Math.min(Math.max(Math.trunc(value), low), high);
}

/**
 * Floats in f32, rounded after each operation; integers modulo 2^32; bools as 0 and 1. Library functions are computed in
 * float64 and rounded.
 */
export const float32: Arithmetic<number> = {
  literal: rounded,
  negate: (a, scalar) => rounded(-a, scalar),
  binary: (operator, a, b, from, to) => rounded(operators[operator](a, b, from), to),
  call: (name, [a, b = 0, c = 0], scalar) => rounded(builtins[name](a as number, b, c), scalar),
  library: (name, [a, b = 0]) => Math.fround(libraryFunction(name)(a as number, b)),
  converted: convert,
  select: (no, yes, condition) => (condition === 0 ? no : yes),
  stored: (value, element) => (isNarrow(element) ? roundTo[element](value) : value),
};
