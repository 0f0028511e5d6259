/** Modules that `--emit ts` and bundlers write: they run on a device without the package, and report wrong calls. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { compile, compileVariants } from "../src/driver/compile.ts";
import { expand, launchPart } from "../src/emit/compact-manifest.ts";
import { emitDeclarations, emitModule, emittedFunctions, exportNames } from "../src/emit/module.ts";
import { interpret } from "../src/ir/interpret.ts";
import type { Fn } from "../src/ir/ir.ts";
import { formFor } from "../src/launch/choose.ts";
import { launcherText } from "../src/launch/text-ts.ts";
import type { Form } from "../src/launch/types.ts";
import { parse } from "../src/parse/parse.ts";
import type { Kernel } from "../src/target/manifest.ts";
import { randomInputs } from "../src/testing/random-inputs.ts";
import { temporaryFolder } from "./support/built.ts";
import { gpuTest } from "./support/gpu.ts";
import { spyOn } from "./support/spy-device.ts";

const launcher = { text: launcherText };

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

const load = (source: string) => loadKernels(compile(parse(source)).kernels);

async function loadKernels(kernels: readonly Kernel[]): Promise<Record<string, Launch & { wgsl: string }>> {
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

  const integers = `fn f(a: i8[4], b: u8[4], c: i32[4], d: u32[4]) -> (y: i32[4]) {
  return cast(a, to = i32) + cast(b, to = i32) + c + cast(d, to = i32)
}

fn two(a: i8[2, 4]) -> (y: i32[4], z: i32[2]) {
  let wide = cast(a, to = i32)
  return sum(wide, axes = [0]), sum(wide, axes = [1])
}
`;
  const widths = [
    ...[Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array],
    ...[BigInt64Array, BigUint64Array],
  ] as const;

  gpuTest("takes floats of one byte as bits, and scalars of them as numbers", async ({ gpu: { device } }) => {
    const { f } = await load(`fn f(x: f8e4m3[8], k: f8e5m2) -> (y: f8e5m2[8]) {
  return cast(cast(x, to = f32) * cast(k, to = f32), to = f8e5m2)
}
`);
    const launch = f as Launch;
    // 1, 0.5, -2, 448, the smallest, NaN, 1.125, 0; the number becomes 3.
    const x = Uint8Array.of(0x38, 0x30, 0xc0, 0x7e, 0x01, 0x7f, 0x39, 0x00);
    const { y } = launch(device, { x, k: 3.1 } as never) as { y: GPUBuffer };
    const bytes = new Uint8Array((await download(device, y, 2)).slice().buffer);
    // 3, 1.5, -6, 1344 to 1280, 3 * 2^-9, NaN, 3.375 to 3.5, 0.
    expect([...bytes]).toEqual([0x42, 0x3e, 0xc6, 0x65, 0x1e, 0x7e, 0x43, 0]);
    expect(() => launch(device, { x: new Int8Array(8), k: 3 } as never)).toThrow("Uint8Array, not Int8Array");
  });

  gpuTest("takes integers of any width for integers", async ({ gpu: { device } }) => {
    const { plans, kernels } = compile(parse(integers));
    const path = join(temporaryFolder(), "integers.mjs");
    const functions = emittedFunctions(
      plans,
      kernels.map((kernel) => [kernel]),
    );
    writeFileSync(path, emitModule(functions, { language: "js", source: "p.tir" }));
    const { f, two } = await import(/* @vite-ignore */ pathToFileURL(path).href);
    const numbersIn = async (buffer: GPUBuffer, count: number) => [
      ...new Int32Array((await download(device, buffer, count)).slice().buffer),
    ];
    for (const Width of widths) {
      const of = (...numbers: number[]) =>
        Width === BigInt64Array || Width === BigUint64Array
          ? Width.from(numbers.map(BigInt))
          : (Width as Uint8ArrayConstructor).from(numbers);
      const all = { a: of(1, 2, 3, 127), b: of(4, 5, 6, 100), c: of(7, 8, 9, 10), d: of(1, 0, 1, 0) };
      expect(await numbersIn(f(device, all).y, 4)).toEqual([13, 15, 19, 237]);
      const { y, z } = two(device, { a: of(1, 2, 3, 4, 5, 6, 7, 8) });
      expect(await numbersIn(y, 4)).toEqual([6, 8, 10, 12]);
      expect(await numbersIn(z, 2)).toEqual([10, 26]);
    }
    const good = { a: new Int8Array(4), b: new Uint8Array(4), c: new Int32Array(4), d: new Uint32Array(4) };
    expect(await numbersIn(f(device, { ...good, a: Int16Array.of(-128, 0, 127, 1) }).y, 4)).toEqual([-128, 0, 127, 1]);
    for (const [given, message] of [
      [{ a: Int16Array.of(0, 128, 0, 0) }, "f: a has elements of type i8, but element 1 is 128"],
      [{ b: Int8Array.of(0, 0, 0, -1) }, "f: b has elements of type u8, but element 3 is -1"],
      [{ c: BigInt64Array.of(0n, 0n, 2n ** 31n, 0n) }, "f: c has elements of type i32, but element 2 is 2147483648"],
      [
        { c: BigUint64Array.of(2n ** 64n - 1n, 0n, 0n, 0n) },
        "f: c has elements of type i32, but element 0 is 18446744073709551615",
      ],
      [{ d: Float32Array.of(1, 2, 3, 4) }, "f: d must be a GPUBuffer or an array, Uint32Array, not Float32Array"],
      [{ d: new Int8Array(3) }, "f: d is an array of 3 elements, but must have 4"],
    ] as const) {
      expect(() => f(device, { ...good, ...given })).toThrow(message);
    }
    const { double } = await load(text);
    expect(() => (double as Launch)(device, { x: new Int32Array(4) as never })).toThrow("not Int32Array");
  });

  gpuTest("says what is wrong with a call", async ({ gpu: { device } }) => {
    const { double, addNorm } = (await load(text)) as unknown as { double: Launch; addNorm: Launch };
    const x = upload(device, new Float64Array(4));
    expect(() => double(device, {})).toThrow("double: the input x is missing");
    expect(() => addNorm(device, { x, r: x, gamma: x }, { rows: 1 })).toThrow(
      "add_norm: the dimension hidden must be a whole number up to 2^32 - 1, not undefined",
    );
    expect(() => addNorm(device, { x, r: x, gamma: x }, { rows: 2, hidden: 4 })).toThrow(
      "add_norm: x is a buffer of 16 bytes, but must have 32",
    );
    expect(() => addNorm(device, { x, r: x, gamma: x }, { rows: -1, hidden: 4 })).toThrow("not -1");
    expect(() => addNorm(device, { x, r: x, gamma: x }, { rows: 2 ** 32, hidden: 4 })).toThrow("not 4294967296");
  });

  gpuTest("says so of what no launch takes, in words of its own", async ({ gpu: { device } }) => {
    const { double } = (await load(text)) as unknown as { double: (...args: unknown[]) => unknown };
    const x = upload(device, new Float64Array(4));
    const of = (usage: number) => device.createBuffer({ size: 16, usage });
    for (const [args, message] of [
      [[null], "double: the tensors must be an object, not null"],
      [["x"], "double: the tensors must be an object, not x"],
      [[{ x: null }], "double: x must be a GPUBuffer or an array, Float32Array, not null"],
      [[{ x: new Int32Array(4) }], "double: x must be a GPUBuffer or an array, Float32Array, not Int32Array"],
      [[{ x: new Float32Array(3) }], "double: x is an array of 3 elements, but must have 4"],
      [[{ x: new Float32Array(4) }], undefined],
      [[{ x: [1, 2, 3, 4] }], "double: x must be a GPUBuffer or an array, Float32Array, not an array"],
      [[{ x: Symbol("x") }], "double: x must be a GPUBuffer or an array, Float32Array, not Symbol(x)"],
      [[{ x: of(8) }], "double: x is a buffer without the usage STORAGE"],
      [[{ x, gamma: x }], "double: there is no gamma among the tensors, only x, out0"],
      [[{ x: { buffer: x, offset: 4 } }], "double: the offset of x, 4, is not a multiple of "],
      [[{ x: { buffer: x, size: 8 } }], "double: x is a buffer of 8 bytes, but must have 16"],
      [[{ x: { buffer: 1 } }], "double: x must be a GPUBuffer or an array, Float32Array, not an object"],
      [[{ x }, {}, null], "double: the options must be an object, not null"],
      [[{ x }, {}, { outputs: 1 }], "double: the outputs must be an object, not 1"],
      [[{ x }, {}, { outputs: { out0: null } }], "double: the result out0 must be a GPUBuffer, not null"],
      [
        [{ x }, {}, { outputs: { out0: new Float32Array(4) } }],
        "double: the result out0 must be a GPUBuffer, not Float32Array",
      ],
      [[{ x }, {}, { outputs: { x } }], "double: there is no x among the outputs, only out0"],
      [[{ x }, {}, { outputs: { out0: of(128 | 4 | 8) } }], undefined],
      [[{ x }, {}, { outputs: { out0: x } }], undefined],
      [[{ x }, {}, { outputs: Object.create({ out0: x }) }], undefined],
      [[{ x }, undefined, undefined], undefined],
    ] as const) {
      const call = () => double(device, ...args);
      if (message === undefined) expect(call).not.toThrow();
      else expect(call).toThrow(message);
    }
    const { addNorm } = (await load(text)) as unknown as { addNorm: (...args: unknown[]) => unknown };
    const inputs = { x, r: x, gamma: x };
    const mine = of(128);
    expect(() => addNorm(device, inputs, null)).toThrow("add_norm: the dimensions must be an object, not null");
    expect(() => addNorm(device, inputs, { rows: 1n, hidden: 4 })).toThrow("not 1");
    expect(() => addNorm(device, inputs, { rows: 1, hidden: 4 }, { outputs: { y: mine, h: mine } })).toThrow(
      "add_norm: y and h are one buffer, and the kernel writes to it",
    );
  });

  test("says it in short where it is made so: the code, and what is wrong with which name", async () => {
    const path = join(temporaryFolder(), "short.mjs");
    writeFileSync(path, emitModule(compile(parse(text)).kernels, { language: "js", source: "p.tir", explains: false }));
    const { addNorm } = await import(/* @vite-ignore */ pathToFileURL(path).href);
    // All arguments are checked before any buffer is created.
    const limits = { maxStorageBufferBindingSize: 64, maxBufferSize: 64, minStorageBufferOffsetAlignment: 256 };
    const device = { features: new Set(), limits, createShaderModule: () => expect.unreachable() };
    const [x, dims] = [new Float32Array(8), { rows: 2, hidden: 4 }];
    for (const [args, message] of [
      [[null], "E0601 not an object: tensors, null"],
      [[Symbol("x")], "E0601 not an object: tensors, Symbol(x)"],
      [[{}, dims], "E0601 missing: x"],
      [[{ z: x }, dims], "E0602 unknown: tensors, z, x, r, gamma, y, h"],
      [[{ x: Object.create(null) }, dims], "E0603 not a tensor: x, Float32Array, object"],
      [[{ x: x.subarray(1) }, dims], "E0605 wrong length: x, 7, 8"],
      [[{ x }, { rows: 2, hidden: -1 }], "E0607 no extent: hidden, -1"],
      [[{ x }, { rows: 2 ** 32 - 1, hidden: 2 }], /E0608 not counted: rows, \d+, 4294967295/],
      [[{ x }, { rows: 5, hidden: 4 }], "E0608 too large: x, 80, maxStorageBufferBindingSize, 64"],
      [[{ x: { size: 32, usage: 8 } }, dims], "E0618 no storage: x"],
      [[{ x: { size: 16, usage: 128 } }, dims], "E0618 too small: x, 16, 32"],
      [[{ x: { buffer: { size: 512, usage: 128 }, offset: 4 } }, dims], "E0618 misaligned: x, 4, 256"],
    ] as const) {
      const call = () => addNorm(device, ...args);
      expect(call).toThrow(message);
      expect(call).toThrow(/^add_norm: (E\d{4}) .* \(tirc explain \1\)$/);
    }
  });

  gpuTest("uses the memory of its dimensions again, however often it is called", async ({ gpu: { device } }) => {
    const { addNorm } = await load(text);
    const spied = spyOn(device);
    const [x, y, h] = [0, 1, 2].map(() => upload(device, new Float64Array(4 * 200)));
    const call = (rows: number, encoder?: GPUCommandEncoder) =>
      (addNorm as Launch)(spied.device, { x, r: x, gamma: x } as never, { rows, hidden: 4 }, {
        encoder,
        outputs: { y, h },
      } as never);
    for (let rows = 1; rows <= 40; rows++) call(rows);
    expect(spied.created.map(({ label }) => label)).toEqual(["uniforms"]);
    // Calls that are not submitted yet keep their own buffers; equal ones share one.
    const encoder = device.createCommandEncoder();
    for (let i = 0; i < 20; i++) call(1 + (i % 2), encoder);
    device.queue.submit([encoder.finish()]);
    expect(spied.created.length).toBe(3);
  });

  gpuTest("has the text of the kernel", async ({ gpu: { device } }) => {
    const { double } = await load(text);
    const { kernels } = compile(parse(text));
    expect(double?.wgsl).toBe(kernels[1]?.wgsl);
    expect(device.lost).toBeDefined();
  });
});

gpuTest("a module for several targets takes the form that the device runs, and gives the same", async ({ gpu }) => {
  const { device } = gpu;
  const source = "fn norm(x: f32[rows, 64]) -> (y: f32[rows]) { return sum(x, axes = [-1]) }";
  const [forms = []] = compileVariants(parse(source)).kernels;
  const path = join(temporaryFolder(), "kernels.mjs");
  writeFileSync(path, emitModule([forms], { language: "js", source: "p.tir" }));
  const { norm } = await import(/* @vite-ignore */ pathToFileURL(path).href);
  // Each form has its whole manifest again.
  expect(forms.length).toBeGreaterThan(2);
  const carried = norm.forms.map(([wgsl, manifest]: Form) => [wgsl, expand(manifest)]);
  expect(carried).toEqual(forms.map(({ wgsl, manifest }) => [wgsl, launchPart(manifest)]));
  const shaders: string[] = [];
  const createShaderModule = (descriptor: GPUShaderModuleDescriptor) => {
    shaders.push(descriptor.code);
    return device.createShaderModule(descriptor);
  };
  const spied = spyOn(device, { createShaderModule });
  const fn = parse(source).fns[0] as Fn;
  const inputs = randomInputs(fn, 3, { rows: 4 });
  const x = upload(device, (inputs.x as { data: Float64Array }).data);
  const { y } = norm(spied.device, { x }, { rows: 4 });
  const [wgsl, manifest] = formFor(device, norm.forms);
  expect(shaders).toEqual([wgsl]);
  expect(expand(manifest).kind).toBe(gpu.target.kind);
  const got = await download(device, y, 4);
  for (const [i, value] of (interpret(fn, inputs).y as { data: Float64Array }).data.entries()) {
    expect(Math.abs(value - (got[i] as number))).toBeLessThan(2e-6);
  }
});

const doubling = (name: string) => `fn ${name}(x: f32[4]) -> f32[4] { return x * 2 }`;
const [plain] = compile(parse(doubling("f"))).kernels;
/** A kernel knows its function by its name alone. */
const kernelsNamed = (names: readonly string[]) => names.map((name) => ({ ...(plain as Kernel), name }));

test("names: camel case, unless two would be one or that is no name to import", () => {
  const named = (...names: string[]) => exportNames(kernelsNamed(names));
  expect(named("add_norm", "gelu2", "_x")).toEqual(["addNorm", "gelu2", "_x"]);
  expect(named("add_norm", "addNorm")).toEqual(["add_norm", "addNorm"]);
  expect(named("delete", "launch", "class_")).toEqual(["deleteKernel", "launch", "class_"]);
  expect(named("then", "thenKernel", "then_kernel")).toEqual(["thenKernel_1", "thenKernel", "then_kernel"]);
});

describe("functions and parameters with names that mean something in JavaScript", () => {
  /** Every word of the module's own code, every global object, and what all objects inherit. */
  const runtime = emitModule(kernelsNamed(["f"]), { language: "ts", source: "p.tir", launcher });
  const words = new Set([
    ...(runtime.match(/[A-Za-z_]\w*/g) ?? []),
    ...Object.getOwnPropertyNames(globalThis),
    ...Object.getOwnPropertyNames(Object.prototype),
    ...Object.getOwnPropertyNames(Function.prototype),
    ...["then", "default", "await", "arguments", "eval", "__esModule", "JSON", "GPUDevice", "GPUBuffer", "exports"],
  ]);
  const names = [...words].filter((name) => {
    try {
      return /^[A-Za-z_]\w*$/.test(name) && parse(doubling(name)).fns.length === 1;
    } catch {
      return false; // A word of the language itself.
    }
  });

  gpuTest("each runs", async ({ gpu: { device } }) => {
    expect(names.length).toBeGreaterThan(150);
    expect(names).toEqual(expect.arrayContaining(["JSON", "Number", "RangeError", "then", "toString", "__proto__"]));
    const kernels = kernelsNamed(names);
    // Names do not change kernels.
    const { sourceMap: _, ...other } = compile(parse(doubling("other"))).kernels[0] as Kernel;
    expect(kernelsNamed(["other"])).toMatchObject([other]);
    const module = await loadKernels(kernels);
    const exported = exportNames(kernels);
    expect(new Set(Object.keys(module))).toEqual(new Set([...exported, "prepare"]));
    const x = upload(device, Float64Array.of(1, 2, 3, 4));
    const encoder = device.createCommandEncoder();
    // A pipeline for each would take long, so only names that a launcher or an engine uses, and some others.
    const run = exported.filter(
      (name, i) => i % 64 === 0 || name in Object.prototype || ["JSON", "Map", "name"].includes(name),
    );
    const results = run.map((name) => (module[name] as Launch)(device, { x }, {}, { encoder }).out0 as GPUBuffer);
    device.queue.submit([encoder.finish()]);
    for (const result of results) expect([...(await download(device, result, 4))]).toEqual([2, 4, 6, 8]);
  });

  gpuTest("each may be a parameter, a dimension and a result", async ({ gpu: { device } }) => {
    for (const name of [
      "then",
      "JSON",
      "Number",
      "constructor",
      "__proto__",
      "toString",
      "default",
      "arguments",
      "await",
    ]) {
      const { f } = await load(`fn f(${name}: f32[${name}]) -> (${name}_: f32[${name}], hasOwnProperty: f32[${name}]) {
  return ${name} * 2, ${name}
}`);
      const own = <T>(value: T): Record<string, T> => Object.fromEntries([[name, value]]);
      const x = upload(device, Float64Array.of(1, 2, 3, 4));
      const outputs = (f as Launch)(device, own(x), own(4), { outputs: {} });
      expect(Object.keys(outputs)).toEqual([`${name}_`, "hasOwnProperty"]);
      expect([...(await download(device, outputs[`${name}_`] as GPUBuffer, 4))]).toEqual([2, 4, 6, 8]);
      // Inherited members do not count.
      expect(() => (f as Launch)(device, {}, own(4))).toThrow(`f: the input ${name} is missing`);
      expect(() => (f as Launch)(device, own(x), {})).toThrow("must be a whole number up to 2^32 - 1, not undefined");
    }
  });
});

test("the name of a source file cannot end its comment", async () => {
  const source = "a\nthrow new Error('run');\u2028throw 1;//.tir";
  const text = emitModule(kernelsNamed(["f"]), { language: "js", source });
  expect(text.split(/[\r\n\u2028\u2029]/).filter((line) => /throw (1|new Error\('run)/.test(line))).toHaveLength(1);
  expect(text).toMatch(/^\/\/ Made by tirc/);
});

test("declarations name every input, output and dimension", () => {
  const declarations = emitDeclarations(compile(parse(text)).kernels, "p.tir");
  expect(declarations).toMatchSnapshot();
});
