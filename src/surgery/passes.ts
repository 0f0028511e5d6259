/** The passes of the surgery: the norms of a model found, its LayerNorms written as RMSNorms, their centerings moved. */

import { withoutEqualOps } from "../../passes/cse.ts";
import { centeredRmsNorm } from "../../passes/layernorm-to-rmsnorm.ts";
import { standardizations } from "../../passes/norm-patterns.ts";
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import { rewrite } from "../ir/builder.ts";
import { type Fn, type Module, makeModule, type Op, usesOf, type Value } from "../ir/ir.ts";
import { type NormRecord, NormRecords } from "../norm-records.ts";
import type { Imported } from "../onnx/import.ts";
import type { Fact } from "../pass/facts.ts";
import { PassManager } from "../pass-manager/pass-manager.ts";
import { whyUnwritable } from "./emit.ts";

/** A norm, and the tensors of the model that are computed from it before anything else is. */
export interface FoundNorm {
  readonly op: Op;
  readonly tensors: readonly string[];
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

export interface Passed {
  readonly norms: readonly FoundNorm[];
  /** Names of values that are computed twice, and now once: the value that stays for each. */
  readonly merged: ReadonlyMap<string, string>;
  /** With LayerNorms as centered RMSNorms. */
  readonly before: Fn;
  /** With the centerings moved. */
  readonly after: Module;
  readonly remarks: readonly Diagnostic[];
}

/**
 * @param left norms that stay, by their numbers among the norms, and why.
 * @param keepsLayerNorms whether all LayerNorms stay what they are, in whatever nodes.
 */
export function runPasses(
  imported: Imported,
  mode: "exact" | "lossy",
  left: ReadonlyMap<number, Stay> = new Map(),
  keepsLayerNorms = false,
): Passed {
  // Nothing but norms is written otherwise, so that all else can be found in the model again.
  // An op that nothing needs stays as it is, and holds up no centering.
  const merged = new Map<string, string>();
  const { fn: once } = withoutEqualOps(imported.module.fns[0] as Fn, (op, same) => {
    for (const [i, { name }] of op.results.entries()) {
      const stays = same.results[i]?.name;
      if (name !== undefined && stays !== undefined) merged.set(name, stays);
    }
  });
  const raised = new PassManager("dce,raise-norms").run(makeModule([once], imported.module.consts));
  const fn = raised.module.fns[0] as Fn;
  const isNamed = (value: Value) => value.name !== undefined && imported.tensors.has(value.name);
  const roots = rootsIn(fn, isNamed);
  const following = new NormRecords(raised.module, standardizations(fn));
  const found = fn.ops.filter((op) => following.isFollowed(op));
  const whyNot = new Map(
    [...found.entries()].flatMap(([i, op]) => {
      if (op.name !== "layernorm" && op.name !== "rmsnorm") return [];
      const why = roots(op.result).flatMap((root) => whyUnwritable(root, isNamed) ?? []);
      const [first] = why.map((reason) => [`because ${reason}`]);
      return [[op, left.get(i)?.because ?? first]];
    }),
  );
  const facts: Fact[] = [];
  const { fn: before, provenance } = rewrite(fn, (op, builder, original) => {
    if (op.name !== "layernorm" || keepsLayerNorms || whyNot.get(original) !== undefined) return undefined;
    const { value, center } = centeredRmsNorm(op, builder);
    facts.push({ kind: "norm rewritten", norm: original.result, center });
    return value;
  });
  const centered = makeModule([before], raised.module.consts);
  following.afterPass({ text: "layernorm-to-rmsnorm", facts, provenance, result: centered });
  const pipeline = `eliminate-centering{mode=${mode},fold=true}`;
  const moved = new PassManager(pipeline, { instruments: [following] }).run(centered);
  const records = following.get();
  const norms = found.map((op, i): FoundNorm => {
    const record = records[i] as NormRecord;
    const tensors = roots(op.result).map(({ name }) => imported.tensors.get(name as string) as string);
    const unwritable = whyNot.get(op);
    if (keepsLayerNorms && unwritable === undefined && op.name === "layernorm") {
      return { op, tensors, record: { ...record, centering: "left", because: [stayLayerNorms] }, unwritable };
    }
    if (unwritable === undefined || op.name !== "layernorm") return { op, tensors, record, unwritable };
    const was = left.get(i)?.record;
    const centering = was?.centering ?? "left";
    return { op, tensors, record: { ...(was ?? record), centering, because: unwritable }, unwritable };
  });
  return { norms, merged, before, after: moved.module, remarks: [...raised.remarks, ...moved.remarks] };
}

const stayLayerNorms = "because --norm-op layernorm keeps LayerNorms";

/** For a value: itself if it is a tensor of the model, else those that are computed from it first. */
export function rootsIn(fn: Fn, isNamed: (value: Value) => boolean): (value: Value) => Value[] {
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
