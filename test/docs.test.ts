/** The documents are true: generated pages are up to date, and their examples run. */

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test, vi } from "vitest";
import * as words from "../grammar/words.ts";
import { builtinPasses, defaultPipeline } from "../passes/index.ts";
import { firstExample } from "../playground/model/link.ts";
import { architecturePage, architecturePicture } from "../scripts/architecture.mjs";
import { wordsModule } from "../scripts/build-grammar.mjs";
import * as components from "../scripts/components.mjs";
import { componentImports } from "../scripts/imports.mjs";
import {
  diagnosticsPages,
  languagePage,
  passesPage,
  targetsPage,
  walkthrough,
  withExamples,
} from "../scripts/reference.mjs";
import { textmateGrammar } from "../scripts/textmate.mjs";
import { deviceFamilies } from "../src/cli/device-families.ts";
import { catalog, families } from "../src/diagnostics/catalog.ts";
import * as tirc from "../src/index.ts";
import { signatureOf } from "../src/ir/infer.ts";
import { callableNames, opNames, ops } from "../src/ir/ops/index.ts";
import { elementTypes } from "../src/ir/types.ts";
import { targetNotes } from "../src/target/target.ts";
import { pages, readmeProgram, snippetsOf } from "./support/snippets.ts";

const read = (path: string) => readFileSync(path, "utf8");
const targetsOf = (profile: string) =>
  targetsPage(read("docs/targets.intro.md"), tirc.builtinTargets, targetNotes, deviceFamilies, profile);
const renew = "run `npm run build && npm run docs`";

describe("generated pages are fresh", () => {
  test.each<[string, () => string]>([
    ["docs/language.md", () => languagePage(read("docs/language.intro.md"), ops, signatureOf)],
    ["docs/passes.md", () => passesPage(builtinPasses, defaultPipeline)],
    ["docs/targets.md", () => targetsOf(catalog.get("E0592")?.fix as string)],
    ["grammar/words.ts", () => wordsModule()],
    [
      "docs/architecture.md",
      () => architecturePage(read("docs/architecture.md"), components.layers, componentImports()),
    ],
    ["docs/architecture.svg", () => architecturePicture(components)],
    ["editors/vscode/tir.tmLanguage.json", () => textmateGrammar(callableNames, elementTypes, words)],
    // Pages that are generated entirely have no such mark.
    ...pages
      .filter((page) => read(page).includes("<!-- example ") && page !== "docs/walkthrough.md")
      .map((page) => [page, () => withExamples(read(page), read)] as [string, () => string]),
    ["docs/walkthrough.md", () => walkthrough(read("docs/walkthrough.md"), read, { ...tirc, defaultPipeline })],
  ])("%s", (path, generate) => expect(read(path), renew).toBe(generate()));
});

test("docs/diagnostics has a page for each family, and an index", () => {
  const fresh = diagnosticsPages(families);
  expect(readdirSync("docs/diagnostics").toSorted(), renew).toEqual([...fresh.keys()].toSorted());
  for (const [name, text] of fresh) expect(read(`docs/diagnostics/${name}`), renew).toBe(text);
});

test("the diagnostic that the guide shows is one of the sources", () => {
  const [, code = "?"] = /```\n(export const E\d{4}[\s\S]*?)```/.exec(read("docs/guide.md")) ?? [];
  expect(read("src/diagnostics/areas/shapes.ts")).toContain(code);
});

test("the language page has every op that a program can call, and the passes page every pass", () => {
  for (const name of opNames.filter((op) => op !== "constant" && op !== "global"))
    expect(read("docs/language.md")).toContain(`\`${name}(`);
  for (const { name } of builtinPasses) expect(read("docs/passes.md")).toContain(`## ${name}\n`);
});

test("every program in the README, on the language page and in the walkthrough compiles", () => {
  const programs = ["README.md", "docs/language.md", "docs/walkthrough.md"].flatMap((path) =>
    [...read(path).matchAll(/```(?:tir)?\n((?:\/\/.*\n|const .*\n|\n)*fn [\s\S]*?)```/g)].map(
      ([, text]) => text as string,
    ),
  );
  expect(programs.length).toBeGreaterThanOrEqual(7);
  for (const text of programs) expect(tirc.compile(tirc.parse(text)).kernels).toHaveLength(1);
});

test("the README begins with the program of the playground, of whose norms none keeps a centering", () => {
  expect(snippetsOf("README.md").find(({ language }) => language === "tir")?.text).toBe(readmeProgram.text);
  expect(read(`examples/${firstExample}.tir`)).toBe(readmeProgram.text);
  const { norms } = tirc.applyFusedRmsNorm(tirc.parse(readmeProgram.text));
  expect(norms.map(({ centering }) => centering)).toEqual(["folded", "folded", "folded"]);
});

test("the README's first screen says for whom it is, how fast, and how to install it; it has an example, what comes of it, and a picture", () => {
  const shown = read("README.md")
    .split("\n")
    .filter((line) => !/^<!-- .* -->$/.test(line));
  const screen = shown.slice(0, 60).join("\n");
  for (const part of [
    ...[
      "It is for you if ",
      "its LayerNorm takes ",
      "npm install tirc",
      "```tir\n",
      "$ tirc ",
      "](docs/centering.svg)",
    ],
    "ok: largest error ",
  ]) {
    expect(screen).toContain(part);
  }
});

test("the first block of two commands that install is the set-up of a clone", () => {
  const lines = snippetsOf("README.md").map(({ text }) => text.trim().split("\n"));
  const first = lines.find((block) => block.length === 2 && block.every((line) => line.startsWith("npm ci")));
  expect(first).toEqual(["npm ci && npx tirc run examples/bert-output.tir --compare", "npm ci && npm test"]);
});

test("the walkthrough's kernel is a quarter longer with the centering", () => {
  const module = tirc.parse(read("examples/models/stream-end.tir"));
  const linesOf = (fold: boolean) => {
    const passes = defaultPipeline.map((name) => (name === "eliminate-centering" ? `${name}{fold=${fold}}` : name));
    return tirc.compile(module, { passes }).kernels[0]?.wgsl.split("\n").length as number;
  };
  expect(linesOf(false) / linesOf(true)).toBeCloseTo(5 / 4, 1);
});

test("the page of the architecture lists every folder of sources", () => {
  const page = read("docs/architecture.md");
  const folders = readdirSync("src", { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const all = ["grammar", "passes", "codegen", "playground", ...folders.map(({ name }) => `src/${name}`)];
  for (const folder of all) expect(page).toContain(`\`${folder}/\``);
});

describe("the placeholder for the repository's owner", () => {
  const { homepage, repository, bugs, version } = JSON.parse(read("package.json"));
  const whole = /github\.com\/([\w-]+)\/tirc/;

  test("is one name in all addresses", () => {
    const owner = whole.exec(repository.url)?.[1];
    expect(homepage).toBe(`https://${owner}.github.io/tirc/`);
    expect(repository.url).toBe(`git+https://github.com/${owner}/tirc.git`);
    expect(bugs.url).toBe(`https://github.com/${owner}/tirc/issues`);
    expect(read("SECURITY.md")).toContain(`https://github.com/${owner}/tirc/security/advisories/new`);
  });

  test("stands where CONTRIBUTING says, and nowhere else", () => {
    const others = [...pages, "playground/index.html", "playground/vite.config.ts", "editors/vscode/package.json"];
    const holders = ["package.json", ...others].filter((path) => read(path).includes("OWNER"));
    expect(holders).toEqual(["package.json", "CONTRIBUTING.md", "SECURITY.md"]);
  });

  test("the changelog has the package's version", () => {
    expect(read("CHANGELOG.md")).toMatch(new RegExp(`^## \\[?${version.replaceAll(".", "\\.")}\\]?`, "m"));
  });
});

test("examples/own-pass.ts does what it says", async () => {
  const said: unknown[][] = [];
  const log = vi.spyOn(console, "log").mockImplementation((...words) => void said.push(words));
  const error = vi.spyOn(console, "error").mockImplementation(() => {});
  try {
    await import("../examples/own-pass.ts");
    expect(said[0]?.slice(1)).toEqual([["gelu-to-relu", "fuse-elementwise"], { "gelus replaced": 1 }]);
    expect(said[1]?.[0]).toContain("select(mul, vec4f(0.0), mul <= vec4f(0.0))");
    expect(error.mock.calls.flat().join("\n")).toContain("// IR after gelu-to-relu");
  } finally {
    log.mockRestore();
    error.mockRestore();
  }
});

test("examples/centering.ts does what docs/centering.md says", async () => {
  const code = /```ts\n([\s\S]*?)```/.exec(read("docs/centering.md"))?.[1];
  expect(read("examples/centering.ts")).toContain(code);
  const said: unknown[][] = [];
  const log = vi.spyOn(console, "log").mockImplementation((...words) => void said.push(words));
  try {
    await import("../examples/centering.ts");
  } finally {
    log.mockRestore();
  }
  expect(said[0]?.[1]).toEqual(["a: kept", "y: moved"]);
  expect(said[1]?.[1]).toEqual([
    expect.stringMatching(/^down_w_centered: \d/),
    expect.stringMatching(/^down_b_centered: \d/),
  ]);
  expect(said[2]?.[0]).toContain('@centered(-1) = load("rms.safetensors", "down_b_centered")');
});

test("every link in the documents leads to a file", () => {
  for (const page of pages) {
    for (const [, target] of read(page).matchAll(/\]\((?!https?:)([^)#]+)\)/g)) {
      const base = page.includes("/") ? `${page.slice(0, page.lastIndexOf("/"))}/` : "";
      const path = `${base}${target}`.replace(/\/$/, "");
      expect(() => readdirSync(path.slice(0, path.lastIndexOf("/") + 1) || "."), `${page}: ${target}`).not.toThrow();
      expect(readdirSync(path.slice(0, path.lastIndexOf("/") + 1) || ".")).toContain(path.split("/").at(-1));
    }
  }
});
