/**
 * Fits the rates of a device to measured kernels. Cost models fitted to measurements are TVM's approach (Chen et al. 2018); this
 * one has six parameters, each with a unit.
 */

import type { Estimate } from "../kernel/estimate.ts";
import { type Amounts, amountsOf, overlap, pricesOf, type Rates, ratesOf, timed } from "./rates.ts";

/** A measured kernel. */
export interface Measured {
  readonly estimate: Estimate;
  readonly nanoseconds: number;
}

/** The weight of the regularization, which keeps rates that the measurements do not determine at their initial values. */
const pull = 1e-6;
const mostSteps = 200;

/**
 * The rates at which the estimated times come closest to the measured ones: least squares of the logarithms of their ratios,
 * over the logarithms of the prices, by the method of Levenberg (1944) and Marquardt (1963). A time that others hide has almost
 * no derivative, so the fit starts with the sum of the times (p = 1), and continues with norms of increasing p from there.
 * @param from the initial rates; those that the measurements do not determine stay close to them.
 */
export function fitRates(measured: readonly Measured[], from: Rates, kind: "cpu" | "gpu"): Rates {
  const start = pricesOf(from).map(Math.log);
  const rows = measured.map(({ estimate, nanoseconds }) => ({ of: amountsOf(estimate, kind), wanted: nanoseconds }));
  let found = start;
  for (let p = 1; p <= overlap[kind]; p *= 2) found = nearest(rows, start, found, p);
  return ratesOf(found.map(Math.exp));
}

interface Row {
  readonly of: Amounts;
  readonly wanted: number;
}

/** The logarithms of the prices that fit best, found from the starting point `from`. @param start the initial ones, for the regularization. */
function nearest(rows: readonly Row[], start: readonly number[], from: readonly number[], p: number): number[] {
  const evaluated = (logarithms: readonly number[]) => {
    const prices = logarithms.map(Math.exp);
    const made = rows.map(({ of, wanted }) => {
      const { nanoseconds, parts } = timed(of, prices, p);
      return { error: Math.log(nanoseconds / wanted), slopes: parts.map((part) => part / nanoseconds) };
    });
    const drawn = logarithms.reduce((sum, x, i) => sum + pull * (x - (start[i] as number)) ** 2, 0);
    return { made, loss: made.reduce((sum, { error }) => sum + error ** 2, drawn) };
  };
  let found = [...from];
  let now = evaluated(found);
  let damping = 1e-3;
  for (let step = 0; step < mostSteps && damping < 1e12; step++) {
    const { made } = now;
    const of = (i: number) => made.map(({ slopes }) => slopes[i] as number);
    const columns = start.map((_, i) => of(i));
    const matrix = columns.map((a, i) => columns.map((b, j) => dot(a, b) + (i === j ? pull + damping : 0)));
    const errors = made.map(({ error }) => error);
    const right = columns.map((a, i) => -dot(a, errors) - pull * ((found[i] as number) - (start[i] as number)));
    const moves = solved(matrix, right);
    const next = found.map((x, i) => x + (moves[i] as number));
    const then = evaluated(next);
    if (!(then.loss < now.loss)) {
      damping *= 4;
      continue;
    }
    const isDone = now.loss - then.loss < 1e-14 * now.loss;
    [found, now, damping] = [next, then, damping / 4];
    if (isDone) break;
  }
  return found;
}

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * (b[i] as number), 0);

/** Solves a positive definite system of linear equations by elimination. */
function solved(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i] as number]);
  const size = rows.length;
  for (const [i, pivot] of rows.entries()) {
    for (const row of rows.slice(i + 1)) {
      const factor = (row[i] as number) / (pivot[i] as number);
      for (let j = i; j <= size; j++) row[j] = (row[j] as number) - factor * (pivot[j] as number);
    }
  }
  const found = new Array<number>(size).fill(0);
  for (let i = size - 1; i >= 0; i--) {
    const row = rows[i] as number[];
    const rest = dot(row.slice(0, size), found);
    found[i] = ((row[size] as number) - rest) / (row[i] as number);
  }
  return found;
}

/** The rank correlation of two lists (Spearman 1904): 1 if their orders agree, -1 if they are opposite. */
export function rankCorrelation(a: readonly number[], b: readonly number[]): number {
  const ranks = (list: readonly number[]) =>
    list.map((value) => {
      const below = list.filter((other) => other < value).length;
      return below + (list.filter((other) => other === value).length - 1) / 2;
    });
  const [x, y] = [ranks(a), ranks(b)];
  const middle = (a.length - 1) / 2;
  const product = (p: readonly number[], q: readonly number[]) =>
    p.reduce((sum, value, i) => sum + (value - middle) * ((q[i] as number) - middle), 0);
  const spread = Math.sqrt(product(x, x) * product(y, y));
  return spread === 0 ? 1 : product(x, y) / spread;
}
