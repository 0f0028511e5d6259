/**
 * The arithmetic of a kernel over finite fields, by the laws of src/ir/field/algebra.ts, by which functions are compared too.
 *
 * Integers and bools stay JavaScript numbers, and are computed as on devices. A float whose number is known, such as a literal
 * or a count of elements, carries it along: literals and counts are compared by their numbers, all others in the order of the
 * field.
 */

import type { Algebra } from "../ir/field/algebra.ts";
import { integerOf } from "../ir/field/integers.ts";
import type { Elements } from "../ir/field/prime.ts";
import { getOrInsert } from "../ir/groups.ts";
import type { Operands } from "../ir/ops/meaning.ts";
import { roundedBy } from "../ir/ops/wgsl-parts.ts";
import { type Arithmetic, builtins, float32, libraryFunction, opOfLibrary } from "./arithmetic.ts";
import type { BinaryOperator, BuiltinFunction } from "./expression.ts";

/** An element of both fields. */
interface Residue {
  readonly p: number;
  readonly q: number | undefined;
  /** The number that it represents, if known. */
  readonly number: number | undefined;
  /** Whether it is a literal of the kernel or computed from literals alone, as a compiler would in float64. */
  readonly isLiteral: boolean;
}

/** A residue for a float; a number for an integer or a bool. */
export type FieldNumber = number | Residue;

/** Whether the number may be a count of elements in a row. */
const isCount = (number: number) => Number.isInteger(number) && number >= 0 && number <= 2 ** 30;

/** The residue of one element of a tensor. */
export function residueAt({ p, q }: Elements, i: number): Residue {
  return { p: p[i] as number, q: q?.[i], number: undefined, isLiteral: false };
}

/** Operations of the kernel for which the field has no law, so that a difference is not conclusive. */
interface Unmodelled {
  readonly reasons: Set<string>;
}

export function fieldArithmetic(algebra: Algebra): Arithmetic<FieldNumber> & Unmodelled {
  const { p: fieldP, q: fieldQ } = algebra.pair;
  const reasons = new Set<string>();
  const literals = new Map<number, Residue>();

  const single = ({ p, q }: Elements, number?: number): Residue => {
    return { p: p[0] as number, q: q?.[0], number, isLiteral: number !== undefined };
  };
  const known = (number: number): Residue => {
    return getOrInsert(literals, number, () => single(algebra.number(number), number));
  };
  /** Integers of any size are exact. */
  const lifted = (a: FieldNumber): Residue => {
    if (typeof a !== "number") return a;
    return Number.isSafeInteger(a) ? single(algebra.integer(a), a) : known(a);
  };
  const numberOf = (a: FieldNumber) => (typeof a === "number" ? a : a.number);
  const elements = (a: FieldNumber): Elements => {
    const { p, q } = lifted(a);
    return { p: Float64Array.of(p), q: q === undefined ? undefined : Float64Array.of(q) };
  };
  const isLiteral = (a: FieldNumber) => typeof a !== "number" && a.isLiteral;
  /** The numbers of two literals or two counts, which are ordered as numbers. */
  const numbers = (a: FieldNumber, b: FieldNumber): readonly [number, number] | undefined => {
    const [x, y] = [numberOf(a), numberOf(b)];
    if (x === undefined || y === undefined) return undefined;
    return (isCount(x) && isCount(y)) || (isLiteral(a) && isLiteral(b)) ? [x, y] : undefined;
  };
  /** a > b. */
  const isAbove = (a: FieldNumber, b: FieldNumber): boolean => {
    const known = numbers(a, b);
    if (known !== undefined) return known[0] > known[1];
    // An infinity is the identity of a maximum or a minimum, and beyond all elements.
    const [x, y] = [numberOf(a), numberOf(b)];
    if (x === Infinity || y === -Infinity) return x !== y;
    if (x === -Infinity || y === Infinity) return false;
    return algebra.rank(lifted(a).p) > algebra.rank(lifted(b).p);
  };
  const isEqual = (a: FieldNumber, b: FieldNumber): boolean => {
    const [x, y] = numbers(a, b) ?? [lifted(a).p, lifted(b).p];
    return x === y;
  };
  const maximum = (a: FieldNumber, b: FieldNumber) => (isAbove(a, b) ? a : b);
  const minimum = (a: FieldNumber, b: FieldNumber) => (isAbove(a, b) ? b : a);

  const negate = (a: FieldNumber): Residue => {
    const { p, q, number, isLiteral } = lifted(a);
    const negated = number === undefined ? undefined : -number;
    return { p: fieldP.sub(0, p), q: q === undefined ? undefined : fieldQ.sub(0, q), number: negated, isLiteral };
  };
  const reciprocal = (a: Residue): Residue => ({
    p: fieldP.invert(a.p),
    q: a.q === undefined ? undefined : fieldQ.invert(a.q),
    number: a.number === undefined ? undefined : 1 / a.number,
    isLiteral: a.isLiteral,
  });
  const both = (
    operation: "add" | "sub" | "mul",
    a: Residue,
    b: Residue,
    compute: (x: number, y: number) => number,
  ): Residue => ({
    p: fieldP[operation](a.p, b.p),
    q: a.q === undefined || b.q === undefined ? undefined : fieldQ[operation](a.q, b.q),
    number: a.number === undefined || b.number === undefined ? undefined : compute(a.number, b.number),
    isLiteral: a.isLiteral && b.isLiteral,
  });
  const add = (a: Residue, b: Residue) => both("add", a, b, (x, y) => x + y);
  const multiply = (a: Residue, b: Residue) => both("mul", a, b, (x, y) => x * y);

  const arithmetic = (operator: BinaryOperator, left: FieldNumber, right: FieldNumber): Residue => {
    const [a, b] = [lifted(left), lifted(right)];
    switch (operator) {
      case "+":
        return add(a, b);
      case "-":
        return both("sub", a, b, (x, y) => x - y);
      case "*":
        return multiply(a, b);
      case "/":
        return multiply(a, reciprocal(b));
      case "%":
        return single(algebra.apply("rem", [elements(a), elements(b)]));
      default:
        throw new Error(`kernel: \`${operator}\` of elements of a field`);
    }
  };

  const exponential = (a: FieldNumber): Residue => {
    const x = lifted(a);
    if (x.q === undefined) reasons.add("exp is applied to a value that depends on an exp");
    return single(algebra.exp(elements(x)));
  };

  /** Computes in float64 on literals alone, as a compiler does, unless the result is not finite. */
  const ofLiterals = (args: readonly FieldNumber[], compute: (numbers: readonly number[]) => number) => {
    if (!args.every((arg) => typeof arg === "number" || arg.isLiteral)) return undefined;
    const value = compute(args.map(numberOf) as number[]);
    return Number.isFinite(value) ? known(value) : undefined;
  };
  const rounding = (name: string) => (x: FieldNumber) => single(algebra.round("whole", name, elements(x)));

  const calls: Readonly<Record<BuiltinFunction, (a: FieldNumber, b: FieldNumber, c: FieldNumber) => FieldNumber>> = {
    abs: (x) => maximum(x, negate(x)),
    ceil: rounding("ceil"),
    clamp: (x, low, high) => minimum(maximum(x, low), high),
    exp: exponential,
    floor: rounding("floor"),
    fma: (a, b, c) => add(multiply(lifted(a), lifted(b)), lifted(c)),
    inverseSqrt: (x) => reciprocal(single(algebra.sqrt(elements(x)))),
    max: maximum,
    min: minimum,
    round: rounding("round"),
    sign: (x) => known(Number(isAbove(x, 0)) - Number(isAbove(0, x))),
    sqrt: (x) => single(algebra.sqrt(elements(x))),
    trunc: rounding("trunc"),
  };

  return {
    reasons,
    literal: (value, scalar) => (scalar === "f32" ? known(value) : float32.literal(value, scalar)),
    negate: (a, scalar) => (scalar !== "f32" && typeof a === "number" ? float32.negate(a, scalar) : negate(a)),
    binary(operator, a, b, from, to) {
      if (typeof a === "number" && typeof b === "number" && from !== "f32") {
        return float32.binary(operator, a, b, from, to);
      }
      switch (operator) {
        case "==":
          return Number(isEqual(a, b));
        case ">":
          return Number(isAbove(a, b));
        case "<":
          return Number(isAbove(b, a));
        case ">=":
          return Number(!isAbove(b, a));
        case "<=":
          return Number(!isAbove(a, b));
        default:
          return arithmetic(operator, a, b);
      }
    },
    call(name, args, scalar) {
      const areNumbers = args.every((arg) => typeof arg === "number");
      if (areNumbers && scalar !== "f32") return float32.call(name, args as readonly number[], scalar);
      const [a, b = 0, c = 0] = args as [FieldNumber, FieldNumber?, FieldNumber?];
      return ofLiterals(args, ([x, y = 0, z = 0]) => builtins[name](x as number, y, z)) ?? calls[name](a, b, c);
    },
    library(name, args) {
      const value = ofLiterals(args, ([x, y = 0]) => libraryFunction(name)(x as number, y));
      if (value !== undefined) return value;
      const [x] = args as [FieldNumber];
      if (name === "less_itself") return known(0);
      if (name === "exp") return exponential(x);
      const narrow = roundedBy(name);
      if (narrow !== undefined) return single(algebra.round(narrow, narrow, elements(x)));
      const operands = args.map(elements) as Operands<Elements>;
      return single(opOfLibrary(name).exact(algebra, operands, { element: "f32", attributes: {} }));
    },
    converted(value, from, to) {
      if (from === to) return value;
      if (to === "f32") return { ...lifted(value), isLiteral: false };
      if (to === "bool") return Number(!isEqual(value, 0));
      const number = numberOf(value);
      if (number !== undefined) return float32.converted(number, from, to);
      const { p, q } = single(algebra.round("whole", `to ${to}`, elements(value)));
      const integer = integerOf(p, q, algebra.pair);
      algebra.known("whole", algebra.integer(integer));
      return integer;
    },
    select(no, yes, condition) {
      const value = condition === 0 ? no : yes;
      return typeof value === "number" || !value.isLiteral ? value : { ...value, isLiteral: false };
    },
    // In exact arithmetic, a store does not round.
    stored: (value) => value,
  };
}
