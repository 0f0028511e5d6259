/** What the launcher does to numbers and arrays before the device has them. */

import { expect, test } from "vitest";
import { roundTo, roundToBfloat16, roundToFloat16 } from "../../src/ir/float16.ts";
import { roundings } from "../../src/launch/scalars.ts";
import { writeArray } from "../../src/runtime/host-tensor.ts";

test("a scalar of type f16 is the nearest half, as the compiler rounds", () => {
  const halves = [0, 2 ** -24, 2 ** -14, 1 / 3, 1, 2048, 65504, 65536];
  const between = halves.flatMap((half) => [half, 1.00048828125 * half, 1.00146484375 * half, 1.3 * half]);
  const near = between.flatMap((value) => [value, value * (1 + 2 ** -52), value * (1 - 2 ** -53)]);
  const small = [2 ** -25, 1.5 * 2 ** -24, 2.5 * 2 ** -24, 65519.99999, 65520, Infinity, Number.NaN];
  for (const value of [...near, ...small].flatMap((one) => [one, -one])) {
    expect(roundings.f16?.(value), String(value)).toBe(roundToFloat16(value));
  }
});

test("a scalar of type bf16 is the nearest one, as the compiler rounds", () => {
  const numbers = [0, 2 ** -133, 2 ** -126, 1 / 3, 1, 2048, 3.3895e38, 1e39];
  const between = numbers.flatMap((one) => [one, (1 + 2 ** -8) * one, (1 + 3 * 2 ** -8) * one, 1.3 * one]);
  const near = between.flatMap((value) => [value, value * (1 + 2 ** -52), value * (1 - 2 ** -53)]);
  const small = [2 ** -134, 1.5 * 2 ** -133, 2.5 * 2 ** -133, Infinity, Number.NaN];
  for (const value of [...near, ...small].flatMap((one) => [one, -one])) {
    expect(roundings.bf16?.(value), String(value)).toBe(roundToBfloat16(value));
  }
});

test.each(["f8e4m3", "f8e5m2"] as const)(
  "a scalar of type %s is the nearest one, as the compiler rounds",
  (element) => {
    const numbers = [0, 2 ** -16, 2 ** -14, 2 ** -9, 2 ** -6, 1 / 3, 1, 14, 416, 448, 464, 49152, 57344, 61440, 1e39];
    const between = numbers.flatMap((one) => [0.5, 1, 1.0625, 1.125, 1.1875, 1.25, 1.5].map((times) => times * one));
    const near = between.flatMap((value) => [value, value * (1 + 2 ** -52), value * (1 - 2 ** -53)]);
    for (const value of [...near, Infinity, Number.NaN].flatMap((one) => [one, -one])) {
      expect(roundings[element]?.(value), String(value)).toBe(roundTo[element](value));
    }
  },
);

test("an odd number of halves is written in whole words, and nothing around it", () => {
  const written: number[][] = [];
  const queue = { writeBuffer: (_: unknown, at: number, bytes: Uint8Array) => written.push([at, ...bytes]) };
  const all = Uint16Array.of(9, 1, 2, 3, 9);
  writeArray(queue as unknown as GPUQueue, {} as GPUBuffer, all.subarray(1, 4));
  writeArray(queue as unknown as GPUQueue, {} as GPUBuffer, all.subarray(1, 3));
  expect(written).toEqual([
    [0, 1, 0, 2, 0, 3, 0, 0, 0],
    [0, 1, 0, 2, 0],
  ]);
});
