/**
 * Derivatives of elementwise ops: the column `vjp` of their rows. `y` is the result, `dy` its cotangent.
 *
 * Where a formula has parts that overflow or cancel, its order is that in which they do not: ((dy y) y) y stays between dy
 * and the result, y^3 does not. At a jump of the derivative the side is said; minima and maxima of equals share `dy`.
 */

import type { Attributes, Value } from "../ir.ts";
import { isFloat } from "../types.ts";
import type { ElementwiseName } from "./elementwise.ts";
import { sqrtTwoOverPi } from "./math.ts";
import type { Adjoint, Pullback, Terms, Vjp } from "./vjp.ts";

interface At {
  readonly x: Value;
  readonly y: Value;
  readonly dy: Value;
  readonly attributes: Attributes;
}
interface AtPair extends At {
  readonly a: Value;
  readonly b: Value;
  readonly c: Value;
}

type Formula<T> = (t: Terms, at: T) => Value;

const named = ({ operands, results, cotangents, attributes }: Adjoint): AtPair => {
  const [x, b, c] = operands as [Value, Value, Value];
  return { x, a: x, b, c, y: results[0] as Value, dy: cotangents[0] as Value, attributes };
};
const pullback =
  (formula: Formula<AtPair>): Pullback =>
  (at) =>
    formula(at.terms, named(at));

const of = (formula: Formula<At>): Vjp => ({ by: [pullback(formula)] });
const ofEach = (...formulas: readonly (Formula<AtPair> | null)[]): Vjp => ({
  by: formulas.map((formula) => formula && pullback(formula)),
});

const jumps: Vjp = { none: "it jumps, and is constant everywhere else" };
const logical: Vjp = { by: [null, null] };

const alpha = (attributes: Attributes) => attributes.alpha as number;

/** dy for the larger one (`gt`) or the smaller one (`lt`) of two; equals share it. */
const chosen = (t: Terms, comparison: "gt" | "lt", dy: Value, own: Value, other: Value) =>
  t.where(t[comparison](own, other), dy, t.where(t.eq(own, other), t.mul(dy, 0.5), 0));

const numberOf = ({ def }: Value) => (def?.name === "constant" ? (def.attributes.value as number) : undefined);

/**
 * GELU's derivative: Phi(x) + x phi(x), with phi(x) = exp(-x^2/2) / sqrt(2 pi), or for t = tanh(u), u = s (x + k x^3):
 * (1 + t) / 2 + x (1 - t^2) u' / 2, u' = s (1 + 3 k x^2). With (1 - t^2) first nothing overflows where it is 0.
 */
function gelu(t: Terms, { x, dy, attributes }: At): Value {
  if (attributes.approximate === "none") {
    const u = t.mul(x, Math.SQRT1_2);
    const density = t.mul(t.exp(t.neg(t.mul(u, u))), 1 / Math.sqrt(Math.PI));
    return t.mul(dy, t.fma(u, density, t.mul(t.add(t.erf(u), 1), 0.5)));
  }
  const square = t.mul(t.mul(x, x), 0.044715);
  const tanh = t.tanh(t.mul(t.add(x, t.mul(square, x)), sqrtTwoOverPi));
  const slope = t.mul(t.mul(t.sub(1, t.mul(tanh, tanh)), x), sqrtTwoOverPi / 2);
  const curved = t.mul(t.mul(t.mul(t.mul(slope, x), x), 0.044715), 3);
  return t.mul(dy, t.add(t.mul(t.add(tanh, 1), 0.5), t.add(slope, curved)));
}

/** b a^(b - 1); 0 for b = 0. */
function powerOfBase(t: Terms, { a, b, dy }: AtPair): Value {
  const exponent = numberOf(b);
  if (exponent === 0) return t.mul(dy, 0);
  if (exponent === 1) return dy;
  if (exponent === 2) return t.mul(t.mul(dy, 2), a);
  const rest = exponent === undefined ? t.sub(b, 1) : exponent - 1;
  return t.mul(t.mul(dy, b), t.pow(a, rest));
}

/** a^b log(a); 0 where a is not above 0, where b -> a^b has no derivative. */
function powerOfExponent(t: Terms, { a, y, dy }: AtPair): Value {
  const base = numberOf(a);
  if (base !== undefined && base > 0) return t.mul(t.mul(dy, y), Math.log(base));
  const isAbove = t.gt(a, 0);
  return t.where(isAbove, t.mul(t.mul(dy, y), t.log(t.where(isAbove, a, 1))), 0);
}

export const elementwiseVjps: { readonly [Name in ElementwiseName]: Vjp } = {
  neg: of((t, { dy }) => t.neg(dy)),
  // sign(x), 0 at 0.
  abs: of((t, { x, dy }) => t.mul(dy, t.stop_gradient(t.sign(x)))),
  sign: jumps,
  sqrt: of((t, { y, dy }) => t.div(t.mul(dy, 0.5), y)),
  // -1/2 y^3.
  rsqrt: of((t, { y, dy }) => t.mul(t.mul(t.mul(t.mul(dy, -0.5), y), y), y)),
  reciprocal: of((t, { y, dy }) => t.neg(t.mul(t.mul(dy, y), y))),
  square: of((t, { x, dy }) => t.mul(t.mul(dy, 2), x)),
  exp: of((t, { y, dy }) => t.mul(dy, y)),
  exp2: of((t, { y, dy }) => t.mul(t.mul(dy, y), Math.LN2)),
  log: of((t, { x, dy }) => t.div(dy, x)),
  log2: of((t, { x, dy }) => t.div(t.mul(dy, 1 / Math.LN2), x)),
  log1p: of((t, { x, dy }) => t.div(dy, t.add(x, 1))),
  // exp(x) and not y + 1, which is 0 too early.
  expm1: of((t, { x, dy }) => t.mul(dy, t.exp(x))),
  pow2_scale: jumps,
  sin: of((t, { x, dy }) => t.mul(dy, t.cos(x))),
  cos: of((t, { x, dy }) => t.neg(t.mul(dy, t.sin(x)))),
  tan: of((t, { y, dy }) => t.mul(dy, t.add(t.mul(y, y), 1))),
  tanh: of((t, { y, dy }) => t.mul(dy, t.sub(1, t.mul(y, y)))),
  erf: of((t, { x, dy }) => t.mul(t.mul(dy, 2 / Math.sqrt(Math.PI)), t.exp(t.neg(t.mul(x, x))))),
  sigmoid: of((t, { y, dy }) => t.mul(t.mul(dy, y), t.sub(1, y))),
  // 0 at 0.
  relu: of((t, { x, dy }) => t.where(t.gt(x, 0), dy, 0)),
  gelu: of(gelu),
  // s + y (1 - s), with s = sigmoid(x).
  silu: of((t, { x, y, dy }) => {
    const s = t.sigmoid(x);
    return t.mul(dy, t.fma(y, t.sub(1, s), s));
  }),
  softplus: of((t, { x, dy }) => t.mul(dy, t.sigmoid(x))),
  // The exponential only of what is not above 0: that of a large x would be infinite, and 0 inf is NaN.
  elu: of((t, { x, dy, attributes }) =>
    t.where(t.gt(x, 0), dy, t.mul(t.mul(dy, alpha(attributes)), t.exp(t.minimum(x, 0)))),
  ),
  leaky_relu: of((t, { x, dy, attributes }) => t.where(t.gt(x, 0), dy, t.mul(dy, alpha(attributes)))),
  // (2 x + 3) / 6 between -3 and 3.
  hardswish: of((t, { x, dy }) => {
    const u = t.add(x, 3);
    return t.where(t.le(u, 0), 0, t.where(t.ge(u, 6), dy, t.mul(dy, t.div(t.add(x, u), 6))));
  }),
  floor: jumps,
  ceil: jumps,
  round: jumps,
  trunc: jumps,
  stop_gradient: { by: [null] },
  not: { by: [null] },
  // Between floats; integers have no derivative.
  cast: {
    by: [
      ({ terms, operands: [x], cotangents: [dy] }) => {
        const { element } = x as Value;
        return isFloat(element) && element !== dy?.element ? terms.op("cast", [dy], { to: element }) : (dy as Value);
      },
    ],
  },
  add: ofEach(
    (_, { dy }) => dy,
    (_, { dy }) => dy,
  ),
  sub: ofEach(
    (_, { dy }) => dy,
    (t, { dy }) => t.neg(dy),
  ),
  mul: ofEach(
    (t, { b, dy }) => t.mul(dy, b),
    (t, { a, dy }) => t.mul(dy, a),
  ),
  div: ofEach(
    (t, { b, dy }) => t.div(dy, b),
    (t, { b, y, dy }) => t.neg(t.mul(t.div(dy, b), y)),
  ),
  // a - b trunc(a / b).
  rem: ofEach(
    (_, { dy }) => dy,
    (t, { a, b, dy }) => t.neg(t.mul(dy, t.stop_gradient(t.trunc(t.div(a, b))))),
  ),
  pow: ofEach(powerOfBase, powerOfExponent),
  minimum: ofEach(
    (t, { a, b, dy }) => chosen(t, "lt", dy, a, b),
    (t, { a, b, dy }) => chosen(t, "lt", dy, b, a),
  ),
  maximum: ofEach(
    (t, { a, b, dy }) => chosen(t, "gt", dy, a, b),
    (t, { a, b, dy }) => chosen(t, "gt", dy, b, a),
  ),
  // b / (a^2 + b^2) and -a / (a^2 + b^2).
  atan2: ofEach(
    (t, { a, b, dy }) => t.div(t.mul(dy, b), t.fma(a, a, t.mul(b, b))),
    (t, { a, b, dy }) => t.neg(t.div(t.mul(dy, a), t.fma(a, a, t.mul(b, b)))),
  ),
  eq: logical,
  ne: logical,
  lt: logical,
  le: logical,
  gt: logical,
  ge: logical,
  and: logical,
  random_bits: { by: [null, null, null] },
  or: logical,
  where: ofEach(
    null,
    (t, { x, dy }) => t.where(x, dy, 0),
    (t, { x, dy }) => t.where(x, 0, dy),
  ),
  // min(max(x, lo), hi): x at the limits themselves, hi where lo is above it.
  clamp: ofEach(
    (t, { x, b, c, dy }) => t.where(t.and(t.ge(x, b), t.le(x, c)), dy, 0),
    (t, { x, b, c, dy }) => t.where(t.and(t.lt(x, b), t.le(b, c)), dy, 0),
    (t, { x, b, c, dy }) => t.where(t.gt(t.maximum(x, b), c), dy, 0),
  ),
  fma: ofEach(
    (t, { b, dy }) => t.mul(dy, b),
    (t, { a, dy }) => t.mul(dy, a),
    (_, { dy }) => dy,
  ),
};
