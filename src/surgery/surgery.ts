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
import type { Fn, Op } from "../ir/ir.ts";
import { sameShape } from "../ir/types.ts";
import { type Imported, importModel } from "../onnx/import.ts";
import type { NodeProto } from "../onnx/messages.ts";
import { type OnnxModel, shown, writtenName } from "../onnx/model.ts";
import { type GraphChanges, lengthOfPieces, type Piece, rewrittenModel } from "../onnx/write.ts";
import { changesOf, graphChanges, namesOf } from "./changes.ts";
import { Comparison } from "./compare.ts";
import { Draft } from "./draft.ts";
import { Emitter } from "./emit.ts";
import { foldBetas } from "./fold-beta.ts";
import { launchesAround } from "./launches.ts";
import { normsLeft } from "./left.ts";
import { constantsIn, type NewWeight, newConstants } from "./new-constants.ts";
import { areLast, formOf, type NormOp, opsetOfLayerNorm, opsetOfNegativeAxes, opsetOfRmsNorm } from "./norm-forms.ts";
import { makersIn, type NormReport, Outcomes, reportOf, reportOfLeft } from "./norm-report.ts";
import { type FoundNorm, runPasses, type Stay } from "./passes.ts";
import { joinSkips } from "./skip-norms.ts";

/** What `surgery` may do. */
export interface SurgeryOptions {
  /** What to do with centerings that are not proved to change nothing: see the pass `eliminate-centering`. */
  readonly mode?: "exact" | "lossy";
  /** What norms are written as: `auto` unless said otherwise. */
  readonly normOp?: NormOp;
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
  const { norms, merged, before, after, remarks } = runPasses(
    imported,
    wanted.mode,
    staying,
    wanted.normOp === "layernorm",
  );
  const isUncentered = ({ record: { norm, centering } }: FoundNorm) => norm === "standardize" && centering !== "kept";
  const makers = makersIn(model);
  const isOp = ({ tensors }: FoundNorm) => tensors.some((tensor) => isNormNode(makers.get(tensor)));
  const formFor = ({ attributes, result }: Op) =>
    formOf(wanted.normOp, { opset: model.opset, element: result.element, axes: attributes.axes as number[] });
  const isRewritten = (norm: FoundNorm) => {
    if (norm.unwritable !== undefined) return false;
    if (wanted.normOp === "layernorm") {
      const isSaid = model.opset >= opsetOfLayerNorm && areLast(norm.op.attributes.axes as number[]);
      return norm.op.name === "layernorm" && isSaid && !isOp(norm);
    }
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
    const shapeOf = (name: string) => model.tensorType(name)?.dims;
    const { after: launched } = launchesAround({ model, imported, draft, norms, makers, shapeOf }, isRewritten);
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
      staying.set(i, stay(norm, [...norm.record.because, centersItself]));
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
      const all = [...norms.keys()].filter((i) => isRewritten(norms[i] as FoundNorm));
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
  const written = constantsIn(model, emitter);
  const folded = foldBetas(draft, emitter.forms.keys(), written);
  const left = draft.dropLeftovers();
  const outcomes = new Outcomes(changes, emitter, draft, folded);
  const launches = launchesAround({ model, imported, draft, norms, makers, shapeOf: written.shape }, isRewritten);
  if (!wanted.isAsked && launches.after.count > launches.before.count) {
    const own = [...norms.entries()].filter(([, norm]) => norm.op.name === "layernorm" && isRewritten(norm));
    const costly = own.filter(([, norm]) => outcomes.of(norm, makers).launches > launches.ofNorm(norm));
    for (const [i, norm] of costly.length > 0 ? costly : own) staying.set(i, stay(norm, [wouldBeSlower]));
    if (staying.size > known) return undefined;
  }
  const pieces = rewrittenModel(model, graphChanges(model, draft, left, emitter));
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

/** Whether a node is a norm already, and no part of a chain. */
function isNormNode(node: NodeProto | undefined): boolean {
  return node !== undefined && /Normalization$/.test(node.opType);
}

/** Bytes that a message of Protocol Buffers has at most. */
const longest = 2 ** 31;

const nothing: GraphChanges = { nodes: new Map(), initializers: [] };
