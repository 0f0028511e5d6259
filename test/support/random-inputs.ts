/** Inputs for the interpreter: reproducible, and of the kind that a parameter's type holds. */

import { roundToFloat16 } from "../../src/ir/float16.ts";
import { resolveShape } from "../../src/ir/interpret.ts";
import { dimensionNames, type Fn } from "../../src/ir/ir.ts";
import { elementCount, type Tensor } from "../../src/ir/tensor.ts";
import type { ElementType } from "../../src/ir/types.ts";

/** Numbers in [0, 1): mulberry32. */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function randomNumber(element: ElementType, next: () => number): number {
  if (element === "bool") return Number(next() < 0.5);
  if (element === "i32") return Math.floor(next() * 21) - 10;
  if (element === "u32") return Math.floor(next() * 21);
  const normal = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  return element === "f16" ? roundToFloat16(normal) : Math.fround(normal);
}

/** An extent for each named dimension: small, and all different. */
export function smallDims(fn: Fn): Record<string, number> {
  return Object.fromEntries(dimensionNames(fn).map((name, i) => [name, 3 + 2 * i]));
}

export function randomInputs(fn: Fn, seed = 1, dims = smallDims(fn)): Record<string, Tensor> {
  const next = randomNumbers(seed);
  return Object.fromEntries(
    fn.params.map((param) => {
      const shape = resolveShape(param.shape, dims);
      const data = Float64Array.from({ length: elementCount(shape) }, () => randomNumber(param.element, next));
      return [param.name as string, { element: param.element, shape, data }];
    }),
  );
}
