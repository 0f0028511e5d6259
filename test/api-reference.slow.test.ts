/** The reference of the library is generated without a warning: every exported name is documented. */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root, runNode, temporaryFolder } from "./support/built.ts";
import { isDeep } from "./support/deep.ts";

const tool = join(root, "tools/api-reference");
const typedoc = (options: string, ...args: string[]) =>
  runNode([join(tool, "node_modules/typedoc/bin/typedoc"), "--options", options, ...args]);

test("npm run docs:api", { timeout: 180_000 }, () => {
  const out = join(temporaryFolder(), "api");
  // `npm run typecheck` has checked the types. Pages are written in deep runs alone.
  const args = isDeep ? ["--out", out] : ["--emit", "none", "--skipErrorChecking"];
  const { status, stdout, stderr } = typedoc(join(tool, "typedoc.json"), ...args);
  expect(stdout + stderr).not.toMatch(/warning/);
  expect(status).toBe(0);
  if (!isDeep) return;
  for (const page of ["modules/tirc", "modules/tirc_runtime", "modules/tirc_onnx", "functions/tirc.compile"]) {
    expect(existsSync(join(out, `${page}.html`)), page).toBe(true);
  }
  expect(readFileSync(join(out, "functions/tirc.compile.html"), "utf8")).toContain(
    "Compiles every function of a module to a kernel of its own.",
  );
});

test("every entry of the package is in it", () => {
  const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const { entryPoints } = JSON.parse(readFileSync(join(tool, "typedoc.json"), "utf8"));
  const sources = Object.values<{ default?: string }>(exports).flatMap(({ default: file }) =>
    file === undefined ? [] : [file.replace("./dist/", "../../").replace(/\.js$/, ".ts")],
  );
  expect([...entryPoints].sort()).toEqual(sources.sort());
});

test("a name without a word about it fails", { timeout: 180_000 }, () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "bare.ts"), "export interface Bare {\n  readonly x: number;\n}\n");
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ compilerOptions: { types: [], lib: ["ES5"] }, files: ["bare.ts"] }),
  );
  const options = { extends: [join(tool, "typedoc.json")], tsconfig: "tsconfig.json", entryPoints: ["bare.ts"] };
  writeFileSync(join(folder, "typedoc.json"), JSON.stringify({ ...options, intentionallyNotExported: [] }));
  const { status, stdout, stderr } = typedoc(join(folder, "typedoc.json"), "--emit", "none");
  expect(status).not.toBe(0);
  expect(stdout + stderr).toContain("Bare (Interface)");
});
