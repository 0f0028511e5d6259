/**
 * Conversions of floats of one byte, exact on every device: to nearest with ties to even, saturating, NaN stays NaN. They round
 * as those to f16 do (wgsl-bits.ts), and no step has a subnormal f32, which devices may flush to zero.
 */

import { float8Formats } from "../float8.ts";
import { elementInfo, type Float8 } from "../types.ts";
import type { WgslFunction, WgslFunctionDef } from "./wgsl-parts.ts";

/** The bits of an f32. */
const bitsOf = (value: number) => new Uint32Array(Float32Array.of(value).buffer)[0] as number;
const hex = (bits: number) => `0x${bits.toString(16)}`;

/** @param costs of the functions `bits` and `value`. */
function conversions(element: Float8, costs: readonly [bits: number, value: number]) {
  const { fraction, bias, largest, infinity, nan } = float8Formats[element];
  const [, most] = elementInfo[element].range;
  const dropped = 23 - fraction;
  const smallest = bitsOf(2 ** (1 - bias));
  const grain = dropped * 2 ** 23;
  const near = `(sum >> U(${dropped}u)) + (sum & I(${hex(2 ** (fraction + 2) - 1)})) - I(${hex((smallest + grain) >> dropped)})`;
  const hasInfinity = infinity > largest;
  const bits = `fn ${element}_bits(x: T) -> U {
  let bits = bitcast<I>(x);
  let size = bits & I(0x7fffffff);
  let held = min(size, I(${hex(bitsOf(most))}));
  let grain = max(held & I(0x7f800000), I(${hex(smallest)})) + I(${hex(grain)});
  let sum = bitcast<I>(bitcast<T>(held) + bitcast<T>(grain));
  let near = ${near};
  let number = ${hasInfinity ? `select(near, I(${hex(infinity)}), size == I(0x7f800000))` : "near"};
  return bitcast<U>(select(number, I(${hex(nan)}), size > I(0x7f800000)) | ((bits >> U(24u)) & I(0x80)));
}`;
  // A subnormal counts units of the smallest number. The bits of infinity are those of an f32 with this fraction, and so are NaN's.
  const value = `fn ${element}_value(bits: U) -> T {
  let size = bits & U(0x7fu);
  let shifted = size << U(${dropped}u);
  let subnormal = bitcast<U>(T(size) * ${2 ** (1 - bias - fraction)});
  let number = select(shifted + U(${hex((127 - bias) * 2 ** 23)}u), subnormal, size < U(${2 ** fraction}u));
  let all = select(number, shifted | U(0x7f800000u), size > U(${hex(largest)}u));
  return bitcast<T>(all | ((bits & U(0x80u)) << U(24u)));
}`;
  const round = `fn round_to_${element}(x: T) -> T {
  return ${element}_value(${element}_bits(x));
}`;
  const needs = [`${element}_bits`, `${element}_value`] as const;
  return {
    bits: { cost: [costs[0], 0], body: bits },
    value: { cost: [costs[1], 0], body: value },
    round: { cost: [costs[0] + costs[1], 0], needs, body: round },
  } satisfies Readonly<Record<string, WgslFunctionDef>>;
}

const e4m3 = conversions("f8e4m3", [15, 12]);
const e5m2 = conversions("f8e5m2", [17, 12]);

export const byteFunctions = {
  ...{ f8e4m3_bits: e4m3.bits, f8e4m3_value: e4m3.value, round_to_f8e4m3: e4m3.round },
  ...{ f8e5m2_bits: e5m2.bits, f8e5m2_value: e5m2.value, round_to_f8e5m2: e5m2.round },
} satisfies { readonly [F in WgslFunction]?: WgslFunctionDef };
