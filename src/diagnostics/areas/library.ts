/** Arguments of the package's functions: E0901, E0902. */

import { error, type Help } from "../diagnostic.ts";
import type { Entry } from "../page.ts";
import { didYouMean } from "../suggest.ts";
import { code, codes } from "../wording.ts";

export const E0901: Entry = {
  title: "an argument of the wrong kind",
  explanation: `A function of the package was called with something that it does not take. In TypeScript such a call
does not compile; in JavaScript the arguments are checked when the function is called. Most functions take a module,
which \`parse\` makes from the text of a program.`,
  wrong: 'compile("fn f(x: f32[n]) -> f32[n] { return x * 2 }")',
  fix: 'compile(parse("fn f(x: f32[n]) -> f32[n] { return x * 2 }"))',
};

/** `what` is the argument, such as "`accuracy` of `compile`". */
export function wrongArgument(what: string, expected: string, got: string, help: readonly Help[] = []) {
  return error("E0901", `${what} must be ${expected}, not ${got}`, { help });
}

export function unnamedEncoder(fn: string) {
  return error("E0901", `the options of ${code(fn)} must be an object, not an encoder`, {
    help: ["pass it by its name: `{ encoder }`"],
  });
}

export function missingKernels(plan: string, missing: readonly string[], given: readonly string[]) {
  const has = given.length > 0 ? `only has ${codes(given)}` : "is empty";
  return error("E0901", `the plan ${code(plan)} launches ${codes(missing)}, but \`kernels\` ${has}`, {
    help: ["pass all kernels of the compilation that made the plan: `compile(module).kernels`"],
  });
}

export const E0902: Entry = {
  title: "an option that the function does not have",
  explanation: `Options are given by name. A misspelled option would have no effect, so it is an error. The message lists
the options of the function.`,
  wrong: 'compile(module, { targett: "portable" })',
  fix: 'compile(module, { target: "portable" })',
};

export function unknownOption(fn: string, name: string, known: readonly string[]) {
  const help = didYouMean(name, known);
  return error("E0902", `${code(fn)} has no option ${code(name)}`, {
    help: help.length > 0 ? help : [`its options are ${codes(known)}`],
  });
}
