/**
 * Folds gamma and beta, and other constant vectors that are multiplied with rows or added to them, into the products that read them.
 *
 *   let n = rmsnorm(x, g, axes = [-1]) + b
 *   let y = linear(n, w, c)
 *   ->
 *   let n = rmsnorm(x, axes = [-1])
 *   let y = linear(n, w_scaled, c_shifted)        w_scaled = w diag(g), c_shifted = c + w b
 *
 * Exact; computed in float64 and rounded once. FlashNorm (arXiv 2407.09577) and TransformerLens fold in this way. A gamma of 1 + g,
 * as in Gemma, is w + w diag(g). The rewrite requires that products with constant weights are the only readers of the norm, and
 * the only readers of these weights: tied ones stay. A beta after gamma is folded first; otherwise gamma stays.
 */

import type { Miss } from "../src/diagnostics/areas/rewrites.ts";
import { constantValue, definedBy, type Fn, type Op, type Value } from "../src/ir/ir.ts";
import { isNorm } from "../src/ir/op-kinds.ts";
import { attribute } from "../src/ir/ops/attributes.ts";
import { sameType } from "../src/ir/types.ts";
import { definePass, type PassContext } from "../src/pass/define-pass.ts";
import type { NotSimplified } from "../src/pass/facts.ts";
import { Steps } from "../src/pass/trail.ts";
import { orders } from "./match.ts";
import {
  type Folding,
  type FoldingRule,
  foldIntoProducts,
  globalOf,
  type Product,
  ProductReaders,
} from "./product-readers.ts";

interface Options {
  readonly gamma: boolean;
  readonly beta: boolean;
}

/** A constant vector along the last axis, and whether it is 1 more than the constant. */
interface Vector {
  readonly constant: string;
  readonly plusOne: boolean;
}

function vectorOf(value: Value | undefined, along: Value): Vector | undefined {
  if (value === undefined || value.shape.length !== 1 || value.shape[0] !== along.shape.at(-1)) return undefined;
  const constant = globalOf(value);
  if (constant !== undefined) return { constant, plusOne: false };
  for (const [of, one] of value.def?.name === "add" ? orders(value.def) : []) {
    const inner = globalOf(of);
    if (inner !== undefined && constantValue(one) === 1) return { constant: inner, plusOne: true };
  }
  return undefined;
}

/** What an op multiplies rows by, or adds to them: the vector, and the remaining operand. */
interface Part {
  readonly vector: Vector;
  readonly without: Folding["becomes"];
}

function partOf(op: Op, slot: "gamma" | "beta"): Part | undefined {
  const [index, joint] = slot === "gamma" ? ([1, "mul"] as const) : ([2, "add"] as const);
  if (isNorm(op) && op.name !== "groupnorm" && attribute.axes(op.attributes).join() === "-1") {
    const vector = vectorOf(op.operands[index], op.result);
    // A beta would be multiplied, too.
    if (vector === undefined || (slot === "gamma" && op.operands[2] !== undefined)) return undefined;
    const without: Part["without"] = (norm, builder) =>
      builder.emit(norm.name, norm.operands.with(index, undefined), norm.attributes);
    return { vector, without };
  }
  if (op.name !== joint) return undefined;
  for (const [i, [rows, value]] of orders(op).entries()) {
    const vector = sameType(rows.type, op.result.type) ? vectorOf(value, op.result) : undefined;
    if (vector !== undefined && !(slot === "beta" && vector.plusOne)) {
      return { vector, without: (joined) => joined.operand(i) };
    }
  }
  return undefined;
}

type Computed = Pick<PassContext<unknown>, "computed" | "consts">;

/** W diag(g), or W + W diag(g). */
function scaled({ weight, axis }: Product, { constant, plusOne }: Vector, { computed, consts }: Computed) {
  const size = consts.find(({ name }) => name === constant)?.type.shape[0] as number;
  const along =
    axis === -1
      ? constant
      : computed({ op: "reshape", operands: [constant], attributes: { shape: [size, 1] } }, `${constant}_along`).name;
  const product = computed({ op: "mul", operands: [weight, along], attributes: {} }, `${weight}_scaled`);
  return plusOne
    ? computed({ op: "add", operands: [weight, product.name], attributes: {} }, `${weight}_scaled`)
    : product;
}

/** c + W b. */
function shifted({ op, weight, bias }: Product, { constant }: Vector, { computed }: Computed) {
  const hint = `${bias?.constant ?? weight}_shifted`;
  if (op.name === "linear") {
    return computed({ op: "linear", operands: [constant, weight, bias?.constant], attributes: {} }, hint);
  }
  const product = computed({ op: "matmul", operands: [constant, weight], attributes: {} }, hint);
  return bias === undefined
    ? product
    : computed({ op: "add", operands: [bias.constant, product.name], attributes: {} }, hint);
}

/** The number of new ops that add to a product: a matmul has no bias of its own. */
const added = (products: readonly Product[]) =>
  products.filter(({ op, bias }) => op.name === "matmul" && bias === undefined).length;

/** The rule for gammas or betas; `missed` is called for those that stay. */
function ruleFor(
  slot: "gamma" | "beta",
  context: PassContext<Options>,
  missed: (op: Op, miss: Miss) => void,
): FoldingRule {
  return (op, all) => {
    const part = partOf(op, slot);
    if (part === undefined) return undefined;
    const readers = all.of(op.result, slot === "gamma");
    const miss = "because" in readers ? readers : slot === "gamma" ? all.tied(readers) : undefined;
    if (miss !== undefined || "because" in readers) {
      if (miss !== undefined) missed(op, miss);
      return undefined;
    }
    if (slot === "beta" && added(readers.products) > 1) {
      const help = "use `linear`, which has a bias";
      missed(op, { because: "several products would each need an op that adds to them", help });
      return undefined;
    }
    context.count(`${slot} folded`);
    const constant = (product: Product) =>
      slot === "gamma" ? scaled(product, part.vector, context) : shifted(product, part.vector, context);
    const folding = { readers, becomes: part.without };
    return slot === "gamma" ? { ...folding, weight: constant } : { ...folding, bias: constant };
  };
}

export const foldAffine = definePass({
  name: "fold-affine",
  summary: "Folds gamma and beta into the constant weights of the products that read a norm.",
  example: [
    "let n = rmsnorm(x, g, axes = [-1]) + b",
    "let y = linear(n, w, c)",
    "->",
    "let n = rmsnorm(x, axes = [-1])",
    "let y = linear(n, w_scaled, c_shifted)",
  ].join("\n"),
  options: {
    gamma: { type: "boolean", default: true, summary: "Whether to fold factors of rows into weights." },
    beta: { type: "boolean", default: true, summary: "Whether to fold terms added to rows into biases." },
  },
  run(fn: Fn, context) {
    const facts: NotSimplified[] = [];
    const { gamma, beta } = context.options;
    const slots = [...(beta ? (["beta"] as const) : []), ...(gamma ? (["gamma"] as const) : [])];
    const steps = foldIntoProducts(
      new Steps(fn),
      slots.map((slot) => ruleFor(slot, context, () => {})),
    );
    const readers = new ProductReaders(steps.fn);
    for (const slot of slots) {
      const rule = ruleFor(slot, { ...context, count() {} }, (op, miss) => {
        // There are many elementwise ops with constants; misses are reported for norms only.
        const isOfNorm = isNorm(op) || op.operands.some((operand) => definedBy(operand, "rmsnorm", "layernorm"));
        if (isOfNorm) facts.push({ kind: "not simplified", value: op.result, what: `the ${slot} here`, miss });
      });
      for (const op of steps.fn.ops) rule(op, readers);
    }
    return { ...steps.output, facts: steps.given(facts) };
  },
});
