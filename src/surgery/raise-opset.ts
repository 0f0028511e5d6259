/**
 * A model in a later operator set, where it says the same: set 23 has RMSNormalization, which every runtime has a kernel for.
 *
 *   Squeeze(x) {axes=[0]}   of set 11
 *   ->
 *   Squeeze(x, [0])         of set 13 and later
 *
 * As in ONNX's own version converter the changes are a table by op and set; that one converts a step at a time, here an op
 * goes to the last form in one, and a model that has any other change stays in its set. The sets' changelog is
 * https://github.com/onnx/onnx/blob/main/docs/Changelog.md.
 */

import type { NodeProto } from "../onnx/messages.ts";
import { type OnnxModel, shown } from "../onnx/model.ts";
import { typeRuleOf } from "../onnx/types/rules.ts";
import type { Edit } from "./draft.ts";

/** How a node says the same in a later set: an edit of which added inputs are lists of integers that are no tensors yet. */
interface Raising extends Omit<Edit, "added"> {
  readonly added?: readonly (readonly number[])[];
}

/** A node of the set that the model has. */
interface OldNode {
  readonly node: NodeProto;
  readonly rank: number | undefined;
  readonly integer: (name: string) => number | undefined;
  readonly integers: (name: string) => readonly number[] | undefined;
  readonly text: (name: string) => string | undefined;
}

/** How a node says the same; "same" where it does already, nothing where that is not known. */
type Raised = Raising | "same" | undefined;

interface Change {
  /** The first set in which a node that was written for the one before may mean something else. */
  readonly since: number;
  readonly raised: (node: OldNode) => Raised;
}

const unknown = () => undefined;
const change = (since: number, raised: Change["raised"] = unknown): Change => ({ since, raised });

/** An attribute of integers that became the second input. */
const toInput =
  (name: string): Change["raised"] =>
  ({ integers }) => {
    const list = integers(name);
    return list === undefined ? "same" : { added: [list], without: [name] };
  };

/** Set 13 has rows along one axis; before, all axes from that one on were one row. */
const alongLast: Change["raised"] = ({ rank, integer }) => {
  const axis = integer("axis") ?? 1;
  const isLast = axis === -1 || (rank !== undefined && axis === rank - 1);
  return isLast ? { without: ["axis"], attributes: { axis: -1 } } : undefined;
};

/** Where the parts are equal, set 18 wants their number. */
const split: Change["raised"] = (old) => {
  const { node, integers } = old;
  if (integers("split") !== undefined) return toInput("split")(old);
  if (node.inputs.length > 1) return "same";
  return { attributes: { num_outputs: node.outputs.length } };
};

const reductions = ["L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "SumSquare"];

/** All other ops of the sets 9 to 23 gained types, inputs that may be left out, or attributes with the old meaning as default. */
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

/** A later set, and the nodes that say the same otherwise in it. */
export interface LaterSet {
  readonly opset: number;
  readonly edits: ReadonlyMap<NodeProto, Raising>;
}

/**
 * What a model becomes in a later set, or why it cannot be said there: the first node that means something else.
 * @param rankOf of a tensor, where it is known.
 */
export function raiseTo(
  model: OnnxModel,
  opset: number,
  rankOf: (tensor: string) => number | undefined,
): LaterSet | { readonly because: string } {
  // The nodes of functions are of the same set as the model's.
  if (model.functions.size > 0) return { because: "because the model has functions" };
  const edits = new Map<NodeProto, Raising>();
  for (const node of model.graph.nodes) {
    const raised = raisedNode(model, node, opset, rankOf);
    if (raised === undefined)
      return { because: `because nothing says that ${shown(node)} is the same in set ${opset}` };
    if (raised !== "same") edits.set(node, raised);
    const inner = firstOther(model, node, opset);
    if (inner !== undefined) {
      return { because: `because nothing says that ${shown(inner)} in ${shown(node)} is the same in set ${opset}` };
    }
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
  // The type of a Constant is that of its attribute, by no rule.
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

/** The first node of the graphs inside of a node that says something else in a later set: these stay as they are. */
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
