/** The result of the surgery on a model, as plain data, and the files that replace the model. */

import { openCheckpoint } from "../../src/checkpoint/checkpoint.ts";
import { type CheckpointNorm, checkpointSurgery } from "../../src/checkpoint/surgery.ts";
import { checkpointFiles, leftBehind, type WrittenTensor } from "../../src/checkpoint/write.ts";
import type { ByteSource } from "../../src/onnx/bytes.ts";
import { OnnxModel } from "../../src/onnx/model.ts";
import type { Piece } from "../../src/onnx/write.ts";
import { Pt2Model } from "../../src/pt2/model.ts";
import { summaryLines } from "../../src/report/checkpoint-report.ts";
import { shortEps } from "../../src/report/norm-table.ts";
import {
  affineOf,
  counted,
  detailsOf,
  exactLine,
  groupsOf,
  headline,
  placeOf,
  sizeLine,
} from "../../src/report/surgery-report.ts";
import { surgery } from "../../src/surgery/surgery.ts";
import { type Message, messageOf } from "../model/messages.ts";
import { type DroppedFile, nameIn, type Subject, subjectOf } from "./subject.ts";

/** Norms with the same outcome. */
export interface NormGroupView {
  readonly title: string;
  readonly reasons: readonly string[];
  readonly norms: readonly NormRow[];
}

export interface NormRow {
  readonly place: string;
  readonly affine: string;
  readonly eps: string;
  /** The steps of a proof, or the weights that were centered. */
  readonly details: readonly string[];
}

export interface ModelView {
  /** Sentences about the outcome for the norms, and about the files written. */
  readonly summary: readonly string[];
  readonly groups: readonly NormGroupView[];
  readonly messages: readonly Message[];
}

/** A file to write: pieces that are ranges refer to the source, and pieces are computed on demand. */
export interface Rewritten {
  readonly name: string;
  readonly source: ByteSource;
  readonly pieces: Iterable<Piece>;
}

/**
 * @param save called for each file that changed.
 * @throws TircError if the files are not a model or cannot be read.
 */
export function operate(files: readonly DroppedFile[], save: (file: Rewritten) => void): ModelView {
  const subject = subjectOf(files);
  const saveChanged = ({ name, source, pieces }: Rewritten) => {
    const changed = changedPieces(source, pieces);
    if (changed !== undefined) save({ name, source, pieces: changed });
  };
  return subject.kind === "model" ? ofModel(subject, saveChanged) : ofCheckpoint(subject, saveChanged);
}

/** The pieces; `undefined` if the first one is already the whole file. */
function changedPieces(source: ByteSource, pieces: Iterable<Piece>): Iterable<Piece> | undefined {
  const rest = pieces[Symbol.iterator]();
  const { done, value: first } = rest.next();
  const isWhole = done || (!(first instanceof Uint8Array) && first.start === 0 && first.end === source.size);
  if (isWhole) return undefined;
  return (function* () {
    yield first;
    yield* { [Symbol.iterator]: () => rest };
  })();
}

type Save = (file: Rewritten) => void;

function ofModel({ file, beside }: Extract<Subject, { kind: "model" }>, save: Save): ModelView {
  const isArchive = /\.pt2$/i.test(file.path);
  const model = isArchive
    ? Pt2Model.read(file.source)
    : new OnnxModel(file.source, (location, refuse) => {
        const together = `take the model and ${location} together, or their folder`;
        return beside(location) ?? refuse(`${location} is missing`, together);
      });
  const result = surgery(model);
  save({ name: renamed(nameIn(file.path)), source: result.source, pieces: result.pieces });
  const elsewhere = isArchive ? [] : [...model.locations].filter((location) => location !== "");
  const summary = [
    headline(result),
    sizeLine(result),
    ...exactLine(result),
    ...(elsewhere.length === 0 ? [] : [`weights stay in ${elsewhere.join(", ")}, which must stay next to the model`]),
  ];
  return {
    summary: result.norms.length === 0 ? [] : summary,
    groups: groupsOf(result.norms).map(({ title, reasons, norms }) => ({
      ...{ title, reasons },
      norms: norms.map((norm) => ({
        ...{ place: placeOf(norm), affine: affineOf(norm), eps: shortEps(norm.eps), details: detailsOf(norm) },
      })),
    })),
    messages: result.warnings.map(messageOf),
  };
}

/** The name of the rewritten file, with its original extension: `model-rms.onnx`. */
const renamed = (name: string) => name.replace(/(\.\w+)$/, "-rms$1");

function ofCheckpoint({ folder }: Extract<Subject, { kind: "checkpoint" }>, save: Save): ModelView {
  const checkpoint = openCheckpoint(folder);
  const result = checkpointSurgery(checkpoint);
  const written: WrittenTensor[] = [];
  for (const file of checkpointFiles(checkpoint, result, (tensor) => written.push(tensor))) save(file);
  const left = leftBehind(checkpoint);
  return {
    summary: [
      ...summaryLines(checkpoint, result, written),
      ...(result.centered.length === 0
        ? []
        : ["copy these files over a copy of the folder; its other files are unchanged"]),
      ...(left.length === 0 ? [] : [`leave out ${left.join(", ")}, which contain the original weights`]),
    ],
    groups: checkpointGroups(result.norms),
    messages: result.warnings.map(messageOf),
  };
}

const checkpointKinds = [
  ["LayerNorm", "can be RMSNorms", (norm: CheckpointNorm) => norm.norm === "layernorm" && norm.isRms],
  ["LayerNorm", "need their means", (norm: CheckpointNorm) => norm.norm === "layernorm" && !norm.isRms],
  ["RMSNorm", "do not subtract a mean", (norm: CheckpointNorm) => norm.norm === "rmsnorm"],
] as const;

function checkpointGroups(norms: readonly CheckpointNorm[]): NormGroupView[] {
  return checkpointKinds.flatMap(([kind, outcome, isOf]) => {
    const own = norms.filter(isOf);
    if (own.length === 0) return [];
    const rows = own.map(({ module, gamma, beta, eps, because }) => {
      const affine = [gamma ? "gamma" : "", beta ? "beta" : ""].filter(Boolean).join(", ") || "-";
      return { place: module, affine, eps: shortEps(eps), details: because };
    });
    return [{ title: `${counted(own.length, kind)}: ${outcome}`, reasons: [], norms: rows }];
  });
}
