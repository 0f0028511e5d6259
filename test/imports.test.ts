/** `npm run check:imports` finds each kind of violation, in small source trees made for the purpose. */

import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "./support/built.ts";

/** The problems of a tree with these files. */
function problemsOf(files: Readonly<Record<string, string>>): string[] {
  const root = temporaryFolder();
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
  const { stderr } = spawnSync(process.execPath, ["scripts/check-imports.mjs", root], { encoding: "utf8" });
  return stderr.split("\n").slice(0, -2);
}

const user = {
  "test/use.test.ts": 'import type { A } from "../src/ir/a.ts";\nimport { type B } from "../src/ir/b.ts";\n',
};

test("two files that import each other, if only types", () => {
  const b = "export interface B { a: A }\n";
  expect(
    problemsOf({
      ...user,
      "src/ir/a.ts": 'import type { B } from "./b.ts";\nexport interface A { b: B }\n',
      "src/ir/b.ts": `import type { A } from "./a.ts";\n${b}`,
    }),
  ).toEqual(["cycle: src/ir/a.ts -> src/ir/b.ts -> src/ir/a.ts"]);
  expect(
    problemsOf({
      ...user,
      "src/ir/a.ts": 'import { type B } from "./b.ts";\nexport interface A { b: B }\n',
      "src/ir/b.ts": `type A = import("./c.ts").C;\n${b}`,
      "src/ir/c.ts": 'export type { A as C } from "./a.ts";\n',
    }),
  ).toEqual(["cycle: src/ir/a.ts -> src/ir/b.ts -> src/ir/c.ts -> src/ir/a.ts"]);
});

test("an import from a higher layer, if only of a type", () => {
  expect(
    problemsOf({
      ...user,
      "src/ir/a.ts": 'import type { C } from "../driver/c.ts";\nexport type A = C;\n',
      "src/ir/b.ts": "export type B = 1;\n",
      "src/driver/c.ts": "export type C = 1;\n",
    }),
  ).toEqual(['src/ir/a.ts imports "../driver/c.ts": driver is in a higher layer than tensor IR']);
});

test("exports that no file imports; what the package exports is imported", () => {
  expect(
    problemsOf({
      ...user,
      "package.json": '{ "exports": { ".": { "default": "./dist/src/index.js" } } }',
      "src/index.ts": 'export { a } from "./ir/a.ts";\nexport * as all from "./ir/b.ts";\n',
      "src/ir/a.ts": "export type A = 1;\nexport const a = 1;\nexport function unused() {}\n// import { other }\n",
      "src/ir/b.ts": "export type B = 1;\nexport class OfThePackage {}\n",
      "src/ir/c.ts": "export interface C {}\nexport { d as e };\nconst d = 1;\n",
      "src/ir/d.ts": 'import * as c from "./c.ts";\nimport * as f from "./f.ts";\nexport const d = [c.e, f];\n',
      "src/ir/f.ts": "export const one = 1;\nexport const two = 2;\n",
      "scripts/run.mjs": 'const { d } = await import("../dist/src/ir/d.js");\n',
    }),
  ).toEqual(["src/ir/a.ts exports unused, which no file imports", "src/ir/c.ts exports C, which no file imports"]);
});

test("the exports of a module's text are not those of the file that has it", () => {
  expect(
    problemsOf({
      "src/ir/a.ts": "const text = `\nexport interface Emitted {}\n`;\nexport const unused = text;\n",
    }),
  ).toEqual(["src/ir/a.ts exports unused, which no file imports"]);
});
