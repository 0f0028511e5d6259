/** Elementwise nodes. */

import type { Value } from "../../ir/ir.ts";
import type { OpName } from "../../ir/ops/index.ts";
import { isByte, isFloat, isFloat8, isInteger } from "../../ir/types.ts";
import { typeName } from "../data-types.ts";
import { decline, type NodeView, type Rule } from "../node.ts";
import { lastByte, toFloat8 } from "./quantization.ts";

const unary =
  (op: OpName): Rule =>
  (at) =>
    at.emit(op, [at.input(0)]);

/** With the attribute `alpha`. */
const withAlpha =
  (op: OpName, other: number): Rule =>
  (at) =>
    at.emit(op, [at.input(0)], { alpha: at.float("alpha", other) });

/**
 * The operands. A known number becomes a constant, which needs no buffer, unless it has more dimensions than all other
 * operands: the result has these dimensions too.
 */
function operandsOf(at: NodeView, indices: readonly number[]): Value[] {
  const numbers = indices.map((index) => at.number(index));
  const ranks = indices.map((index, i) => (numbers[i] === undefined ? at.input(index).shape.length : -1));
  const rank = ranks.reduce((most, one) => Math.max(most, one), -1);
  const typed = indices.find((_, i) => numbers[i] === undefined);
  return indices.map((index, i) => {
    const number = numbers[i];
    if (number === undefined || typed === undefined || number.rank > rank) return at.input(index);
    return at.constant(at.input(index).element, number.value);
  });
}

const binary =
  (op: OpName): Rule =>
  (at) =>
    at.emit(op, operandsOf(at, [0, 1]));

/** A binary op applied to any number of operands, from left to right. */
const variadic =
  (op: OpName): Rule =>
  (at) => {
    if (at.inputCount === 1) return at.input(0);
    const [first, ...rest] = operandsOf(at, [...Array(at.inputCount).keys()]) as [Value, ...Value[]];
    return rest.reduce((result, operand) => at.emit(op, [result, operand]), first);
  };

/** The exponent may have another type; the result has that of the base. */
const pow: Rule = (at) => {
  const base = at.input(0);
  const exponent = at.number(1);
  if (exponent !== undefined && exponent.rank <= base.shape.length) {
    return at.emit("pow", [base, at.constant(base.element, exponent.value)]);
  }
  const given = at.input(1);
  if (!isFloat(base.element)) decline("it raises integers to a power that is not constant");
  return at.emit("pow", [
    base,
    given.element === base.element ? given : at.emit("cast", [given], { to: base.element }),
  ]);
};

const mod: Rule = (at) => {
  const isFmod = at.int("fmod", 0) === 1;
  return isFmod ? at.emit("rem", operandsOf(at, [0, 1])) : decline("its result has the sign of the divisor");
};

/** The largest f32: as a bound, it has no effect on finite numbers. */
const largest = 3.4028234663852886e38;

const clip: Rule = (at) => {
  const x = at.input(0);
  const bound = (index: number, name: "min" | "max"): Value | undefined => {
    const sign = name === "min" ? -1 : 1;
    if (at.opset <= 10) {
      const value = at.float(name, sign * largest);
      return sign * value >= largest ? undefined : at.constant(x.element, value);
    }
    if (!at.has(index)) return undefined;
    const number = at.number(index);
    return number === undefined ? at.input(index) : at.constant(x.element, number.value);
  };
  const [low, high] = [bound(1, "min"), bound(2, "max")];
  if (low !== undefined && high !== undefined) return at.emit("clamp", [x, low, high]);
  if (low !== undefined) return at.emit("maximum", [x, low]);
  return high === undefined ? x : at.emit("minimum", [x, high]);
};

const cast: Rule = (at) => {
  const x = at.input(0);
  const to = at.int("to", 0);
  const element = at.elementOf(to) ?? decline(`the language has no ${typeName(to)}`);
  if (element === x.element) return x;
  if (isFloat8(element)) return toFloat8(at, x, element);
  return isByte(element) && isInteger(x.element) ? lastByte(at, x, element) : at.emit("cast", [x], { to: element });
};

const hardSigmoid: Rule = (at) => {
  const x = at.input(0);
  const scaled = at.emit("mul", [x, at.constant(x.element, at.float("alpha", 0.2))]);
  const moved = at.emit("add", [scaled, at.constant(x.element, at.float("beta", 0.5))]);
  return at.emit("clamp", [moved, at.constant(x.element, 0), at.constant(x.element, 1)]);
};

/** The ops of com.microsoft, which first add a bias. */
const biased =
  (approximate: "none" | "tanh"): Rule =>
  (at) => {
    const x = at.has(1) ? at.emit("add", [at.input(0), at.input(1)]) : at.input(0);
    return at.emit("gelu", [x], { approximate });
  };

const gelu: Rule = (at) => {
  const approximate = at.text("approximate", "none");
  return at.emit("gelu", [at.input(0)], { approximate });
};

const quickGelu: Rule = (at) => {
  const x = at.input(0);
  const alpha = at.float("alpha", 1.702);
  const scaled = at.emit("mul", [x, at.constant(x.element, alpha)]);
  return at.emit("mul", [x, at.emit("sigmoid", [scaled])]);
};

/** The identity, as outside of training nothing is dropped. */
const dropout: Rule = (at) => {
  if (at.wants(1)) decline("its mask is used");
  if (at.has(2) && at.number(2)?.value !== 0) decline("it is in training mode");
  return at.input(0);
};

const names = {
  ...{ Abs: "abs", Neg: "neg", Sign: "sign", Sqrt: "sqrt", Reciprocal: "reciprocal", Exp: "exp", Log: "log" },
  ...{ Sin: "sin", Cos: "cos", Tan: "tan", Tanh: "tanh", Erf: "erf", Sigmoid: "sigmoid", Relu: "relu" },
  ...{ Softplus: "softplus", HardSwish: "hardswish", Floor: "floor", Ceil: "ceil", Round: "round", Not: "not" },
} as const satisfies Record<string, OpName>;

const pairs = {
  ...{ Add: "add", Sub: "sub", Mul: "mul", Div: "div", And: "and", Or: "or" },
  ...{ Equal: "eq", Greater: "gt", Less: "lt", GreaterOrEqual: "ge", LessOrEqual: "le" },
} as const satisfies Record<string, OpName>;

const several = { Sum: "add", Max: "maximum", Min: "minimum" } as const satisfies Record<string, OpName>;

function each(list: Readonly<Record<string, OpName>>, rule: (op: OpName) => Rule): Record<string, Rule> {
  return Object.fromEntries(Object.entries(list).map(([name, op]) => [`:${name}`, rule(op)]));
}

export const elementwiseRules: Readonly<Record<string, Rule>> = {
  ...each(names, unary),
  ...each(pairs, binary),
  ...each(several, variadic),
  ":Identity": (at) => at.input(0),
  ":Elu": withAlpha("elu", 1),
  ":LeakyRelu": withAlpha("leaky_relu", 0.01),
  ":Pow": pow,
  ":Mod": mod,
  ":Clip": clip,
  ":Cast": cast,
  ":Where": (at) => at.emit("where", [at.input(0), ...operandsOf(at, [1, 2])]),
  ":Dropout": dropout,
  ":HardSigmoid": hardSigmoid,
  ":Gelu": gelu,
  "com.microsoft:Gelu": biased("none"),
  "com.microsoft:BiasGelu": biased("none"),
  "com.microsoft:FastGelu": biased("tanh"),
  "com.microsoft:QuickGelu": quickGelu,
};
