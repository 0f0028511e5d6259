/** Kernels are free of data races, and each of their barriers is needed. */

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { portableTarget } from "../../codegen/target.ts";
import { compileText } from "../support/compile.ts";
import { countBarriers, findRaces, withoutBarrier } from "../support/races.ts";
import { shapePrograms } from "../support/shape-programs.ts";

const examples = readdirSync("examples").filter((name) => name.endsWith(".tir"));
const small = { rows: 2, tokens: 2, batch: 1, heads: 1, queries: 2, hidden: 36, n: 2, columns: 20 };

// The detector knows no subgroup operations, so it sees the variant with workgroup memory alone.
const target = { ...portableTarget, limits: { ...portableTarget.limits, maxComputeInvocationsPerWorkgroup: 16 } };

test.each(examples)("examples/%s", (file) => {
  const { kernel } = compileText(readFileSync(`examples/${file}`, "utf8"), target);
  const dims = Object.fromEntries(
    kernel.manifest.dims.map(({ name }) => [name, small[name as keyof typeof small] ?? 2]),
  );
  expect(findRaces(kernel, dims)).toEqual([]);
});

test.each(Object.entries(shapePrograms))("%s", (_, text) => {
  const { kernel } = compileText(text, target);
  const dims = Object.fromEntries(kernel.manifest.dims.map(({ name }) => [name, 3]));
  expect(findRaces(kernel, dims)).toEqual([]);
});

describe("with a barrier taken out", () => {
  const text = `fn f(x: f32[n, 40]) -> (a: f32[n, 40], m: f32[n]) {
    let p = softmax(layernorm(x, axes = [-1]), axes = [-1])
    return p, max(p, axes = [-1])
  }`;
  const { kernel } = compileText(text, target);

  test("the whole kernel is sound", () => expect(findRaces(kernel, { n: 2 })).toEqual([]));

  test.each(Array.from({ length: countBarriers(kernel.wgsl) }, (_, i) => i))("barrier %i is missed", (index) => {
    const broken = { ...kernel, wgsl: withoutBarrier(kernel.wgsl, index) };
    expect(findRaces(broken, { n: 2 })).not.toEqual([]);
  });
});
