/** Runs the passes of the surgery: they find norms, turn LayerNorms into RMSNorms, and move or remove the centerings. */

import { centerReaders, foldedIntoReaders } from "../../passes/center-readers.ts";
import { eliminateCentering } from "../../passes/eliminate-centering.ts";
import { builtins } from "../../passes/index.ts";
import { layernormToRmsnorm, normsIn } from "../../passes/layernorm-to-rmsnorm.ts";
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import { tensorsIn } from "../driver/model-tensors.ts";
import { type NormRecord, tracedNorms } from "../driver/norm-records.ts";
import { append } from "../ir/groups.ts";
import { type Fn, type Module, type Op, usesOf, type Value } from "../ir/ir.ts";
import type { Imported } from "../onnx/import.ts";
import { numbersText } from "../pass/define-pass.ts";
import type { Verification } from "../pass-manager/exact-check.ts";
import type { History } from "../pass-manager/history.ts";
import { PassManager, type PassResult } from "../pass-manager/pass-manager.ts";
import { whyUnwritable } from "./emit.ts";

/** A norm, and the first tensors of the model that are computed from it. */
export interface FoundNorm {
  readonly op: Op;
  readonly tensors: readonly string[];
  /** The tensors that are its operands; undefined for an operand that is omitted or not a tensor of the model. */
  readonly takes: readonly (string | undefined)[];
  readonly record: NormRecord;
  /** Why it stays a LayerNorm, if no node can express the rewritten norm. */
  readonly unwritable: readonly string[] | undefined;
}

/** Why a norm stays as it is. */
export interface Stay {
  readonly because: readonly string[];
  /** The record to report, with the centering that a rewrite would have led to. */
  readonly record?: NormRecord;
}

/** A model whose norms are ops, whatever form they had. */
export interface Raised extends Pick<PassResult, "history" | "module" | "remarks" | "assumed"> {
  readonly fn: Fn;
  /** The tensors of the model that hold values of `fn`. */
  readonly tensors: ReadonlyMap<Value, string>;
  /** For each tensor in `tensors`, its duplicates, which common subexpression elimination merged with it. */
  readonly merged: ReadonlyMap<string, readonly string[]>;
  /** The value itself if it is a tensor, otherwise the first tensors that are computed from it. */
  readonly roots: (value: Value) => Value[];
}

/** How norms are found; only what will be written needs verification. */
interface Raising {
  readonly passes: string;
  readonly verify: Verification;
}

/** Finds the norms. All other live ops stay as they are, so that they still correspond to nodes of the model. */
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
    if (stays !== undefined && stays !== tensor) append(merged, stays, tensor);
  }
  return { ...raised, fn, tensors, merged, roots: rootsIn(fn, (value) => tensors.has(value)) };
}

export interface Passed {
  readonly norms: readonly FoundNorm[];
  /** The result of the passes. */
  readonly module: Module;
  /** The history since the import. */
  readonly history: History;
  readonly remarks: readonly Diagnostic[];
  /** Whether every pass was verified in exact arithmetic. */
  readonly isCompared: boolean;
  /** The number of centerings that were folded into the products that read them. */
  readonly foldedCenters: number;
  /** What that verification assumes. */
  readonly assumed: readonly string[];
}

interface PassOptions {
  readonly mode: "exact" | "lossy";
  /** The norms that stay, by index, and why. */
  readonly staying: ReadonlyMap<number, Stay>;
  /** Whether all LayerNorms stay LayerNorms. */
  readonly keepsLayerNorms: boolean;
  /** Whether centerings are folded into the products that read them. */
  readonly foldsCenters: boolean;
}

export function runPasses(raised: Raised, { mode, staying, keepsLayerNorms, foldsCenters }: PassOptions): Passed {
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

/** Why no node can express the rewritten norm; undefined if one can. */
function whyNotWritten({ result }: Op, { roots, tensors }: Raised): string[] | undefined {
  const isNamed = (value: Value) => tensors.has(value);
  const [reason] = roots(result).flatMap((root) => whyUnwritable(root, isNamed) ?? []);
  return reason === undefined ? undefined : [`because ${reason}`];
}

/** See `Raised.roots`. */
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
