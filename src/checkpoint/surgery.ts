/**
 * Centers the weights of a checkpoint, in float64, so that LayerNorms can become RMSNorms. Files keep their names and
 * tensors their shapes, and the library loads the result like the original; the LayerNorms then subtract a mean of zero.
 *
 * A checkpoint cannot express a centering, as that would be in the model's code. So a norm that would need one, before it
 * or at the beginning of its stream, stays a LayerNorm, and the passes run again without it, until they only change weights.
 */

import { eliminateCentering } from "../../passes/eliminate-centering.ts";
import { layernormToRmsnorm } from "../../passes/layernorm-to-rmsnorm.ts";
import * as normWarnings from "../diagnostics/areas/norms.ts";
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import { equivalent } from "../driver/equivalent.ts";
import { readConstants } from "../driver/materialize.ts";
import { type NormRecord, normRecords } from "../driver/norm-records.ts";
import type { Module } from "../ir/ir.ts";
import { numbersText } from "../pass/define-pass.ts";
import { PassManager } from "../pass-manager/pass-manager.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { type FoldableInCheckpoint, foldableInCheckpoints, foldedIntoReaders, nothingFolded } from "./fold.ts";
import type { Folded, Rewriting } from "./rewriting.ts";
import { StreamProgram } from "./stream-program.ts";
import { templateOf } from "./templates.ts";

/** The report on a norm of the model. */
export interface CheckpointNorm {
  /** The module's name: `transformer.h.0.ln_1`. */
  readonly module: string;
  readonly norm: "layernorm" | "rmsnorm";
  /** Whether it can be an RMSNorm with the rewritten weights. */
  readonly isRms: boolean;
  readonly centering: NormRecord["centering"];
  readonly because: readonly string[];
  readonly gamma: boolean;
  readonly beta: boolean;
  /** Those of gamma and beta that were folded into the products that read the norm. */
  readonly folded: readonly FoldableInCheckpoint[];
  readonly eps: number;
}

/** A tensor that is centered along an axis, counted from 0. */
export interface CenteredTensor {
  readonly tensor: string;
  readonly axis: number;
  /** The LayerScale that multiplies its rows first, and then becomes 1. */
  readonly scale?: string;
}

/** A tensor into which a gamma or a beta was folded. */
interface FoldedTensor {
  readonly tensor: string;
  readonly folded: Folded;
}

/** A tensor that has no effect any more: all its elements become `number`. */
interface EmptiedTensor {
  readonly tensor: string;
  readonly number: 0 | 1;
}

/** A new tensor, and the tensor that it is a copy of. */
interface TensorCopy {
  readonly tensor: string;
  readonly from: string;
}

export interface CheckpointSurgery {
  readonly norms: readonly CheckpointNorm[];
  readonly centered: readonly CenteredTensor[];
  readonly folded: readonly FoldedTensor[];
  readonly emptied: readonly EmptiedTensor[];
  /** The tables whose heads are untied, with the heads' new tensors: copies of the originals. */
  readonly untied: readonly { readonly table: string; readonly copies: readonly TensorCopy[] }[];
  /** Whether the rewritten program is the same function in exact arithmetic. */
  readonly exactness: "exact" | "undecided";
  readonly warnings: readonly Diagnostic[];
}

/** The program of a checkpoint: see stream-program.ts. */
export function checkpointProgram(checkpoint: Checkpoint, rewriting?: Rewriting, folder?: string): StreamProgram {
  const program = new StreamProgram(checkpoint, rewriting, folder);
  templateOf(checkpoint.config)(program, checkpoint.config);
  return program;
}

interface CheckpointSurgeryOptions {
  /**
   * Whether tied heads stay tied: then their tables are not centered, and norms that need this stay LayerNorms. Otherwise
   * the head gets a copy of the original table.
   */
  readonly keepTied?: boolean;
  /** What is folded into the products that read a norm; nothing by default. */
  readonly fold?: readonly FoldableInCheckpoint[];
}

/** Throws E0792 and E0793. */
export function checkpointSurgery(
  checkpoint: Checkpoint,
  { keepTied = false, fold = [] }: CheckpointSurgeryOptions = {},
): CheckpointSurgery {
  const fixed = new Set(keepTied ? checkpointProgram(checkpoint).heads.keys() : []);
  const hasReaders = fold.length > 0;
  const program = checkpointProgram(checkpoint, { centered: new Set(), rms: new Set(), fixed, hasReaders });
  const { module } = program;
  const names = module.fns.map(({ name }) => name);
  const { records, module: after } = centeredWithoutCenters(module);
  const read = readConstants(after);
  const made = after.consts.filter(({ name, data }) => data.kind === "computed" && read.has(name));
  const centered = new Set(made.map((constant) => program.tensors.get(sourceOf(constant.name, after)) as string));
  const uses = records.map((record, i): CheckpointNorm => {
    const { norm, centering, gamma, beta, eps } = record;
    const isRms = isFree(centering) || norm === "rmsnorm";
    const because = reasonsOf(record).map((reason) => program.inModel(reason));
    return {
      ...{ module: program.norms[i] as string, norm: norm as CheckpointNorm["norm"], isRms },
      ...{ centering: centering === "moved" ? "kept" : centering, because, gamma, beta, folded: [], eps },
    };
  });
  const centeredNorms = byModule(uses);
  const rms = new Set(centeredNorms.filter(({ isRms }) => isRms).map((one) => one.module));
  const { folded, emptied } = hasReaders
    ? foldedIntoReaders((parameters) => {
        const asked = { centered, rms, hasReaders, fixed: new Set([...fixed, ...parameters]) };
        return checkpointProgram(checkpoint, asked);
      }, new Set(fold))
    : nothingFolded;
  const norms = centeredNorms.map((norm): CheckpointNorm => {
    const parts = { gamma: `${norm.module}.weight`, beta: `${norm.module}.bias` };
    return { ...norm, folded: foldableInCheckpoints.filter((part) => emptied.has(parts[part])) };
  });
  const now = checkpointProgram(checkpoint, { centered, rms, fixed, hasReaders, folded, emptied });
  const scales = new Set([...centered].flatMap((tensor) => program.scales.get(tensor) ?? []));
  const untied = [...program.heads]
    .filter(([table]) => centered.has(table))
    .map(([table, own]) => ({ table, copies: copiesOf(own, checkpoint) }));
  return {
    norms,
    centered: [...centered].map((tensor) => {
      const scale = program.scales.get(tensor);
      return { tensor, axis: program.axes.get(tensor) as number, ...(scale !== undefined && { scale }) };
    }),
    folded: [...folded].map(([tensor, folded]) => ({ tensor, folded })),
    emptied: [
      ...[...emptied].map((tensor): EmptiedTensor => ({ tensor, number: now.emptyOf(tensor) })),
      ...[...scales].map((tensor): EmptiedTensor => ({ tensor, number: 1 })),
    ],
    untied,
    exactness: exactnessOf(module, now.module),
    warnings: norms.length === 0 ? [normWarnings.noNorm(names, "program")] : [],
  };
}

/** A module that is used several times can only be an RMSNorm if it can in all its uses. */
function byModule(uses: readonly CheckpointNorm[]): CheckpointNorm[] {
  const found = new Map<string, CheckpointNorm>();
  for (const use of uses) if (!found.has(use.module) || !use.isRms) found.set(use.module, use);
  return [...found.values()];
}

/** Copies for an untied head; a checkpoint without a head lacks its bias. */
const copiesOf = (own: Readonly<Record<string, string>>, { tensors }: Checkpoint): TensorCopy[] =>
  Object.entries(own).flatMap(([tensor, from]) => (tensors.has(from) ? [{ tensor, from }] : []));

function reasonsOf({ centering, because, movedTo }: NormRecord): readonly string[] {
  if (centering !== "moved") return because;
  return [`its stream would have to be centered at its beginning, ${movedTo.join(", ")}, in the model's code`];
}

const isFree = (centering: NormRecord["centering"]) => centering === "proved" || centering === "folded";

/** Runs the passes without the norms that would keep a centering; these have the records of the first run. */
function centeredWithoutCenters(module: Module): { records: readonly NormRecord[]; module: Module } {
  const kept = new Map<number, NormRecord>();
  for (;;) {
    const passes = [
      { pass: layernormToRmsnorm, options: { keep: numbersText([...kept.keys()]) } },
      { pass: eliminateCentering, options: { mode: "exact", fold: true } },
    ];
    const result = new PassManager(passes, { verify: false }).run(module);
    const records = normRecords(result.history);
    const isDone = ({ norm, centering }: NormRecord, i: number) =>
      norm !== "layernorm" || kept.has(i) || isFree(centering);
    if (records.every(isDone)) {
      return { records: records.map((record, i) => kept.get(i) ?? record), module: result.module };
    }
    for (const [i, record] of records.entries()) if (!isDone(record, i)) kept.set(i, record);
  }
}

/** The loaded constant that another one is computed from. */
function sourceOf(name: string, module: Module): string {
  const data = module.consts.find((constant) => constant.name === name)?.data;
  return data?.kind === "computed" ? sourceOf(data.operands[0] as string, module) : name;
}

/**
 * Verifies the program of the rewritten checkpoint, not the result of the passes. A difference is a bug of this file, not
 * an error of the user.
 */
function exactnessOf(before: Module, after: Module): "exact" | "undecided" {
  const { functions } = equivalent(before, after, { runs: 2 });
  const different = functions.find(({ verdict }) => verdict === "different");
  if (different !== undefined) throw new Error(`centering the weights of ${different.fn} changes what it computes`);
  return functions.every(({ verdict }) => verdict === "equal") ? "exact" : "undecided";
}
