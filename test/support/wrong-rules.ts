/** Rules of the column `vjp` with one typical mistake each. */

import type { Value } from "../../src/ir/ir.ts";
import type { OpName } from "../../src/ir/ops/index.ts";
import type { Adjoint, Pullback, Terms, Vjp } from "../../src/ir/ops/vjp.ts";

interface WrongRule {
  readonly op: OpName;
  /** Its mistake. */
  readonly what: string;
  readonly vjp: Vjp;
}

interface At {
  readonly x: Value;
  readonly b: Value;
  readonly y: Value;
  readonly dy: Value;
  readonly axes: readonly number[];
}

const by =
  (formula: (t: Terms, at: At) => Value): Pullback =>
  ({ operands, results, cotangents, attributes, terms }: Adjoint) =>
    formula(terms, {
      x: operands[0] as Value,
      b: operands[1] as Value,
      y: results[0] as Value,
      dy: cotangents[0] as Value,
      axes: attributes.axes as number[],
    });

const rule = (op: OpName, what: string, ...formulas: readonly ((t: Terms, at: At) => Value)[]): WrongRule => ({
  op,
  what,
  vjp: { by: formulas.map(by) },
});

const same = (_: Terms, { dy }: At) => dy;
const repeated = (t: Terms, { x, dy, axes }: At) => t.repeat(t.kept(dy, x.shape, axes), x.shape);
/** x^ and r of a root mean square. */
const scaled = (t: Terms, x: Value, axes: readonly number[], eps: number) => {
  const r = t.rsqrt(t.add(t.mean(t.mul(x, x), axes), eps));
  return { r, row: t.mul(x, r) };
};
const gammaOf = (t: Terms, { b, dy }: At) => (b === undefined ? dy : t.mul(dy, b));

export const wrongRules: readonly WrongRule[] = [
  rule("neg", "keeps the sign", same),
  rule("cos", "loses the sign", (t, { x, dy }) => t.mul(dy, t.sin(x))),
  rule("tanh", "1 - y for 1 - y^2", (t, { y, dy }) => t.mul(dy, t.sub(1, y))),
  rule("exp2", "lacks log(2)", (t, { y, dy }) => t.mul(dy, y)),
  rule("log2", "lacks 1 / log(2)", (t, { x, dy }) => t.div(dy, x)),
  rule("sqrt", "lacks the half", (t, { y, dy }) => t.div(dy, y)),
  rule("rsqrt", "y^2 for y^3", (t, { y, dy }) => t.mul(t.mul(t.mul(dy, -0.5), y), y)),
  rule("gelu", "leaves out x phi(x)", (t, { x, dy }) => t.mul(dy, t.mul(t.add(t.erf(t.mul(x, Math.SQRT1_2)), 1), 0.5))),
  rule("silu", "leaves out y (1 - s)", (t, { x, dy }) => t.mul(dy, t.sigmoid(x))),
  rule("relu", "passes all", same),
  rule("elu", "does not multiply with alpha", (t, { x, dy }) =>
    t.where(t.gt(x, 0), dy, t.mul(dy, t.exp(t.minimum(x, 0)))),
  ),
  rule("sub", "keeps the sign of b", same, same),
  rule(
    "mul",
    "exchanges the operands",
    (t, { x, dy }) => t.mul(dy, x),
    (t, { b, dy }) => t.mul(dy, b),
  ),
  rule(
    "div",
    "dy x / b for dy x / b^2",
    (t, { b, dy }) => t.div(dy, b),
    (t, { x, b, dy }) => t.neg(t.div(t.mul(dy, x), b)),
  ),
  rule(
    "maximum",
    "exchanges the operands",
    (t, { x, b, dy }) => t.where(t.gt(b, x), dy, 0),
    (t, { x, b, dy }) => t.where(t.gt(x, b), dy, 0),
  ),
  rule(
    "pow",
    "lacks the exponent",
    (t, { x, b, dy }) => t.mul(dy, t.pow(x, t.sub(b, 1))),
    (t, { x, y, dy }) => t.mul(t.mul(dy, y), t.log(x)),
  ),
  rule("mean", "lacks 1 / n", repeated),
  rule("max", "passes to every element", repeated),
  rule("var", "lacks the 2", (t, { x, dy, axes }) =>
    t.mul(t.div(t.kept(dy, x.shape, axes), t.count(x.shape, axes, dy)), t.center(x, axes)),
  ),
  rule("prod", "takes y for y / x", (t, { x, y, dy, axes }) =>
    t.mul(t.kept(dy, x.shape, axes), t.repeat(t.kept(y, x.shape, axes), x.shape)),
  ),
  rule("center", "passes the mean", same),
  rule("softmax", "takes the mean for the sum", (t, { y, dy, axes }) =>
    t.mul(y, t.sub(dy, t.mean(t.mul(dy, y), axes))),
  ),
  rule("log_softmax", "y for exp(y)", (t, { y, dy, axes }) => t.sub(dy, t.mul(y, t.sum(dy, axes)))),
  rule("rmsnorm", "takes the scale for a constant", (t, at) => t.mul(scaled(t, at.x, at.axes, 0.5).r, gammaOf(t, at))),
  rule("rmsnorm", "forgets gamma", (t, { x, dy, axes }) => {
    const { r, row } = scaled(t, x, axes, 0.5);
    return t.mul(r, t.sub(dy, t.mul(row, t.mean(t.mul(dy, row), axes))));
  }),
  rule("layernorm", "does not center the cotangent", (t, at) => {
    const { r, row } = scaled(t, t.center(at.x, at.axes), at.axes, 0.5);
    const g = gammaOf(t, at);
    return t.mul(r, t.sub(g, t.mul(row, t.mean(t.mul(g, row), at.axes))));
  }),
  rule("l2norm", "takes the mean for the sum", (t, { x, dy, axes }) => {
    const r = t.rsqrt(t.add(t.sum(t.mul(x, x), axes), 0.5));
    const row = t.mul(x, r);
    return t.mul(r, t.sub(dy, t.mul(row, t.mean(t.mul(dy, row), axes))));
  }),
  rule("transpose", "permutes instead of taking back", (t, { dy, x }) =>
    t.reshape(t.transpose(dy, [2, 0, 1]), x.shape),
  ),
  rule("broadcast", "means for sums", (t, { x, dy }) => t.reshape(t.mean(dy, [-3, -1]), x.shape)),
  rule(
    "linear",
    "multiplies elementwise",
    (t, { x, dy }) => t.mul(t.sum(dy, [-1]), x),
    (t, { b, dy }) => t.mul(b, t.sum(dy, [-1])),
  ),
  rule("stop_gradient", "passes the gradient", same),
];
