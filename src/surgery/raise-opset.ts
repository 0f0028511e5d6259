/**
 * Converts a model to a later opset: 23 has RMSNormalization.
 *
 *   Squeeze(x) {axes=[0]}   opset 11
 *   ->
 *   Squeeze(x, [0])         opset 13 and later
 *
 * As in ONNX's version converter, changes are a table by op and opset. Unlike there, a node is converted in a single step,
 * and a model with any change that is not in the table stays in its opset. See
 * https://github.com/onnx/onnx/blob/main/docs/Changelog.md.
 */

import type { NodeProto } from "../onnx/messages.ts";
import { type OnnxModel, shown } from "../onnx/model.ts";
import { typeRuleOf } from "../onnx/types/rules.ts";
import type { Edit } from "./draft.ts";

/** The edit that converts a node; inputs to add are lists of integers, for which tensors are created later. */
interface Raising extends Omit<Edit, "added"> {
  readonly added?: readonly (readonly number[])[];
}

/** A node in the model's opset. */
interface OldNode {
  readonly node: NodeProto;
  readonly rank: number | undefined;
  readonly integer: (name: string) => number | undefined;
  readonly integers: (name: string) => readonly number[] | undefined;
  readonly text: (name: string) => string | undefined;
}

/** The conversion of a node: "same" if none is needed, undefined if none is known. */
type Raised = Raising | "same" | undefined;

interface Change {
  /** The opset that changed the op. */
  readonly since: number;
  readonly raised: (node: OldNode) => Raised;
}

const unknown = () => undefined;
const change = (since: number, raised: Change["raised"] = unknown): Change => ({ since, raised });

/** An attribute with integers became the second input. */
const toInput =
  (name: string): Change["raised"] =>
  ({ integers }) => {
    const list = integers(name);
    return list === undefined ? "same" : { added: [list], without: [name] };
  };

/** Since opset 13, a row is along a single axis; before, it consisted of all axes from `axis` on. */
const alongLast: Change["raised"] = ({ rank, integer }) => {
  const axis = integer("axis") ?? 1;
  const isLast = axis === -1 || (rank !== undefined && axis === rank - 1);
  return isLast ? { without: ["axis"], attributes: { axis: -1 } } : undefined;
};

/** Opset 18 requires the number of pieces if their lengths are not given. */
const split: Change["raised"] = (old) => {
  const { node, integers } = old;
  if (integers("split") !== undefined) return toInput("split")(old);
  if (node.inputs.length > 1) return "same";
  return { attributes: { num_outputs: node.outputs.length } };
};

const reductions = ["L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "SumSquare"];

/** All other changes from opset 9 to 23 added types, optional inputs, or attributes that default to the old behavior. */
export const changes: Readonly<Record<string, readonly Change[]>> = {
  BatchNormalization: [change(14, ({ node }) => (node.outputs.length === 1 ? "same" : undefined))],
  Clip: [change(11)],
  ConvTranspose: [change(11)],
  DFT: [change(20)],
  Dropout: [change(12, () => ({ without: ["ratio"] }))],
  GridSample: [change(20)],
  GroupNormalization: [change(21)],
  Hardmax: [change(13, alongLast)],
  LogSoftmax: [change(13, alongLast)],
  Pad: [change(11)],
  ...Object.fromEntries(reductions.map((name) => [`Reduce${name}`, [change(18, toInput("axes"))]])),
  ReduceSum: [change(13, toInput("axes"))],
  Resize: [
    change(11),
    change(13, ({ text }) => (text("coordinate_transformation_mode") === "tf_half_pixel_for_nn" ? undefined : "same")),
  ],
  RoiAlign: [change(16)],
  Scatter: [change(11)],
  Slice: [change(10)],
  Softmax: [change(13, alongLast)],
  Split: [change(18, split)],
  Squeeze: [change(13, toInput("axes"))],
  TopK: [change(10)],
  Unsqueeze: [change(13, toInput("axes"))],
  Upsample: [change(10)],
};

/** A later opset, and the edits that convert the model to it. */
export interface LaterSet {
  readonly opset: number;
  readonly edits: ReadonlyMap<NodeProto, Raising>;
}

/**
 * Converts a model to a later opset, or says why that is not possible.
 * @param rankOf the rank of a tensor, if it is known.
 */
export function raiseTo(
  model: OnnxModel,
  opset: number,
  rankOf: (tensor: string) => number | undefined,
): LaterSet | { readonly because: string } {
  // Functions import the same opset as the model, and would have to be converted too.
  if (model.functions.size > 0) return { because: "because the model has functions" };
  const edits = new Map<NodeProto, Raising>();
  for (const node of model.graph.nodes) {
    const raised = raisedNode(model, node, opset, rankOf);
    const because = (name: string) => ({ because: `because ${name} is not known to mean the same in opset ${opset}` });
    if (raised === undefined) return because(shown(node));
    if (raised !== "same") edits.set(node, raised);
    const inner = firstOther(model, node, opset);
    if (inner !== undefined) return because(`${shown(inner)} in ${shown(node)}`);
  }
  return { opset, edits };
}

function raisedNode(
  model: OnnxModel,
  node: NodeProto,
  opset: number,
  rankOf: (tensor: string) => number | undefined,
): Raised {
  if (node.domain !== "") return "same";
  // Only Constant has no type rule: its type is that of its attribute.
  if (node.opType !== "Constant" && typeRuleOf(node) === undefined) return undefined;
  const attribute = (name: string) => model.attribute(node, name);
  const due = (changes[node.opType] ?? []).filter(({ since }) => model.opset < since && since <= opset);
  const found = due.map(({ raised }) =>
    raised({
      node,
      rank: rankOf(node.inputs[0] ?? ""),
      integer: (name) => attribute(name)?.integer,
      integers: (name) => attribute(name)?.integers(64),
      text: (name) => attribute(name)?.text,
    }),
  );
  if (found.includes(undefined)) return undefined;
  return found.find((one) => one !== "same") ?? "same";
}

/** The first node in the subgraphs of a node that would need a conversion: subgraphs cannot be edited. */
function firstOther(model: OnnxModel, node: NodeProto, opset: number): NodeProto | undefined {
  for (const body of model.bodies(node).values()) {
    for (const inner of body.nodes) {
      if (raisedNode(model, inner, opset, () => undefined) !== "same") return inner;
      const deeper = firstOther(model, inner, opset);
      if (deeper !== undefined) return deeper;
    }
  }
  return undefined;
}
