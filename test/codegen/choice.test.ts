/** Choices that a target profile holds: what they change, and what becomes of those that do not fit. */

import { describe, expect, test } from "vitest";
import { type Choice, choiceSpace, fitted } from "../../codegen/choice.ts";
import { portableTarget, targetByName } from "../../codegen/target.ts";
import { compileText } from "../support/compile.ts";

const choice: Choice = { lanes: 8, workgroup: 32, rowsPerLane: 2, width: 2, keep: 0 };
const text = (name: string, columns: number) =>
  `fn ${name}(x: f32[rows, ${columns}]) -> f32[rows, ${columns}] { return layernorm(x, axes = [-1]) }`;
const tuned = { ...portableTarget, schedules: [{ fn: "f", columns: 64, choice }] };

test("a choice is that of its function and row length, and of no other", () => {
  const { kernel } = compileText(text("f", 64), tuned);
  expect(kernel.wgsl).toContain("@workgroup_size(32)");
  expect(kernel.wgsl).toContain("in_x: array<vec2f>");
  expect(kernel.manifest.dispatch.rowsPerWorkgroup).toBe((32 / 8) * 2);
  expect(compileText(text("g", 64), tuned).kernel.wgsl).toBe(compileText(text("g", 64)).kernel.wgsl);
  expect(compileText(text("f", 128), tuned).kernel.wgsl).toBe(compileText(text("f", 128)).kernel.wgsl);
  expect(compileText(text("f", 64).replaceAll("64", "n"), tuned).kernel.wgsl).toBe(
    compileText(text("f", 64).replaceAll("64", "n")).kernel.wgsl,
  );
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
