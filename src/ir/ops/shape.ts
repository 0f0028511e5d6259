/** Rows of the op table for ops that only move or repeat elements. */

import { broadcastStrides, gather, rowMajorStrides } from "../tensor.ts";
import { broadcastShapes, type Dim, printShape, type Shape, sameShape } from "../types.ts";
import { type AttributeDef, anyElement, attribute, hasNegative, type ShapeRow } from "./def.ts";

function shapeOp(
  move: ShapeRow["move"],
  summary: string,
  attributes: Readonly<Record<string, AttributeDef>>,
  infer: ShapeRow["infer"],
  evaluate: ShapeRow["evaluate"],
  facts: ShapeRow["facts"] = {},
): ShapeRow {
  return {
    kind: "shape",
    move,
    summary,
    operands: [{ name: "x" }],
    attributes,
    elements: anyElement,
    facts,
    infer,
    evaluate,
  };
}

const target = (summary: string): Readonly<Record<string, AttributeDef>> => ({ shape: { type: "shape", summary } });

/** The product of a shape: a number and the names left over, sorted, so that equal products compare equal. */
function product(shape: Shape): { factor: number; names: string[] } {
  const factor = shape.reduce<number>((p, dim) => (typeof dim === "number" ? p * dim : p), 1);
  return { factor, names: shape.filter((dim): dim is string => typeof dim === "string").sort() };
}

/** The extent that -1 stands for in `wanted`, if one extent can. */
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

export const shapeOps = {
  reshape: shapeOp(
    "regroup",
    "The same elements, in row-major order, in another shape; one extent may be -1.",
    target("The new shape, with as many elements."),
    (shape, attributes) => reshaped(shape, attribute.shape(attributes, "shape")),
    (x) => x.data,
  ),
  transpose: shapeOp(
    "permute",
    "Axes in another order: axis i of the result is axis perm[i] of x.",
    { perm: { type: "permutation", summary: "Every axis once." } },
    (shape, attributes) => permuted(shape, attribute.permutation(attributes)),
    (x, shape, attributes) => {
      const strides = rowMajorStrides(x.shape);
      return gather(
        x.data,
        shape,
        attribute.permutation(attributes).map((axis) => strides.at(axis) as number),
      );
    },
  ),
  broadcast: shapeOp(
    "repeat",
    "Repeated to fill a shape by NumPy's rules.",
    target("The shape to fill."),
    (shape, attributes) => {
      const wanted = attribute.shape(attributes, "shape");
      if (hasNegative(wanted)) return "an extent cannot be negative";
      const merged = broadcastShapes(shape, wanted);
      if (merged !== undefined && sameShape(merged, wanted)) return wanted;
      return `${printShape(shape)} does not broadcast to ${printShape(wanted)}`;
    },
    (x, shape) => gather(x.data, shape, broadcastStrides(x.shape, shape)),
  ),
} satisfies Record<string, ShapeRow>;

export type ShapeName = keyof typeof shapeOps;
