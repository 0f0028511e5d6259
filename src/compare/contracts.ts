/** Checks contracts of inputs and constants: `@centered` rows have mean zero, up to rounding to their element type. */

import * as compareMessages from "../diagnostics/areas/comparison.ts";
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import type { Constants } from "../ir/interpret.ts";
import { type Const, constantNames, type Fn, type Value } from "../ir/ir.ts";
import { meanTolerance, rowMeans, withoutMeans } from "../ir/row-means.ts";
import type { Tensor } from "../ir/tensor.ts";
import { fromNumbers, type HostTensor, tensorOf } from "../runtime/host-tensor.ts";
import { makeInput } from "./inputs.ts";

/** Generated data that satisfies the contract of `param`: the row means are subtracted. */
export function centeredInput(param: Value, tensor: HostTensor): HostTensor {
  if (param.centered.length === 0) return tensor;
  return fromNumbers(tensor.element, tensor.shape, withoutMeans(tensorOf(tensor), param.centered).data);
}

/** Random inputs of a function that satisfy its contracts; the same on every call. */
export function randomInputsOf(
  fn: Fn,
  extents: Readonly<Record<string, number>>,
  seed = 0,
): Record<string, HostTensor> {
  const made = fn.params.map((param) => {
    const random = makeInput(fn, param, { kind: "fill", fill: "randn" }, extents, seed);
    return [param.name as string, centeredInput(param, random)];
  });
  return Object.fromEntries(made);
}

/**
 * E0670 for each parameter, and each constant that the function reads, that violates its contract, with the row whose
 * mean is largest.
 */
export function brokenContracts(
  fn: Fn,
  inputs: Readonly<Record<string, HostTensor>>,
  consts: readonly Const[],
  constants: Constants,
): Diagnostic[] {
  const read = new Set(constantNames(fn.ops));
  return [
    ...fn.params.flatMap((param) =>
      broken(param, param.name as string, () => tensorOf(inputs[param.name as string] as HostTensor)),
    ),
    ...consts.flatMap((constant) =>
      read.has(constant.name) ? broken(constant, constant.name, () => constants(constant.name)) : [],
    ),
  ];
}

type Promised = Pick<Value, "centered" | "span">;

function broken({ centered, span }: Promised, name: string, read: () => Tensor): Diagnostic[] {
  if (centered.length === 0) return [];
  const tensor = read();
  const { means, sizes } = rowMeans(tensor, { axes: centered });
  const rounding = meanTolerance[tensor.element as keyof typeof meanTolerance];
  const isOff = (mean: number, row: number) => !(Math.abs(mean) <= rounding * (sizes[row] as number));
  const count = means.reduce((sum, mean, row) => sum + Number(isOff(mean, row)), 0);
  if (count === 0) return [];
  const worst = means.reduce((best, mean, row) => (Math.abs(mean) > Math.abs(means[best] as number) ? row : best), 0);
  const about = { row: worst, mean: means[worst] as number, count, rows: means.length };
  return [compareMessages.notCentered(span, name, centered, about)];
}
