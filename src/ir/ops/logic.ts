/** Rows of the op table for comparisons and bools. */

import { equals, unary as prefixed, select } from "../../kernel/expression.ts";
import { anyElement, type ElementwiseDef, type Facts } from "./def.ts";
import { binary, by, infix, noGradient, ternary, unary } from "./elementwise.ts";
import { exactly } from "./numerics.ts";

interface Comparison extends Pick<ElementwiseDef, "exact"> {
  readonly isTrue: (a: number, b: number) => boolean;
  readonly special: readonly string[];
  readonly elements?: ElementwiseDef["elements"];
  readonly facts?: Facts;
}

function comparison(
  symbol: "==" | "!=" | "<" | "<=" | ">" | ">=",
  { isTrue, special, facts, ...columns }: Comparison,
): ElementwiseDef {
  return binary({
    summary: `\`a ${symbol} b\`: true or false.`,
    cost: "low",
    facts: { ...facts, jumps: true },
    result: "bool",
    scalar: (a, b) => Number(isTrue(a, b)),
    // WGSL's `!=` is false where an operand is NaN.
    kernel: symbol === "!=" ? ([a, b]) => prefixed("!", equals(a, b)) : infix(symbol),
    numerics: { error: exactly, special },
    vjp: noGradient,
    ...columns,
  });
}

const ofNaN = ["nan, x: false", "x, nan: false", "nan, nan: false"];

export const eq = comparison("==", {
  elements: anyElement,
  facts: { commutative: true },
  isTrue: (a, b) => a === b,
  special: [...ofNaN, "0, -0: true", "inf, inf: true"],
  exact: (field, [a, b]) => field.equal(a, b),
});

export const ne = comparison("!=", {
  elements: anyElement,
  facts: { commutative: true },
  isTrue: (a, b) => a !== b,
  special: ["nan, x: true", "x, nan: true", "nan, nan: true", "0, -0: false"],
  exact: (field, [a, b]) => field.not(field.equal(a, b)),
});

export const lt = comparison("<", {
  isTrue: (a, b) => a < b,
  special: [...ofNaN, "-0, 0: false", "-inf, x: true"],
  exact: (field, [a, b]) => field.below(a, b),
});

export const le = comparison("<=", {
  isTrue: (a, b) => a <= b,
  special: [...ofNaN, "0, -0: true"],
  exact: (field, [a, b]) => field.not(field.above(a, b)),
});

export const gt = comparison(">", {
  isTrue: (a, b) => a > b,
  special: [...ofNaN, "0, -0: false", "inf, x: true"],
  exact: (field, [a, b]) => field.above(a, b),
});

export const ge = comparison(">=", {
  isTrue: (a, b) => a >= b,
  special: [...ofNaN, "-0, 0: true"],
  exact: (field, [a, b]) => field.not(field.below(a, b)),
});

export const and = binary({
  summary: "Logical and: `a && b`.",
  elements: ["bool"],
  cost: "low",
  facts: { commutative: true },
  scalar: (a, b) => a & b,
  kernel: infix("&"),
  numerics: { error: exactly, special: [] },
  exact: (field, [a, b]) => field.mul(a, b),
  vjp: noGradient,
});

export const or = binary({
  summary: "Logical or: `a || b`.",
  elements: ["bool"],
  cost: "low",
  facts: { commutative: true },
  scalar: (a, b) => a | b,
  kernel: infix("|"),
  numerics: { error: exactly, special: [] },
  exact: (field, [a, b]) => field.not(field.mul(field.not(a), field.not(b))),
  vjp: noGradient,
});

export const not = unary({
  summary: "Logical not: `!x`.",
  elements: ["bool"],
  cost: "low",
  facts: { involution: true },
  scalar: (x) => 1 - x,
  kernel: ([x]) => prefixed("!", x),
  numerics: { error: exactly, special: [] },
  exact: (field, [x]) => field.not(x),
  vjp: by(null),
});

export const where = ternary({
  summary: "a where the condition is true, and b elsewhere.",
  operands: [{ name: "cond", element: "bool" }, { name: "a" }, { name: "b" }],
  elements: anyElement,
  cost: "low",
  facts: { rowMeanZero: "choice" },
  scalar: (condition, a, b) => (condition === 0 ? b : a),
  kernel: ([condition, a, b]) => select(b, a, condition),
  numerics: {
    error: exactly,
    special: ["true, nan, 1: nan", "true, x, nan: x", "false, nan, x: x", "true, -0, 1: -0"],
  },
  exact: (field, [condition, a, b]) => field.select(condition, a, b),
  vjp: by(
    null,
    (t, { x: condition, dy }) => t.where(condition, dy, 0),
    (t, { x: condition, dy }) => t.where(condition, 0, dy),
  ),
});
