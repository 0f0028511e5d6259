/** What a pass is. Passes of the compiler and passes of its users are made by the same function. */

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
  /** Whole numbers from 0 on with `+` between them, or `none`. */
  | { readonly type: "numbers"; readonly default: "none"; readonly summary: string }
  /** Names with `+` between them, or `all`. */
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

/** What an option of whole numbers says. */
export const numbersIn = (text: string): number[] => (text === "none" ? [] : text.split("+").map(Number));

/** An option that says so many whole numbers. */
export const numbersText = (numbers: Iterable<number>): string => [...numbers].join("+") || "none";

/** The names that an option says; nothing for `all`. */
export const namesIn = (text: string): string[] | undefined => (text === "all" ? undefined : text.split("+"));

/** What a pass finds in `context.options`: a field for each of its options. */
export type OptionValues<D extends OptionDefs> = { readonly [K in keyof D]: ValueOf<D[K]> };

/**
 * What a pass takes for granted where its rewrite is no equation of real arithmetic: that a value of its function is an
 * operand of the op that makes it (a cast does not round, a variance is not below 0); or, without these, that the function
 * may become another.
 */
export type Assumed = Assumption | Pick<Assumption, "because">;

/** What a pass is given beside the function. */
export interface PassContext<O> {
  readonly options: O;
  /** The names of the module's functions. */
  readonly functions: readonly string[];
  /** The constants of the module, those too that this pass has added. */
  readonly consts: readonly Const[];
  /**
   * A constant that is computed from others: an op of those named. It is added to the module, under a name that is made
   * from `hint`; the same computation again gives the same constant.
   */
  computed(data: Omit<ComputedData, "kind">, hint: string): Const;
  /** Says why a rewrite did not fire, or what one did that the user should know. */
  remark(diagnostic: Diagnostic): void;
  /** Declares what the rewrite takes for granted; told among the remarks, and allowed for when functions are compared. */
  assume(assumption: Assumed): void;
  /** Names what is positive, or what a new number stands for: true of real numbers, and not known to the fields in which functions are compared. */
  law(law: Law): void;
  /** Adds to a statistic of the pass, shown by `--stats`. */
  count(statistic: string, amount?: number): void;
}

/** A pass, made by `definePass`. */
export interface Pass {
  /** As pipelines write it: `kebab-case`. */
  readonly name: string;
  /** One line for `tirc passes`. */
  readonly summary: string;
  /** The rewrite as the language writes it, for the reference; from the header of the file. */
  readonly example?: string;
  readonly options: OptionDefs;
  /** @see definePass */
  // biome-ignore lint/suspicious/noExplicitAny: a list of passes has options of different types.
  run(fn: Fn, context: PassContext<any>): Fn | PassOutput;
}

/** Passes that pipeline text may name, and names for pipelines of them. */
export interface PassRegistry {
  readonly passes: readonly Pass[];
  /** For each name the passes, in order. */
  readonly pipelines: Readonly<Record<string, readonly string[]>>;
}

/**
 * A pass over one function. `run` returns a new function, or the very same object where it changed nothing; it never
 * mutates what it gets (the IR is frozen). With the function it may return what stands in it for the values of the old
 * one, as `rewrite` does, and facts. A pass that returns the function alone says nothing of values that are no more.
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
