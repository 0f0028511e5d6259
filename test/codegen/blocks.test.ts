/** Nested sums: how many additions an element passes through, and how deep the loops are around it. */

import { expect, test } from "vitest";
import { blocksOf, mostBlockSteps } from "../../codegen/blocks.ts";
import { mostInvocations } from "../../codegen/schedule.ts";
import { compile } from "../../src/driver/compile.ts";
import { mostCounted } from "../../src/launch/counts.ts";
import { parse } from "../../src/parse/parse.ts";
import { builtinTargets } from "../../src/target/target.ts";

/** Additions that an element passes through in blocks of these sizes, the largest first. */
function additions(steps: number, sizes: readonly number[]): number {
  const around = [steps, ...sizes];
  return around.reduce((sum, size, i) => sum + Math.ceil(Math.min(size, steps) / (around[i + 1] ?? 1)), 0);
}

test("an element passes through at most 32 + 4 sqrt(steps / 16) additions", () => {
  for (let steps = 1; steps <= 2 ** 18; steps += 1 + (steps >> 4)) {
    const most = 32 + 4 * Math.sqrt(steps / 16);
    expect(additions(steps, blocksOf(steps)), `${steps} steps`).toBeLessThanOrEqual(most);
    expect(additions(steps, blocksOf()), `${steps} steps that are not known`).toBeLessThanOrEqual(48 + steps / 512 + 1);
  }
});

test("no block is larger than what counters leave room for, and each is a number of the smaller ones", () => {
  for (const steps of [undefined, 1, 16, 17, 256, 257, 4096, 10_000, 2 ** 18, 2 ** 30]) {
    const sizes = blocksOf(steps);
    for (const [i, size] of sizes.entries()) {
      expect(size).toBeLessThanOrEqual(mostBlockSteps);
      expect(size % (sizes[i + 1] ?? 1)).toBe(0);
    }
  }
});

test("no counter wraps where it goes a block of all lanes beyond the last unit", () => {
  expect(mostCounted).toBe(2 ** 32 - Math.max(...Object.values(mostInvocations)) * mostBlockSteps);
});

/** How deep `for` loops of a kernel nest, by its braces. */
function loopDepth(wgsl: string): number {
  let most = 0;
  const open: boolean[] = [];
  for (const line of wgsl.split("\n")) {
    if (line.trimStart().startsWith("}")) open.pop();
    if (line.trimEnd().endsWith("{")) open.push(/\bfor \(/.test(line));
    most = Math.max(most, open.filter((isLoop) => isLoop).length);
  }
  return most;
}

// SwiftShader's time to compile eight rows' moments within four loops is counted in minutes, and its memory in gigabytes.
test.each(builtinTargets)("no kernel for $name nests more than three loops", (target) => {
  for (const columns of ["cols", 65, 769, 20_001, 131_072]) {
    const text = `fn f(x: f32[rows, ${columns}]) -> (y: f32[rows, ${columns}], m: f32[rows, 1]) {
  return layernorm(x, axes = [-1]), max(center(x, axes = [-1]), axes = [-1], keepdims = true)
}`;
    const { kernels } = compile(parse(text), { target });
    expect(loopDepth(kernels[0]?.wgsl as string), `${columns} columns`).toBeLessThanOrEqual(3);
  }
});

/** Variables that an entry point of a kernel accumulates rows into, an element of a vector as one; the most of all. */
function accumulators(wgsl: string): number {
  const counts = wgsl.split("@compute").map((entry) => {
    const declared = entry.matchAll(/^ *var \w+_(?:lane|shift|mean|m2)(?:_block2?)? = (?:vec(\d)|f32|i32|u32)/gm);
    return [...declared].reduce((sum, [, width]) => sum + Number(width ?? 1), 0);
  });
  return Math.max(...counts);
}

test.each(builtinTargets)("a lane for $name accumulates into few variables, or one row alone", (target) => {
  for (const columns of ["cols", 64, 769, 4096, 20_001]) {
    for (const norms of [1, 2, 3, 5]) {
      const sum = Array.from({ length: norms }, (_, i) => `layernorm(tanh(x * ${i + 1}), axes = [-1])`).join(" + ");
      const text = `fn f(x: f32[rows, ${columns}]) -> f32[rows, ${columns}] { return ${sum} }`;
      const [kernel] = compile(parse(text), { target }).kernels;
      const found = accumulators(kernel?.wgsl as string);
      expect(found, `${columns} columns`).toBeGreaterThan(0);
      if (/index_1/.test(kernel?.wgsl as string)) expect(found, `${columns} columns, ${norms}`).toBeLessThanOrEqual(64);
    }
  }
});
