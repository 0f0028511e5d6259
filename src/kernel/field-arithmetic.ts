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
import type { WgslFunction } from "../ir/ops/wgsl-functions.ts";
import { roundedBy } from "../ir/ops/wgsl-parts.ts";
import { type Arithmetic, builtins, float32, libraryFunction, meaningOfLibrary } from "./arithmetic.ts";
import type { BinaryOperator, BuiltinFunction } from "./expression.ts";
import type { Scalar } from "./types.ts";

/** An element of both fields. */
interface Residue {
  readonly p: number;
  /** NaN if it depends on an exp. */
  readonly q: number;
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
  return { p: p[i] as number, q: q?.[i] ?? Number.NaN, number: undefined, isLiteral: false };
}

const isLiteral = (a: FieldNumber) => typeof a !== "number" && a.isLiteral;
const numberOf = (a: FieldNumber) => (typeof a === "number" ? a : a.number);

/** The operations of the field on floats, and their order. */
class Residues {
  private readonly algebra: Algebra;
  private readonly literals = new Map<number, Residue>();

  constructor(algebra: Algebra) {
    this.algebra = algebra;
  }

  /** The residue of one element of an operation's result. */
  single({ p, q }: Elements, number?: number): Residue {
    return { p: p[0] as number, q: q?.[0] ?? Number.NaN, number, isLiteral: number !== undefined };
  }

  /** A float literal. */
  known(number: number): Residue {
    return getOrInsert(this.literals, number, () => this.single(this.algebra.number(number), number));
  }

  /** An integer or a bool as a float. Integers of any size are exact. */
  lifted(a: FieldNumber): Residue {
    if (typeof a !== "number") return a;
    return Number.isSafeInteger(a) ? this.single(this.algebra.integer(a), a) : this.known(a);
  }

  elements(a: FieldNumber): Elements {
    const { p, q } = this.lifted(a);
    return { p: Float64Array.of(p), q: Number.isNaN(q) ? undefined : Float64Array.of(q) };
  }

  /** The numbers of two literals or two counts, which are ordered as numbers. */
  private numbers(a: FieldNumber, b: FieldNumber): readonly [number, number] | undefined {
    const [x, y] = [numberOf(a), numberOf(b)];
    if (x === undefined || y === undefined) return undefined;
    return (isCount(x) && isCount(y)) || (isLiteral(a) && isLiteral(b)) ? [x, y] : undefined;
  }

  /** a > b. */
  isAbove(a: FieldNumber, b: FieldNumber): boolean {
    const known = this.numbers(a, b);
    if (known !== undefined) return known[0] > known[1];
    // An infinity is the identity of a maximum or a minimum, and beyond all elements.
    const [x, y] = [numberOf(a), numberOf(b)];
    if (x === Infinity || y === -Infinity) return x !== y;
    if (x === -Infinity || y === Infinity) return false;
    return this.algebra.rank(this.lifted(a).p) > this.algebra.rank(this.lifted(b).p);
  }

  isEqual(a: FieldNumber, b: FieldNumber): boolean {
    const [x, y] = this.numbers(a, b) ?? [this.lifted(a).p, this.lifted(b).p];
    return x === y;
  }

  maximum(a: FieldNumber, b: FieldNumber): FieldNumber {
    return this.isAbove(a, b) ? a : b;
  }

  minimum(a: FieldNumber, b: FieldNumber): FieldNumber {
    return this.isAbove(a, b) ? b : a;
  }

  negate(a: FieldNumber): Residue {
    const { p: fieldP, q: fieldQ } = this.algebra.pair;
    const { p, q, number, isLiteral } = this.lifted(a);
    const negated = number === undefined ? undefined : -number;
    return { p: fieldP.sub(0, p), q: fieldQ.sub(0, q), number: negated, isLiteral };
  }

  reciprocal({ p, q, number, isLiteral }: Residue): Residue {
    const { p: fieldP, q: fieldQ } = this.algebra.pair;
    const inverse = number === undefined ? undefined : 1 / number;
    return { p: fieldP.invert(p), q: fieldQ.invert(q), number: inverse, isLiteral };
  }

  /** a + b, a - b or a * b; `compute` is the operation on numbers. */
  both(operation: "add" | "sub" | "mul", a: Residue, b: Residue, compute: (x: number, y: number) => number): Residue {
    const { p, q } = this.algebra.pair;
    return {
      p: p[operation](a.p, b.p),
      q: q[operation](a.q, b.q),
      number: a.number === undefined || b.number === undefined ? undefined : compute(a.number, b.number),
      isLiteral: a.isLiteral && b.isLiteral,
    };
  }

  arithmetic(operator: BinaryOperator, left: FieldNumber, right: FieldNumber): Residue {
    const [a, b] = [this.lifted(left), this.lifted(right)];
    switch (operator) {
      case "+":
        return this.both("add", a, b, (x, y) => x + y);
      case "-":
        return this.both("sub", a, b, (x, y) => x - y);
      case "*":
        return this.both("mul", a, b, (x, y) => x * y);
      case "/":
        return this.both("mul", a, this.reciprocal(b), (x, y) => x * y);
      case "%":
        return this.single(this.algebra.apply("rem", [this.elements(a), this.elements(b)]));
      default:
        throw new Error(`kernel: \`${operator}\` of elements of a field`);
    }
  }

  sqrt(a: FieldNumber): Residue {
    return this.single(this.algebra.sqrt(this.elements(a)));
  }

  /** @param name of the rounding, which gives whole numbers. */
  round(name: string, a: FieldNumber): Residue {
    return this.single(this.algebra.round("whole", name, this.elements(a)));
  }
}

/** The arithmetic of a kernel over the fields of `algebra`. */
export class FieldArithmetic implements Arithmetic<FieldNumber> {
  /** Operations of the kernel for which the field has no law, so that a difference is not conclusive. */
  readonly reasons = new Set<string>();
  private readonly algebra: Algebra;
  private readonly residues: Residues;
  private readonly calls: Readonly<
    Record<BuiltinFunction, (a: FieldNumber, b: FieldNumber, c: FieldNumber) => FieldNumber>
  >;

  constructor(algebra: Algebra) {
    const residues = new Residues(algebra);
    this.algebra = algebra;
    this.residues = residues;
    this.calls = {
      abs: (x) => residues.maximum(x, residues.negate(x)),
      ceil: (x) => residues.round("ceil", x),
      clamp: (x, low, high) => residues.minimum(residues.maximum(x, low), high),
      exp: (x) => this.exponential(() => algebra.exp(residues.elements(x))),
      floor: (x) => residues.round("floor", x),
      fma: (a, b, c) => residues.arithmetic("+", residues.arithmetic("*", a, b), c),
      inverseSqrt: (x) => residues.reciprocal(residues.sqrt(x)),
      max: (a, b) => residues.maximum(a, b),
      min: (a, b) => residues.minimum(a, b),
      round: (x) => residues.round("round", x),
      sign: (x) => residues.known(Number(residues.isAbove(x, 0)) - Number(residues.isAbove(0, x))),
      sqrt: (x) => residues.sqrt(x),
      trunc: (x) => residues.round("trunc", x),
    };
  }

  /** What may contain an exp, which is uninterpreted where its operand depends on another. */
  private exponential(compute: () => Elements): Residue {
    const before = this.algebra.hashedExponentials;
    const result = this.residues.single(compute());
    if (this.algebra.hashedExponentials > before) {
      this.reasons.add("exp is applied to a value that depends on an exp");
    }
    return result;
  }

  /** Computes in float64 on literals alone, as a compiler does, unless the result is not finite. */
  private ofLiterals(args: readonly FieldNumber[], compute: (numbers: readonly number[]) => number) {
    if (!args.every((arg) => typeof arg === "number" || arg.isLiteral)) return undefined;
    const value = compute(args.map(numberOf) as number[]);
    return Number.isFinite(value) ? this.residues.known(value) : undefined;
  }

  literal(value: number, scalar: Scalar): FieldNumber {
    return scalar === "f32" ? this.residues.known(value) : float32.literal(value, scalar);
  }

  negate(a: FieldNumber, scalar: Scalar): FieldNumber {
    return scalar !== "f32" && typeof a === "number" ? float32.negate(a, scalar) : this.residues.negate(a);
  }

  binary(operator: BinaryOperator, a: FieldNumber, b: FieldNumber, from: Scalar, to: Scalar): FieldNumber {
    if (typeof a === "number" && typeof b === "number" && from !== "f32") {
      return float32.binary(operator, a, b, from, to);
    }
    const { residues } = this;
    switch (operator) {
      case "==":
        return Number(residues.isEqual(a, b));
      case ">":
        return Number(residues.isAbove(a, b));
      case "<":
        return Number(residues.isAbove(b, a));
      case ">=":
        return Number(!residues.isAbove(b, a));
      case "<=":
        return Number(!residues.isAbove(a, b));
      default:
        return residues.arithmetic(operator, a, b);
    }
  }

  call(name: BuiltinFunction, args: readonly FieldNumber[], scalar: Scalar): FieldNumber {
    const areNumbers = args.every((arg) => typeof arg === "number");
    if (areNumbers && scalar !== "f32") return float32.call(name, args as readonly number[], scalar);
    const [a, b = 0, c = 0] = args as [FieldNumber, FieldNumber?, FieldNumber?];
    const value = this.ofLiterals(args, ([x, y = 0, z = 0]) => builtins[name](x as number, y, z));
    return value ?? this.calls[name](a, b, c);
  }

  library(name: WgslFunction, args: readonly FieldNumber[]): FieldNumber {
    const value = this.ofLiterals(args, ([x, y = 0]) => libraryFunction(name)(x as number, y));
    if (value !== undefined) return value;
    const { algebra, residues } = this;
    if (name === "less_itself") return residues.known(0);
    const operands = args.map((arg) => residues.elements(arg)) as Operands<Elements>;
    const narrow = roundedBy(name);
    if (narrow !== undefined) return residues.single(algebra.round(narrow, narrow, operands[0] as Elements));
    return this.exponential(() => meaningOfLibrary(name).exact(algebra, operands, { element: "f32", attributes: {} }));
  }

  converted(value: FieldNumber, from: Scalar, to: Scalar): FieldNumber {
    if (from === to) return value;
    if (to === "f32") return { ...this.residues.lifted(value), isLiteral: false };
    if (to === "bool") return Number(!this.residues.isEqual(value, 0));
    const number = numberOf(value);
    if (number !== undefined) return float32.converted(number, from, to);
    const { p, q } = this.residues.round(`to ${to}`, value);
    const integer = integerOf(p, q, this.algebra.pair);
    this.algebra.known("whole", this.algebra.integer(integer));
    return integer;
  }

  select(no: FieldNumber, yes: FieldNumber, condition: FieldNumber): FieldNumber {
    const value = condition === 0 ? no : yes;
    return typeof value === "number" || !value.isLiteral ? value : { ...value, isLiteral: false };
  }

  /** In exact arithmetic, a store does not round. */
  stored(value: FieldNumber): FieldNumber {
    return value;
  }
}
