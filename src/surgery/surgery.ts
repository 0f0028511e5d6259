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
import type { Fn, Op, Value } from "../ir/ir.ts";
import { sameShape } from "../ir/types.ts";
import type { NormRecord } from "../norm-records.ts";
import { type NewNode, nodeBytes } from "../onnx/encode.ts";
import { type Imported, importModel } from "../onnx/import.ts";
import type { NodeProto } from "../onnx/messages.ts";
import { type OnnxModel, shown, writtenName } from "../onnx/model.ts";
import { type GraphChanges, lengthOfPieces, type Piece, rewrittenModel, withInputs } from "../onnx/write.ts";
import { Comparison } from "./compare.ts";
import { Draft, type Leftovers, type NodeChange, opOf } from "./draft.ts";
import { Emitter, Unwritable } from "./emit.ts";
import { foldBetas } from "./fold-beta.ts";
import { launchesAround } from "./launches.ts";
import { type LeftNorm, normsLeft } from "./left.ts";
import { constantsIn, type NewWeight, newConstants } from "./new-constants.ts";
import { formOf, microsoft, type NormOp, type NormOpType, opsetOfNegativeAxes, opsetOfRmsNorm } from "./norm-forms.ts";
import { type FoundNorm, runPasses, type Stay } from "./passes.ts";
import { joinSkips } from "./skip-norms.ts";

/** What `surgery` may do. */
export interface SurgeryOptions {
  /** What to do with centerings that are not proved to change nothing: see the pass `eliminate-centering`. */
  readonly mode?: "exact" | "lossy";
  /** What norms are written as: `auto` unless said otherwise. */
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
export function surgery(model: OnnxModel, { mode, normOp }: SurgeryOptions = {}): Surgery {
  const imported = importModel(model, "model.onnx", { rowsOfUnknownRank: model.opset >= opsetOfNegativeAxes });
  const wanted: Wanted = {
    mode: mode ?? "exact",
    normOp: normOp ?? "auto",
    isAsked: (normOp ?? "auto") !== "auto" || mode === "lossy",
  };
  if (wanted.normOp === "rmsnorm" && model.opset < opsetOfRmsNorm)
    fail(surgeryErrors.noSuchOp(model.file, model.opset));
  // A norm that turns out to become something that no node computes, or something slower, stays as it is.
  const staying = new Map<number, Stay>();
  for (;;) {
    const result = attempt(model, imported, wanted, staying);
    if (result !== undefined) return result;
  }
}

interface Wanted {
  readonly mode: "exact" | "lossy";
  readonly normOp: NormOp;
  /** What would be slower is written only where somebody asked for it. */
  readonly isAsked: boolean;
}

/** Nothing where a norm had to be added to those that stay. */
function attempt(
  model: OnnxModel,
  imported: Imported,
  wanted: Wanted,
  staying: Map<number, Stay>,
): Surgery | undefined {
  const { norms, merged, before, after, remarks } = runPasses(imported, wanted.mode, staying);
  const isUncentered = ({ record: { norm, centering } }: FoundNorm) => norm === "standardize" && centering !== "kept";
  const makers = makersIn(model);
  const isOp = ({ tensors }: FoundNorm) => tensors.some((tensor) => isNormNode(makers.get(tensor)));
  const formFor = ({ attributes, result }: Op) =>
    formOf(wanted.normOp, { opset: model.opset, element: result.element, axes: attributes.axes as number[] });
  const isRewritten = (norm: FoundNorm) => {
    if (norm.unwritable !== undefined) return false;
    return (
      norm.op.name === "layernorm" || (norm.op.name === "rmsnorm" && formFor(norm.op) !== "primitive" && !isOp(norm))
    );
  };
  const rewritten = norms.filter(isRewritten);
  const others = normsLeft(model, imported, new Set(norms.flatMap(({ tensors }) => tensors))).map(reportOfLeft);
  const said = { remarks: [...imported.remarks, ...remarks] };
  if (rewritten.length === 0 && !norms.some(isUncentered)) {
    const fns = imported.module.fns.map(({ name }) => name);
    const isNone = norms.length + others.length === 0;
    const hasOthers =
      others.length === 0 && norms.every(({ record: { norm } }) => norm === "rmsnorm" || norm === "groupnorm");
    const warnings = isNone ? [normWarnings.noNorm(fns, "model")] : hasOthers ? [normWarnings.noLayerNorm(fns)] : [];
    const count = model.graph.nodes.length;
    const draft = new Draft(model, new Map());
    const { after: launched } = launchesAround({ model, imported, draft, norms, makers }, isRewritten);
    return {
      pieces: rewrittenModel(model, nothing),
      norms: [...norms.map((norm) => reportOf(norm, makers)), ...others],
      weights: [],
      normOp: wanted.normOp,
      centers: 0,
      nodes: { before: count, after: count },
      ...(launched.isKnown && { launches: { before: launched.count, after: launched.count } }),
      warnings,
      ...said,
    };
  }
  const known = staying.size;
  for (const i of withOwnCenters(norms)) {
    // Where nothing but primitives can say it, a chain is as good as another.
    const norm = norms[i] as FoundNorm;
    const isChainOfOther = formFor(norm.op) === "primitive" && !isOp(norm);
    if (!wanted.isAsked || isChainOfOther) {
      staying.set(i, { because: [...norm.record.because, centersItself], record: norm.record });
    }
  }
  if (staying.size > known) return undefined;
  const constants = newConstants(model, after, imported.tensors);
  const comparison = new Comparison({ imported, merged, before, after: after.fns[0] as Fn });
  const used = namesOf(model);
  const emitter = new Emitter({
    opset: model.opset,
    normOp: wanted.normOp,
    tensorOf: (value) => comparison.tensorOf(value),
    constant: (name) => constants.get(name),
    isTaken: (name) => used.has(name),
  });
  const roots = new Set(rewritten.flatMap(({ tensors }) => tensors));
  const numbers = new Map(
    norms.flatMap((norm, i) => (isRewritten(norm) ? norm.tensors.map((tensor) => [tensor, i] as const) : [])),
  );
  const unwritable = (node: NodeProto, reason: string) => {
    const number = node.outputs.map((tensor) => numbers.get(tensor)).find((found) => found !== undefined);
    if (number === undefined) {
      // What a centering moved into: without that, its norms stay.
      const because = [`because \`${writtenName(node.outputs[0] as string)}\` cannot be written: ${reason}`];
      const all = [...norms.keys()].filter(
        (i) => (norms[i] as FoundNorm).op.name === "layernorm" && isRewritten(norms[i] as FoundNorm),
      );
      if (all.length === 0) fail(surgeryErrors.unwritable(model.file, shown(node), reason));
      for (const i of all) staying.set(i, { because });
      return;
    }
    staying.set(number, { because: [`because ${reason}`] });
  };
  const changes = changesOf(model, { comparison, emitter, roots, values: imported.values }, unwritable);
  if (staying.size > known) return undefined;
  const draft = new Draft(model, changes);
  draft.dropLeftovers();
  const shapeOf = (name: string) => emitter.shapes.get(name) ?? imported.values.get(name)?.shape;
  const mayJoin = wanted.normOp === "auto" || wanted.normOp === "skip";
  joinSkips(draft, (names) => {
    const [first, ...others] = names.map(shapeOf);
    const isRank = first?.length === 2 || first?.length === 3;
    return mayJoin && isRank && others.every((shape) => shape !== undefined && sameShape(first, shape));
  });
  const folded = foldBetas(draft, emitter.forms.keys(), constantsIn(model, emitter));
  const left = draft.dropLeftovers();
  const outcomes = new Outcomes(changes, emitter, draft, folded);
  const launches = launchesAround({ model, imported, draft, norms, makers }, isRewritten);
  // Of one norm or two nothing makes up for the launch or two that come in where a stream begins or ends.
  const isCounted = norms.length > 2 && !wanted.isAsked;
  if (isCounted && launches.after.count > launches.before.count) {
    const own = (norm: FoundNorm) => norm.op.name === "layernorm" && isRewritten(norm);
    const costly = [...norms.keys()].filter((i) => {
      const norm = norms[i] as FoundNorm;
      return own(norm) && outcomes.of(norm, makers).launches > 1;
    });
    const all = [...norms.keys()].filter((i) => own(norms[i] as FoundNorm));
    for (const i of costly.length > 0 ? costly : all) staying.set(i, { because: [wouldBeSlower] });
    if (staying.size > known) return undefined;
  }
  const written = graphChanges(model, draft, left, emitter);
  const pieces = rewrittenModel(model, written);
  const length = lengthOfPieces(pieces);
  if (length >= longest) fail(surgeryErrors.tooLong(model.file, length));
  const { before: first, after: last } = launches;
  const isKnown = first.isKnown && last.isKnown;
  return {
    pieces,
    norms: [
      ...norms.map((norm) =>
        reportOf(norm, makers, isRewritten(norm) ? { left, ...outcomes.of(norm, makers) } : undefined),
      ),
      ...others,
    ],
    weights: [...emitter.constants].map(([constant, name]) => {
      const { from, residual } = constants.get(constant) as NewWeight;
      return { name, from, residual };
    }),
    normOp: wanted.normOp,
    centers: comparison.centers,
    nodes: { before: model.graph.nodes.length, after: draft.lines.length },
    ...(isKnown && { launches: { before: first.count, after: last.count } }),
    warnings: [],
    ...said,
  };
}

/** The numbers of LayerNorms that would keep a centering of their own: three nodes in the place of one. */
function withOwnCenters(norms: readonly FoundNorm[]): number[] {
  const users = new Map<Op, number>();
  const centersOf = ({ op, unwritable, record }: FoundNorm) =>
    op.name === "layernorm" && unwritable === undefined ? new Set(record.centers()) : new Set<Op>();
  for (const norm of norms) for (const center of centersOf(norm)) users.set(center, (users.get(center) ?? 0) + 1);
  return [...norms.keys()].filter((i) => {
    const centers = [...centersOf(norms[i] as FoundNorm)];
    return centers.length > 0 && centers.every((center) => users.get(center) === 1);
  });
}

const centersItself =
  "so it would be three nodes in the place of one, ReduceMean, Sub and an RMSNorm (--norm-op skip writes them all the same)";
const wouldBeSlower =
  "because the model would launch more kernels on WebGPU with an RMSNorm in its place; --norm-op skip writes it all the same";

/** Whether a node is a norm already, and no part of a chain. */
function isNormNode(node: NodeProto | undefined): boolean {
  return node !== undefined && /Normalization$/.test(node.opType);
}

/** What became of norms in the written graph. */
class Outcomes {
  private readonly changes: ReadonlyMap<NodeProto, NodeChange>;
  private readonly emitter: Emitter;
  private readonly types: ReadonlyMap<string, string>;
  private readonly folded: ReadonlySet<string>;
  /** Norms that are one node with the sum before them. */
  private readonly joined: ReadonlySet<string>;

  constructor(
    changes: ReadonlyMap<NodeProto, NodeChange>,
    emitter: Emitter,
    draft: Draft,
    folded: ReadonlySet<string>,
  ) {
    this.changes = changes;
    this.emitter = emitter;
    this.types = new Map(draft.lines.map((line) => [line.outputs[0] as string, opOf(line)]));
    this.folded = folded;
    this.joined = new Set(draft.lines.flatMap(({ outputs: [y, , , sum] }) => (sum === undefined ? [] : [y as string])));
  }

  of(
    { tensors, op }: FoundNorm,
    makers: ReadonlyMap<string, NodeProto>,
  ): Pick<Written, "writtenAs" | "isFolded"> & { launches: number } {
    const nodes = tensors.flatMap((tensor) => this.changes.get(makers.get(tensor) as NodeProto)?.before ?? []);
    const own = nodes.flatMap(({ outputs }) => outputs).find((name) => this.emitter.forms.has(name));
    const hasBeta = op.operands[2] !== undefined;
    // Of norms that are computed twice the second takes what the first made.
    const name = own ?? [...this.emitter.forms.keys()][0];
    const form = name === undefined ? "primitive" : this.emitter.forms.get(name);
    const type = this.types.get(name ?? "")?.replace(`${microsoft}:`, "") as NormOpType;
    // What the Add before it costs no more, its beta does.
    const joined = this.joined.has(name ?? "") ? 0 : 1;
    const isFolded = name !== undefined && this.folded.has(name);
    return {
      launches: joined + (isFolded || !hasBeta ? 0 : 1) + (form === "primitive" ? 5 : 0),
      isFolded,
      writtenAs: form === "primitive" ? "primitives" : type,
    };
  }
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

function graphChanges(model: OnnxModel, { lines }: Draft, left: Leftovers, emitter: Emitter): GraphChanges {
  const bytes = new Map<NodeProto, Uint8Array[]>(model.graph.nodes.map((node) => [node, []]));
  const isChanged = new Set(model.graph.nodes);
  const taken = new Set(lines.flatMap(({ takes }) => takes));
  for (const { at, made, inputs } of lines) {
    const list = bytes.get(at) as Uint8Array[];
    if (made !== undefined) list.push(nodeBytes(made));
    else if (inputs !== at.inputs) list.push(withInputs(model, at, inputs));
    else list.push(model.reader.bytes(at.range).slice());
    if (made === undefined && inputs === at.inputs && list.length === 1) isChanged.delete(at);
    else isChanged.add(at);
  }
  const opsets = new Map<string, number>(model.opset === 0 ? [["", 17]] : []);
  const isMicrosoft = lines.some(({ made }) => made?.domain === microsoft);
  if (isMicrosoft && !model.opsets.has(microsoft)) opsets.set(microsoft, 1);
  return {
    nodes: new Map([...isChanged].map((node) => [node.index, bytes.get(node) as Uint8Array[]])),
    initializers: emitter.tensors.filter(({ name }) => taken.has(name)),
    without: left.initializers,
    untyped: left.tensors,
    opsets,
    functions: emitter.functions.filter(({ domain, name }) => !model.functions.has(`${domain}:${name}`)),
  };
}

/** By the tensors that they make. */
const makersIn = ({ graph }: OnnxModel): ReadonlyMap<string, NodeProto> =>
  new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));

/** A norm that the passes did not see. */
function reportOfLeft({ beta, because, ...norm }: LeftNorm): NormReport {
  return {
    ...norm,
    constants: [],
    movedTo: [],
    beginsStream: false,
    centering: "left",
    because: [`because ${because}`],
    beta: beta ? "kept" : "none",
    writtenAs: "unchanged",
  };
}

interface Written {
  readonly left: Leftovers;
  readonly writtenAs: WrittenAs;
  readonly isFolded: boolean;
}

function reportOf(
  { record, tensors }: FoundNorm,
  makers: ReadonlyMap<string, NodeProto>,
  written?: Written,
): NormReport {
  const { span: _span, name: _name, fn: _fn, centers: _centers, beta: hasBeta, ...rest } = record;
  const left = written?.left;
  const beta = !hasBeta ? "none" : written === undefined ? "kept" : written.isFolded ? "folded" : "added";
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
  return { nodes: names, tensors, ...rest, beta, writtenAs: written?.writtenAs ?? "unchanged" };
}
