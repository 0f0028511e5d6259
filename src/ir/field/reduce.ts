/**
 * Reduces two functions to smaller extents: large constant extents are replaced by small ones, the same in both.
 *
 * Functions that are equal there, with rows of 9 elements rather than of 768, are considered equal: a mistake in an axis, a
 * term or an index shows at any extent. Extents that something depends on, such as a literal 1/768 or a slice, are kept.
 */

import { TircError } from "../../diagnostics/diagnostic.ts";
import { getOrInsert } from "../groups.ts";
import { type Const, type Fn, isOp, type Module, type Op, presentOperands } from "../ir.ts";
import { ops } from "../ops/index.ts";
import { withDims } from "../specialize.ts";
import { type Dim, type Shape, sameShape } from "../types.ts";
import { near } from "./literal.ts";

/** A function, and the constants of its module. */
export interface Side {
  readonly fn: Fn;
  readonly consts: Module["consts"];
}

/** Smaller extents are kept. */
const largeFrom = 16;
/** The replacements of large extents, in order. A symbolic dimension may get one of these at a point, too. */
const smallExtents = [9, 11, 13, 15, 10, 12, 14, 17, 19, 21, 23];

const isLarge = (dim: Dim): dim is number => typeof dim === "number" && dim >= largeFrom;

const shapesAt = (op: Op): Shape[] => [...presentOperands(op), ...op.results].map(({ shape }) => shape);

/** Extents on which an op's attributes depend, or from which others are computed. */
function fixedBy(op: Op): number[] {
  const def = ops[op.name];
  if (def.kind === "index" && def.fixesExtent) {
    return shapesAt(op).flatMap((shape) => (shape.at(op.attributes.axis as number) as number) ?? []);
  }
  return def.kind === "linear" ? (def.fixesExtents?.(shapesAt(op)) ?? []).filter(isLarge) : [];
}

/** Whether a literal may be this extent, or the divisor of a mean or a variance. */
function isTold(extent: number, literals: readonly number[]): boolean {
  const isNear = (a: number, b: number) => near(Math.abs(a), b, 2 ** -20);
  return [extent, extent - 1].some((n) => literals.some((one) => isNear(one, n) || isNear(one, 1 / n)));
}

/** Chooses small extents for the large ones of these functions that nothing in them fixes. */
function choose(fns: readonly Fn[], consts: readonly Const[], kept: ReadonlySet<number>): Map<number, number> {
  const ops = fns.flatMap((fn) => fn.ops);
  const shapes = [...fns.flatMap((fn) => fn.params.map(({ shape }) => shape)), ...ops.flatMap(shapesAt)];
  const written = consts.filter(({ data }) => data.kind === "values").flatMap(({ type }) => type.shape);
  const literals = ops.flatMap((op) => (isOp(op, "constant") ? op.attributes.value : []));
  const fixed = new Set<Dim>([...kept, ...written, ...ops.flatMap(fixedBy)]);
  const all = new Set(shapes.flat());
  const free = smallExtents.filter((extent) => !all.has(extent));
  const large = [...all].filter(isLarge).filter((extent) => !fixed.has(extent) && !isTold(extent, literals));
  return new Map(large.slice(0, free.length).map((extent, i) => [extent, free[i] as number]));
}

/** The function at those extents, or the first op whose types do not follow from replaced extents. */
function at(fn: Fn, extents: ReadonlyMap<number, number>): Fn | Op {
  const dim = (one: Dim): Dim => (typeof one === "number" ? (extents.get(one) ?? one) : one);
  let made: Fn | undefined;
  try {
    made = withDims(fn, dim);
  } catch (caught) {
    if (!(caught instanceof TircError)) throw caught;
  }
  if (made === undefined) return firstRefused(fn, dim);
  const other = fn.ops.findIndex((op, i) =>
    op.results.some(({ shape }, k) => !sameShape((made.ops[i] as Op).results[k]?.shape ?? [], shape.map(dim))),
  );
  return other < 0 ? made : (fn.ops[other] as Op);
}

/** The first op that inference rejects, by bisection. */
function firstRefused(fn: Fn, dim: (one: Dim) => Dim): Op {
  let [low, high] = [0, fn.ops.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    try {
      withDims({ ...fn, ops: fn.ops.slice(0, middle), results: [] }, dim);
      low = middle;
    } catch {
      high = middle;
    }
  }
  return fn.ops[low] as Op;
}

const knownConsts = new WeakMap<Const, Map<string, Const>>();

function constsAt(consts: readonly Const[], extents: ReadonlyMap<number, number>, key: string): Const[] {
  return consts.map((constant) => {
    const of = getOrInsert(knownConsts, constant, () => new Map<string, Const>());
    return getOrInsert(of, key, () => constAt(constant, extents));
  });
}

function constAt(constant: Const, extents: ReadonlyMap<number, number>): Const {
  const shape = (dims: Shape) => dims.map((one) => extents.get(one as number) ?? one);
  const { type, data } = constant;
  const isShaped = data.kind === "computed" && data.attributes.shape !== undefined;
  const attributes = isShaped ? { ...data.attributes, shape: shape(data.attributes.shape as Shape) } : undefined;
  return {
    ...constant,
    type: { ...type, shape: shape(type.shape) },
    data: attributes === undefined ? data : ({ ...data, attributes } as Const["data"]),
  };
}

/** Functions with reduced extents, by the original function and the extents. */
const known = new WeakMap<Fn, Map<string, Side>>();

function sideAt({ fn, consts }: Side, extents: ReadonlyMap<number, number>): Side | Op {
  const key = [...extents].join(";");
  const of = getOrInsert(known, fn, () => new Map<string, Side>());
  const found = of.get(key);
  if (found !== undefined) return found;
  const made = at(fn, extents);
  if ("operands" in made) return made;
  const side = { fn: made, consts: constsAt(consts, extents, key) };
  of.set(key, side);
  return side;
}

/** Both functions at the same smaller extents, if they have large extents that nothing in them fixes. */
export function reduced(before: Side, after: Side): readonly [Side, Side] | undefined {
  const kept = new Set<number>();
  for (;;) {
    const extents = choose([before.fn, after.fn], [...before.consts, ...after.consts], kept);
    if (extents.size === 0) return undefined;
    const sides = [before, after].map((side) => sideAt(side, extents));
    const refused = sides.find((side) => "operands" in side) as Op | undefined;
    if (refused === undefined) return sides as [Side, Side];
    const concerned = shapesAt(refused)
      .flat()
      .filter(isLarge)
      .filter((extent) => !kept.has(extent));
    if (concerned.length === 0) return undefined;
    // Keeping one of them may be enough.
    const enough = concerned.find((extent) => {
      const fewer = new Map([...extents].filter(([from]) => from !== extent));
      return [before, after].every((side) => sideAt(side, fewer) !== refused);
    });
    for (const extent of enough === undefined ? concerned : [enough]) kept.add(extent);
  }
}
