/** The Visual Studio Code extension: its files are there, and it starts the language server. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import Module, { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { temporaryFolder } from "../support/built.ts";

const folder = "editors/vscode";
const manifest = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
const require = createRequire(import.meta.url);

test("every file that the manifest names is there", () => {
  const { languages, grammars } = manifest.contributes;
  const paths = [manifest.main, languages[0].configuration, grammars[0].path];
  for (const path of paths) expect(existsSync(join(folder, path)), path).toBe(true);
  expect(JSON.parse(readFileSync(join(folder, grammars[0].path), "utf8")).scopeName).toBe(grammars[0].scopeName);
  expect(grammars[0].language).toBe(languages[0].id);
});

test("the settings of other editors start the server for .tir files", () => {
  const blocks = [...readFileSync("docs/editors.md", "utf8").matchAll(/```(lua|toml|elisp)\n([\s\S]*?)```/g)];
  expect(blocks.map(([, language]) => language)).toEqual(["lua", "toml", "elisp"]);
  for (const [, language, text] of blocks) {
    expect(text, language).toMatch(/"npx",? |"npx"\n/);
    expect(text, language).toMatch(/"tirc",? "lsp"/);
    expect(text, language).toContain("tir");
  }
});

describe("the server", () => {
  const { serverCommand } = require(`../../${folder}/server.cjs`);
  const own = temporaryFolder();
  const script = join(own, "node_modules/tirc/dist/src/cli/main.js");
  mkdirSync(dirname(script), { recursive: true });
  writeFileSync(script, "");

  test.each([
    ["the setting before all", "/opt/tirc", [own], { command: "/opt/tirc", args: ["lsp"] }],
    ["the workspace's own", "", ["/nowhere", own], { command: "node", args: [script, "lsp"] }],
    ["the path's", "", ["/nowhere"], { command: "tirc", args: ["lsp"] }],
  ])("is %s", (_, setting, folders, command) => expect(serverCommand(setting, folders)).toEqual(command));
});

describe("the extension", () => {
  const real = Reflect.get(Module, "_load") as (name: string, ...rest: unknown[]) => unknown;
  afterEach(() => void Reflect.set(Module, "_load", real));

  /** Loaded with what an editor would give it. */
  function load(start: () => Promise<void>) {
    const made: unknown[][] = [];
    const said = vi.fn();
    class LanguageClient {
      constructor(...given: unknown[]) {
        made.push(given);
      }
      start = start;
      stop = vi.fn();
    }
    const stubs: Record<string, unknown> = {
      vscode: {
        window: { showErrorMessage: said },
        workspace: { workspaceFolders: undefined, getConfiguration: () => ({ get: () => "" }) },
      },
      "vscode-languageclient/node": { LanguageClient, TransportKind: { stdio: 0 } },
    };
    Reflect.set(Module, "_load", (name: string, ...rest: unknown[]) => stubs[name] ?? real(name, ...rest));
    const path = require.resolve(`../../${folder}/extension.cjs`);
    delete require.cache[path];
    return { extension: require(path), made, said };
  }

  test("starts `tirc lsp` for .tir files", async () => {
    const { extension, made, said } = load(async () => {});
    await extension.activate();
    const [, , server, client] = made[0] as [string, string, { run: unknown }, unknown];
    expect(server.run).toEqual({ command: "tirc", args: ["lsp"], transport: 0 });
    expect(client).toEqual({ documentSelector: [{ language: manifest.contributes.languages[0].id }] });
    expect(said).not.toHaveBeenCalled();
  });

  test("says what to do where it does not start", async () => {
    const { extension, said } = load(() => Promise.reject(new Error("ENOENT")));
    await extension.activate();
    expect(said).toHaveBeenCalledWith("`tirc lsp` did not start (ENOENT): run `npm install tirc`, or set `tirc.path`");
  });
});
