/**
 * The kernel of a LayerNorm whose centering is proved unnecessary: it computes no mean and, on a GPU, reads its row
 * once. On a processor a row does not fit in registers: caching it would use memory again, so it is read twice.
 */

import { describe, expect, test } from "vitest";
import { compile } from "../../src/driver/compile.ts";
import { parse } from "../../src/parse/parse.ts";
import { builtinTargets } from "../../src/target/target.ts";

const programs = {
  "a norm alone": (n: number, contract: string) =>
    `fn f(x: f32[rows, ${n}]${contract}, g: f32[${n}], b: f32[${n}]) -> f32[rows, ${n}] {
  return layernorm(x, g, b, axes = [-1])
}`,
  "the end of a block": (n: number, contract: string) =>
    `fn f(x: f32[rows, ${n}]${contract}, r: f32[rows, ${n}]${contract}, g: f32[${n}]) -> (y: f32[rows, ${n}], h: f32[rows, ${n}]) {
  let h = x + r * 0.5
  return gelu(layernorm(h, g, axes = [-1])), h
}`,
  "written out": (n: number, contract: string) =>
    `fn f(x: f32[rows, ${n}]${contract}) -> f32[rows, ${n}] {
  let d = x - mean(x, axes = [-1], keepdims = true)
  return d / sqrt(mean(d * d, axes = [-1], keepdims = true) + 1e-5)
}`,
};

const isMean = (wgsl: string) => /moments|delta|shift|_sum_lane = x_sum_lane/.test(wgsl);

describe.each(builtinTargets.map(({ name, kind }) => [name, kind] as const))("for %s, a %s", (target, kind) => {
  test.each(
    Object.entries(programs).flatMap(([name, write]) => [64, 768, 769, 1024].map((n) => [name, n, write] as const)),
  )("%s, rows of %i", (_, n, write) => {
    const wgslOf = (contract: string) => compile(parse(write(n, contract)), { target }).kernels[0]?.wgsl ?? "";
    const centered = wgslOf(" @centered(-1)");
    expect(isMean(centered)).toBe(false);
    // A GPU reads x once: in the loop over the row and, for 769, in the remainder. A processor reads it twice, for each of the
    // rows that a lane holds: four, eight if they are read element by element or short, one for short rows on lavapipe.
    const registerRows = n === 64 && target === "lavapipe" ? 1 : n === 769 || n === 64 ? 8 : 4;
    expect(centered.match(/in_x\[/g)).toHaveLength(kind === "gpu" ? (n === 769 ? 2 : 1) : 2 * registerRows);
    expect(centered.match(/for \(var step/g)?.length ?? 0).toBeLessThanOrEqual(2);
    // The check can fail: without the contract there is a mean.
    expect(isMean(wgslOf(""))).toBe(true);
  });
});
