/** The launcher's problems as sentences, of modules that are not for production. `tirc/runtime` says them at length. */

import type { LaunchProblem } from "./problems.ts";

function shown(value: unknown): string {
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return "an array";
  return Object.prototype.toString.call(value) === "[object Object]" ? "an object" : shownObject(value);
}

const shownObject = (value: unknown) =>
  typeof value === "object" && value !== null ? Object.prototype.toString.call(value).slice(8, -1) : String(value);

/** A function for each problem, of what it is about. */
export type ForEachProblem<R, More extends readonly unknown[] = []> = {
  readonly [P in LaunchProblem as P[0]]: (
    about: P extends readonly [string, ...infer About] ? About : never,
    ...more: More
  ) => R;
};

const texts: ForEachProblem<string> = {
  "E0601 missing": ([name]) => `the input ${name} is missing`,
  "E0602 unknown": ([name, ...known]) => `there is no ${name}, only ${known.join(", ")}`,
  "E0601 not an object": ([what, got]) => `the ${what} are an object, not ${shown(got)}`,
  "E0603 not a tensor": ([name, array, got]) => `${name} is a GPUBuffer or an array, ${array}, not ${shown(got)}`,
  "E0603 not a scalar": ([name, element, got]) => `${name} is a number, ${element}, not ${shown(got)}`,
  "E0603 not an element": ([name, element, at, got]) => `${name} is of ${element}, and its element ${at} is ${got}`,
  "E0605 wrong length": ([name, has, needs]) => `${name} is an array of ${has} elements, and needs ${needs}`,
  "E0618 no storage": ([name]) => `${name} is a buffer without the usage STORAGE`,
  "E0618 too small": ([name, has, needs]) => `${name} is a buffer of ${has} bytes, and needs ${needs}`,
  "E0618 misaligned": ([name, offset, multiple]) => `the offset of ${name}, ${offset}, is no multiple of ${multiple}`,
  "E0608 too large": ([name, bytes, limit, most]) => `${name} takes ${bytes} bytes, and ${limit} is ${most}`,
  "E0619 one buffer": ([name, other, mayAlias]) =>
    `${name} and ${other} are one buffer, ${mayAlias ? "and not the same part of it" : "and the kernel writes to it"}`,
  "E0607 no extent": ([name, got]) => `the dimension ${name} is a whole number up to 2^32 - 1, not ${shown(got)}`,
  "E0608 not counted": ([what, count, ...extents]) =>
    `${count} ${what} (${extents.join(" x ")}) are more than 32 bits count`,
  "E0610 no feature": ([name]) => `the device lacks ${name}`,
  "E0611 no limit": ([limit, needs, has]) => `${limit} is ${has}, and must be ${needs}`,
  "E0627 narrow subgroups": ([, needs, has]) => `subgroups may have ${has} lanes, and must have ${needs}`,
  "E0628 no product": ([op]) => `nothing computes its ${op}: pass products: { ${op}(encoder, call) {} }`,
  "E0613 no pipeline": ([message]) => message,
  "E0609 destroyed": () => "it was destroyed",
};

/** A problem as a sentence: what `kernel` and `LaunchKernel.explain` take. */
export function explain([is, ...about]: LaunchProblem): string {
  return texts[is](about as never);
}
