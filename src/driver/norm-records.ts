/** Records the outcome for each norm of a module, from the facts that passes report. */

import * as remarks from "../diagnostics/areas/rewrites.ts";
import { checkArgument, isRecord } from "../diagnostics/arguments.ts";
import type { Span } from "../diagnostics/diagnostic.ts";
import type { Op, Value } from "../ir/ir.ts";
import type { CenterOutcome, CenterResolved, NormMet, StandardizationMet } from "../pass/facts.ts";
import { centerRemark, mostLookedFor, printMoved } from "../pass/print-facts.ts";
import type { History, PassRun } from "../pass-manager/history.ts";

/**
 * For a LayerNorm, what `eliminate-centering` did with its centering: see `CenterOutcome`. For others:
 * - none: an RMSNorm, which centers nothing.
 * - left: unchanged: a GroupNorm, whose rows are not axes, or a norm that a model's own ops cannot express.
 * - unknown: a pass replaced its centering without reporting by what.
 */
export type CenteringOutcome = CenterOutcome | "none" | "left" | "unknown";

/** The outcome for a norm and its parts. */
export interface NormRecord {
  readonly fn: string;
  /** The name of the norm's result, if it has one. */
  readonly name: string | undefined;
  readonly span: Span;
  readonly norm: "layernorm" | "rmsnorm" | "groupnorm" | "standardize";
  readonly centering: CenteringOutcome;
  /** The steps of the proof, or the condition that failed. */
  readonly because: readonly string[];
  /** The constants that are centered once, and the values that are centered instead. */
  readonly constants: readonly string[];
  readonly movedTo: readonly string[];
  /** Whether its centering also serves other norms. */
  readonly beginsStream: boolean;
  readonly gamma: boolean;
  readonly beta: boolean;
  readonly eps: number;
  /** The `center`s of the resulting module that remain of it, in place or moved. Several norms may share one. */
  readonly centers: () => readonly Op[];
}

/** A norm that `layernorm-to-rmsnorm` encountered, and its record. */
interface TracedNorm {
  readonly fact: NormMet | StandardizationMet;
  /** The index of the run of that pass. */
  readonly run: number;
  readonly record: NormRecord;
}

/** A record for each norm that `layernorm-to-rmsnorm` encountered, in the order of the functions. */
export function normRecords(history: History): NormRecord[] {
  checkArgument("the first argument", "normRecords", history, {
    what: "the history of a result",
    holds: (value) => isRecord(value) && Array.isArray(value.runs),
    help: () => ["pass `optimize(module).history`, or that of `compile`"],
  });
  return tracedNorms(history).map(({ record }) => record);
}

export function tracedNorms(history: History): TracedNorm[] {
  const traced: TracedNorm[] = [];
  const resolutions = history.runs.map(resolutionsOf);
  for (const [run, { facts, given }] of history.runs.entries()) {
    const met = facts.filter((fact) => fact.kind === "norm met" || fact.kind === "standardization met");
    if (met.length === 0) continue;
    const known = stillThere(traced, history, run);
    const fnOf = new Map(given.fns.flatMap((fn) => fn.ops.map((op) => [op, fn.name] as const)));
    for (const fact of met) {
      const op = fact.norm.def as Op;
      const fn = fnOf.get(op) as string;
      if (known.has(fact.norm)) continue;
      traced.push({
        fact,
        run,
        record: { fn, ...partsOf(op, fact), ...whatBecameOf({ fact, run, history, resolutions }) },
      });
    }
  }
  return traced;
}

type Resolutions = ReadonlyMap<Value, Resolved>;

/** The outcome of a centering, and the number of values that its remark may visit. */
interface Resolved {
  readonly fact: CenterResolved;
  readonly most: number;
}

function resolutionsOf({ facts }: PassRun): Resolutions {
  const resolved = facts.filter((fact) => fact.kind === "center resolved");
  const most = mostLookedFor(resolved.length);
  return new Map(resolved.map((fact) => [fact.center, { fact, most }]));
}

/** The values before a run that replace norms of earlier runs, and the RMSNorms that those norms became. */
function stillThere(traced: readonly TracedNorm[], history: History, before: number): ReadonlySet<Value> {
  return new Set(
    traced.flatMap(({ fact, run }) => {
      const rmsnorm = fact.kind === "norm met" ? fact.rewritten?.rmsnorm : undefined;
      const now = history.trace(fact.norm, run, before).values;
      return rmsnorm === undefined ? now : [...now, ...history.trace(rmsnorm, run + 1, before).values];
    }),
  );
}

function partsOf({ name, operands, attributes, result, span }: Op, fact: TracedNorm["fact"]) {
  const own = { name: result.name, span };
  if (fact.kind === "standardization met") {
    return { ...own, norm: "standardize" as const, gamma: false, beta: false, eps: fact.eps };
  }
  const [gamma, beta] = [operands[1] !== undefined, operands[2] !== undefined];
  return { ...own, norm: name as NormRecord["norm"], gamma, beta, eps: attributes.eps as number };
}

type What = Pick<NormRecord, "centering" | "because" | "constants" | "movedTo" | "beginsStream" | "centers">;

const nowhere = { constants: [], movedTo: [], beginsStream: false, centers: () => [] };

interface Tracing extends Pick<TracedNorm, "fact" | "run"> {
  readonly history: History;
  /** The resolutions of each run. */
  readonly resolutions: readonly Resolutions[];
}

function whatBecameOf(tracing: Tracing): What {
  const { fact, run } = tracing;
  if (fact.kind === "standardization met") return ofCenter(fact.center, run, tracing);
  if (fact.rewritten !== undefined) return ofCenter(fact.rewritten.center, run + 1, tracing);
  if (fact.stays !== undefined) return { centering: "left", because: fact.stays, ...nowhere };
  const { name, span } = fact.norm.def as Op;
  if (name === "groupnorm") return { centering: "left", because: remarks.groupNormStays(span).notes, ...nowhere };
  return { centering: "none", because: [], ...nowhere };
}

/** The outcome of a `center` that existed before a run. */
function ofCenter(center: Value, from: number, tracing: Tracing): What {
  const { history, resolutions } = tracing;
  const centersOf = (values: readonly Value[], run: number) => () => {
    const now = values.flatMap((value) => history.trace(value, run).values);
    return [...new Set(now)].flatMap(({ def }) => (def?.name === "center" ? [def] : []));
  };
  let what: What | undefined;
  let values: readonly Value[] = [center];
  for (let run = from; run < history.runs.length && values.length > 0; run++) {
    const found = values.flatMap((value) => resolutions[run]?.get(value) ?? [])[0];
    if (found !== undefined) {
      const { fact } = found;
      what = { ...whatItSays(found), centers: () => centersOf(fact.centers(), run + 1)() };
      // A later run may drop a centering that was kept.
      if (fact.outcome !== "kept") return what;
      values = fact.centers();
      continue;
    }
    const traced = values.map((value) => history.trace(value, run, run + 1));
    values = [...new Set(traced.flatMap((one) => one.values))];
    if (values.length > 0 || what !== undefined) continue;
    const isLost = traced.some(({ lostIn }) => lostIn !== undefined);
    const said = isLost ? "replaced it, and did not say by what" : "dropped it, as nothing needs it";
    return { ...nowhere, centering: "unknown", because: [`\`${history.runs[run]?.text}\` ${said}`] };
  }
  const untouched = { ...nowhere, centering: "kept" as const, because: ["no pass looked at it"] };
  return what ?? { ...untouched, centers: centersOf([center], from) };
}

function whatItSays({ fact, most }: Resolved): Omit<What, "centers"> {
  const { outcome } = fact;
  const because = centerRemark(fact, most)?.notes ?? ["mode=off"];
  const moved = outcome === "folded" || outcome === "moved" ? printMoved(fact.to) : { constants: [], movedTo: [] };
  return { centering: outcome, because, ...moved, beginsStream: outcome === "kept" && fact.kept.beginsStream };
}
