/** Models before and after the surgery. */

import { expect } from "vitest";
import { bytesInMemory } from "../../src/onnx/bytes.ts";
import { OnnxModel } from "../../src/onnx/model.ts";
import { bytesOf } from "../../src/onnx/write.ts";
import { type SurgeryOptions, surgery } from "../../src/surgery/surgery.ts";

const open = (bytes: Uint8Array) =>
  new OnnxModel(bytesInMemory("m.onnx", bytes), () => {
    throw new Error("no file beside the model");
  });

/** What the surgery makes of a model, in one piece. */
export function operated(bytes: Uint8Array, options: SurgeryOptions = {}) {
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
