/**
 * Symbolic evaluation of small tensors: models compute shapes by nodes, and pass them to Reshape, Expand or Slice. A rule
 * returns the items of an output whose shape is known.
 */

import { elementCount, rowMajorStrides } from "../../ir/tensor.ts";
import { types } from "../data-types.ts";
import {
  add,
  areEqual,
  type Extent,
  isLess,
  isSame,
  isTractable,
  least,
  multiply,
  negate,
  subtract,
} from "../extent.ts";
import { reducedAxes } from "./numbers.ts";
import { cuts } from "./shapes.ts";
import { type Item, mostItems, type TensorInfo, type TypeView } from "./view.ts";

type Items = readonly Item[];
type ValueRule = (at: TypeView, shape: readonly number[], output: number) => Items | undefined;

/** The shape, if it consists of numbers and has few elements. */
export function smallShape({ shape }: Pick<TensorInfo, "shape">): readonly number[] | undefined {
  if (shape === undefined || !shape.every((extent) => typeof extent === "number")) return undefined;
  return elementCount(shape) <= mostItems ? shape : undefined;
}

/** All indices of a shape in row-major order. */
function indicesOf(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (all, extent) => all.flatMap((index) => Array.from({ length: extent }, (_, i) => [...index, i])),
    [[]],
  );
}

interface Known {
  readonly shape: readonly number[];
  readonly at: (index: readonly number[]) => Item;
}

/** The items of an input, indexed with broadcasting; undefined if nothing is known of them. */
function known(at: TypeView, index: number): Known | undefined {
  if (!at.has(index)) return undefined;
  const info = at.info(index);
  const shape = smallShape(info);
  const { items } = info;
  if (shape === undefined || items === undefined) return undefined;
  const strides = rowMajorStrides(shape);
  return {
    shape,
    at: (position) => {
      const own = position.slice(position.length - shape.length);
      const place = own.reduce((sum, i, axis) => sum + (shape[axis] === 1 ? 0 : i * (strides[axis] as number)), 0);
      return items[place];
    },
  };
}

const isWhole = (item: Item): item is number => typeof item === "number" && Number.isInteger(item);
const isFloatType = (element: number | undefined) =>
  element === types.float || element === types.half || element === types.double || element === types.bfloat16;

const asNumber = (value: boolean | undefined): Item => (value === undefined ? undefined : Number(value));

/** Polynomials have integer coefficients: a product by a fraction becomes a ratio, if its divisor is a power of two. */
function times(at: TypeView, a: Extent, b: Extent): Item {
  if (typeof a === "number" && typeof b === "number") return a * b;
  const fraction = [a, b].find((item) => typeof item === "number" && !Number.isInteger(item)) as number | undefined;
  if (fraction === undefined) return multiply(a, b);
  const other = fraction === a ? b : a;
  for (let bottom = 2; bottom <= 1024; bottom *= 2) {
    if (Number.isInteger(fraction * bottom)) return at.extents.ratio(multiply(other, fraction * bottom), bottom);
  }
  return undefined;
}

function quotient(at: TypeView, a: Extent, b: Extent): Item {
  const isFloat = isFloatType(at.element(0));
  if (typeof a === "number" && typeof b === "number") return isFloat ? a / b : b === 0 ? undefined : Math.trunc(a / b);
  if (b === 0) return undefined;
  if (!isFloat) return at.extents.truncatedDivide(a, b);
  return isWhole(b) || typeof b !== "number" ? at.extents.ratio(a, b) : times(at, a, 1 / b);
}

function remainder(at: TypeView, a: Extent, b: Extent): Item {
  const isFmod = at.int("fmod", 0) === 1;
  if (typeof a === "number" && typeof b === "number") {
    if (b === 0) return undefined;
    return isFmod ? a % b : a - b * Math.floor(a / b);
  }
  if (least(b) <= 0 || (isFmod && least(a) < 0)) return undefined;
  return at.extents.remainder(a, b);
}

/** Cast: to an integer type, it truncates. */
function converted(at: TypeView, item: Extent): Item {
  const to = at.int("to", 0);
  if (to === types.bool) return asNumber(invert(areEqual(item, 0)));
  if (isFloatType(to)) return item;
  if (typeof item === "number") return Math.trunc(item);
  const whole = at.extents.floor(item);
  return isSame(whole, item) || least(whole) >= 0 ? whole : undefined;
}

const invert = (value: boolean | undefined) => (value === undefined ? undefined : !value);

type Scalar = (at: TypeView, a: Extent, b: Extent) => Item;

/** An operation that is only evaluated on numbers. */
const numeric =
  (of: (a: number, b: number) => number): Scalar =>
  (_at, a, b) =>
    typeof a === "number" && typeof b === "number" ? of(a, b) : undefined;

const logical =
  (of: (a: boolean, b: boolean) => boolean): Scalar =>
  (_at, a, b) =>
    typeof a === "number" && typeof b === "number" ? Number(of(a !== 0, b !== 0)) : undefined;

const unary = new Set(["Neg", "Abs", "Sign", "Floor", "Ceil", "Not", "Sqrt", "Reciprocal", "Relu", "Cast", "Identity"]);

const scalars: Readonly<Record<string, Scalar>> = {
  Add: (_, a, b) => add(a, b),
  Sum: (_, a, b) => add(a, b),
  Sub: (_, a, b) => subtract(a, b),
  Mul: times,
  Div: quotient,
  Mod: remainder,
  Min: ({ extents }, a, b) => extents.minimum(a, b),
  Max: ({ extents }, a, b) => extents.maximum(a, b),
  Pow: numeric((a, b) => a ** b),
  Equal: (_, a, b) => asNumber(areEqual(a, b)),
  Less: (_, a, b) => asNumber(isLess(a, b)),
  Greater: (_, a, b) => asNumber(isLess(b, a)),
  LessOrEqual: (_, a, b) => asNumber(invert(isLess(b, a))),
  GreaterOrEqual: (_, a, b) => asNumber(invert(isLess(a, b))),
  And: logical((a, b) => a && b),
  Or: logical((a, b) => a || b),
  Xor: logical((a, b) => a !== b),
  Neg: (_, a) => negate(a),
  Abs: (_, a) => (typeof a === "number" ? Math.abs(a) : least(a) >= 0 ? a : undefined),
  Sign: (_, a) => (typeof a === "number" ? Math.sign(a) : least(a) > 0 ? 1 : undefined),
  Floor: ({ extents }, a) => (typeof a === "number" ? Math.floor(a) : extents.floor(a)),
  Ceil: ({ extents }, a) => (typeof a === "number" ? Math.ceil(a) : extents.ceil(a)),
  Not: numeric((a) => Number(a === 0)),
  Sqrt: numeric((a) => Math.sqrt(a)),
  Reciprocal: (at, a) => (typeof a === "number" ? 1 / a : at.extents.ratio(1, a)),
  Relu: ({ extents }, a) => extents.maximum(0, a),
  Cast: converted,
  Identity: (_, a) => a,
};

const elementwise: ValueRule = (at, shape) => {
  const of = scalars[at.node.opType] as Scalar;
  const operands = Array.from({ length: at.inputCount }, (_, i) => known(at, i));
  if (operands.includes(undefined)) return undefined;
  return indicesOf(shape).map((index) => {
    const [first, ...rest] = operands.map((operand) => (operand as Known).at(index));
    if (first === undefined || rest.includes(undefined)) return undefined;
    if (unary.has(at.node.opType)) return of(at, first, 0);
    return (rest as Extent[]).reduce<Item>((all, item) => (all === undefined ? undefined : of(at, all, item)), first);
  });
};

/** If the condition is unknown, the result is still known where both operands agree. */
const where: ValueRule = (at, shape) => {
  const [condition, yes, no] = [0, 1, 2].map((i) => known(at, i));
  if (condition === undefined || yes === undefined || no === undefined) return undefined;
  return indicesOf(shape).map((index) => {
    const [is, a, b] = [condition.at(index), yes.at(index), no.at(index)];
    if (is !== undefined) return is === 0 ? b : a;
    return a !== undefined && b !== undefined && isSame(a, b) ? a : undefined;
  });
};

const regrouped: ValueRule = (at) => at.itemsIfKnown(0);

/** A permutation or repetition: `from` maps an index of the output to one of the first input. */
const moved =
  (from: (at: TypeView, index: readonly number[], x: Known) => readonly number[] | undefined): ValueRule =>
  (at, shape) => {
    const x = known(at, 0);
    if (x === undefined) return undefined;
    return indicesOf(shape).map((index) => {
      const place = from(at, index, x);
      return place && x.at(place);
    });
  };

const transpose = moved((at, index, x) => {
  const perm = at.ints("perm") ?? [...x.shape.keys()].reverse();
  return x.shape.map((_, axis) => index[perm.findIndex((one) => at.axis(one, x.shape.length) === axis)] as number);
});

const expand = moved((_, index, x) => index.slice(index.length - x.shape.length));

const tile = moved((_, index, x) => index.map((i, axis) => i % (x.shape[axis] as number)));

const gather: ValueRule = (at, shape) => {
  const [x, ids] = [known(at, 0), known(at, 1)];
  if (x === undefined || ids === undefined) return undefined;
  const axis = at.axis(at.int("axis", 0), x.shape.length);
  const extent = x.shape[axis] as number;
  return indicesOf(shape).map((index) => {
    const id = ids.at(index.slice(axis, axis + ids.shape.length));
    if (!isWhole(id)) return undefined;
    return x.at([...index.slice(0, axis), id < 0 ? id + extent : id, ...index.slice(axis + ids.shape.length)]);
  });
};

const slice: ValueRule = (at, shape) => {
  const x = known(at, 0);
  if (x === undefined) return undefined;
  const list = cuts(at, x.shape.length);
  if (!list.every(({ start, step }) => typeof start === "number" && typeof step === "number")) return undefined;
  return indicesOf(shape).map((index) => {
    const place = [...index];
    for (const cut of list) {
      const [start, step] = [cut.start as number, cut.step as number];
      const extent = x.shape[cut.axis] as number;
      const from = start < 0 ? Math.max(start + extent, 0) : Math.min(start, step > 0 ? extent : extent - 1);
      place[cut.axis] = from + (index[cut.axis] as number) * step;
    }
    return x.at(place);
  });
};

const concat: ValueRule = (at, shape) => {
  const axis = at.axis(at.int("axis", 0), shape.length);
  let start = 0;
  const pieces = Array.from({ length: at.inputCount }, (_, i) => {
    const extent = at.shape(i)[axis] as number;
    const piece = { start, end: start + extent, items: known(at, i) };
    start += extent;
    return piece;
  });
  return indicesOf(shape).map((index) => {
    const along = index[axis] as number;
    const piece = pieces.find(({ end }) => along < end);
    return piece?.items?.at(index.with(axis, along - piece.start));
  });
};

const split: ValueRule = (at, shape, output) => {
  const x = known(at, 0);
  if (x === undefined) return undefined;
  const axis = at.axis(at.int("axis", 0), x.shape.length);
  const extent = x.shape[axis] as number;
  const given = at.opset < 13 ? at.ints("split") : at.constantItems(1);
  const equal = Math.ceil(extent / at.node.outputs.length);
  const start = given?.slice(0, output).reduce((a, b) => a + b, 0) ?? equal * output;
  return indicesOf(shape).map((index) => x.at(index.with(axis, start + (index[axis] as number))));
};

const range: ValueRule = (at, [count]) => {
  const [start, , delta] = [0, 1, 2].map((i) => at.itemsIfKnown(i)?.[0]);
  if (start === undefined || delta === undefined) return undefined;
  return Array.from({ length: count as number }, (_, i) => add(start, multiply(delta, i)));
};

const fill: ValueRule = (at, shape) => {
  const tensor = at.tensorAttribute("value");
  const value = tensor === undefined ? 0 : at.numberOf(tensor);
  return new Array<Item>(elementCount(shape)).fill(value);
};

const merges: Readonly<Record<string, Scalar>> = {
  ReduceSum: (_, a, b) => add(a, b),
  ReduceProd: times,
  ReduceMax: ({ extents }, a, b) => extents.maximum(a, b),
  ReduceMin: ({ extents }, a, b) => extents.minimum(a, b),
};

const reduction: ValueRule = (at, shape) => {
  const x = known(at, 0);
  if (x === undefined) return undefined;
  const { axes, keepdims } = reducedAxes(at);
  const merge = merges[at.node.opType] as Scalar;
  const reducedIndices = indicesOf(x.shape.map((extent, axis) => (axes.includes(axis) ? extent : 1)));
  return indicesOf(shape).map((index) => {
    const left = keepdims ? index.filter((_, axis) => !axes.includes(axis)) : [...index];
    const outer = x.shape.map((_, axis) => (axes.includes(axis) ? 0 : (left.shift() as number)));
    const items = reducedIndices.map((inner) => x.at(outer.map((i, axis) => i + (inner[axis] as number))));
    if (items.includes(undefined) || items.length === 0) return undefined;
    const [first, ...others] = items as [Extent, ...Extent[]];
    return others.reduce<Item>((a, b) => (a === undefined ? undefined : merge(at, a, b)), first);
  });
};

const size: ValueRule = (at, _shape) => [multiply(...at.shape(0))];

/** The indices of non-zero items, if all items are numbers. */
const nonZero: ValueRule = (at, [, count]) => {
  const x = known(at, 0);
  if (x === undefined || at.constantItems(0) === undefined) return undefined;
  const found = indicesOf(x.shape).filter((index) => x.at(index) !== 0);
  if (found.length !== count) return undefined;
  return x.shape.flatMap((_, axis) => found.map((index) => index[axis] as number));
};

/** Replaces single items: PyTorch exports an assignment to an element of a shape like this. */
const scatter: ValueRule = (at, shape) => {
  const [ids, updates] = [at.constantItems(1), at.itemsIfKnown(2)];
  const items = at.itemsIfKnown(0);
  if (shape.length !== 1 || ids === undefined || updates === undefined || items === undefined) return undefined;
  const result = [...items];
  for (const [i, id] of ids.entries()) result[id < 0 ? id + (shape[0] as number) : id] = updates[i];
  return result;
};

const cumSum: ValueRule = (at, shape) => {
  const items = at.itemsIfKnown(0);
  const isPlain = at.int("exclusive", 0) === 0 && at.int("reverse", 0) === 0;
  if (items === undefined || shape.length !== 1 || !isPlain) return undefined;
  return items.map((_, i) => {
    const before = items.slice(0, i + 1);
    return before.includes(undefined) ? undefined : add(...(before as Extent[]));
  });
};

const rules: Readonly<Record<string, ValueRule>> = {
  ...Object.fromEntries(Object.keys(scalars).map((name) => [name, elementwise])),
  ...Object.fromEntries(["Reshape", "Squeeze", "Unsqueeze", "Flatten", "Dropout"].map((name) => [name, regrouped])),
  Where: where,
  Transpose: transpose,
  Expand: expand,
  Tile: tile,
  Gather: gather,
  Slice: slice,
  Concat: concat,
  Split: split,
  Range: range,
  ConstantOfShape: fill,
  ...Object.fromEntries(Object.keys(merges).map((name) => [name, reduction])),
  Size: size,
  NonZero: nonZero,
  ScatterND: scatter,
  ScatterElements: scatter,
  CumSum: cumSum,
};

/** The items of output `output`, whose type is `type`; undefined if nothing is known of them. */
export function valuesOf(at: TypeView, type: TensorInfo, output: number): Items | undefined {
  const rule = at.node.domain === "" ? rules[at.node.opType] : undefined;
  const shape = smallShape(type);
  if (rule === undefined || shape === undefined) return undefined;
  const items = rule(at, shape, output)?.map((item) => (item !== undefined && isFine(item) ? item : undefined));
  return items?.some((item) => item !== undefined) && items.length === elementCount(shape) ? items : undefined;
}

const isFine = (item: Extent) => (typeof item === "number" ? Number.isFinite(item) : isTractable(item));
