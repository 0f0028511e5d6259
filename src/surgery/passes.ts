/** The passes of the surgery: the norms of a model found, its LayerNorms written as RMSNorms, their centerings moved. */

import { centerReaders, foldedIntoReaders } from "../../passes/center-readers.ts";
import { eliminateCentering } from "../../passes/eliminate-centering.ts";
import { builtins } from "../../passes/index.ts";
import { layernormToRmsnorm, normsIn } from "../../passes/layernorm-to-rmsnorm.ts";
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import { tensorsIn } from "../driver/model-tensors.ts";
import { type NormRecord, tracedNorms } from "../driver/norm-records.ts";
import { type Fn, type Module, type Op, usesOf, type Value } from "../ir/ir.ts";
import type { Imported } from "../onnx/import.ts";
import { numbersText } from "../pass/define-pass.ts";
import type { Verification } from "../pass-manager/exact-check.ts";
import type { History } from "../pass-manager/history.ts";
import { PassManager, type PassResult } from "../pass-manager/pass-manager.ts";
import { whyUnwritable } from "./emit.ts";

/** A norm, and the tensors of the model that are computed from it before anything else is. */
export interface FoundNorm {
  readonly op: Op;
  readonly tensors: readonly string[];
  /** Those that it takes; nothing for an operand that is none, or is left out. */
  readonly takes: readonly (string | undefined)[];
  readonly record: NormRecord;
  /** Why it stays a LayerNorm, where no node could say what it would be. */
  readonly unwritable: readonly string[] | undefined;
}

/** Why a norm stays what it is. */
export interface Stay {
  readonly because: readonly string[];
  /** What became of its centering otherwise, where it keeps it. */
  readonly record?: NormRecord;
}

/** A model in which the norms are ops, whatever they were written in. */
export interface Raised extends Pick<PassResult, "history" | "module" | "remarks" | "assumed"> {
  readonly fn: Fn;
  /** The tensors of the model that its values are. */
  readonly tensors: ReadonlyMap<Value, string>;
  /** For a tensor that a value is, those that are computed a second time, and are that value too. */
  readonly merged: ReadonlyMap<string, readonly string[]>;
  /** For a value the nearest that are tensors: itself, or what is computed from it. */
  readonly roots: (value: Value) => Value[];
}

/** How norms are found: what nobody writes need not be compared with what it was. */
interface Raising {
  readonly passes: string;
  readonly verify: Verification;
}

/** Finds the norms. All else stays as it is, so that it can be found in the model again; an op that nothing needs goes. */
export function raise(
  imported: Imported,
  { passes, verify }: Raising = { passes: "cse,dce,raise-norms", verify: "exact" },
): Raised {
  const raised = new PassManager(passes, { builtins, verify }).run(imported.module);
  const fn = raised.module.fns[0] as Fn;
  const tensors = tensorsIn(fn, imported, raised.history);
  const merged = new Map<string, string[]>();
  for (const [value, tensor] of imported.tensors) {
    const [now] = raised.history.trace(value).values;
    const stays = now && tensors.get(now);
    if (stays === undefined || stays === tensor) continue;
    const others = merged.get(stays);
    if (others === undefined) merged.set(stays, [tensor]);
    else others.push(tensor);
  }
  return { ...raised, fn, tensors, merged, roots: rootsIn(fn, (value) => tensors.has(value)) };
}

export interface Passed {
  readonly norms: readonly FoundNorm[];
  /** With the centerings moved. */
  readonly module: Module;
  /** From the model on. */
  readonly history: History;
  readonly remarks: readonly Diagnostic[];
  /** Whether each pass was compared with what it was given, in exact arithmetic, and computes the same. */
  readonly isCompared: boolean;
  /** How many centerings went into the products that read them. */
  readonly foldedCenters: number;
  /** But for what they took for granted. */
  readonly assumed: readonly string[];
}

/** What is asked of the passes. */
interface Wishes {
  readonly mode: "exact" | "lossy";
  /** Norms that stay, by their numbers among the norms, and why. */
  readonly staying: ReadonlyMap<number, Stay>;
  /** Whether all LayerNorms stay what they are, in whatever nodes. */
  readonly keepsLayerNorms: boolean;
  /** Whether centerings go into the products that read them. */
  readonly foldsCenters: boolean;
}

export function runPasses(raised: Raised, { mode, staying, keepsLayerNorms, foldsCenters }: Wishes): Passed {
  const whyNot = normsIn(raised.fn).map((norm, number) => {
    const isNode = norm.name === "layernorm" || norm.name === "rmsnorm";
    return isNode ? (staying.get(number)?.because ?? whyNotWritten(norm, raised)) : undefined;
  });
  const kept = new Set([...whyNot.keys()].filter((number) => keepsLayerNorms || whyNot[number] !== undefined));
  const passes = [
    { pass: layernormToRmsnorm, options: { keep: numbersText(kept) } },
    { pass: eliminateCentering, options: { mode, fold: true } },
    ...(foldsCenters ? [{ pass: centerReaders }] : []),
  ];
  const manager = new PassManager(passes, { builtins, verify: "exact" });
  const { module, history, remarks, assumed, statistics } = manager.run(raised.module);
  const norms = tracedNorms(history).map(({ fact, record }, number): FoundNorm => {
    const op = fact.norm.def as Op;
    const unwritable = whyNot[number];
    const because = op.name === "layernorm" && kept.has(number) ? (unwritable ?? [layerNormsStay]) : record.because;
    return {
      op,
      tensors: raised.roots(op.result).map((root) => raised.tensors.get(root) as string),
      takes: op.operands.map((operand) => operand && raised.tensors.get(operand)),
      record: { ...(op.name === "layernorm" ? (staying.get(number)?.record ?? record) : record), because },
      unwritable,
    };
  });
  const said = [...raised.remarks, ...remarks];
  return {
    ...{ norms, module, history: raised.history.followedBy(history), remarks: said },
    foldedCenters: statistics[centerReaders.name]?.[foldedIntoReaders] ?? 0,
    isCompared: said.every(({ code }) => code !== "R0302"),
    assumed: [...raised.assumed, ...assumed].map(({ because }) => because),
  };
}

const layerNormsStay = "because --norm-op layernorm keeps LayerNorms";

/** Why no node says what a norm would be, if none does. */
function whyNotWritten({ result }: Op, { roots, tensors }: Raised): string[] | undefined {
  const isNamed = (value: Value) => tensors.has(value);
  const [reason] = roots(result).flatMap((root) => whyUnwritable(root, isNamed) ?? []);
  return reason === undefined ? undefined : [`because ${reason}`];
}

/** For a value: itself if it is a tensor of the model, else those that are computed from it first. */
function rootsIn(fn: Fn, isNamed: (value: Value) => boolean): (value: Value) => Value[] {
  const uses = usesOf(fn);
  return (value) => {
    const found = new Set<Value>();
    const open = [value];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (isNamed(at)) found.add(at);
      else open.push(...uses(at).ops.flatMap((op) => op.results));
    }
    return [...found];
  };
}
