/**
 * How far rounding errors may move the values of a function: stochastic arithmetic (Vignes, "A stochastic arithmetic for
 * reliable scientific computation", 1993; Parker, "Monte Carlo arithmetic", 1997). The function is evaluated in float64
 * several times, and each rounding error that a kernel may make is added with a random sign. What the function does to
 * these errors - `exp` of a large number, a difference that cancels, a division by a small number - shows in its results.
 *
 * Errors are those of a kernel that computes each op in f32: none for inputs and for ops that are exact, the error of the
 * op table for elementwise ops, and for sums a relative error of each term, which is how a sum's own error is bounded
 * (Higham, "Accuracy and stability of numerical algorithms", section 4.2).
 */

import { roundoff } from "../ir/float16.ts";
import { type Constants, dimsOfInputs, evaluateFn, evaluateOp } from "../ir/interpret.ts";
import type { Fn, Op, Value } from "../ir/ir.ts";
import { ops } from "../ir/ops/index.ts";
import { ulp } from "../ir/ops/numerics.ts";
import { randomNumbers } from "../ir/random.ts";
import { broadcastTo, type Tensor } from "../ir/tensor.ts";
import { isFloat } from "../ir/types.ts";
import { forEachRow, tolerances } from "./tolerance.ts";

type Operands = readonly (Tensor | undefined)[];

/** Evaluations with different signs. In one alone, errors may cancel. */
const evaluations = 4;

/** The error in ulps of a norm, and of an elementwise op of a plugin, whose row in the op table states none. */
const usualUlps = 4;

/**
 * Values of `wanted` with random rounding errors, from several evaluations.
 * @param values the values without errors. Ops that `isFixed` keep theirs: a step of a discontinuous op is no error of this kind.
 */
export function valuesWithErrors(
  fn: Fn,
  inputs: Readonly<Record<string, Tensor>>,
  constants: Constants,
  {
    values,
    isFixed,
    wanted,
  }: {
    readonly values: ReadonlyMap<Value, Tensor>;
    readonly isFixed: (op: Op) => boolean;
    readonly wanted: ReadonlySet<Value>;
  },
): ReadonlyMap<Value, readonly Tensor[]> {
  const dims = dimsOfInputs(fn, inputs);
  const found = new Map([...wanted].map((value): [Value, Tensor[]] => [value, []]));
  for (let seed = 1; seed <= evaluations; seed++) {
    const next = randomNumbers(seed);
    const sign = () => (next() < 0.5 ? -1 : 1);
    const evaluated = evaluateFn(fn, inputs, dims, constants, (op, operands) => {
      if (isFixed(op)) return op.results.map((result) => values.get(result) as Tensor);
      const moved = withTermErrors(op, operands, sign);
      return evaluateOp(op, moved, dims).map((result) => withOwnError(op, moved, result, sign));
    });
    for (const [value, list] of found) list.push(evaluated.get(value) as Tensor);
  }
  return found;
}

/** The operands of a product, a reduction or a scan: an error of each term stands for the error of the sum. */
function withTermErrors({ name }: Op, operands: Operands, sign: () => number): Operands {
  const { kind } = ops[name];
  if (kind === "reduction") return operands.map((x) => x && withError(x, (value) => ulp * Math.abs(value), sign));
  if (kind !== "linear") return operands;
  // A product has many more terms than other sums, and a library may add them one after the other.
  return operands.map((x) => {
    if (x === undefined) return x;
    const bounds = new Float64Array(x.data.length);
    forEachRow(x, (start, end, largest) => bounds.fill(tolerances[x.element] * largest, start, end));
    return withError(x, (_, i) => bounds[i] as number, sign);
  });
}

/** The result with the error that the op itself makes. */
function withOwnError(op: Op, operands: Operands, result: Tensor, sign: () => number): Tensor {
  const def = ops[op.name];
  const { element } = result;
  const rounded = element === "f16" || element === "bf16" ? roundoff[element] : 0;
  if (def.kind === "elementwise") {
    const all = operands.map((tensor) => broadcastTo(tensor as Tensor, result.shape));
    const { allowed } = def.numerics.error;
    const bound = (value: number, i: number) => {
      const promised = allowed(
        value,
        all.map((data) => data[i] as number),
      );
      return (Number.isFinite(promised) ? promised : usualUlps * ulp * Math.abs(value)) + rounded * Math.abs(value);
    };
    return withError(result, bound, sign);
  }
  if (def.kind !== "norm" && def.kind !== "reduction") return result;
  const ulps = def.kind === "norm" ? usualUlps : 1;
  return withError(result, (value) => (ulps * ulp + rounded) * Math.abs(value), sign);
}

function withError(x: Tensor, bound: (value: number, at: number) => number, sign: () => number): Tensor {
  if (!isFloat(x.element)) return x;
  return { ...x, data: x.data.map((value, i) => (Number.isFinite(value) ? value + sign() * bound(value, i) : value)) };
}
