/** Integers of any width for parameters of integers. Modules of kernels without such parameters have nothing of this. */

import type { LaunchArray, LaunchElement } from "./compact.ts";
import type { Fail } from "./problems.ts";
import { arrays } from "./tensors.ts";

/**
 * The elements of an array of integers as those of an element type; undefined where either is not of integers. Throws where one
 * does not fit.
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
