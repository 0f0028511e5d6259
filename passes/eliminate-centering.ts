/**
 * Drops a centering of rows whose mean is zero already.
 *
 *   let d = center(x, axes = [-1])
 *   let n = rmsnorm(d, axes = [-1])
 *   let y = center(n, axes = [-1])
 *   ->
 *   let d = center(x, axes = [-1])
 *   let y = rmsnorm(d, axes = [-1])
 *
 * In `mode=exact` only where that is proved (centering.ts has the rules). A centering that stays leaves a remark with
 * the condition that failed. `mode=lossy` drops the others too, which changes the function: a warning for each.
 */

import { remarks } from "../src/diagnostics/remarks.ts";
import { rewriteFn } from "../src/ir/builder.ts";
import { attribute } from "../src/ir/ops/def.ts";
import { definePass } from "../src/pass/define-pass.ts";
import { Centering, explain } from "./centering.ts";
import { nameOf } from "./statistics.ts";

export const eliminateCentering = definePass({
  name: "eliminate-centering",
  summary: "Drops a centering of rows whose mean is proved to be zero already.",
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
      summary: "exact: only what is proved; lossy: every centering, which changes results; off: none.",
    },
  },
  run(fn, context) {
    const { mode } = context.options;
    if (mode === "off") return fn;
    const centering = new Centering();
    return rewriteFn(fn, (op) => {
      if (op.name !== "center") return undefined;
      const x = op.operand(0);
      const verdict = centering.meanIsZero(x, attribute.axes(op.attributes));
      if (verdict.proved) {
        context.remark(remarks.centeringProved(op.span, nameOf(x), explain(verdict)));
        context.count("centerings removed");
        return x;
      }
      const left = mode === "exact" ? remarks.centeringStays : remarks.centeringDropped;
      context.remark(left(op.span, nameOf(x), verdict.miss));
      context.count(mode === "exact" ? "centerings kept" : "centerings dropped without a proof");
      return mode === "exact" ? undefined : x;
    });
  },
});
