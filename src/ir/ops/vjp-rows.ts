/**
 * Derivatives of reductions and norms: the column `vjp` of their rows.
 *
 * Norms have closed forms, over rows of n elements; x^ is the normalized row, r the factor that normalizes it, g = dy gamma:
 *
 *   rmsnorm     dx = r (g - x^ mean(g x^))                      dgamma = sum over rows of dy x^
 *   layernorm   dx = r (P g - x^ mean(P g x^)), P a centering   dbeta = sum over rows of dy
 *   softmax     dx = y (dy - sum(dy y))
 *
 * There is no r^3, which is 0 in f32 for variances of 1e28, and no mean(g) beside g: of a constant g the centering makes
 * exactly 0. Where a row has as many elements as make x^ parallel to g (one; two that are centered), the difference is
 * written out: 1 - mean(x^ x^) = eps r^2.
 */

import type { Attributes, Value } from "../ir.ts";
import { type Dim, type Shape, sameShape } from "../types.ts";
import { attribute, type NormDef } from "./def.ts";
import type { NormName } from "./norms.ts";
import type { ReductionName } from "./reductions.ts";
import type { Adjoint, Terms, Vjp } from "./vjp.ts";

/** A reduction whose result of this number has the cotangent `dy`; `y` and `dy` keep the axes that it folds. */
interface Folded {
  readonly x: Value;
  readonly y: Value;
  readonly dy: Value;
  readonly axes: readonly number[];
  readonly attributes: Attributes;
}

type ReductionFormula = (t: Terms, at: Folded) => Value;

/** The sum over the results of what each one's cotangent becomes. */
const folding = (...formulas: readonly ReductionFormula[]): Vjp => ({
  by: [
    ({ operands, results, cotangents, attributes, terms: t }) => {
      const x = operands[0] as Value;
      const axes = attribute.axes(attributes);
      const parts = formulas.flatMap((formula, i) => {
        const [y, dy] = [results[i] as Value, cotangents[i]];
        if (dy === undefined) return [];
        const at = { x, y: t.kept(y, x.shape, axes), dy: t.kept(dy, x.shape, axes), axes, attributes };
        return [t.repeat(formula(t, at), x.shape)];
      });
      return parts.reduce((a, b) => t.add(a, b));
    },
  ],
});

const mean: ReductionFormula = (t, { x, dy, axes }) => t.div(dy, t.count(x.shape, axes, dy));

/** 2 (x - mean(x)) / (n - correction). */
const variance: ReductionFormula = (t, { x, dy, axes, attributes }) => {
  const count = t.count(x.shape, axes, dy);
  const correction = attribute.number(attributes, "correction");
  const divisor = typeof count === "number" ? count - correction : correction === 0 ? count : t.sub(count, correction);
  return t.mul(t.div(t.mul(dy, 2), divisor), t.center(x, axes));
};

/** dy where x is the largest or smallest element; equals share it. */
const extreme: ReductionFormula = (t, { x, y, dy, axes }) => {
  const isIt = t.eq(x, y);
  const ones = t.where(isIt, t.number(1, dy), t.number(0, dy));
  return t.where(isIt, t.div(dy, t.sum(ones, axes)), 0);
};

/** The product of the others: y / x, and where one element is 0, at that one the product without it. */
const productOf: ReductionFormula = (t, { x, y, dy, axes }) => {
  const isZero = t.eq(x, 0);
  const zeros = t.sum(t.where(isZero, t.number(1, dy), t.number(0, dy)), axes);
  const others = t.where(isZero, t.number(1, dy), x);
  const rest = t.op("prod", [others], { axes, keepdims: true });
  const atZero = t.where(t.eq(zeros, 1), rest, 0);
  return t.mul(dy, t.where(isZero, atZero, t.div(y, others)));
};

export const reductionVjps: { readonly [Name in ReductionName]: Vjp } = {
  sum: folding((_, { dy }) => dy),
  mean: folding(mean),
  max: folding(extreme),
  min: folding(extreme),
  prod: folding(productOf),
  var: folding(variance),
  moments: folding(mean, variance),
  // (x - mean(x)) / (y (n - correction)).
  std: folding((t, at) => variance(t, { ...at, dy: t.div(t.mul(at.dy, 0.5), at.y) })),
  // dy softmax(x).
  logsumexp: folding((t, { x, dy, axes }) => t.mul(dy, t.op("softmax", [x], { axes }))),
  // Places are whole numbers, through which no gradient goes.
  argmax: { by: [null] },
  argmin: { by: [null] },
};

/** A row of a norm: `x` in the shape of rows and columns, and the cotangent of the row before gamma and beta. */
interface RowOf {
  readonly x: Value;
  readonly g: Value;
  readonly axes: readonly number[];
  readonly eps: number;
  /** How many elements it has, where that is known. */
  readonly width: number | undefined;
}

/** A row that is scaled by one number, which is computed from it: x^ = x r. */
interface ScaledRow {
  readonly x: Value;
  readonly r: Value;
  readonly row: Value;
}

type Statistic = "mean" | "sum";

/** r and x^ for the mean or the sum of squares. */
function scaled(t: Terms, x: Value, { axes, eps }: RowOf, statistic: Statistic, name: string): ScaledRow {
  const square = t[statistic](t.mul(x, x), axes);
  const r = t.op("rsqrt", [eps === 0 ? square : t.add(square, eps)], {}, name);
  return { x, r, row: t.mul(x, r) };
}

/** r (g - x^ statistic(g x^)); of rows that have one direction only, g r (eps r^2). */
function throughScaling(
  t: Terms,
  { r, row }: ScaledRow,
  g: Value,
  at: RowOf,
  statistic: Statistic,
  single: number,
): Value {
  if (at.width === single) return t.mul(t.mul(g, r), t.mul(t.mul(r, at.eps), r));
  return t.mul(r, t.sub(g, t.mul(row, t[statistic](t.mul(g, row), at.axes))));
}

const standardized = (t: Terms, at: RowOf) => scaled(t, t.center(at.x, at.axes), at, "mean", "rstd");
const rootMeanSquare = (t: Terms, at: RowOf) => scaled(t, at.x, at, "mean", "rrms");

interface NormFormulas {
  /** The cotangent of the operand. */
  readonly byX: (t: Terms, at: RowOf) => Value;
  /** The row that gamma multiplies, of a norm that takes one. */
  readonly row?: (t: Terms, at: RowOf) => Value;
}

const layernorm: NormFormulas = {
  byX: (t, at) => throughScaling(t, standardized(t, at), t.center(at.g, at.axes), at, "mean", 2),
  row: (t, at) => standardized(t, at).row,
};

const formulas: { readonly [Name in NormName]: NormFormulas } = {
  layernorm,
  groupnorm: layernorm,
  rmsnorm: {
    byX: (t, at) => throughScaling(t, rootMeanSquare(t, at), at.g, at, "mean", 1),
    row: (t, at) => rootMeanSquare(t, at).row,
  },
  l2norm: { byX: (t, at) => throughScaling(t, scaled(t, at.x, at, "sum", "rnorm"), at.g, at, "sum", 1) },
  // A centering is its own transpose.
  center: { byX: (t, { g, axes }) => t.center(g, axes) },
  softmax: {
    byX: (t, { x, g, axes }) => {
      const y = t.op("softmax", [x], { axes });
      return t.mul(y, t.sub(g, t.sum(t.mul(g, y), axes)));
    },
  },
  log_softmax: { byX: (t, { x, g, axes }) => t.sub(g, t.mul(t.op("softmax", [x], { axes }), t.sum(g, axes))) },
};

/** gamma or beta where it lies along the rows; as it is where NumPy's rules say that already. */
const alongRows = (t: Terms, affine: Value, view: Shape) =>
  view.slice(0, -affine.shape.length).every((dim) => dim === 1) &&
  sameShape(view.slice(-affine.shape.length), affine.shape)
    ? affine
    : t.reshape(affine, view);

/** The product of extents, where all are numbers. */
const product = (dims: Shape) =>
  dims.every((dim) => typeof dim === "number")
    ? dims.reduce<number>((all, dim) => all * (dim as number), 1)
    : undefined;

/** The derivatives by x, gamma and beta of a norm. */
export function normVjp(name: NormName, def: Pick<NormDef, "view" | "operands" | "attributes">): Vjp {
  const { byX, row } = formulas[name];
  const seen = ({ operands, cotangents, attributes, terms: t }: Adjoint) => {
    const [x, gamma, beta] = operands as [Value, Value | undefined, Value | undefined];
    const { view, axes, affineView } = def.view(x.shape, attributes);
    const dy = t.reshape(cotangents[0] as Value, view);
    const g = gamma === undefined ? dy : t.mul(dy, alongRows(t, gamma, affineView));
    const eps = "eps" in def.attributes ? attribute.number(attributes, "eps") : 0;
    const width = product(axes.map((axis) => view.at(axis) as Dim));
    const affine = (of: Value, by: Value) => {
      const lying = alongRows(t, of, affineView);
      return t.reshape(t.summedTo(by, lying.shape), of.shape);
    };
    return { x, gamma, beta, dy, affine, rows: { x: t.reshape(x, view), g, axes, eps, width } };
  };
  return {
    by: [
      (at: Adjoint) => {
        const { x, rows } = seen(at);
        return at.terms.reshape(byX(at.terms, rows), x.shape);
      },
      (at: Adjoint) => {
        const { gamma, dy, rows, affine } = seen(at);
        return affine(gamma as Value, at.terms.mul(dy, row?.(at.terms, rows) as Value));
      },
      (at: Adjoint) => {
        const { beta, dy, affine } = seen(at);
        return affine(beta as Value, dy);
      },
    ].slice(0, def.operands.length),
  };
}
