/** What can be wrong with a call, and how generated modules say it: in short. `tirc/runtime` says it at length. */

import type { Overflow } from "./counts.ts";
import type { LaunchElement } from "./manifest.ts";

/** What is wrong with a call. */
export type LaunchProblem =
  | { readonly is: "missing"; readonly name: string }
  | { readonly is: "unknown"; readonly name: string; readonly known: readonly string[] }
  | { readonly is: "not an object"; readonly what: string; readonly got: unknown }
  | { readonly is: "not a tensor"; readonly name: string; readonly array: string; readonly got: unknown }
  | { readonly is: "not a scalar"; readonly name: string; readonly element: LaunchElement; readonly got: unknown }
  | { readonly is: "wrong length"; readonly name: string; readonly has: number; readonly needs: number }
  | { readonly is: "no storage"; readonly name: string }
  | { readonly is: "too small"; readonly name: string; readonly has: number; readonly needs: number }
  | { readonly is: "misaligned"; readonly name: string; readonly offset: number; readonly multiple: number }
  | {
      readonly is: "too large";
      readonly name: string;
      readonly bytes: number;
      readonly limit: string;
      readonly most: number;
    }
  | { readonly is: "one buffer"; readonly name: string; readonly other: string; readonly mayAlias: boolean }
  | { readonly is: "no extent"; readonly name: string; readonly got: unknown }
  | { readonly is: "not counted"; readonly overflow: Overflow }
  | { readonly is: "no feature"; readonly missing: readonly string[] }
  | { readonly is: "no limit"; readonly limit: string; readonly needs: number; readonly has: number }
  | { readonly is: "narrow subgroups"; readonly needs: number; readonly has: number }
  | { readonly is: "no pipeline"; readonly message: string }
  | { readonly is: "destroyed" };

type Of<Kind> = Extract<LaunchProblem, { readonly is: Kind }>;

function shown(value: unknown): string {
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return "an array";
  return Object.prototype.toString.call(value) === "[object Object]" ? "an object" : shownObject(value);
}

const shownObject = (value: unknown) =>
  typeof value === "object" && value !== null ? Object.prototype.toString.call(value).slice(8, -1) : String(value);

const texts: { readonly [Kind in LaunchProblem["is"]]: (problem: Of<Kind>) => string } = {
  missing: ({ name }) => `the input ${name} is missing`,
  unknown: ({ name, known }) => `there is no ${name}, only ${known.join(", ")}`,
  "not an object": ({ what, got }) => `the ${what} are an object, not ${shown(got)}`,
  "not a tensor": ({ name, array, got }) => `${name} is a GPUBuffer or an array, ${array}, not ${shown(got)}`,
  "not a scalar": ({ name, element, got }) => `${name} is a number, ${element}, not ${shown(got)}`,
  "wrong length": ({ name, has, needs }) => `${name} is an array of ${has} elements, and needs ${needs}`,
  "no storage": ({ name }) => `${name} is a buffer without the usage STORAGE`,
  "too small": ({ name, has, needs }) => `${name} is a buffer of ${has} bytes, and needs ${needs}`,
  misaligned: ({ name, offset, multiple }) => `the offset of ${name}, ${offset}, is no multiple of ${multiple}`,
  "too large": ({ name, bytes, limit, most }) => `${name} takes ${bytes} bytes, and ${limit} is ${most}`,
  "one buffer": ({ name, other, mayAlias }) =>
    `${name} and ${other} are one buffer, ${mayAlias ? "and not the same part of it" : "and the kernel writes to it"}`,
  "no extent": ({ name, got }) => `the dimension ${name} is a whole number up to 2^32 - 1, not ${shown(got)}`,
  "not counted": ({ overflow: { what, extents, count } }) =>
    `${count} ${what} (${extents.join(" x ")}) are more than 32 bits count`,
  "no feature": ({ missing }) => `the device lacks ${missing.join(", ")}`,
  "no limit": ({ limit, needs, has }) => `${limit} is ${has}, and must be ${needs}`,
  "narrow subgroups": ({ needs, has }) => `subgroups may have ${has} lanes, and must have ${needs}`,
  "no pipeline": ({ message }) => message,
  destroyed: () => "it was destroyed",
};

/** The error of a launcher that is given no other. */
export function launchError(kernel: string, problem: LaunchProblem): Error {
  const text = texts[problem.is] as (problem: LaunchProblem) => string;
  return new TypeError(`${kernel}: ${text(problem)}`);
}
