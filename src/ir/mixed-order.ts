/**
 * Groups that reduce rows and sum over rows in one loop nest, as the backward of a norm does with its d_x and d_gamma:
 *
 *   m = mean(x * x, axes = [-1], keepdims = true)      x: f32[rows, 768]
 *   y = x * rsqrt(m)
 *   s = sum(d_y * y, axes = [0])                       s: f32[768]
 *
 * Each team of lanes iterates over a tile of rows and adds its part of every column to partial sums of its own, as in Liger's backward
 * kernels; the pattern that a compiler must recognize is PyTorch Inductor's mix-order reduction (pytorch/pytorch PR #165370).
 *
 * - sum: a reduction over rows of values in the loop nest, whose result is not broadcast over the rows again.
 * - summed: the row axes that a tile sums over, adjacent in the loop order. The first of them is cut into tiles.
 */

import { kernelRefusals } from "../diagnostics/refusals.ts";
import { isMonoid } from "../kernel/reduction.ts";
import { runningOf } from "../kernel/running.ts";
import { type Atom, leavesOf } from "./atoms.ts";
import { elementsOf } from "./bytes.ts";
import { type Fn, isLeaf, type Op, presentOperands, usesOf, type Value } from "./ir.ts";
import { type DimAtoms, IterationSpace } from "./iteration.ts";
import { lazily } from "./lazily.ts";
import { loopOrder } from "./loop-order.ts";
import { partialReduction, scanOf } from "./op-kinds.ts";
import { attribute } from "./ops/attributes.ts";
import { ops as table } from "./ops/index.ts";
import type { Dim, Shape } from "./types.ts";

/** The ops of a group by where they are computed. */
export interface MixedOrder {
  /** The ops computed inside the loop nest, in program order. */
  readonly body: readonly Op[];
  readonly sums: readonly Op[];
  /** What is computed from the sums alone. */
  readonly after: readonly Op[];
  readonly space: IterationSpace;
  readonly rows: readonly Atom[];
  readonly summed: readonly Atom[];
}

/** Elements that lanes add up, of all sums of a kernel: beyond, no workgroup holds them in registers. */
const mostSummed = 2 ** 15;

/** Whether the op sums over rows and what follows from its result is never larger than that. */
export function lastSums(fn: Fn): (op: Op) => boolean {
  // Most functions have no sum over rows, and need no uses.
  const uses = lazily(() => usesOf(fn));
  const known = new Map<Op, boolean>();
  const staysSmall = (value: Value, most: number): boolean =>
    uses()(value).ops.every((op) =>
      op.results.every((result) => elementsOf(result.shape) <= most && staysSmall(result, most)),
    );
  return (op) => {
    const found =
      known.get(op) ??
      (isSumOverRows(op) && op.results.every((result) => staysSmall(result, elementsOf(result.shape))));
    known.set(op, found);
    return found;
  };
}

/** The extents of what the op reduces to one. */
export const reducedShape = (op: Op): Shape =>
  attribute.axes(op.attributes).map((axis) => op.operand(0).shape.at(axis) as Dim);

/** Or another reduction of them whose state is a number or two for each column. */
function isSumOverRows(op: Op): boolean {
  const rank = op.operands[0]?.shape.length ?? 0;
  return partialsOf(op) > 0 && rank > 1 && attribute.axes(op.attributes).includes(-rank);
}

/**
 * How many numbers a lane keeps for each column, and a tile hands to the merge; 0 where it is not a reduction that lanes take rows
 * into one by one.
 */
export function partialsOf(op: Op): number {
  const def = table[op.name];
  if (def.kind !== "reduction" || !partialReduction(op) || runningOf(def.reduction) === undefined) return 0;
  return isMonoid(def.reduction) ? 1 : 2;
}

/** What would let a reduction over rows share the loop nest of reductions of rows, if it does not. */
export function wayBeside(op: Op, isLast: (op: Op) => boolean): string | undefined {
  const def = table[op.name];
  const rank = op.operands[0]?.shape.length ?? 0;
  if (def.kind !== "reduction" || rank < 2 || !attribute.axes(op.attributes).includes(-rank)) return undefined;
  const { columnsAside } = kernelRefusals;
  if (partialsOf(op) === 0) return columnsAside.otherState(op.name);
  if (!isLast(op)) return columnsAside.readAgain();
  const named = op.result.shape.find((dim) => typeof dim === "string");
  if (named !== undefined) return columnsAside.unknown(named);
  const count = elementsOf(op.result.shape);
  return count > mostSummed ? columnsAside.many(count, mostSummed) : undefined;
}

/**
 * How one loop nest computes a group that reduces rows and sums over them.
 * @param stored values that its kernel writes.
 * @returns undefined if there is no such loop nest; "never" if there is none with more readers of these ops either.
 */
export function mixedOrder(
  group: readonly Op[],
  stored: readonly Value[],
  isLast: (op: Op) => boolean,
): MixedOrder | undefined | "never" {
  if (!group.some(isLast)) return undefined;
  const parts = partsOf(group, isLast);
  if (parts === undefined) return "never";
  const { body, sums, space } = parts;
  if (space.columns.length === 0) return undefined;
  const count = space.columns.reduce((all, { extent }) => all * (typeof extent === "number" ? extent : Number.NaN), 1);
  if (!(count * sums.reduce((all, op) => all + partialsOf(op), 0) <= mostSummed)) return "never";
  const own = new Set(body.flatMap((op) => op.results));
  const reads = [...new Set(body.flatMap(presentOperands))].filter((value) => !own.has(value));
  const written = stored.filter((value) => own.has(value));
  const ends = [...written, ...sums.map((op) => op.operand(0))];
  const { order, missing } = loopOrder(reads, ends, body, space);
  if (missing !== undefined) return undefined;
  const { columns } = space;
  const rows = order.filter((atom) => !columns.includes(atom));
  const areInLoops = (op: Op) => {
    const atoms = leavesOf(space.dimsOf(op.operand(0)).flat());
    return atoms.every((atom) => order.includes(atom)) && columns.every((atom) => atoms.includes(atom));
  };
  if (!sums.every(areInLoops)) return undefined;
  const summedBy = sums.map((op) => new Set(summedAxes(op, space, rows).flatMap(({ atoms }) => atoms)));
  const isSummed = (atom: Atom) => summedBy.every((atoms) => atoms.has(atom));
  // Each tile writes its own part of a value.
  const isWritten = (atom: Atom) => written.every((value) => leavesOf(space.dimsOf(value).flat()).includes(atom));
  const summed = runOf(rows, isSummed, (atom) => isWritten(atom) && isCuttable(atom, body, space));
  return summed && { ...parts, rows, summed };
}

/** Axes that a sum reduces and that are rows alone, counted from the end. */
export function summedAxes(op: Op, space: IterationSpace, rows: readonly Atom[]) {
  const dims = space.dimsOf(op.operand(0));
  return attribute
    .axes(op.attributes)
    .map((axis) => ({ axis, atoms: leavesOf(dims.at(axis) as readonly Atom[]) }))
    .filter(({ atoms }) => atoms.length > 0 && atoms.every((atom) => rows.includes(atom)));
}

function partsOf(group: readonly Op[], isLast: (op: Op) => boolean) {
  const space = new IterationSpace();
  const [body, sums, after]: [Op[], Op[], Op[]] = [[], [], []];
  const late = new Set<Value>();
  const inBody = new Set<Value>();
  for (const op of group) {
    const operands = presentOperands(op).filter(({ def }) => def === undefined || !isLeaf(def));
    const isAfter = operands.some((value) => late.has(value));
    if (isAfter && operands.some((value) => inBody.has(value))) return undefined;
    // The loop over the rows of a tile does not carry running sums.
    if (scanOf(op) !== undefined) return undefined;
    if (!isAfter && !isLast(op) && space.add(op) !== undefined) return undefined;
    (isAfter ? after : isLast(op) ? sums : body).push(op);
    for (const result of op.results) (isAfter || isLast(op) ? late : inBody).add(result);
  }
  return { body, sums, after, space };
}

/**
 * The largest axis of rows that all sums reduce and that can be cut, of as large ones the last, and those behind it that are
 * reduced too.
 */
function runOf(
  rows: readonly Atom[],
  isSummed: (atom: Atom) => boolean,
  mayBeCut: (atom: Atom) => boolean,
): readonly Atom[] | undefined {
  const size = ({ extent }: Atom) => elementsOf([extent]);
  const cut = rows
    .filter((atom) => isSummed(atom) && mayBeCut(atom))
    .reduce<Atom | undefined>((best, atom) => (best && size(best) > size(atom) ? best : atom), undefined);
  if (cut === undefined) return undefined;
  const from = rows.indexOf(cut);
  const end = rows.findIndex((atom, i) => i > from && !isSummed(atom));
  return rows.slice(from, end < 0 ? rows.length : end);
}

/** The axis of a value that is this atom; -1 of one that does not differ along it, undefined where it is a part of an axis. */
export function axisOf(atom: Atom, dims: DimAtoms): number | undefined {
  const axis = dims.findIndex((atoms) => leavesOf(atoms).includes(atom));
  return axis >= 0 && leavesOf(dims[axis] as readonly Atom[]).length > 1 ? undefined : axis;
}

/** Whether each value has the axis as a dimension of its own, so that a tile has less of it. */
function isCuttable(atom: Atom, body: readonly Op[], space: IterationSpace): boolean {
  const { extent } = atom;
  const isOwn = (value: Value, dims: DimAtoms) => {
    if (typeof extent === "number") return dims.length === value.shape.length && axisOf(atom, dims) !== undefined;
    const named = value.shape.filter((dim) => dim === extent).length;
    return named === Number(leavesOf(dims.flat()).includes(atom));
  };
  return body.every(
    (op) =>
      op.operands.every((value, i) => value === undefined || isOwn(value, space.readBy(op, i))) &&
      op.results.every((value) => isOwn(value, space.dimsOf(value))),
  );
}
