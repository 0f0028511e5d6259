/** The launcher's problems as sentences, for modules in development. `tirc/runtime` has detailed diagnostics instead. */

import type { LaunchProblem } from "./problems.ts";

function shown(value: unknown): string {
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return "an array";
  return Object.prototype.toString.call(value) === "[object Object]" ? "an object" : shownObject(value);
}

const shownObject = (value: unknown) =>
  typeof value === "object" && value !== null ? Object.prototype.toString.call(value).slice(8, -1) : String(value);

/** A function for each problem, from its details. */
export type ForEachProblem<R, More extends readonly unknown[] = []> = {
  readonly [P in LaunchProblem as P[0]]: (
    about: P extends readonly [string, ...infer About] ? About : never,
    ...more: More
  ) => R;
};

const texts: ForEachProblem<string> = {
  "E0601 missing": ([name]) => `the input ${name} is missing`,
  "E0602 unknown": ([what, name, ...known]) => `there is no ${name} among the ${what}, only ${known.join(", ")}`,
  "E0601 not an object": ([what, got]) => `the ${what} must be an object, not ${shown(got)}`,
  "E0901 wrong argument": ([what, expected, got]) => `the ${what} must be ${expected}, not ${shown(got)}`,
  "E0603 not a tensor": ([name, array, got]) =>
    `${array ? "" : "the result "}${name} must be a GPUBuffer${array ? ` or an array, ${array}` : ""}, not ${shown(got)}`,
  "E0603 not a scalar": ([name, element, got]) => `${name} must be a number, ${element}, not ${shown(got)}`,
  "E0603 not an element": ([name, element, at, got]) =>
    `${name} has elements of type ${element}, but element ${at} is ${got}`,
  "E0605 wrong length": ([name, has, needs]) => `${name} is an array of ${has} elements, but must have ${needs}`,
  "E0618 no storage": ([name]) => `${name} is a buffer without the usage STORAGE`,
  "E0618 too small": ([name, has, needs]) => `${name} is a buffer of ${has} bytes, but must have ${needs}`,
  "E0618 misaligned": ([name, offset, multiple]) =>
    `the offset of ${name}, ${offset}, is not a multiple of ${multiple}`,
  "E0608 too large": ([name, bytes, limit, most]) => `${name} takes ${bytes} bytes, but ${limit} is ${most}`,
  "E0619 one buffer": ([name, other, mayAlias]) =>
    `${name} and ${other} are one buffer, ${mayAlias ? "but not the same part of it" : "and the kernel writes to it"}`,
  "E0607 no extent": ([name, got]) => `the dimension ${name} must be a whole number up to 2^32 - 1, not ${shown(got)}`,
  "E0608 not counted": ([what, count, ...extents]) =>
    `${count} ${what} (${extents.join(" x ")}) are more than 32 bits can count`,
  "E0610 no feature": ([name]) => `the device lacks ${name}`,
  "E0611 no limit": ([limit, needs, has]) => `${limit} is ${has}, but must be ${needs}`,
  "E0627 narrow subgroups": ([, needs, has]) => `subgroups may have ${has} lanes, but must have ${needs}`,
  "E0628 no product": ([op]) => `nothing computes its ${op}: pass products: { ${op}(encoder, call) {} }`,
  "E0613 no pipeline": ([message]) => message,
  "E0609 destroyed": () => "it was destroyed",
};

/** A problem as a sentence, for `kernel` and `LaunchKernel.explain`. */
export function explain([is, ...about]: LaunchProblem): string {
  return texts[is](about as never);
}
