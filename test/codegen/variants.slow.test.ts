/**
 * Entry points for some extents besides the general one: when they exist, which one a launch uses, and what they
 * compute.
 */

import { describe, expect, test } from "vitest";
import { proveKernel } from "../../codegen/prove.ts";
import { optimize } from "../../src/driver/compile.ts";
import { compact } from "../../src/emit/compact-manifest.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { entryFor } from "../../src/launch/entries.ts";
import { parse } from "../../src/parse/parse.ts";
import { prepare } from "../../src/runtime/prepare.ts";
import { portableTarget, targetByName } from "../../src/target/target.ts";
import { compileText } from "../support/compile.ts";
import { gpuTest } from "../support/gpu.ts";
import { compareKernel, inputsFor } from "../support/oracle.ts";

const norm = `fn f(x: f32[rows, n], gamma: f32[n]) -> (y: f32[rows, n], m: f32[rows, 1]) {
  let y = layernorm(x, gamma, axes = [-1], eps = 1e-5)
  return y, max(y, axes = [-1], keepdims = true)
}`;
const chain = "fn f(x: f32[rows, n], b: f32[n]) -> (y: f32[rows, n]) { return tanh(x + b) }";
const halves = "fn f(x: f16[rows, n]) -> (y: f16[rows, n]) { return rmsnorm(x, axes = [-1]) }";

describe("there is one for multiples of a vector's width", () => {
  const variantsOf = (text: string, target = portableTarget) =>
    compileText(text, target).kernel.manifest.variants ?? [];

  test.each([
    ["of rows that a GPU's lanes reduce", norm, "portable", [["main_x4", "n", 4, 256]]],
    ["of elements", chain, "portable", [["main_x4", "n", 4, 4]]],
    ["where statistics take two at a time", norm, "lavapipe", [["main_x2", "n", 2, 128]]],
    [
      "of an axis of the middle, if the last one is not walked",
      "fn f(x: f32[a, n, 1]) -> f32[a, n, 1] { return exp(x) }",
      "portable",
      [["main_x4", "n", 4, 4]],
    ],
  ] as const)("%s", (_, text, target, wanted) => {
    const found = variantsOf(text, targetByName(target));
    expect(found.map((one) => [one.entryPoint, one.dim, one.multipleOf, one.atLeast])).toEqual(wanted);
  });

  test.each([
    ["extents that are written", norm.replaceAll("[n]", "[6]").replaceAll(", n]", ", 6]")],
    ["rows that do not lie side by side", "fn f(x: f32[n, rows]) -> f32[rows] { return sum(x, axes = [0]) }"],
    ["a processor that takes single elements", chain, "swiftshader"],
  ])("not of %s", (_, text, target = "portable") => {
    expect(variantsOf(text, targetByName(target))).toEqual([]);
  });
});

test("a launch takes it where the extent fits, and there is a row", () => {
  const { kernel } = compileText(norm);
  const manifest = compact(kernel.manifest);
  const entryOf = (n: number, rows = 3) => (entryFor(manifest, rows, () => n) ?? manifest).entryPoint;
  expect([256, 260, 768].map((n) => entryOf(n))).toEqual(Array(3).fill("main_x4"));
  expect([0, 4, 252, 257, 258, 769].map((n) => entryOf(n))).toEqual(Array(6).fill("main"));
  expect(entryOf(256, 0)).toBe("main");
});

describe("each is proved", () => {
  const proof = (text: string, target = portableTarget, wgsl = (text: string) => text) => {
    const { fns, consts } = optimize(parse(text)).module;
    return proveKernel(fns[0] as Fn, consts, target, {}, { elements: 2 ** 14, wgsl }).verdict;
  };

  test.each(["portable", "lavapipe", "gpu-f16-subgroup-32"])("for %s", (target) => {
    for (const text of [norm, chain, halves]) expect(proof(text, targetByName(target))).toBe("equal");
  });

  test.each([
    ["a row begins elsewhere", "let start = row * (dims.dim_n / 4u);", "let start = row * (dims.dim_n / 2u);"],
    ["the last vector of a row is left out", "blockStart < dims.dim_n / 4u;", "blockStart + 1u < dims.dim_n / 4u;"],
    [
      "a vector is read behind the row",
      "let unit = (dims.dim_n / 4u / 1u)",
      "let unit = dims.dim_n + (dims.dim_n / 4u / 1u)",
    ],
    ["it reads through the single elements of the other", "v4_in_x[", "in_x["],
  ])("and a mistake in it alone is found: %s", (_, right, wrong) => {
    const broken = (text: string) => {
      const at = text.indexOf("fn main_x4");
      const changed = text.slice(0, at) + text.slice(at).replaceAll(right, wrong);
      expect(changed).not.toBe(text);
      return changed;
    };
    expect(["different", "unsound"]).toContain(proof(norm, portableTarget, broken));
  });
});

describe("on a device", () => {
  gpuTest.for([norm, chain, halves])("%s", async (text, { gpu }) => {
    for (const target of [gpu.target, { ...portableTarget, limits: gpu.target.limits }]) {
      const { fn, kernel } = compileText(text, target);
      for (const n of [258, 260]) {
        const { errors } = await compareKernel(gpu.device, kernel, fn, inputsFor(fn, { rows: 5, n }));
        expect(errors.y, `${target.name}, ${n} columns`).toBeLessThanOrEqual(text === halves ? 1e-3 : 2e-6);
      }
      const { outputs } = await compareKernel(gpu.device, kernel, fn, inputsFor(fn, { rows: 0, n: 256 }));
      expect(outputs.y?.shape).toEqual([0, 256]);
    }
  });

  gpuTest("a result over its input, by either entry point", async ({ gpu: { device } }) => {
    const { kernel, fn } = compileText(chain);
    const prepared = await prepare(device, kernel);
    for (const n of [259, 260]) {
      const { x, b } = inputsFor(fn, { rows: 2, n }) as Record<string, { data: Float32Array<ArrayBuffer> }>;
      const size = 8 * n;
      const memory = device.createBuffer({ size, usage: 128 | 8 | 4 });
      device.queue.writeBuffer(memory, 0, x?.data as Float32Array<ArrayBuffer>);
      const bound = prepared.bind({ x: memory, b: b?.data as Float32Array<ArrayBuffer>, y: memory }, { rows: 2, n });
      const copy = device.createBuffer({ size, usage: 1 | 8 });
      const encoder = device.createCommandEncoder();
      bound.encode(encoder);
      encoder.copyBufferToBuffer(memory, 0, copy, 0, size);
      device.queue.submit([encoder.finish()]);
      await copy.mapAsync(1);
      const got = new Float32Array(copy.getMappedRange());
      for (const [i, value] of got.entries()) {
        expect(value).toBeCloseTo(Math.tanh((x?.data[i] as number) + (b?.data[i % n] as number)), 5);
      }
      bound.destroy();
    }
    prepared.destroy();
  });
});
