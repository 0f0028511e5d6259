/**
 * Rows of the op table for reductions along given axes, with one result for each remaining index. A row has the
 * state that kernels accumulate, its value in float64, its meaning over a field and its derivative.
 */

import {
  add,
  binary,
  construct,
  type Expression,
  equals,
  library,
  literal,
  multiply,
  select,
  subtract,
  unary,
} from "../../kernel/expression.ts";
import { moments as momentStates } from "../../kernel/moments.ts";
import { monoid, sum as sumState } from "../../kernel/monoids.ts";
import { type Fields, type Reduction, reductionOf } from "../../kernel/reduction.ts";
import { type Scalar, typeOf } from "../../kernel/types.ts";
import type { Value } from "../ir.ts";
import { type AttributeDefs, attribute, type Declaring } from "./attributes.ts";
import { floats, numbers, type ReductionDef } from "./def.ts";
import { meanOf, sumOf, varianceOf } from "./math.ts";
import { logsumexpParts, meanParts, placeParts, spreadParts } from "./parts.ts";
import type { Terms, Vjp } from "./vjp.ts";

const axes = { axes: { type: "axes", summary: "The axes to reduce; -1 is the last." } } as const;
const keepdims = {
  keepdims: { type: "boolean", default: false, summary: "Keep the reduced axes, with extent 1." },
} as const;

type Unsaid = "kind" | "operands" | "attributes" | "facts" | "results";

interface Parts<A extends AttributeDefs>
  extends Omit<ReductionDef<A>, Unsaid>,
    Partial<Pick<ReductionDef<A>, "facts" | "results">> {
  /** In addition to `axes` and `keepdims`. */
  readonly attributes?: A;
}

/** An op with the combined state of its reduction as the only result, unless `results` is given. */
function reduction<const A extends AttributeDefs = Record<never, never>>(
  parts: Parts<A>,
): Declaring<ReductionDef, typeof axes & A & typeof keepdims> {
  const attributes = { ...axes, ...parts.attributes, ...keepdims };
  const common = { kind: "reduction", operands: [{ name: "x" }], facts: {}, results: ["combined"] };
  // Functions of a row are only called with that row's attributes.
  return { ...common, ...parts, attributes } as never;
}

/** A reduction of `x` with the result `y` and its cotangent `dy`. Both have the reduced axes with extent 1. */
interface Reduced {
  readonly x: Value;
  readonly y: Value;
  readonly dy: Value;
  readonly axes: readonly number[];
  readonly attributes: Parameters<ReductionDef["reduce"]>[1];
}

type Formula = (t: Terms, at: Reduced) => Value;

/** The derivative of a reduction by its operand, from a formula for each result: their sum, broadcast along the row. */
const by = (...formulas: readonly Formula[]): Vjp => ({
  by: [
    ({ operands, results, cotangents, attributes, terms: t }) => {
      const x = operands[0] as Value;
      const reduced = attribute.axes(attributes);
      const parts = formulas.flatMap((formula, i) => {
        const [y, dy] = [results[i] as Value, cotangents[i]];
        if (dy === undefined) return [];
        const kept = (value: Value) => t.kept(value, x.shape, reduced);
        return [t.repeat(formula(t, { x, y: kept(y), dy: kept(dy), axes: reduced, attributes }), x.shape)];
      });
      return parts.reduce((a, b) => t.add(a, b));
    },
  ],
});

const linear = { rowMeanZero: "sum" } as const;

export const sum = reduction({
  summary: "Sum.",
  elements: numbers,
  facts: linear,
  reduction: sumState,
  reduce: (row) => [sumOf(row)],
  exact: (field, rows, width) => [field.sum(rows, width)],
  vjp: by((_, { dy }) => dy),
});

const meanBack: Formula = (t, { x, dy, axes }) => t.div(dy, t.count(x.shape, axes, dy));

export const mean = reduction({
  summary: "Arithmetic mean.",
  elements: floats,
  facts: linear,
  reduction: sumState,
  parts: meanParts,
  results: ["mean"],
  reduce: (row) => [meanOf(row)],
  exact: (field, rows, width) => [field.mean(rows, width)],
  vjp: by(meanBack),
});

/** The smallest and the largest number of each type. */
const least = { f32: -Infinity, i32: -(2 ** 31), u32: 0, bool: 0 };
const greatest = { f32: Infinity, i32: 2 ** 31 - 1, u32: 2 ** 32 - 1, bool: 1 };

/** The maximum or minimum, NaN if either operand is: WGSL's own may drop a NaN. Integers always equal themselves. */
const extreme = (order: ">" | "<") => (a: Expression, b: Expression) =>
  select(b, a, binary("|", binary(order, a, b), unary("!", equals(a, a))));

/** dy for the largest or smallest element; equal elements share it. */
const extremeBack: Formula = (t, { x, y, dy, axes }) => {
  const isIt = t.eq(x, y);
  const ones = t.where(isIt, t.number(1, dy), t.number(0, dy));
  return t.where(isIt, t.div(dy, t.sum(ones, axes)), 0);
};

export const max = reduction({
  summary: "Largest element.",
  elements: numbers,
  reduction: monoid("max", (element) => least[element], extreme(">")),
  reduce: (row) => [row.reduce((a, b) => Math.max(a, b), -Infinity)],
  exact: (field, rows, width) => [field.extreme(rows, width, "max")],
  vjp: by(extremeBack),
});

export const min = reduction({
  summary: "Smallest element.",
  elements: numbers,
  reduction: monoid("min", (element) => greatest[element], extreme("<")),
  reduce: (row) => [row.reduce((a, b) => Math.min(a, b), Infinity)],
  exact: (field, rows, width) => [field.extreme(rows, width, "min")],
  vjp: by(extremeBack),
});

export const prod = reduction({
  summary: "Product.",
  elements: floats,
  reduction: monoid(
    "prod",
    () => 1,
    (a, b) => multiply(a, b),
  ),
  reduce: (row) => [row.reduce((a, b) => a * b, 1)],
  exact: (field, rows, width) => [field.product(rows, width)],
  // The product of the other elements: y / x, or if x is the only 0, the product without it.
  vjp: by((t, { x, y, dy, axes }) => {
    const isZero = t.eq(x, 0);
    const zeros = t.sum(t.where(isZero, t.number(1, dy), t.number(0, dy)), axes);
    const others = t.where(isZero, t.number(1, dy), x);
    const rest = t.op("prod", [others], { axes, keepdims: true });
    const atZero = t.where(t.eq(zeros, 1), rest, 0);
    return t.mul(dy, t.where(isZero, atZero, t.div(y, others)));
  }),
});

const correction = {
  correction: {
    type: "integer",
    minimum: 0,
    default: 0,
    summary: "The divisor is n - correction: 0 for the biased variance, 1 for the unbiased one.",
  },
} as const;

/** 2 (x - mean(x)) / (n - correction). */
const varianceBack: Formula = (t, { x, dy, axes, attributes }) => {
  const count = t.count(x.shape, axes, dy);
  const less = attribute.number(attributes, "correction");
  const divisor = typeof count === "number" ? count - less : less === 0 ? count : t.sub(count, less);
  return t.mul(t.div(t.mul(dy, 2), divisor), t.center(x, axes));
};

const variance = reduction({
  summary: "Variance.",
  attributes: correction,
  elements: floats,
  facts: { ignoresShift: true },
  reduction: momentStates.counted.spread,
  parts: spreadParts,
  results: ["variance"],
  reduce: (row, attributes) => [varianceOf(row, attributes.correction)],
  exact: (field, rows, width, attributes) => [field.variance(rows, width, attributes.correction)],
  vjp: by(varianceBack),
});

// `var` is a keyword of JavaScript.
export { variance as var };

export const std = reduction({
  summary: "Standard deviation, the square root of the variance.",
  attributes: correction,
  elements: floats,
  facts: { ignoresShift: true },
  reduction: momentStates.counted.spread,
  parts: spreadParts,
  results: ["deviation"],
  reduce: (row, attributes) => [Math.sqrt(varianceOf(row, attributes.correction))],
  exact: (field, rows, width, attributes) => [field.sqrt(field.variance(rows, width, attributes.correction))],
  // (x - mean(x)) / (y (n - correction)).
  vjp: by((t, at) => varianceBack(t, { ...at, dy: t.div(t.mul(at.dy, 0.5), at.y) })),
});

export const moments = reduction({
  summary: "Mean and variance; the row is read once.",
  attributes: correction,
  elements: floats,
  reduction: momentStates.counted.spread,
  parts: spreadParts,
  results: ["mean", "variance"],
  reduce: (row, attributes) => [meanOf(row), varianceOf(row, attributes.correction)],
  exact: (field, rows, width, attributes) => [
    field.mean(rows, width),
    field.variance(rows, width, attributes.correction),
  ],
  vjp: by(meanBack, varianceBack),
});

const lowest = -(2 - 2 ** -23) * 2 ** 127;
/** The difference, 0 for equal elements even if they are infinite. */
const difference = (a: Expression, b: Expression) =>
  select(subtract(a, b), construct(a.type, literal(typeOf("f32"), 0)), equals(a, b));

export const logsumexp = reduction({
  summary: "`log(sum(exp(x)))`; overflows only if the result does.",
  elements: floats,
  // The state is the largest element so far, and the sum of exp(x - largest).
  reduction: reductionOf({
    name: "logsum",
    state: ["largest", "total"],
    identity: { largest: () => lowest, total: () => 0 },
    step: ({ largest, total }, x) => {
      const isAbove = binary(">", x, largest);
      // Minus the distance, by the comparison and not by `abs`: over a field, differences have no sign that agrees with it.
      const e = library("exp", select(difference(x, largest), difference(largest, x), isAbove));
      return {
        largest: select(largest, x, isAbove),
        total: select(add(total, e), add(multiply(total, e), 1), isAbove),
      };
    },
    merge: (a, b) => {
      const largest = select(b.largest, a.largest, binary(">", a.largest, b.largest));
      const scaled = (of: typeof a) => multiply(of.total, library("exp", difference(of.largest, largest)));
      return { largest, total: add(scaled(a), scaled(b)) };
    },
    rounds: (element) => element === "f32",
    result: ({ largest, total }) => add(largest, library("log", total)),
  }),
  parts: logsumexpParts,
  reduce: (row) => {
    const most = row.reduce((a, b) => Math.max(a, b), -Infinity);
    return [Number.isFinite(most) ? most + Math.log(sumOf(row.map((value) => Math.exp(value - most)))) : most];
  },
  exact: (field, rows, width) => {
    const most = field.extreme(rows, width, "max");
    const exps = field.exp(field.sub(rows, field.repeated(most, width)));
    return [field.add(most, field.apply("log", [field.sum(exps, width)]))];
  },
  // dy softmax(x).
  vjp: by((t, { x, dy, axes }) => t.mul(dy, t.op("softmax", [x], { axes }))),
});

type Best = Fields<"best" | "place">;

/** A position beyond all others. */
const nowhere: Readonly<Record<Scalar, number>> = { f32: 2 ** 30, i32: 2 ** 31 - 1, u32: 2 ** 32 - 1, bool: 1 };

const not = (a: Expression) => unary("!", a);
const and = (a: Expression, b: Expression) => binary("&", a, b);
const or = (a: Expression, b: Expression) => binary("|", a, b);

/** Whether the first is preferred: it is better, or equal and closer to the start of the row. */
function isFirst(order: ">" | "<", a: Best, b: Best): Expression {
  const [hasNaN, otherHasNaN] = [not(equals(a.best, a.best)), not(equals(b.best, b.best))];
  const isBetter = or(binary(order, a.best, b.best), and(hasNaN, not(otherHasNaN)));
  const isAsGood = or(equals(a.best, b.best), and(hasNaN, otherHasNaN));
  return or(isBetter, and(isAsGood, binary("<", a.place, b.place)));
}

/**
 * The first position of equal elements, and of NaN if there is one. The state is a record of an element and its position
 * in the type of the element, so that f32 counts positions up to 2^24.
 */
function placeOfExtreme(name: string, order: ">" | "<", worst: (element: Scalar) => number): Reduction {
  const better = (a: Best, b: Best): Best => {
    const isA = isFirst(order, a, b);
    return { best: select(b.best, a.best, isA), place: select(b.place, a.place, isA) };
  };
  return reductionOf({
    name,
    state: ["best", "place"],
    identity: { best: worst, place: (element) => nowhere[element] },
    step: (state, best, place) => better({ best, place: construct(best.type, place as Expression) }, state),
    merge: (lower, upper) => better(lower, upper),
    // A merge selects one of the two states.
    commutes: true,
    places: true,
    result: ({ place }) => {
      const { scalar } = place.type;
      const isNone = equals(place, literal(place.type, nowhere[scalar]));
      return construct({ ...place.type, scalar: "i32" }, select(place, literal(place.type, 0), isNone));
    },
  });
}

/** The position of the first element that `isBetter` than all before it. A NaN is better than any number. */
const placeOf = (isBetter: (a: number, b: number) => boolean) => (row: Float64Array) => {
  const firstNaN = row.findIndex(Number.isNaN);
  if (firstNaN >= 0) return [firstNaN];
  return [row.reduce((best, value, i) => (isBetter(value, row[best] as number) ? i : best), 0)];
};

export const argmax = reduction({
  summary:
    "The index of the largest element, as i32: the first of several, the first NaN if there is one, and 0 if there are no elements. Over several axes, the index is in row-major order. Rows have up to 2^24 elements.",
  elements: numbers,
  resultElement: "i32",
  reduction: placeOfExtreme("argmax", ">", (element) => least[element]),
  parts: placeParts("max", "argmax"),
  reduce: placeOf((a, b) => a > b),
  exact: (field, rows, width) => [field.placeOfExtreme(rows, width, "max")],
  // Positions are integers, and get no gradient.
  vjp: { by: [null] },
});

export const argmin = reduction({
  summary: "The index of the smallest element, as i32; otherwise like `argmax`.",
  elements: numbers,
  resultElement: "i32",
  reduction: placeOfExtreme("argmin", "<", (element) => greatest[element]),
  parts: placeParts("min", "argmin"),
  reduce: placeOf((a, b) => a < b),
  exact: (field, rows, width) => [field.placeOfExtreme(rows, width, "min")],
  vjp: { by: [null] },
});
