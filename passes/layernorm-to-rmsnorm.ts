/**
 * Writes a LayerNorm as a centered RMSNorm. Always exact: the variance is the mean square of the centered row.
 *
 *   let y = layernorm(x, g, b, axes, eps)
 *   ->
 *   let c = center(x, axes)
 *   let n = rmsnorm(c, g, axes, eps)
 *   let y = n + b
 *
 * gamma and beta stay; a missing one is not made up. `groupnorm` stays too: its rows are no axes of its operand, so an
 * RMSNorm could say it between two reshapes only, which would hide the norm from every later pass and win nothing.
 */

import { remarks } from "../src/diagnostics/remarks.ts";
import { type Builder, rewrite } from "../src/ir/builder.ts";
import type { Op, Value } from "../src/ir/ir.ts";
import type { NormDef } from "../src/ir/ops/def.ts";
import { ops } from "../src/ir/ops/index.ts";
import { sameShape } from "../src/ir/types.ts";
import { definePass } from "../src/pass/define-pass.ts";
import type { Fact } from "../src/pass/facts.ts";
import { padded } from "./match.ts";

/** gamma or beta in a shape that NumPy broadcasts along the normalized axes. */
function alongAxes(affine: Value, op: Op, builder: Builder): Value {
  const { shape } = op.operand(0);
  const { affineView } = (ops[op.name] as NormDef).view(shape, op.attributes);
  const isTrailing = (value: Value) =>
    value.shape.length <= shape.length && sameShape(padded(value.shape, shape.length), affineView);
  // A beta that lay so before it was taken into the norm.
  const before = affine.def?.name === "reshape" ? affine.def.operand(0) : affine;
  const lying = [affine, before].find(isTrailing);
  return lying ?? builder.emit("reshape", [affine], { shape: affineView });
}

/** What stands in the place of a LayerNorm, and the centering in it. */
export function centeredRmsNorm(op: Op, builder: Builder): { readonly value: Value; readonly center: Value } {
  const [x, gamma, beta] = op.operands;
  const { axes, eps } = op.attributes as { axes: readonly number[]; eps: number };
  const center = builder.emit("center", [x], { axes });
  const normalized = builder.emit("rmsnorm", [center, gamma], { axes, eps });
  const value = beta === undefined ? normalized : builder.emit("add", [normalized, alongAxes(beta, op, builder)]);
  return { value, center };
}

export const layernormToRmsnorm = definePass({
  name: "layernorm-to-rmsnorm",
  summary: "Writes a LayerNorm as a centered RMSNorm; always exact.",
  example: [
    "let y = layernorm(x, g, b, axes = [-1], eps = 1e-6)",
    "->",
    "let c = center(x, axes = [-1])",
    "let n = rmsnorm(c, g, axes = [-1], eps = 1e-6)",
    "let y = n + b",
  ].join("\n"),
  options: {},
  run: (fn, context) => {
    const facts: Fact[] = [];
    const rewritten = rewrite(fn, (op, builder, original) => {
      if (op.name === "groupnorm") context.remark(remarks.groupNormStays(op.span));
      if (op.name !== "layernorm") return undefined;
      context.count("layernorms rewritten");
      const { value, center } = centeredRmsNorm(op, builder);
      facts.push({ kind: "norm rewritten", norm: original.result, center });
      return value;
    });
    return { ...rewritten, facts };
  },
});
