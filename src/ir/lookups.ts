/**
 * The ranges of parameters from which positions along an axis are computed, by interval analysis from the lookups back to the
 * parameters. They are for drawing data: the bounds of an op are found by its values at the ends and in the middle of intervals.
 */

import { resolveShape } from "./interpret.ts";
import { constantValue, type Fn, type Op, presentOperands, type Value } from "./ir.ts";
import { mapOf } from "./iteration.ts";
import type { ElementwiseDef, IndexMap } from "./ops/def.ts";
import { ops } from "./ops/index.ts";
import { elementCount } from "./tensor.ts";
import { type Dim, holds, isFloat } from "./types.ts";

/** Whole numbers from `least` to `most`; for a float, all numbers from `least` to below `most + 1`. */
export interface Range {
  readonly least: number;
  readonly most: number;
}

type Dims = Readonly<Record<string, number>>;

/**
 * For each such parameter, a range for which all lookups are in range. A parameter is missing if there is none or if it is not
 * found: for example, if an index is the difference of two parameters.
 * @param dims the extents of all named dimensions.
 */
export function lookupRanges(fn: Fn, dims: Dims): ReadonlyMap<Value, Range> {
  const wanted = new Map<Value, Range>();
  const known = new Map<Value, Range>();
  const add = (value: Value, { least, most }: Range) => {
    const before = wanted.get(value) ?? { least: -Infinity, most: Infinity };
    wanted.set(value, { least: Math.max(before.least, least), most: Math.min(before.most, most) });
  };
  const addAxis = (index: Value, extent: Dim) =>
    add(index, { least: 0, most: (resolveShape([extent], dims)[0] as number) - 1 });

  for (const op of fn.ops) {
    const range = knownRange(op, (value) => known.get(value), dims);
    if (range !== undefined) known.set(op.result, range);
  }
  for (const op of fn.ops.toReversed()) {
    const def = ops[op.name];
    const ranges = op.results.flatMap((result) => wanted.get(result) ?? []);
    // Shape ops only move elements.
    if (def.kind === "shape") for (const range of ranges) add(op.operand(0), range);
    if (def.kind === "elementwise") {
      const isFree = (value: Value) => value.element !== "bool" && !known.has(value);
      const rangeOf = (value: Value) => (isFree(value) ? undefined : (known.get(value) ?? ofBooleans));
      for (const range of ranges) {
        const found = rangeOfOperands(op, def, range, rangeOf);
        for (const operand of presentOperands(op)) if (found && isFree(operand)) add(operand, found);
      }
    }
    // Sums of rows by their index also bound the index, by the number of rows.
    if (def.kind === "linear") {
      const index = def.operands.findIndex(({ element }) => element === "index");
      if (index >= 0) addAxis(op.operand(index), op.result.shape[0] as Dim);
    }
    if (def.kind !== "index") continue;
    const map = mapOf(op, def);
    const index = map.kind === "lookup" ? op.operand(map.index) : undefined;
    for (const operand of presentOperands(op)) if (operand !== index) for (const range of ranges) add(operand, range);
    if (map.kind !== "lookup" || index === undefined) continue;
    addAxis(index, op.operand(map.operand).shape[map.axes.indexOf(undefined)] as Dim);
  }
  return new Map([...wanted].filter(([value, { least, most }]) => fn.params.includes(value) && least <= most));
}

const ofBooleans: Range = { least: 0, most: 1 };

/** The range of a value that depends on no parameter: a constant, positions, and what is computed from them. */
function knownRange(op: Op, rangeOf: (value: Value) => Range | undefined, dims: Dims): Range | undefined {
  const def = ops[op.name];
  const constant = constantValue(op.result);
  if (constant !== undefined) return { least: constant, most: constant };
  const operands = presentOperands(op).map(rangeOf);
  if (def.kind === "index") return positions(mapOf(op, def), op, dims);
  if (operands.length === 0 || !operands.every((range) => range !== undefined)) return undefined;
  if (def.kind === "shape") return operands[0];
  if (def.kind !== "elementwise" || isFloat(op.result.element)) return undefined;
  const results = resultsOf(op, def, operands.map(samples));
  return { least: Math.min(...results), most: Math.max(...results) };
}

function positions(map: IndexMap, { attributes, result }: Op, dims: Dims): Range | undefined {
  if (map.kind !== "position") return undefined;
  const shape = resolveShape(result.shape, dims);
  const axis = attributes.axis as number; // Counted from the end.
  const count = map.isLinear ? elementCount(shape) : (shape.at(axis) as number);
  return { least: 0, most: Math.max(0, count - 1) };
}

/** Larger positions are not looked for. */
const limit = 2 ** 24;

/**
 * A range of the operands of an elementwise op for which its results are in `wanted`: one that begins at 0 if possible, such as
 * that of `maximum(label, 0)` and `where(label == -100, 0, label)`, or as large as possible. Several operands share it.
 * @param known the range of an operand; `undefined` if it is to be found.
 */
function rangeOfOperands(
  op: Op,
  def: ElementwiseDef,
  wanted: Range,
  known: (value: Value) => Range | undefined,
): Range | undefined {
  const operands = presentOperands(op);
  const free = operands.filter((operand) => known(operand) === undefined);
  const fits = (range: Range) => {
    if (free.some(({ element }) => !holds(element, range.least) || !holds(element, range.most))) return false;
    const choices = operands.map((operand) => {
      const own = known(operand);
      if (own !== undefined) return samples(own);
      // Floats are also between whole numbers, and may round up.
      return samples(range).flatMap((value) => (isFloat(operand.element) ? [value, value + 0.6] : [value]));
    });
    return resultsOf(op, def, choices).every((result) => result >= wanted.least && result < wanted.most + 1);
  };
  const point = (value: number) => ({ least: value, most: value });
  const others = operands.flatMap((operand) => Object.values(known(operand) ?? {}) as number[]);
  const ends = [wanted.least, wanted.most].flatMap((end) => others.flatMap((k) => [end - k, k - end, end + k]));
  const start = [0, 1, -1, ...ends].find((value) => fits(point(value)));
  if (free.length === 0 || start === undefined) return undefined;
  const up = start + furthest((by) => fits({ least: start, most: start + by }), wanted);
  const isEnough = start === 0 && up > 0;
  const down = isEnough ? start : start - furthest((by) => fits({ least: start - by, most: up }), wanted);
  // Equal operands of a difference would do, but are poor data.
  return free.length > 1 && up === down ? undefined : { least: down, most: up };
}

/** The largest number of steps that `fits`; as many as the width of `wanted` if there is no limit. */
function furthest(fits: (steps: number) => boolean, { least, most }: Range): number {
  if (fits(limit)) return most - least;
  let [low, high] = [0, limit];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return low;
}

/** The ends of a range, and numbers between them. */
const samples = ({ least, most }: Range): number[] => {
  const between = [1, 2, 5, Math.floor((most - least) / 2)].map((step) => least + step);
  return [...new Set([least, most, ...between.filter((value) => value < most)])];
};

/** The results of an elementwise op for every combination of its operands. */
function resultsOf(op: Op, { scalar }: ElementwiseDef, choices: readonly (readonly number[])[]): number[] {
  const at = { element: (presentOperands(op).at(-1) as Value).element, attributes: op.attributes };
  return combinations(choices).map(([a = Number.NaN, b = Number.NaN, c = Number.NaN]) => scalar(a, b, c, at));
}

/** Every choice of one item from each list. */
const combinations = (lists: readonly (readonly number[])[]): number[][] =>
  lists.reduce<number[][]>((all, list) => all.flatMap((before) => list.map((one) => [...before, one])), [[]]);
