/**
 * Proves from the IR that the rows of a value have mean zero.
 *
 * - claim: about a value and axes of it, counted from the end: that its mean over them is zero ("zero"), or that it
 *   does not vary along them ("constant").
 * - verdict: proved, with the claims it follows from; or not, with the condition that failed first.
 *
 * The rules are the facts of the op table (`rowMeanZero`, and `zeroMean` of products and the like), `x - mean(x)` as it is written in primitive ops, and how
 * shape ops move axes. They hold in real arithmetic; a cast that rounds proves nothing. Claims wait for one another on a
 * stack of their own, so that long chains do not overflow JavaScript's.
 */

import { listing } from "../src/diagnostics/errors-types.ts";
import type { Miss } from "../src/diagnostics/remarks.ts";
import { constantValue, type Op, type Value } from "../src/ir/ir.ts";
import { attribute, type LinearDef } from "../src/ir/ops/def.ts";
import { ops } from "../src/ir/ops/index.ts";
import { type Dim, isFloat, type Shape } from "../src/ir/types.ts";
import { meetsItsRow, Products, readOf, sameNumbers } from "./match.ts";
import { meanMiss, nameOf, printAxes, statisticOf } from "./statistics.ts";

export interface Proved {
  readonly proved: true;
  /** One line: what is so, and why. */
  readonly because: string;
  readonly from: readonly Proved[];
}

export type Verdict = Proved | { readonly proved: false; readonly miss: Miss };

interface Claim {
  readonly kind: "zero" | "constant";
  readonly value: Value;
  readonly axes: readonly number[];
}

/** Asks for the verdict on another claim; `undefined` while it is not known yet. */
type Ask = (kind: Claim["kind"], value: Value, axes: readonly number[]) => Verdict | undefined;

const proved = (because: string, from: readonly Proved[] = []): Proved => ({ proved: true, because, from });
const unproved = (because: string, help: string, at: Value): Verdict => {
  return { proved: false, miss: { because, help, at: at.span } };
};
const addLater = "add what is constant along the row after the centering";

/** Those of `axes` that `value` has with an extent other than 1, when it is broadcast. */
const ownAxes = (value: Value, axes: readonly number[]) => axes.filter((axis) => (value.shape.at(axis) ?? 1) !== 1);

/** The verdict on all claims together: the first that fails, else what they prove. */
function all(verdicts: readonly (Verdict | undefined)[], because: string): Verdict | undefined {
  const known = verdicts.filter((verdict) => verdict !== undefined);
  const failed = known.find((verdict) => !verdict.proved);
  if (failed !== undefined) return failed;
  return known.length < verdicts.length ? undefined : proved(because, known as Proved[]);
}

/** Any of the claims: the first that holds; else the last failure. */
function either(verdicts: readonly (Verdict | undefined)[]): Verdict | undefined {
  return verdicts.find((verdict) => verdict?.proved) ?? (verdicts.includes(undefined) ? undefined : verdicts[0]);
}

export class Centering {
  private readonly verdicts = new Map<Value, Map<string, Verdict>>();
  private readonly products = new Products();

  /** Whether every row of `value` over `axes` has mean zero. */
  meanIsZero(value: Value, axes: readonly number[]): Verdict {
    return this.decide({ kind: "zero", value, axes });
  }

  private known({ kind, value, axes }: Claim): Verdict | undefined {
    return this.verdicts.get(value)?.get(`${kind} ${axes.join()}`);
  }

  private decide(claim: Claim): Verdict {
    const waiting: Claim[] = [claim];
    for (let at = waiting.at(-1); at !== undefined; at = waiting.at(-1)) {
      const missing: Claim[] = [];
      const ask: Ask = (kind, value, axes) => {
        const asked = { kind, value, axes };
        const verdict = this.known(asked);
        if (verdict === undefined) missing.push(asked);
        return verdict;
      };
      const verdict = this.known(at) ?? (at.kind === "zero" ? this.zero(at, ask) : constantAlong(at, ask));
      if (verdict === undefined) {
        waiting.push(...missing);
        continue;
      }
      const ofValue = this.verdicts.get(at.value) ?? new Map<string, Verdict>();
      this.verdicts.set(at.value, ofValue.set(`${at.kind} ${at.axes.join()}`, verdict));
      waiting.pop();
    }
    return this.known(claim) as Verdict;
  }

  private zero({ value, axes }: Claim, ask: Ask): Verdict | undefined {
    const name = nameOf(value);
    if (constantValue(value) === 0) return proved(`\`${name}\` is 0`);
    const own = ownAxes(value, axes);
    if (own.length < axes.length) {
      if (own.length > 0) return ask("zero", value, own);
      return unproved(`\`${name}\` does not vary along the row, and is not 0`, addLater, value);
    }
    const op = value.def;
    if (op === undefined) {
      // A mean over more axes is a mean of means.
      const isPromised = value.centered.length > 0 && value.centered.every((axis) => axes.includes(axis));
      if (isPromised) return proved(`\`${name}\` is declared @centered(${value.centered.join(", ")})`);
      const help =
        "proved are `x - mean(x)`, `center`, norms without gamma and beta, parameters that are declared `@centered(-1)`, and what keeps their row mean at zero";
      return unproved(`\`${name}\` is a parameter, and nothing is known about its rows`, help, value);
    }
    const mean = this.minusMean(op, axes);
    if (mean !== undefined) return mean;
    if (op.name === "cast") return throughCast(op, axes, ask);
    const def = ops[op.name];
    if (def.kind === "linear") return throughLinear(op, def, axes, ask);
    return def.kind === "shape" ? throughShape(op, axes, ask) : byFact(op, axes, ask);
  }

  /** `x - mean(x)` in primitive ops. */
  private minusMean(op: Op, axes: readonly number[]): Verdict | undefined {
    if (op.name !== "sub") return undefined;
    const x = op.operand(0);
    const stat = statisticOf(readOf(op.operand(1)), this.products);
    if (stat === undefined || !sameNumbers(stat.of, x) || meanMiss(stat) !== undefined) return undefined;
    const sameRows = meetsItsRow(stat.lay, x.shape, stat.axes) && stat.axes.every((axis) => axes.includes(axis));
    return sameRows ? proved(`\`${nameOf(op.result)}\` is \`${nameOf(x)}\` minus its row mean`) : undefined;
  }
}

function throughCast(op: Op, axes: readonly number[], ask: Ask): Verdict | undefined {
  const x = op.operand(0);
  const name = nameOf(op.result);
  if (!isFloat(x.element) || (x.element === "f32" && op.result.element !== "f32")) {
    const because = `\`${name}\` is rounded to ${op.result.element}, and its rows need not have mean zero after that`;
    return unproved(because, "center after the cast, or cast after the norm", op.result);
  }
  return all([ask("zero", x, axes)], `\`${name}\` is a cast that holds every number of \`${nameOf(x)}\``);
}

/** What the op table says of the op. */
function byFact(op: Op, axes: readonly number[], ask: Ask): Verdict | undefined {
  const def = ops[op.name];
  const name = nameOf(op.result);
  const fact = def.facts.rowMeanZero;
  if (fact === undefined) {
    const because = `\`${op.name}\` does not keep a row mean of zero`;
    return unproved(because, "sums, negation, and products with what is constant along the row do", op.result);
  }
  if (def.kind === "norm") return throughNorm(op, axes, ask);
  const [first, ...others] = op.operands as readonly Value[];
  if (fact === "sum") {
    const text =
      op.operands.length === 1
        ? `\`${name}\` is the negative of such rows`
        : `\`${name}\` is a sum of rows of mean zero`;
    return all(
      op.operands.map((operand) => ask("zero", operand as Value, axes)),
      text,
    );
  }
  const scaled = (x: Value, scales: readonly Value[]) => {
    const claims = [ask("zero", x, axes), ...scales.map((scale) => ask("constant", scale, axes))];
    return all(claims, `\`${name}\` is \`${nameOf(x)}\` scaled by what is constant along the row`);
  };
  if (first === undefined) return undefined;
  const ways = [scaled(first, others)];
  if (fact === "scale") ways.push(...others.map((x) => scaled(x, [first])));
  return either(ways);
}

/** A norm's row before gamma and beta, then gamma and beta. */
function throughNorm(op: Op, axes: readonly number[], ask: Ask): Verdict | undefined {
  const fact = ops[op.name].facts.rowMeanZero;
  const own = attribute.axes(op.attributes);
  const [x, gamma, beta] = op.operands;
  const name = nameOf(op.result);
  const [inner, outer] = fact === "result" ? [own, axes] : [axes, own];
  if (!inner.every((axis) => outer.includes(axis))) {
    const because = `\`${op.name}\` works over axes ${printAxes(own)}, and the mean here is over ${printAxes(axes)}`;
    return unproved(because, "use the same axes for both", op.result);
  }
  const claims: (Verdict | undefined)[] = fact === "result" ? [] : [ask("zero", x as Value, axes)];
  if (gamma !== undefined) claims.push(affineAsks(ask, "constant", gamma, op, axes));
  if (beta !== undefined) claims.push(affineAsks(ask, "zero", beta, op, axes));
  const text =
    fact === "result"
      ? `\`${name}\` is the result of \`${op.name}\``
      : `\`${name}\` scales rows of mean zero (\`${op.name}\`)`;
  return all(claims, text);
}

/** gamma and beta have the axes of the norm alone, so the last axis of theirs is the last that the norm works over. */
function affineAsks(
  ask: Ask,
  kind: Claim["kind"],
  affine: Value,
  op: Op,
  axes: readonly number[],
): Verdict | undefined {
  const own = attribute.axes(op.attributes);
  const moved = axes.filter((axis) => own.includes(axis)).map((axis) => own.indexOf(axis) - own.length);
  return ask(kind, affine, moved);
}

/** Products, joined and cut tensors, looked up rows: the op table says which means of operands suffice. */
function throughLinear(op: Op, def: LinearDef, axes: readonly number[], ask: Ask): Verdict | undefined {
  const name = nameOf(op.result);
  const shapes = op.operands.map((operand) => operand?.shape);
  const ways = def.zeroMean(axes, shapes, op.attributes);
  if (ways.length === 0) {
    const because = `\`${op.name}\` does not keep a mean of zero over axes ${printAxes(axes)}`;
    const help =
      "it is kept by products whose columns have it, by rows that are looked up or joined and all have it, and by slices of other axes";
    return unproved(because, help, op.result);
  }
  return either(
    ways.map((claims) => {
      const whose = [
        ...new Set(
          claims.map(({ operand, axes: own }) => `axes ${printAxes(own)} of \`${nameOf(op.operand(operand))}\``),
        ),
      ];
      const verdicts = claims.map((claim) => ask("zero", op.operand(claim.operand), claim.axes));
      return all(verdicts, `\`${name}\` is \`${op.name}\` of what has mean zero over ${listing(whose)}`);
    }),
  );
}

function throughShape(op: Op, axes: readonly number[], ask: Ask): Verdict | undefined {
  const x = op.operand(0);
  const name = nameOf(op.result);
  if (op.name === "broadcast") return all([ask("zero", x, axes)], `\`${name}\` repeats \`${nameOf(x)}\``);
  const moved = op.name === "transpose" ? throughPermutation(op, axes) : throughReshape(x.shape, op.result.shape, axes);
  if (moved === undefined) {
    const because = `\`${name}\` cuts rows anew: its axes ${printAxes(axes)} are no axes of \`${nameOf(x)}\``;
    return unproved(because, "center after the reshape", op.result);
  }
  return all([ask("zero", x, moved)], `\`${name}\` is \`${nameOf(x)}\` with its rows in another place`);
}

function throughPermutation(op: Op, axes: readonly number[]): number[] {
  const perm = op.attributes.perm as readonly number[];
  return axes
    .map((axis) => perm.at(axis) as number)
    .map((axis) => (axis < 0 ? axis : axis - perm.length))
    .sort((a, b) => a - b);
}

/** The axes of a reshape's operand that hold the same elements as the last axes of its result. */
function throughReshape(from: Shape, to: Shape, axes: readonly number[]): number[] | undefined {
  if (axes[0] !== -axes.length) return undefined;
  const wanted = extentOf(to.slice(-axes.length));
  for (let count = 1; count <= from.length; count++) {
    if (extentOf(from.slice(-count)) === wanted) return Array.from({ length: count }, (_, i) => i - count);
  }
  return undefined;
}

/** A product of dimensions, such that equal products compare equal. */
function extentOf(dims: readonly Dim[]): string {
  const number = dims.reduce<number>((product, dim) => (typeof dim === "number" ? product * dim : product), 1);
  return [number, ...dims.filter((dim) => typeof dim === "string").sort()].join("*");
}

/** Whether the value is the same all along the axes. */
function constantAlong({ value, axes }: Claim, ask: Ask): Verdict | undefined {
  const name = nameOf(value);
  const own = ownAxes(value, axes);
  if (own.length === 0) return proved(`\`${name}\` has no extent along the row`);
  const op = value.def;
  const varies = () => {
    const help = "only a factor with extent 1 along the row leaves its mean at zero";
    return unproved(`\`${name}\` varies along the row`, help, value);
  };
  if (op === undefined) return varies();
  if (op.name === "broadcast")
    return all([ask("constant", op.operand(0), own)], `\`${name}\` repeats one number along the row`);
  if (ops[op.name].kind !== "elementwise") return varies();
  const operands = op.operands.map((operand) => ask("constant", operand as Value, own));
  return all(operands, `\`${name}\` is made of what is constant along the row`);
}

/** The lines of a proof, what is proved first; every step once. */
export function explain(proof: Proved): string[] {
  const seen = new Set<Proved>();
  const open: Proved[] = [proof];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (seen.has(at)) continue;
    seen.add(at);
    open.push(...at.from.toReversed());
  }
  return [...seen].map(({ because }) => because);
}
