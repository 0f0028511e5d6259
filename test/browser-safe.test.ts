/** The exports of `tirc`, `tirc/runtime` and `tirc/language` run in a page. */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { root, runNode, temporaryFolder } from "./support/built.ts";

const entries = [
  ...["src/index.ts", "src/driver/compile.ts", "src/parse/parse.ts", "src/runtime/index.ts", "src/onnx/index.ts"],
  ...["src/language/index.ts", "src/lsp/server.ts", "src/checkpoint/write.ts", "src/checkpoint/surgery.ts"],
]
  .map((entry) => join(root, entry))
  .filter((entry) => existsSync(entry));
const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");

/** Type-checks `files` and all they import as code for a page: with the DOM's types, and without Node's. */
function checkForPage(files: readonly string[]) {
  const config = join(temporaryFolder(), "tsconfig.json");
  const compilerOptions = {
    lib: ["ES2024", "DOM", "DOM.Iterable"],
    types: ["@webgpu/types"],
    typeRoots: [join(root, "node_modules/@types"), join(root, "node_modules")],
    noEmit: true,
  };
  writeFileSync(config, JSON.stringify({ extends: join(root, "tsconfig.json"), compilerOptions, files, include: [] }));
  const { stdout } = runNode([tsc, "-p", config, "--listFiles"]);
  const lines = stdout.split("\n");
  return { errors: lines.filter((line) => /error TS/.test(line)), files: lines.filter((line) => /\.ts$/.test(line)) };
}

let checked: ReturnType<typeof checkForPage> | undefined;
/** All entries, once. */
const checkEntries = () => {
  checked ??= checkForPage(entries);
  return checked;
};

test("the compiler and the runtime use nothing that only Node has", () => {
  const { errors, files } = checkEntries();
  expect(errors).toEqual([]);
  expect(files.filter((file) => file.startsWith(root) && !file.includes("node_modules")).length).toBeGreaterThan(30);
  expect(files.filter((file) => file.includes("@types/node/"))).toEqual([]);
});

test("what only Node has is found", () => {
  const folder = temporaryFolder();
  const bad = join(folder, "bad.ts");
  writeFileSync(
    bad,
    `import { readFileSync } from "node:fs";\nexport const text = [process.argv, Buffer, readFileSync];\n`,
  );
  const { errors } = checkForPage([bad]);
  for (const name of ["node:fs", "process", "Buffer"]) expect(errors.join("\n")).toContain(`'${name}'`);
});

test("the only package that they import is ohm-js", () => {
  const { files } = checkEntries();
  const own = files.filter((file) => file.startsWith(root) && !file.includes("node_modules"));
  // An import in a comment or a string does not count.
  const statement = /^(?:import|export|\}).*? from "([^."][^"]*)"/gm;
  const imported = own.flatMap((file) => [...readFileSync(file, "utf8").matchAll(statement)]);
  const packages = new Set(imported.map(([, name]) => name));
  expect([...packages]).toEqual(["ohm-js"]);
});
