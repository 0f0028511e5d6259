/** Writes a piece of a model as a model. */

import type { Range } from "../onnx/bytes.ts";
import { fieldHead, messageField, tensorBytes, valueInfoBytes } from "../onnx/encode.ts";
import type { NodeProto } from "../onnx/messages.ts";
import type { OnnxModel } from "../onnx/model.ts";
import { fieldsOf } from "../onnx/wire.ts";
import { lengthOfPieces, type Piece } from "../onnx/write.ts";
import type { ModelPiece } from "./plan.ts";

const modelField = { graph: 7, training: 20 } as const;
const graphField = { node: 1, name: 2, initializer: 5, input: 11, output: 12, valueInfo: 13, sparse: 15 } as const;

/** Opsets, functions, metadata and the IR version are copied from the model. Throws E0746. */
export function pieceOfModel(model: OnnxModel, piece: ModelPiece): Piece[] {
  const parts: Piece[] = [];
  for (const { number, range, content } of fieldsOf(model.reader, { start: 0, end: model.reader.source.size })) {
    if (number === modelField.graph) {
      const inner = graphOf(model, content, piece);
      parts.push(fieldHead(modelField.graph, lengthOfPieces(inner)), ...inner);
    } else if (number !== modelField.training) parts.push(range);
  }
  return parts;
}

/** The model's constants that the piece reads or returns. */
function constantsOf(model: OnnxModel, { nodes, outputs }: ModelPiece): Set<string> {
  const constants = new Set([...model.tensorNames, ...model.graph.sparse]);
  const names = [...[...nodes].flatMap((node) => model.namesTaken(node)), ...outputs];
  return new Set(names.filter((name) => constants.has(name)));
}

function graphOf(model: OnnxModel, graph: Range, piece: ModelPiece): Piece[] {
  const { nodes, inputs, outputs, tensors } = piece;
  const constants = constantsOf(model, piece);
  const isIn = (node: NodeProto) => nodes.has(node) || node.outputs.some((name) => constants.has(name));
  const made = new Set([...nodes].flatMap((node) => node.outputs));
  for (const name of outputs) made.delete(name);
  const written: Range[] = [];
  const parts: Piece[] = [];
  const count = { initializer: 0, input: 0, valueInfo: 0, sparse: 0 };
  const { initializers, inputs: declared, valueInfo, sparse } = model.graph;
  for (const { number, range } of fieldsOf(model.reader, graph)) {
    if (number === graphField.node) written.push(range);
    else if (number === graphField.name) parts.push(range);
    else if (number === graphField.initializer) {
      const tensor = initializers[count.initializer++];
      if (tensor === undefined || !constants.has(tensor.name)) continue;
      const bytes = tensor.external && model.externalBytes(tensor);
      parts.push(
        bytes === undefined ? range : messageField(graphField.initializer, tensorBytes({ ...tensor, raw: bytes })),
      );
    } else if (number === graphField.sparse && constants.has(sparse[count.sparse++] ?? "")) parts.push(range);
    // Before IR version 4, initializers are inputs too.
    else if (number === graphField.input && constants.has(declared[count.input++]?.name ?? "")) parts.push(range);
    else if (number === graphField.valueInfo && made.has(valueInfo[count.valueInfo++]?.name ?? "")) parts.push(range);
  }
  const info = (name: string) => valueInfoBytes(name, tensors[name] as ModelPiece["tensors"][string]);
  return [
    ...model.order.filter(isIn).map(({ index }) => written[index] as Range),
    ...parts,
    ...inputs.map((name) => messageField(graphField.input, info(name))),
    ...outputs.map((name) => messageField(graphField.output, info(name))),
  ];
}
