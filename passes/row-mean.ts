/**
 * The algebra of row means: when an op's result has rows of mean zero, told of its operands.
 *
 * - claim: about an operand and axes of it, counted from the end: that its mean over them is zero ("zero"), or that it
 *   does not vary along them ("constant").
 * - way: claims that suffice together.
 * - exact: a way whose op commutes with the centering, so that centering the operands of its "zero" claims is centering
 *   the result: P(a + b) = P a + P b, P(h W) = h (P W). An RMSNorm of centered rows is centered too, but no such way.
 *
 * The rules are the facts of the op table (`rowMeanZero`, and `zeroMean` of products and the like), and how shape ops
 * move axes. They hold in real arithmetic.
 */

import { listing } from "../src/diagnostics/errors-types.ts";
import type { Miss } from "../src/diagnostics/remarks.ts";
import type { Op, Value } from "../src/ir/ir.ts";
import { attribute, type LinearDef, type ShapeDef } from "../src/ir/ops/def.ts";
import { ops } from "../src/ir/ops/index.ts";
import { type Dim, isFloat, type Shape } from "../src/ir/types.ts";
import { byOp, quoted, quotedOp } from "./naming.ts";
import { printAxes } from "./statistics.ts";

export interface OperandClaim {
  readonly kind: "zero" | "constant";
  readonly operand: number;
  readonly axes: readonly number[];
}

export interface Way {
  readonly claims: readonly OperandClaim[];
  readonly exact: boolean;
  /** What follows from the claims: a sentence. */
  readonly because: string;
}

export type Ways = readonly Way[] | Miss;

const miss = (because: string, help: string, at: Value): Miss => ({ because, help, at: at.span });

/** Those of `axes` along which `value` has an extent other than 1. */
export function ownAxes(value: Value, axes: readonly number[]): readonly number[] {
  const isOwn = (axis: number) => (value.shape.at(axis) ?? 1) !== 1;
  return axes.every(isOwn) ? axes : axes.filter(isOwn);
}

export const sameAxes = (a: readonly number[], b: readonly number[]) =>
  a.length === b.length && a.every((axis, i) => axis === b[i]);

/** The ways in which the mean of the op's result over `axes` is zero; where there is none, why. */
export function waysOf(op: Op, axes: readonly number[]): Ways {
  if (op.name === "cast") return throughCast(op, axes);
  const def = ops[op.name];
  if (def.kind === "linear") return throughLinear(op, def, axes);
  if (def.kind === "shape") return throughShape(op, def, axes);
  if (def.kind === "extern") return throughExtern(op, axes);
  if (def.facts.rowMeanZero === undefined) {
    const because = `${quotedOp(op)} does not keep a row mean of zero`;
    return miss(because, "sums, negation, and products with what is constant along the row do", op.result);
  }
  if (def.kind === "norm") return throughNorm(op, axes);
  return def.kind === "reduction" ? throughReduction(op, axes) : throughElementwise(op, axes);
}

function throughCast(op: Op, axes: readonly number[]): Ways {
  const x = op.operand(0);
  const name = quoted(op.result);
  const { element } = op.result;
  if (!isFloat(x.element) || !isFloat(element)) {
    const because = `${name} is a cast from ${x.element} to ${element}, which need not keep a mean of zero`;
    return miss(because, "center after the cast", op.result);
  }
  const rounds = x.element === "f32" && element !== "f32";
  const because = rounds
    ? `${name} is ${quoted(x)} in ${element}: its mean is zero but for the rounding (approximate)`
    : `${name} is a cast that holds every number of ${quoted(x)}`;
  return [{ claims: [{ kind: "zero", operand: 0, axes }], exact: true, because }];
}

function throughElementwise(op: Op, axes: readonly number[]): Ways {
  const name = quoted(op.result);
  const all = [...op.operands.keys()];
  const claim = (kind: OperandClaim["kind"], operand: number): OperandClaim => ({ kind, operand, axes });
  switch (ops[op.name].facts.rowMeanZero) {
    case "sum": {
      const because =
        all.length === 1 ? `${name} is the negative of such rows` : `${name} is a sum of rows of mean zero`;
      return [{ claims: all.map((operand) => claim("zero", operand)), exact: true, because }];
    }
    case "choice": {
      const claims = all.map((operand) => claim(operand === 0 ? "constant" : "zero", operand));
      return [{ claims, exact: true, because: `${name} is one or the other for a whole row` }];
    }
    default: {
      const scaled = (which: number): Way => {
        const claims = [claim("zero", which), ...all.filter((i) => i !== which).map((i) => claim("constant", i))];
        const of = quoted(op.operand(which));
        return { claims, exact: true, because: `${name} is ${of} scaled by what is constant along the row` };
      };
      return (ops[op.name].facts.rowMeanZero === "scale" ? all : [0]).map(scaled);
    }
  }
}

/** A sum of rows has the sum of their means. */
function throughReduction(op: Op, axes: readonly number[]): Ways {
  const x = op.operand(0);
  const rank = x.shape.length;
  const folded = attribute.axes(op.attributes);
  const kept = [...Array(rank).keys()].map((axis) => axis - rank).filter((axis) => !folded.includes(axis));
  const keepsDims = attribute.flag(op.attributes, "keepdims");
  const moved = keepsDims ? axes : axes.map((axis) => kept.at(axis) as number);
  if (moved.some((axis) => folded.includes(axis))) {
    return miss(`${quotedOp(op)} folds the row itself`, "fold other axes", op.result);
  }
  const because = `${quoted(op.result)} adds up rows of mean zero`;
  return [{ claims: [{ kind: "zero", operand: 0, axes: moved }], exact: true, because }];
}

/** A norm's row before gamma and beta, then gamma and beta. */
function throughNorm(op: Op, axes: readonly number[]): Ways {
  const fact = ops[op.name].facts.rowMeanZero;
  const own = attribute.axes(op.attributes);
  const name = quoted(op.result);
  const [inner, outer] = fact === "result" ? [own, axes] : [axes, own];
  if (!inner.every((axis) => outer.includes(axis))) {
    const because = `${quotedOp(op)} works over axes ${printAxes(own)}, and the mean here is over ${printAxes(axes)}`;
    return miss(because, "use the same axes for both", op.result);
  }
  // gamma and beta have the axes of the norm alone, so the last axis of theirs is the last that the norm works over.
  const moved = axes.filter((axis) => own.includes(axis)).map((axis) => own.indexOf(axis) - own.length);
  const claims: OperandClaim[] = fact === "result" ? [] : [{ kind: "zero", operand: 0, axes }];
  if (op.operands[1] !== undefined) claims.push({ kind: "constant", operand: 1, axes: moved });
  if (op.operands[2] !== undefined) claims.push({ kind: "zero", operand: 2, axes: moved });
  const because =
    fact === "result"
      ? `${name} ${byOp(op, (by) => `is the result of ${by}`) || "makes rows of mean zero"}`
      : `${name} scales rows of mean zero${byOp(op, (by) => ` (${by})`)}`;
  return [{ claims, exact: false, because }];
}

/** Products, joined and cut tensors, looked up rows: the op table says which means of operands suffice. */
function throughLinear(op: Op, def: LinearDef, axes: readonly number[]): Ways {
  const shapes = op.operands.map((operand) => operand?.shape);
  const ways = def.zeroMean(axes, shapes, op.attributes);
  if (ways.length === 0) {
    const because = `${quotedOp(op)} does not keep a mean of zero over axes ${printAxes(axes)}`;
    const help =
      "it is kept by products whose columns have it, by rows that are looked up or joined and all have it, and by slices of other axes";
    return miss(because, help, op.result);
  }
  return ways.map(({ exact, means }) => {
    const whose = new Set(
      means.map(({ operand, axes: own }) => `axes ${printAxes(own)} of ${quoted(op.operand(operand))}`),
    );
    return {
      claims: means.map(({ operand, axes: own }) => ({ kind: "zero", operand, axes: own })),
      exact,
      because: `${quoted(op.result)} is ${byOp(op, (by) => by) || "made"} of what has mean zero over ${listing([...whose])}`,
    };
  });
}

/** What the op itself says of its rows. */
function throughExtern(op: Op, axes: readonly number[]): Ways {
  const name = quoted(op.result);
  const rows = attribute.integers(op.attributes, "rows");
  const kept = attribute.integers(op.attributes, "kept");
  if (rows.length === 0 || op.results.length > 1 || !axes.every((axis) => kept.includes(axis))) {
    const node = attribute.text(op.attributes, "op");
    const who = byOp(op, () => `\`${node}\`, which makes ${name},`) || name;
    const because = `${who} need not keep a row mean of zero`;
    return miss(because, "center what it makes", op.result);
  }
  const claims = rows.map((operand): OperandClaim => ({ kind: "zero", operand, axes }));
  const because = `the rows of ${name} are sums of such rows`;
  return [{ claims, exact: true, because }];
}

function throughShape(op: Op, { move }: ShapeDef, axes: readonly number[]): Ways {
  const x = op.operand(0);
  const name = quoted(op.result);
  const way = (moved: readonly number[], because: string): Ways => [
    { claims: [{ kind: "zero", operand: 0, axes: moved }], exact: true, because },
  ];
  if (move === "repeat") return way(axes, `${name} repeats ${quoted(x)}`);
  const moved = move === "permute" ? throughPermutation(op, axes) : throughReshape(x.shape, op.result.shape, axes);
  if (moved !== undefined) return way(moved, `${name} is ${quoted(x)} with its rows in another place`);
  const because = `${name} cuts rows anew: its axes ${printAxes(axes)} are no axes of ${quoted(x)}`;
  return miss(because, "center after the reshape", op.result);
}

function throughPermutation(op: Op, axes: readonly number[]): number[] {
  const perm = attribute.permutation(op.attributes);
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
