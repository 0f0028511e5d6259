/**
 * Wrong rewrites, seeded into the passes one by one (mutation analysis, DeMillo et al. 1978): the comparison in exact
 * arithmetic alone finds each. The module with the mistake and those that import it are bundled; what they import of
 * `src/` is what the tests have.
 */

import { readdirSync, readFileSync } from "node:fs";
import { transformSync } from "esbuild";
import { describe, expect, test } from "vitest";
import { builtins } from "../../passes/index.ts";
import { parse } from "../../src/parse/parse.ts";
import type { Pass } from "../../src/pass/define-pass.ts";
import { PassFailure, PassManager } from "../../src/pass-manager/pass-manager.ts";
import { type Mutant, mutants } from "../support/mutants.ts";

const folder = new URL("../../passes/", import.meta.url);
const texts = new Map(
  readdirSync(folder)
    .filter((name) => name.endsWith(".ts"))
    .map((name) => [name, readFileSync(new URL(name, folder), "utf8")]),
);

/** The modules of `src/` that passes import, as they are loaded here. */
const shared = new Map<string, Record<string, unknown>>();
for (const text of texts.values()) {
  for (const [, path] of text.matchAll(/from "(\.\.\/src\/[^"]+)"/g)) {
    if (!shared.has(path as string))
      shared.set(path as string, await import(/* @vite-ignore */ `../../passes/${path}`));
  }
}

const compiled = new Map<string, string>();
function commonJs(text: string): string {
  const found = compiled.get(text) ?? transformSync(text, { loader: "ts", format: "cjs", target: "node20" }).code;
  compiled.set(text, found);
  return found;
}

/** The passes, with the text of one module exchanged. */
function passesWith({ file, from, to }: Mutant): readonly Pass[] {
  const loaded = new Map<string, { exports: Record<string, unknown> }>();
  const load = (name: string): Record<string, unknown> => {
    const known = loaded.get(name);
    if (known !== undefined) return known.exports;
    const module = { exports: {} };
    loaded.set(name, module);
    const text = texts.get(name) as string;
    const code = commonJs(name === file ? text.replace(from, () => to) : text);
    new Function("require", "module", "exports", code)(required, module, module.exports);
    return module.exports;
  };
  const required = (path: string) => (path.startsWith("./") ? load(path.slice(2)) : shared.get(path));
  return load("index.ts").builtinPasses as readonly Pass[];
}

function run({ program, pipeline = "" }: Mutant, registry: readonly Pass[]): string | undefined {
  try {
    new PassManager(pipeline, { builtins, registry, verify: "exact" }).run(parse(program, { file: "f.tir" }));
    return undefined;
  } catch (caught) {
    if (caught instanceof PassFailure) return caught.diagnostic.code;
    throw caught;
  }
}

test("there are at least 60", () => expect(mutants.length).toBeGreaterThanOrEqual(60));

describe.each([...new Set(mutants.map(({ file }) => file))])("%s", (file) => {
  const own = mutants.filter((mutant) => mutant.file === file);
  test.each(own.map((mutant) => [mutant.what, mutant] as const))("%s", (_, mutant) => {
    expect((texts.get(file) as string).split(mutant.from), "stands there once").toHaveLength(2);
    expect(run(mutant, []), "without the mistake").toBeUndefined();
    expect(run(mutant, passesWith(mutant)), "with the mistake").toBe("E0309");
  });
});
