/**
 * Turns grammar/tir.ohm into grammar/tir.ts, so that the grammar reaches a page without a file system.
 * The module holds ohm's recipe: building the grammar from it skips parsing the grammar's own text at start-up.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as ohm from "ohm-js";

const source = new URL("../grammar/tir.ohm", import.meta.url);
const target = new URL("../grammar/tir.ts", import.meta.url);

/** The text of grammar/tir.ts for the grammar as it stands. */
function grammarModule() {
  const recipe = ohm.grammar(readFileSync(source, "utf8")).toRecipe();
  return `// Made from tir.ohm by scripts/build-grammar.mjs. Do not edit.
import * as ohm from "ohm-js";

// ohm's types leave this function out.
const { makeRecipe } = ohm as unknown as { makeRecipe(recipe: unknown): ohm.Grammar };

export const grammar: ohm.Grammar = makeRecipe(${recipe});
`;
}

/** Writes grammar/tir.ts when it is out of date. */
export function buildGrammar() {
  const text = grammarModule();
  if (readIfThere(target) === text) return;
  // Written aside and renamed, so that a process which imports it at the same time never sees half of it.
  const aside = new URL(`tir.ts.${process.pid}.tmp`, target);
  writeFileSync(aside, text);
  renameSync(aside, target);
}

function readIfThere(url) {
  try {
    return readFileSync(url, "utf8");
  } catch {
    return undefined;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) buildGrammar();
