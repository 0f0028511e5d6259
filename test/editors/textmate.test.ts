/** The TextMate grammar, by the engine that VS Code has. */

import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect, test } from "vitest";
import oniguruma from "vscode-oniguruma";
import textmate from "vscode-textmate";
import { callableNames } from "../../src/ir/ops/index.ts";

const grammar = await load();

async function load() {
  const wasm = readFileSync(createRequire(import.meta.url).resolve("vscode-oniguruma/release/onig.wasm"));
  await oniguruma.loadWASM(wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength));
  const path = "editors/vscode/tir.tmLanguage.json";
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (sources) => new oniguruma.OnigScanner(sources),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async () => textmate.parseRawGrammar(readFileSync(path, "utf8"), path),
  });
  const loaded = await registry.loadGrammar("source.tir");
  if (loaded === null) throw new Error("no grammar");
  return loaded;
}

interface Token {
  readonly text: string;
  /** The innermost one, without `.tir`; "" for none. */
  readonly scope: string;
}

function tokensOf(text: string): Token[] {
  let state = textmate.INITIAL;
  return text.split("\n").flatMap((line) => {
    const { tokens, ruleStack } = grammar.tokenizeLine(line, state);
    state = ruleStack;
    return tokens.flatMap(({ startIndex, endIndex, scopes }) => {
      const part = line.slice(startIndex, endIndex).trim();
      const scope = scopes.length > 1 ? (scopes.at(-1) as string).replace(/\.tir$/, "") : "";
      return part === "" ? [] : [{ text: part, scope }];
    });
  });
}

const folders = ["examples", "playground/examples"];
const examples = folders.flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".tir"))
    .map((name) => `${folder}/${name}`),
);

test.each(examples)("%s: every token is known", (path) => {
  const tokens = tokensOf(readFileSync(path, "utf8"));
  expect(tokens.length).toBeGreaterThan(20);
  expect(tokens.filter(({ scope }) => scope === "" || scope.startsWith("invalid"))).toEqual([]);
});

test("what is what", () => {
  const text = `const w: f32[8, 64] = load("w.npy", "w")  // weights
/* two
   lines */
fn f(x: f16[rows, 64] @centered(-1), w: f32[64] @trained, on: bool) -> (y: f16[rows, 64]) {
  let h: f16[rows, 64] = layernorm(x, axes = [-1], eps = 1e-5) == 2.5
  return where(on, h, nonsense(inf))
}`;
  const shown = tokensOf(text).map(({ text: part, scope }) => `${part}  ${scope}`);
  expect(shown.join("\n")).toMatchSnapshot();
});

test("every op is a function of the language, and others are not", () => {
  for (const name of [...callableNames, "f", "gelo"]) {
    const scope = callableNames.some((op) => op === name) ? "support.function" : "invalid.unknown-op";
    expect(tokensOf(`  let y = ${name}(x)`)).toContainEqual({ text: name, scope });
  }
});
