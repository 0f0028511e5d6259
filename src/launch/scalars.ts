/** Scalars in the uniform buffer. Modules whose kernels have no scalars do not include this. */

import type { CompactScalar, LaunchElement } from "./compact.ts";
import type { Fail } from "./problems.ts";
import { arrays, own } from "./tensors.ts";

/** The part of the launcher for kernels with scalars. */
export type WriteScalar = typeof writeScalar;

/**
 * Writes a scalar into the uniform buffer. Throws if the argument is not valid.
 * @param words of the uniform buffer. @param index of the scalar's word.
 */
export function writeScalar(
  words: ArrayBuffer,
  index: number,
  [name, element]: CompactScalar,
  tensors: object,
  fail: Fail,
): void {
  const got = own(tensors, name);
  if (got === undefined) fail("E0601 missing", name);
  const number = typeof got === "boolean" && element === "bool" ? +got : got;
  const isFloat = element.includes("f");
  // Typed arrays wrap numbers that are out of range.
  const isHeld =
    typeof number === "number" &&
    (isFloat || (arrays[element].of(number)[0] === number && (element !== "bool" || number < 2)));
  if (!isHeld) fail("E0603 not a scalar", name, element, got);
  // An array of u32 stores negative numbers in two's complement, as i32.
  const type = isFloat ? Float32Array : Uint32Array;
  new type(words, 4 * index, 1)[0] = roundings[element]?.(number) ?? number;
}

/**
 * Rounds to nearest, ties to even, by adding a number that leaves a float64 the same last bit as the narrow type.
 * @param bias of the exponent. @param beyond what larger numbers become. @param most the largest number, if there is no infinity.
 */
const rounding =
  (bits: number, bias: number, beyond = Infinity, most?: number) =>
  (value: number) => {
    const size = Math.abs(value);
    const large = 2 ** (Math.max(1 - bias, Math.floor(Math.log2(size))) + 53 - bits);
    const nearest = size + large - large;
    const isHeld = nearest <= (most ?? (2 - 2 ** (1 - bits)) * 2 ** bias);
    return Math.sign(value) * (isHeld ? nearest : size < Infinity ? beyond : (most ?? size));
  };

/** The nearest number of a narrow float. */
export const roundings: { readonly [E in LaunchElement]?: (value: number) => number } = {
  f16: rounding(11, 15),
  bf16: rounding(8, 127),
  f8e4m3: rounding(4, 7, 448, 448),
  f8e5m2: rounding(3, 15, 57344),
};
