/**
 * Derivatives of norms, for the rows in `norms.ts`.
 *
 * They have closed forms, over rows of n elements; x^ is the normalized row, r the factor that normalizes it,
 * g = dy gamma:
 *
 *   rmsnorm     dx = r (g - x^ mean(g x^))                      dgamma = sum over rows of dy x^
 *   layernorm   dx = r (P g - x^ mean(P g x^)), P a centering   dbeta = sum over rows of dy
 *   softmax     dx = y (dy - sum(dy y))
 *
 * There is no r^3, which is 0 in f32 for variances of 1e28, and no separate mean(g): the centering makes a constant g
 * exactly 0. If a row has so few elements that x^ is parallel to g (one, or two that are centered), the difference is
 * written out: 1 - mean(x^ x^) = eps r^2.
 */

import type { Value } from "../ir.ts";
import { type Dim, type Shape, sameShape } from "../types.ts";
import { attribute } from "./attributes.ts";
import type { NormDef } from "./def.ts";
import type { Adjoint, Terms, Vjp } from "./vjp.ts";

/** A row of a norm: `x` in the shape of rows and columns, and the cotangent of the row before gamma and beta. */
export interface RowOf {
  readonly x: Value;
  readonly g: Value;
  readonly axes: readonly number[];
  readonly eps: number;
  /** The number of elements, if known. */
  readonly width: number | undefined;
}

/** A row scaled by a number that is computed from it: x^ = x r. */
interface ScaledRow {
  readonly r: Value;
  readonly row: Value;
}

type Statistic = "mean" | "sum";

/** r and x^ for the mean or the sum of squares. */
export function scaled(t: Terms, x: Value, { axes, eps }: RowOf, statistic: Statistic, name: string): ScaledRow {
  const square = t[statistic](t.mul(x, x), axes);
  const r = t.op("rsqrt", [eps === 0 ? square : t.add(square, eps)], {}, name);
  return { r, row: t.mul(x, r) };
}

/** r (g - x^ statistic(g x^)); for rows that have only one direction, g r (eps r^2). */
export function throughScaling(
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

/** How gradients are propagated through a row. */
export interface RowGradient {
  /** The cotangent of the operand. */
  readonly byX: (t: Terms, at: RowOf) => Value;
  /** The row that gamma multiplies, for a norm that has gamma. */
  readonly row?: (t: Terms, at: RowOf) => Value;
}

/** gamma or beta in a shape that broadcasts along the rows; unchanged if it already does. */
const alongRows = (t: Terms, affine: Value, view: Shape) =>
  view.slice(0, -affine.shape.length).every((dim) => dim === 1) &&
  sameShape(view.slice(-affine.shape.length), affine.shape)
    ? affine
    : t.reshape(affine, view);

/** The product of extents, if all are numbers. */
const product = (dims: Shape) =>
  dims.every((dim) => typeof dim === "number")
    ? dims.reduce<number>((all, dim) => all * (dim as number), 1)
    : undefined;

/** The derivatives of a norm by x, gamma and beta. */
export function normVjp({ byX, row }: RowGradient, def: Pick<NormDef, "view" | "operands" | "attributes">): Vjp {
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
