/** Integers of any width for integer parameters. Modules whose kernels have no such parameters do not include this. */

import type { LaunchArray, LaunchElement } from "./compact.ts";
import type { Fail } from "./problems.ts";
import { arrays } from "./tensors.ts";

/**
 * Converts an array of integers to an element type; undefined if either is not of integers. Throws if an element
 * is out of range.
 */
export function integersOf(
  name: string,
  element: LaunchElement,
  array: ArrayLike<number | bigint>,
  fail: Fail,
): LaunchArray | undefined {
  const tag = (array as LaunchArray)[Symbol.toStringTag];
  if (!/^[iu]/.test(element) || !/int/i.test(tag)) return undefined;
  const made = (arrays[element] as Int32ArrayConstructor).from(array as ArrayLike<number>, Number);
  const at = made.findIndex((value, i) => value !== Number(array[i]));
  if (at >= 0) fail("E0603 not an element", name, element, at, array[at] as number | bigint);
  return made;
}
