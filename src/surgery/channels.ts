/**
 * Where what is computed from a norm has its channels: one axis, counted from the end.
 *
 * Each row along that axis is one of the norm's rows, or a mean of some, so that what is added to all rows of the norm is
 * added to these too, and what multiplies them multiplies these. As the propagation of layouts in TVM and XLA does, a rule
 * says for an op where an axis of its input is in its result; an op without a rule ends it.
 */

import { type Extent, isSame, multiply } from "../onnx/extent.ts";
import { cuts } from "../onnx/types/shapes.ts";
import { Declined, decline, type Scope, type TensorInfo, TypeView } from "../onnx/types/view.ts";
import { type Draft, type Line, opOf } from "./draft.ts";

type Shape = readonly Extent[];
/** The axis in the result; nothing where rows do not stay rows. */
type AxisRule = (at: TypeView, axis: number, result: TensorInfo) => number | undefined;

/** How many elements lie behind an axis. */
const behind = (shape: Shape, axis: number): Extent => multiply(1, ...shape.slice(shape.length + axis + 1));

/** The elements stay in their order, so the axis is where as many lie behind it, and is as long. */
const regrouped: AxisRule = (at, axis, result) => {
  const [from, to] = [lastOf(at.info(0)), lastOf(result)];
  if (axis === -1 && from !== undefined && to !== undefined && isSame(from, to)) return axis;
  const [x, shape] = [at.shape(0), shapeOf(result)];
  const isIt = (own: number) =>
    isSame(shape.at(own) as Extent, x.at(axis) as Extent) && isSame(behind(shape, own), behind(x, axis));
  return shape.map((_, i) => i - shape.length).find(isIt);
};

/** The last extent is known more often than the rank is. */
const lastOf = ({ shape, last }: TensorInfo) => shape?.at(-1) ?? last;
const shapeOf = ({ shape }: TensorInfo) => shape ?? decline("the rank of its result is not known");

const transposed: AxisRule = (at, axis) => {
  const perm = at.ints("perm") ?? at.shape(0).map((_, i, { length }) => length - 1 - i);
  return perm.indexOf(axis + perm.length) - perm.length;
};

const unless = (axis: number, rank: number, named: readonly number[]) =>
  named.includes(axis + rank) ? undefined : axis;

/** Along the axis that the attribute names rows are cut or joined. */
const besideAxis =
  (input: number): AxisRule =>
  (at, axis) => {
    const { length } = at.shape(input);
    return unless(axis, length, [at.axis(at.int("axis", 0), length)]);
  };

const gathered: AxisRule = (at, axis) => {
  const { length } = at.shape(0);
  const along = at.axis(at.int("axis", 0), length) - length;
  if (axis === along) return undefined;
  // Axes before it have another place from the end, unless one axis stands where one stood.
  return axis > along ? axis : axis - (at.shape(1).length - 1);
};

const repeated: AxisRule = (at, axis, result) => {
  return isSame(at.shape(0).at(axis) as Extent, shapeOf(result).at(axis) as Extent) ? axis : undefined;
};

/** Exporters write a padding of nothing, too. */
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

/** Means over places; channels are the second axis. */
const pooled: AxisRule = (at, axis) => {
  const isOfRowsAlone = (at.ints("pads") ?? []).every((pad) => pad === 0) && at.text("auto_pad", "NOTSET") === "NOTSET";
  return isOfRowsAlone && at.int("ceil_mode", 0) === 0 && axis === 1 - at.shape(0).length ? axis : undefined;
};

const rules: ReadonlyMap<string, AxisRule> = new Map<string, AxisRule>([
  ["Identity", (_, axis) => axis],
  ["Cast", (at, axis) => (at.int("to", 0) === at.element(0) ? axis : undefined)],
  ...["Reshape", "Flatten", "Squeeze", "Unsqueeze"].map((name) => [name, regrouped] as const),
  ["Transpose", transposed],
  [
    "Slice",
    (at, axis) =>
      unless(
        axis,
        at.shape(0).length,
        cuts(at, at.shape(0).length).map((cut) => cut.axis),
      ),
  ],
  ["Gather", gathered],
  ["Split", besideAxis(0)],
  ["Concat", besideAxis(0)],
  ["Expand", repeated],
  ["Tile", repeated],
  ["Pad", unpadded],
  ["ReduceMean", averaged],
  ["AveragePool", pooled],
  ["GlobalAveragePool", pooled],
]);

/** Whether all that an op takes are rows. */
const joins = (line: Line) => opOf(line) === "Concat";

function axisBehind({ at: node, made, ...line }: Line, axis: number, types: Scope): number | undefined {
  // The shape that a norm of rows is given back.
  if (made !== undefined) return opOf({ ...line, at: node, made }) === "Reshape" && axis === -1 ? axis : undefined;
  const rule = node.domain === "" ? rules.get(node.opType) : undefined;
  if (rule === undefined) return undefined;
  const at = new TypeView(node, types);
  try {
    return rule(at, axis, types.info(node.outputs[0] ?? "") ?? decline("the type of its result is not known"));
  } catch (caught) {
    if (caught instanceof Declined) return undefined;
    throw caught;
  }
}

/** A node that takes the norm's rows, and along which of its axes. */
export interface Reader {
  readonly line: Line;
  readonly axis: number;
}

/**
 * The nodes that read a norm's rows, behind those that only place them.
 * @param tensor what the norm makes, with its rows along the last axis.
 * @returns nothing where a row is an output, or is read by a graph inside of a node or as another operand than the first.
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
      const isJoin = joins(line);
      const isTakenOnce = line.inputs[0] === name && line.inputs.indexOf(name, 1) < 0;
      const hasGraphs = line.takes.some((taken) => !line.inputs.includes(taken));
      if (hasGraphs || !(isJoin || isTakenOnce)) return undefined;
      if (isJoin && line.inputs.some((input) => axes.get(input) !== axis)) {
        waiting.add(line);
        continue;
      }
      waiting.delete(line);
      const behind = axisBehind(line, axis, types);
      if (behind === undefined) found.push({ line, axis });
      else for (const output of line.outputs) if (output !== "") axes.set(output, behind);
    }
  }
  return waiting.size > 0 ? undefined : found;
}
