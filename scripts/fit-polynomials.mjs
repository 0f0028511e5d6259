/**
 * Prints the coefficients of the polynomials in src/ir/ops/wgsl-parts.ts, and the largest error of each in f32
 * arithmetic. They are Chebyshev interpolants: the polynomial through a function's values at the Chebyshev nodes of an
 * interval, written in powers of its variable, lowest first. Quotients of two polynomials are fitted by least squares,
 * with weights that grow where the error is largest (Lawson 1961), the denominator of the last round taken as known
 * (Sanathanan and Koerner 1963).
 */
import { erf } from "../dist/src/ir/ops/math.js";

const round = Math.fround;

/** Power-basis coefficients of the interpolant of degree `degree` to `f` on [low, high]. */
function interpolate(f, low, high, degree) {
  const count = degree + 1;
  const angles = Array.from({ length: count }, (_, k) => (Math.PI * (k + 0.5)) / count);
  const values = angles.map((angle) => f(low + ((high - low) * (Math.cos(angle) + 1)) / 2));
  const series = angles.map((_, j) => {
    const sum = values.reduce((total, value, k) => total + value * Math.cos(j * angles[k]), 0);
    return ((j === 0 ? 1 : 2) * sum) / count;
  });

  // T0 = 1, T1 = t, Tn = 2 t Tn-1 - Tn-2, summed in powers of t.
  const inT = new Array(count).fill(0);
  let [last, next] = [[1], [0, 1]];
  for (const weight of series) {
    for (const [i, c] of last.entries()) inT[i] += weight * c;
    const after = [0, ...next.map((c) => 2 * c)];
    for (const [i, c] of last.entries()) after[i] -= c;
    [last, next] = [next, after];
  }

  // t = scale * s + shift, substituted by Horner's rule on polynomials.
  const scale = 2 / (high - low);
  const shift = -(low + high) / (high - low);
  const inS = inT.reduceRight((result, c) => {
    const grown = new Array(result.length + 1).fill(0);
    for (const [i, r] of result.entries()) {
      grown[i] += r * shift;
      grown[i + 1] += r * scale;
    }
    grown[0] += c;
    return grown;
  }, []);
  return inS.slice(0, count).map((c) => Number(round(c).toPrecision(10)));
}

/** The `x` that minimizes |Ax - b|, by Gram-Schmidt applied twice. */
function leastSquares(a, b) {
  const q = a[0].map((_, j) => a.map((row) => row[j]));
  const dot = (u, v) => u.reduce((sum, value, i) => sum + value * v[i], 0);
  const r = q.map(() => new Array(q.length).fill(0));
  for (const [j, column] of q.entries()) {
    for (const i of [...Array(j).keys(), ...Array(j).keys()]) {
      const part = dot(q[i], column);
      r[i][j] += part;
      for (const [k, value] of q[i].entries()) column[k] -= part * value;
    }
    r[j][j] = Math.sqrt(dot(column, column));
    for (const k of column.keys()) column[k] /= r[j][j];
  }
  const x = q.map((column) => dot(column, b));
  for (let j = x.length - 1; j >= 0; j--) {
    for (let i = j + 1; i < x.length; i++) x[j] -= r[j][i] * x[i];
    x[j] /= r[j][j];
  }
  return x;
}

/** Coefficients of P, then of Q without its constant term 1, for x P(x^2) / Q(x^2) near the odd `f` on [0, high]. */
function rationalFit(f, high, degreeP, degreeQ) {
  const points = Array.from({ length: 400 }, (_, k) => (high * (1 - Math.cos((Math.PI * (k + 0.5)) / 400))) / 2);
  const squares = points.map((x) => (x / high) ** 2);
  const values = points.map((x) => f(x) / x);
  const powers = (s, from, to) => Array.from({ length: to - from + 1 }, (_, i) => s ** (from + i));
  const at = (c, s) => c.reduceRight((sum, value) => sum * s + value, 0);
  let weights = points.map(() => 1);
  let below = points.map(() => 1);
  let best = { error: Infinity, coefficients: [] };
  for (let pass = 0; pass < 60; pass++) {
    const scale = weights.map((weight, k) => weight / (below[k] * values[k]));
    const rows = squares.map((s, k) => [
      ...powers(s, 0, degreeP).map((power) => scale[k] * power),
      ...powers(s, 1, degreeQ).map((power) => -scale[k] * values[k] * power),
    ]);
    const found = leastSquares(
      rows,
      values.map((value, k) => scale[k] * value),
    );
    const [p, q] = [found.slice(0, degreeP + 1), [1, ...found.slice(degreeP + 1)]];
    const errors = squares.map((s, k) => Math.abs(at(p, s) / at(q, s) / values[k] - 1));
    const error = Math.max(...errors);
    if (error < best.error) best = { error, coefficients: [p, q.slice(1)] };
    below = squares.map((s) => at(q, s));
    weights = weights.map((weight, k) => weight * Math.sqrt(errors[k] / error + 0.02));
    const most = Math.max(...weights);
    weights = weights.map((weight) => weight / most);
  }
  const inX = (list, from) => list.map((c, i) => Number(round(c / high ** (2 * (i + from))).toPrecision(10)));
  return [...inX(best.coefficients[0], 0), ...inX(best.coefficients[1], 1)];
}

function horner(coefficients, s) {
  return coefficients.reduceRight((sum, c) => round(round(sum * s) + round(c)), 0);
}

/** exp(x^2) * erfc(x). */
function scaledErfc(x) {
  if (x < 2.5) return (1 - erf(x)) * Math.exp(x * x);
  let tail = x;
  for (let n = 120; n > 0; n--) tail = x + n / 2 / tail;
  return 1 / (Math.sqrt(Math.PI) * tail);
}

/** f(x) / x as a function of s = x^2, with its limit at 0. */
const oddIn = (f, limit) => (s) => (s === 0 ? limit : f(Math.sqrt(s)) / Math.sqrt(s));
const relative = (got, exact) => Math.abs(got / exact - 1);
const absolute = (got, exact) => Math.abs(got - exact);
const inverse = (x) => 1 / (1 + 0.55 * x);
/** (pi / 4)^2, slightly enlarged for the rounding of the reduced argument. */
const quarter = (Math.PI / 4) ** 2 * 1.02;

/** Each entry: the function to interpolate and its interval, how the result is used, and over which x it is judged. */
const fits = {
  erfNear: {
    coefficients: interpolate(oddIn(erf, 2 / Math.sqrt(Math.PI)), 0, 1, 7),
    use: (c, x) => round(x * horner(c, round(x * x))),
    exact: erf,
    error: relative,
    range: [1e-4, 1],
  },
  erfcCoefficients: {
    coefficients: interpolate((t) => scaledErfc((1 / t - 1) / 0.55), inverse(4), inverse(0), 6),
    use: (c, x) => round(round(0.5 * round(Math.exp(-round(x * x)))) * horner(c, round(inverse(x)))),
    exact: (x) => 0.5 * scaledErfc(x) * Math.exp(-x * x),
    // Half of erfc is the normal distribution's tail, which GELU multiplies by x.
    error: (got, exact, x) => Math.max(1, x) * absolute(got, exact),
    range: [0, 6],
  },
  atanCoefficients: {
    coefficients: interpolate(oddIn(Math.atan, 1), 0, 1, 9),
    use: (c, x) => round(x * horner(c, round(x * x))),
    exact: Math.atan,
    error: relative,
    range: [1e-4, 1],
  },
  tanhCoefficients: {
    coefficients: rationalFit(Math.tanh, 9, 4, 4),
    use: (c, x) => {
      const s = round(x * x);
      return round(round(x * horner(c.slice(0, 5), s)) / horner([1, ...c.slice(5)], s));
    },
    exact: Math.tanh,
    error: relative,
    range: [1e-4, 9],
  },
  sinCoefficients: {
    coefficients: interpolate(oddIn(Math.sin, 1), 0, quarter, 4),
    use: (c, x) => round(x * horner(c, round(x * x))),
    exact: Math.sin,
    error: relative,
    range: [1e-4, Math.PI / 4],
  },
  cosCoefficients: {
    coefficients: interpolate((s) => Math.cos(Math.sqrt(s)), 0, quarter, 4),
    use: (c, x) => horner(c, round(x * x)),
    exact: Math.cos,
    error: relative,
    range: [1e-4, Math.PI / 4],
  },
};

function largestError({ coefficients: c, use, exact, error, range: [low, high] }) {
  const points = Array.from({ length: 10_001 }, (_, i) => round(low + ((high - low) * i) / 10_000));
  return points.reduce((most, x) => Math.max(most, error(use(c, x), exact(x), x)), 0);
}

for (const [name, fit] of Object.entries(fits)) {
  const kind = fit.error === relative ? "relative" : "absolute";
  console.log(`${name}: ${largestError(fit).toExponential(1)} ${kind}\n  ${fit.coefficients.join(", ")}`);
}
