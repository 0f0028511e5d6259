/**
 * Laws of real numbers that do not hold in finite fields: sqrt(a)^2 is a, not -a, as a is positive.
 *
 * In these fields, sqrt(a)^2 is whichever of a and -a is a square, so that squares take the role of positive numbers. A law
 * states what is positive, and functions are compared at points at which that is a square: the elements of a row are mixed
 * until it is, in both functions alike, wherever the row is read. That is a stronger condition than over real numbers, never a
 * weaker one: functions that agree there agree for these rows however they are computed.
 */

import type { Value } from "../ir.ts";
import { gather, rowOrder } from "../tensor.ts";
import type { Algebra } from "./algebra.ts";
import { near } from "./literal.ts";
import type { PrimeField } from "./prime.ts";
import type { FieldTensor } from "./tensor.ts";

/** A statistic of rows that is positive once a number is added to it. */
export interface PositiveRows {
  readonly kind: "positive rows";
  readonly value: Value;
  readonly axes: readonly number[];
  readonly statistic: "sum of squares" | "mean square" | "variance";
  readonly eps: number;
}

/**
 * A rewrite that holds for any numbers of this value. They are replaced by others of which exponentials can be
 * taken if they are exponentials themselves, as the fields have no exponentials of exponentials.
 */
export interface AnyNumbers {
  readonly kind: "any numbers";
  readonly value: Value;
}

/**
 * Rows of which the largest or smallest element is computed: max(r a) = r max(a) for r > 0. A finite field has no order that
 * is compatible with products. Here, rows are ordered after division by the absolute value of their first element, which gives the
 * same order for all multiples by squares, and the reverse for all others.
 */
export interface ScaledOrder {
  readonly kind: "scaled order";
  readonly value: Value;
}

/** A literal of the program that is positive. */
export interface PositiveNumber {
  readonly kind: "positive number";
  readonly number: number;
}

/** The arithmetic in which a formula is computed: that of the fields, or float64. */
export interface Arithmetic<T> {
  /** A number of the program. */
  number(value: number): T;
  /** An integer, which need not occur in the program. */
  integer(value: number): T;
  /** a + b. */
  add(a: T, b: T): T;
  /** a b. */
  mul(a: T, b: T): T;
  /** a / b. */
  div(a: T, b: T): T;
  /** -a. */
  neg(a: T): T;
  /** The nonnegative root of a. */
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

/** The formula of a number that a pass has computed from others. */
export interface Meaning {
  readonly kind: "meaning";
  readonly number: number;
  /** Its formula. */
  readonly is: <T>(arithmetic: Arithmetic<T>) => T;
}

/** The relative error of a computed number, due to rounding. */
const formulaRounding = 2 ** -46;

/** Whether the number is the value of the formula. */
export const isMeant = ({ number, is }: Meaning): boolean => near(number, is(float64), formulaRounding);

/** A fact about real numbers that does not hold in finite fields. */
export type Law = LawOfValue | PositiveNumber | Meaning;

/** A law about a value. */
export type LawOfValue = PositiveRows | AnyNumbers | ScaledOrder;

/** The laws of the values of a function. */
export type Exchanges = ReadonlyMap<Value, readonly LawOfValue[]>;

/** The tensor that replaces one to which laws apply. */
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

/** x + k (x' - x), where x' is the row rotated by one, which keeps its mean. A row of one element is multiplied by k + 1. */
function turned(field: PrimeField, row: Residues, k: number): Residues {
  if (row.length === 1) return row.map((a) => field.mul(a, k + 1));
  return row.map((a, i) => field.add(a, field.mul(k, field.sub(row[(i + 1) % row.length] as number, a))));
}

/** The most tries to satisfy the conditions of a row. Each condition holds with a probability of 1/2 in each of two fields. */
const mostTries = 2 ** 12;

/** Mixes each row until all conditions hold. A row of zeros stays. */
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
