/** Backward functions for tests. */

import { type GradientOptions, gradient } from "../../src/driver/gradient.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { type Fn, makeModule } from "../../src/ir/ir.ts";
import { print } from "../../src/ir/print.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { parse } from "../../src/parse/parse.ts";

/** The backward of the one function of a text. */
export function backwardOf(text: string, options: GradientOptions = {}): Fn {
  const { functions } = gradient(parse(text, { file: "test.tir" }), options);
  return functions[0]?.backward as Fn;
}

/** The same as a separate program. */
export const backwardText = (text: string, options: GradientOptions = {}): string =>
  print(makeModule([backwardOf(text, options)]));

/** The results of a function for rows of numbers, f32 by default. */
export function computed(fn: Fn, inputs: Readonly<Record<string, readonly (readonly number[])[] | readonly number[]>>) {
  const tensors = Object.entries(inputs).map(([name, rows]): [string, Tensor] => {
    const isMatrix = Array.isArray(rows[0]);
    const shape = isMatrix ? [rows.length, (rows[0] as number[]).length] : [rows.length];
    const { element } = fn.params.find((param) => param.name === name) ?? { element: "f32" as const };
    return [name, { element, shape, data: Float64Array.from(rows.flat() as number[]) }];
  });
  const results = interpret(fn, Object.fromEntries(tensors));
  return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, [...data]]));
}

/** The largest difference in each row, relative to the row's largest number; empty if both are equal. */
export function rowError(found: ArrayLike<number>, wanted: ArrayLike<number>, width: number): number {
  let worst = 0;
  for (let start = 0; start < wanted.length; start += width) {
    let largest = 0;
    for (let i = start; i < start + width; i++) largest = Math.max(largest, Math.abs(wanted[i] as number));
    for (let i = start; i < start + width; i++) {
      const [a, b] = [found[i] as number, wanted[i] as number];
      if (!(a === b || (Number.isNaN(a) && Number.isNaN(b)))) {
        const error = Math.abs(a - b) / largest;
        worst = Math.max(worst, Number.isNaN(error) ? Infinity : error);
      }
    }
  }
  return worst;
}
