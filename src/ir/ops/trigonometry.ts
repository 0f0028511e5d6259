/** Rows of the op table for trigonometric functions. */

import { floats } from "./def.ts";
import { binary, by, library, unary, uninterpreted } from "./elementwise.ts";
import { absolute, nanOfEither, ulps } from "./numerics.ts";

export const sin = unary({
  summary: "Sine, x in radians.",
  cost: "high",
  scalar: Math.sin,
  kernel: library("sin"),
  numerics: { error: absolute(4e-7), special: "nan nan nan ±0" },
  exact: uninterpreted("sin"),
  vjp: by((t, { x, dy }) => t.mul(dy, t.cos(x))),
});

export const cos = unary({
  summary: "Cosine, x in radians.",
  cost: "high",
  scalar: Math.cos,
  kernel: library("cos"),
  numerics: { error: absolute(4e-7), special: "nan nan nan 1" },
  exact: uninterpreted("cos"),
  vjp: by((t, { x, dy }) => t.neg(t.mul(dy, t.sin(x)))),
});

export const tan = unary({
  summary: "Tangent, x in radians.",
  cost: "high",
  scalar: Math.tan,
  kernel: library("tan"),
  numerics: {
    error: { text: "5e-7 (1 + tan(x)^2)", allowed: (result) => 5e-7 * (1 + result * result) },
    special: "nan nan nan ±0",
  },
  exact: (field, [x]) => field.div(field.apply("sin", [x]), field.apply("cos", [x])),
  vjp: by((t, { y, dy }) => t.mul(dy, t.add(t.mul(y, y), 1))),
});

export const atan2 = binary({
  summary: "The angle of the point (b, a), from -pi to pi.",
  elements: floats,
  cost: "high",
  scalar: (a, b) => Math.atan2(a, b),
  kernel: library("atan2"),
  numerics: {
    error: ulps(6),
    special: [...nanOfEither, "0, -0: 3.1415927", "-0, 0: -0", "inf, inf: 0.7853982", "1, -inf: 3.1415927"],
  },
  exact: uninterpreted("atan2"),
  // b / (a^2 + b^2) and -a / (a^2 + b^2).
  vjp: by(
    (t, { a, b, dy }) => t.div(t.mul(dy, b), t.fma(a, a, t.mul(b, b))),
    (t, { a, b, dy }) => t.neg(t.div(t.mul(dy, a), t.fma(a, a, t.mul(b, b)))),
  ),
});
