/** `tirc check`, the language server and `tirc compile` report the same diagnostics at the same places. */

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { catalog } from "../src/diagnostics/catalog.ts";
import type { Diagnostic } from "../src/diagnostics/diagnostic.ts";
import { type JsonDiagnostic, renderJson } from "../src/diagnostics/json.ts";
import { diagnostics } from "../src/language/index.ts";
import { Workplace } from "./support/cli.ts";

const programs: Readonly<Record<string, string>> = {
  rope: `fn rope(x: f32[seq, heads, 128], cos_t: f32[seq, 1, 128], sin_t: f32[seq, 1, 128]) -> (y: f32[seq, heads, 128]) {
  let a = slice(x, axis = -1, start = 0, end = 64)
  let b = slice(x, axis = -1, start = 64, end = 128)
  return x * cos_t + concat(-b, a, axis = -1) * sin_t
}
`,
  extern: `fn f(x: f32[n, 64]) -> (y: f32[n, 64]) {
  let c: f32[n, 64] = extern(x, op = "Conv")
  return layernorm(c, axes = [-1])
}
`,
  unknown: `fn f(x: f32[n, 64]) -> (y: opaque) {
  let c = extern(exp(x), op = "Conv")
  return c
}
`,
  two: `fn f(x: f32[n, 64]) -> (y: f32[n], m: f32) {
  let s = sum(x, axes = [-1])
  return s, mean(s, axes = [0])
}

fn g(x: f32[n, 64], w: f32[64, 64]) -> (y: f32[n, 64]) {
  return matmul(x, w)
}
`,
  lossy: `// tirc-pipeline: layernorm-to-rmsnorm,eliminate-centering{mode=lossy},fuse-elementwise
fn f(x: f32[n, 64]) -> (y: f32[n, 64]) {
  return layernorm(x, axes = [-1])
}
`,
  unfused: `// tirc-pipeline: cse
fn f(x: f32[n]) -> (y: f32[n]) {
  return exp(x)
}
`,
  misspelled: `// tirc-pipeline: canonicalise,fuse-elementwise
fn f(x: f32[n]) -> (y: f32[n]) {
  return exp(x)
}
`,
  right: `fn f(x: f32[n]) -> (y: f32[n]) {
  return exp(x)
}
`,
  ...Object.fromEntries([...catalog].filter(([code]) => /^E050/.test(code)).map(([code, { wrong }]) => [code, wrong])),
  ...Object.fromEntries(
    readdirSync("examples")
      .filter((name) => name.endsWith(".tir"))
      .map((name) => [name, readFileSync(`examples/${name}`, "utf8")]),
  ),
};
const place = new Workplace(Object.fromEntries(Object.entries(programs).map(([name, text]) => [`${name}.tir`, text])));
const json = (stderr: string): JsonDiagnostic[] =>
  stderr
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line));

/** Its message, and its position. */
function placed(one: Diagnostic | JsonDiagnostic) {
  const { code, message, line, col } = "span" in one ? renderJson(one) : (one as JsonDiagnostic);
  return { code, message, line, col };
}

describe("check, compile and the editor", () => {
  test.each(Object.entries(programs))("%s", async (name, text) => {
    const options = ["--diagnostics", "json"];
    const compiled = await place.run(["compile", `${name}.tir`, "-o", "out/", ...options]);
    const checked = await place.run(["check", `${name}.tir`, ...options]);
    expect(json(checked.stderr)).toEqual(json(compiled.stderr));
    expect([checked.code, checked.stdout]).toEqual([compiled.code, ""]);
    expect(diagnostics(text).map(placed)).toEqual(json(checked.stderr).map(placed));
  });
});

test("of some of them there is something to say", () => {
  const codes = (name: string) => diagnostics(programs[name] as string).map(({ code }) => code);
  expect(codes("rope")).toEqual([]);
  expect(codes("extern")).toEqual([]);
  expect(codes("two")).toEqual([]);
  expect(codes("unknown")).toEqual(["E0505"]);
  expect(codes("lossy")).toEqual(["R0103"]);
  expect(codes("unfused")).toEqual(["E0501"]);
  expect(codes("misspelled")).toEqual(["E0301"]);
});

test("a target can be named, and kernels be left out", async () => {
  const nine =
    "fn f(a: f32[n], b: f32[n], c: f32[n], d: f32[n], e: f32[n], g: f32[n], h: f32[n], i: f32[n]) -> (y: f32[n]) {\n  return a + b + c + d + e + g + h + i\n}\n";
  place.write("nine.tir", nine);
  place.write("large.json", '{ "name": "large", "kind": "gpu", "limits": { "maxStorageBuffersPerShaderStage": 10 } }');
  place.write("small.json", '{ "name": "small", "kind": "gpu", "limits": { "maxStorageBuffersPerShaderStage": 4 } }');
  expect((await place.run(["check", "nine.tir"])).stderr).toBe("");
  expect((await place.run(["check", "nine.tir", "--target", "small.json"])).stderr).toContain("E0504");
  expect((await place.run(["check", "nine.tir", "--target", "large.json"])).stderr).toBe("");
  expect((await place.run(["check", "rope.tir", "unknown.tir", "--no-kernels"])).stderr).toBe("");
  expect(diagnostics(programs.rope as string, { kernels: false })).toEqual([]);
});

test("a program's pipeline is read where kernels are left out, by both", async () => {
  const { code, stderr } = await place.run(["check", "misspelled.tir", "--no-kernels", "--diagnostics", "json"]);
  expect([code, json(stderr).map(({ code }) => code)]).toEqual([2, ["E0301"]]);
  expect(diagnostics(programs.misspelled as string, { kernels: false }).map(placed)).toEqual(json(stderr).map(placed));
});
