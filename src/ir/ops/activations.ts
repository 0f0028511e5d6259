/** Rows of the op table for the activation functions of neural networks. */

import {
  add,
  call,
  divide,
  type Expression,
  library as libraryCall,
  multiply,
  negate,
  select,
} from "../../kernel/expression.ts";
import type { Algebra } from "../field/algebra.ts";
import type { Elements } from "../field/prime.ts";
import type { Value } from "../ir.ts";
import { type AttributeDefs, attribute } from "./attributes.ts";
import { type KernelContext, signed } from "./def.ts";
import { type At, above, atMost, by, unary } from "./elementwise.ts";
import { normalCdf, sqrtTwoOverPi } from "./math.ts";
import { absolute, exactly, growing, plus, ulps } from "./numerics.ts";
import type { Terms } from "./vjp.ts";

const logistic = (x: number) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));
const logisticIn = (field: Algebra, x: Elements) =>
  field.reciprocal(field.add(field.integer(1), field.exp(field.neg(x))));

export const sigmoid = unary({
  summary: "`1 / (1 + exp(-x))`.",
  cost: "high",
  scalar: logistic,
  kernel: ([x]) => divide(1, add(1, libraryCall("exp", negate(x)))),
  numerics: { error: growing(6), special: "nan 1 0 0.5" },
  exact: (field, [x]) => logisticIn(field, x),
  vjp: by((t, { y, dy }) => t.mul(t.mul(dy, y), t.sub(1, y))),
});

export const silu = unary({
  summary: "`x * sigmoid(x)`, also called swish.",
  cost: "high",
  scalar: (x) => x * logistic(x),
  // WGSL's own exp is enough: whatever it makes of NaN is multiplied by x.
  kernel: ([x]) => divide(x, add(1, call("exp", negate(x)))),
  numerics: { error: growing(6), special: "nan inf nan -0" },
  exact: (field, [x]) => field.mul(x, logisticIn(field, x)),
  // s + y (1 - s), with s = sigmoid(x).
  vjp: by((t, { x, y, dy }) => {
    const s = t.sigmoid(x);
    return t.mul(dy, t.fma(y, t.sub(1, s), s));
  }),
});

export const softplus = unary({
  summary: "`log(1 + exp(x))`.",
  cost: "high",
  scalar: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  kernel: ([x], at) => {
    const ramp = select(x, at.literal(0), atMost(x, at.literal(0)));
    return add(ramp, libraryCall("log1p", call("exp", negate(call("abs", x)))));
  },
  numerics: { error: plus(growing(8), absolute(5e-7)), special: "nan inf 0 0.6931472" },
  // With a negative exponent, as in kernels.
  exact: (field, [x]) => {
    const size = field.maximum(x, field.neg(x));
    const more = field.apply("log", [field.add(field.integer(1), field.exp(field.neg(size)))]);
    return field.add(field.maximum(x, field.integer(0)), more);
  },
  vjp: by((t, { x, dy }) => t.mul(dy, t.sigmoid(x))),
});

export const relu = unary({
  summary: "`max(x, 0)`.",
  elements: signed,
  cost: "low",
  facts: { idempotent: true },
  scalar: (x) => Math.max(x, 0),
  kernel: ([x], at) => {
    const zero = at.literal(0);
    return at.element === "f32" ? select(x, zero, atMost(x, zero)) : call("max", x, zero);
  },
  numerics: { error: exactly, special: "nan inf 0 0" },
  exact: (field, [x]) => field.maximum(x, field.integer(0)),
  // 0 at 0.
  vjp: by((t, { x, dy }) => t.where(t.gt(x, 0), dy, 0)),
});

/** `x` if it is above 0, and else `low`. */
const aboveZero = (x: Expression, low: Expression, at: Pick<KernelContext, "literal">) =>
  select(low, x, above(x, at.literal(0)));
const aboveZeroIn = (field: Algebra, x: Elements, low: Elements) =>
  field.select(field.above(x, field.integer(0)), x, low);
const alpha = (summary: string, value: number) =>
  ({ alpha: { summary, type: "number", default: value } }) as const satisfies AttributeDefs;

export const elu = unary({
  summary: "`x` above 0, `alpha * (exp(x) - 1)` below.",
  attributes: alpha("Limit at minus infinity, negated.", 1),
  cost: "high",
  scalar: (x, _b, _c, { attributes }) => (x > 0 ? x : attributes.alpha * Math.expm1(x)),
  kernel: ([x], at) => aboveZero(x, multiply(at.literal(at.attributes.alpha), libraryCall("expm1", x)), at),
  numerics: { error: growing(6), special: "nan inf -1 -0" },
  exact: (field, [x], { attributes }) => {
    const less = field.sub(field.exp(x), field.integer(1));
    return aboveZeroIn(field, x, field.mul(field.number(attributes.alpha), less));
  },
  // The exponential of min(x, 0): that of a large x would be infinite, and 0 * inf is NaN.
  vjp: by((t, { x, dy, attributes }) => {
    const limit = attribute.number(attributes, "alpha");
    return t.where(t.gt(x, 0), dy, t.mul(t.mul(dy, limit), t.exp(t.minimum(x, 0))));
  }),
});

export const leaky_relu = unary({
  summary: "`x` above 0, `alpha * x` below.",
  attributes: alpha("Slope below 0.", 0.01),
  cost: "high",
  scalar: (x, _b, _c, { attributes }) => (x > 0 ? x : attributes.alpha * x),
  kernel: ([x], at) => aboveZero(x, multiply(at.literal(at.attributes.alpha), x), at),
  numerics: { error: ulps(1), special: "nan inf -inf -0" },
  exact: (field, [x], { attributes }) => aboveZeroIn(field, x, field.mul(field.number(attributes.alpha), x)),
  vjp: by((t, { x, dy, attributes }) => t.where(t.gt(x, 0), dy, t.mul(dy, attribute.number(attributes, "alpha")))),
});

export const hardswish = unary({
  summary: "`x * clamp(x + 3, 0, 6) / 6`.",
  cost: "high",
  scalar: (x) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6,
  kernel: ([x], at) => multiply(x, divide(call("clamp", add(x, 3), at.literal(0), at.literal(6)), 6)),
  numerics: { error: plus(ulps(5), absolute(5e-7)), special: "nan inf nan -0" },
  exact: (field, [x]) => {
    const [least, most] = [field.integer(0), field.integer(6)];
    const clamped = field.minimum(field.maximum(field.add(x, field.integer(3)), least), most);
    return field.div(field.mul(x, clamped), most);
  },
  // (2 x + 3) / 6 between -3 and 3.
  vjp: by((t, { x, dy }) => {
    const u = t.add(x, 3);
    return t.where(t.le(u, 0), 0, t.where(t.ge(u, 6), dy, t.mul(dy, t.div(t.add(x, u), 6))));
  }),
});

const geluTanh = (x: number) => 0.5 * x * (1 + Math.tanh(sqrtTwoOverPi * (x + 0.044715 * x ** 3)));

/**
 * GELU's derivative: Phi(x) + x phi(x), with phi(x) = exp(-x^2/2) / sqrt(2 pi), or for t = tanh(u), u = s (x + k x^3):
 * (1 + t) / 2 + x (1 - t^2) u' / 2, u' = s (1 + 3 k x^2). (1 - t^2) comes first, and x^2
 * only by a fused product: compilers may reorder plain ones, and x^2 overflows where 1 - t^2 is 0.
 */
function geluGradient(t: Terms, { x, dy, attributes }: At): Value {
  if (attributes.approximate === "none") {
    const u = t.mul(x, Math.SQRT1_2);
    const density = t.mul(t.exp(t.neg(t.mul(u, u))), 1 / Math.sqrt(Math.PI));
    return t.mul(dy, t.fma(u, density, t.mul(t.add(t.erf(u), 1), 0.5)));
  }
  const square = t.mul(t.mul(x, x), 0.044715);
  const tanh = t.tanh(t.mul(t.add(x, t.mul(square, x)), sqrtTwoOverPi));
  const slope = t.mul(t.mul(t.sub(1, t.mul(tanh, tanh)), x), sqrtTwoOverPi / 2);
  const curved = t.fma(t.mul(slope, x), t.mul(x, 3 * 0.044715), slope);
  return t.mul(dy, t.fma(t.add(tanh, 1), 0.5, curved));
}

export const gelu = unary({
  summary:
    "`x * Phi(x)`, where Phi is the distribution function of the normal distribution; `tanh` is an approximation (Hendrycks & Gimpel 2016).",
  attributes: {
    approximate: { summary: "The form to use.", type: "choice", choices: ["none", "tanh"], default: "none" },
  },
  cost: "high",
  scalar: (x, _b, _c, { attributes }) => (attributes.approximate === "none" ? x * normalCdf(x) : geluTanh(x)),
  kernel: ([x], { attributes }) => {
    if (attributes.approximate === "none") return multiply(x, libraryCall("normal_cdf", x));
    const cube = multiply(multiply(multiply(0.044715, x), x), x);
    return multiply(multiply(0.5, x), add(1, libraryCall("tanh", multiply(sqrtTwoOverPi, add(x, cube)))));
  },
  numerics: { error: plus(ulps(4), absolute(1e-6)), special: "nan inf nan -0" },
  exact: (field, [x], { attributes }) => {
    if (attributes.approximate === "none") return field.mul(x, field.normalCdf(x));
    const curved = field.mul(field.number(0.044715), field.mul(x, field.mul(x, x)));
    const inner = field.apply("tanh", [field.mul(field.number(sqrtTwoOverPi), field.add(x, curved))]);
    return field.mul(field.div(x, field.integer(2)), field.add(field.integer(1), inner));
  },
  vjp: by(geluGradient),
});
