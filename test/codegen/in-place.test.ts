/**
 * The form of a kernel in which a result is written over an input: the launcher edits the text, and what comes of it is what
 * the printer prints of the program that reads the result's buffer for the input's.
 */

import { describe, expect, test } from "vitest";
import { generate } from "../../codegen/generate.ts";
import { printKernel } from "../../codegen/print-kernel.ts";
import { optimize } from "../../src/driver/compile.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { load } from "../../src/kernel/expression.ts";
import type { Program } from "../../src/kernel/statement.ts";
import { verifyProgram } from "../../src/kernel/verify.ts";
import { launcherOf } from "../../src/launch/launcher.ts";
import { parse } from "../../src/parse/parse.ts";
import { launchKernelOf } from "../../src/runtime/prepare.ts";
import { targetByName } from "../../src/target/target.ts";
import { withExpressions } from "../support/rewrite-program.ts";

const functions = {
  row: "fn f(x: f32[rows, 768], r: f32[rows, 768]) -> (y: f32[rows, 768]) { return rmsnorm(x + r, axes = [-1]) + x }",
  // Two inputs of which the name of one begins that of the other, and vectors beside single elements.
  names:
    "fn f(x: f32[n, k], x_: f32[n, k], x_2: f32[n, k]) -> (y: f32[n, k], x_1: f32[n, k]) { return x * x_, x_ + x_2 }",
  halves: "fn f(x: f16[rows, 768], r: f16[rows, 768]) -> (y: f16[rows, 768]) { return softmax(x, axes = [-1]) * r }",
  bytes:
    "fn f(x: u8[rows, 64], on: bool[rows, 64]) -> (y: u8[rows, 64], off: bool[rows, 64]) { return where(on, x, 0), !on }",
};
const targets = ["portable", "swiftshader", "gpu-subgroup-32", "gpu-f16-subgroup-32"];

/** A device that has all features, and whose modules are their texts. */
const device = {
  features: { has: () => true },
  limits: new Proxy({}, { get: () => 2 ** 30 }),
  adapterInfo: { subgroupMinSize: 32, subgroupMaxSize: 32 },
  createShaderModule: ({ code }: { code: string }) => code,
} as unknown as GPUDevice;

/** The program, which reads the buffer of a result where it read that of an input. */
function readingResult(program: Program, [input, result]: readonly [string, string]): Program {
  const to = program.buffers.find(({ wgsl }) => wgsl === `out_${result}`);
  return withExpressions(program, (one) =>
    one.kind === "load" && one.buffer.wgsl === `in_${input}` && to ? load(to, one.index, one.type.width) : one,
  );
}

describe.each(Object.entries(functions))("%s", (_, text) => {
  const [fn] = optimize(parse(text)).module.fns as [Fn];
  test.each(targets)("is what the program prints for %s", (name) => {
    const { kernel, programs } = generate(fn, targetByName(name));
    const { moduleOf } = launcherOf(device, launchKernelOf(kernel));
    expect(moduleOf([])).toBe(kernel.wgsl);
    const pairs = kernel.manifest.bindings.flatMap(({ name: result, mayAlias = [] }) =>
      mayAlias.map((input) => [input, result] as const),
    );
    for (const pair of pairs) {
      const rewritten = programs.map((program) => readingResult(program, pair)) as [Program, ...Program[]];
      for (const program of rewritten) expect(verifyProgram(program)).toEqual([]);
      const wanted = printKernel(...rewritten).map((line) => `${line.text}\n`);
      expect(moduleOf([pair])).toBe(wanted.join(""));
      expect(moduleOf([pair])).not.toBe(kernel.wgsl);
    }
    expect(pairs.length).toBeGreaterThan(0);
  });
});
