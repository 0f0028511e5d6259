/** The documents are true: generated pages are fresh, and what stands in them as an example runs. */

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test, vi } from "vitest";
import { builtinPasses, defaultPipeline } from "../passes/index.ts";
import { diagnosticsPage, languagePage, passesPage, readme } from "../scripts/reference.mjs";
import { textmateGrammar } from "../scripts/textmate.mjs";
import { catalog } from "../src/diagnostics/catalog.ts";
import * as tirc from "../src/index.ts";
import { signatureOf } from "../src/ir/infer.ts";
import { callableNames, opNames, ops } from "../src/ir/ops/index.ts";
import { elementTypes } from "../src/ir/types.ts";
import { pages } from "./support/snippets.ts";

const read = (path: string) => readFileSync(path, "utf8");
const renew = "run `npm run build && npm run docs`";

describe("generated pages are fresh", () => {
  test.each([
    ["docs/language.md", () => languagePage(read("docs/language.intro.md"), ops, signatureOf)],
    ["docs/passes.md", () => passesPage(builtinPasses, defaultPipeline)],
    ["docs/diagnostics.md", () => diagnosticsPage(catalog)],
    ["editors/vscode/tir.tmLanguage.json", () => textmateGrammar(callableNames, elementTypes)],
    [
      "README.md",
      () => readme(read("README.md"), read("examples/bert-output.tir"), read("examples/own-pass.ts"), tirc),
    ],
  ])("%s", (path, generate) => expect(read(path), renew).toBe(generate()));
});

test("the language page has every op that a program can call, and the passes page every pass", () => {
  for (const name of opNames.filter((op) => op !== "constant" && op !== "global"))
    expect(read("docs/language.md")).toContain(`\`${name}(`);
  for (const { name } of builtinPasses) expect(read("docs/passes.md")).toContain(`## ${name}\n`);
});

test("every program in the README and on the language page compiles", () => {
  const programs = ["README.md", "docs/language.md"].flatMap((path) =>
    [...read(path).matchAll(/```\n((?:\/\/.*\n)*fn [\s\S]*?)```/g)].map(([, text]) => text as string),
  );
  expect(programs.length).toBeGreaterThanOrEqual(4);
  for (const text of programs) expect(tirc.compile(tirc.parse(text)).kernels).toHaveLength(1);
});

test("the README's program is the example", () => {
  expect(read("README.md")).toContain(read("examples/bert-output.tir").split("\n").slice(1).join("\n").trim());
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
