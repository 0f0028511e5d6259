/**
 * Rewrites statistics of long rows before the rows are split among workgroups (long-rows.ts):
 *
 *   x - mean(x)  ->  (x - s) - mean(x - s)
 *   var(x)       ->  var(x - s)
 *
 * where s is the median of three elements of the row, which a single outlier cannot be. The mean of a row is stored between
 * kernels as one f32: for a row far from 0, its rounding error would be large compared with the differences from it. Halves are
 * computed in f32, as in one kernel, and rounded where the function returns them.
 */

import { Builder, Copies, makeOp, rewriteFn } from "../ir/builder.ts";
import { getOrInsert, grouped } from "../ir/groups.ts";
import { type Fn, isLeaf, isOp, makeFn, type Op, usesOf, type Value } from "../ir/ir.ts";
import { attribute } from "../ir/ops/attributes.ts";
import { ops as table } from "../ir/ops/index.ts";
import { elementCount } from "../ir/tensor.ts";
import { isNarrow } from "../ir/types.ts";
import { longRowTiles } from "./row-tiles.ts";

/** The reductions of rows that have at least this many elements, in kernels that have no other reductions. */
function longReductions({ ops }: Fn, least: number): ReadonlySet<Op> {
  const reductions = ops.filter(({ name }) => table[name].kind === "reduction");
  const kernels = grouped(reductions, ({ kernel }) => kernel);
  return new Set([...kernels.values()].filter((ofKernel) => longRowTiles(ofKernel, least) !== undefined).flat());
}

export const hasLongRows = (fn: Fn, least: number): boolean => longReductions(fn, least).size > 0;

/** @param least the minimum length of a long row, in elements. */
export function inParts(given: Fn, least: number): Fn {
  const fn = isOneKernel(given) ? widened(given) : given;
  const uses = usesOf(fn);
  const long = longReductions(fn, least);
  const known = new Map<Value, Map<string, Value>>();
  const centered = new Map<Value, { readonly x: Value; readonly rows: Value; readonly mean: Value }>();

  const shifted = (x: Value, axes: readonly number[], to: Builder): Value => {
    const ofX = getOrInsert(known, x, () => new Map<string, Value>());
    return getOrInsert(ofX, String(axes), () => to.emit("sub", [x, medianOfThree(x, axes, to)]));
  };
  const isSubtracted = ({ operands: [x], results: [mean] }: Op) =>
    uses(mean as Value).ops.some(({ name, operands }) => name === "sub" && operands[0] === x && operands[1] === mean);

  return rewriteFn(fn, (op, to, original) => {
    const [x, from] = op.operands as readonly [Value, Value | undefined];
    if (op.name === "sub") {
      const of = from && centered.get(from);
      return of?.x === x ? to.emit("sub", [of.rows, of.mean]) : undefined;
    }
    // Halves that several kernels share stay halves, and their rows are not split.
    if (!long.has(original) || isNarrow(x.element)) return undefined;
    const axes = attribute.axes(op.attributes);
    const isMean = op.name === "mean" && isSubtracted(original);
    if (!isMean && op.name !== "var" && op.name !== "std" && op.name !== "moments") return undefined;
    const rows = shifted(x, axes, to);
    const results = to.op(op.name, [rows], op.attributes).results;
    if (op.name === "var" || op.name === "std") return results;
    const keepdims = attribute.flag(op.attributes, "keepdims");
    const mean = to.emit("mean", [x], { axes, keepdims });
    if (keepdims) centered.set(mean, { x, rows, mean: results[0] as Value });
    return [mean, ...results.slice(1)];
  });
}

/** The median of the first, the middle and the last element of each row, with the axes kept. */
function medianOfThree(x: Value, axes: readonly number[], to: Builder): Value {
  const lead = x.shape.slice(0, x.shape.length - axes.length);
  const length = elementCount(x.shape.slice(-axes.length) as readonly number[]);
  const rows = axes.length === 1 ? x : to.emit("reshape", [x], { shape: [...lead, length] });
  const [a, b, c] = [0, Math.floor(length / 2), length - 1].map((start) =>
    to.emit("slice", [rows], { axis: -1, start, end: start + 1 }),
  ) as [Value, Value, Value];
  const [low, high] = [to.emit("minimum", [a, b]), to.emit("maximum", [a, b])];
  const median = to.emit("maximum", [low, to.emit("minimum", [high, c])]);
  return axes.length === 1 ? median : to.emit("reshape", [median], { shape: [...lead, ...axes.map(() => 1)] });
}

/** Whether all ops are in the same kernel. Otherwise values that kernels store for one another must keep their types. */
const isOneKernel = ({ ops }: Fn) => new Set(ops.filter((op) => !isLeaf(op)).map(({ kernel }) => kernel)).size === 1;

/** The function with halves computed in f32. The program's own casts still round. */
function widened(fn: Fn): Fn {
  const all = [...fn.params, ...fn.ops.flatMap(({ results }) => results)];
  if (!all.some(({ element }) => isNarrow(element))) return fn;
  const to = new Builder(fn.span);
  const wide = new Copies();
  const now = (value: Value): Value => {
    return getOrInsert(wide, value, () => (isNarrow(value.element) ? to.emit("cast", [value], { to: "f32" }) : value));
  };
  for (const op of fn.ops) {
    to.standAt(op);
    const name = op.results[0]?.name;
    if (op.name === "global") to.add(op);
    else if (isOp(op, "constant") && isNarrow(op.result.element)) {
      wide.set(op.result, to.constant("f32", op.attributes.value));
    } else if (op.name === "cast") {
      const made = to.emit("cast", [now(op.operand(0))], op.attributes, name);
      wide.set(op.result, isNarrow(made.element) ? to.emit("cast", [made], { to: "f32" }) : made);
    } else {
      const operands = op.operands.map((value) => value && now(value));
      const names = op.results.map((result) => result.name);
      const made = makeOp(op.name, operands, op.attributes, { places: { op: op.span }, names, kernel: op.kernel });
      wide.record(op, to.add(made));
    }
  }
  const kernel = fn.ops.find((op) => op.kernel !== undefined)?.kernel;
  to.standAt({ span: fn.span, kernel });
  const results = fn.results.map(({ name, value }) => {
    const made = now(value);
    return { name, value: isNarrow(value.element) ? to.emit("cast", [made], { to: value.element }) : made };
  });
  return makeFn({ ...fn, ops: to.ops, results });
}
