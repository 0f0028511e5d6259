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

import { type Miss, remarks } from "../src/diagnostics/remarks.ts";
import type { Op, Value } from "../src/ir/ir.ts";
import { attribute } from "../src/ir/ops/def.ts";
import { definePass, type PassContext } from "../src/pass/define-pass.ts";
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
    for (const op of centers) {
      report(op, verdicts.get(op) as Verdict, moves, foldable, context);
    }
    return rewriteCentering(fn, {
      moves,
      replaced: new Set(centers),
      lossy: context.options.mode === "lossy",
      center: (name, axes) =>
        context.computed({ op: "center", operands: [name], attributes: { axes } }, `${name}_centered`),
    });
  },
});

const axesOf = (op: Op) => attribute.axes(op.attributes);

/** Where the centering of a value went: constants and values that are centered instead. */
interface Trace {
  readonly constants: readonly Value[];
  readonly centered: readonly Value[];
}

function traceOf(value: Value, axes: readonly number[], moves: Moves): Trace {
  const constants = new Set<Value>();
  const centered = new Set<Value>();
  const seen = new Set<Value>();
  const open = [{ value, axes }];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const form = moves.form(at.value, at.axes)?.kind;
    if (form === "constant") constants.add(at.value);
    if (form === "converted") centered.add(at.value);
    if (form !== "inPlace" || seen.has(at.value)) continue;
    seen.add(at.value);
    const { def } = at.value;
    for (const claim of zeroClaims(moves.inPlace(at.value) as NonNullable<ReturnType<Moves["inPlace"]>>)) {
      open.push({ value: (def as Op).operand(claim.operand), axes: claim.axes });
    }
  }
  return { constants: [...constants], centered: [...centered] };
}

function report(op: Op, verdict: Verdict, moves: Moves, foldable: Moves, context: PassContext<Options>): void {
  const x = op.operand(0);
  const name = nameOf(x);
  if (verdict.proved) {
    context.remark(remarks.centeringProved(op.span, name, explain(verdict)));
    context.count("centerings removed");
    return;
  }
  const isLossy = context.options.mode === "lossy";
  const { constants, centered } = traceOf(x, axesOf(op), moves);
  const [here] = centered;
  if (here !== undefined && isLossy) {
    context.remark(remarks.centeringDropped(op.span, name, verdict.miss));
    context.count("centerings dropped without a proof");
  } else if (centered.length === 0 && constants.length === 0) {
    context.remark(remarks.centeringProved(op.span, name, [onlyShifted]));
    context.count("centerings removed");
  } else if (centered.length === 0) {
    context.remark(remarks.centeringFolded(op.span, name, constants.map(nameOf)));
    context.count("centerings moved into constants");
  } else if (here !== x) {
    context.remark(remarks.centeringMoved(op.span, name, centered, constants.map(nameOf)));
    context.count("centerings moved");
  } else {
    const blocked = moves.whyNot(x, axesOf(op));
    const why = moves.feedsStream(x) ? [beginsStream] : blocked === undefined ? [] : [`it does not move: ${blocked}`];
    context.remark(remarks.centeringStays(op.span, name, helped(verdict.miss, x, op, foldable), why));
    context.count("centerings kept");
  }
}

const onlyShifted = "what is added to its centered rows is constant along them, and is dropped";
const beginsStream = "a stream begins here, and is centered here for all norms that read it";

/** The miss, and what `fold` would do about it. */
function helped(miss: Miss, x: Value, op: Op, foldable: Moves): Miss {
  const { constants, centered } = traceOf(x, axesOf(op), foldable);
  if (constants.length === 0 || centered.includes(x)) return miss;
  return { ...miss, help: "`fold=true` (`--weights-out FILE`) lets it move into constants" };
}
