import { expect, test } from "vitest";
import { fromFloat16Bits, roundToFloat16, toFloat16Bits } from "../../src/ir/float16.ts";

// IEEE 754-2019, 3.4: sign, 5 bits of exponent, 10 of mantissa.
test.each([
  [0x0000, 0],
  [0x0001, 2 ** -24],
  [0x03ff, 1023 * 2 ** -24],
  [0x0400, 2 ** -14],
  [0x3555, 1365 / 4096],
  [0x3bff, 1 - 2 ** -11],
  [0x3c00, 1],
  [0x3c01, 1 + 2 ** -10],
  [0x7bff, 65504],
  [0x7c00, Infinity],
])("0x%s is %d, with either sign", (bits, value) => {
  expect(fromFloat16Bits(bits)).toBe(value);
  expect(fromFloat16Bits(bits | 0x8000)).toBe(-value);
  expect(toFloat16Bits(value)).toBe(bits);
  expect(toFloat16Bits(-value)).toBe(bits | 0x8000);
});

test("all 65536 patterns go to a number and back; the NaNs to one NaN", () => {
  const changed: number[] = [];
  for (let bits = 0; bits < 65536; bits++) {
    const value = fromFloat16Bits(bits);
    if (toFloat16Bits(value) !== (Number.isNaN(value) ? 0x7e00 : bits)) changed.push(bits);
  }
  expect(changed).toEqual([]);
});

test("between two neighbours: to the nearer, halfway to the even one", () => {
  const wrong: number[] = [];
  for (let bits = 0; bits < 0x7bff; bits++) {
    const [low, high] = [fromFloat16Bits(bits), fromFloat16Bits(bits + 1)];
    const middle = (low + high) / 2;
    const grain = (high - low) * 2 ** -20;
    const even = bits % 2 === 0 ? bits : bits + 1;
    if (toFloat16Bits(middle) !== even) wrong.push(bits);
    if (toFloat16Bits(middle - grain) !== bits || toFloat16Bits(middle + grain) !== bits + 1) wrong.push(bits);
  }
  expect(wrong).toEqual([]);
});

test("beyond the largest: 65519.9 is still 65504, 65520 is infinite; below half the smallest is 0", () => {
  expect(roundToFloat16(65519.999)).toBe(65504);
  expect(roundToFloat16(65520)).toBe(Infinity);
  expect(roundToFloat16(-1e300)).toBe(-Infinity);
  expect(roundToFloat16(2 ** -25)).toBe(0);
  expect(roundToFloat16(2 ** -25 * 1.0001)).toBe(2 ** -24);
  expect(Object.is(roundToFloat16(-(2 ** -26)), -0)).toBe(true);
  expect(roundToFloat16(5e-324)).toBe(0);
  expect(roundToFloat16(Number.NaN)).toBeNaN();
});
