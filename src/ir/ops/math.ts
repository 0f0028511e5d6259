/** Functions in float64 that JavaScript lacks, for the reference interpreter. */

const twoOverSqrtPi = 2 / Math.sqrt(Math.PI);

/**
 * 2/sqrt(pi) * exp(-x^2) * sum of 2^n x^(2n+1) / (1*3*...*(2n+1)): every term is positive, so nothing cancels.
 * Abramowitz & Stegun 7.1.6.
 */
function erfSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > Math.abs(sum) * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return twoOverSqrtPi * Math.exp(-x * x) * sum;
}

/** The continued fraction of erfc for x > 0, evaluated backwards. Abramowitz & Stegun 7.1.14. */
function erfcFraction(x: number): number {
  let tail = x;
  for (let n = 120; n > 0; n--) tail = x + n / 2 / tail;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * tail);
}

export function erf(x: number): number {
  if (Number.isNaN(x)) return NaN;
  if (x === 0) return x;
  if (Math.abs(x) < 2.5) return erfSeries(x);
  return x > 0 ? 1 - erfcFraction(x) : erfcFraction(-x) - 1;
}

/** 1 - erf(x), without the cancellation for large x. */
function erfc(x: number): number {
  if (Number.isNaN(x)) return NaN;
  if (Math.abs(x) < 0.5) return 1 - erfSeries(x);
  if (x < 0) return 2 - erfc(-x);
  return x < 2.5 ? 1 - erfSeries(x) : erfcFraction(x);
}

/** The distribution function of the normal distribution, (1 + erf(x / sqrt(2))) / 2, without its cancellation below 0. */
export const normalCdf = (x: number): number => 0.5 * erfc(-x * Math.SQRT1_2);

/** The nearest integer, ties to even. A result of 0 has the sign of x. */
export function roundHalfEven(x: number): number {
  const down = Math.floor(x);
  const rest = x - down;
  const isDown = rest < 0.5 || (rest === 0.5 && down % 2 === 0);
  if (!Number.isFinite(x) || rest === 0) return x;
  const nearest = isDown ? down : down + 1;
  return nearest === 0 && x < 0 ? -0 : nearest;
}

/** sqrt(2 / pi), the factor of GELU's tanh form. */
export const sqrtTwoOverPi = Math.sqrt(2 / Math.PI);

/** The sum in float64 with Neumaier's compensation, so that the oracle is not a source of error. */
export function sumOf(row: Float64Array): number {
  let sum = 0;
  let lost = 0;
  for (const x of row) {
    const next = sum + x;
    lost += Math.abs(sum) >= Math.abs(x) ? sum - next + x : x - next + sum;
    sum = next;
  }
  return Number.isFinite(sum) ? sum + lost : sum;
}

export function meanOf(row: Float64Array): number {
  return sumOf(row) / row.length;
}

/** sum of (x - mean)^2 / (n - correction): the definition, in two passes. */
export function varianceOf(row: Float64Array, correction: number): number {
  const mean = meanOf(row);
  return sumOf(row.map((x) => (x - mean) * (x - mean))) / (row.length - correction);
}
