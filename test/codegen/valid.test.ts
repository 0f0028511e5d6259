/** Every kernel for every target is valid WGSL, and says in its manifest what it needs. */

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { allTargets, compileText } from "../support/compile.ts";
import { shapePrograms } from "../support/shape-programs.ts";
import { hasTint, validateWgsl } from "../support/tint.ts";

const examples = readdirSync("examples").filter((name) => name.endsWith(".tir"));

describe.skipIf(!hasTint).each(allTargets.map((target) => target.name))("%s", (name) => {
  const target = allTargets.find((profile) => profile.name === name);
  const check = async (text: string) => {
    const { kernel } = compileText(text, target);
    const constants = Object.fromEntries(kernel.manifest.overrides.map(({ constant }) => [constant, 24]));
    expect(await validateWgsl(kernel.wgsl, constants)).toEqual([]);
    expect(kernel.wgsl.includes("enable subgroups;")).toBe(kernel.manifest.requiredFeatures.includes("subgroups"));
    expect(kernel.wgsl.includes("enable f16;")).toBe(kernel.manifest.requiredFeatures.includes("shader-f16"));
    for (const feature of kernel.manifest.requiredFeatures) expect(target?.features).toContain(feature);
  };
  test.each(examples)("examples/%s", (file) => check(readFileSync(`examples/${file}`, "utf8")));
  test.each(Object.entries(shapePrograms))("%s", (_, text) => check(text));
});

test("a result that lacks the rows is written by the first row alone", () => {
  const { kernel } = compileText(shapePrograms["results of other shapes"]);
  for (const name of ["out_h", "out_k"]) {
    const store = new RegExp(`if \\((.*)\\) {\\s*${name}\\[`).exec(kernel.wgsl);
    expect(store?.[1], name).toContain("index == 0u");
  }
});
