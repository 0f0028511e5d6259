/**
 * Does for a module what model surgery does for a model, but exactly: every LayerNorm becomes an RMSNorm, with what is
 * left of its centering, and a record says what happened to each.
 */

import type { Diagnostic, Span } from "./diagnostics/diagnostic.ts";
import { normWarnings } from "./diagnostics/errors-norms.ts";
import type { Module, Op } from "./ir/ir.ts";
import type { OpName } from "./ir/ops/index.ts";
import { PassManager } from "./pass-manager/pass-manager.ts";

/** What to do with centerings: keep those that nothing proves away, drop those too, or look at none. */
export type CenteringMode = "exact" | "lossy" | "off";

/**
 * - proved: the rows are centered already, so the centering is gone.
 * - folded: it moved into constants, which are centered once and for all.
 * - moved: its rows are a sum of others, of which one or more are centered instead, once for several norms.
 * - kept: nothing proves that; the centering stays, and the kernel computes it in the norm's own read of the row.
 * - lossy: dropped without a proof, because `mode` is `lossy`.
 * - none: an RMSNorm, which centers nothing.
 * - left: stays as it is: a GroupNorm, whose rows are no axes, or what a model's own ops cannot say.
 */
export type CenteringOutcome = "proved" | "folded" | "moved" | "kept" | "lossy" | "none" | "left";

/** What became of one norm and its parts. */
export interface NormRecord {
  readonly fn: string;
  /** Of what was normalized; the name of the norm's result where it has one. */
  readonly name: string | undefined;
  readonly span: Span;
  readonly norm: "layernorm" | "rmsnorm" | "groupnorm";
  readonly centering: CenteringOutcome;
  /** The steps of the proof, or the condition that failed. */
  readonly because: readonly string[];
  readonly gamma: boolean;
  readonly beta: boolean;
  readonly eps: number;
}

/** The module with RMSNorms, and what became of each norm. */
export interface FusedRmsNormResult {
  readonly module: Module;
  /** How many LayerNorms became RMSNorms. */
  readonly count: number;
  readonly norms: readonly NormRecord[];
  /** What the passes said; R0601 where there was no norm at all. */
  readonly remarks: readonly Diagnostic[];
}

/** What `applyFusedRmsNorm` may do. */
export interface FusedRmsNormOptions {
  /** What to do with centerings: see the pass `eliminate-centering`. */
  readonly mode?: CenteringMode;
  /**
   * Whether centerings may move into constants. The module then has new ones, each the `center` of another, which
   * `materialize` computes. On unless said otherwise.
   */
  readonly fold?: boolean;
}

/**
 * Finds the LayerNorms of a module, those written in primitive ops too, and writes them as RMSNorms. gamma, beta and eps
 * stay. In `exact` mode (the default) the module computes the same function.
 * @throws TircError E04xx where `module` is not well formed.
 */
export function applyFusedRmsNorm(
  module: Module,
  { mode = "exact", fold = true }: FusedRmsNormOptions = {},
): FusedRmsNormResult {
  const raised = new PassManager("raise-norms,canonicalize").run(module);
  const rewritten = new PassManager(`layernorm-to-rmsnorm,eliminate-centering{mode=${mode},fold=${fold}},cse,dce`).run(
    raised.module,
  );
  const norms = normRecords(raised.module, rewritten.remarks);
  const warning =
    norms.length === 0
      ? [
          normWarnings.noNorm(
            module.fns.map((fn) => fn.name),
            "program",
          ),
        ]
      : [];
  return {
    module: rewritten.module,
    count: norms.filter(({ norm }) => norm === "layernorm").length,
    norms,
    remarks: [...raised.remarks, ...rewritten.remarks, ...warning],
  };
}

/**
 * A record for each norm of a module, in the order in which they stand there.
 * @param remarks what `eliminate-centering` said of it.
 */
export function normRecords(raised: Module, remarks: readonly Diagnostic[]): NormRecord[] {
  const saidAt = new Map(remarks.map((remark) => [placeOf(remark.span), remark]));
  return raised.fns.flatMap((fn) =>
    fn.ops.filter(isNorm).map((op) => recordOf(fn.name, op, saidAt.get(placeOf(op.span)))),
  );
}

const placeOf = (span: Span | undefined) => (span ? `${span.source.name} ${span.start} ${span.end}` : "");

const normNames: readonly OpName[] = ["layernorm", "rmsnorm", "groupnorm"] satisfies NormRecord["norm"][];

export function isNorm(op: Op): boolean {
  return normNames.includes(op.name);
}

/** By the code of what `eliminate-centering` said of the norm's centering. */
const outcomes: Readonly<Record<string, CenteringOutcome>> = {
  ...{ R0102: "kept", R0103: "lossy", R0104: "proved", R0106: "folded", R0107: "moved" },
};

function recordOf(fn: string, op: Op, said: Diagnostic | undefined): NormRecord {
  const norm = op.name as NormRecord["norm"];
  const centering =
    norm === "rmsnorm" ? "none" : norm === "groupnorm" ? "left" : (outcomes[said?.code ?? ""] ?? "kept");
  return {
    fn,
    name: op.result.name,
    span: op.span,
    norm,
    centering,
    because: norm === "rmsnorm" ? [] : (said?.notes ?? ["mode=off"]),
    gamma: op.operands[1] !== undefined,
    beta: op.operands[2] !== undefined,
    eps: op.attributes.eps as number,
  };
}
