/** Rows of the op table for ops that only move or repeat elements. */

import { broadcastStrides, gather, rowMajorStrides } from "../tensor.ts";
import { broadcastShapes, type Dim, printShape, type Shape, sameShape } from "../types.ts";
import { type AttributeDefs, attribute, type Declaring } from "./attributes.ts";
import { anyElement, hasNegative, type ShapeDef } from "./def.ts";
import { ofOne } from "./vjp.ts";

interface Parts<A extends AttributeDefs> extends Omit<ShapeDef<A>, "kind" | "operands" | "elements" | "facts" | "vjp"> {
  /** The transpose of the move: all are linear. */
  readonly back: Parameters<typeof ofOne>[0];
}

function shapeOp<const A extends AttributeDefs>({ back, ...parts }: Parts<A>): Declaring<ShapeDef, A> {
  const common = { kind: "shape", operands: [{ name: "x" }], elements: anyElement, facts: {} };
  // Functions of a row are only called with that row's attributes.
  return { ...common, ...parts, vjp: { by: [ofOne(back)] } } as never;
}

const target = (summary: string) => ({ shape: { type: "shape", summary } }) as const;

/** The product of a shape: a number and the sorted names, so that equal products compare equal. */
function product(shape: Shape): { factor: number; names: string[] } {
  const factor = shape.reduce<number>((p, dim) => (typeof dim === "number" ? p * dim : p), 1);
  return { factor, names: shape.filter((dim): dim is string => typeof dim === "string").sort() };
}

/** The extent that -1 stands for in `wanted`, if there is one. */
function missingDim(shape: Shape, wanted: Shape): Dim | undefined {
  const have = product(shape);
  const given = product(wanted.filter((dim) => dim !== -1));
  const names = [...have.names];
  for (const name of given.names) {
    const at = names.indexOf(name);
    if (at < 0) return undefined;
    names.splice(at, 1);
  }
  const factor = have.factor / given.factor;
  if (names.length === 0) return Number.isInteger(factor) ? factor : undefined;
  return names.length === 1 && factor === 1 ? names[0] : undefined;
}

function reshaped(shape: Shape, wanted: Shape): Shape | string {
  const unknown = wanted.filter((dim) => dim === -1).length;
  if (unknown > 1) return "only one extent can be -1";
  if (wanted.some((dim) => typeof dim === "number" && dim < -1)) return "an extent cannot be negative";
  const inferred = unknown === 0 ? 1 : missingDim(shape, wanted);
  if (inferred === undefined)
    return `no single extent for -1 makes ${printShape(wanted)} as large as ${printShape(shape)}`;
  const result = wanted.map((dim) => (dim === -1 ? inferred : dim));
  const [from, to] = [product(shape), product(result)];
  if (from.factor === to.factor && sameShape(from.names, to.names)) return result;
  return `${printShape(shape)} and ${printShape(wanted)} have different numbers of elements`;
}

function permuted(shape: Shape, perm: readonly number[]): Shape | string {
  const axes = perm.map((axis) => (axis < 0 ? axis + shape.length : axis));
  const complete = axes.length === shape.length && shape.every((_, axis) => axes.includes(axis));
  if (!complete) return `perm must name each of the ${shape.length} axes of ${printShape(shape)} once`;
  return axes.map((axis) => shape[axis] as Dim);
}

/** The inverse of a permutation. */
function inverse(perm: readonly number[]): number[] {
  const axes = perm.map((axis) => (axis < 0 ? axis + perm.length : axis));
  return axes.map((_, axis) => axes.indexOf(axis));
}

export const reshape = shapeOp({
  summary: "The same elements, in row-major order, in another shape; one extent may be -1.",
  attributes: target("The new shape, with as many elements."),
  move: "regroup",
  infer: (shape, attributes) => reshaped(shape, attributes.shape),
  evaluate: (x) => x.data,
  back: (t, x, dy) => t.reshape(dy, x.shape),
});

export const transpose = shapeOp({
  summary: "Permutes the axes: axis i of the result is axis perm[i] of x.",
  attributes: { perm: { type: "permutation", summary: "The order of the axes; each must occur once." } },
  move: "permute",
  infer: (shape, { perm }) => permuted(shape, perm),
  evaluate: (x, shape, { perm }) => {
    const strides = rowMajorStrides(x.shape);
    return gather(
      x.data,
      shape,
      perm.map((axis) => strides.at(axis) as number),
    );
  },
  back: (t, _, dy, { attributes }) => t.transpose(dy, inverse(attribute.permutation(attributes))),
});

export const broadcast = shapeOp({
  summary: "Repeats x to fill a shape, by the rules of NumPy.",
  attributes: target("The shape to fill."),
  move: "repeat",
  infer: (shape, { shape: wanted }) => {
    if (hasNegative(wanted)) return "an extent cannot be negative";
    const merged = broadcastShapes(shape, wanted);
    if (merged !== undefined && sameShape(merged, wanted)) return wanted;
    return `${printShape(shape)} does not broadcast to ${printShape(wanted)}`;
  },
  evaluate: (x, shape) => gather(x.data, shape, broadcastStrides(x.shape, shape)),
  back: (t, x, dy) => t.summedTo(dy, x.shape),
});
