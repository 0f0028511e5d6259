/** Measured schedules in a target profile: their effect, and what happens to those that do not apply. */

import { describe, expect, test } from "vitest";
import { scheduleOf } from "../../codegen/generate.ts";
import { compile } from "../../src/driver/compile.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { parse } from "../../src/parse/parse.ts";
import { type Choice, choiceSpace, fitted } from "../../src/target/choice.ts";
import { portableTarget, targetByName } from "../../src/target/target.ts";
import { compileText } from "../support/compile.ts";

const choice: Choice = { lanes: 8, workgroup: 32, rowsPerLane: 2, width: 2, keep: 0 };
const text = (name: string, columns: number) =>
  `fn ${name}(x: f32[rows, ${columns}]) -> f32[rows, ${columns}] { return layernorm(x, axes = [-1]) }`;
const hashIn = (program: string) => {
  const { module } = compile(parse(program));
  return scheduleOf(module.fns[0] as Fn, portableTarget).hash;
};
const tuned = { ...portableTarget, schedules: [{ kernel: hashIn(text("f", 64)), columns: 64, choice }] };
const isTuned = (program: string) => compileText(program, tuned).kernel.wgsl !== compileText(program).kernel.wgsl;

test("a choice changes the kernel that it is for", () => {
  const { kernel } = compileText(text("f", 64), tuned);
  expect(kernel.wgsl).toContain("@workgroup_size(32)");
  expect(kernel.wgsl).toContain("in_x: array<vec2f>");
  expect(kernel.manifest.dispatch.rowsPerWorkgroup).toBe((32 / 8) * 2);
});

test("a kernel is known by what it computes: names, and how many rows there are, are nothing to it", () => {
  expect(isTuned(text("g", 64))).toBe(true);
  expect(isTuned(text("f", 64).replaceAll(/\bx\b/g, "y"))).toBe(true);
  expect(isTuned(text("f", 64).replaceAll("rows", "1000"))).toBe(true);
  expect(isTuned(text("f", 64).replaceAll("rows", "1"))).toBe(true);
  expect(isTuned(text("f", 64).replaceAll("rows", "n"))).toBe(true);
});

test.each([
  ["another length", text("f", 128)],
  ["a length that is not known", text("f", 64).replaceAll("64", "n")],
  ["another op", text("f", 64).replace("layernorm", "rmsnorm")],
  ["another attribute", text("f", 64).replace("axes = [-1]", "axes = [-1], eps = 1e-3")],
  ["another element type", text("f", 64).replaceAll("f32", "f16")],
  ["another order of the row", text("f", 64).replace("layernorm(x", "layernorm(flip(x, axis = -1)")],
  ["another result", text("f", 64).replace("return ", "return 2 * ")],
])("%s is another kernel", (_, program) => expect(isTuned(program)).toBe(false));

test("a choice that names no kernel is for all with rows of its length", () => {
  const all = { ...portableTarget, schedules: [{ columns: 64, choice }] };
  for (const program of [text("f", 64), text("f", 64).replace("layernorm", "rmsnorm")]) {
    expect(compileText(program, all).kernel.wgsl).toContain("@workgroup_size(32)");
  }
});

describe("a choice that does not fit becomes the nearest that does", () => {
  const space = choiceSpace(2, 5, 64, false);
  test.each<[string, Partial<Choice>, Partial<Choice>]>([
    ["more lanes than units", { lanes: 256 }, { lanes: 8 }],
    ["a workgroup above the limit", { workgroup: 1024 }, { workgroup: 64 }],
    ["fewer lanes in a workgroup than share a row", { lanes: 8, workgroup: 1 }, { lanes: 8, workgroup: 8 }],
    ["wider than the buffers allow", { width: 4 }, { width: 2 }],
    ["more rows than there are variants for", { rowsPerLane: 64 }, { rowsPerLane: 8 }],
  ])("%s", (_, given, wanted) => {
    expect(fitted({ ...choice, ...given }, space)).toEqual({ ...choice, ...wanted });
  });

  test("in a function without a reduction a lane has a row of its own", () => {
    expect(fitted(choice, choiceSpace(4, 1, 256, true))).toEqual({ ...choice, lanes: 1 });
  });
});

test("odd rows keep to single elements whatever is chosen", () => {
  const target = { ...targetByName("swiftshader"), schedules: [{ fn: "f", columns: 7, choice }] };
  expect(compileText(text("f", 7), target).kernel.wgsl).toContain("in_x: array<f32>");
});

test("on a processor halves that share a word are read two at a time: single ones are written atomically", () => {
  const halves = (columns: number) => text("f", columns).replaceAll("f32", "f16");
  const wgsl = (columns: number) => compileText(halves(columns), targetByName("swiftshader")).kernel.wgsl;
  expect(wgsl(64)).not.toContain("atomic");
  expect(wgsl(65)).toContain("atomic");
});

test.each([
  ["few values", "x + y", 4],
  ["more than fit in registers", "tanh(x * y + 1) * sigmoid(x) + y", 2],
])("without a reduction a lane of llvmpipe computes vectors: %s", (_, body, vectors) => {
  const program = `fn f(x: f32[rows, 64], y: f32[rows, 64]) -> f32[rows, 64] { return ${body} }`;
  const wgslFor = (name: string) => compileText(program, targetByName(name)).kernel.wgsl;
  expect(wgslFor("lavapipe").match(/^ *out_\w+\[/gm)).toHaveLength(vectors);
  expect(wgslFor("lavapipe")).toContain("in_x: array<vec4f>");
  expect(wgslFor("swiftshader")).toContain("in_x: array<f32>");
});
