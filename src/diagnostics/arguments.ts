/** Checks the arguments of public functions, for callers without static types. */

import * as libraryErrors from "./areas/library.ts";
import { type Diagnostic, fail, type Help } from "./diagnostic.ts";
import { didYouMean } from "./suggest.ts";
import { code, listing } from "./wording.ts";

/** A kind of value, and the check for it. */
export interface Kind {
  /** With its article: "a string". */
  readonly what: string;
  readonly holds: (value: unknown) => boolean;
  /** Whether an option of this kind must be given. */
  readonly isRequired?: boolean;
  /** The kind of each item, if this is a kind of list. */
  readonly item?: Kind;
  /** Help for a value of another kind. */
  readonly help?: (value: unknown) => readonly Help[];
}

/** A value as messages show it: short values as they are, others by their type. */
function described(value: unknown): string {
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) {
    const text = typeof value === "string" ? JSON.stringify(value) : String(value);
    return text.length <= 40 ? text : `a ${typeof value}`;
  }
  const name: unknown = Array.isArray(value) ? "list" : (value as object).constructor?.name;
  if (typeof name !== "string" || name === "Object") return "an object";
  return `${/^[AEIO]/i.test(name) ? "an" : "a"} ${name}`;
}

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const aString: Kind = { what: "a string", holds: (value) => typeof value === "string" };
export const aBoolean: Kind = { what: "true or false", holds: (value) => typeof value === "boolean" };
export const anObject: Kind = { what: "an object", holds: isRecord };

export const aSource: Kind = {
  what: "a text with its name, `{ name, text }`",
  holds: (value) => isRecord(value) && typeof value.text === "string",
};

export const oneOf = (...choices: readonly (string | boolean)[]): Kind => ({
  what: listing(
    choices.map((choice) => JSON.stringify(choice)),
    "or",
  ),
  holds: (value) => choices.includes(value as string),
  help: (value) =>
    typeof value === "string"
      ? didYouMean(
          value,
          choices.filter((choice) => typeof choice === "string"),
        )
      : [],
});

/** `items` are in the plural: "names of passes". */
export const listOf = (items: string, item: Kind): Kind => ({
  what: `a list of ${items}`,
  holds: (value) => Array.isArray(value) && value.every(item.holds),
  item,
  help: (value) => (item.holds(value) ? ["put it into a list: `[...]`"] : []),
});

export const eitherOf = (...kinds: readonly Kind[]): Kind => ({
  ...kinds.find(({ item }) => item !== undefined),
  what: kinds.map(({ what }) => what).join(" or "),
  holds: (value) => kinds.some((kind) => kind.holds(value)),
  help: (value) => kinds.flatMap(({ help }) => help?.(value) ?? []),
});

function problemOf(what: string, value: unknown, { what: expected, holds, item, help }: Kind): Diagnostic[] {
  if (item !== undefined && Array.isArray(value)) {
    return value.flatMap((one, i) => problemOf(`item ${i} of ${what}`, one, item));
  }
  if (holds(value)) return [];
  const more = value instanceof Promise ? ["wait for it: `await`"] : help?.(value);
  return [libraryErrors.wrongArgument(what, expected, described(value), more)];
}

/** @throws TircError E0901 if an argument of a function is not of this kind. */
export function checkArgument(what: string, fn: string, value: unknown, kind: Kind): void {
  const found = problemOf(`${what} of ${code(fn)}`, value, kind);
  if (found.length > 0) fail(...found);
}

const aDiagnostic: Kind = {
  what: "a diagnostic",
  holds: (value) => isRecord(value) && typeof value.message === "string" && typeof value.severity === "string",
  help: (value) => [
    isRecord(value) && Array.isArray(value.diagnostics)
      ? "an error has several: pass each of its `diagnostics`"
      : Array.isArray(value)
        ? "pass the items of the list one by one"
        : "a `TircError` has them as its `diagnostics`",
  ],
};

/** @throws TircError E0901 if the first argument of a public function is not a diagnostic. */
export const checkDiagnostic = (name: string, value: unknown): void =>
  checkArgument("the first argument", name, value, aDiagnostic);

/**
 * Checks the options of a function; undefined stands for an option that is not given.
 * @throws TircError with every E0901 and E0902.
 */
export function checkOptions<Options extends object>(
  fn: string,
  options: Options,
  kinds: Readonly<Record<keyof Options & string, Kind>>,
): void {
  if (!isRecord(options))
    fail(libraryErrors.wrongArgument(`the options of ${code(fn)}`, "an object", described(options)));
  const names = Object.keys(kinds) as (keyof Options & string)[];
  const unknown = Object.keys(options).filter((name) => !Object.hasOwn(kinds, name));
  const found = [
    ...unknown.map((name) => libraryErrors.unknownOption(fn, name, names)),
    ...names.flatMap((name) => {
      const isChecked = options[name] !== undefined || kinds[name].isRequired === true;
      return isChecked ? problemOf(`${code(name)} of ${code(fn)}`, options[name], kinds[name]) : [];
    }),
  ];
  if (found.length > 0) fail(...found);
}
