/** The interface of passes. Builtin passes and those of plugins are defined by the same function. */

import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import type { Assumption } from "../ir/field/compare.ts";
import type { Law } from "../ir/field/laws.ts";
import type { ComputedData, Const, Fn } from "../ir/ir.ts";
import type { PassOutput } from "./facts.ts";

/** A typed option of a pass: a field of its record in code, `{name=value}` in pipeline text. */
export type OptionDef =
  | { readonly type: "choice"; readonly choices: readonly string[]; readonly default: string; readonly summary: string }
  | { readonly type: "boolean"; readonly default: boolean; readonly summary: string }
  | { readonly type: "integer"; readonly default: number; readonly summary: string }
  /** Nonnegative integers separated by `+`, or `none`. */
  | { readonly type: "numbers"; readonly default: "none"; readonly summary: string }
  /** Names separated by `+`, or `all`. */
  | { readonly type: "names"; readonly default: "all"; readonly summary: string };

/** The options of a pass, by name. */
export type OptionDefs = Readonly<Record<string, OptionDef>>;
/** The value of an option. */
export type OptionValue = string | number | boolean;

type ValueOf<D extends OptionDef> = D extends { choices: readonly (infer C)[] }
  ? C
  : D extends { type: "boolean" }
    ? boolean
    : D extends { type: "integer" }
      ? number
      : string;

/** The value of an option of type `numbers`. */
export const numbersIn = (text: string): number[] => (text === "none" ? [] : text.split("+").map(Number));

/** The text of an option of type `numbers`. */
export const numbersText = (numbers: Iterable<number>): string => [...numbers].join("+") || "none";

/** The value of an option of type `names`; `undefined` for `all`. */
export const namesIn = (text: string): string[] | undefined => (text === "all" ? undefined : text.split("+"));

/** The type of `context.options`, with a field for each of the pass's options. */
export type OptionValues<D extends OptionDefs> = { readonly [K in keyof D]: ValueOf<D[K]> };

/**
 * An assumption of a pass whose rewrite is not an equation of real arithmetic: that a value of its function equals an
 * operand of the op that defines it (a cast does not round, a variance is not negative); or, without these, that the function
 * may change.
 */
export type Assumed = Assumption | Pick<Assumption, "because">;

/** The context in which a pass runs on a function. */
export interface PassContext<O> {
  readonly options: O;
  /** The names of the module's functions. */
  readonly functions: readonly string[];
  /** The constants of the module, including those that this pass has added. */
  readonly consts: readonly Const[];
  /**
   * Adds a constant that is computed by an op on other constants. Its name is derived
   * from `hint`. The same computation always returns the same constant.
   */
  computed(data: Omit<ComputedData, "kind">, hint: string): Const;
  /** Reports why a rewrite did not fire, or what the user should know about one that did. */
  remark(diagnostic: Diagnostic): void;
  /** Declares an assumption, which becomes a remark and is used when functions are compared. */
  assume(assumption: Assumed): void;
  /** States a law of real numbers for the comparison over finite fields: what is positive, or the formula of a new number. */
  law(law: Law): void;
  /** Adds to a statistic of the pass, shown by `--stats`. */
  count(statistic: string, amount?: number): void;
}

/** A pass, made by `definePass`. */
export interface Pass {
  /** The name in pipelines, in `kebab-case`. */
  readonly name: string;
  /** One line for `tirc passes`. */
  readonly summary: string;
  /** The rewrite in the language, for the reference; as in the header of the file. */
  readonly example?: string;
  readonly options: OptionDefs;
  /** @see definePass */
  // biome-ignore lint/suspicious/noExplicitAny: a list of passes has options of different types.
  run(fn: Fn, context: PassContext<any>): Fn | PassOutput;
}

/** Passes that pipeline text may name, and names for pipelines of them. */
export interface PassRegistry {
  readonly passes: readonly Pass[];
  /** The passes of each named pipeline, in order. */
  readonly pipelines: Readonly<Record<string, readonly string[]>>;
}

/**
 * Defines a pass over a function. `run` returns a new function, or the same object if nothing changed. It never
 * mutates its input (the IR is frozen). With the function, it may return facts, and the replacements of the old function's
 * values, as `rewrite` does. A pass that returns the function alone says nothing about removed values.
 */
export function definePass<const D extends OptionDefs>(pass: {
  readonly name: string;
  readonly summary: string;
  readonly example?: string;
  readonly options: D;
  run(fn: Fn, context: PassContext<OptionValues<D>>): Fn | PassOutput;
}): Pass {
  return pass;
}
