/** Shorthand for making IR in tests. */

import type { Source, Span } from "../../src/diagnostics/diagnostic.ts";
import { Builder } from "../../src/ir/builder.ts";
import { type Fn, makeFn, type Result, Value } from "../../src/ir/ir.ts";
import { elementCount, type Tensor } from "../../src/ir/tensor.ts";
import type { ElementType, Shape } from "../../src/ir/types.ts";

const source: Source = { name: "test.tir", text: "fn f(x: f32[2]) -> f32[2] { return x }" };

/** A place for what no program text stands behind. */
export const nowhere: Span = { source, start: 0, end: 2 };

/** `tensor("f32", [2, 2], 1, 2, 3, 4)`; the shape `[n]` where only numbers are given. */
export function tensor(element: ElementType, shape: readonly number[], ...numbers: number[]): Tensor {
  if (numbers.length !== elementCount(shape)) throw new Error(`${numbers.length} numbers for [${shape}]`);
  return { element, shape, data: Float64Array.from(numbers) };
}

export const row = (...numbers: number[]): Tensor => tensor("f32", [numbers.length], ...numbers);
export const scalar = (number: number, element: ElementType = "f32"): Tensor => tensor(element, [], number);

export function parameter(name: string, element: ElementType, ...shape: Shape): Value {
  return new Value({ element, shape }, name, nowhere);
}

/** A function over `params` whose body `write` makes; it gives the results by name. */
export function functionOf(
  params: readonly Value[],
  write: (builder: Builder) => Readonly<Record<string, Value>>,
  name = "f",
): Fn {
  const builder = new Builder(nowhere);
  const results = Object.entries(write(builder)).map(([result, value]): Result => ({ name: result, value }));
  return makeFn({ name, params, ops: builder.ops, results, span: nowhere });
}
