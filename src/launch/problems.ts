/**
 * What can be wrong with a call. Errors of production modules contain the code, for `tirc explain`, and the
 * names concerned; other modules include the sentences of explain.ts, as React does with its messages.
 */

import type { LaunchArray, LaunchElement } from "./compact.ts";
import type { Overflow } from "./counts.ts";

/** A problem with a call: the code and a short description, then its details. */
export type LaunchProblem =
  | readonly [is: "E0601 missing", name: string]
  | readonly [is: "E0602 unknown", what: string, name: string, ...known: string[]]
  | readonly [is: "E0601 not an object", what: string, got: unknown]
  | readonly [is: "E0901 wrong argument", what: string, expected: string, got: unknown]
  | readonly [is: "E0603 not a tensor", name: string, array: string | false, got: unknown]
  | readonly [is: "E0603 not a scalar", name: string, element: LaunchElement, got: unknown]
  | readonly [is: "E0603 not an element", name: string, element: LaunchElement, at: number, got: number | bigint]
  | readonly [is: "E0605 wrong length", name: string, has: number, needs: number]
  | readonly [is: "E0618 no storage", name: string]
  | readonly [is: "E0618 too small", name: string, has: number, needs: number]
  | readonly [is: "E0618 misaligned", name: string, offset: number, multiple: number]
  | readonly [is: "E0608 too large", name: string, bytes: number, limit: string, most: number]
  | readonly [is: "E0619 one buffer", name: string, other: string, mayAlias: boolean]
  | readonly [is: "E0607 no extent", name: string, got: unknown]
  | readonly [is: "E0608 not counted", ...Overflow]
  | readonly [
      is: "E0610 no feature" | "E0611 no limit" | "E0627 narrow subgroups",
      name: string,
      needs: number,
      has: number,
    ]
  | readonly [is: "E0628 no product", op: string, step: string]
  | readonly [is: "E0613 no pipeline", message: string]
  | readonly [is: "E0609 destroyed"];

/** Throws an error for a problem. */
export type Fail = (...problem: LaunchProblem) => never;

/** The part of the launcher for kernels with integer parameters (integers.ts). */
export type IntegersOf = (
  name: string,
  element: LaunchElement,
  array: ArrayLike<number | bigint>,
  fail: Fail,
) => LaunchArray | undefined;

/** A problem as a sentence. */
export type Explain = (problem: LaunchProblem) => string;

/** The terse text of a problem, for production modules: `E0605 wrong length: x, 3, 4 (tirc explain E0605)`. */
export function shortText([is, ...about]: LaunchProblem): string {
  // An object may not be convertible to a string.
  const parts = about.map((one) => (Object(one) === one ? typeof one : String(one)));
  return `${is}: ${parts.join(", ")} (tirc explain ${is.slice(0, 5)})`;
}
