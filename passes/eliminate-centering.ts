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
import type { Op, Value } from "../src/ir/ir.ts";
import { attribute } from "../src/ir/ops/def.ts";
import { definePass, type PassContext } from "../src/pass/define-pass.ts";
import type { CenterOutcome, Fact } from "../src/pass/facts.ts";
import { Centering, explain, type Verdict } from "./centering.ts";
import { type Moves, planMoves, zeroClaims } from "./move-centering.ts";
import { rewriteCentering } from "./rewrite-centering.ts";
import { nameOf } from "./statistics.ts";

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
    const verdicts = new Map(centers.map((op) => [op, centering.meanIsZero(op.operand(0), axesOf(op))]));
    const unproved = centers.filter((op) => verdicts.get(op)?.proved === false);
    const plan = (fold: boolean) => planMoves(fn, unproved, centering, { fold });
    const moves = plan(context.options.fold);
    const foldable = context.options.fold ? moves : plan(true);
    const resolved = centers.map((op) => {
      return { op, ...report(op, verdicts.get(op) as Verdict, moves, foldable, context) };
    });
    const { centerOf, ...rewritten } = rewriteCentering(fn, {
      moves,
      replaced: new Set(centers),
      lossy: context.options.mode === "lossy",
      center: (name, axes) =>
        context.computed({ op: "center", operands: [name], attributes: { axes } }, `${name}_centered`),
    });
    const facts = resolved.map(({ op, outcome, because, centered }): Fact => {
      const centers = centered.flatMap(({ value, axes }) => centerOf(value, axes) ?? []);
      return { kind: "center resolved", center: op.result, outcome, because, centers };
    });
    return { ...rewritten, facts };
  },
});

const axesOf = (op: Op) => attribute.axes(op.attributes);

/** Where the centering of a value went: constants and values that are centered instead. */
interface Trace {
  readonly constants: readonly Value[];
  readonly centered: readonly Centered[];
}

interface Centered {
  readonly value: Value;
  readonly axes: readonly number[];
}

/** What became of a centering. */
interface Resolved {
  readonly outcome: CenterOutcome;
  readonly because: readonly string[];
  /** What is centered for it now. */
  readonly centered: readonly Centered[];
}

function traceOf(value: Value, axes: readonly number[], moves: Moves): Trace {
  const constants = new Set<Value>();
  const centered = new Map<Value, Map<string, Centered>>();
  const seen = new Set<Value>();
  const open = [{ value, axes }];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const form = moves.form(at.value, at.axes);
    if (form?.kind === "constant") constants.add(at.value);
    if (form?.kind === "converted") {
      const ofValue = centered.get(at.value) ?? new Map<string, Centered>();
      centered.set(at.value, ofValue.set(String(form.axes), { value: at.value, axes: form.axes }));
    }
    if (form?.kind !== "inPlace" || seen.has(at.value)) continue;
    seen.add(at.value);
    const { def } = at.value;
    for (const claim of zeroClaims(moves.inPlace(at.value) as NonNullable<ReturnType<Moves["inPlace"]>>)) {
      open.push({ value: (def as Op).operand(claim.operand), axes: claim.axes });
    }
  }
  return { constants: [...constants], centered: [...centered.values()].flatMap((ofValue) => [...ofValue.values()]) };
}

function report(op: Op, verdict: Verdict, moves: Moves, foldable: Moves, context: PassContext<Options>): Resolved {
  const x = op.operand(0);
  const name = nameOf(x);
  const say = (
    outcome: CenterOutcome,
    counted: string,
    said: Diagnostic,
    centers: readonly Centered[] = [],
  ): Resolved => {
    context.remark(said);
    context.count(counted);
    return { outcome, because: said.notes, centered: centers };
  };
  if (verdict.proved) {
    return say("proved", "centerings removed", remarks.centeringProved(op.span, name, explain(verdict)));
  }
  const isLossy = context.options.mode === "lossy";
  const { constants, centered } = traceOf(x, axesOf(op), moves);
  const names = constants.map(nameOf);
  const [here] = centered;
  if (here !== undefined && isLossy) {
    const dropped = remarks.centeringDropped(op.span, name, verdict.miss);
    return say("lossy", "centerings dropped without a proof", dropped);
  }
  if (here === undefined && names.length === 0) {
    return say("proved", "centerings removed", remarks.centeringProved(op.span, name, [onlyShifted]));
  }
  if (here === undefined) {
    return say("folded", "centerings moved into constants", remarks.centeringFolded(op.span, name, names));
  }
  if (here.value !== x) {
    const to = centered.map(({ value }) => value);
    return say("moved", "centerings moved", remarks.centeringMoved(op.span, name, to, names), centered);
  }
  const blocked = moves.whyNot(x, axesOf(op));
  const why = moves.feedsStream(x) ? [beginsStream] : blocked === undefined ? [] : [`it does not move: ${blocked}`];
  const stays = remarks.centeringStays(op.span, name, helped(verdict.miss, x, op, foldable), why);
  return say("kept", "centerings kept", stays, centered);
}

const onlyShifted = "what is added to its centered rows is constant along them, and is dropped";
const beginsStream = "a stream begins here, and is centered here for all norms that read it";

/** The miss, and what `fold` would do about it. */
function helped(miss: Miss, x: Value, op: Op, foldable: Moves): Miss {
  const { constants, centered } = traceOf(x, axesOf(op), foldable);
  if (constants.length === 0 || centered.some(({ value }) => value === x)) return miss;
  return { ...miss, help: "`fold=true` (`--weights-out FILE`) lets it move into constants" };
}
