/**
 * Rows of the op table for norms: each row of the operand in, a row of the same length out.
 * `normalize` is the oracle's definition; `define` says the same in primitive ops, for kernels.
 */

import * as typeErrors from "../../diagnostics/areas/types.ts";
import type { Attributes, Value } from "../ir.ts";
import { type Dim, printShape, type Shape } from "../types.ts";
import { type AttributeDef, attribute, floats, type NormRow, type NormView, type Refusal } from "./def.ts";
import type { Emitter } from "./emitter.ts";
import { meanOf, sumOf, varianceOf } from "./math.ts";
import type { ReductionName } from "./reductions.ts";

const axes: AttributeDef = { type: "axes", summary: "The axes of a row; -1 is the last, several are taken as one." };
const epsilon = (value: number): AttributeDef => ({
  type: "size",
  default: value,
  summary: "Added inside the square root.",
});

/** A norm over named axes: the operand as it is, gamma and beta in the shape of those axes. */
function overAxes(shape: Shape, attributes: Attributes): NormView {
  const columns = attribute.axes(attributes);
  const isColumn = (axis: number) => columns.includes(axis - shape.length);
  return {
    view: shape,
    axes: columns,
    affine: shape.filter((_, axis) => isColumn(axis)),
    affineView: shape.map((dim, axis) => (isColumn(axis) ? dim : 1)),
  };
}

/** [batch, channel, ...] seen as [batch, group, channel of the group, ...]; a row is all but the first two. */
function overGroups(shape: Shape, attributes: Attributes): NormView {
  const groups = attribute.number(attributes, "groups");
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

function groupsRefused(shape: Shape, attributes: Attributes): Refusal | undefined {
  const groups = attribute.number(attributes, "groups");
  if (shape.length < 2) return (at) => typeErrors.groupRank(at(0), printShape(shape));
  const channels = shape[1];
  const divides = typeof channels === "number" ? channels % groups === 0 : groups === 1;
  return divides ? undefined : (at) => typeErrors.groupsDoNotDivide(at(0), groups, String(channels));
}

/** Ops over columns, with the axis kept so that the result broadcasts back. */
const fold = (emit: Emitter, name: ReductionName, x: Value, columns: readonly number[]) =>
  emit.emit(name, [x], { axes: columns, keepdims: true });

const inverseRoot = (emit: Emitter, x: Value, eps: Value | undefined) =>
  emit.emit("rsqrt", [eps === undefined ? x : emit.emit("add", [x, eps])]);

const scaledBy = (row: Float64Array, factor: number) => row.map((x) => x * factor);
const meanSquare = (row: Float64Array) => meanOf(scaledBySelf(row));
const scaledBySelf = (row: Float64Array) => row.map((x) => x * x);
const eps = (attributes: Attributes) => attribute.number(attributes, "eps");

function centered(row: Float64Array): Float64Array {
  const mean = meanOf(row);
  return row.map((x) => x - mean);
}

function standardized(row: Float64Array, attributes: Attributes): Float64Array {
  return scaledBy(centered(row), 1 / Math.sqrt(varianceOf(row, 0) + eps(attributes)));
}

/** The row's largest element, and exp(x - that): nothing overflows. */
function shiftedPowers(row: Float64Array) {
  const top = row.reduce((a, b) => Math.max(a, b), -Infinity);
  return { top, powers: row.map((x) => Math.exp(x - top)) };
}

const centerOf = (emit: Emitter, x: Value, columns: readonly number[]) =>
  emit.emit("sub", [x, fold(emit, "mean", x, columns)]);

const standardize: NormRow["define"] = (emit, x, columns, eps) => {
  const inverse = inverseRoot(emit, fold(emit, "var", x, columns), eps);
  return emit.emit("mul", [centerOf(emit, x, columns), inverse]);
};

const exponentials = (emit: Emitter, x: Value, columns: readonly number[]) => {
  const shifted = emit.emit("sub", [x, fold(emit, "max", x, columns)]);
  const powers = emit.emit("exp", [shifted]);
  return { shifted, powers, total: fold(emit, "sum", powers, columns) };
};

type Parts = Pick<NormRow, "summary" | "normalize" | "define"> & Partial<Pick<NormRow, "refuse" | "view" | "facts">>;

function norm(operands: readonly string[], attributes: Readonly<Record<string, AttributeDef>>, parts: Parts): NormRow {
  const named = operands.map((name) => ({ name, optional: name !== "x" }));
  return { kind: "norm", operands: named, attributes, elements: floats, facts: {}, view: overAxes, ...parts };
}

/** Written out, for definitions are checked against the names of all ops, of which these are some. */
export type NormName = "layernorm" | "rmsnorm" | "center" | "softmax" | "log_softmax" | "l2norm" | "groupnorm";

export const normOps: Readonly<Record<NormName, NormRow>> = {
  layernorm: norm(
    ["x", "gamma", "beta"],
    { axes, eps: epsilon(1e-5) },
    {
      summary: "`(x - mean) / sqrt(variance + eps) * gamma + beta`, the variance biased (Ba et al. 2016).",
      normalize: standardized,
      define: standardize,
      facts: { rowMeanZero: "result", ignoresShift: true },
    },
  ),
  rmsnorm: norm(
    ["x", "gamma"],
    { axes, eps: epsilon(1e-5) },
    {
      summary: "`x / sqrt(mean(x^2) + eps) * gamma` (Zhang & Sennrich 2019).",
      normalize: (row, attributes) => scaledBy(row, 1 / Math.sqrt(meanSquare(row) + eps(attributes))),
      define: (emit, x, columns, eps) => {
        const square = fold(emit, "mean", emit.emit("mul", [x, x]), columns);
        return emit.emit("mul", [x, inverseRoot(emit, square, eps)]);
      },
      facts: { rowMeanZero: "scale" },
    },
  ),
  center: norm(
    ["x"],
    { axes },
    {
      summary: "`x - mean(x)`: the projection on rows of mean zero.",
      normalize: centered,
      define: centerOf,
      facts: { idempotent: true, rowMeanZero: "result", linear: true, ignoresShift: true },
    },
  ),
  softmax: norm(
    ["x"],
    { axes },
    {
      summary: "`exp(x) / sum(exp(x))`.",
      normalize: (row) => {
        const { powers } = shiftedPowers(row);
        return scaledBy(powers, 1 / sumOf(powers));
      },
      define: (emit, x, columns) => {
        const { powers, total } = exponentials(emit, x, columns);
        return emit.emit("div", [powers, total]);
      },
      facts: { ignoresShift: true },
    },
  ),
  log_softmax: norm(
    ["x"],
    { axes },
    {
      summary: "`x - log(sum(exp(x)))`.",
      normalize: (row) => {
        const { top, powers } = shiftedPowers(row);
        const logTotal = Math.log(sumOf(powers));
        return row.map((x) => x - top - logTotal);
      },
      define: (emit, x, columns) => {
        const { shifted, total } = exponentials(emit, x, columns);
        return emit.emit("sub", [shifted, emit.emit("log", [total])]);
      },
      facts: { ignoresShift: true },
    },
  ),
  l2norm: norm(
    ["x"],
    { axes, eps: epsilon(0) },
    {
      summary: "`x / sqrt(sum(x^2) + eps)`.",
      normalize: (row, attributes) => scaledBy(row, 1 / Math.sqrt(sumOf(scaledBySelf(row)) + eps(attributes))),
      define: (emit, x, columns, eps) => {
        const square = fold(emit, "sum", emit.emit("mul", [x, x]), columns);
        return emit.emit("mul", [x, inverseRoot(emit, square, eps)]);
      },
      facts: { rowMeanZero: "scale" },
    },
  ),
  groupnorm: norm(
    ["x", "gamma", "beta"],
    {
      groups: { type: "integer", minimum: 1, summary: "How many groups the channels are cut into." },
      eps: epsilon(1e-5),
    },
    {
      summary: "LayerNorm over each group of channels of `[batch, channel, ...]`; gamma and beta a number a channel.",
      refuse: groupsRefused,
      view: overGroups,
      normalize: standardized,
      define: standardize,
    },
  ),
};
