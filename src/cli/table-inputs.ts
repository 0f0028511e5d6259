/** Inputs of a model that are row numbers of a table, because Gather uses them as indices, with the number of its rows. */

import type { NodeProto } from "../onnx/messages.ts";
import type { OnnxModel } from "../onnx/model.ts";

/** The smallest of the tables that an input indexes. */
export interface Table {
  readonly tensor: string;
  readonly rows: number;
}

/** Ops that pass on the numbers of their first input unchanged. */
const passing = new Set([
  ...["Cast", "Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Expand", "Tile", "Slice"],
  ...["Split", "Concat", "Clip"],
]);

/** By the names of inputs, without those that index no table. */
export function tablesIn(model: OnnxModel): ReadonlyMap<string, Table> {
  const readers = new Map<string, NodeProto[]>();
  for (const node of model.graph.nodes) {
    for (const name of new Set(node.inputs)) readers.set(name, [...(readers.get(name) ?? []), node]);
  }
  const found = new Map<string, Table>();
  for (const { name } of model.graph.inputs) {
    const tables = tablesOf(name, readers, model);
    const [least] = tables.toSorted((a, b) => a.rows - b.rows);
    if (least !== undefined) found.set(name, least);
  }
  return found;
}

function tablesOf(input: string, readers: ReadonlyMap<string, readonly NodeProto[]>, model: OnnxModel): Table[] {
  const seen = new Set([input]);
  const tables: Table[] = [];
  for (const name of seen) {
    for (const node of readers.get(name) ?? []) {
      const table = tableOf(node, name, model);
      if (table !== undefined) tables.push(table);
      if (passing.has(node.opType)) for (const output of node.outputs) seen.add(output);
    }
  }
  return tables;
}

/** The table that a node indexes by one of its inputs. */
function tableOf(node: NodeProto, input: string, model: OnnxModel): Table | undefined {
  const at = node.inputs.indexOf(input);
  const sizeOf = (tensor: string | undefined, axis: number): Table | undefined => {
    const dims = tensor === undefined ? undefined : model.tensorType(tensor)?.dims;
    const rows = dims?.at(axis);
    return tensor === undefined || rows === undefined ? undefined : { tensor, rows };
  };
  if (node.opType === "Gather" && at === 1) {
    return sizeOf(node.inputs[0], model.attribute(node, "axis")?.integer ?? 0);
  }
  // Words, then segments; the positions' table is before theirs.
  if (node.opType === "EmbedLayerNormalization" && at < 2) return sizeOf(node.inputs[at === 0 ? 2 : 4], 0);
  return undefined;
}
