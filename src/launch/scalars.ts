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
  const number = typeof got === "boolean" && element === "bool" ? Number(got) : got;
  const isFloat = element.includes("f");
  const word = new (isFloat ? Float32Array : element[0] === "i" ? Int32Array : Uint32Array)(words, 4 * index, 1);
  if (typeof number !== "number") fail("E0603 not a scalar", name, element, got);
  word[0] = roundings[element]?.(number) ?? number;
  // Typed arrays wrap numbers that are out of range.
  const isHeld = isFloat || (arrays[element].of(number)[0] === number && (element !== "bool" || number < 2));
  if (!isHeld) fail("E0603 not a scalar", name, element, got);
}

/** Rounds to nearest, ties to even, by adding a number that leaves a float64 the same last bit as the narrow type. */
const rounding =
  (bits: number, smallest: number, largest: number, beyond = Infinity, infinity = Infinity) =>
  (value: number): number => {
    const size = Math.abs(value);
    const large = 2 ** (Math.max(smallest, Math.floor(Math.log2(size))) + 53 - bits);
    const nearest = size + large - large;
    return Math.sign(value) * (nearest <= largest ? nearest : size < Infinity ? beyond : infinity);
  };

/** The nearest number of a narrow float. */
export const roundings: { readonly [E in LaunchElement]?: (value: number) => number } = {
  f16: rounding(11, -14, 65504),
  bf16: rounding(8, -126, (2 - 2 ** -7) * 2 ** 127),
  f8e4m3: rounding(4, -6, 448, 448, 448),
  f8e5m2: rounding(3, -14, 57344, 57344),
};
