/** Models before and after the surgery. */

import { create } from "@bufbuild/protobuf";
import { TensorProto_DataLocation as Location, TensorProtoSchema } from "onnx-buf";
import { expect } from "vitest";
import { bytesInMemory, bytesOf, OnnxModel, type SurgeryOptions, surgery } from "../../src/onnx/index.ts";
import { type ModelParts, node, onnxModel, onnxType, spread, weight } from "./onnx.ts";

const open = (bytes: Uint8Array) =>
  new OnnxModel(bytesInMemory("m.onnx", bytes), () => {
    throw new Error("no file beside the model");
  });

/** The result of surgery on a model as a whole; slower forms are written too. */
export function operated(bytes: Uint8Array, options: SurgeryOptions = {}) {
  return chosen(bytes, { normOp: open(bytes).opset >= 23 ? "rmsnorm" : "skip", ...options });
}

/** What the surgery makes of a model if nobody asks for more. */
export function chosen(bytes: Uint8Array, options: SurgeryOptions = {}) {
  const model = open(bytes);
  const result = surgery(model, options);
  return { ...result, model, written: Buffer.concat([...bytesOf(model.reader.source, result.pieces)]) };
}

/** How many nodes of these ops a model has. */
export function countOf(bytes: Uint8Array, ...ops: string[]): number {
  return open(bytes).graph.nodes.filter(({ opType }) => ops.includes(opType)).length;
}

/** Nodes stand after those whose results they take, and nothing is made that has a name already. */
export function expectSorted(bytes: Uint8Array): void {
  const { order, graph } = open(bytes);
  expect(order).toEqual(graph.nodes);
}

const width = 4;
const stream = { element: "f32", shape: ["rows", width] } as const;
/** A product, whose rows are normalized. */
export const smallParts: ModelParts = {
  inputs: { x: stream },
  outputs: { y: { element: "f32" } },
  weights: {
    w: weight("f32", [width, width], ...spread(width * width, 1)),
    g: weight("f32", [width], 1, 2, 3, 4),
    b: weight("f32", [width], 5, 6, 7, 8),
  },
  nodes: [
    node("MatMul", ["x", "w"], ["h"], { name: "product" }),
    node("LayerNormalization", ["h", "g", "b"], ["y"], { name: "norm", attributes: { axis: -1 } }),
  ],
};
export const small = onnxModel(smallParts);

const { w: _, ...inside } = smallParts.weights as Required<ModelParts>["weights"];
/** The same, with a weight in another file. */
export const divided = onnxModel({
  ...smallParts,
  weights: inside,
  tensors: [
    create(TensorProtoSchema, {
      name: "w",
      dims: [BigInt(width), BigInt(width)],
      dataType: onnxType.f32,
      dataLocation: Location.EXTERNAL,
      externalData: [{ key: "location", value: "m.data" }],
    }),
  ],
});
export const weightsOfDivided = new Uint8Array(Float32Array.from(spread(width * width, 1)).buffer);
