/**
 * Writes a LayerNorm as a centered RMSNorm. Always exact: the variance is the mean square of the centered row.
 *
 *   let y = layernorm(x, g, b, axes, eps)
 *   ->
 *   let c = center(x, axes)
 *   let n = rmsnorm(c, g, axes, eps)
 *   let y = n + b
 *
 * gamma and beta stay; missing ones are not added. `groupnorm` stays too: its rows are not axes of its operand, so an
 * RMSNorm could express it only between two reshapes, which would hide the norm from every later pass and gain nothing.
 */

import { type Builder, rewrite } from "../src/ir/builder.ts";
import type { Fn, Op, Value } from "../src/ir/ir.ts";
import { isNorm } from "../src/ir/op-kinds.ts";
import type { NormDef } from "../src/ir/ops/def.ts";
import { ops } from "../src/ir/ops/index.ts";
import { sameShape } from "../src/ir/types.ts";
import { definePass, numbersIn } from "../src/pass/define-pass.ts";
import type { Fact } from "../src/pass/facts.ts";
import { padded } from "./match.ts";
import { standardizations } from "./norm-patterns.ts";

/** gamma or beta in a shape that broadcasts along the normalized axes by NumPy's rules. */
function alongAxes(affine: Value, op: Op, builder: Builder): Value {
  const { shape } = op.operand(0);
  const { affineView } = (ops[op.name] as NormDef).view(shape, op.attributes);
  const isTrailing = (value: Value) =>
    value.shape.length <= shape.length && sameShape(padded(value.shape, shape.length), affineView);
  // A beta in this layout before it was folded into the norm.
  const before = affine.def?.name === "reshape" ? affine.def.operand(0) : affine;
  const lying = [affine, before].find(isTrailing);
  return lying ?? builder.emit("reshape", [affine], { shape: affineView });
}

/** The replacement of a LayerNorm, and the ops in it. */
function centeredRmsNorm(op: Op, builder: Builder) {
  const [x, gamma, beta] = op.operands;
  const { axes, eps } = op.attributes as { axes: readonly number[]; eps: number };
  const center = builder.emit("center", [x], { axes });
  // Named here if it is the whole result, so that it keeps the name.
  const name = beta === undefined ? op.result.name : undefined;
  const rmsnorm = builder.emit("rmsnorm", [center, gamma], { axes, eps }, name);
  const value = beta === undefined ? rmsnorm : builder.emit("add", [rmsnorm, alongAxes(beta, op, builder)]);
  return { value, rewritten: { center, rmsnorm } };
}

/** The norms of a function in order, including rows divided by their standard deviation. */
export function normsIn(fn: Fn): Op[] {
  const standardized = new Set(standardizations(fn).map(({ op }) => op));
  return fn.ops.filter((op) => isNorm(op) || standardized.has(op));
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
  options: {
    keep: {
      type: "numbers",
      default: "none",
      summary: "LayerNorms to leave unchanged: their indices among the norms of the function, from 0.",
    },
  },
  run: (fn, context) => {
    const keep = new Set(numbersIn(context.options.keep));
    const facts: Fact[] = [];
    const standardized = new Map(standardizations(fn).map((one) => [one.op, one]));
    const output = rewrite(fn, (op, builder, original) => {
      const met = standardized.get(original);
      const norm = original.result;
      if (met !== undefined) {
        facts.push({ kind: "standardization met", norm, center: met.center.result, eps: met.eps });
      }
      if (!isNorm(op)) return undefined;
      if (op.name !== "layernorm" || keep.has(facts.length)) {
        const stays = op.name === "layernorm" ? { stays: [`\`keep\` has its number, ${facts.length}`] } : {};
        facts.push({ kind: "norm met", norm, ...stays });
        return undefined;
      }
      context.count("layernorms rewritten");
      const { value, rewritten } = centeredRmsNorm(op, builder);
      facts.push({ kind: "norm met", norm, rewritten });
      return value;
    });
    return { ...output, facts };
  },
});
