/**
 * Compares outputs with the float64 reference.
 *
 * A value may differ by the tolerance, absolute or relative to the largest magnitude in its row (the last axis),
 * whichever is larger. Discontinuous ops (rounding, comparisons, casts to integers and to f16) turn the smallest error
 * into a whole step if their operand is close to a discontinuity. The reference is therefore computed twice more, with
 * the operands of these ops moved down and up by a few tolerances: any value between the three results is accepted.
 *
 * A matrix product multiplies the errors of its operands, and adds them in sums whose terms may cancel. The effect is
 * measured: the reference is computed twice more, with each element of the operands of products randomly moved up or
 * down by a tolerance. The largest change in a row is added to the tolerance of its values.
 *
 * A NaN or an infinity is correct exactly where the reference has one, for every op (see `distance`).
 */

import { roundTo } from "../ir/float16.ts";
import { type Constants, constantsOf, dimsOfInputs, evaluateFn } from "../ir/interpret.ts";
import { type Fn, makeModule, type Op } from "../ir/ir.ts";
import { ops } from "../ir/ops/index.ts";
import { randomNumbers } from "../ir/random.ts";
import type { Tensor } from "../ir/tensor.ts";
import { type ElementType, elementInfo, isFloat, isNarrow } from "../ir/types.ts";
import { type HostTensor, toNumbers } from "../runtime/host-tensor.ts";

const tolerances = {
  ...{ f32: 2e-6, f16: 1e-3, bf16: 8e-3, f8e4m3: 0, f8e5m2: 0 },
  ...{ i32: 0, u32: 0, i8: 0, u8: 0, bool: 0 },
} as const satisfies Record<ElementType, number>;

/** How far operands of discontinuous ops are moved, in tolerances: they have accumulated errors of a few ops. */
const nudgeFactor = 4;

export interface Comparison {
  readonly maxAbsError: number;
  /** Relative to the largest magnitude in the row. */
  readonly maxRelError: number;
  /** The number of values that are beyond the tolerance, but within the bounds of discontinuous ops. */
  readonly steps: number;
  /** The number of wrong values. */
  readonly wrong: number;
  /** The allowed error, relative to the largest magnitude in the row or to 1, whichever is larger. */
  readonly tolerance: number;
  /** Whether the allowed error also includes the errors that products amplify. */
  readonly hasProducts: boolean;
  /** The index in the output of the wrong value with the largest error. */
  readonly worst: number | undefined;
  /** The reference in float64. */
  readonly want: Float64Array;
}

export interface Reference {
  readonly value: Tensor;
  /** The results with the operands of discontinuous ops moved down and up; empty if there are no such ops. */
  readonly bounds: readonly Tensor[];
  /** The results with the operands of products perturbed; empty if there are no products. */
  readonly shaken: readonly Tensor[];
}

type Tensors = Readonly<Record<string, Tensor>>;

/** The results of `fn` in float64, with the bounds due to discontinuous ops and products. */
export function referenceOf(
  fn: Fn,
  inputs: Tensors,
  constants: Constants = constantsOf(makeModule([])),
): Record<string, Reference> {
  const at = (direction: number) => evaluate(fn, inputs, constants, direction);
  const value = at(0);
  const nudged = fn.ops.some(isStep) ? [at(-1), at(1)] : [];
  const shaken = fn.ops.some(isProduct) ? [1, 2].map((seed) => evaluateShaken(fn, inputs, constants, seed)) : [];
  return Object.fromEntries(
    fn.results.map(({ name }) => {
      const of = (all: readonly Record<string, Tensor>[]) => all.map((tensors) => tensors[name] as Tensor);
      return [name, { value: value[name] as Tensor, bounds: of(nudged), shaken: of(shaken) }];
    }),
  );
}

/** Whether an op is discontinuous: the smallest error of its operand can change its result by a whole step. */
export function isStep(op: Op): boolean {
  const [x] = op.operands;
  if (x === undefined || !isFloat(x.element)) return false;
  // A value that is already rounded is not close to a discontinuity.
  const before = x.def && ops[x.def.name].facts;
  if (before?.jumps && before.idempotent) return false;
  return (
    ops[op.name].facts.jumps || (op.name === "cast" && x.element !== op.result.element && op.result.element !== "f32")
  );
}

const isProduct = ({ name }: Op) => ops[name].kind === "linear";

function evaluateShaken(fn: Fn, inputs: Tensors, constants: Constants, seed: number): Record<string, Tensor> {
  const next = randomNumbers(seed);
  const values = evaluateFn(fn, inputs, dimsOfInputs(fn, inputs), constants, (op, operands) => {
    return isProduct(op) ? operands.map((tensor) => tensor && shake(tensor, next)) : operands;
  });
  return Object.fromEntries(fn.results.map((result) => [result.name, values.get(result.value) as Tensor]));
}

function shake(tensor: Tensor, next: () => number): Tensor {
  const data = tensor.data.slice();
  forEachRow(tensor, (start, end, largest) => {
    for (let i = start; i < end; i++) {
      const most = tolerances[tensor.element] * largest;
      data[i] = (data[i] as number) + (next() < 0.5 ? -most : most);
    }
  });
  return { ...tensor, data };
}

function evaluate(fn: Fn, inputs: Tensors, constants: Constants, direction: number): Record<string, Tensor> {
  const values = evaluateFn(fn, inputs, dimsOfInputs(fn, inputs), constants, (op, operands) => {
    if (direction === 0 || !isStep(op)) return operands;
    return [nudge(operands[0] as Tensor, direction), ...operands.slice(1)];
  });
  return Object.fromEntries(fn.results.map((result) => [result.name, values.get(result.value) as Tensor]));
}

function nudge(tensor: Tensor, direction: number): Tensor {
  const data = tensor.data.slice();
  const most = direction * nudgeFactor * tolerances[tensor.element];
  forEachRow(tensor, (start, end, largest) => {
    for (let i = start; i < end; i++) data[i] = (data[i] as number) + most * Math.max(1, largest);
  });
  return { ...tensor, data };
}

/** Calls `visit` for each row with its start and end index and its largest finite magnitude. */
function forEachRow({ shape, data }: Tensor, visit: (start: number, end: number, largest: number) => void): void {
  const length = shape.at(-1) ?? 1;
  for (let start = 0; start < data.length; start += length) {
    let largest = 0;
    for (let i = start; i < start + length; i++) {
      const size = Math.abs(data[i] as number);
      if (size > largest && size !== Infinity) largest = size;
    }
    visit(start, start + length, largest);
  }
}

/** @param roundings how many times in a row values are rounded to a narrow float on the way to an output of that type. */
export function compareOutput(got: HostTensor, { value: want, bounds, shaken }: Reference, roundings = 1): Comparison {
  const numbers = toNumbers(got);
  const tolerance = tolerances[got.element] * (isNarrow(got.element) ? roundings : 1);
  const worst: number | undefined = undefined;
  const result = {
    maxAbsError: 0,
    maxRelError: 0,
    steps: 0,
    wrong: 0,
    tolerance,
    hasProducts: shaken.length > 0,
    worst: worst as number | undefined,
    want: want.data,
  };
  let worstError = 0;
  forEachRow(want, (start, end, largest) => {
    const allowed = tolerance * Math.max(1, largest) + moved(want, shaken, start, end);
    for (let i = start; i < end; i++) {
      const error = distance(numbers[i] as number, want.data[i] as number, got.element);
      if (error === 0) continue;
      result.maxAbsError = Math.max(result.maxAbsError, error);
      if (largest > 0) result.maxRelError = Math.max(result.maxRelError, error / largest);
      if (error <= allowed) continue;
      if (isBetween(numbers[i] as number, [want, ...bounds], i, allowed)) {
        result.steps++;
        continue;
      }
      result.wrong++;
      if (error > worstError) {
        worstError = error;
        result.worst = i;
      }
    }
  });
  return result;
}

/** The largest change in a row when the operands of products are perturbed. */
function moved(want: Tensor, shaken: readonly Tensor[], start: number, end: number): number {
  let most = 0;
  for (const { data } of shaken) {
    for (let i = start; i < end; i++) {
      const distance = Math.abs((data[i] as number) - (want.data[i] as number));
      if (distance > most) most = distance;
    }
  }
  return most;
}

/** Infinite if only one is NaN. An infinite `got` is correct if `want` overflows the element type. */
function distance(got: number, want: number, element: ElementType): number {
  if (Object.is(got, want) || got === want || (Number.isNaN(got) && Number.isNaN(want))) return 0;
  const error = Math.abs(got - want);
  if (error < Infinity && !elementInfo[element].isStorage) return error;
  if (got === roundTo[element](want)) return 0;
  return Number.isNaN(error) ? Infinity : error;
}

function isBetween(got: number, tensors: readonly Tensor[], at: number, allowed: number): boolean {
  if (tensors.length === 1) return false;
  const values = tensors.map(({ data }) => data[at] as number);
  return got >= Math.min(...values) - allowed && got <= Math.max(...values) + allowed;
}
