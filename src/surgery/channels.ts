/**
 * Tracks the channel axis of a norm's result through the ops that read it. Axes are counted from the end.
 *
 * Each row along the channel axis is a row of the norm, or a mean of such rows, so that adding a vector to all rows of the
 * norm, or multiplying them by one, does the same to these rows. A rule maps an axis of an op's input to an axis of its
 * result, as in the layout propagation of TVM and XLA; an op without a rule ends the search.
 */

import { type Extent, isSame, multiply } from "../onnx/extent.ts";
import { cuts } from "../onnx/types/shapes.ts";
import { decline, type Scope, type TensorInfo, TypeView, tried } from "../onnx/types/view.ts";
import { type Draft, type Line, opOf } from "./draft.ts";

type Shape = readonly Extent[];
/** The axis in the result; undefined if the rows of the result are not rows of the input. */
type AxisRule = (at: TypeView, axis: number, result: TensorInfo) => number | undefined;

/** The stride of an axis in a row-major layout. */
const strideOf = (shape: Shape, axis: number): Extent => multiply(1, ...shape.slice(shape.length + axis + 1));

/** A reshape keeps the order of elements, so the axis is the one with the same extent and stride. */
const regrouped: AxisRule = (at, axis, result) => {
  const [from, to] = [lastOf(at.info(0)), lastOf(result)];
  if (axis === -1 && from !== undefined && to !== undefined && isSame(from, to)) return axis;
  const [x, shape] = [at.shape(0), shapeOf(result)];
  const isIt = (own: number) =>
    isSame(shape.at(own) as Extent, x.at(axis) as Extent) && isSame(strideOf(shape, own), strideOf(x, axis));
  return shape.map((_, i) => i - shape.length).find(isIt);
};

/** The last extent may be known when the rank is not. */
const lastOf = ({ shape, last }: TensorInfo) => shape?.at(-1) ?? last;
const shapeOf = ({ shape }: TensorInfo) => shape ?? decline("the rank of its result is not known");

const transposed: AxisRule = (at, axis) => {
  const perm = at.ints("perm") ?? at.shape(0).map((_, i, { length }) => length - 1 - i);
  return perm.indexOf(axis + perm.length) - perm.length;
};

const unless = (axis: number, rank: number, named: readonly number[]) =>
  named.includes(axis + rank) ? undefined : axis;

/** An op that splits or concatenates along the axis in its attribute. */
const besideAxis: AxisRule = (at, axis) => {
  const { length } = at.shape(0);
  return unless(axis, length, [at.axis(at.int("axis", 0), length)]);
};

const sliced: AxisRule = (at, axis) => {
  const { length } = at.shape(0);
  const axes = cuts(at, length).map((cut) => cut.axis);
  return unless(axis, length, axes);
};

const gathered: AxisRule = (at, axis) => {
  const { length } = at.shape(0);
  const along = at.axis(at.int("axis", 0), length) - length;
  if (axis === along) return undefined;
  // The axes of the indices replace the gathered one, which moves the axes before it.
  return axis > along ? axis : axis - (at.shape(1).length - 1);
};

const repeated: AxisRule = (at, axis, result) => {
  return isSame(at.shape(0).at(axis) as Extent, shapeOf(result).at(axis) as Extent) ? axis : undefined;
};

/** Exporters also emit a Pad that adds nothing. */
const unpadded: AxisRule = (at, axis) => {
  const pads = at.opset < 11 ? (at.ints("pads") ?? []) : at.integers(1);
  return pads.every((pad) => pad === 0) ? axis : undefined;
};

const averaged: AxisRule = (at, axis) => {
  const { length } = at.shape(0);
  const axes = at.axes(at.axesOf(17, 1) ?? [], length);
  if (axes.length === 0 || axes.includes(axis + length)) return undefined;
  return at.int("keepdims", 1) === 0 ? axis + axes.filter((other) => other > axis + length).length : axis;
};

/** Means over positions; channels are the second axis. */
const pooled: AxisRule = (at, axis) => {
  const isOfRowsAlone = (at.ints("pads") ?? []).every((pad) => pad === 0) && at.text("auto_pad", "NOTSET") === "NOTSET";
  return isOfRowsAlone && at.int("ceil_mode", 0) === 0 && axis === 1 - at.shape(0).length ? axis : undefined;
};

const rules: ReadonlyMap<string, AxisRule> = new Map<string, AxisRule>([
  ["Identity", (_, axis) => axis],
  ["Cast", (at, axis) => (at.int("to", 0) === at.element(0) ? axis : undefined)],
  ...["Reshape", "Flatten", "Squeeze", "Unsqueeze"].map((name) => [name, regrouped] as const),
  ["Transpose", transposed],
  ["Slice", sliced],
  ["Gather", gathered],
  ["Split", besideAxis],
  ["Concat", besideAxis],
  ["Expand", repeated],
  ["Tile", repeated],
  ["Pad", unpadded],
  ["ReduceMean", averaged],
  ["AveragePool", pooled],
  ["GlobalAveragePool", pooled],
]);

function axisBehind({ at: node, made, ...line }: Line, axis: number, types: Scope): number | undefined {
  // Among new nodes, only the Reshape behind a norm of flattened rows restores a shape.
  if (made !== undefined) return opOf({ ...line, at: node, made }) === "Reshape" && axis === -1 ? axis : undefined;
  const rule = node.domain === "" ? rules.get(node.opType) : undefined;
  if (rule === undefined) return undefined;
  const at = new TypeView(node, types);
  const result = types.info(node.outputs[0] ?? "");
  return result && tried(() => rule(at, axis, result));
}

/** A node that reads rows of a norm, and the axis of its input along which they are. */
export interface Reader {
  readonly line: Line;
  readonly axis: number;
}

/**
 * The nodes that compute with a norm's rows, behind those that only move them.
 * @param tensor the result of the norm, with its rows along the last axis.
 * @returns undefined if rows are an output of the model, are captured by a subgraph, or are not the first operand alone.
 */
export function readersOfRows(
  { readers }: Draft,
  tensor: string,
  types: Scope,
  isOutput: (name: string) => boolean,
): readonly Reader[] | undefined {
  const axes = new Map([[tensor, -1]]);
  const waiting = new Set<Line>();
  const found: Reader[] = [];
  for (const [name, axis] of axes) {
    if (isOutput(name)) return undefined;
    for (const line of readers.get(name) ?? []) {
      const isJoin = opOf(line) === "Concat";
      const isTakenOnce = line.inputs[0] === name && line.inputs.indexOf(name, 1) < 0;
      const hasGraphs = line.takes.some((taken) => !line.inputs.includes(taken));
      if (hasGraphs || !(isJoin || isTakenOnce)) return undefined;
      if (isJoin && line.inputs.some((input) => axes.get(input) !== axis)) {
        waiting.add(line);
        continue;
      }
      waiting.delete(line);
      const next = axisBehind(line, axis, types);
      if (next === undefined) found.push({ line, axis });
      else for (const output of line.outputs) if (output !== "") axes.set(output, next);
    }
  }
  return waiting.size > 0 ? undefined : found;
}
