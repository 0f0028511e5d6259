/**
 * What ops mean over a field (src/ir/field): the column by which programs are compared without a tolerance.
 *
 * Laws of real arithmetic that passes use hold here too: those of fields, exp of a sum, roots of products, lattices, and
 * that what is rounded already is left alone. Derived ops are their definitions. All else is uninterpreted.
 */

import type { Algebra } from "../field/algebra.ts";
import type { Elements } from "../field/prime.ts";
import type { Attributes } from "../ir.ts";
import { type ElementType, elementInfo, isByte, isFloat, isHalf, isInteger } from "../types.ts";
import type { ElementwiseName } from "./elementwise.ts";
import { sqrtTwoOverPi } from "./math.ts";
import type { ElementwiseMeaning, ReductionMeaning } from "./meaning.ts";
import type { ReductionName } from "./reductions.ts";

type Unary = (field: Algebra, x: Elements, attributes: Attributes) => Elements;
type Binary = (field: Algebra, a: Elements, b: Elements) => Elements;

const unary =
  (meaning: Unary): ElementwiseMeaning =>
  (field, [x], { attributes }) =>
    meaning(field, x as Elements, attributes);
const binary =
  (meaning: Binary): ElementwiseMeaning =>
  (field, [a, b]) =>
    meaning(field, a as Elements, b as Elements);
const uninterpreted =
  (name: string, facts: Parameters<Algebra["apply"]>[2] = {}): ElementwiseMeaning =>
  (field, operands) =>
    field.apply(name, operands, facts);
const rounding = (name: string) => unary((field, x) => field.round("whole", name, x));

const one = (field: Algebra) => field.integer(1);
const zero = (field: Algebra) => field.integer(0);
const half = (field: Algebra, x: Elements) => field.div(x, field.integer(2));
const sigmoid: Unary = (field, x) => field.reciprocal(field.add(one(field), field.exp(field.neg(x))));
const expm1: Unary = (field, x) => field.sub(field.exp(x), one(field));
const log = (field: Algebra, x: Elements) => field.apply("log", [x]);
const log1p: Unary = (field, x) => log(field, field.add(one(field), x));
const clamp = (field: Algebra, x: Elements, low: Elements, high: Elements) =>
  field.minimum(field.maximum(x, low), high);
const ifPositive = (field: Algebra, x: Elements, otherwise: Elements) =>
  field.select(field.above(x, zero(field)), x, otherwise);
const alpha = (field: Algebra, attributes: Attributes) => field.number(attributes.alpha as number);

const gelu: Unary = (field, x, { approximate }) => {
  const cube = field.mul(x, field.mul(x, x));
  const inner =
    approximate === "none"
      ? field.apply("erf", [field.mul(x, field.number(Math.SQRT1_2))])
      : field.apply("tanh", [
          field.mul(field.number(sqrtTwoOverPi), field.add(x, field.mul(field.number(0.044715), cube))),
        ]);
  return field.mul(half(field, x), field.add(one(field), inner));
};

/**
 * Between floats a cast rounds to types of two bytes only; truth values are 0 and 1; integers are whole, end at what a byte
 * holds, and wrap as nothing says how.
 */
const cast: ElementwiseMeaning = (field, [x], { element, attributes }) => {
  const to = attributes.to as ElementType;
  const operand = x as Elements;
  if (element === "bool") return operand;
  if (to === "bool") return field.not(field.equal(operand, zero(field)));
  if (isHalf(to)) return field.round(to, to, operand);
  if (to === "f32") return operand;
  const [from, wide] = [elementInfo[element].computed, elementInfo[to].computed];
  const converted = () => {
    if (from === wide) return operand;
    return isFloat(element)
      ? field.round("whole", `to ${wide}`, operand)
      : field.apply(`${from} to ${wide}`, [operand]);
  };
  if (!isByte(to)) return converted();
  const [least, most] = elementInfo[to].range.map((end) => field.integer(end)) as [Elements, Elements];
  const atMost = field.select(field.above(operand, most), most, converted());
  return from === "u32" ? atMost : field.select(field.below(operand, least), least, atMost);
};

const div: ElementwiseMeaning = (field, [a, b], { element }) =>
  isInteger(element)
    ? field.apply("quotient", [a as Elements, b as Elements], { rightIdentity: 1 })
    : field.div(a as Elements, b as Elements);

export const elementwiseMeanings: Readonly<Record<ElementwiseName, ElementwiseMeaning>> = {
  neg: unary((field, x) => field.neg(x)),
  abs: unary((field, x) => field.maximum(x, field.neg(x))),
  sign: unary((field, x) => field.sub(field.above(x, zero(field)), field.below(x, zero(field)))),
  sqrt: unary((field, x) => field.sqrt(x)),
  rsqrt: unary((field, x) => field.reciprocal(field.sqrt(x))),
  reciprocal: unary((field, x) => field.reciprocal(x)),
  square: unary((field, x) => field.mul(x, x)),
  exp: unary((field, x) => field.exp(x)),
  exp2: unary((field, x) => field.exp(field.mul(x, field.number(Math.LN2)))),
  log: unary(log),
  log2: unary((field, x) => field.div(log(field, x), field.number(Math.LN2))),
  log1p: unary(log1p),
  expm1: unary(expm1),
  // A square, so that it is positive.
  pow2_scale: unary((field, x) => {
    const root = field.apply("pow2_scale", [x]);
    return field.mul(root, root);
  }),
  sin: uninterpreted("sin"),
  cos: uninterpreted("cos"),
  tan: unary((field, x) => field.div(field.apply("sin", [x]), field.apply("cos", [x]))),
  tanh: uninterpreted("tanh"),
  erf: uninterpreted("erf"),
  sigmoid: unary(sigmoid),
  relu: unary((field, x) => field.maximum(x, zero(field))),
  gelu: unary(gelu),
  silu: unary((field, x, attributes) => field.mul(x, sigmoid(field, x, attributes))),
  // log(1 + exp(x)) with an exponent below 0, as kernels compute it.
  softplus: unary((field, x, attributes) => {
    const size = field.maximum(x, field.neg(x));
    return field.add(field.maximum(x, zero(field)), log1p(field, field.exp(field.neg(size)), attributes));
  }),
  elu: unary((field, x, attributes) =>
    ifPositive(field, x, field.mul(alpha(field, attributes), expm1(field, x, attributes))),
  ),
  leaky_relu: unary((field, x, attributes) => ifPositive(field, x, field.mul(alpha(field, attributes), x))),
  hardswish: unary((field, x) => {
    const clamped = clamp(field, field.add(x, field.integer(3)), zero(field), field.integer(6));
    return field.div(field.mul(x, clamped), field.integer(6));
  }),
  floor: rounding("floor"),
  ceil: rounding("ceil"),
  round: rounding("round"),
  trunc: rounding("trunc"),
  stop_gradient: unary((_, x) => x),
  not: unary((field, x) => field.not(x)),
  cast,
  add: binary((field, a, b) => field.add(a, b)),
  sub: binary((field, a, b) => field.sub(a, b)),
  mul: binary((field, a, b) => field.mul(a, b)),
  div,
  rem: uninterpreted("rem"),
  pow: binary((field, a, b) => field.pow(a, b)),
  minimum: binary((field, a, b) => field.minimum(a, b)),
  maximum: binary((field, a, b) => field.maximum(a, b)),
  atan2: uninterpreted("atan2"),
  eq: binary((field, a, b) => field.equal(a, b)),
  ne: binary((field, a, b) => field.not(field.equal(a, b))),
  lt: binary((field, a, b) => field.below(a, b)),
  le: binary((field, a, b) => field.not(field.above(a, b))),
  gt: binary((field, a, b) => field.above(a, b)),
  ge: binary((field, a, b) => field.not(field.below(a, b))),
  random_bits: (field, operands, { attributes }) => field.apply(`random_bits ${attributes.stream ?? 0}`, operands),
  and: binary((field, a, b) => field.mul(a, b)),
  or: binary((field, a, b) => field.not(field.mul(field.not(a), field.not(b)))),
  where: (field, [condition, a, b]) => field.select(condition as Elements, a as Elements, b as Elements),
  clamp: (field, [x, low, high]) => clamp(field, x as Elements, low as Elements, high as Elements),
  fma: (field, [a, b, c]) => field.add(field.mul(a as Elements, b as Elements), c as Elements),
};

const correctionOf = (attributes: Attributes) => attributes.correction as number;

export const reductionMeanings: Readonly<Record<ReductionName, ReductionMeaning>> = {
  sum: (field, rows, width) => [field.sum(rows, width)],
  mean: (field, rows, width) => [field.mean(rows, width)],
  max: (field, rows, width) => [field.extreme(rows, width, "max")],
  min: (field, rows, width) => [field.extreme(rows, width, "min")],
  prod: (field, rows, width) => [field.product(rows, width)],
  var: (field, rows, width, attributes) => [field.variance(rows, width, correctionOf(attributes))],
  std: (field, rows, width, attributes) => [field.sqrt(field.variance(rows, width, correctionOf(attributes)))],
  logsumexp: (field, rows, width) => {
    const largest = field.extreme(rows, width, "max");
    const exps = field.exp(field.sub(rows, field.repeated(largest, width)));
    return [field.add(largest, log(field, field.sum(exps, width)))];
  },
  argmax: (field, rows, width) => [field.placeOfExtreme(rows, width, "max")],
  argmin: (field, rows, width) => [field.placeOfExtreme(rows, width, "min")],
  moments: (field, rows, width, attributes) => [
    field.mean(rows, width),
    field.variance(rows, width, correctionOf(attributes)),
  ],
};
