/** Numbers as files store them, against bytes from the specifications of the formats. */

import { expect, test } from "vitest";
import { bytesPerNumber, decode, encode, type NumberFormat } from "../../src/ir/number-formats.ts";

test.each<[NumberFormat, number[], number[]]>([
  ["f64", [-2.5], [0, 0, 0, 0, 0, 0, 0x04, 0xc0]],
  ["f32", [1.5], [0, 0, 0xc0, 0x3f]],
  ["f16", [1, -2], [0, 0x3c, 0, 0xc0]],
  ["bf16", [1, -2], [0x80, 0x3f, 0, 0xc0]],
  ["f8e4m3", [1, 448], [0x38, 0x7e]],
  ["f8e5m2", [1, -Infinity], [0x3c, 0xfc]],
  ["i64", [-2, 2 ** 40], [0xfe, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 1, 0, 0]],
  ["i32", [-2], [0xfe, 255, 255, 255]],
  ["i16", [-2], [0xfe, 255]],
  ["i8", [-2], [0xfe]],
  ["u64", [2 ** 63], [0, 0, 0, 0, 0, 0, 0, 0x80]],
  ["u32", [2 ** 32 - 2], [0xfe, 255, 255, 255]],
  ["u16", [65534], [0xfe, 255]],
  ["u8", [254], [0xfe]],
  ["bool", [1, 0], [1, 0]],
])("%s", (format, numbers, bytes) => {
  expect([...encode(format, numbers)]).toEqual(bytes);
  expect([...decode(format, Uint8Array.from(bytes))]).toEqual(numbers);
  expect([...decode(format, Uint8Array.of(9, ...bytes).subarray(1))], "at an odd address").toEqual(numbers);
  expect(bytes.length / numbers.length).toBe(bytesPerNumber(format));
});

test("floats are rounded to the nearest, ties to even; integers wrap; whatever is not zero is true", () => {
  expect([...decode("f16", encode("f16", [1 + 2 ** -11, 1 + 3 * 2 ** -11]))]).toEqual([1, 1 + 2 ** -9]);
  expect([...decode("i16", encode("i16", [32768]))]).toEqual([-32768]);
  expect([...encode("bool", [2, -0.5, 0])]).toEqual([1, 1, 0]);
  expect([...decode("bool", Uint8Array.of(2, 0))]).toEqual([1, 0]);
});
