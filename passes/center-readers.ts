/**
 * Folds a centering into the products that read it: their weights are centered instead of the rows.
 *
 *   let y = linear(center(x, axes = [-1]), w, c)
 *   ->
 *   let y = linear(x, w_centered, c)              w_centered = center(w, axes = [-1])
 *
 * Exact for every x: sum (x - mean x) w = sum x (w - mean w). TransformerLens centers the weights that read a
 * stream in this way. Computed in float64 and rounded once. If the centered rows or the weight have other readers, it stays.
 */

import type { Const } from "../src/ir/ir.ts";
import { attribute } from "../src/ir/ops/attributes.ts";
import { definePass } from "../src/pass/define-pass.ts";
import type { NotSimplified } from "../src/pass/facts.ts";
import { Steps } from "../src/pass/trail.ts";
import { droppedShifts, normRules } from "./norm-rules.ts";
import { type FoldingRule, foldIntoProducts, type Product, ProductReaders } from "./product-readers.ts";
import { simplified } from "./simplify-norms.ts";

/** The name of the statistic. */
export const foldedIntoReaders = "centerings folded into readers";

export const centerReaders = definePass({
  name: "center-readers",
  summary: "Folds a centering into the constant weights of the products that read it.",
  example: ["let y = linear(center(x, axes = [-1]), w, c)", "->", "let y = linear(x, w_centered, c)"].join("\n"),
  options: {},
  run(fn, context) {
    const { consts, computed, count } = context;
    const facts: NotSimplified[] = [];
    const rule: FoldingRule = (op, all) => {
      if (op.name !== "center" || attribute.axes(op.attributes).join() !== "-1") return undefined;
      const readers = all.of(op.result, true);
      const miss = "because" in readers ? readers : all.tied(readers);
      if ("because" in readers || miss !== undefined) return undefined;
      count(foldedIntoReaders);
      const weight = ({ weight: name, axis }: Product): Const => {
        const constant = consts.find((one) => one.name === name) as Const;
        const isCentered = constant.centered.length === 1 && constant.centered[0] === axis;
        if (isCentered) return constant;
        return computed({ op: "center", operands: [name], attributes: { axes: [axis] } }, `${name}_centered`);
      };
      return { readers, becomes: (center) => center.operand(0), weight };
    };
    // Adding a vector to the rows commutes with both forms.
    const shifts = Object.entries(normRules).filter(([name]) => name === droppedShifts);
    const steps = foldIntoProducts(new Steps(fn).take(simplified(fn, shifts, context)), [rule]);
    const left = new ProductReaders(steps.fn);
    for (const op of steps.fn.ops) {
      if (op.name !== "center" || attribute.axes(op.attributes).join() !== "-1") continue;
      const readers = left.of(op.result, true);
      const miss = "because" in readers ? readers : left.tied(readers);
      if (miss !== undefined) facts.push({ kind: "not simplified", value: op.result, what: "the centering", miss });
    }
    return { ...steps.output, facts: steps.given(facts) };
  },
});
