/**
 * Turns grammar/tir.ohm into grammar/tir.ts and its words into grammar/words.ts, so that the grammar reaches a page without a file system.
 * The module holds ohm's recipes: building the grammars from them skips parsing the grammar's own text at start-up.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as ohm from "ohm-js";
import { writeMade } from "./write-made.mjs";

const source = new URL("../grammar/tir.ohm", import.meta.url);
const target = new URL("../grammar/tir.ts", import.meta.url);
const words = new URL("../grammar/words.ts", import.meta.url);

/** A recipe without the text it was made from and the places in it, which are half of it: no match needs them. */
function withoutSource(recipe) {
  const withoutPlaces = recipe.replaceAll(/\{"sourceInterval":\[\d+,\d+\]\}/g, "{}");
  return withoutPlaces.replace(/\{"source":"(?:[^"\\]|\\.)*"\}/, "{}");
}

/** The text of grammar/tir.ts for the grammar as it stands. */
function grammarModule() {
  const { Tir, Frame } = ohm.grammars(readFileSync(source, "utf8"));
  return `// Made from tir.ohm by scripts/build-grammar.mjs. Do not edit.
import * as ohm from "ohm-js";

// ohm's types leave this function out.
const { makeRecipe } = ohm as unknown as { makeRecipe(recipe: unknown): ohm.Grammar };

/** The language. */
export const grammar: ohm.Grammar = makeRecipe(${withoutSource(Tir.toRecipe())});

/** The order of the parts of a file, with one character for each kind of part. */
export const frameGrammar: ohm.Grammar = makeRecipe(${withoutSource(Frame.toRecipe("grammar"))});
`;
}

/** All signs that stand in a rule's body, in their order. */
function terminalsOf(body) {
  const parts = body.terms ?? body.factors ?? (body.expr ? [body.expr] : []);
  return body.obj === undefined ? parts.flatMap(terminalsOf) : [body.obj];
}

/** The text of grammar/words.ts: what highlighting, completion and the printer know of the grammar. */
export function wordsModule() {
  const { rules } = ohm.grammars(readFileSync(source, "utf8")).Tir;
  const literals = terminalsOf(rules.word.body);
  const keywords = terminalsOf(rules.reserved.body).filter((word) => !literals.includes(word));
  const modifiers = Object.values(rules).flatMap(({ body }) => terminalsOf(body).filter((sign) => /^@\w/.test(sign)));
  const list = (values) => `[${values.map((value) => JSON.stringify(value)).join(", ")}] as const`;
  return `// Made from tir.ohm by scripts/build-grammar.mjs. Do not edit.

/** Words that begin a statement or an item. */
export const keywords = ${list(keywords)};

/** Words that are numbers. */
export const literalWords = ${list(literals)};

/** What may follow the type of a parameter. */
export const modifiers = ${list(modifiers)};
`;
}

/** Writes grammar/tir.ts and grammar/words.ts where they are out of date. */
export function buildGrammar() {
  writeMade(target, grammarModule());
  writeMade(words, wordsModule());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) buildGrammar();
