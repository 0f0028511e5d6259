/**
 * The form of a kernel in which a result is written over an input: the launcher writes the result's variable where the manifest
 * says that the input's stands, and what comes of it is what the printer prints of the program that reads the result's buffer.
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { generate } from "../../codegen/generate.ts";
import { minifyKernel } from "../../codegen/minify.ts";
import { printKernel } from "../../codegen/print-kernel.ts";
import { optimize } from "../../src/driver/compile.ts";
import { emitModule } from "../../src/emit/module.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { load } from "../../src/kernel/expression.ts";
import type { Program } from "../../src/kernel/statement.ts";
import { verifyProgram } from "../../src/kernel/verify.ts";
import { type Launcher, launcherOf } from "../../src/launch/launcher.ts";
import { parse } from "../../src/parse/parse.ts";
import { launchKernelOf } from "../../src/runtime/prepare.ts";
import { targetByName } from "../../src/target/target.ts";
import { temporaryFolder } from "../support/built.ts";
import { compileText } from "../support/compile.ts";
import { withExpressions } from "../support/rewrite-program.ts";

const functions = {
  row: "fn f(x: f32[rows, 768], r: f32[rows, 768]) -> (y: f32[rows, 768]) { return rmsnorm(x + r, axes = [-1]) + x }",
  // Names that are prefixes of other names, and vectors beside single elements.
  names:
    "fn f(x: f32[n, k], x_: f32[n, k], x_2: f32[n, k]) -> (y: f32[n, k], x_1: f32[n, k]) { return x * x_, x_ + x_2 }",
  halves: "fn f(x: f16[rows, 768], r: f16[rows, 768]) -> (y: f16[rows, 768]) { return softmax(x, axes = [-1]) * r }",
  bytes:
    "fn f(x: u8[rows, 64], on: bool[rows, 64]) -> (y: u8[rows, 64], off: bool[rows, 64]) { return where(on, x, 0), !on }",
};
const targets = ["portable", "swiftshader", "gpu-subgroup-32", "gpu-f16-subgroup-32"];

/** With the usage STORAGE. */
const storageBuffer = () => ({ size: 4096, usage: 0x80 }) as GPUBuffer;

/** A device that has all features, and whose modules are their texts. */
const device = {
  features: { has: () => true },
  limits: new Proxy({}, { get: () => 2 ** 30 }),
  adapterInfo: { subgroupMinSize: 32, subgroupMaxSize: 32 },
  createShaderModule: ({ code }: { code: string }) => code,
  createBuffer: () => storageBuffer(),
} as unknown as GPUDevice;

const readBy = ([input, result]: readonly [string, string]) => ({ [`in_${input}`]: `out_${result}` });

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
    expect(moduleOf({})).toBe(kernel.wgsl);
    const pairs = kernel.manifest.bindings.flatMap(({ name: result, mayAlias = [] }) =>
      mayAlias.map((input) => [input, result] as const),
    );
    for (const pair of pairs) {
      const rewritten = programs.map((program) => readingResult(program, pair)) as [Program, ...Program[]];
      for (const program of rewritten) expect(verifyProgram(program)).toEqual([]);
      const { wgsl } = printKernel(...rewritten);
      expect(moduleOf(readBy(pair))).toBe(wgsl);
      expect(moduleOf(readBy(pair))).not.toBe(kernel.wgsl);
    }
    expect(pairs.length).toBeGreaterThan(0);
  });
});

describe.each(Object.entries(functions))("%s", (_, text) => {
  const { kernel } = compileText(text);
  const [[result, input]] = kernel.manifest.bindings.flatMap(({ name, mayAlias = [] }) =>
    mayAlias.map((input) => [name, input] as const),
  ) as [readonly [string, string]];

  test("the places are all at which the text reads an input", () => {
    for (const { wgsl, manifest } of [kernel, minifyKernel(kernel)]) {
      for (const { variable, access, reads } of manifest.bindings) {
        // All tokens of this name except its declarations.
        const named = [...wgsl.matchAll(new RegExp(`\\b(?:v\\d_)?(${variable})\\b`, "dg"))];
        const read = named.filter(({ index }) => !/var<storage, ?read> ?$/.test(wgsl.slice(0, index)));
        const found = read.map(({ indices }) => indices?.[1]?.[0]);
        if (access === "read") expect([variable, reads]).toEqual([variable, found]);
        else expect(reads).toBeUndefined();
      }
    }
  });

  test("is the same in a module, and in fewer characters", async () => {
    for (const one of [kernel, minifyKernel(kernel)]) {
      const path = join(temporaryFolder(), "kernels.mjs");
      writeFileSync(path, emitModule([one], { language: "js", source: "p.tir" }));
      const { f } = await import(/* @vite-ignore */ pathToFileURL(path).href);
      expect(f.wgsl).toBe(one.wgsl);
      const wanted = launcherOf(device, launchKernelOf(one)).moduleOf(readBy([input, result]));
      expect(launcherOf(device, f).moduleOf(readBy([input, result]))).toBe(wanted);
      expect(wanted).not.toBe(one.wgsl);
    }
  });

  test("a text that was edited has no such form", () => {
    const edited = { ...kernel, wgsl: `// edited\n${kernel.wgsl}` };
    const launcher = launcherOf(device, launchKernelOf(edited));
    const buffer = storageBuffer();
    const dims = Object.fromEntries(kernel.manifest.dims.map(({ name }) => [name, 1]));
    const others = kernel.manifest.bindings.filter(({ name, access }) => access === "read" && name !== input);
    const given = Object.fromEntries(others.map(({ name }) => [name, storageBuffer()]));
    const place = (launcher: Launcher) => () =>
      launcher.place({ ...given, [input]: buffer, [result]: buffer }, [], dims);
    expect(place(launcher)).toThrow(`E0619 one buffer: ${input}, ${result}, false`);
    const [isReadBy] = place(launcherOf(device, launchKernelOf(kernel)))().choice;
    expect(isReadBy).toEqual(readBy([input, result]));
  });
});
