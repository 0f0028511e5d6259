/**
 * Finds the norms that the passes do not see: those in bodies of control flow nodes, in functions of the model, of types
 * that the language lacks, and nodes that are norms but were imported as `extern`. They stay as they are, and the report
 * says why.
 */

import { standardizations } from "../../passes/norm-patterns.ts";
import type { NormRecord } from "../driver/norm-records.ts";
import type { Op } from "../ir/ir.ts";
import { isNorm } from "../ir/op-kinds.ts";
import { attribute } from "../ir/ops/attributes.ts";
import { types, whyForeign } from "../onnx/data-types.ts";
import { type Imported, importModel } from "../onnx/import.ts";
import { type FunctionProto, functionKey, type GraphProto, type NodeProto } from "../onnx/messages.ts";
import { makersIn, type OnnxModel, shown, shownOp, writtenName } from "../onnx/model.ts";
import { normOpOf } from "../onnx/norm-ops.ts";
import type { ScopeTypes } from "../onnx/types/infer.ts";
import { raise } from "./passes.ts";

/** A norm that stays, and why. */
export interface LeftNorm extends Pick<NormRecord, "norm" | "gamma" | "beta" | "eps"> {
  readonly nodes: readonly string[];
  readonly tensors: readonly string[];
  /** The reason, a clause. */
  readonly because: string;
}

/** Import options that reveal norms that cannot be rewritten: of any float type, and of unknown rank. */
const asRows = { foreignFloats: true, rowsOfUnknownRank: true } as const;

/** @param found the results of the norms that the passes saw. */
export function normsLeft(model: OnnxModel, imported: Imported, found: ReadonlySet<string>): LeftNorm[] {
  const seen = new Set(found);
  const own = keptNodes(model, imported, (node) => imported.declined.get(node) ?? "the language has no op for it");
  for (const { tensors } of own) for (const tensor of tensors) seen.add(tensor);
  const { types: known } = imported;
  const isWhole = !known.hasElement(types.double, types.bfloat16) && !known.hasUnknownRank();
  const others = isWhole
    ? []
    : inGraph(model, importModel(model, "model.onnx", asRows), (tensor) => whyNot(imported, tensor));
  const isNew = ({ tensors }: LeftNorm) => !tensors.some((tensor) => seen.has(tensor));
  return [...own, ...others.filter(isNew), ...insideOf(model, imported.types, [], new Set())];
}

function whyNot({ types: known }: Imported, tensor: string): string {
  const element = known.info(tensor)?.element;
  const isForeign = element === types.double || element === types.bfloat16;
  if (!isForeign && known.hasUnknownRank()) return "the rank of its input is not known";
  return `it computes in ${whyForeign(isForeign ? element : types.double)}`;
}

const called = (node: NodeProto) =>
  `\`${writtenName(node.name === "" ? (node.outputs[0] ?? "") : node.name)}\` (${writtenName(shownOp(node))})`;

const placeIn = (node: NodeProto) => `${node.opType === "If" ? "a branch" : "the body"} of ${called(node)}`;

const functionOf = ({ functions }: OnnxModel, node: NodeProto): FunctionProto | undefined =>
  functions.get(functionKey({ ...node, name: node.opType }));

/** Nodes that are norms, but were imported as `extern`. */
function keptNodes(model: OnnxModel, { kept }: Imported, why: (node: NodeProto) => string): LeftNorm[] {
  return [...kept.values()].flatMap((node): LeftNorm[] => {
    const kind = normOpOf(node);
    if (kind === undefined || functionOf(model, node) !== undefined) return [];
    const has = (input: number | undefined) => input !== undefined && (node.inputs[input] ?? "") !== "";
    const eps = model.attribute(node, "epsilon")?.float ?? 1e-5;
    const parts = { norm: kind.norm, gamma: has(kind.gamma), beta: has(kind.beta), eps };
    return [
      { ...parts, nodes: [shown(node)], tensors: node.outputs.filter((name) => name !== ""), because: why(node) },
    ];
  });
}

/** The norms of an imported graph, in any form. */
function inGraph(model: OnnxModel, imported: Imported, why: (tensor: string) => string): LeftNorm[] {
  const { fn, tensors, roots } = raise(imported, { passes: "dce,raise-norms", verify: false });
  const made = makersIn(model);
  const left = (op: Op, norm: NormRecord["norm"], eps: number): LeftNorm => {
    const names = roots(op.result).map((root) => tensors.get(root) as string);
    const nodes = new Set(names.flatMap((name) => made.get(name) ?? []));
    const [gamma, beta] = isNorm(op) ? [op.operands[1] !== undefined, op.operands[2] !== undefined] : [false, false];
    const parts = { norm, gamma, beta, eps, nodes: [...nodes].map(shown), tensors: names };
    return { ...parts, because: why(names[0] ?? "") };
  };
  const norms = fn.ops
    .filter(isNorm)
    .map((op) => left(op, op.name as NormRecord["norm"], attribute.number(op.attributes, "eps")));
  return [...norms, ...standardizations(fn).map(({ op, eps }) => left(op, "standardize", eps))];
}

/**
 * The norms in subgraphs, and in functions that the graph calls.
 * @param path what is around the graph, from the outside.
 * @param entered functions that were searched already.
 */
function insideOf(
  model: OnnxModel,
  around: ScopeTypes,
  path: readonly string[],
  entered: Set<FunctionProto>,
): LeftNorm[] {
  const within = (graph: GraphProto, scope: ScopeTypes | undefined, place: string): LeftNorm[] => {
    if (scope === undefined || graph.outputs.length === 0) return [];
    const inside = model.inside(graph);
    const imported = importModel(inside, "model.onnx", { types: scope, ...asRows });
    const inner = [...path, place];
    const because = `it is in ${inner.toReversed().join(", in ")}`;
    return [
      ...inGraph(inside, imported, () => because),
      ...keptNodes(inside, imported, () => because),
      ...insideOf(inside, scope, inner, entered),
    ];
  };
  return model.graph.nodes.flatMap((node) => {
    const bodies = [...model.bodies(node).values()];
    const own = functionOf(model, node);
    const inBodies = bodies.flatMap((body) => within(body, around.inner.get(body), placeIn(node)));
    if (own === undefined || entered.has(own)) return inBodies;
    entered.add(own);
    const place = `the function of the model that ${called(node)} calls`;
    return [...inBodies, ...within(graphOf(own), around.inner.get(own), place)];
  });
}

function graphOf({ name, nodes, inputs, outputs, valueInfo }: FunctionProto): GraphProto {
  const named = (name: string) => ({ name, elementType: undefined, shape: undefined });
  const parts = { name, nodes, inputs: inputs.map(named), outputs: outputs.map(named), valueInfo };
  return { ...parts, initializers: [], sparse: [] };
}
