/** Tensors in the encoding of a model. */

import { expect, test } from "vitest";
import type { ElementType } from "../../src/ir/types.ts";
import { numbersOf, rawTensor } from "../../src/surgery/raw.ts";

const bytesOf = (element: ElementType, ...numbers: readonly number[]) => [
  ...rawTensor(element, [numbers.length], () => Float64Array.from(numbers)).raw(),
];

test("elements of every type are little-endian", () => {
  expect(bytesOf("f32", 1, -2)).toEqual([0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]);
  expect(bytesOf("f16", 1)).toEqual([0, 0x3c]);
  expect(bytesOf("bf16", 1)).toEqual([0x80, 0x3f]);
  expect(bytesOf("i32", -2)).toEqual([0xfe, 0xff, 0xff, 0xff]);
  expect(bytesOf("u32", 2 ** 32 - 1)).toEqual([0xff, 0xff, 0xff, 0xff]);
  expect(bytesOf("bool", 1, 0)).toEqual([1, 0]);
});

test("floats are read back, and computed once", () => {
  let runs = 0;
  const tensor = rawTensor("bf16", [2], () => {
    runs++;
    return Float64Array.of(0.5, -3);
  });
  expect([...numbersOf(tensor), ...numbersOf(tensor)]).toEqual([0.5, -3, 0.5, -3]);
  expect(runs).toBe(1);
});
