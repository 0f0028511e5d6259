/**
 * The exact equivalent of model surgery for a module: every LayerNorm becomes an RMSNorm, with what is
 * left of its centering, and a record of what happened to each.
 */

import { builtins } from "../../passes/index.ts";
import * as normWarnings from "../diagnostics/areas/norms.ts";
import { aBoolean, checkOptions, oneOf } from "../diagnostics/arguments.ts";
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import { checkModule } from "../ir/arguments.ts";
import type { Module } from "../ir/ir.ts";
import { PassManager } from "../pass-manager/pass-manager.ts";
import { parsePipeline, printPipeline, withoutPasses, withPassOptions } from "../pass-manager/pipeline.ts";
import { type NormRecord, normRecords } from "./norm-records.ts";

/** What to do with centerings: drop those that are proved to have no effect (`exact`), drop all (`lossy`), or keep all (`off`). */
export type CenteringMode = "exact" | "lossy" | "off";

/** The module with RMSNorms, and the outcome for each norm. */
export interface FusedRmsNormResult {
  readonly module: Module;
  /** The number of LayerNorms that became RMSNorms. */
  readonly count: number;
  readonly norms: readonly NormRecord[];
  /** The remarks of the passes; R0601 if there is no norm. */
  readonly remarks: readonly Diagnostic[];
}

/** Options of `applyFusedRmsNorm`. */
export interface FusedRmsNormOptions {
  /** What to do with centerings: see the pass `eliminate-centering`. */
  readonly mode?: CenteringMode;
  /**
   * Whether centerings may move into constants. The module then has new constants, each the `center` of another, which
   * `materialize` computes. `true` by default.
   */
  readonly fold?: boolean;
}

/**
 * Rewrites the LayerNorms of a module, including those written in primitive ops, as RMSNorms. gamma, beta and eps
 * stay. In `exact` mode (the default) the module computes the same function.
 * @throws TircError E04xx if `module` is not well formed.
 */
export function applyFusedRmsNorm(module: Module, options: FusedRmsNormOptions = {}): FusedRmsNormResult {
  checkModule("applyFusedRmsNorm", module);
  checkOptions("applyFusedRmsNorm", options, { mode: oneOf("exact", "lossy", "off"), fold: aBoolean });
  const { mode = "exact", fold = true } = options;
  // No kernels are formed, and eps stays.
  const kernels = ["simplify-norms", "nest-reductions", "fuse-elementwise"];
  const steps = withoutPasses(parsePipeline("default", builtins), kernels);
  const pipeline = printPipeline(withPassOptions(steps, "eliminate-centering", { mode, fold }));
  const { module: rewritten, history, remarks } = new PassManager(pipeline, { builtins }).run(module);
  const norms = normRecords(history);
  const names = module.fns.map((fn) => fn.name);
  const warning = norms.length === 0 ? [normWarnings.noNorm(names, "program")] : [];
  return {
    module: rewritten,
    count: norms.filter(({ norm }) => norm === "layernorm").length,
    norms,
    remarks: [...remarks, ...warning],
  };
}
