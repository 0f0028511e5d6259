/** Derives changes to the nodes of a model from what the passes changed, and encodes them. */

import type { Value } from "../ir/ir.ts";
import { type NewNode, nodeBytes } from "../onnx/encode.ts";
import { functionKey, type NodeProto } from "../onnx/messages.ts";
import type { OnnxModel } from "../onnx/model.ts";
import { microsoft } from "../onnx/norm-ops.ts";
import { editedNode, type GraphChanges } from "../onnx/write.ts";
import type { Draft, Leftovers, NodeChange } from "./draft.ts";
import { type Emitter, Unwritable } from "./emit.ts";
import type { ModelTensors } from "./tensors.ts";

/** The names that new nodes and tensors must not use. */
export function namesOf({ graph }: OnnxModel): Set<string> {
  const { nodes, inputs, outputs, initializers, valueInfo, sparse } = graph;
  const made = nodes.flatMap((node) => [node.name, ...node.outputs]);
  return new Set([
    ...made,
    ...sparse,
    ...[...inputs, ...outputs, ...initializers, ...valueInfo].map(({ name }) => name),
  ]);
}

interface Rewriting {
  readonly tensors: ModelTensors;
  readonly emitter: Emitter;
  readonly roots: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, Value>;
}

export function changesOf(
  model: OnnxModel,
  rewriting: Rewriting,
  unwritable: (node: NodeProto, reason: string) => void,
): ReadonlyMap<NodeProto, NodeChange> {
  const changes = new Map<NodeProto, NodeChange>();
  for (const node of model.order) {
    try {
      const change = changeOf(node, rewriting);
      if (change !== undefined) changes.set(node, change);
    } catch (caught) {
      if (!(caught instanceof Unwritable)) throw caught;
      unwritable(node, caught.message);
    }
  }
  return changes;
}

function changeOf(node: NodeProto, { tensors, emitter, roots, values }: Rewriting): NodeChange | undefined {
  const outputs = node.outputs.flatMap((tensor) => {
    const now = tensors.now(tensor);
    return now === undefined ? [] : [{ tensor, ...now }];
  });
  const isReplaced = outputs.some(({ tensor, vanished }) => roots.has(tensor) || vanished);
  const exchanged = outputs.map(({ tensor }) => tensors.exchanged(tensor));
  const isOther = outputs.some(({ tensor }, i) => exchanged[i] === undefined && !tensors.isSame(tensor));
  if (isReplaced || isOther) {
    const inOrder = outputs.toSorted((a, b) => tensors.inOrder(a.value, b.value));
    for (const { tensor, value, vanished } of inOrder) {
      if (vanished) emitter.node("Identity", [emitter.name(value)], tensor);
      else emitter.write(value, tensor);
    }
    // The new node with the output of the old one takes over its name.
    const isOwn = ({ outputs: [made] }: NewNode) => node.name !== "" && made === outputs[0]?.tensor;
    const before = emitter.taken().map((made) => (isOwn(made) ? { ...made, name: node.name } : made));
    return { before, self: "replaced" };
  }
  const instead = new Map(exchanged.flatMap((one) => [...(one ?? [])]));
  if (instead.size === 0) return undefined;
  const inputs = node.inputs.map((name) => {
    const other = name === "" ? undefined : instead.get(values.get(name) as Value);
    if (other === undefined) return name;
    return emitter.name(other);
  });
  return { before: emitter.taken(), self: { inputs } };
}

/** @param opset the version of the standard operator set of the written model. */
export function graphChanges(
  model: OnnxModel,
  { lines }: Draft,
  left: Leftovers,
  emitter: Emitter,
  opset: number,
): GraphChanges {
  const bytes = new Map<NodeProto, Uint8Array[]>(model.graph.nodes.map((node) => [node, []]));
  const isChanged = new Set(model.graph.nodes);
  const taken = new Set(lines.flatMap(({ takes }) => takes));
  for (const { at, made, inputs, edit } of lines) {
    const list = bytes.get(at) as Uint8Array[];
    const isSame = made === undefined && inputs === at.inputs && edit === undefined;
    if (made !== undefined) list.push(nodeBytes(made));
    else if (isSame) list.push(model.reader.bytes(at.range).slice());
    else list.push(editedNode(model, at, { ...edit, inputs }));
    if (isSame && list.length === 1) isChanged.delete(at);
    else isChanged.add(at);
  }
  const opsets = new Map<string, number>(model.opset === 0 ? [["", 17]] : opset > model.opset ? [["", opset]] : []);
  const isMicrosoft = lines.some(({ made }) => made?.domain === microsoft);
  if (isMicrosoft && !model.opsets.has(microsoft)) opsets.set(microsoft, 1);
  return {
    nodes: new Map([...isChanged].map((node) => [node.index, bytes.get(node) as Uint8Array[]])),
    initializers: emitter.tensors
      .filter(({ name }) => taken.has(name))
      .map((tensor) => ({ ...tensor, raw: tensor.raw() })),
    without: left.initializers,
    untyped: left.tensors,
    opsets,
    functions: emitter.functions.filter(
      ({ domain, name }) => !model.functions.has(functionKey({ domain, name, overload: "" })),
    ),
  };
}
