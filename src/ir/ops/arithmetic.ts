/** Rows of the op table for arithmetic: sums, products, quotients, minima and maxima. */

import {
  call,
  divide,
  type Expression,
  library as libraryCall,
  multiply,
  negate,
  select,
  subtract,
} from "../../kernel/expression.ts";
import type { Value } from "../ir.ts";
import { type ElementType, isInteger } from "../types.ts";
import { type ElementwiseDef, floats, numbers, signed } from "./def.ts";
import {
  above,
  below,
  binary,
  builtin,
  by,
  infix,
  jumps,
  library,
  ternary,
  unary,
  uninterpreted,
} from "./elementwise.ts";
import { exactly, nanOfEither, ulp, ulps } from "./numerics.ts";
import type { Terms } from "./vjp.ts";

type Kernel = ElementwiseDef["kernel"];

export const neg = unary({
  summary: "`-x`.",
  elements: signed,
  cost: "low",
  facts: { involution: true, rowMeanZero: "sum" },
  scalar: (x) => -x,
  kernel: ([x]) => negate(x),
  numerics: { error: exactly, special: "nan -inf inf 0" },
  exact: (field, [x]) => field.neg(x),
  vjp: by((t, { dy }) => t.neg(dy)),
});

export const abs = unary({
  summary: "Absolute value.",
  elements: numbers,
  cost: "low",
  facts: { idempotent: true },
  scalar: Math.abs,
  kernel: builtin("abs"),
  numerics: { error: exactly, special: "nan inf inf 0" },
  exact: (field, [x]) => field.maximum(x, field.neg(x)),
  // sign(x), 0 at 0.
  vjp: by((t, { x, dy }) => t.mul(dy, t.stop_gradient(t.sign(x)))),
});

export const sign = unary({
  summary: "-1, 0 or 1.",
  elements: signed,
  cost: "low",
  facts: { idempotent: true, jumps: true },
  scalar: Math.sign,
  // Values that are neither above nor below 0 are returned unchanged: NaN and -0.
  kernel: ([x], at) => {
    const direction = call("sign", x);
    return at.element === "f32" ? select(x, direction, above(call("abs", x), at.literal(0))) : direction;
  },
  numerics: { error: exactly, special: "nan 1 -1 -0" },
  exact: (field, [x]) => field.sub(field.above(x, field.integer(0)), field.below(x, field.integer(0))),
  vjp: jumps,
});

export const sqrt = unary({
  summary: "Square root.",
  cost: "high",
  scalar: Math.sqrt,
  kernel: builtin("sqrt"),
  numerics: { error: ulps(3), special: "nan inf nan -0" },
  exact: (field, [x]) => field.sqrt(x),
  vjp: by((t, { y, dy }) => t.div(t.mul(dy, 0.5), y)),
});

export const rsqrt = unary({
  summary: "`1 / sqrt(x)`.",
  cost: "high",
  scalar: (x) => 1 / Math.sqrt(x),
  kernel: builtin("inverseSqrt"),
  numerics: { error: ulps(2), special: "nan 0 nan -inf" },
  exact: (field, [x]) => field.reciprocal(field.sqrt(x)),
  // -1/2 y^3.
  vjp: by((t, { y, dy }) => t.mul(t.mul(t.mul(t.mul(dy, -0.5), y), y), y)),
});

export const reciprocal = unary({
  summary: "`1 / x`.",
  cost: "high",
  facts: { involution: true },
  scalar: (x) => 1 / x,
  kernel: ([x]) => divide(1, x),
  numerics: { error: ulps(2.5), special: "nan 0 -0 -inf" },
  exact: (field, [x]) => field.reciprocal(x),
  vjp: by((t, { y, dy }) => t.neg(t.mul(t.mul(dy, y), y))),
});

export const square = unary({
  summary: "`x * x`.",
  elements: numbers,
  cost: "low",
  scalar: (x, _b, _c, at) => (isInteger(at.element) ? Math.imul(x, x) : x * x),
  kernel: ([x]) => multiply(x, x),
  numerics: { error: ulps(1), special: "nan inf inf 0" },
  exact: (field, [x]) => field.mul(x, x),
  vjp: by((t, { x, dy }) => t.mul(t.mul(dy, 2), x)),
});

export const add = binary({
  summary: "`a + b`.",
  cost: "low",
  facts: { commutative: true, rightIdentity: 0, rowMeanZero: "sum" },
  scalar: (a, b) => a + b,
  kernel: infix("+"),
  numerics: { error: ulps(1), special: [...nanOfEither, "inf, -inf: nan", "-0, -0: -0"] },
  exact: (field, [a, b]) => field.add(a, b),
  vjp: by(
    (_, { dy }) => dy,
    (_, { dy }) => dy,
  ),
});

export const sub = binary({
  summary: "`a - b`.",
  cost: "low",
  facts: { rightIdentity: 0, rowMeanZero: "sum" },
  scalar: (a, b) => a - b,
  // Drivers simplify `x - x` to 0 even if x is not finite.
  kernel: ([a, b], at) => (a === b && at.element === "f32" ? libraryCall("less_itself", a) : subtract(a, b)),
  numerics: { error: ulps(1), special: [...nanOfEither, "inf, inf: nan", "-0, 0: -0"] },
  exact: (field, [a, b]) => field.sub(a, b),
  vjp: by(
    (_, { dy }) => dy,
    (t, { dy }) => t.neg(dy),
  ),
});

export const mul = binary({
  summary: "`a * b`.",
  cost: "low",
  facts: { commutative: true, rightIdentity: 1, rowMeanZero: "scale" },
  scalar: (a, b, _c, at) => (isInteger(at.element) ? Math.imul(a, b) : a * b),
  kernel: infix("*"),
  numerics: { error: ulps(1), special: [...nanOfEither, "inf, 0: nan", "0, inf: nan", "-0, 1: -0"] },
  exact: (field, [a, b]) => field.mul(a, b),
  vjp: by(
    (t, { b, dy }) => t.mul(dy, b),
    (t, { a, dy }) => t.mul(dy, a),
  ),
});

/** WGSL's rules for integers: division truncates, a / 0 = a, a % 0 = 0. */
function quotient(a: number, b: number, element: ElementType): number {
  if (!isInteger(element)) return a / b;
  return b === 0 ? a : Math.trunc(a / b);
}

export const div = binary({
  summary: "`a / b`. For integers it truncates, and `a / 0` is `a`.",
  cost: "high",
  facts: { rightIdentity: 1, rowMeanZero: "quotient" },
  isPartial: true,
  scalar: (a, b, _c, at) => quotient(a, b, at.element),
  kernel: infix("/"),
  numerics: {
    error: ulps(2.5),
    special: [...nanOfEither, "1, 0: inf", "1, -0: -inf", "0, 0: nan", "inf, inf: nan", "1, -inf: -0"],
  },
  exact: (field, [a, b], { element }) =>
    isInteger(element) ? field.apply("quotient", [a, b], { rightIdentity: 1 }) : field.div(a, b),
  vjp: by(
    (t, { b, dy }) => t.div(dy, b),
    (t, { b, y, dy }) => t.neg(t.mul(t.div(dy, b), y)),
  ),
});

export const rem = binary({
  summary: "`a % b`, with the sign of a (C's fmod). For integers `a % 0` is 0.",
  cost: "high",
  facts: { jumps: true },
  isPartial: true,
  scalar: (a, b, _c, at) => (isInteger(at.element) && b === 0 ? 0 : a % b),
  kernel: (args, at) => (at.element === "f32" ? library("rem") : infix("%"))(args, at),
  numerics: {
    error: exactly,
    special: [...nanOfEither, "inf, x: nan", "x, 0: nan", "x, inf: x", "-0, x: -0"],
  },
  exact: uninterpreted("rem"),
  // a - b trunc(a / b).
  vjp: by(
    (_, { dy }) => dy,
    (t, { a, b, dy }) => t.neg(t.mul(dy, t.stop_gradient(t.trunc(t.div(a, b))))),
  ),
});

/** The minimum or maximum of floats, NaN if either is. With a constant operand, one comparison is enough. */
const extreme =
  (name: "minimum" | "maximum"): Kernel =>
  ([x, y], at) => {
    if (at.element !== "f32") return call(name === "minimum" ? "min" : "max", x, y);
    const limit = at.constant(1);
    if (limit === undefined || Number.isNaN(limit)) return libraryCall(name, x, y);
    return select(x, y, name === "maximum" ? below(x, y) : above(x, y));
  };

/** dy for the larger (`gt`) or the smaller (`lt`) of two operands; equal operands share it. */
const chosen = (t: Terms, comparison: "gt" | "lt", dy: Value, own: Value, other: Value) =>
  t.where(t[comparison](own, other), dy, t.where(t.eq(own, other), t.mul(dy, 0.5), 0));

export const minimum = binary({
  summary: "The smaller of a and b.",
  cost: "low",
  facts: { commutative: true },
  scalar: (a, b) => Math.min(a, b),
  kernel: extreme("minimum"),
  numerics: { error: exactly, special: [...nanOfEither, "nan, -inf: nan", "-inf, x: -inf", "0, -0: ±0"] },
  exact: (field, [a, b]) => field.minimum(a, b),
  vjp: by(
    (t, { a, b, dy }) => chosen(t, "lt", dy, a, b),
    (t, { a, b, dy }) => chosen(t, "lt", dy, b, a),
  ),
});

export const maximum = binary({
  summary: "The larger of a and b.",
  cost: "low",
  facts: { commutative: true },
  scalar: (a, b) => Math.max(a, b),
  kernel: extreme("maximum"),
  numerics: { error: exactly, special: [...nanOfEither, "nan, inf: nan", "inf, x: inf", "0, -0: ±0"] },
  exact: (field, [a, b]) => field.maximum(a, b),
  vjp: by(
    (t, { a, b, dy }) => chosen(t, "gt", dy, a, b),
    (t, { a, b, dy }) => chosen(t, "gt", dy, b, a),
  ),
});

export const clamp = ternary({
  summary: "`min(max(x, lo), hi)`.",
  operands: [{ name: "x" }, { name: "lo" }, { name: "hi" }],
  cost: "low",
  scalar: (x, lo, hi) => Math.min(Math.max(x, lo), hi),
  // Constant limits in order need one comparison each.
  kernel: ([x, low, high], at): Expression => {
    if (at.element !== "f32") return call("min", call("max", x, low), high);
    const [least = NaN, most = NaN] = [at.constant(1), at.constant(2)];
    if (least <= most) return select(select(x, low, below(x, low)), high, above(x, high));
    return libraryCall("minimum", libraryCall("maximum", x, low), high);
  },
  numerics: {
    error: exactly,
    special: [
      ...["nan, 0, 1: nan", "0.5, nan, 1: nan", "0.5, 0, nan: nan", "inf, 0, 1: 1", "-inf, 0, 1: 0", "-0, 0, 1: ±0"],
    ],
  },
  exact: (field, [x, low, high]) => field.minimum(field.maximum(x, low), high),
  // At the limits themselves the gradient goes to x; if lo is above hi, it goes to hi.
  vjp: by(
    (t, { x, b, c, dy }) => t.where(t.and(t.ge(x, b), t.le(x, c)), dy, 0),
    (t, { x, b, c, dy }) => t.where(t.and(t.lt(x, b), t.le(b, c)), dy, 0),
    (t, { x, b, c, dy }) => t.where(t.gt(t.maximum(x, b), c), dy, 0),
  ),
});

export const fma = ternary({
  summary: "`a * b + c`.",
  operands: [{ name: "a" }, { name: "b" }, { name: "c" }],
  elements: floats,
  cost: "low",
  facts: { rowMeanZero: "sum of products" },
  scalar: (a, b, c) => a * b + c,
  kernel: builtin("fma"),
  numerics: {
    error: {
      text: "1 ulp of abs(a * b) + abs(c)",
      allowed: (_, [a = 0, b = 0, c = 0]) => ulp * (Math.abs(a * b) + Math.abs(c)),
    },
    special: ["nan, x, 1: nan", "x, nan, 1: nan", "1, x, nan: nan", "inf, 0, 1: nan", "inf, 1, -inf: nan"],
  },
  exact: (field, [a, b, c]) => field.add(field.mul(a, b), c),
  vjp: by(
    (t, { b, dy }) => t.mul(dy, b),
    (t, { a, dy }) => t.mul(dy, a),
    (_, { dy }) => dy,
  ),
});

export const stop_gradient = unary({
  summary: "x, without a gradient through it.",
  cost: "low",
  facts: { idempotent: true, rowMeanZero: "sum", linear: true },
  scalar: (x) => x,
  kernel: ([x]) => x,
  numerics: { error: exactly, special: "nan inf -inf -0" },
  exact: (_, [x]) => x,
  vjp: by(null),
});
