/** The rates of a device, from kernels that were measured on it; and how well estimates order what was measured. */

import type { Estimate } from "../kernel/estimate.ts";
import { type Amounts, amountsOf, overlap, pricesOf, type Rates, ratesOf, timed } from "./rates.ts";

/** A kernel that was measured. */
export interface Measured {
  readonly estimate: Estimate;
  readonly nanoseconds: number;
}

/** How much a rate that measurements say nothing about is drawn to what it was. */
const pull = 1e-6;
const mostSteps = 200;

/**
 * The rates by which the estimates of what was measured come nearest to the measured times: least squares of the logarithms
 * of their ratios, over the logarithms of prices, which stay positive (Levenberg 1944, Marquardt 1963). What others hide has
 * no slope to follow: the sum, which hides nothing, comes first, and norms nearer to the device's follow from what it finds.
 * Where measurements leave rates open they stay near `from`.
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

/** From `found` on, the logarithms of prices that fit the rows best. */
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

/** The solution of a positive definite system, by elimination. */
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

/** How alike two lists of numbers are ordered: 1 where they are in one order, -1 in opposite ones (Spearman 1904). */
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
