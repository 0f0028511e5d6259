/** The graph of a model as source text, which messages quote. */

import type { Labels, Source, Span } from "../diagnostics/diagnostic.ts";
import type { NodeProto } from "./messages.ts";
import { type OnnxModel, shownOp, writtenName } from "./model.ts";
import { UniqueNames } from "./names.ts";

/**
 * The graph as text, one node per line, and the spans of nodes in it.
 * @param tensors the tensors of the graph by their names in the program; it may grow afterwards.
 */
export function listing(
  { file, graph }: OnnxModel,
  tensors: ReadonlyMap<string, string>,
): { source: Source; spanOf: (node: NodeProto) => Span } {
  const lines = graph.nodes.map(({ outputs, opType, inputs, name }) => {
    const text = `${outputs.join(", ")} = ${opType}(${inputs.join(", ")})`;
    return (name === "" ? text : `${text}  // ${name}`).replace(/[\n\r]/g, " ");
  });
  let start = 0;
  const starts = lines.map((line) => {
    const at = start;
    start += line.length + 1;
    return at;
  });
  const nodeAt = new Map(graph.nodes.map((node, i) => [starts[i] as number, node]));
  const outputs = new UniqueNames();
  const results = new Map(graph.outputs.map(({ name }) => [outputs.give(name), name]));
  const labels: Labels = {
    maker(at) {
      const node = nodeAt.get(at);
      return node && `\`${writtenName(node.name || (node.outputs[0] ?? ""))}\` (${writtenName(shownOp(node))})`;
    },
    leaf(name) {
      const tensor = tensors.get(name);
      return tensor === undefined ? undefined : `\`${writtenName(tensor)}\``;
    },
    result: (name) => writtenName(results.get(name) ?? name),
  };
  const source = { name: file, text: lines.join("\n"), labels };
  const spanOf = ({ index }: NodeProto) => {
    const from = starts[index] as number;
    return { source, start: from, end: from + (lines[index] as string).length };
  };
  return { source, spanOf };
}
