/**
 * The algebra of row means: when the rows of an op's result have mean zero, in terms of its operands.
 *
 * - claim: about rows of an operand: that their mean is zero ("zero"), or that it does not vary along them ("constant").
 * - way: claims that together suffice.
 * - exact: a way whose op commutes with the centering, so that centering the operands of its "zero" claims is centering
 * the result: P(a + b) = P a + P b, P(h W) = h (P W). An RMSNorm of centered rows is centered too, but its way is not exact.
 *
 * The rules are the facts of the op table (`rowMeanZero`, and `zeroMean` of products and similar ops), and how shape ops
 * move axes. They hold in real arithmetic.
 */

import type { Miss } from "../src/diagnostics/areas/rewrites.ts";
import { listing } from "../src/diagnostics/wording.ts";
import type { Op, Value } from "../src/ir/ir.ts";
import { byOp, quoted, quotedOp } from "../src/ir/naming.ts";
import { attribute } from "../src/ir/ops/attributes.ts";
import type { IndexDef, LinearDef, ShapeDef, ZeroMeanWay } from "../src/ir/ops/def.ts";
import { ops } from "../src/ir/ops/index.ts";
import { type Dim, isComputedFloat, isFloat, type Shape, sameType } from "../src/ir/types.ts";
import { along, isPlain, isScaled, type Rows, scaleAlong } from "./rows.ts";
import { printAxes } from "./statistics.ts";

export interface OperandClaim {
  readonly kind: "zero" | "constant";
  readonly operand: number;
  readonly rows: Rows;
}

export interface Way {
  readonly claims: readonly OperandClaim[];
  readonly exact: boolean;
  /** What follows from the claims, as a sentence. Most ways are only followed, not explained. */
  because(): string;
  /** The operand whose claim is the result itself, if the operand is centered in this way. */
  readonly is?: number;
  /** Why the result is assumed to equal its operand, where only a rounding differs: a clause. */
  readonly assumes?: string;
}

type Ways = readonly Way[] | Miss;

const miss = (because: string, help: string, at: Value): Miss => ({ because, help, at: at.span });

/** The ways in which the rows of the result have mean zero; if there is none, the reason. */
export function waysOf(op: Op, rows: Rows): Ways {
  if (op.name === "cast") return throughCast(op, rows);
  const def = ops[op.name];
  if (def.kind === "linear" || def.kind === "index") return throughLinear(op, def, rows);
  if (def.kind === "shape") return throughShape(op, def, rows);
  if (def.kind === "extern") return throughExtern(op, rows);
  if (def.facts.rowMeanZero === undefined) {
    const because = `${quotedOp(op)} does not keep a row mean of zero`;
    return miss(because, "sums, negation, and products with a factor that is constant along the row do", op.result);
  }
  if (def.kind === "norm") return throughNorm(op, rows);
  return def.kind === "reduction" ? throughReduction(op, rows) : throughElementwise(op, rows);
}

/**
 * A product with a constant vector s along the row: P(h * s) is computed if instead the rows of h, scaled by s, are
 * centered, which a product h = x W can fold into its weight: x (P diag(s) W).
 */
export function scaledWays(op: Op, rows: Rows): Way[] {
  const { kind, facts, operands } = ops[op.name];
  const isProduct = kind === "elementwise" && facts.rowMeanZero === "scale" && operands.length === 2;
  if (!isProduct || rows.axes.length !== 1) return [];
  return [...op.operands.keys()].flatMap((which): Way[] => {
    const of = op.operand(which);
    const scale = scaleAlong(op.operand(1 - which), of, rows);
    if (scale === undefined || !sameType(of.type, op.result.type)) return [];
    const scaled = { ...rows, scales: [...(rows.scales ?? []), scale] };
    const because = () => `${quoted(op.result)} is ${quoted(of)} scaled by ${quoted(op.operand(1 - which))}`;
    return [{ claims: [{ kind: "zero", operand: which, rows: scaled }], exact: true, because, is: which }];
  });
}

function throughCast(op: Op, rows: Rows): Ways {
  const x = op.operand(0);
  const { element } = op.result;
  if (!isFloat(x.element) || !isComputedFloat(element)) {
    const because = `${quoted(op.result)} is a cast from ${x.element} to ${element}, which need not keep a mean of zero`;
    return miss(because, "center after the cast", op.result);
  }
  const rounds = x.element === "f32" && element !== "f32";
  const because = () =>
    rounds
      ? `${quoted(op.result)} is ${quoted(x)} in ${element}: its mean is zero except for rounding (approximate)`
      : `${quoted(op.result)} is a cast that represents every number of ${quoted(x)}`;
  const assumes = rounds
    ? { assumes: `the rounding of ${quoted(op.result)} to ${element} leaves a row mean of zero` }
    : {};
  return [{ claims: [{ kind: "zero", operand: 0, rows }], exact: true, because, ...assumes }];
}

function throughElementwise(op: Op, rows: Rows): Ways {
  const name = () => quoted(op.result);
  const all = [...op.operands.keys()];
  const constantRows = along(
    { axes: rows.axes, ...(rows.block === undefined ? {} : { block: rows.block }) },
    rows.axes,
  );
  const claim = (kind: OperandClaim["kind"], operand: number): OperandClaim => ({
    kind,
    operand,
    rows: kind === "zero" ? rows : constantRows,
  });
  switch (ops[op.name].facts.rowMeanZero) {
    case "sum": {
      const because = () => `${name()} is ${all.length === 1 ? "the negative" : "a sum"} of rows of mean zero`;
      return [{ claims: all.map((operand) => claim("zero", operand)), exact: true, because }];
    }
    case "choice": {
      const claims = all.map((operand) => claim(operand === 0 ? "constant" : "zero", operand));
      return [{ claims, exact: true, because: () => `${name()} is one or the other for a whole row` }];
    }
    case "sum of products": {
      const because = () => `${name()} is a sum of rows of mean zero, scaled by factors that are constant along them`;
      const product = (zero: number) => [claim("zero", zero), claim("constant", 1 - zero), claim("zero", 2)];
      return [0, 1].map((zero) => ({ claims: product(zero), exact: true, because }));
    }
    default: {
      const scaled = (which: number): Way => {
        const claims = [claim("zero", which), ...all.filter((i) => i !== which).map((i) => claim("constant", i))];
        const of = op.operand(which);
        const because = () => `${name()} is ${quoted(of)} scaled by a factor that is constant along the row`;
        return { claims, exact: true, because };
      };
      return (ops[op.name].facts.rowMeanZero === "scale" ? all : [0]).map(scaled);
    }
  }
}

/** A sum of rows has the sum of their means. */
function throughReduction(op: Op, rows: Rows): Ways {
  const { axes } = rows;
  const x = op.operand(0);
  const rank = x.shape.length;
  const folded = attribute.axes(op.attributes);
  const kept = [...Array(rank).keys()].map((axis) => axis - rank).filter((axis) => !folded.includes(axis));
  const keepsDims = attribute.flag(op.attributes, "keepdims");
  const moved = keepsDims ? axes : axes.map((axis) => kept.at(axis) as number);
  if (moved.some((axis) => folded.includes(axis))) {
    return miss(`${quotedOp(op)} reduces the row itself`, "reduce other axes", op.result);
  }
  const because = () => `${quoted(op.result)} adds up rows of mean zero`;
  return [{ claims: [{ kind: "zero", operand: 0, rows: along(rows, moved) }], exact: true, because }];
}

/** A norm's row before gamma and beta, then gamma and beta. */
function throughNorm(op: Op, rows: Rows): Ways {
  const { axes } = rows;
  const fact = ops[op.name].facts.rowMeanZero;
  const own = attribute.axes(op.attributes);
  const name = () => quoted(op.result);
  if (isScaled(rows)) return miss(`${quotedOp(op)} works over whole rows`, "center its result", op.result);
  // gamma and beta have only the axes of the norm, so their last axis is the last axis that the norm reduces.
  const moved = axes.filter((axis) => own.includes(axis)).map((axis) => own.indexOf(axis) - own.length);
  const affine: OperandClaim[] = [];
  if (op.operands[1] !== undefined) affine.push({ kind: "constant", operand: 1, rows: along(rows, moved) });
  if (op.operands[2] !== undefined) affine.push({ kind: "zero", operand: 2, rows: along(rows, moved) });
  const isWithin = (inner: readonly number[], outer: readonly number[]) => inner.every((axis) => outer.includes(axis));
  const of: OperandClaim = { kind: "zero", operand: 0, rows };
  const ways: Way[] = [];
  if (fact === "result" && isPlain(rows) && isWithin(own, axes)) {
    const because = () => `${name()} ${byOp(op, (by) => `is the result of ${by}`) || "makes rows of mean zero"}`;
    ways.push({ claims: affine, exact: true, because });
  }
  // Not exact: it is a centering that moves, so it does not move through another.
  if (ops[op.name].facts.linear === true) {
    ways.push({
      claims: [of],
      exact: false,
      because: () => `${name()} has rows of mean zero wherever ${quoted(op.operand(0))} has them`,
    });
  } else if (isWithin(axes, own)) {
    const because = () => `${name()} scales rows of mean zero${byOp(op, (by) => ` (${by})`)}`;
    ways.push({ claims: [of, ...affine], exact: false, because });
  }
  if (ways.length > 0) return ways;
  const because = `${quotedOp(op)} works over axes ${printAxes(own)}, but the mean here is over ${printAxes(axes)}`;
  return miss(because, "use the same axes for both", op.result);
}

/** Products, concatenations, slices, lookups: the op table says which means of operands suffice. */
function throughLinear(op: Op, def: LinearDef | IndexDef, rows: Rows): Ways {
  const { axes } = rows;
  const shapes = op.operands.map((operand) => operand?.shape);
  // Vectors along the row lie along one axis of each operand only where centering the operands is centering the result.
  const isSameVector = ({ exact, means }: ZeroMeanWay) => exact && means.every(({ block }) => block === rows.block);
  const ways = def.zeroMean(rows, shapes, op.attributes).filter((way) => !isScaled(rows) || isSameVector(way));
  if (ways.length === 0) {
    const because = `${quotedOp(op)} does not keep a mean of zero over axes ${printAxes(axes)}`;
    const help =
      "it is preserved by products whose weights have it, by lookups and concatenations of rows that all have it, and by slices of other axes";
    return miss(because, help, op.result);
  }
  return ways.map(({ exact, means }) => {
    const because = () => {
      const whose = means.map(({ operand, axes: own }) => `axes ${printAxes(own)} of ${quoted(op.operand(operand))}`);
      const made = byOp(op, (by) => by) || "made";
      return `${quoted(op.result)} is ${made} of operands with mean zero (over ${listing([...new Set(whose)])})`;
    };
    return {
      claims: means.map(({ operand, axes: own, block }) => ({
        kind: "zero",
        operand,
        rows: along({ ...rows, block }, own),
      })),
      exact,
      because,
    };
  });
}

/** What the op itself declares about its rows. */
function throughExtern(op: Op, rows: Rows): Ways {
  const summed = attribute.integers(op.attributes, "rows");
  const kept = attribute.integers(op.attributes, "kept");
  if (summed.length === 0 || op.results.length > 1 || !rows.axes.every((axis) => kept.includes(axis))) {
    const node = attribute.text(op.attributes, "op");
    const name = quoted(op.result);
    const who = byOp(op, () => `\`${node}\`, which makes ${name},`) || name;
    const because = `${who} need not keep a row mean of zero`;
    return miss(because, "center its result", op.result);
  }
  const claims = summed.map((operand): OperandClaim => ({ kind: "zero", operand, rows }));
  const because = () => `the rows of ${quoted(op.result)} are sums of rows of mean zero`;
  return [{ claims, exact: true, because }];
}

function throughShape(op: Op, { move }: ShapeDef, rows: Rows): Ways {
  const { axes } = rows;
  const x = op.operand(0);
  const way = (moved: Rows, how: () => string): Ways => {
    const because = () => `${quoted(op.result)} ${how()}`;
    return [{ claims: [{ kind: "zero", operand: 0, rows: moved }], exact: true, because }];
  };
  if (move === "repeat") return way(rows, () => `repeats ${quoted(x)}`);
  const moved =
    move === "permute" ? along(rows, throughPermutation(op, axes)) : throughReshape(x.shape, op.result.shape, rows);
  if (moved !== undefined) return way(moved, () => `is ${quoted(x)} with its rows moved`);
  const because = `${quoted(op.result)} regroups rows: its axes ${printAxes(axes)} are not axes of ${quoted(x)}`;
  return miss(because, "center after the reshape", op.result);
}

function throughPermutation(op: Op, axes: readonly number[]): number[] {
  const perm = attribute.permutation(op.attributes);
  return axes
    .map((axis) => perm.at(axis) as number)
    .map((axis) => (axis < 0 ? axis : axis - perm.length))
    .sort((a, b) => a - b);
}

/** The rows of a reshape's operand with the same elements: both are contiguous runs of elements. */
function throughReshape(from: Shape, to: Shape, rows: Rows): Rows | undefined {
  const moved = rows.block === undefined ? sameRun(from, to, rows) : sameBlocks(from, to, rows, rows.block);
  if (moved === undefined || !isScaled(rows)) return moved;
  // A vector along the row stays one along a single axis of the same extent.
  const isOneAxis = moved.axes.length === 1 && moved.block === undefined;
  return isOneAxis ? along(rows, moved.axes) : undefined;
}

/** The product of the extents of all axes after an axis. */
const behind = (shape: Shape, axis: number) => extentOf(shape.slice(axis).slice(1));

function sameRun(from: Shape, to: Shape, { axes }: Rows): Rows | undefined {
  const first = axes[0] as number;
  if (axes.some((axis, i) => axis !== first + i)) return undefined;
  const last = axes.at(-1) as number;
  const [run, rest] = [extentOf(to.slice(first).slice(0, axes.length)), behind(to, last)];
  for (let end = -1; end >= -from.length; end--) {
    if (behind(from, end) !== rest) continue;
    for (let start = end; start >= -from.length; start--) {
      const own = Array.from({ length: end - start + 1 }, (_, i) => start + i);
      if (extentOf(own.map((axis) => from.at(axis) as Dim)) === run) return { axes: own };
    }
    const block = Number(run);
    const extent = from.at(end);
    if (Number.isInteger(block) && typeof extent === "number" && extent % block === 0) return { axes: [end], block };
  }
  return undefined;
}

function sameBlocks(from: Shape, to: Shape, { axes: [axis = -1] }: Rows, block: number): Rows | undefined {
  const rest = behind(to, axis);
  for (let end = -1; end >= -from.length; end--) {
    if (behind(from, end) !== rest) continue;
    const extent = from.at(end);
    if (extent === block) return { axes: [end] };
    if (typeof extent === "number" && extent % block === 0) return { axes: [end], block };
  }
  return undefined;
}

/** A product of dimensions in a form in which equal products compare equal. */
function extentOf(dims: readonly Dim[]): string {
  const number = dims.reduce<number>((product, dim) => (typeof dim === "number" ? product * dim : product), 1);
  return [number, ...dims.filter((dim) => typeof dim === "string").sort()].join("*");
}
