/** Rows of the op table for tensors of positions and counts, whose elements depend on their index alone. */

import * as shapeErrors from "../../diagnostics/areas/shapes.ts";
import { elementCount, indexAt } from "../tensor.ts";
import { hasNegative, type IndexDef } from "./def.ts";
import { along, indexOp } from "./indexing.ts";

const shaped = (summary: string) => ({ shape: { type: "shape", summary } }) as const;

/** The shape that an op has as its attribute. */
const toldShape =
  (op: string): IndexDef<ReturnType<typeof shaped>>["infer"] =>
  (_, { shape }) => {
    if (!hasNegative(shape)) return shape;
    return (at) => shapeErrors.shapeOp(at("shape"), op, "an extent cannot be negative");
  };

export const iota = indexOp({
  summary: "0, 1, 2, ... along an axis, and constant along all others.",
  operands: [],
  attributes: { ...shaped("The shape of the result."), ...along },
  elements: ["i32"],
  infer: toldShape("iota"),
  evaluate: (_, attributes, { shape }) => {
    const axis = attributes.axis + shape.length;
    return Float64Array.from({ length: elementCount(shape) }, (_, i) => indexAt(i, shape)[axis] as number);
  },
  map: () => ({ kind: "position" }),
  zeroMean: () => [],
  vjp: { by: [] },
});

export const linear_index = indexOp({
  summary: "The index of each element in row-major order: 0, 1, 2, ... over all axes.",
  operands: [],
  attributes: shaped("The shape of the result."),
  elements: ["u32"],
  infer: toldShape("linear_index"),
  evaluate: (_, __, { shape }) => Float64Array.from({ length: elementCount(shape) }, (_, i) => i),
  map: () => ({ kind: "position", isLinear: true }),
  zeroMean: () => [],
  vjp: { by: [] },
});

export const size = indexOp({
  summary:
    "The number of elements of a shape, which is the product of its extents; if extents have names, it is known at launch. `cast(size(shape = [rows]), to = f32)` is the number of rows.",
  operands: [],
  attributes: shaped("What is counted: extents, or their names."),
  elements: ["u32"],
  infer: (_, attributes) => {
    const shape = toldShape("size")([], attributes);
    return typeof shape === "function" ? shape : [];
  },
  evaluate: (_, attributes) => Float64Array.of(elementCount(attributes.shape as number[]) % 2 ** 32),
  map: () => ({ kind: "count" }),
  zeroMean: () => [],
  vjp: { by: [] },
});
