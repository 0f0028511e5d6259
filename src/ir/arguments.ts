/** Modules and functions as arguments of the library. */

import { checkArgument, isRecord, type Kind } from "../diagnostics/arguments.ts";

const isFn = (value: unknown) => isRecord(value) && Array.isArray(value.ops) && Array.isArray(value.params);
const isModule = (value: unknown) => isRecord(value) && Array.isArray(value.fns) && Array.isArray(value.consts);

function moduleHelp(value: unknown): string[] {
  if (typeof value === "string") return ["parse the text of the program first: `parse(text)`"];
  if (isFn(value)) return ["make a module of the function: `makeModule([fn])`"];
  if (isRecord(value) && isModule(value.module)) return ["pass its `module`"];
  return ["`parse(text)` makes one"];
}

const aModule: Kind = { what: "a module", holds: isModule, help: moduleHelp };

const aFn: Kind = {
  what: "a function of a module",
  holds: isFn,
  help: (value) => [isModule(value) ? "pass one of its functions: `module.fns[0]`" : "`parse(text).fns` are functions"],
};

/** @throws TircError E0901 if an argument of a public function, by default the first, is not a module. */
export const checkModule = (name: string, value: unknown, what = "the first argument"): void =>
  checkArgument(what, name, value, aModule);

/** @throws TircError E0901 if an argument of a public function, by default the first, is not a function of a module. */
export const checkFn = (name: string, value: unknown, what = "the first argument"): void =>
  checkArgument(what, name, value, aFn);
