/**
 * Turns grammar/tir.ohm into grammar/tir.ts, so that the grammar reaches a page without a file system.
 * The module holds ohm's recipes: building the grammars from them skips parsing the grammar's own text at start-up.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as ohm from "ohm-js";
import { writeMade } from "./write-made.mjs";

const source = new URL("../grammar/tir.ohm", import.meta.url);
const target = new URL("../grammar/tir.ts", import.meta.url);

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

/** How the parts of a file follow each other, of which each is one sign. */
export const frameGrammar: ohm.Grammar = makeRecipe(${withoutSource(Frame.toRecipe("grammar"))});
`;
}

/** Writes grammar/tir.ts when it is out of date. */
export const buildGrammar = () => writeMade(target, grammarModule());

if (process.argv[1] === fileURLToPath(import.meta.url)) buildGrammar();
