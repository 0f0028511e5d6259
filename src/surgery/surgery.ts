/**
 * Rewrites the LayerNorms of an ONNX model as RMSNorms, with centerings where they are needed. Everything else stays, byte
 * for byte.
 *
 * - root: the first tensor of the model that is computed from a LayerNorm. The node that produces it is replaced, and
 *   nodes that nothing else needs are removed.
 * - Other nodes only change their inputs: a weight is replaced by a centered one.
 */

import * as archiveErrors from "../diagnostics/areas/archives.ts";
import * as normWarnings from "../diagnostics/areas/norms.ts";
import * as surgeryErrors from "../diagnostics/areas/surgery.ts";
import { type Diagnostic, fail } from "../diagnostics/diagnostic.ts";
import type { ByteSource } from "../onnx/bytes.ts";
import { type Imported, importModel } from "../onnx/import.ts";
import { makersIn, type OnnxModel } from "../onnx/model.ts";
import { lengthOfPieces, type Piece, rewrittenModel } from "../onnx/write.ts";
import { Pt2Model } from "../pt2/model.ts";
import { rewrittenArchive } from "../pt2/write/archive.ts";
import { graphChanges } from "./changes.ts";
import { choose, type Dialect, type Found, type Subject, type Written } from "./choose.ts";
import { Draft, edited } from "./draft.ts";
import { type LaunchesAround, launchesAround } from "./launches.ts";
import { normsLeft } from "./left.ts";
import { normsInGraphs } from "./left-in-graphs.ts";
import type { NewWeight } from "./new-constants.ts";
import { type Foldable, type NormOp, opsetOfNegativeAxes, opsetOfRmsNorm } from "./norm-forms.ts";
import { atenNorms, type NormReport, reportOf, reportOfLeft } from "./norm-report.ts";
import { type FoundNorm, raise } from "./passes.ts";
import { type LaterSet, raiseTo } from "./raise-opset.ts";

/** Options of `surgery`. */
export interface SurgeryOptions {
  /** Whether centerings that are not proved redundant are kept (`exact`, the default) or dropped: see `eliminate-centering`. */
  readonly mode?: "exact" | "lossy";
  /** The form in which norms are written; `auto` by default. */
  readonly normOp?: NormOp;
  /** What is folded into the weights of following products; `beta` by default. */
  readonly fold?: readonly Foldable[];
  /** Whether 8-bit weights behind DequantizeLinear may be replaced by floats. */
  readonly dequantize?: boolean;
}

/** A count for the original model, and for the rewritten one. */
export interface BeforeAndAfter {
  readonly before: number;
  readonly after: number;
}

/** An initializer that is a centered copy of another one. */
export interface CenteredWeight {
  readonly name: string;
  readonly from: string;
  /** The largest row mean left by rounding, relative to the largest element of its row. */
  readonly residual: number;
}

/** A model with rewritten norms, and a report on each norm. */
export interface Surgery {
  /** The rewritten model; the whole file if nothing changed. */
  readonly pieces: readonly Piece[];
  /** The file that ranges among the pieces refer to. */
  readonly source: ByteSource;
  /** The graph as an ONNX model: the rewritten model itself, or the translation of a torch.export archive. */
  readonly graph: readonly Piece[];
  readonly norms: readonly NormReport[];
  readonly weights: readonly CenteredWeight[];
  readonly normOp: NormOp;
  /** The number of centerings in the rewritten model. */
  readonly centers: number;
  /** The number of nodes. */
  readonly nodes: BeforeAndAfter;
  /** The version of the standard operator set; raised if a later one has the op of the norms and all nodes can be converted. */
  readonly opset: BeforeAndAfter;
  /**
   * Whether the passes preserved the function in exact arithmetic, before weights are rounded: `undecided` if the model is
   * too large to be verified, `lossy` if centerings were dropped without a proof.
   */
  readonly exactness: "exact" | "undecided" | "lossy";
  /** What that verification assumes. */
  readonly assumed: readonly string[];
  /** The kernels that onnxruntime's WebGPU provider launches for a run; missing if the model has an op of unknown cost. */
  readonly launches?: BeforeAndAfter;
  readonly warnings: readonly Diagnostic[];
  /** Why nodes were not imported, and remarks of the passes. */
  readonly remarks: readonly Diagnostic[];
}

/** @throws TircError E0748, E0749, E0755; E0671 if rounding leaves a weight uncentered; what reading weights throws. */
export function surgery(given: OnnxModel, options: SurgeryOptions = {}): Surgery {
  const { normOp = "auto" } = options;
  if (given instanceof Pt2Model && !hasForm(normOp)) fail(archiveErrors.noSuchForm(given.file, normOp));
  const model = options.dequantize === true ? given.dequantized() : given;
  const rowsOfUnknownRank = model.opset >= opsetOfNegativeAxes;
  const dialect = given instanceof Pt2Model ? "aten" : "onnx";
  return operate(model, importModel(model, "model.onnx", { asRuntime: true, rowsOfUnknownRank }), options, dialect);
}

/** Whether PyTorch has the ops of a form. */
const hasForm = (normOp: NormOp) => normOp !== "skip" && normOp !== "simplified";

/** The surgery on an imported model. Throws what `surgery` throws. */
export function operate(
  model: OnnxModel,
  imported: Imported,
  options: SurgeryOptions = {},
  dialect: Dialect = "onnx",
): Surgery {
  const { mode = "exact", normOp = "auto", fold = ["beta"] } = options;
  const subject = {
    ...{ model, imported, raised: raise(imported), mode, normOp, dialect },
    ...{ fold: new Set(fold), makers: makersIn(model), later: laterSet(model, imported, normOp) },
  };
  const { found, written } = choose(subject);
  const seen = new Set(found.all.flatMap(([{ tensors }]) => tensors));
  const inGraphs = model instanceof Pt2Model ? normsInGraphs(model) : [];
  const others = [...normsLeft(model, imported, seen), ...inGraphs].map(reportOfLeft);
  return surgeryOf(subject, found, written, others);
}

/** The opset of RMSNormalization, if norms should use that op and the model can be converted. */
function laterSet(model: OnnxModel, { types }: Imported, normOp: NormOp): LaterSet | undefined {
  const isWanted = normOp === "auto" || normOp === "rmsnorm";
  if (!isWanted || model.opset >= opsetOfRmsNorm || model.opset === 0) return undefined;
  const later = raiseTo(model, opsetOfRmsNorm, (tensor) => types.info(tensor)?.shape?.length);
  if (!("because" in later)) return later;
  if (normOp === "rmsnorm") fail(surgeryErrors.noSuchOp(model.file, model.opset, later.because));
  return undefined;
}

/** The parts of a result that depend on whether a file was written. */
interface Outcome
  extends Pick<Surgery, "weights" | "centers" | "exactness" | "assumed" | "warnings">,
    Pick<WrittenFile, "graph" | "pieces"> {
  readonly launches: LaunchesAround;
  readonly after: Pick<WrittenFile, "count"> & { readonly opset: number };
  readonly reportFor: (row: FoundNorm, norm: FoundNorm) => NormReport;
}

/** @param written undefined if no norm is rewritten: the file stays as it is. */
function surgeryOf(
  subject: Subject,
  found: Found,
  written: Written | undefined,
  others: readonly NormReport[],
): Surgery {
  const { model, imported, normOp, dialect } = subject;
  const { source, count } = originalOf(model);
  const { launches, after, reportFor, ...outcome } =
    written === undefined ? untouched(subject, found, others) : rewritten(subject, found, written);
  const { before: first, after: last } = launches;
  return {
    ...outcome,
    source,
    norms: [...found.all.map(([row, norm]) => inDialect(reportFor(row, norm), dialect)), ...others],
    normOp,
    nodes: { before: count, after: after.count },
    opset: { before: model.opset, after: after.opset },
    ...(dialect === "onnx" &&
      first.isKnown &&
      last.isKnown && { launches: { before: first.count, after: last.count } }),
    remarks: [...imported.remarks, ...found.remarks],
  };
}

/** No norm is rewritten: the file stays as it is. */
function untouched(subject: Subject, found: Found, others: readonly NormReport[]): Outcome {
  const { model, makers } = subject;
  const { source, count } = originalOf(model);
  return {
    graph: [{ start: 0, end: model.reader.source.size }],
    pieces: [{ start: 0, end: source.size }],
    ...{ weights: [], centers: 0, exactness: "exact", assumed: [] },
    warnings: warningsOf(subject, found, others),
    launches: launchesBefore(subject, found),
    after: { count, opset: model.opset },
    reportFor: (row) => reportOf(row, makers),
  };
}

/** Some norms are rewritten. */
function rewritten(subject: Subject, found: Found, written: Written): Outcome {
  const { left, outcomes, gammas, launches, tensors } = written;
  const { graph, pieces, count } = fileOf(subject, found, written);
  return {
    ...{ graph, pieces, weights: weightsOf(written), centers: tensors.centers },
    ...exactnessOf(found),
    warnings: [],
    launches,
    after: { count, opset: found.opset },
    reportFor: (row, norm) => {
      const isFolded = row.record.gamma && outcomes.madeFor(norm).some((name) => gammas.has(name));
      const writtenAs = found.isRewritten(norm) ? { left, ...outcomes.of(norm) } : undefined;
      return { ...reportOf(row, subject.makers, writtenAs), ...(isFolded && { isGammaFolded: true }) };
    },
  };
}

const weightsOf = ({ emitter, constants }: Written): CenteredWeight[] =>
  [...emitter.constants].map(([constant, name]) => {
    const { from, residual } = constants.get(constant) as NewWeight;
    return { name, from, residual: residual() };
  });

/** The file of a model, and the number of its nodes: those of the program, if the graph is a translation. */
const originalOf = (model: OnnxModel): { readonly source: ByteSource; readonly count: number } =>
  model instanceof Pt2Model
    ? { source: model.archive.source, count: model.program.nodes.length }
    : { source: model.reader.source, count: model.graph.nodes.length };

/** A written file: the graph, the file itself, and the number of its nodes. */
interface WrittenFile extends Pick<Surgery, "graph" | "pieces"> {
  readonly count: number;
}

function fileOf(subject: Subject, { opset }: Found, written: Written): WrittenFile {
  const { model } = subject;
  const { draft, left, emitter } = written;
  if (opset !== model.opset) raiseNodes(subject, written);
  const graph = rewrittenModel(model, graphChanges(model, draft, left, emitter, opset));
  if (model instanceof Pt2Model) {
    const added = new Map(emitter.tensors.map((tensor) => [tensor.name, tensor]));
    const { pieces, nodes } = rewrittenArchive(model, draft.lines, added);
    return { graph, pieces, count: nodes };
  }
  const length = lengthOfPieces(graph);
  if (length >= longest) fail(surgeryErrors.tooLong(model.file, length));
  return { graph, pieces: graph, count: draft.lines.length };
}

function launchesBefore({ model, imported, makers }: Subject, { norms, isRewritten }: Found): LaunchesAround {
  const draft = new Draft(model, new Map());
  const shapeOf = (name: string) => model.tensorType(name)?.dims;
  return launchesAround({ model, imported, draft, norms, makers, shapeOf }, isRewritten);
}

function warningsOf({ imported }: Subject, { norms }: Found, others: readonly NormReport[]): readonly Diagnostic[] {
  const fns = imported.module.fns.map(({ name }) => name);
  if (norms.length + others.length === 0) return [normWarnings.noNorm(fns, "model")];
  const isOther = ({ record: { norm } }: FoundNorm) => norm === "rmsnorm" || norm === "groupnorm";
  return others.length === 0 && norms.every(isOther) ? [normWarnings.noLayerNorm(fns)] : [];
}

/** The report with PyTorch's names of ops, if the model is a torch.export archive. */
function inDialect(report: NormReport, dialect: Dialect): NormReport {
  const { writtenAs } = report;
  const isOp = writtenAs === "RMSNormalization" || writtenAs === "LayerNormalization";
  return dialect === "aten" && isOp ? { ...report, writtenAs: atenNorms[writtenAs] } : report;
}

function exactnessOf({ norms, isCompared, assumed }: Found): Pick<Surgery, "exactness" | "assumed"> {
  const isLossy = norms.some(({ record }) => record.centering === "lossy");
  return { exactness: isLossy ? "lossy" : isCompared ? "exact" : "undecided", assumed };
}

/** Converts the nodes that the model keeps to the later opset. */
function raiseNodes({ model, later }: Subject, { draft, emitter }: Written): void {
  const raised = draft.lines.flatMap((line) => {
    const edit = line.made === undefined ? later?.edits.get(line.at) : undefined;
    if (edit === undefined) return [];
    const added = edit.added?.map((integers) => emitter.integers(integers, "axes"));
    return [[line, [edited(model, line, { ...edit, added })]] as const];
  });
  draft.replace(new Map(raised));
}

/** The size limit of a Protocol Buffers message, in bytes. */
const longest = 2 ** 31;
