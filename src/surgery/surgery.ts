/**
 * LayerNorms of an ONNX model written as RMSNorms, with what is left of their centerings; all else stays, byte for byte.
 *
 * - root: a tensor of the model that is computed from a LayerNorm before any other tensor is. The node that makes it is
 *   replaced; those that only it needed go.
 * - a node takes other inputs where the passes exchanged them: a weight that is centered for one that is not.
 */

import { type Diagnostic, fail } from "../diagnostics/diagnostic.ts";
import { normWarnings } from "../diagnostics/errors-norms.ts";
import { surgeryErrors } from "../diagnostics/errors-surgery.ts";
import { constantsOf } from "../ir/interpret.ts";
import type { Fn, Module, Value } from "../ir/ir.ts";
import type { Tensor } from "../ir/tensor.ts";
import { materialize } from "../materialize.ts";
import type { NormRecord } from "../norm-records.ts";
import { type NewNode, nodeBytes } from "../onnx/encode.ts";
import { type Imported, importModel } from "../onnx/import.ts";
import type { NodeProto } from "../onnx/messages.ts";
import { type OnnxModel, shown } from "../onnx/model.ts";
import { type GraphChanges, lengthOfPieces, type Piece, rewrittenModel, withInputs } from "../onnx/write.ts";
import { Comparison } from "./compare.ts";
import { Emitter, type NormOp, type NormOpType, normOpTypes, Unwritable } from "./emit.ts";
import { type Leftovers, leftovers, type NodeChange } from "./live.ts";
import { type FoundNorm, runPasses } from "./passes.ts";

/** What `surgery` may do. */
export interface SurgeryOptions {
  /** What to do with centerings that are not proved to change nothing: see the pass `eliminate-centering`. */
  readonly mode?: "exact" | "lossy";
  /** `rms` in models of set 23 and later, `simplified` in others, unless said otherwise. */
  readonly normOp?: NormOp;
}

/**
 * Where a norm's beta is: in the product that follows (`folded`), in an `Add` behind the norm (`added`), in the node as
 * it was (`kept`); `none` where it has none.
 */
export type BetaOutcome = "folded" | "added" | "kept" | "none";

/** What the norm is written as: the type of its op, nodes of primitive ops, or what it was. */
export type WrittenAs = "unchanged" | "primitives" | NormOpType;

/** Counts of the model that was read, and of the one that is written. */
export interface BeforeAndAfter {
  readonly before: number;
  readonly after: number;
}

/** A norm of the model, and what became of it. */
export interface NormReport extends Omit<NormRecord, "span" | "name" | "fn" | "centers" | "beta"> {
  readonly beta: BetaOutcome;
  readonly writtenAs: WrittenAs;
  /** The nodes that it was, in the order of the file. */
  readonly nodes: readonly string[];
  /** The tensors that it makes. */
  readonly tensors: readonly string[];
}

/** An initializer that is another one, centered. */
export interface CenteredWeight {
  readonly name: string;
  readonly from: string;
  /** The largest row mean that rounding left, as a part of the largest element of its row. */
  readonly residual: number;
}

/** A model with its norms written anew, and what became of each. */
export interface Surgery {
  /** The written model. Where there was nothing to do they are the whole file. */
  readonly pieces: readonly Piece[];
  readonly norms: readonly NormReport[];
  readonly weights: readonly CenteredWeight[];
  readonly normOp: NormOp;
  /** How many centerings are left in the written model. */
  readonly centers: number;
  /** How many nodes the graph has. */
  readonly nodes: BeforeAndAfter;
  /** How many kernels onnxruntime's WebGPU provider launches for one run, where all ops of the model are known. */
  readonly launches?: BeforeAndAfter;
  readonly warnings: readonly Diagnostic[];
  /** Why nodes were not understood, and what the passes did. */
  readonly remarks: readonly Diagnostic[];
}

/** @throws TircError E0748, E0749, E0755; E0671 where rounding leaves a weight uncentered; what reading weights throws. */
export function surgery(model: OnnxModel, { mode = "exact", normOp }: SurgeryOptions = {}): Surgery {
  const chosen = normOp ?? (model.opset >= 23 ? "rms" : "simplified");
  const imported = importModel(model, "model.onnx");
  // A norm that turns out to become something that no node computes stays as it is.
  const left = new Map<number, string>();
  for (;;) {
    const result = attempt(model, imported, { mode, chosen }, left);
    if (result !== undefined) return result;
  }
}

interface Chosen {
  readonly mode: "exact" | "lossy";
  readonly chosen: NormOp;
}

/** Nothing where a norm had to be added to those that stay. */
function attempt(
  model: OnnxModel,
  imported: Imported,
  { mode, chosen }: Chosen,
  staying: Map<number, string>,
): Surgery | undefined {
  const { norms, merged, before, after, remarks } = runPasses(imported, mode, staying);
  const isRewritten = ({ op, unwritable }: FoundNorm) => op.name === "layernorm" && unwritable === undefined;
  const rewritten = norms.filter(isRewritten);
  const isUncentered = ({ record: { norm, centering } }: FoundNorm) => norm === "standardize" && centering !== "kept";
  const makers = makersIn(model);
  const said = { remarks: [...imported.remarks, ...remarks] };
  if (rewritten.length === 0 && !norms.some(isUncentered)) {
    const fns = imported.module.fns.map(({ name }) => name);
    const isNone = norms.length === 0;
    const hasOthers = norms.every(({ record: { norm } }) => norm === "rmsnorm" || norm === "groupnorm");
    const warnings = isNone ? [normWarnings.noNorm(fns, "model")] : hasOthers ? [normWarnings.noLayerNorm(fns)] : [];
    const reports = norms.map((norm) => reportOf(norm, makers));
    const count = model.graph.nodes.length;
    return {
      pieces: rewrittenModel(model, nothing),
      norms: reports,
      weights: [],
      normOp: chosen,
      centers: 0,
      nodes: { before: count, after: count },
      warnings,
      ...said,
    };
  }
  if (chosen === "rms" && model.opset < 23) fail(surgeryErrors.noSuchOp(model.file, model.opset));
  const constants = newConstants(model, after, imported.tensors);
  const comparison = new Comparison({ imported, merged, before, after: after.fns[0] as Fn });
  const used = namesOf(model);
  const emitter = new Emitter({
    opset: model.opset,
    normOp: chosen,
    tensorOf: (value) => comparison.tensorOf(value),
    constant: (name) => constants.get(name),
    isTaken: (name) => used.has(name),
  });
  const roots = new Set(rewritten.flatMap(({ tensors }) => tensors));
  const known = staying.size;
  const numbers = new Map(
    norms.flatMap((norm, i) => (isRewritten(norm) ? norm.tensors.map((tensor) => [tensor, i] as const) : [])),
  );
  const unwritable = (node: NodeProto, reason: string) => {
    const number = node.outputs.map((tensor) => numbers.get(tensor)).find((found) => found !== undefined);
    if (number === undefined) fail(surgeryErrors.unwritable(model.file, shown(node), reason));
    staying.set(number, reason);
  };
  const changes = changesOf(model, { comparison, emitter, roots, values: imported.values }, unwritable);
  if (staying.size > known) return undefined;
  const left = leftovers(model, changes);
  const written = graphChanges(model, changes, left, emitter);
  const pieces = rewrittenModel(model, written);
  const length = lengthOfPieces(pieces);
  if (length >= longest) fail(surgeryErrors.tooLong(model.file, length));
  return {
    pieces,
    norms: norms.map((norm) =>
      reportOf(norm, makers, { left, writtenAs: isRewritten(norm) ? normOpTypes[chosen] : "unchanged" }),
    ),
    weights: [...emitter.constants].map(([constant, name]) => {
      const { from, residual } = constants.get(constant) as NewWeight;
      return { name, from, residual };
    }),
    normOp: chosen,
    centers: comparison.centers,
    nodes: { before: model.graph.nodes.length, after: nodeCount(model, written) },
    warnings: [],
    ...said,
  };
}

/** Bytes that a message of Protocol Buffers has at most. */
const longest = 2 ** 31;

const nothing: GraphChanges = { nodes: new Map(), initializers: [] };

function namesOf({ graph }: OnnxModel): Set<string> {
  const { nodes, inputs, outputs, initializers, valueInfo, sparse } = graph;
  const made = nodes.flatMap((node) => [node.name, ...node.outputs]);
  return new Set([
    ...made,
    ...sparse,
    ...[...inputs, ...outputs, ...initializers, ...valueInfo].map(({ name }) => name),
  ]);
}

interface NewWeight {
  readonly tensor: Tensor;
  readonly from: string;
  readonly residual: number;
}

/** Constants that the passes made, by their names in the module. */
function newConstants(
  model: OnnxModel,
  after: Module,
  tensors: ReadonlyMap<string, string>,
): ReadonlyMap<string, NewWeight> {
  const load = ({ name, type: { element, shape } }: Module["consts"][number]): Tensor => {
    const numbers = model.numbers(tensors.get(name) as string)?.numbers as Float64Array;
    return { element, shape: shape as number[], data: numbers };
  };
  // Each by itself, so that the tensors that it is made from are held no longer.
  const { constants } = materialize(after, (name) => constantsOf(after, load)(name), "model.onnx");
  const operandOf = new Map(
    after.consts.flatMap(({ name, data }) => (data.kind === "computed" ? [[name, data.operands[0] as string]] : [])),
  );
  const sourceOf = (name: string): string => {
    const operand = operandOf.get(name);
    return operand === undefined ? (tensors.get(name) as string) : sourceOf(operand);
  };
  return new Map(constants.map(({ name, tensor, residual = 0 }) => [name, { tensor, from: sourceOf(name), residual }]));
}

interface Rewriting {
  readonly comparison: Comparison;
  readonly emitter: Emitter;
  readonly roots: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, Value>;
}

function changesOf(
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

function changeOf(node: NodeProto, { comparison, emitter, roots, values }: Rewriting): NodeChange | undefined {
  const outputs = node.outputs.flatMap((tensor) => {
    const now = comparison.now(tensor);
    return now === undefined ? [] : [{ tensor, ...now }];
  });
  const isReplaced = outputs.some(({ tensor, vanished }) => roots.has(tensor) || vanished);
  const exchanged = outputs.map(({ tensor }) => comparison.exchanged(tensor));
  const isOther = outputs.some(({ tensor }, i) => exchanged[i] === undefined && !comparison.isSame(tensor));
  if (isReplaced || isOther) {
    const inOrder = outputs.toSorted((a, b) => comparison.inOrder(a.value, b.value));
    for (const { tensor, value, vanished } of inOrder) {
      if (vanished) emitter.node("Identity", [emitter.name(value)], tensor);
      else emitter.write(value, tensor);
    }
    // The one that makes what the node made has its name.
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

function graphChanges(
  model: OnnxModel,
  changes: ReadonlyMap<NodeProto, NodeChange>,
  left: Leftovers,
  emitter: Emitter,
): GraphChanges {
  const nodes = new Map<number, readonly Uint8Array[]>();
  for (const node of left.nodes) nodes.set(node.index, []);
  for (const [node, { before, self }] of changes) {
    if (left.nodes.has(node)) continue;
    const same = self === "same" ? [model.reader.bytes(node.range).slice()] : [];
    const own = typeof self === "object" ? [withInputs(model, node, self.inputs)] : same;
    nodes.set(node.index, [...before.map(nodeBytes), ...own]);
  }
  const opsets = model.opset === 0 ? { opsets: new Map([["", 17]]) } : {};
  return { nodes, initializers: emitter.tensors, without: left.initializers, ...opsets };
}

/** By the tensors that they make. */
const makersIn = ({ graph }: OnnxModel): ReadonlyMap<string, NodeProto> =>
  new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));

const nodeCount = ({ graph }: OnnxModel, { nodes }: GraphChanges): number =>
  graph.nodes.reduce((count, { index }) => count + (nodes.get(index)?.length ?? 1), 0);

interface Written {
  readonly left: Leftovers;
  readonly writtenAs: WrittenAs;
}

function reportOf(
  { record, tensors }: FoundNorm,
  makers: ReadonlyMap<string, NodeProto>,
  { left, writtenAs }: Partial<Written> & Pick<Written, "writtenAs"> = { writtenAs: "unchanged" },
): NormReport {
  const { span: _span, name: _name, fn: _fn, centers: _centers, beta: hasBeta, ...rest } = record;
  const beta = !hasBeta ? "none" : writtenAs === "unchanged" ? "kept" : "added";
  const nodes = new Set<NodeProto>();
  for (const tensor of tensors) {
    const maker = makers.get(tensor);
    if (maker !== undefined) nodes.add(maker);
  }
  for (const node of nodes) {
    for (const name of node.inputs) {
      const maker = makers.get(name);
      if (maker !== undefined && left?.nodes.has(maker) && maker.opType !== "Constant") nodes.add(maker);
    }
  }
  const names = [...nodes].sort((a, b) => a.index - b.index).map(shown);
  return { nodes: names, tensors, ...rest, beta, writtenAs };
}
