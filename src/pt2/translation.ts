/**
 * Translates an ATen program to an ONNX graph, the form on which surgery works.
 *
 * Each node becomes a few equivalent nodes, as in PyTorch's own ONNX exporter. These remember their origin, so that changes
 * can be translated back to ATen. Sizes are tensors with one element. A node without a rule is kept, in a domain of its
 * own. Weights remain in the archive.
 */

import type { Pt2Archive } from "./archive.ts";
import { AtenView, Untranslated } from "./aten-view.ts";
import { type Constant, OnnxGraph } from "./onnx-graph.ts";
import type { AtenNode, Program } from "./program.ts";
import { atenRules } from "./rules/index.ts";

/** An ONNX model, and how it corresponds to the program. */
export interface Translated {
  readonly bytes: Uint8Array;
  /** For each node of the graph, the node of the program that it was translated from. */
  readonly origins: readonly AtenNode[];
  /** Weights by their names in the graph. */
  readonly constants: ReadonlyMap<string, Constant>;
  /** The names in the graph of the program's tensors, if they differ. */
  readonly names: ReadonlyMap<string, string>;
}

export function translate(archive: Pt2Archive, program: Program): Translated {
  const graph = new OnnxGraph(archive, program);
  const origins: AtenNode[] = [];
  for (const node of program.nodes) {
    translateNode(node, graph);
    while (origins.length < graph.nodes.length) origins.push(node);
  }
  return { bytes: graph.bytes(), origins, constants: graph.constants, names: graph.names };
}

function translateNode(node: AtenNode, graph: OnnxGraph): void {
  const before = graph.nodes.length;
  const rule = atenRules[node.target];
  const view = new AtenView(node, graph);
  try {
    if (rule !== undefined) {
      rule(view);
      for (const { kind, name } of node.made) if (kind === "tensor") graph.declare(name, graph.nameOf(name));
      return;
    }
  } catch (caught) {
    if (!(caught instanceof Untranslated)) throw caught;
    graph.nodes.length = before;
  }
  keepNode(node, view, graph);
}

/** Keeps a node without a rule: only its inputs and outputs are known. */
function keepNode({ target, name, made }: AtenNode, view: AtenView, graph: OnnxGraph): void {
  const outputs = made.filter(({ kind }) => kind !== "other");
  if (outputs.length === 0) return;
  const aten = "torch.ops.aten.";
  const [domain, opType] = target.startsWith(aten) ? ["aten", target.slice(aten.length)] : ["torch", target];
  for (const one of outputs) if (one.kind === "tensor") graph.declare(one.name);
  const inputs = view.allTaken();
  graph.nodes.push({ name, opType, domain, inputs, outputs: outputs.map((one) => one.name), attributes: {} });
}
