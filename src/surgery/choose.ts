/**
 * Which norms are written anew, and in which operator set: a norm that no node can say, that would keep a centering for
 * itself, or for which the model would launch more kernels, stays what it is.
 *
 * What norms cost is seen once the others are decided, so this goes on in rounds. A round has its norms written as a draft,
 * and takes out those that the draft shows to stay, with the reason; a norm that is out stays out, so that there is an
 * end, and the draft of the last round is what is written.
 */

import * as surgeryErrors from "../diagnostics/areas/surgery.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { isOp, type Op, type Value } from "../ir/ir.ts";
import { sameShape } from "../ir/types.ts";
import type { Imported } from "../onnx/import.ts";
import type { NodeProto } from "../onnx/messages.ts";
import { type OnnxModel, shown, writtenName } from "../onnx/model.ts";
import { changesOf, namesOf } from "./changes.ts";
import { Draft, type Leftovers, type NodeChange, opOf } from "./draft.ts";
import { Emitter } from "./emit.ts";
import { foldBetas } from "./fold-beta.ts";
import { foldGammas } from "./fold-gamma.ts";
import { type LaunchesAround, launchesAround } from "./launches.ts";
import { constantsIn, type NewWeight, newConstants } from "./new-constants.ts";
import {
  areLast,
  type Foldable,
  formOf,
  type NormForm,
  type NormOp,
  normOpTypes,
  opsetOfLayerNorm,
} from "./norm-forms.ts";
import { Outcomes } from "./norm-report.ts";
import { type FoundNorm, type Passed, type Raised, runPasses, type Stay } from "./passes.ts";
import type { LaterSet } from "./raise-opset.ts";
import { joinSkips } from "./skip-norms.ts";
import { ModelTensors } from "./tensors.ts";

/** What is operated on, and how. */
export interface Subject {
  readonly model: OnnxModel;
  readonly imported: Imported;
  readonly raised: Raised;
  readonly mode: "exact" | "lossy";
  readonly normOp: NormOp;
  /** What the graph is written in. */
  readonly dialect: Dialect;
  readonly fold: ReadonlySet<Foldable>;
  /** The later operator set that the model may be written in, and how its nodes are said there. */
  readonly later: LaterSet | undefined;
  /** Nodes by the tensors that they make. */
  readonly makers: ReadonlyMap<string, NodeProto>;
}

/** ONNX, whose nodes are counted by what they launch on WebGPU, or PyTorch's ATen, of which the graph is a translation. */
export type Dialect = "onnx" | "aten";

/** The norms of a model in an operator set, and what the passes made of it. */
export interface Found extends Passed {
  readonly opset: number;
  readonly isRewritten: (norm: FoundNorm) => boolean;
  /** Whether a norm is one node of the model. */
  readonly isOp: (norm: FoundNorm) => boolean;
  readonly formFor: (op: Op) => NormForm;
  /** The norms, and those that are computed a second time, each with the one that the passes saw. */
  readonly all: readonly (readonly [row: FoundNorm, seen: FoundNorm])[];
  /** Whether there is nothing to write. */
  readonly isDone: boolean;
}

/** The norms written anew: nodes, and the graph of them, joined with what stands around them. */
export interface Written {
  readonly tensors: ModelTensors;
  readonly emitter: Emitter;
  readonly constants: ReadonlyMap<string, NewWeight>;
  readonly draft: Draft;
  readonly left: Leftovers;
  /** Norms, by the tensors that they make, of which gamma is in the next products now. */
  readonly gammas: ReadonlySet<string>;
  readonly outcomes: Outcomes;
  readonly launches: LaunchesAround;
}

/** Norms that stay, by their numbers, and why. */
type Staying = ReadonlyMap<number, Stay>;

/** What was chosen; nothing is written where no norm is. */
interface Choice {
  readonly found: Found;
  readonly written: Written | undefined;
}

export function choose(subject: Subject): Choice {
  const staying = new Map<number, Stay>();
  for (;;) {
    const { mode, normOp, raised, fold } = subject;
    const passed = runPasses(raised, {
      mode,
      staying,
      keepsLayerNorms: normOp === "layernorm",
      foldsCenters: fold.has("center"),
    });
    const choice = choiceOf(subject, passed);
    if (!("staying" in choice)) return choice;
    for (const [i, why] of choice.staying) staying.set(i, why);
  }
}

/** A choice for norms that the passes may write anew, or which of them stay. */
function choiceOf(subject: Subject, passed: Passed): Choice | { readonly staying: Staying } {
  const { model, later, normOp } = subject;
  for (const opset of later === undefined ? [model.opset] : [later.opset, model.opset]) {
    const found = foundIn(subject, passed, opset);
    if (found.isDone) return { found, written: undefined };
    const own = withOwnCenters(subject, found);
    if (own.size > 0) return { staying: own };
    const nodes = newNodes(subject, found);
    if ("staying" in nodes) return nodes;
    const written = { ...nodes, ...newGraph(subject, found, nodes) };
    // A model in which no norm is an op of the later set stays in its own.
    const isNeeded = written.draft.lines.some((line) => line.made !== undefined && opOf(line) === normOpTypes.rmsnorm);
    if (opset !== model.opset && normOp !== "rmsnorm" && !isNeeded) continue;
    const slower = slowerNorms(subject, found, written);
    return slower.size > 0 ? { staying: slower } : { found, written };
  }
  throw new Error("the model can be written in its own operator set");
}

function foundIn({ raised, normOp, fold, makers }: Subject, passed: Passed, opset: number): Found {
  const isOp = ({ tensors }: FoundNorm) => tensors.some((tensor) => isNormNode(makers.get(tensor)));
  const formFor = ({ attributes, result }: Op) =>
    formOf(normOp, { opset, element: result.element, axes: attributes.axes as number[] });
  const isRewritten = (norm: FoundNorm) => {
    if (norm.unwritable !== undefined) return false;
    if (normOp === "layernorm") {
      const isSaid = opset >= opsetOfLayerNorm && areLast(norm.op.attributes.axes as number[]);
      return norm.op.name === "layernorm" && isSaid && !isOp(norm);
    }
    return (
      norm.op.name === "layernorm" || (norm.op.name === "rmsnorm" && formFor(norm.op) !== "primitive" && !isOp(norm))
    );
  };
  const isUncentered = ({ record: { norm, centering } }: FoundNorm) => norm === "standardize" && centering !== "kept";
  const mayFold = (norm: FoundNorm) => fold.has("gamma") && norm.op.name === "rmsnorm" && isOp(norm);
  const isDone =
    passed.foldedCenters === 0 &&
    !passed.norms.some((norm) => isRewritten(norm) || isUncentered(norm) || mayFold(norm));
  const all = passed.norms.flatMap((norm) => [norm, ...twinsOf(norm, raised)].map((row) => [row, norm] as const));
  return { ...passed, opset, isRewritten, isOp, formFor, all, isDone };
}

/** Norms that compute what another one does, of which the passes saw that alone. */
function twinsOf(norm: FoundNorm, { merged }: Raised): FoundNorm[] {
  const [own = ""] = norm.tensors;
  return (merged.get(own) ?? []).map((twin) => ({ ...norm, tensors: [twin] }));
}

/** What would be slower is written only where somebody asked for it. */
const isAsked = ({ normOp, mode }: Subject) => normOp !== "auto" || mode === "lossy";

/** LayerNorms that would keep a centering of their own: three nodes in the place of one. */
function withOwnCenters(subject: Subject, { norms, isOp, formFor }: Found): Staying {
  const users = new Map<Op, number>();
  // One that begins a stream is kept for all norms that read that.
  const centersOf = ({ op, unwritable, record: { centering, beginsStream, centers } }: FoundNorm) =>
    op.name === "layernorm" && unwritable === undefined && centering === "kept" && !beginsStream ? centers() : [];
  const all = norms.map(centersOf);
  for (const center of all.flat()) users.set(center, (users.get(center) ?? 0) + 1);
  const staying = new Map<number, Stay>();
  for (const [i, norm] of norms.entries()) {
    const centers = all[i] as readonly Op[];
    if (centers.length === 0 || centers.some((center) => users.get(center) !== 1)) continue;
    // Where nothing but primitives can say it, a chain is as good as another.
    const isChainOfOther = formFor(norm.op) === "primitive" && !isOp(norm);
    const because = [...norm.record.because, centersItself[subject.dialect]];
    if (!isAsked(subject) || isChainOfOther) staying.set(i, stay(norm, because));
  }
  return staying;
}

type NewNodes = Pick<Written, "tensors" | "emitter" | "constants"> & {
  readonly changes: ReadonlyMap<NodeProto, NodeChange>;
};

/** What is written anew, node by node; or the norms that cannot be. */
function newNodes(subject: Subject, found: Found): NewNodes | { readonly staying: Staying } {
  const { model, imported, raised, normOp } = subject;
  const { norms, module, isRewritten, opset } = found;
  const constants = newConstants(model, module, imported.weights);
  const tensors = new ModelTensors(imported, raised, found);
  const emitter = new Emitter({
    opset,
    normOp,
    tensorOf: tensors.tensorOf,
    constant: (name) => constants.get(name),
    isZero: (value) => isZero(model, imported.weights.get(globalOf(value))),
    taken: namesOf(model),
  });
  const own = [...norms.entries()].filter(([, norm]) => isRewritten(norm));
  const numbers = new Map(own.flatMap(([i, { tensors }]) => tensors.map((tensor) => [tensor, i] as const)));
  const staying = new Map<number, Stay>();
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
  return staying.size > 0 ? { staying } : { tensors, emitter, constants, changes };
}

const globalOf = ({ def }: Value) => (isOp(def, "global") ? def.attributes.name : "");

const isZero = (model: OnnxModel, tensor: string | undefined) =>
  tensor !== undefined && model.numbers(tensor)?.numbers.every((number) => number === 0) === true;

function newGraph(subject: Subject, found: Found, nodes: NewNodes) {
  const { model, imported, normOp, dialect, fold, makers } = subject;
  const { emitter, changes } = nodes;
  const draft = new Draft(model, changes);
  draft.dropLeftovers();
  const shapeOf = (name: string) => emitter.shapes.get(name) ?? imported.values.get(name)?.shape;
  const written = constantsIn(model, emitter, imported.types);
  const mayJoin = dialect === "onnx" && (normOp === "auto" || normOp === "skip");
  const isSameShape = (names: readonly string[]) => {
    const [first, ...others] = names.map(shapeOf);
    const isRank = first?.length === 2 || first?.length === 3;
    return mayJoin && isRank && others.every((shape) => shape !== undefined && sameShape(first, shape));
  };
  joinSkips(draft, isSameShape, written);
  const folded = foldBetas(draft, fold.has("beta") ? emitter.forms.keys() : [], written);
  const gammas = fold.has("gamma") ? foldGammas(draft, written) : new Set<string>();
  const left = draft.dropLeftovers();
  const graphs = { model, imported, draft, norms: found.norms, makers, shapeOf: written.shape };
  const launches = launchesAround(graphs, found.isRewritten);
  return { draft, left, gammas, outcomes: new Outcomes(changes, emitter, draft, folded), launches };
}

/** Where the model would launch more kernels, the norms that do; all of them if none does by itself. */
function slowerNorms(subject: Subject, { norms, isRewritten }: Found, { outcomes, launches }: Written): Staying {
  if (isAsked(subject) || subject.dialect === "aten" || launches.after.count <= launches.before.count) return new Map();
  const own = [...norms.entries()].filter(([, norm]) => norm.op.name === "layernorm" && isRewritten(norm));
  const costly = own.filter(([, norm]) => outcomes.of(norm, subject.makers).launches > launches.ofNorm(norm));
  return new Map((costly.length > 0 ? costly : own).map(([i, norm]) => [i, stay(norm, [wouldBeSlower])]));
}

/** It stays for its costs: what would become of its centering is told all the same, and no weight is centered for it. */
const stay = ({ record }: FoundNorm, because: readonly string[]): Stay => ({
  because,
  record: { ...record, constants: [], movedTo: [], beginsStream: false },
});

const centersItself: Readonly<Record<Dialect, string>> = {
  onnx: "so it would be three nodes in the place of one, ReduceMean, Sub and an RMSNorm (--norm-op skip writes them all the same)",
  aten: "so it would be three nodes in the place of one, mean, sub and rms_norm (--norm-op rmsnorm writes them all the same)",
};
const wouldBeSlower =
  "because the model would launch more kernels on WebGPU with an RMSNorm in its place; --norm-op skip writes it all the same";

/** Whether a node is a norm already, and no part of a chain. */
function isNormNode(node: NodeProto | undefined): boolean {
  return node !== undefined && /Normalization$/.test(node.opType);
}
