/**
 * Drops a centering of rows whose mean is zero already, and moves the others where they cost less.
 *
 *   let d = center(x, axes = [-1])
 *   let n = rmsnorm(d, axes = [-1])
 *   let y = center(n, axes = [-1])
 *   ->
 *   let d = center(x, axes = [-1])
 *   let y = rmsnorm(d, axes = [-1])
 *
 * - proved (centering.ts): the centering is dropped.
 * - moved (move-centering.ts): what the rows are the sum of is centered instead: constants once and for all (with
 *   `fold`), a stream of residuals where it begins.
 * - kept: a remark has the condition that failed. `mode=lossy` drops these too, which changes the function: a warning
 *   for each.
 */

import type { Diagnostic } from "../src/diagnostics/diagnostic.ts";
import { type Miss, remarks } from "../src/diagnostics/remarks.ts";
import type { Fn, Op, Value } from "../src/ir/ir.ts";
import { attribute } from "../src/ir/ops/def.ts";
import { definePass, type PassContext } from "../src/pass/define-pass.ts";
import type { CenterOutcome, CenterResolved, Fact } from "../src/pass/facts.ts";
import { centeredConstant } from "./centered-constant.ts";
import { assumptionOf, assumptionsOf, Centering, explain, type Verdict } from "./centering.ts";
import { type Moves, planMoves } from "./move-centering.ts";
import { quoted } from "./naming.ts";
import { rewriteCentering } from "./rewrite-centering.ts";
import type { Rows } from "./rows.ts";
import { Traces } from "./trace-centering.ts";

interface Options {
  readonly mode: "exact" | "lossy" | "off";
  readonly fold: boolean;
}

export const eliminateCentering = definePass({
  name: "eliminate-centering",
  summary: "Drops a centering of rows whose mean is proved to be zero already, and moves others where they cost less.",
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
      summary: "exact: only what keeps the function; lossy: drop every centering that is left; off: none.",
    },
    fold: {
      type: "boolean",
      default: false,
      summary: "Whether centerings may move into constants, as new constants that are computed from the old.",
    },
  },
  run(fn, context) {
    if (context.options.mode === "off") return fn;
    const centering = new Centering(context.consts);
    const centers = fn.ops.filter((op) => op.name === "center");
    const verdicts = new Map(centers.map((op) => [op, centering.meanIsZero(op.operand(0), rowsOf(op))]));
    const unproved = centers.filter((op) => verdicts.get(op)?.proved === false);
    const plan = (fold: boolean) => planMoves(fn, unproved, centering, { fold });
    const moves = plan(context.options.fold);
    const traces = new Traces(moves);
    const hasConstants = fn.ops.some((op) => op.name === "global");
    const foldable = context.options.fold || !hasConstants ? moves : plan(true);
    const most = Math.max(leastLooked, Math.floor(mostLooked / centers.length));
    const reporter = { moves, traces, foldable, foldableTraces: new Traces(foldable), context, most };
    const resolved = centers.map((op) => ({ op, said: report(op, verdicts.get(op) as Verdict, reporter) }));
    const { centerOf, ...rewritten } = rewriteCentering(fn, {
      moves,
      replaced: new Set(centers),
      lossy: context.options.mode === "lossy",
      center: (name, rows) => centeredConstant(name, rows, context),
    });
    assumed(fn, [...verdicts.values()], moves, context);
    const facts = resolved.map(({ op, said }): Fact => {
      const isCentered = said.outcome === "kept" || said.outcome === "moved";
      const centers = () =>
        traces.of(op.operand(0), rowsOf(op)).centered.flatMap(({ value, axes }) => centerOf(value, axes) ?? []);
      return { kind: "center resolved", center: op.result, ...said, centers: isCentered ? centers : () => [] };
    });
    return { ...rewritten, facts };
  },
});

/** Casts that are taken not to round, and rows that are taken to be centered. */
function assumed(fn: Fn, verdicts: readonly Verdict[], moves: Moves, context: PassContext<Options>): void {
  const proofs = verdicts.flatMap((verdict) => (verdict.proved ? assumptionsOf(verdict) : []));
  const moved = fn.ops.flatMap(({ results: [value] }) => {
    const way = value && moves.inPlace(value);
    return (way && assumptionOf(value, way)) ?? [];
  });
  const equations = new Map([...proofs, ...moved].map((one) => [one.value, one]));
  for (const one of equations.values()) context.assume(one);
  if (context.options.mode === "lossy" && verdicts.some(({ proved }) => !proved)) {
    context.assume({ because: "rows are taken for centered that need not be (mode=lossy)" });
  }
}

const rowsOf = (op: Op): Rows => ({ axes: attribute.axes(op.attributes) });

/** How many values the remarks look at together, and each of them may: a stream is as long as it likes. */
const mostLooked = 2 ** 18;
const leastLooked = 16;

interface Reporter {
  readonly moves: Moves;
  readonly traces: Traces;
  /** Where centerings would go if they could move into constants. */
  readonly foldable: Moves;
  readonly foldableTraces: Traces;
  readonly context: PassContext<Options>;
  /** How many values are looked at. */
  readonly most: number;
}

type Resolved = Pick<CenterResolved, "outcome" | "because" | "constants" | "movedTo" | "beginsStream">;

function report(op: Op, verdict: Verdict, reporter: Reporter): Resolved {
  const { moves, traces, context, most } = reporter;
  const x = op.operand(0);
  const rows = rowsOf(op);
  const name = quoted(x);
  const say = (outcome: CenterOutcome, counted: string, said: Diagnostic, to: Partial<Resolved> = {}): Resolved => {
    context.remark(said);
    context.count(counted);
    return { outcome, because: said.notes, constants: [], movedTo: [], beginsStream: false, ...to };
  };
  if (verdict.proved) {
    const { lines, ...rest } = explain(verdict, most);
    return say("proved", "centerings removed", remarks.centeringProved(op.span, name, lines, rest));
  }
  const { constants, centered } = traces.kindsOf(x, rows);
  if (centered && context.options.mode === "lossy") {
    const dropped = remarks.centeringDropped(op.span, name, verdict.miss);
    return say("lossy", "centerings dropped without a proof", dropped);
  }
  if (!centered && !constants) {
    return say("proved", "centerings removed", remarks.centeringProved(op.span, name, [onlyShifted]));
  }
  if (moves.form(x, rows)?.kind === "converted") {
    const blocked = moves.whyNot(x, rows);
    const beginsStream = moves.feedsStream(x);
    const why = beginsStream ? [streamBegins] : blocked === undefined ? [] : [`it does not move: ${blocked}`];
    const stays = remarks.centeringStays(op.span, name, helped(verdict.miss, x, rows, reporter), why);
    return say("kept", "centerings kept", stays, { beginsStream });
  }
  const trace = traces.of(x, rows, most);
  const names = trace.constants.map(quoted);
  if (!centered) {
    const folded = remarks.centeringFolded(op.span, name, names, trace);
    return say("folded", "centerings moved into constants", folded, { constants: names });
  }
  const to = trace.centered.map(({ value }) => ({ name: quotedPlace(value), span: value.span }));
  const moved = remarks.centeringMoved(op.span, name, to, names, trace);
  return say("moved", "centerings moved", moved, { constants: names, movedTo: to.map((value) => value.name) });
}

/** The text of a value without a name says less than its place, which a remark shows. */
const quotedPlace = (value: Value) =>
  value.name === undefined && value.span.source.labels === undefined ? "what is computed there" : quoted(value);

const onlyShifted = "what is added to its centered rows is constant along them, and is dropped";
const streamBegins = "a stream begins here, and is centered here for all norms that read it";

/** The miss, and what `fold` would do about it. */
function helped(miss: Miss, x: Value, rows: Rows, { foldable, foldableTraces }: Reporter): Miss {
  if (!foldableTraces.kindsOf(x, rows).constants || foldable.form(x, rows)?.kind === "converted") return miss;
  return { ...miss, help: "`fold=true` (`--weights-out FILE`) lets it move into constants" };
}
