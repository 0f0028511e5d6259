/**
 * Laws of real numbers that no finite field has: sqrt(a)^2 is a, not -a, as a is positive.
 *
 * In the fields here sqrt(a)^2 is whichever of a and -a is a square, so squares play the part of positive numbers. A law
 * names what is positive, and functions are compared at points where that is a square: rows are mixed along themselves
 * until it is one, in both functions alike, wherever they are read. That asks more than the real numbers do, and never
 * less: functions that agree there agree for these rows whatever they are made of.
 */

import type { Value } from "../ir.ts";
import { gather, rowOrder } from "../tensor.ts";
import type { Algebra } from "./algebra.ts";
import type { FieldTensor } from "./evaluate.ts";
import { near } from "./literal.ts";
import type { PrimeField } from "./prime.ts";

/** What is positive about a row: a statistic of it and a number that is added. */
export interface PositiveRows {
  readonly kind: "positive rows";
  readonly value: Value;
  readonly axes: readonly number[];
  readonly statistic: "sum of squares" | "mean square" | "variance";
  readonly eps: number;
}

/**
 * A rewrite that holds whatever the numbers of this value are. They are exchanged for others of which exponentials can be
 * taken, where theirs are exponentials themselves, of which the fields know no second one.
 */
export interface AnyNumbers {
  readonly kind: "any numbers";
  readonly value: Value;
}

/**
 * Rows of which the largest or smallest number is looked for: max(r a) = r max(a) for r > 0. A finite field has no order that
 * goes with products. Here rows are ordered by what they are over the absolute value of their first number, which is the
 * same for all multiples by squares, and turns round for those by others.
 */
export interface ScaledOrder {
  readonly kind: "scaled order";
  readonly value: Value;
}

/** A number that the program writes; its negative is negative. */
export interface PositiveNumber {
  readonly kind: "positive number";
  readonly number: number;
}

/** In which a formula is computed: the fields, or float64. */
export interface Arithmetic<T> {
  /** A number of the program. */
  number(value: number): T;
  /** A whole number that the program need not write. */
  integer(value: number): T;
  /** a + b. */
  add(a: T, b: T): T;
  /** a b. */
  mul(a: T, b: T): T;
  /** a / b. */
  div(a: T, b: T): T;
  /** -a. */
  neg(a: T): T;
  /** The root of a that is 0 or more. */
  sqrt(a: T): T;
}

const float64: Arithmetic<number> = {
  number: (value) => value,
  integer: (value) => value,
  add: (a, b) => a + b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  neg: (a) => -a,
  sqrt: Math.sqrt,
};

/** What a number stands for that a pass computed from others: no decimal need say it. */
export interface Meaning {
  readonly kind: "meaning";
  readonly number: number;
  /** Its formula. */
  readonly is: <T>(arithmetic: Arithmetic<T>) => T;
}

/** How far a number may be off its formula, for its roundings. */
const formulaRounding = 2 ** -46;

/** Whether the number is what the formula says. */
export const isMeant = ({ number, is }: Meaning): boolean => near(number, is(float64), formulaRounding);

/** What holds of real numbers, and is not known to finite fields. */
export type Law = LawOfValue | PositiveNumber | Meaning;

/** What is said of a value. */
export type LawOfValue = PositiveRows | AnyNumbers | ScaledOrder;

/** What is said of values, by these in the one function or in the other. */
export type Exchanges = ReadonlyMap<Value, readonly LawOfValue[]>;

/** The tensor that stands for one of which laws are told. */
export function exchanged(tensor: FieldTensor, laws: readonly LawOfValue[], algebra: Algebra): FieldTensor {
  const isAny = laws.some(({ kind }) => kind === "any numbers");
  const numbers = isAny ? { ...tensor, ...algebra.apply("any numbers", [tensor]) } : tensor;
  const conditions = laws.filter((law) => law.kind === "positive rows");
  const rows = conditions.length === 0 ? numbers : mixed(numbers, conditions, algebra);
  return laws.some(({ kind }) => kind === "scaled order") ? { ...rows, isOrderScaled: true } : rows;
}

type Residues = Float64Array;

function statisticOf(field: PrimeField, row: Residues, statistic: PositiveRows["statistic"]): number {
  const sum = (f: (a: number) => number) => row.reduce((total, a) => field.add(total, f(a)), 0);
  const over = field.invert(row.length);
  const mean =
    statistic === "variance"
      ? field.mul(
          over,
          sum((a) => a),
        )
      : 0;
  const squares = sum((a) => field.mul(field.sub(a, mean), field.sub(a, mean)));
  return statistic === "sum of squares" ? squares : field.mul(over, squares);
}

/** x + k (x' - x), where x' is the row turned by one: its mean stays. A row of one element is multiplied. */
function turned(field: PrimeField, row: Residues, k: number): Residues {
  if (row.length === 1) return row.map((a) => field.mul(a, k + 1));
  return row.map((a, i) => field.add(a, field.mul(k, field.sub(row[(i + 1) % row.length] as number, a))));
}

/** One of 2 to 2^n tries is enough, for n conditions in two fields each. */
const mostTries = 2 ** 12;

/** The tensor with each row such that all conditions hold; a row of zeros stays. */
function mixed(tensor: FieldTensor, conditions: readonly PositiveRows[], algebra: Algebra): FieldTensor {
  const { axes } = conditions[0] as PositiveRows;
  const order = rowOrder(tensor.shape, axes);
  const inRows = (data: Residues) => gather(data, order.shape, order.strides);
  const { pair } = algebra;
  const rows = [inRows(tensor.p), tensor.q && inRows(tensor.q)] as const;
  const epsilons = conditions.map(({ eps }) => algebra.number(eps));
  const fields = [
    { field: pair.p, eps: epsilons.map(({ p }) => p[0] as number) },
    { field: pair.q, eps: epsilons.map(({ q }) => q?.[0] as number) },
  ] as const;
  const holds = ({ field, eps }: (typeof fields)[number], row: Residues) =>
    conditions.every(({ statistic }, i) => {
      const total = field.add(statisticOf(field, row, statistic), eps[i] as number);
      return total === 0 || field.isPositive(total);
    });
  for (let start = 0; start < order.width * order.count; start += order.width) {
    const given = rows.map((data) => data?.slice(start, start + order.width));
    for (let k = 0; k < mostTries; k++) {
      const tried = fields.map(({ field }, i) => given[i] && turned(field, given[i], k));
      if (!fields.every((own, i) => tried[i] === undefined || holds(own, tried[i]))) continue;
      for (const [i, row] of tried.entries()) if (row !== undefined) rows[i]?.set(row, start);
      break;
    }
  }
  const back = (data: Residues) => gather(data, tensor.shape, order.back());
  return { ...tensor, p: back(rows[0]), q: rows[1] && back(rows[1]) };
}
