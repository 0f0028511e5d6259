/** `tirc types`: declarations before a bundler has run, for one file, a folder, or a pattern. */

import { statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { compile } from "../../src/driver/compile.ts";
import { emitDeclarations } from "../../src/emit/module.ts";
import { parse } from "../../src/parse/parse.ts";
import { addNorm, twoFunctions, Workplace } from "../support/cli.ts";

const declared = (text: string, name: string) => emitDeclarations(compile(parse(text)).kernels, name);
const tree = {
  "src/add.tir": addNorm,
  "src/deep/er/two.tir": twoFunctions,
  "src/other.ts": "",
  "src/node_modules/p/hidden.tir": addNorm,
  "src/.cache/hidden.tir": addNorm,
  "lib/b.tir": addNorm,
};
const written = (place: Workplace) => place.files().filter((name) => name.endsWith(".d.tir.ts"));

describe("writes beside each file what the plugins write", () => {
  test.each([
    ["src/**/*.tir", ["src/add.d.tir.ts", "src/deep/er/two.d.tir.ts"]],
    ["**/*.tir", ["lib/b.d.tir.ts", "src/add.d.tir.ts", "src/deep/er/two.d.tir.ts"]],
    ["{src,lib}/*.tir", ["lib/b.d.tir.ts", "src/add.d.tir.ts"]],
    ["src/a?d.tir", ["src/add.d.tir.ts"]],
    ["s*/**/e?/*.tir", ["src/deep/er/two.d.tir.ts"]],
    ["src", ["src/add.d.tir.ts", "src/deep/er/two.d.tir.ts"]],
    ["src/.cache/*.tir", ["src/.cache/hidden.d.tir.ts"]],
    ["lib/b.tir", ["lib/b.d.tir.ts"]],
  ])("%s", async (pattern, expected) => {
    const place = new Workplace(tree);
    expect(await place.run(["types", pattern])).toMatchObject({ code: 0, stdout: "", stderr: "" });
    expect(written(place)).toEqual(expected);
  });

  test("an absolute pattern", async () => {
    const place = new Workplace(tree);
    expect(await place.run(["types", `${place.folder}/src/*.tir`])).toMatchObject({ code: 0 });
    expect(place.read("src/add.d.tir.ts")).toBe(declared(addNorm, "add.tir"));
  });
});

test("with the passes and dimensions of the plugin; a dimension is for the programs that have it", async () => {
  const place = new Workplace({ "a.tir": addNorm, "b.tir": twoFunctions });
  expect(await place.run(["types", "a.tir", "b.tir", "--dim", "rows=7"])).toMatchObject({ code: 0, stderr: "" });
  expect(place.read("a.d.tir.ts")).toContain("f32[7, 8]");
  expect(place.read("b.d.tir.ts")).toBe(declared(twoFunctions, "b.tir"));
});

test("does not touch what is fresh; --check writes nothing, names what is not, and fails", async () => {
  const place = new Workplace({ "a.tir": addNorm });
  expect(await place.run(["types", "--check", "a.tir"])).toMatchObject({ code: 1, stderr: "a.d.tir.ts is missing\n" });
  expect(written(place)).toEqual([]);
  await place.run(["types", "a.tir"]);
  const before = statSync(join(place.folder, "a.d.tir.ts"));
  expect(await place.run(["types", "--check", "a.tir"])).toMatchObject({ code: 0, stderr: "" });
  await place.run(["types", "a.tir"]);
  const after = statSync(join(place.folder, "a.d.tir.ts"));
  expect([after.ino, after.mtimeMs]).toEqual([before.ino, before.mtimeMs]);
  place.write("a.tir", twoFunctions);
  expect(await place.run(["types", "--check", "a.tir"])).toMatchObject({
    code: 1,
    stderr: "a.d.tir.ts is out of date\n",
  });
});

test("says what is wrong with a file, and goes on with the others", async () => {
  const place = new Workplace({ "a.tir": "fn f(x: f32[n]) -> f32[n] { return gelo(x) }", "b.tir": addNorm });
  const { code, stderr } = await place.run(["types", "*.tir", "--diagnostics", "short"]);
  expect(code).toBe(1);
  expect(stderr).toContain("a.tir:1:36: error[E0202]");
  expect(written(place)).toEqual(["b.d.tir.ts"]);
});

test.each([
  ["no/*.tir", "no file matches it"],
  ["empty", "no file in it ends with `.tir`"],
  ["no.tir", "there is no such file"],
  ["-", "a declaration is written next to a file"],
])("E0640: %s", async (operand, why) => {
  const place = new Workplace({ "empty/a.txt": "" });
  const { code, stderr } = await place.run(["types", operand]);
  expect(code).toBe(2);
  expect(stderr).toContain("E0640");
  expect(stderr).toContain(why);
});
