/**
 * Rows of the op table for norms, which map each row of the operand to a row of the same length.
 * `normalize` is the oracle's definition; `define` is the same in primitive ops, for kernels; `gradient` propagates gradients
 * through a row.
 */

import * as shapeErrors from "../../diagnostics/areas/shapes.ts";
import type { Value } from "../ir.ts";
import { type Dim, printShape, type Shape } from "../types.ts";
import type { AttributeDefs, AttributesOf, Declaring } from "./attributes.ts";
import { floats, type NormDef, type NormView, type Refusal } from "./def.ts";
import type { Emitter } from "./emitter.ts";
import { meanOf, sumOf, varianceOf } from "./math.ts";
import { normVjp, type RowGradient, type RowOf, scaled, throughScaling } from "./norm-gradients.ts";
import type * as reductions from "./reductions.ts";
import type { Terms } from "./vjp.ts";

const axes = {
  axes: { type: "axes", summary: "The axes of a row; -1 is the last. Several axes form one row." },
} as const;
const epsilon = (value: number) =>
  ({ eps: { type: "size", default: value, summary: "Added inside the square root." } }) as const;
const groups = {
  groups: { type: "integer", minimum: 1, summary: "The number of groups into which the channels are divided." },
} as const;

type Holding = AttributesOf<typeof axes & ReturnType<typeof epsilon> & typeof groups>;

/** A norm over given axes: the operand itself is the view, and gamma and beta have the shape of those axes. */
function overAxes(shape: Shape, { axes: columns }: Pick<Holding, "axes">): NormView {
  const isColumn = (axis: number) => columns.includes(axis - shape.length);
  return {
    view: shape,
    axes: columns,
    affine: shape.filter((_, axis) => isColumn(axis)),
    affineView: shape.map((dim, axis) => (isColumn(axis) ? dim : 1)),
  };
}

/** [batch, channel, ...] viewed as [batch, group, channel of the group, ...]; a row consists of all axes but the first two. */
function overGroups(shape: Shape, { groups }: Pick<Holding, "groups">): NormView {
  const [batch, channels, ...rest] = shape as [Dim, Dim, ...Dim[]];
  const grouped = typeof channels === "number" ? channels / groups : channels;
  const view = [batch, groups, grouped, ...rest];
  return {
    view,
    axes: view.slice(2).map((_, i) => i + 2 - view.length),
    affine: [channels],
    affineView: [1, groups, grouped, ...rest.map(() => 1)],
  };
}

function groupsRefused(shape: Shape, { groups }: Pick<Holding, "groups">): Refusal | undefined {
  if (shape.length < 2) return (at) => shapeErrors.groupRank(at(0), printShape(shape));
  const channels = shape[1];
  const divides = typeof channels === "number" ? channels % groups === 0 : groups === 1;
  return divides ? undefined : (at) => shapeErrors.groupsDoNotDivide(at("groups"), groups, String(channels));
}

/** Reductions over columns that keep the axes, so that the result broadcasts. */
const reduced = (emit: Emitter, name: keyof typeof reductions, x: Value, columns: readonly number[]) =>
  emit.emit(name, [x], { axes: columns, keepdims: true });

const inverseRoot = (emit: Emitter, x: Value, eps: Value | undefined) =>
  emit.emit("rsqrt", [eps === undefined ? x : emit.emit("add", [x, eps])]);

const scaledBy = (row: Float64Array, factor: number) => row.map((x) => x * factor);
const meanSquare = (row: Float64Array) => meanOf(scaledBySelf(row));
const scaledBySelf = (row: Float64Array) => row.map((x) => x * x);

function centered(row: Float64Array): Float64Array {
  const mean = meanOf(row);
  return row.map((x) => x - mean);
}

function standardized(row: Float64Array, { eps }: Pick<Holding, "eps">): Float64Array {
  return scaledBy(centered(row), 1 / Math.sqrt(varianceOf(row, 0) + eps));
}

/** The row's largest element, and exp(x - largest), which cannot overflow. */
function shiftedPowers(row: Float64Array) {
  const top = row.reduce((a, b) => Math.max(a, b), -Infinity);
  return { top, powers: row.map((x) => Math.exp(x - top)) };
}

const centerOf = (emit: Emitter, x: Value, columns: readonly number[]) =>
  emit.emit("sub", [x, reduced(emit, "mean", x, columns)]);

const standardize: NormDef["define"] = (emit, x, columns, eps) => {
  const inverse = inverseRoot(emit, reduced(emit, "var", x, columns), eps);
  return emit.emit("mul", [centerOf(emit, x, columns), inverse]);
};

const exponentials = (emit: Emitter, x: Value, columns: readonly number[]) => {
  const shifted = emit.emit("sub", [x, reduced(emit, "max", x, columns)]);
  const powers = emit.emit("exp", [shifted]);
  return { shifted, powers, total: reduced(emit, "sum", powers, columns) };
};

const affine = { gamma: { name: "gamma", optional: true }, beta: { name: "beta", optional: true } } as const;

interface Parts<A extends AttributeDefs>
  extends Pick<NormDef<A>, "summary" | "normalize" | "define">,
    Partial<Pick<NormDef<A>, "refuse" | "view" | "facts">> {
  readonly attributes: A;
  /** The operands after `x`. */
  readonly takes?: readonly (typeof affine)[keyof typeof affine][];
  readonly gradient: RowGradient;
}

/** A norm over the attribute `axes`, unless `view` is given. */
function norm<const A extends AttributeDefs>({ takes = [], gradient, ...parts }: Parts<A>): Declaring<NormDef, A> {
  const common = { kind: "norm", operands: [{ name: "x" }, ...takes], elements: floats, facts: {}, view: overAxes };
  // Functions of a row are only called with that row's attributes.
  const def = { ...common, ...parts } as unknown as Declaring<NormDef, A>;
  return { ...def, vjp: normVjp(gradient, def) };
}

const standardizedIn = (t: Terms, at: RowOf) => scaled(t, t.center(at.x, at.axes), at, "mean", "rstd");
const standardizing: RowGradient = {
  byX: (t, at) => throughScaling(t, standardizedIn(t, at), t.center(at.g, at.axes), at, "mean", 2),
  row: (t, at) => standardizedIn(t, at).row,
};

export const layernorm = norm({
  summary: "`(x - mean) / sqrt(variance + eps) * gamma + beta`, the variance biased (Ba et al. 2016).",
  takes: [affine.gamma, affine.beta],
  attributes: { ...axes, ...epsilon(1e-5) },
  facts: { rowMeanZero: "result", ignoresShift: true },
  normalize: standardized,
  define: standardize,
  gradient: standardizing,
});

export const groupnorm = norm({
  summary:
    "LayerNorm over each group of channels of `[batch, channel, ...]`; gamma and beta have one number per channel.",
  takes: [affine.gamma, affine.beta],
  attributes: { ...groups, ...epsilon(1e-5) },
  refuse: groupsRefused,
  view: overGroups,
  normalize: standardized,
  define: standardize,
  gradient: standardizing,
});

const rootMeanSquareIn = (t: Terms, at: RowOf) => scaled(t, at.x, at, "mean", "rrms");

export const rmsnorm = norm({
  summary: "`x / sqrt(mean(x^2) + eps) * gamma` (Zhang & Sennrich 2019).",
  takes: [affine.gamma],
  attributes: { ...axes, ...epsilon(1e-5) },
  facts: { rowMeanZero: "scale" },
  normalize: (row, { eps }) => scaledBy(row, 1 / Math.sqrt(meanSquare(row) + eps)),
  define: (emit, x, columns, eps) => {
    const square = reduced(emit, "mean", emit.emit("mul", [x, x]), columns);
    return emit.emit("mul", [x, inverseRoot(emit, square, eps)]);
  },
  gradient: {
    byX: (t, at) => throughScaling(t, rootMeanSquareIn(t, at), at.g, at, "mean", 1),
    row: (t, at) => rootMeanSquareIn(t, at).row,
  },
});

export const l2norm = norm({
  summary: "`x / sqrt(sum(x^2) + eps)`.",
  attributes: { ...axes, ...epsilon(0) },
  facts: { rowMeanZero: "scale" },
  normalize: (row, { eps }) => scaledBy(row, 1 / Math.sqrt(sumOf(scaledBySelf(row)) + eps)),
  define: (emit, x, columns, eps) => {
    const square = reduced(emit, "sum", emit.emit("mul", [x, x]), columns);
    return emit.emit("mul", [x, inverseRoot(emit, square, eps)]);
  },
  gradient: { byX: (t, at) => throughScaling(t, scaled(t, at.x, at, "sum", "rnorm"), at.g, at, "sum", 1) },
});

export const center = norm({
  summary: "`x - mean(x)`: the projection on rows of mean zero.",
  attributes: axes,
  facts: { idempotent: true, rowMeanZero: "result", linear: true, ignoresShift: true },
  normalize: centered,
  define: centerOf,
  // A centering is its own transpose.
  gradient: { byX: (t, { g, axes }) => t.center(g, axes) },
});

export const softmax = norm({
  summary: "`exp(x) / sum(exp(x))`.",
  attributes: axes,
  facts: { ignoresShift: true },
  normalize: (row) => {
    const { powers } = shiftedPowers(row);
    return scaledBy(powers, 1 / sumOf(powers));
  },
  define: (emit, x, columns) => {
    const { powers, total } = exponentials(emit, x, columns);
    return emit.emit("div", [powers, total]);
  },
  gradient: {
    byX: (t, { x, g, axes }) => {
      const y = t.op("softmax", [x], { axes });
      return t.mul(y, t.sub(g, t.sum(t.mul(g, y), axes)));
    },
  },
});

export const log_softmax = norm({
  summary: "`x - log(sum(exp(x)))`.",
  attributes: axes,
  facts: { ignoresShift: true },
  normalize: (row) => {
    const { top, powers } = shiftedPowers(row);
    const logTotal = Math.log(sumOf(powers));
    return row.map((x) => x - top - logTotal);
  },
  define: (emit, x, columns) => {
    const { shifted, total } = exponentials(emit, x, columns);
    return emit.emit("sub", [shifted, emit.emit("log", [total])]);
  },
  gradient: {
    byX: (t, { x, g, axes }) => t.sub(g, t.mul(t.op("softmax", [x], { axes }), t.sum(g, axes))),
  },
});
