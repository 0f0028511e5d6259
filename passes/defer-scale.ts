/**
 * Lets products read the input rows of a norm and scales their results instead: the norm's result is never stored.
 *
 *   let n = rmsnorm(x, axes = [-1], eps = a)
 *   let y = linear(n, w, c)
 *   let z = rmsnorm(linear(n, v), g, axes = [-1], eps = b)
 *   ->
 *   let s = mean(x * x, axes = [-1], keepdims = true) + a
 *   let y = linear(x, w) * rsqrt(s) + c
 *   let p = linear(x, v)
 *   let z = p * rsqrt(mean(p * p, axes = [-1], keepdims = true) + b * s) * g
 *
 *   let m = max(abs(n), axes = [-1])
 *   let q = n / (m / 127)
 *   ->
 *   let a = max(abs(x), axes = [-1])
 *   let m = a * rsqrt(s)
 *   let q = x / (a / 127)
 *
 * The first rewrite is FlashNorm's deferred normalization (arXiv 2407.09577), also found by Mirage (OSDI 2025) for RMSNorm and a
 * product. The second is theirs for two norms, with the eps that they omit: for r = 1 / sqrt(s), mean (r p)^2 + b =
 * r^2 (mean p^2 + b s). The third is for rows that are quantized by their largest element: max(r a) = r max(a), as r > 0, so
 * neither the maximum nor the quotient, in which r cancels, depends on the statistic. Other readers do not matter here, and
 * gamma stays with the rows; eps must be more than 0.
 *
 * The first two require that products are the only readers, that gamma has been folded (fold-affine), and that elements are f32:
 * in half precision the sum over unscaled rows may overflow.
 */

import type { Miss } from "../src/diagnostics/areas/rewrites.ts";
import { type Builder, rewrite } from "../src/ir/builder.ts";
import { getOrInsert } from "../src/ir/groups.ts";
import { constantValue, definedBy, type Op, type Uses, usesOf, type Value } from "../src/ir/ir.ts";
import { quoted, quotedOp } from "../src/ir/naming.ts";
import { attribute } from "../src/ir/ops/attributes.ts";
import { definePass, type PassContext } from "../src/pass/define-pass.ts";
import type { NotSimplified } from "../src/pass/facts.ts";
import { Steps } from "../src/pass/trail.ts";
import { withoutDeadOps } from "./dce.ts";

const isRowNorm = (op: Op) =>
  (op.name === "rmsnorm" || op.name === "l2norm") && attribute.axes(op.attributes).join() === "-1";

/** Whether an op is a product of the rows of `x` with one matrix. */
const isProductOf = (op: Op, x: Value) =>
  op.operands.indexOf(x) === 0 &&
  op.operands.lastIndexOf(x) === 0 &&
  (op.name === "linear" || (op.name === "matmul" && x.shape.length > 1 && op.operand(1).shape.length === 2));

/** Why products cannot read the unscaled rows. */
function whyNot(norm: Op, uses: (value: Value) => Uses): Miss | undefined {
  const { result } = norm;
  const { ops: readers, returned } = uses(result);
  const other = readers.find((op) => !isProductOf(op, result));
  const miss = (because: string, help: string): Miss => ({ because, help });
  if (returned) return miss(`${quoted(result)} is returned`, "return the results of its readers");
  if (other !== undefined) {
    return miss(
      `${quoted(result)} is read by ${quotedOp(other)}`,
      "the rewrite requires that products are the only readers of the norm",
    );
  }
  if (norm.operands[1] !== undefined) return miss("gamma is not folded", "run `fold-affine` first");
  const because = `sums of ${result.element} may overflow where rows are not scaled`;
  return result.element === "f32" ? undefined : miss(because, "compute in f32");
}

/** A norm whose extremes can be computed without its scale, because the scale is finite and more than 0. */
const isScaledByPositive = (norm: Op) =>
  isRowNorm(norm) && norm.result.element === "f32" && attribute.number(norm.attributes, "eps") > 0;

/** The norm whose rows an op takes the maximum or minimum of, and whether of their absolute values. */
function extremeOf(op: Op): { readonly norm: Op; readonly isAbsolute: boolean } | undefined {
  if ((op.name !== "max" && op.name !== "min") || attribute.axes(op.attributes).join() !== "-1") return undefined;
  const isAbsolute = op.operand(0).def?.name === "abs";
  const norm = isAbsolute ? op.operand(0).def?.operand(0).def : op.operand(0).def;
  return norm !== undefined && isScaledByPositive(norm) ? { norm, isAbsolute } : undefined;
}

/** Computes extremes of a norm's rows from the unscaled rows. */
class Extremes {
  private readonly builder: Builder;
  private readonly root: (norm: Op) => Value;
  /** For values computed from a norm's extremes and elements: the same without the norm's scale. */
  private readonly unscaled = new Map<Value, { readonly norm: Op; readonly value: () => Value }>();

  /** @param root returns 1 over the root of a norm's statistic and eps, one for each row. */
  constructor(builder: Builder, root: (norm: Op) => Value) {
    this.builder = builder;
    this.root = root;
  }

  /** The replacement of the result of `op`, and the value whose maximum or minimum is taken. */
  deferred(op: Op, original: Op): { readonly value: Value; readonly of?: Value } | undefined {
    const { builder } = this;
    const found = extremeOf(original);
    if (found !== undefined) {
      const now = definedBy(found.isAbsolute ? op.operand(0).def?.operand(0) : op.operand(0), "rmsnorm", "l2norm");
      if (now === undefined) return undefined;
      const rows = this.rowsOf(now);
      const of = found.isAbsolute ? builder.emit("abs", [rows]) : rows;
      const extreme = builder.emit(op.name, [of], op.attributes);
      this.unscaled.set(original.result, { norm: found.norm, value: () => extreme });
      const root = this.root(now);
      const scale =
        extreme.shape.length === root.shape.length ? root : builder.emit("reshape", [root], { shape: extreme.shape });
      return { value: builder.emit("mul", [extreme, scale]), of };
    }
    if (op.name !== "mul" && op.name !== "div") return undefined;
    const [left, right] = [original.operand(0), original.operand(1)];
    const by = this.unscaled.get(right);
    if (op.name === "div" && by !== undefined && by.norm.result === left) {
      const now = definedBy(op.operand(0), "rmsnorm", "l2norm");
      return now === undefined ? undefined : { value: builder.emit("div", [this.rowsOf(now), by.value()]) };
    }
    const times = this.unscaled.get(left);
    const number = constantValue(right);
    if (times !== undefined && number !== undefined) {
      // Built only where a quotient reads it.
      const value = () => builder.emit(op.name, [times.value(), builder.constant(right.element, number)]);
      this.unscaled.set(original.result, { ...times, value });
    }
    return undefined;
  }

  /** The unscaled rows, times gamma. */
  private rowsOf(norm: Op): Value {
    const [x, gamma] = norm.operands;
    return gamma === undefined ? (x as Value) : this.builder.emit("mul", [x as Value, gamma]);
  }
}

/** The replacement of a product that reads a norm: the product of the unscaled rows, and their statistic with eps. */
interface Deferred {
  readonly product: Value;
  readonly statistic: Value;
}

/** The rewrites of a function, which share the statistics of its norms. */
class Deferral {
  private readonly builder: Builder;
  private readonly uses: (value: Value) => Uses;
  private readonly context: PassContext<unknown>;
  private readonly extremes: Extremes;
  private readonly statistics = new Map<Op, Value>();
  private readonly deferred = new Map<Value, Deferred>();
  readonly facts: NotSimplified[] = [];

  constructor(builder: Builder, uses: (value: Value) => Uses, context: PassContext<unknown>) {
    this.builder = builder;
    this.uses = uses;
    this.context = context;
    this.extremes = new Extremes(builder, (norm) => builder.emit("rsqrt", [this.statisticOf(norm)]));
  }

  /** The replacement of the result of `op`, which is `original` with replaced operands. */
  replacement(op: Op, original: Op): Value | undefined {
    const extreme = this.extremes.deferred(op, original);
    if (extreme === undefined) return isRowNorm(original) ? this.norm(op, original) : this.product(op, original);
    if (extreme.of !== undefined) {
      this.context.count("extremes of rows before their scale");
      this.statePositive((extremeOf(original) as { norm: Op }).norm);
      for (const value of [original.operand(0), extreme.of]) this.context.law({ kind: "scaled order", value });
    }
    return extreme.value;
  }

  /** norm(p * rsqrt(s)) -> p * rsqrt(statistic(p) + eps * s) * gamma, for a deferred product p. */
  private norm(op: Op, original: Op): Value | undefined {
    const { builder, uses } = this;
    const x = original.operand(0);
    const of = this.deferred.get(x);
    if (of !== undefined && uses(x).ops.length === 1 && !uses(x).returned) {
      const sum = builder.emit("add", [
        this.squares(of.product, op),
        builder.emit("mul", [of.statistic, this.eps(op)]),
      ]);
      this.context.count("norms of deferred products");
      const scaled = builder.emit("mul", [of.product, builder.emit("rsqrt", [sum])]);
      return op.operands[1] === undefined ? scaled : builder.emit("mul", [scaled, op.operands[1]]);
    }
    const { result: value } = original;
    const hasProducts = uses(value).ops.some((reader) => isProductOf(reader, value));
    const miss = hasProducts ? whyNot(original, uses) : undefined;
    if (miss !== undefined)
      this.facts.push({ kind: "not simplified", value, what: `the scale of \`${op.name}\``, miss });
    return undefined;
  }

  /** linear(norm(x), w, c) -> linear(x, w) * rsqrt(s) + c, where s is the norm's statistic and its eps. */
  private product(op: Op, original: Op): Value | undefined {
    const { builder } = this;
    const norm = original.operands[0]?.def;
    if (norm === undefined || !isRowNorm(norm) || this.deferred.has(norm.operand(0))) return undefined;
    if (whyNot(norm, this.uses) !== undefined) return undefined;
    const now = definedBy(op.operand(0), "rmsnorm", "l2norm");
    if (now === undefined) return undefined;
    const [, matrix, bias] = op.operands as [Value, Value, Value?];
    const statistic = this.statisticOf(now);
    const product = builder.emit(op.name, [now.operand(0), matrix]);
    this.context.count("scales deferred");
    if (bias === undefined) this.deferred.set(original.result, { product, statistic });
    this.statePositive(norm);
    const scaled = builder.emit("mul", [product, builder.emit("rsqrt", [statistic])]);
    return bias === undefined ? scaled : builder.emit("add", [scaled, bias]);
  }

  /** The norm's statistic of its rows, with its eps. */
  private statisticOf(norm: Op): Value {
    return getOrInsert(this.statistics, norm, () =>
      this.builder.emit("add", [this.squares(norm.operand(0), norm), this.eps(norm)]),
    );
  }

  private squares(of: Value, { name }: Op): Value {
    const squares = this.builder.emit("mul", [of, of]);
    return this.builder.emit(name === "rmsnorm" ? "mean" : "sum", [squares], { axes: [-1], keepdims: true });
  }

  private eps(norm: Op): Value {
    return this.builder.constant(norm.result.element, attribute.number(norm.attributes, "eps"));
  }

  /** States that a norm of the given function has a positive statistic with its eps. */
  private statePositive(norm: Op): void {
    this.context.law({
      kind: "positive rows",
      value: norm.operand(0),
      axes: [-1],
      statistic: norm.name === "rmsnorm" ? "mean square" : "sum of squares",
      eps: attribute.number(norm.attributes, "eps"),
    });
  }
}

export const deferScale = definePass({
  name: "defer-scale",
  summary: "Lets products and maxima read rows before a norm scales them, and scales their results.",
  example: [
    "let y = linear(rmsnorm(x, axes = [-1]), w, c)",
    "->",
    "let s = mean(x * x, axes = [-1], keepdims = true) + 1e-5",
    "let y = linear(x, w) * rsqrt(s) + c",
  ].join("\n"),
  options: {},
  run(fn, context) {
    const uses = usesOf(fn);
    let deferral: Deferral | undefined;
    const rewritten = rewrite(fn, (op, builder, original) => {
      deferral ??= new Deferral(builder, uses, context);
      return deferral.replacement(op, original);
    });
    const steps = new Steps(fn).take(rewritten);
    if (rewritten.fn !== fn) steps.take(withoutDeadOps(rewritten.fn));
    return { ...steps.output, facts: deferral?.facts ?? [] };
  },
});
