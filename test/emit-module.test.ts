/** Modules that `--emit ts` and bundlers make: they run on a device by themselves, and say what is wrong with a call. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { compile } from "../src/compile.ts";
import { emitDeclarations, emitModule, exportNames } from "../src/emit-module.ts";
import { interpret } from "../src/ir/interpret.ts";
import type { Fn } from "../src/ir/ir.ts";
import { parse } from "../src/parse/parse.ts";
import { temporaryFolder } from "./support/built.ts";
import { gpuTest } from "./support/gpu.ts";
import { randomInputs } from "./support/random-inputs.ts";

const text = `fn add_norm(x: f32[rows, hidden], r: f32[rows, hidden], gamma: f32[hidden]) -> (y: f32[rows, hidden], h: f32[rows, hidden]) {
  let h = x + r
  return layernorm(h, gamma, axes = [-1]), h
}

fn double(x: f32[4]) -> f32[4] { return x * 2 }
`;

type Launch = (
  device: GPUDevice,
  inputs: Record<string, GPUBuffer>,
  dims?: Record<string, number>,
  options?: { encoder?: GPUCommandEncoder; outputs?: Record<string, GPUBuffer> },
) => Record<string, GPUBuffer>;

async function load(source: string): Promise<Record<string, Launch & { wgsl: string }>> {
  const { kernels } = compile(parse(source));
  const path = join(temporaryFolder(), "kernels.mjs");
  writeFileSync(path, emitModule(kernels, { language: "js", source: "p.tir" }));
  return import(/* @vite-ignore */ pathToFileURL(path).href);
}

function upload(device: GPUDevice, data: Float64Array): GPUBuffer {
  const buffer = device.createBuffer({ size: Math.max(16, Math.ceil(data.length / 4) * 16), usage: 128 | 8 });
  device.queue.writeBuffer(buffer, 0, Float32Array.from(data));
  return buffer;
}

async function download(device: GPUDevice, buffer: GPUBuffer, count: number): Promise<Float32Array> {
  const readable = device.createBuffer({ size: buffer.size, usage: 1 | 8 });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, readable, 0, buffer.size);
  device.queue.submit([encoder.finish()]);
  await readable.mapAsync(1);
  return new Float32Array(readable.getMappedRange().slice(0)).subarray(0, count);
}

describe("a module on a device", () => {
  gpuTest("gives what the reference gives, for one shape after the other", async ({ gpu: { device } }) => {
    const { addNorm } = await load(text);
    for (const dims of [
      { rows: 5, hidden: 64 },
      { rows: 3, hidden: 17 },
      { rows: 0, hidden: 8 },
    ]) {
      const fn = parse(text).fns[0] as Fn;
      const inputs = randomInputs(fn, 7, dims);
      const buffers = Object.fromEntries(
        Object.entries(inputs).map(([name, { data }]) => [name, upload(device, data)]),
      );
      const outputs = (addNorm as Launch)(device, buffers, dims);
      expect(Object.keys(outputs)).toEqual(["y", "h"]);
      for (const [name, { data }] of Object.entries(interpret(fn, inputs))) {
        const got = await download(device, outputs[name] as GPUBuffer, data.length);
        for (const [i, value] of data.entries()) expect(Math.abs(value - (got[i] as number))).toBeLessThan(2e-6);
      }
    }
  });

  gpuTest("records into an encoder and writes into given buffers", async ({ gpu: { device } }) => {
    const { double } = await load(text);
    const x = upload(device, Float64Array.of(1, 2, 3, 4));
    const mine = device.createBuffer({ size: 16, usage: 128 | 4 });
    const encoder = device.createCommandEncoder();
    const launch = double as Launch;
    const first = launch(device, { x }, {}, { encoder });
    const second = launch(device, { x: first.out0 as GPUBuffer }, {}, { encoder, outputs: { out0: mine } });
    expect(second.out0).toBe(mine);
    device.queue.submit([encoder.finish()]);
    expect([...(await download(device, mine, 4))]).toEqual([4, 8, 12, 16]);
  });

  gpuTest("says what is wrong with a call", async ({ gpu: { device } }) => {
    const { double, addNorm } = (await load(text)) as unknown as { double: Launch; addNorm: Launch };
    const x = upload(device, new Float64Array(4));
    expect(() => double(device, {})).toThrow("double: the input x is missing");
    expect(() => addNorm(device, { x, r: x, gamma: x }, { rows: 1 })).toThrow(
      "add_norm: the dimension hidden is a whole number, not undefined",
    );
    expect(() => addNorm(device, { x, r: x, gamma: x }, { rows: 2, hidden: 4 })).toThrow(
      "add_norm: x is a buffer of 16 bytes, and needs 32",
    );
    expect(() => addNorm(device, { x, r: x, gamma: x }, { rows: -1, hidden: 4 })).toThrow("not -1");
  });

  gpuTest("has the text of the kernel", async ({ gpu: { device } }) => {
    const { double } = await load(text);
    const { kernels } = compile(parse(text));
    expect(double?.wgsl).toBe(kernels[1]?.wgsl);
    expect(device.lost).toBeDefined();
  });
});

test("names: camel case, unless two would be one or JavaScript has the word", () => {
  const named = (...names: string[]) =>
    exportNames(
      compile(parse(names.map((name) => `fn ${name}(x: f32[4]) -> f32[4] { return x * 2 }`).join("\n"))).kernels,
    );
  expect(named("add_norm", "gelu2", "_x")).toEqual(["addNorm", "gelu2", "_x"]);
  expect(named("add_norm", "addNorm")).toEqual(["add_norm", "addNorm"]);
  expect(named("delete", "launch", "class_")).toEqual(["deleteKernel", "launchKernel", "class_"]);
});

test("declarations name every input, output and dimension", () => {
  const declarations = emitDeclarations(compile(parse(text)).kernels, "p.tir");
  expect(declarations).toMatchSnapshot();
});
