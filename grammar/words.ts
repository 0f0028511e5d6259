// Made from tir.ohm by scripts/build-grammar.mjs. Do not edit.

/** Words that begin a statement or an item. */
export const keywords = ["fn", "let", "return", "const", "kernel"] as const;

/** Words that are numbers. */
export const literalWords = ["inf", "nan", "true", "false"] as const;

/** What may follow the type of a parameter. */
export const modifiers = ["@centered", "@trained"] as const;
