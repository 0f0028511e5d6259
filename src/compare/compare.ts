/**
 * Compares outputs with the float64 reference.
 *
 * A value may differ by the tolerance, absolute or relative to the largest magnitude in its row (the last axis),
 * whichever is larger.
 *
 * Some functions amplify rounding errors: `exp` of a large number, a difference that cancels, a product with many terms.
 * By how much is measured (see `valuesWithErrors`), if a value differs by more than the tolerance. The largest change in a row is
 * added to the tolerance of its values.
 *
 * Discontinuous ops (rounding, comparisons, casts to integers and to f16) turn the smallest error into a whole step if
 * their operand is close to a discontinuity. The reference is therefore computed twice more, with the operands of these ops
 * moved down and up by a few tolerances and by what rounding errors may change them: any value between the three results is
 * accepted.
 *
 * A NaN or an infinity is correct exactly where the reference has one, for every op (see `distance`).
 */

import { roundTo } from "../ir/float16.ts";
import { type Constants, constantsOf, dimsOfInputs, evaluateFn, evaluateOp } from "../ir/interpret.ts";
import { type Fn, makeModule, type Op, type Value } from "../ir/ir.ts";
import { lazily } from "../ir/lazily.ts";
import { ops } from "../ir/ops/index.ts";
import type { Tensor } from "../ir/tensor.ts";
import { type ElementType, elementInfo, isFloat, isNarrow } from "../ir/types.ts";
import { type HostTensor, toNumbers } from "../runtime/host-tensor.ts";
import { valuesWithErrors } from "./rounding-errors.ts";
import { forEachRow, tolerances } from "./tolerance.ts";

/** How far operands of discontinuous ops are moved, in tolerances: they have accumulated errors of a few ops. */
const nudgeFactor = 4;

export interface Comparison {
  readonly maxAbsError: number;
  /** Relative to the largest magnitude in the row. */
  readonly maxRelError: number;
  /** The number of values that are beyond the tolerance, but not by more than the function amplifies rounding errors. */
  readonly amplified: number;
  /** The number of values that are beyond both, but within the bounds of discontinuous ops. */
  readonly steps: number;
  /** The number of wrong values. */
  readonly wrong: number;
  /** The allowed error, relative to the largest magnitude in the row or to 1, whichever is larger. */
  readonly tolerance: number;
  /** The index in the output of the wrong value with the largest error. */
  readonly worst: number | undefined;
  /** The reference in float64. */
  readonly want: Float64Array;
}

export interface Reference {
  readonly value: Tensor;
  /** The results with the operands of discontinuous ops moved down and up; empty if there are no such ops. */
  readonly bounds: () => readonly Tensor[];
  /** The results of evaluations with random rounding errors. */
  readonly withErrors: () => readonly Tensor[];
}

type Tensors = Readonly<Record<string, Tensor>>;

/** The results of `fn` in float64, and bounds of what rounding and discontinuous ops make of them. */
export function referenceOf(
  fn: Fn,
  inputs: Tensors,
  constants: Constants = constantsOf(makeModule([])),
): Record<string, Reference> {
  const dims = dimsOfInputs(fn, inputs);
  const values = evaluateFn(fn, inputs, dims, constants);
  const steps = fn.ops.filter(isStep);
  const withErrors = lazily(() => {
    const wanted = new Set([...fn.results.map(({ value }) => value), ...steps.map(({ operands: [x] }) => x as Value)]);
    return valuesWithErrors(fn, inputs, constants, { values, isFixed, wanted });
  });
  const nudged = lazily(() => {
    if (steps.length === 0) return [];
    return [-1, 1].map((direction) =>
      evaluateFn(fn, inputs, dims, constants, (op, operands) => {
        if (!isStep(op)) return evaluateOp(op, operands, dims);
        const [x, ...others] = operands;
        const changed = withErrors().get(op.operands[0] as Value) as readonly Tensor[];
        return evaluateOp(
          op,
          [nudge(x as Tensor, direction, values.get(op.operands[0] as Value) as Tensor, changed), ...others],
          dims,
        );
      }),
    );
  });
  return Object.fromEntries(
    fn.results.map(({ name, value }) => [
      name,
      {
        value: values.get(value) as Tensor,
        bounds: () => nudged().map((all) => all.get(value) as Tensor),
        withErrors: () => withErrors().get(value) as readonly Tensor[],
      },
    ]),
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

/** Whether rounding errors of operands are no small errors of the result. */
function isFixed(op: Op): boolean {
  const isFromFloat = op.operands.some((x) => x !== undefined && isFloat(x.element));
  return isStep(op) || (isFromFloat && !isFloat(op.result.element));
}

/** @param direction 1 or -1. @param want `x` in the reference. @param changed `want` with rounding errors. */
function nudge(x: Tensor, direction: number, want: Tensor, changed: readonly Tensor[]): Tensor {
  const data = x.data.slice();
  forEachRow(x, (start, end, largest) => {
    const most = nudgeFactor * tolerances[x.element] * Math.max(1, largest) + largestChange(want, changed, start, end);
    for (let i = start; i < end; i++) data[i] = (data[i] as number) + direction * most;
  });
  return { ...x, data };
}

/** @param roundings how many times in a row values are rounded to a narrow float on the way to an output of that type. */
export function compareOutput(
  got: HostTensor,
  { value: want, bounds, withErrors }: Reference,
  roundings = 1,
): Comparison {
  const numbers = toNumbers(got);
  const tolerance = tolerances[got.element] * (isNarrow(got.element) ? roundings : 1);
  const worst: number | undefined = undefined;
  const result = {
    maxAbsError: 0,
    maxRelError: 0,
    amplified: 0,
    steps: 0,
    wrong: 0,
    tolerance,
    worst: worst as number | undefined,
    want: want.data,
  };
  let worstError = 0;
  forEachRow(want, (start, end, largest) => {
    const allowed = tolerance * Math.max(1, largest);
    const allowedWithErrors = lazily(() => allowed + largestChange(want, withErrors(), start, end));
    for (let i = start; i < end; i++) {
      const error = distance(numbers[i] as number, want.data[i] as number, got.element);
      if (error === 0) continue;
      result.maxAbsError = Math.max(result.maxAbsError, error);
      if (largest > 0) result.maxRelError = Math.max(result.maxRelError, error / largest);
      if (error <= allowed) continue;
      if (error <= allowedWithErrors()) {
        result.amplified++;
        continue;
      }
      if (isBetween(numbers[i] as number, [want, ...bounds()], i, allowedWithErrors())) {
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

/** The largest finite change in a row; none for integers, which change by whole steps. */
function largestChange(want: Tensor, changed: readonly Tensor[], start: number, end: number): number {
  let most = 0;
  if (!isFloat(want.element)) return most;
  for (const { data } of changed) {
    for (let i = start; i < end; i++) {
      const change = Math.abs((data[i] as number) - (want.data[i] as number));
      if (change > most && change !== Infinity) most = change;
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
