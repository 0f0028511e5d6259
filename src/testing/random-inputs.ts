/** Reproducible random inputs for the interpreter, in the range of each parameter's type. */

import { roundTo } from "../ir/float16.ts";
import { resolveShape } from "../ir/interpret.ts";
import { type Const, dimensionNames, type Fn } from "../ir/ir.ts";
import { lookupRanges } from "../ir/lookups.ts";
import { normal, randomNumbers } from "../ir/random.ts";
import { withoutMeans } from "../ir/row-means.ts";
import { elementCount, type Tensor } from "../ir/tensor.ts";
import type { ElementType, TensorType } from "../ir/types.ts";

function randomNumber(element: ElementType, next: () => number): number {
  if (element === "bool") return Number(next() < 0.5);
  if (element === "i32") return Math.floor(next() * 21) - 10;
  if (element === "i8") return Math.floor(next() * 256) - 128;
  if (element === "u8") return Math.floor(next() * 256);
  if (element === "u32") return Math.floor(next() * 21);
  const number = normal(next);
  return roundTo[element](number);
}

/** Small extents for the named dimensions, all different. */
function smallDims(fn: Fn): Record<string, number> {
  return Object.fromEntries(dimensionNames(fn).map((name, i) => [name, 3 + 2 * i]));
}

interface Promised {
  readonly type: TensorType;
  readonly centered: readonly number[];
}

/** A tensor that satisfies its centering contract, up to rounding in float64. */
function randomTensor({ type, centered }: Promised, shape: readonly number[], next: () => number): Tensor {
  const { element } = type;
  const data = Float64Array.from({ length: elementCount(shape) }, () => randomNumber(element, next));
  return centered.length === 0 ? { element, shape, data } : withoutMeans({ element, shape, data }, centered);
}

/** Random inputs of a function. They satisfy its contracts, and indices of lookups are in range. */
export function randomInputs(fn: Fn, seed = 1, dims = smallDims(fn)): Record<string, Tensor> {
  const next = randomNumbers(seed);
  const ranges = lookupRanges(fn, dims);
  return Object.fromEntries(
    fn.params.map((param) => {
      const range = ranges.get(param);
      const tensor = randomTensor(param, resolveShape(param.shape, dims), next);
      if (range === undefined) return [param.name as string, tensor];
      const { least, most } = range;
      const inRange = (number: number) => least + (Math.abs(number) % (most - least + 1));
      return [param.name as string, { ...tensor, data: tensor.data.map(inRange) }];
    }),
  );
}

/** Random data for a constant of a file, the same for the same name. */
export function randomConstant(constant: Const): Tensor {
  const seed = [...constant.name].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7);
  return randomTensor(constant, constant.type.shape as number[], randomNumbers(seed));
}
