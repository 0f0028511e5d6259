/**
 * Compiles grammar/tir.ohm to grammar/tir.ts and its keywords to grammar/words.ts, so that pages can load the grammar
 * without a file system. The module contains ohm's recipes, which also avoids parsing the grammar itself at start-up.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as ohm from "ohm-js";
import { writeMade } from "./write-made.mjs";

const source = new URL("../grammar/tir.ohm", import.meta.url);
const target = new URL("../grammar/tir.ts", import.meta.url);
const words = new URL("../grammar/words.ts", import.meta.url);

/** A recipe without its source text and positions, which are half of its size and not needed to match. */
function withoutSource(recipe) {
  const withoutPlaces = recipe.replaceAll(/\{"sourceInterval":\[\d+,\d+\]\}/g, "{}");
  return withoutPlaces.replace(/\{"source":"(?:[^"\\]|\\.)*"\}/, "{}");
}

/** The text of grammar/tir.ts for the current grammar. */
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

/** All terminals in a rule's body, in order. */
function terminalsOf(body) {
  const parts = body.terms ?? body.factors ?? (body.expr ? [body.expr] : []);
  return body.obj === undefined ? parts.flatMap(terminalsOf) : [body.obj];
}

/** The text of grammar/words.ts, which highlighting, completion and the printer use. */
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

/** Writes grammar/tir.ts and grammar/words.ts if they are out of date. */
export function buildGrammar() {
  writeMade(target, grammarModule());
  writeMade(words, wordsModule());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) buildGrammar();
