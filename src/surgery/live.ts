/** What nothing needs any more once nodes were exchanged. */

import type { NewNode } from "../onnx/encode.ts";
import type { NodeProto } from "../onnx/messages.ts";
import type { OnnxModel } from "../onnx/model.ts";

/** What becomes of a node: new ones stand before it, and it stays, takes other inputs, or is one of the new ones. */
export interface NodeChange {
  readonly before: readonly NewNode[];
  readonly self: "same" | "replaced" | { readonly inputs: readonly string[] };
}

interface Step {
  readonly takes: readonly string[];
  readonly makes: readonly string[];
}

const untouched: NodeChange = { before: [], self: "same" };

function stepOf(model: OnnxModel, node: NodeProto, { before, self }: NodeChange): Step {
  const inner = self === "same" ? model.namesTaken(node) : self === "replaced" ? [] : self.inputs;
  return {
    takes: [...before.flatMap(({ inputs }) => inputs), ...inner],
    makes: [...before.flatMap(({ outputs }) => outputs), ...node.outputs],
  };
}

export interface Leftovers {
  /** Nodes that were needed and are not, and what depends on them without ever having been needed. */
  readonly nodes: ReadonlySet<NodeProto>;
  /** Initializers that only those read. */
  readonly initializers: ReadonlySet<string>;
}

export function leftovers(model: OnnxModel, changes: ReadonlyMap<NodeProto, NodeChange>): Leftovers {
  const { order, graph } = model;
  const now = new Map(order.map((node) => [node, stepOf(model, node, changes.get(node) ?? untouched)]));
  const was = new Map(order.map((node) => [node, stepOf(model, node, untouched)]));
  const neededBefore = needed(model, was);
  const neededNow = needed(model, now);
  const nodes = new Set<NodeProto>();
  const gone = new Set<string>();
  for (const node of order) {
    const isDead = neededBefore.has(node) && !neededNow.has(node);
    if (!isDead && (neededNow.has(node) || !model.namesTaken(node).some((name) => gone.has(name)))) continue;
    nodes.add(node);
    for (const name of node.outputs) if (name !== "") gone.add(name);
  }
  const taken = (steps: ReadonlyMap<NodeProto, Step>) =>
    new Set([...graph.outputs.map(({ name }) => name), ...[...steps.values()].flatMap(({ takes }) => takes)]);
  for (const node of nodes) now.delete(node);
  const [takenBefore, takenNow] = [taken(was), taken(now)];
  const inputs = new Set(graph.inputs.map(({ name }) => name));
  const isLeft = (name: string) => takenBefore.has(name) && !takenNow.has(name) && !inputs.has(name);
  return { nodes, initializers: new Set(graph.initializers.map(({ name }) => name).filter(isLeft)) };
}

function needed({ order, graph }: OnnxModel, steps: ReadonlyMap<NodeProto, Step>): Set<NodeProto> {
  const names = new Set(graph.outputs.map(({ name }) => name));
  const nodes = new Set<NodeProto>();
  for (const node of order.toReversed()) {
    const { takes, makes } = steps.get(node) as Step;
    if (!makes.some((name) => name !== "" && names.has(name))) continue;
    nodes.add(node);
    for (const name of takes) names.add(name);
  }
  return nodes;
}
