/**
 * Removes centerings of rows whose mean is proved to be zero already, and moves others where they cost less.
 *
 *   let d = center(x, axes = [-1])
 *   let n = rmsnorm(d, axes = [-1])
 *   let y = center(n, axes = [-1])
 *   ->
 *   let d = center(x, axes = [-1])
 *   let y = rmsnorm(d, axes = [-1])
 *
 * - proved (centering.ts): the centering is dropped.
 * - moved (move-centering.ts): the values that add up to the rows are centered instead: constants, once (with
 * `fold`), or a residual stream where it begins.
 * - trained: parameters that are `@trained` weights are centered in the graph, once for all rows: P(W h + b) = (P W) h + P b.
 * The optimizer then sees the original weights, so training stays exact.
 * - kept: a remark states the condition that failed. `mode=lossy` removes these too, which changes the function, with a
 * warning for each.
 */

import type { Miss } from "../src/diagnostics/areas/rewrites.ts";
import type { Fn, Op, Value } from "../src/ir/ir.ts";
import { attribute } from "../src/ir/ops/attributes.ts";
import { definePass, type PassContext } from "../src/pass/define-pass.ts";
import type { CenterResolved, Kept, MovedTo } from "../src/pass/facts.ts";
import { mostLookedFor } from "../src/pass/print-facts.ts";
import type { Proof } from "../src/pass/proof.ts";
import { centeredConstant } from "./centered-constant.ts";
import { assumptionOf, assumptionsOf, Centering, type Verdict } from "./centering.ts";
import { type Moves, planMoves } from "./move-centering.ts";
import { rewriteCentering } from "./rewrite-centering.ts";
import type { Rows } from "./rows.ts";
import { Traces } from "./trace-centering.ts";

interface Options {
  readonly mode: "exact" | "lossy" | "off";
  readonly fold: boolean;
}

export const eliminateCentering = definePass({
  name: "eliminate-centering",
  summary: "Removes centerings of rows whose mean is proved to be zero already, and moves others where they cost less.",
  example: [
    "let d = center(x, axes = [-1])",
    "let n = rmsnorm(d, axes = [-1])",
    "let y = center(n, axes = [-1])",
    "->",
    "let d = center(x, axes = [-1])",
    "let y = rmsnorm(d, axes = [-1])",
  ].join("\n"),
  options: {
    mode: {
      type: "choice",
      choices: ["exact", "lossy", "off"],
      default: "exact",
      summary: "Which centerings to remove. exact: where the function stays the same; lossy: all; off: none.",
    },
    fold: {
      type: "boolean",
      default: false,
      summary: "Whether centerings may move into constants, which become new constants computed from the old ones.",
    },
  },
  run(fn, context) {
    const centers = fn.ops.filter((op) => op.name === "center");
    const { mode, fold } = context.options;
    if (mode === "off") return { fn, facts: centers.map(untouched) };
    const centering = new Centering(context.consts);
    const verdicts = new Map(centers.map((op) => [op, centering.meanIsZero(op.operand(0), rowsOf(op))]));
    const unproved = centers.filter((op) => verdicts.get(op)?.proved === false);
    const plan = (fold: boolean) => planMoves(fn, unproved, centering, { fold });
    const moves = plan(fold);
    const traces = new Traces(moves);
    const hasConstants = fn.ops.some((op) => op.name === "global");
    const foldable = fold || !hasConstants ? moves : plan(true);
    const most = mostLookedFor(centers.length);
    const resolver = { moves, traces, foldable, foldableTraces: new Traces(foldable), isLossy: mode === "lossy", most };
    const resolutions = centers.map((op) => resolve(op, verdicts.get(op) as Verdict, resolver));
    const { centerOf, centeredRows, ...rewritten } = rewriteCentering(fn, {
      moves,
      replaced: new Set(centers),
      lossy: mode === "lossy",
      center: (name, rows) => centeredConstant(name, rows, context),
    });
    const isLossy = resolutions.some(({ outcome }) => outcome === "lossy");
    assumed(fn, [...verdicts.values()], moves, isLossy, context);
    const resolved = centers.map((op, i): CenterResolved => {
      const resolution = resolutions[i] as Resolution;
      context.count(counted(resolution));
      const isCentered = resolution.outcome === "kept" || resolution.outcome === "moved";
      const left = isCentered ? remaining(op, traces, centerOf) : () => [];
      return { kind: "center resolved", center: op.result, ...resolution, centers: left };
    });
    return { ...rewritten, facts: [...resolved, ...centeredRows] };
  },
});

/** Computes the `center`s that remain of one, of which there may be many. Facts live long, so it refers to no more than it needs. */
function remaining(op: Op, traces: Traces, centerOf: (value: Value, axes: readonly number[]) => Value | undefined) {
  return () => traces.of(op.operand(0), rowsOf(op)).centered.flatMap(({ value, axes }) => centerOf(value, axes) ?? []);
}

/** The facts about casts that are assumed not to round, and rows that are assumed to be centered. */
function assumed(
  fn: Fn,
  verdicts: readonly Verdict[],
  moves: Moves,
  isLossy: boolean,
  context: PassContext<Options>,
): void {
  const proofs = assumptionsOf(verdicts.filter((verdict) => verdict.proved));
  const moved = fn.ops.flatMap(({ results: [value] }) => {
    const way = value && moves.inPlace(value)?.way;
    return (way && assumptionOf(value, way)) ?? [];
  });
  const equations = new Map([...proofs, ...moved].map((one) => [one.value, one]));
  for (const one of equations.values()) context.assume(one);
  if (isLossy) context.assume({ because: "rows are assumed to be centered that may not be (mode=lossy)" });
}

const rowsOf = (op: Op): Rows => ({ axes: attribute.axes(op.attributes) });

const untouched = ({ result }: Op): CenterResolved => {
  return {
    kind: "center resolved",
    center: result,
    outcome: "kept",
    kept: { beginsStream: false },
    centers: () => [result],
  };
};

interface Resolver {
  readonly moves: Moves;
  readonly traces: Traces;
  /** The plan of moves if centerings could move into constants. */
  readonly foldable: Moves;
  readonly foldableTraces: Traces;
  readonly isLossy: boolean;
  /** The number of values that are visited to tell where a centering went. */
  readonly most: number;
}

/** The outcome of a centering, and the reason. */
type Resolution =
  | { readonly outcome: "proved"; readonly proof: Proof }
  | { readonly outcome: "folded" | "moved"; readonly to: MovedTo }
  | { readonly outcome: "kept"; readonly kept: Kept }
  | { readonly outcome: "lossy"; readonly miss: Miss };

function resolve(op: Op, verdict: Verdict, resolver: Resolver): Resolution {
  const { moves, traces, isLossy, most } = resolver;
  const x = op.operand(0);
  const rows = rowsOf(op);
  if (verdict.proved) return { outcome: "proved", proof: verdict };
  const { constants, centered } = traces.kindsOf(x, rows);
  if (centered && isLossy) return { outcome: "lossy", miss: verdict.miss };
  if (!centered && !constants) return { outcome: "proved", proof: { because: onlyShifted, from: [] } };
  if (moves.form(x, rows)?.kind === "converted") {
    const blocked = moves.whyNot(x, rows);
    const beginsStream = moves.feedsStream(x);
    const miss = helped(verdict.miss, x, rows, resolver);
    return { outcome: "kept", kept: { miss, beginsStream, ...(blocked !== undefined && { blocked }) } };
  }
  const trace = traces.of(x, rows, most);
  const to = { constants: trace.constants, values: trace.centered.map(({ value }) => value), isCut: trace.isCut };
  return { outcome: centered ? "moved" : "folded", to };
}

const onlyShifted = "the term added to its centered rows is constant along them, and is dropped";

/** The statistic that counts a centering. */
function counted({ outcome }: Resolution): string {
  const statistics = {
    proved: "centerings removed",
    folded: "centerings moved into constants",
    moved: "centerings moved",
    kept: "centerings kept",
    lossy: "centerings dropped without a proof",
  } as const;
  return statistics[outcome];
}

/** The miss, and how `fold` would avoid it. */
function helped(miss: Miss, x: Value, rows: Rows, { foldable, foldableTraces }: Resolver): Miss {
  if (!foldableTraces.kindsOf(x, rows).constants || foldable.form(x, rows)?.kind === "converted") return miss;
  return { ...miss, help: "`fold=true` (`--weights-out FILE`) lets it move into constants" };
}
