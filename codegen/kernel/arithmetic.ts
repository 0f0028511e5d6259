/**
 * What expressions of a kernel are, given their parts: floats in f32, integers modulo 2^32, truth values 0 and 1.
 * Vectors are lists of numbers, and go component by component.
 */

import { roundToFloat16 } from "../../src/ir/float16.ts";
import type { ElementwiseDef } from "../../src/ir/ops/def.ts";
import { isOpName, ops } from "../../src/ir/ops/index.ts";
import { roundHalfEven } from "../../src/ir/ops/math.ts";
import type { WgslFunction } from "../../src/ir/ops/wgsl-functions.ts";
import { isInteger } from "../../src/ir/types.ts";
import type { BinaryOperator, BuiltinFunction, Expression, Scalar, Type } from "./expression.ts";

export type Value = number | readonly number[];

/** A number in the type that holds it. */
export function rounded(value: number, scalar: Scalar): number {
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

export const splat = (value: number, { scalar, width }: Type): Value => {
  const number = rounded(value, scalar);
  return width === 1 ? number : new Array<number>(width).fill(number);
};

export const zeroOf = (type: Type): Value => splat(0, type);

/** Component by component; a scalar stands for a vector of equal components. */
function componentwise(values: readonly Value[], compute: (numbers: readonly number[]) => number): Value {
  const width = values.find((value) => typeof value !== "number") as readonly number[] | undefined;
  if (width === undefined) return compute(values as readonly number[]);
  return width.map((_, i) =>
    compute(values.map((value) => (typeof value === "number" ? value : (value[i] as number)))),
  );
}

type Arithmetic = (a: number, b: number, scalar: Scalar) => number;

const operators: Readonly<Record<BinaryOperator, Arithmetic>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b, scalar) => (isInteger(scalar) ? Math.imul(a, b) : a * b),
  // WGSL has a / 0 = a and a % 0 = 0 for integers.
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
};

/**
 * @param from the scalar of the operands.
 * @param to that of the result.
 */
export function evaluateBinary(operator: BinaryOperator, from: Scalar, to: Scalar, a: Value, b: Value): Value {
  const compute = operators[operator];
  return componentwise([a, b], ([x, y]) => rounded(compute(x as number, y as number, from), to));
}

const builtins: Readonly<Record<BuiltinFunction, (a: number, b: number, c: number) => number>> = {
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

/** A function of the library in float64: that of the op of its name, or what no op is. */
function libraryFunction(name: WgslFunction): (a: number, b: number) => number {
  if (name === "less_itself") return (x) => x - x;
  if (name === "round_to_half") return roundToFloat16;
  const def = isOpName(name) ? ops[name] : undefined;
  if (def?.kind !== "elementwise") throw new Error(`kernel: \`${name}\` has no meaning here`);
  const { scalar } = def as ElementwiseDef;
  return (a, b) => scalar(a, b, 0, { element: "f32", attributes: {} });
}

const libraryFunctions = new Map<WgslFunction, (a: number, b: number) => number>();

function meaningOf(name: WgslFunction) {
  const meaning = libraryFunctions.get(name) ?? libraryFunction(name);
  libraryFunctions.set(name, meaning);
  return meaning;
}

/** The value of an expression that depends on nothing but its parts. */
export function evaluateParts(expression: Expression, values: readonly Value[]): Value {
  const { type } = expression;
  switch (expression.kind) {
    case "unary": {
      const compute = expression.operator === "!" ? (x: number) => 1 - x : (x: number) => rounded(-x, type.scalar);
      return componentwise(values, ([x]) => compute(x as number));
    }
    case "binary": {
      const { operator, left } = expression;
      return evaluateBinary(operator, left.type.scalar, type.scalar, values[0] as Value, values[1] as Value);
    }
    case "select":
      return componentwise(values, ([no, yes, condition]) => (condition === 0 ? (no as number) : (yes as number)));
    case "call": {
      const compute = builtins[expression.name];
      return componentwise(values, ([a, b = 0, c = 0]) => rounded(compute(a as number, b, c), type.scalar));
    }
    case "library": {
      const compute = meaningOf(expression.name);
      return componentwise(values, ([a, b = 0]) => rounded(compute(a as number, b), type.scalar));
    }
    case "construct":
      return constructed(expression.args[0]?.type.scalar ?? type.scalar, type, values.flat());
    case "component":
      return (values[0] as readonly number[])[expression.index] as number;
    case "opaque":
      return values[0] as Value;
    default:
      throw new Error(`kernel: a ${expression.kind} is more than its parts`);
  }
}

/** Floats saturate where they become integers (https://www.w3.org/TR/WGSL/#floating-point-conversion). */
function converted(value: number, from: Scalar, to: Scalar): number {
  if (from !== "f32" || !isInteger(to)) return rounded(value, to);
  const [low, high] = to === "i32" ? [-(2 ** 31), 2 ** 31 - 128] : [0, 2 ** 32 - 256];
  return Number.isNaN(value) ? 0 : Math.min(Math.max(Math.trunc(value), low), high);
}

function constructed(from: Scalar, to: Type, parts: readonly number[]): Value {
  if (parts.length === 0) return zeroOf(to);
  const numbers = parts.map((part) => converted(part, from, to.scalar));
  if (to.width === 1) return numbers[0] as number;
  return numbers.length === 1 ? new Array<number>(to.width).fill(numbers[0] as number) : numbers;
}
