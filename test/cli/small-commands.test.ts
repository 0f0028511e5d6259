/** `tirc check`, `fmt`, `passes` and `explain`. */

import { statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { builtinPasses } from "../../passes/index.ts";
import { catalog } from "../../src/diagnostics/catalog.ts";
import { addNorm, twoFunctions, Workplace } from "../support/cli.ts";

const untidy = "fn f(x:f32[n])->(y:f32[n]){ // sums\nlet z=x+1\nreturn z}\n";
const tidy = "fn f(x: f32[n]) -> (y: f32[n]) { // sums\n  let z = x + 1\n  return z\n}\n";
const wrong = "fn f(x: f32[n]) -> (y: f32[n]) {\n  return x + \n}\n";

describe("check", () => {
  test("says nothing of what is right", async () => {
    const place = new Workplace({ "a.tir": addNorm, "b.tir": twoFunctions });
    expect(await place.run(["check", "a.tir", "b.tir"])).toMatchObject({ code: 0, stdout: "", stderr: "" });
    expect((await place.run(["check", "-"], { stdin: addNorm })).code).toBe(0);
  });

  test("finds every error of every file", async () => {
    const two = "fn f(x: f32[n]) -> (y: f32[n]) {\n  let a = gelo(x)\n  let b = x + q\n  return x\n}\n";
    const place = new Workplace({ "a.tir": two, "b.tir": addNorm, "c.tir": wrong });
    const { code, stderr } = await place.run(["check", "a.tir", "b.tir", "c.tir", "--diagnostics", "short"]);
    expect(code).toBe(1);
    expect(stderr.split("\n").map((line) => line.split(": error")[0])).toEqual([
      "a.tir:2:11",
      "a.tir:3:15",
      "c.tir:3:1",
      "",
    ]);
  });
});

describe("fmt", () => {
  test("lays files out in place", async () => {
    const place = new Workplace({ "f.tir": untidy });
    expect(await place.run(["fmt", "f.tir"])).toMatchObject({ code: 0, stdout: "", stderr: "" });
    expect(place.read("f.tir")).toBe(tidy);
    expect(place.files()).toEqual(["f.tir"]);
  });

  test("does not touch what is tidy", async () => {
    const place = new Workplace({ "f.tir": tidy });
    const before = statSync(join(place.folder, "f.tir"));
    await place.run(["fmt", "f.tir"]);
    const after = statSync(join(place.folder, "f.tir"));
    expect([after.ino, after.mtimeMs]).toEqual([before.ino, before.mtimeMs]);
  });

  test("leaves what is wrong, and goes on with the others", async () => {
    const place = new Workplace({ "a.tir": wrong, "b.tir": untidy });
    const { code, stderr } = await place.run(["fmt", "a.tir", "b.tir"]);
    expect([code, place.read("a.tir"), place.read("b.tir")]).toEqual([1, wrong, tidy]);
    expect(stderr).toContain("a.tir:3:1");
  });

  test("goes from stdin to stdout", async () => {
    expect(await new Workplace().run(["fmt", "-"], { stdin: untidy })).toMatchObject({ code: 0, stdout: tidy });
  });

  test("--check changes nothing, names what is untidy, and fails", async () => {
    const place = new Workplace({ "a.tir": tidy, "b.tir": untidy });
    const { code, stdout, stderr } = await place.run(["fmt", "--check", "a.tir", "b.tir"]);
    expect([code, stdout, stderr, place.read("b.tir")]).toEqual([1, "", "b.tir is not formatted\n", untidy]);
    expect((await place.run(["fmt", "--check", "a.tir"])).code).toBe(0);
  });
});

describe("passes", () => {
  test("lists each with its options", async () => {
    const { code, stdout } = await new Workplace().run(["passes"]);
    expect(code).toBe(0);
    for (const { name, summary } of builtinPasses) expect(stdout).toContain(`${name}\n    ${summary}`);
    expect(stdout).toMatch(/mode=exact\|lossy\|off \(default exact\)/);
    expect(stdout).toMatch(/^O0: fuse-elementwise$/m);
  });

  test("as JSON too", async () => {
    const { passes } = JSON.parse((await new Workplace().run(["passes", "--json"])).stdout);
    expect(passes.map((pass: { name: string }) => pass.name)).toEqual(builtinPasses.map(({ name }) => name));
    expect(passes[3].options.mode).toMatchObject({
      type: "choice",
      choices: ["exact", "lossy", "off"],
      default: "exact",
    });
  });
});

describe("explain", () => {
  test.each([...catalog.keys()])("%s has a page", async (code) => {
    const { stdout, stderr, code: exit } = await new Workplace().run(["explain", code]);
    expect([exit, stderr]).toEqual([0, ""]);
    expect(stdout.startsWith(`${code}: ${catalog.get(code)?.title}\n`)).toBe(true);
  });

  test("list shows all codes, a line each", async () => {
    const { stdout, stderr, code } = await new Workplace().run(["explain", "list"]);
    expect([code, stderr]).toEqual([0, ""]);
    const lines = stdout.trimEnd().split("\n");
    expect(lines.map((line) => line.split("  "))).toEqual([...catalog].map(([name, { title }]) => [name, title]));
    expect(lines).toContain("E0203  operands of different element types");
  });

  test.each(["E0203", "e0203"])("%s shows the page", async (code) => {
    const { stdout, code: exit } = await new Workplace().run(["explain", code]);
    expect(exit).toBe(0);
    expect(stdout).toMatch(/^E0203: operands of different element types\n/);
    expect(stdout).toContain("Instead:");
  });
});
