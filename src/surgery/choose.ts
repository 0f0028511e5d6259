/**
 * Chooses which norms to rewrite, and in which operator set. A norm stays as it is if no node can express the result, if
 * it would need a centering of its own, or if the model would launch more kernels.
 *
 * The cost of a norm depends on the decisions for the others, hence the rounds: each round drafts a rewritten model and
 * excludes the norms that must stay, with the reason. Excluded norms are never reconsidered, so that this terminates; the
 * draft of the last round is the result.
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
import { type Outcomes, outcomesIn } from "./norm-report.ts";
import { type FoundNorm, type Passed, type Raised, runPasses, type Stay } from "./passes.ts";
import type { LaterSet } from "./raise-opset.ts";
import { joinSkips } from "./skip-norms.ts";
import { ModelTensors } from "./tensors.ts";

/** The model, and the options of the surgery. */
export interface Subject {
  readonly model: OnnxModel;
  readonly imported: Imported;
  readonly raised: Raised;
  readonly mode: "exact" | "lossy";
  readonly normOp: NormOp;
  readonly dialect: Dialect;
  readonly fold: ReadonlySet<Foldable>;
  /** A later operator set in which the model may be written, with the changes that this needs. */
  readonly later: LaterSet | undefined;
  /** The node that produces each tensor. */
  readonly makers: ReadonlyMap<string, NodeProto>;
}

/** ONNX, for which kernel launches on WebGPU are counted, or PyTorch's ATen, from which the graph was translated. */
export type Dialect = "onnx" | "aten";

/** The norms of a model, and the result of the passes, for an operator set. */
export interface Found extends Passed {
  readonly opset: number;
  readonly isRewritten: (norm: FoundNorm) => boolean;
  /** Whether a norm is a single node of the model. */
  readonly isOp: (norm: FoundNorm) => boolean;
  readonly formFor: (op: Op) => NormForm;
  /** The norms including duplicates that were merged, each with the one that the passes saw. */
  readonly all: readonly (readonly [row: FoundNorm, seen: FoundNorm])[];
  /** Whether nothing has to be rewritten. */
  readonly isDone: boolean;
}

/** The rewritten norms and the graph around them. */
export interface Written {
  readonly tensors: ModelTensors;
  readonly emitter: Emitter;
  readonly constants: ReadonlyMap<string, NewWeight>;
  readonly draft: Draft;
  readonly left: Leftovers;
  /** The results of norms whose gamma was folded into weights. */
  readonly gammas: ReadonlySet<string>;
  readonly outcomes: Outcomes;
  readonly launches: LaunchesAround;
}

/** The norms that stay, by index, and why. */
type Staying = ReadonlyMap<number, Stay>;

/** The final choice; `written` is undefined if no norm is rewritten. */
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

/** The choice after the passes ran, or the norms that must be excluded in another round. */
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
    // Keep the model's operator set if no norm uses an op of the later one.
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
      const hasOp = opset >= opsetOfLayerNorm && areLast(norm.op.attributes.axes as number[]);
      return norm.op.name === "layernorm" && hasOp && !isOp(norm);
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
  const all = passed.norms.flatMap((norm) => [norm, ...duplicatesOf(norm, raised)].map((row) => [row, norm] as const));
  return { ...passed, opset, isRewritten, isOp, formFor, all, isDone };
}

/** The duplicates of a norm, which were merged with it before the passes ran. */
function duplicatesOf(norm: FoundNorm, { merged }: Raised): FoundNorm[] {
  const [own = ""] = norm.tensors;
  return (merged.get(own) ?? []).map((tensor) => ({ ...norm, tensors: [tensor] }));
}

/** Whether the options ask for a rewrite even if it is slower. */
const isAsked = ({ normOp, mode }: Subject) => normOp !== "auto" || mode === "lossy";

/** The LayerNorms that would need a centering of their own: three nodes in place of one. */
function withOwnCenters(subject: Subject, { norms, isOp, formFor }: Found): Staying {
  const users = new Map<Op, number>();
  // A centering at the beginning of a stream serves all norms that read the stream.
  const centersOf = ({ op, unwritable, record: { centering, beginsStream, centers } }: FoundNorm) =>
    op.name === "layernorm" && unwritable === undefined && centering === "kept" && !beginsStream ? centers() : [];
  const all = norms.map(centersOf);
  for (const center of all.flat()) users.set(center, (users.get(center) ?? 0) + 1);
  const staying = new Map<number, Stay>();
  for (const [i, norm] of norms.entries()) {
    const centers = all[i] as readonly Op[];
    if (centers.length === 0 || centers.some((center) => users.get(center) !== 1)) continue;
    // A chain of primitives replaced by a chain of primitives costs the same.
    const isChainOfOther = formFor(norm.op) === "primitive" && !isOp(norm);
    const because = [...norm.record.because, centersItself[subject.dialect]];
    if (!isAsked(subject) || isChainOfOther) staying.set(i, stay(norm, because));
  }
  return staying;
}

type NewNodes = Pick<Written, "tensors" | "emitter" | "constants"> & {
  readonly changes: ReadonlyMap<NodeProto, NodeChange>;
};

/** The changes to each node, or the norms that cannot be rewritten. */
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
    // The node computes what a centering was moved into: no norm can be rewritten without it.
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
  return { draft, left, gammas, outcomes: outcomesIn({ makers, changes, emitter, draft, folded }), launches };
}

/** If the model would launch more kernels: the norms that cause it, or all norms if no single one does. */
function slowerNorms(subject: Subject, { norms, isRewritten }: Found, { outcomes, launches }: Written): Staying {
  if (isAsked(subject) || subject.dialect === "aten" || launches.after.count <= launches.before.count) return new Map();
  const own = [...norms.entries()].filter(([, norm]) => norm.op.name === "layernorm" && isRewritten(norm));
  const costly = own.filter(([, norm]) => outcomes.of(norm).launches > launches.ofNorm(norm));
  return new Map((costly.length > 0 ? costly : own).map(([i, norm]) => [i, stay(norm, [wouldBeSlower])]));
}

/** A norm that stays because of its cost: the report still shows its centering, but no weight is centered for it. */
const stay = ({ record }: FoundNorm, because: readonly string[]): Stay => ({
  because,
  record: { ...record, constants: [], movedTo: [], beginsStream: false },
});

const centersItself: Readonly<Record<Dialect, string>> = {
  onnx: "so it would take three nodes in place of one: ReduceMean, Sub and an RMSNorm (--norm-op skip forces the rewrite)",
  aten: "so it would take three nodes in place of one: mean, sub and rms_norm (--norm-op rmsnorm forces the rewrite)",
};
const wouldBeSlower =
  "because the model would launch more kernels on WebGPU with an RMSNorm in its place; --norm-op skip forces the rewrite";

/** Whether a node is a norm by itself, not part of a chain of primitives. */
function isNormNode(node: NodeProto | undefined): boolean {
  return node !== undefined && /Normalization$/.test(node.opType);
}
