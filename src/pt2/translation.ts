/**
 * A program of ATen as a graph of ONNX, in memory: the one form that norms are looked for, moved and written in.
 *
 * Each node becomes a few nodes that say the same, as in PyTorch's own exporter to ONNX and in conversions between
 * dialects of MLIR, and each of these knows which one it comes from, so that what changes can be said in ATen again. Sizes
 * are tensors of one integer. What has no rule stays what it is, in a domain of its own. Weights stay in the archive.
 */

import type { Pt2Archive } from "./archive.ts";
import { AtenView, Untranslated } from "./aten-view.ts";
import { type Constant, OnnxGraph } from "./onnx-graph.ts";
import type { AtenNode, Program } from "./program.ts";
import { atenRules } from "./rules/index.ts";

/** A program as a model of ONNX, and what of it comes from what of the program. */
export interface Translated {
  readonly bytes: Uint8Array;
  /** For each node of the graph the node of the program that it comes from. */
  readonly origins: readonly AtenNode[];
  /** By their names in the graph. */
  readonly constants: ReadonlyMap<string, Constant>;
  /** The names in the graph of tensors of the program, where those are others. */
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

/** A node that has no rule: what it takes and makes is known, and no more. */
function keepNode({ target, name, made }: AtenNode, view: AtenView, graph: OnnxGraph): void {
  const outputs = made.filter(({ kind }) => kind !== "other");
  if (outputs.length === 0) return;
  const aten = "torch.ops.aten.";
  const [domain, opType] = target.startsWith(aten) ? ["aten", target.slice(aten.length)] : ["torch", target];
  for (const one of outputs) if (one.kind === "tensor") graph.declare(one.name);
  const inputs = view.allTaken();
  graph.nodes.push({ name, opType, domain, inputs, outputs: outputs.map((one) => one.name), attributes: {} });
}
