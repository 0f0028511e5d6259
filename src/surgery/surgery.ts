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
import type { Op, Value } from "../ir/ir.ts";
import { sameShape } from "../ir/types.ts";
import { type Imported, importModel } from "../onnx/import.ts";
import type { NodeProto } from "../onnx/messages.ts";
import { type OnnxModel, shown, writtenName } from "../onnx/model.ts";
import { type GraphChanges, lengthOfPieces, type Piece, rewrittenModel } from "../onnx/write.ts";
import { changesOf, graphChanges, namesOf } from "./changes.ts";
import { Draft, type Edit, edited, type Leftovers, type NodeChange, opOf } from "./draft.ts";
import { Emitter } from "./emit.ts";
import { foldBetas } from "./fold-beta.ts";
import { foldGammas } from "./fold-gamma.ts";
import { type LaunchesAround, launchesAround } from "./launches.ts";
import { normsLeft } from "./left.ts";
import { constantsIn, type NewWeight, newConstants } from "./new-constants.ts";
import {
  areLast,
  formOf,
  type NormForm,
  type NormOp,
  normOpTypes,
  opsetOfLayerNorm,
  opsetOfNegativeAxes,
  opsetOfRmsNorm,
} from "./norm-forms.ts";
import { makersIn, type NormReport, Outcomes, reportOf, reportOfLeft } from "./norm-report.ts";
import { type FoundNorm, type Passed, type Raised, raise, runPasses, type Stay } from "./passes.ts";
import { raiseTo } from "./raise-opset.ts";
import { joinSkips } from "./skip-norms.ts";
import { ModelTensors } from "./tensors.ts";

/** What `surgery` may do. */
export interface SurgeryOptions {
  /** What to do with centerings that are not proved to change nothing: see the pass `eliminate-centering`. */
  readonly mode?: "exact" | "lossy";
  /** What norms are written as: `auto` unless said otherwise. */
  readonly normOp?: NormOp;
  /** Whether gamma goes into the products that read a norm, where nothing else reads it or their weights. */
  readonly foldGamma?: boolean;
  /** Whether weights of 8 bits behind DequantizeLinear may be written as the floats that they stand for. */
  readonly dequantize?: boolean;
}

/** Counts of the model that was read, and of the one that is written. */
export interface BeforeAndAfter {
  readonly before: number;
  readonly after: number;
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
  /** The version of ONNX's operator set: a later one where that has the op of the norms, and the other nodes can be said in it. */
  readonly opset: BeforeAndAfter;
  /**
   * Whether the passes made the same function in exact arithmetic, before weights are rounded: `undecided` where the model
   * is too large to be compared, `lossy` where centerings went that nothing proves away.
   */
  readonly exactness: "exact" | "undecided" | "lossy";
  /** What the passes took for granted there. */
  readonly assumed: readonly string[];
  /** How many kernels onnxruntime's WebGPU provider launches for one run, where all ops of the model are known. */
  readonly launches?: BeforeAndAfter;
  readonly warnings: readonly Diagnostic[];
  /** Why nodes were not understood, and what the passes did. */
  readonly remarks: readonly Diagnostic[];
}

/** @throws TircError E0748, E0749, E0755; E0671 where rounding leaves a weight uncentered; what reading weights throws. */
export function surgery(given: OnnxModel, options: SurgeryOptions = {}): Surgery {
  const model = options.dequantize === true ? given.dequantized() : given;
  const rowsOfUnknownRank = model.opset >= opsetOfNegativeAxes;
  return operate(model, importModel(model, "model.onnx", { rowsOfUnknownRank }), options);
}

/** The surgery on a model of which the program is there. Throws what `surgery` throws. */
export function operate(model: OnnxModel, imported: Imported, options: SurgeryOptions = {}): Surgery {
  const subject = subjectOf(model, imported, options);
  const tries: Tries = { staying: new Map(), opset: subject.highest };
  for (;;) {
    const found = findNorms(subject, tries);
    if (found.isDone) return unchanged(subject, found);
    const result = rewritten(subject, found, tries);
    if (result !== undefined) return result;
  }
}

/** What came of trying it before. */
interface Tries {
  /** Norms that turned out to become something that no node computes, or something slower, stay as they are. */
  readonly staying: Map<number, Stay>;
  /** The operator set that the model is written in. */
  opset: number;
}

/** What is operated on, and how. */
interface Subject {
  readonly model: OnnxModel;
  readonly imported: Imported;
  readonly raised: Raised;
  readonly mode: "exact" | "lossy";
  readonly normOp: NormOp;
  readonly foldGamma: boolean;
  /** What would be slower is written only where somebody asked for it. */
  readonly isAsked: boolean;
  /** The highest operator set that the model may be written in. */
  readonly highest: number;
  /** Nodes by the tensors that they make. */
  readonly makers: ReadonlyMap<string, NodeProto>;
  /** The norms that the passes do not see. */
  readonly others: (seen: Found["all"]) => readonly NormReport[];
}

function subjectOf(model: OnnxModel, imported: Imported, options: SurgeryOptions): Subject {
  const { mode = "exact", normOp = "auto", foldGamma = false } = options;
  let others: readonly NormReport[] | undefined;
  return {
    ...{ model, imported, raised: raise(imported), mode, normOp, foldGamma, makers: makersIn(model) },
    highest: highestSet(model, imported, normOp),
    isAsked: normOp !== "auto" || mode === "lossy",
    // They are the same however often it is tried.
    others: (all) => {
      const seen = new Set(all.flatMap(([{ tensors }]) => tensors));
      others ??= normsLeft(model, imported, seen).map(reportOfLeft);
      return others;
    },
  };
}

/** The set of RMSNormalization where all nodes can be said in it, and the norms are to be written so. */
function highestSet(model: OnnxModel, imported: Imported, normOp: NormOp): number {
  const isWanted = normOp === "auto" || normOp === "rmsnorm";
  if (!isWanted || model.opset >= opsetOfRmsNorm || model.opset === 0) return model.opset;
  const found = raiseTo(model, opsetOfRmsNorm, rankIn(imported), () => "");
  if (!("because" in found)) return opsetOfRmsNorm;
  if (normOp === "rmsnorm") fail(surgeryErrors.noSuchOp(model.file, model.opset, found.because));
  return model.opset;
}

const rankIn =
  ({ types }: Imported) =>
  (tensor: string) =>
    types.info(tensor)?.shape?.length;

/** The norms of a model, and what the passes made of it. */
interface Found extends Passed {
  readonly isRewritten: (norm: FoundNorm) => boolean;
  /** Whether a norm is one node of the model. */
  readonly isOp: (norm: FoundNorm) => boolean;
  readonly formFor: (op: Op) => NormForm;
  /** The norms, and those that are computed a second time, each with the one that the passes saw. */
  readonly all: readonly (readonly [row: FoundNorm, seen: FoundNorm])[];
  /** Whether there is nothing to write. */
  readonly isDone: boolean;
}

function findNorms(subject: Subject, { staying, opset }: Tries): Found {
  const { model, raised, mode, normOp, foldGamma, makers } = subject;
  const passed = runPasses(raised, { mode, staying, keepsLayerNorms: normOp === "layernorm" });
  const isOp = ({ tensors }: FoundNorm) => tensors.some((tensor) => isNormNode(makers.get(tensor)));
  const formFor = ({ attributes, result }: Op) =>
    formOf(normOp, { opset, element: result.element, axes: attributes.axes as number[] });
  const isRewritten = (norm: FoundNorm) => {
    if (norm.unwritable !== undefined) return false;
    if (normOp === "layernorm") {
      const isSaid = model.opset >= opsetOfLayerNorm && areLast(norm.op.attributes.axes as number[]);
      return norm.op.name === "layernorm" && isSaid && !isOp(norm);
    }
    return (
      norm.op.name === "layernorm" || (norm.op.name === "rmsnorm" && formFor(norm.op) !== "primitive" && !isOp(norm))
    );
  };
  const isUncentered = ({ record: { norm, centering } }: FoundNorm) => norm === "standardize" && centering !== "kept";
  const mayFold = (norm: FoundNorm) => foldGamma && norm.op.name === "rmsnorm" && isOp(norm);
  const isDone = !passed.norms.some((norm) => isRewritten(norm) || isUncentered(norm) || mayFold(norm));
  const all = passed.norms.flatMap((norm) => [norm, ...twinsOf(norm, raised)].map((row) => [row, norm] as const));
  return { ...passed, isRewritten, isOp, formFor, all, isDone };
}

/** Norms that compute what another one does, of which the passes saw that alone. */
function twinsOf(norm: FoundNorm, { merged }: Raised): FoundNorm[] {
  const [own = ""] = norm.tensors;
  return (merged.get(own) ?? []).map((twin) => ({ ...norm, tensors: [twin] }));
}

/** The model as it is, and why. */
function unchanged(subject: Subject, { norms, all, isRewritten, remarks }: Found): Surgery {
  const { model, imported, normOp, makers } = subject;
  const others = subject.others(all);
  const fns = imported.module.fns.map(({ name }) => name);
  const isNone = norms.length + others.length === 0;
  const hasOthers =
    others.length === 0 && norms.every(({ record: { norm } }) => norm === "rmsnorm" || norm === "groupnorm");
  const warnings = isNone ? [normWarnings.noNorm(fns, "model")] : hasOthers ? [normWarnings.noLayerNorm(fns)] : [];
  const count = model.graph.nodes.length;
  const draft = new Draft(model, new Map());
  const shapeOf = (name: string) => model.tensorType(name)?.dims;
  const { after: launched } = launchesAround({ model, imported, draft, norms, makers, shapeOf }, isRewritten);
  return {
    pieces: rewrittenModel(model, nothing),
    norms: [...all.map(([row]) => reportOf(row, makers)), ...others],
    weights: [],
    normOp,
    centers: 0,
    nodes: { before: count, after: count },
    opset: { before: model.opset, after: model.opset },
    ...{ exactness: "exact", assumed: [] },
    ...(launched.isKnown && { launches: { before: launched.count, after: launched.count } }),
    warnings,
    remarks: [...imported.remarks, ...remarks],
  };
}

/** The model with its norms written anew; nothing where what was learned has it tried again. */
function rewritten(subject: Subject, found: Found, tries: Tries): Surgery | undefined {
  if (keepOwnCenters(subject, found, tries)) return undefined;
  const nodes = newNodes(subject, found, tries);
  if (nodes === undefined) return undefined;
  const graph = newGraph(subject, found, nodes);
  if (stayInSet(subject, graph, tries) || keepSlower(subject, found, graph, tries)) return undefined;
  return surgeryOf(subject, found, nodes, graph, tries);
}

/** LayerNorms that would keep a centering for themselves stay, unless somebody asked for them; whether there are any. */
function keepOwnCenters({ isAsked }: Subject, { norms, isOp, formFor }: Found, { staying }: Tries): boolean {
  const known = staying.size;
  for (const i of withOwnCenters(norms)) {
    const norm = norms[i] as FoundNorm;
    // Where nothing but primitives can say it, a chain is as good as another.
    const isChainOfOther = formFor(norm.op) === "primitive" && !isOp(norm);
    if (isAsked && !isChainOfOther) continue;
    staying.set(i, stay(norm, [...norm.record.because, centersItself]));
  }
  return staying.size > known;
}

/** What is written anew, node by node. */
interface NewNodes {
  readonly tensors: ModelTensors;
  readonly emitter: Emitter;
  readonly constants: ReadonlyMap<string, NewWeight>;
  readonly changes: ReadonlyMap<NodeProto, NodeChange>;
}

/** Nothing where a norm cannot be written. */
function newNodes(subject: Subject, found: Found, { staying, opset }: Tries): NewNodes | undefined {
  const { model, imported, raised, normOp } = subject;
  const known = staying.size;
  const { norms, module, isRewritten } = found;
  const constants = newConstants(model, module, imported.weights);
  const tensors = new ModelTensors(imported, raised, found);
  const used = namesOf(model);
  const emitter = new Emitter({
    opset,
    normOp,
    tensorOf: tensors.tensorOf,
    constant: (name) => constants.get(name),
    isZero: (value) => isZero(model, imported.weights.get(globalOf(value))),
    isTaken: (name) => used.has(name),
  });
  const own = [...norms.entries()].filter(([, norm]) => isRewritten(norm));
  const numbers = new Map(own.flatMap(([i, { tensors }]) => tensors.map((tensor) => [tensor, i] as const)));
  const unwritable = (node: NodeProto, reason: string) => {
    const number = node.outputs.map((tensor) => numbers.get(tensor)).find((own) => own !== undefined);
    if (number !== undefined) {
      staying.set(number, { because: [`because ${reason}`] });
      return;
    }
    // What a centering moved into: without that, its norms stay.
    const because = [`because \`${writtenName(node.outputs[0] as string)}\` cannot be written: ${reason}`];
    if (own.length === 0) fail(surgeryErrors.unwritable(model.file, shown(node), reason));
    for (const [i] of own) staying.set(i, { because });
  };
  const roots = new Set(numbers.keys());
  const changes = changesOf(model, { tensors, emitter, roots, values: imported.values }, unwritable);
  return staying.size > known ? undefined : { tensors, emitter, constants, changes };
}

/** The graph with the new nodes, joined with what stands around them. */
interface NewGraph {
  readonly draft: Draft;
  readonly left: Leftovers;
  /** Norms, by the tensors that they make, of which gamma is in the next products now. */
  readonly gammas: ReadonlySet<string>;
  readonly outcomes: Outcomes;
  readonly launches: LaunchesAround;
}

function newGraph(subject: Subject, found: Found, nodes: NewNodes): NewGraph {
  const { model, imported, normOp, foldGamma, makers } = subject;
  const { emitter, changes } = nodes;
  const draft = new Draft(model, changes);
  draft.dropLeftovers();
  const shapeOf = (name: string) => emitter.shapes.get(name) ?? imported.values.get(name)?.shape;
  const written = constantsIn(model, emitter, imported.types);
  const mayJoin = normOp === "auto" || normOp === "skip";
  const isSameShape = (names: readonly string[]) => {
    const [first, ...others] = names.map(shapeOf);
    const isRank = first?.length === 2 || first?.length === 3;
    return mayJoin && isRank && others.every((shape) => shape !== undefined && sameShape(first, shape));
  };
  joinSkips(draft, isSameShape, written);
  const folded = foldBetas(draft, emitter.forms.keys(), written);
  const gammas = foldGamma ? foldGammas(draft, written) : new Set<string>();
  const left = draft.dropLeftovers();
  const graphs = { model, imported, draft, norms: found.norms, makers, shapeOf: written.shape };
  return {
    ...{ draft, left, gammas },
    outcomes: new Outcomes(changes, emitter, draft, folded),
    launches: launchesAround(graphs, found.isRewritten),
  };
}

/** A model in which no norm is an op of a later set stays in its own; whether it must be written anew for that. */
function stayInSet({ model, normOp }: Subject, { draft }: NewGraph, tries: Tries): boolean {
  const isNeeded = draft.lines.some((line) => line.made !== undefined && opOf(line) === normOpTypes.rmsnorm);
  if (normOp === "rmsnorm" || isNeeded || tries.opset === model.opset) return false;
  tries.opset = model.opset;
  return true;
}

/** Where the model would launch more kernels, the norms that do stay, unless somebody asked for them; whether any do. */
function keepSlower(
  { isAsked, makers }: Subject,
  { norms, isRewritten }: Found,
  { outcomes, launches }: NewGraph,
  { staying }: Tries,
): boolean {
  if (isAsked || launches.after.count <= launches.before.count) return false;
  const known = staying.size;
  const own = [...norms.entries()].filter(([, norm]) => norm.op.name === "layernorm" && isRewritten(norm));
  const costly = own.filter(([, norm]) => outcomes.of(norm, makers).launches > launches.ofNorm(norm));
  for (const [i, norm] of costly.length > 0 ? costly : own) staying.set(i, stay(norm, [wouldBeSlower]));
  return staying.size > known;
}

function surgeryOf(subject: Subject, found: Found, nodes: NewNodes, graph: NewGraph, { opset }: Tries): Surgery {
  const { model, imported, normOp, makers } = subject;
  const { all, isRewritten } = found;
  const { tensors, emitter, constants } = nodes;
  const { draft, left, gammas, outcomes, launches } = graph;
  raiseNodes(subject, draft, emitter, opset);
  const pieces = rewrittenModel(model, graphChanges(model, draft, left, emitter, opset));
  const length = lengthOfPieces(pieces);
  if (length >= longest) fail(surgeryErrors.tooLong(model.file, length));
  const writtenAs = (norm: FoundNorm) => (isRewritten(norm) ? { left, ...outcomes.of(norm, makers) } : undefined);
  const { before, after } = launches;
  return {
    pieces,
    norms: [
      ...all.map(([row, norm]) => {
        const isFolded = row.record.gamma && outcomes.madeFor(norm, makers).some((name) => gammas.has(name));
        return { ...reportOf(row, makers, writtenAs(norm)), ...(isFolded && { isGammaFolded: true }) };
      }),
      ...subject.others(all),
    ],
    weights: [...emitter.constants].map(([constant, name]) => {
      const { from, residual } = constants.get(constant) as NewWeight;
      return { name, from, residual: residual() };
    }),
    normOp,
    centers: tensors.centers,
    nodes: { before: model.graph.nodes.length, after: draft.lines.length },
    opset: { before: model.opset, after: opset },
    ...exactnessOf(found),
    ...(before.isKnown && after.isKnown && { launches: { before: before.count, after: after.count } }),
    warnings: [],
    remarks: [...imported.remarks, ...found.remarks],
  };
}

function exactnessOf({ norms, isCompared, assumed }: Found): Pick<Surgery, "exactness" | "assumed"> {
  const isLossy = norms.some(({ record }) => record.centering === "lossy");
  return { exactness: isLossy ? "lossy" : isCompared ? "exact" : "undecided", assumed };
}

/** Nodes that the model keeps, as a later operator set has them. */
function raiseNodes({ model, imported }: Subject, draft: Draft, emitter: Emitter, opset: number): void {
  if (opset === model.opset) return;
  const raise = raiseTo(model, opset, rankIn(imported), (integers) => emitter.integers(integers, "axes"));
  const edits = "because" in raise ? new Map<NodeProto, Edit>() : raise.edits;
  const lines = draft.lines.filter(({ made }) => made === undefined);
  draft.replace(
    new Map(
      lines.flatMap((line) => {
        const edit = edits.get(line.at);
        return edit === undefined ? [] : [[line, [edited(model, line, edit)]] as const];
      }),
    ),
  );
}

/** It stays for its costs: what would become of its centering is told all the same, and no weight is centered for it. */
const stay = ({ record }: FoundNorm, because: readonly string[]): Stay => ({
  because,
  record: { ...record, constants: [], movedTo: [], beginsStream: false },
});

/** The numbers of LayerNorms that would keep a centering of their own: three nodes in the place of one. */
function withOwnCenters(norms: readonly FoundNorm[]): number[] {
  const users = new Map<Op, number>();
  // One that begins a stream is kept for all norms that read that.
  const centersOf = ({ op, unwritable, record: { centering, beginsStream, centers } }: FoundNorm) =>
    op.name === "layernorm" && unwritable === undefined && centering === "kept" && !beginsStream ? centers() : [];
  const all = norms.map(centersOf);
  for (const center of all.flat()) users.set(center, (users.get(center) ?? 0) + 1);
  return [...all.entries()].flatMap(([i, centers]) =>
    centers.length > 0 && centers.every((center) => users.get(center) === 1) ? [i] : [],
  );
}

const centersItself =
  "so it would be three nodes in the place of one, ReduceMean, Sub and an RMSNorm (--norm-op skip writes them all the same)";
const wouldBeSlower =
  "because the model would launch more kernels on WebGPU with an RMSNorm in its place; --norm-op skip writes it all the same";

const globalOf = ({ def }: Value) => (def?.name === "global" ? (def.attributes.name as string) : "");

const isZero = (model: OnnxModel, tensor: string | undefined) =>
  tensor !== undefined && model.numbers(tensor)?.numbers.every((number) => number === 0) === true;

/** Whether a node is a norm already, and no part of a chain. */
function isNormNode(node: NodeProto | undefined): boolean {
  return node !== undefined && /Normalization$/.test(node.opType);
}

/** Bytes that a message of Protocol Buffers has at most. */
const longest = 2 ** 31;

const nothing: GraphChanges = { nodes: new Map(), initializers: [] };
