/**
 * Arguments of all kinds, and their changes after a call: inputs are copied during the call, and every error is a
 * TircError.
 */

import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { bindInputs } from "../../src/runtime/bind-inputs.ts";
import type { HostInput } from "../../src/runtime/host-tensor.ts";
import { prepare, runKernel } from "../../src/runtime/prepare.ts";
import { compileText } from "../support/compile.ts";
import { diagnosticsOf, rejectionOf } from "../support/diagnostics.ts";
import { gpuTest } from "../support/gpu.ts";
import { handKernel, rowSum } from "../support/hand-kernel.ts";
import { spyOn } from "../support/spy-device.ts";

describe("inputs are copied when the call is made", () => {
  const input = () => ({ element: "f32", shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }) as const;
  const sums = Float32Array.of(6, 15);

  gpuTest("by run, also where its pipeline is still to be made", async ({ gpu }) => {
    const prepared = await prepare(gpu.device, rowSum);
    const x = input();
    const running = prepared.run({ x });
    x.data.fill(100);
    expect((await running).outputs.y?.data).toEqual(sums);
  });

  gpuTest("by runKernel, which compiles the kernel first", async ({ gpu }) => {
    const x = input();
    const list = [1, 2, 3, 4, 5, 6];
    const running = [runKernel(gpu.device, rowSum, { x }), runKernel(gpu.device, rowSum, { x: list }, { columns: 3 })];
    x.data.fill(100);
    list.fill(100);
    for (const { outputs } of await Promise.all(running)) expect(outputs.y?.data).toEqual(sums);
  });

  gpuTest("by bind", async ({ gpu }) => {
    const { device, created } = spyOn(gpu.device);
    const prepared = await prepare(device, rowSum);
    const x = input();
    const binding = prepared.bind({ x });
    x.data.fill(100);
    const bound = await binding;
    const result = created.find(({ label }) => label === "y") as GPUBuffer;
    const readable = device.createBuffer({ size: 8, usage: 1 | 8 });
    const encoder = device.createCommandEncoder();
    bound.encode(encoder);
    encoder.copyBufferToBuffer(result, 0, readable, 0, 8);
    device.queue.submit([encoder.finish()]);
    await readable.mapAsync(1);
    expect(new Float32Array(readable.getMappedRange())).toEqual(sums);
    bound.destroy();
  });

  gpuTest("and so are the inputs' object, their shapes, and the dimensions", async ({ gpu }) => {
    const dims: Record<string, number> = { columns: 3 };
    const preparing = prepare(gpu.device, rowSum, dims);
    dims.columns = 2;
    const prepared = await preparing;
    dims.columns = 6;
    const inputs = { x: { ...input(), shape: [2, 3] } };
    const more: Record<string, number> = { rows: 2 };
    const running = prepared.run(inputs, more);
    inputs.x.shape[0] = 1;
    inputs.x = { ...input(), shape: [1, 6] };
    more.rows = 1;
    expect((await running).outputs.y?.data).toEqual(sums);
  });

  gpuTest("of each element type, and from memory that is shared or may grow", async ({ gpu }) => {
    const types = { f32: Float32Array, f16: Uint16Array, i32: Int32Array, u32: Uint32Array } as const;
    const copies = Object.entries(types).map(async ([element, array]) => {
      const { kernel } = compileText(`fn f(x: ${element}[n]) -> (y: ${element}[n]) { return x }`, gpu.target);
      const prepared = await prepare(gpu.device, kernel);
      const growing = Reflect.construct(ArrayBuffer, [16, { maxByteLength: 64 }]) as ArrayBuffer;
      for (const buffer of [new ArrayBuffer(16), new SharedArrayBuffer(16), growing]) {
        const x = new array(buffer as ArrayBuffer, 0, 3);
        x.set([1, 2, 3]);
        const running = prepared.run({ x });
        x.fill(9);
        expect([...((await running).outputs.y?.data ?? [])]).toEqual([1, 2, 3]);
      }
    });
    await Promise.all(copies);
  });

  gpuTest("from another window", async ({ gpu }) => {
    const foreign = runInNewContext("({ element: 'f32', shape: [2, 3], data: new Float32Array([1, 2, 3, 4, 5, 6]) })");
    expect((await runKernel(gpu.device, rowSum, { x: foreign })).outputs.y?.data).toEqual(sums);
    const list = runInNewContext("[1, 2, 3, 4, 5, 6]");
    expect((await runKernel(gpu.device, rowSum, { x: list }, { rows: 2 })).outputs.y?.data).toEqual(sums);
  });
});

/** A kernel that is never run. */
const kernel = handKernel("", {
  inputs: { x: ["f32", ["n"]], i: ["i32", ["n"]], u: ["u32", ["n"]], p: ["bool", ["n"]] },
  outputs: { y: ["f32", ["n"]] },
  dims: [{ name: "n", binding: "uniform" }],
});
const good = { x: [1, 2, 3], i: [1, 2, 3], u: [1, 2, 3], p: [1, 0, 1] };

function detached(length: number): Float32Array {
  const array = new Float32Array(length);
  structuredClone(array.buffer, { transfer: [array.buffer] });
  return array;
}

const thrower = (error: unknown) => ({
  get x(): never {
    throw error;
  },
});

describe("what is no input is refused in the launcher's words", () => {
  const wrong = (inputs: Record<string, unknown>) =>
    diagnosticsOf(() => bindInputs(kernel, { ...good, ...inputs } as Record<string, HostInput>, {}));

  // biome-ignore-start lint/suspicious/noSparseArray: what is tested
  test.each([
    ["x", detached(3), "f32[n], but got a Float32Array whose buffer is detached: it was given away"],
    ["x", detached(0), "f32[n], but got a Float32Array whose buffer is detached: it was given away"],
    ["x", { element: "f32", shape: [3], data: detached(3) }, "got a Float32Array whose buffer is detached"],
    ["x", [1, , 3], "f32[n], but got nothing at element 1"],
    ["i", [1, 2, ,], "i32[n], but got nothing at element 2"],
    ["x", [1, undefined, 3], "got nothing at element 1"],
    ["x", [1, null, 3], "got null at element 1"],
    ["x", ["1", 2, 3], "got a string at element 0"],
    ["x", [true, 2, 3], "got true at element 0"],
    ["x", [1, 2, 3n], "got a bigint at element 2"],
    ["x", [[1], [2], [3]], "got an Array at element 0"],
    ["i", [1, 2.5, 3], "i32[n], but got 2.5 at element 1"],
    ["i", [1, 2, Number.NaN], "got NaN at element 2"],
    ["i", Float64Array.of(1, 2, 2 ** 31), "got 2147483648 at element 2"],
    ["i", [-(2 ** 31) - 1, 2, 3], "got -2147483649 at element 0"],
    ["i", [1, Infinity, 3], "got Infinity at element 1"],
    ["u", [1, -1, 3], "u32[n], but got -1 at element 1"],
    ["u", [2 ** 32, 1, 1], "got 4294967296 at element 0"],
    ["u", [false, 1, 1], "got false at element 0"],
    ["p", [1, Number.NaN, 1], "bool[n], but got NaN at element 1"],
    ["x", new Uint8ClampedArray(3), "f32[n], but got a Uint8ClampedArray"],
    ["x", new DataView(new ArrayBuffer(12)), "f32[n], but got an object"],
    ["x", new ArrayBuffer(12), "f32[n], but got an object"],
    ["x", Object.create(Float32Array.prototype), "f32[n], but got an object"],
    ["x", () => [1], "f32[n], but got a function"],
    ["x", Symbol("x"), "f32[n], but got a symbol"],
    ["x", { element: "f64", shape: [3], data: [1, 2, 3] }, "got a tensor whose element type does not exist"],
    ["x", { element: Symbol("f"), shape: [3], data: [1, 2, 3] }, "got a tensor whose element type does not exist"],
    ["x", { element: "f32", shape: { length: 1 }, data: [1, 2, 3] }, "got a tensor whose shape is not a list"],
    ["x", { element: "f32", shape: null, data: [1] }, "got a tensor whose shape is not a list"],
  ])("%s: %o", (name, input, message) => {
    const [first, ...more] = wrong({ [name]: input });
    expect(first).toContain(`E0603: the input \`${name}\` is `);
    expect(first).toContain(message);
    expect(more).toEqual([]);
  });
  // biome-ignore-end lint/suspicious/noSparseArray: what is tested

  test("getters that throw, whatever they throw", () => {
    const { x: _, ...others } = good;
    for (const [thrown, message] of [
      [new Error("no"), "something that cannot be read: no"],
      ["no", "something that cannot be read: a string"],
      [null, "something that cannot be read: null"],
    ] as const) {
      const inputs = Object.defineProperties({ ...others }, Object.getOwnPropertyDescriptors(thrower(thrown)));
      expect(diagnosticsOf(() => bindInputs(kernel, inputs as unknown as typeof good, {}))[0]).toContain(message);
      const tensor = Object.defineProperty({ data: [1] }, "shape", {
        get() {
          throw thrown;
        },
      });
      expect(wrong({ x: tensor })[0]).toContain(message);
    }
  });

  test("extents of a shape", () => {
    for (const extent of [-1, 0.5, "3", null, undefined, Symbol("3"), 3n, {}, Object.create(null)]) {
      const [first] = wrong({ x: { element: "f32", shape: [extent], data: [1, 2, 3] } });
      expect(first).toMatch(
        /^E0604: the input `x` is f32\[n\], but got \[.*\]: the extent of axis 0 is not a whole number/,
      );
    }
  });

  test("what is right beside them", () => {
    const { arrays } = bindInputs(kernel, { ...good, x: [-0, NaN, Infinity], p: [true, false, true] }, {});
    expect([...(arrays[0]?.data ?? [])]).toEqual([-0, NaN, Infinity]);
    expect([...(arrays[3]?.data ?? [])]).toEqual([1, 0, 1]);
    expect([...(bindInputs(kernel, { ...good, p: [7, 0, -0.5] }, {}).arrays[3]?.data ?? [])]).toEqual([7, 0, -0.5]);
  });

  gpuTest("inputs and dimensions that are no objects", async ({ gpu }) => {
    const x = { element: "f32", shape: [2, 3], data: new Float32Array(6) } as const;
    const prepared = await prepare(gpu.device, rowSum);
    const any = (value: unknown) => value as never;
    for (const [given, got] of [
      [null, "null"],
      [1, "a number"],
      ["x", "a string"],
      [[], "an Array"],
    ] as const) {
      const message = `E0601: the inputs of \`hand\` must be an object with a tensor for each name, but got ${got}\nhelp: pass an object: \`{ x: ..., y: ... }\``;
      expect(await rejectionOf(prepared.run(any(given)))).toEqual([message]);
      expect(diagnosticsOf(() => prepared.bind(any(given)))).toEqual([message]);
      expect(await rejectionOf(runKernel(gpu.device, rowSum, any(given)))).toEqual([message]);
    }
    for (const [given, got] of [
      [null, "null"],
      ["rows", "a string"],
      [
        Object.defineProperty({}, "rows", { enumerable: true, get: () => (null as never as { a: 1 }).a }),
        "something that",
      ],
    ] as const) {
      const start = `E0607: the dimensions of \`hand\` must be an object with a number for each name, but got ${got}`;
      for (const call of [
        prepared.run({ x }, any(given)),
        (async () => prepared.bind({ x }, any(given)))(),
        runKernel(gpu.device, rowSum, { x }, any(given)),
        prepare(gpu.device, rowSum, any(given)),
      ]) {
        expect((await rejectionOf(call))[0]?.startsWith(start)).toBe(true);
      }
    }
    for (const extent of [undefined, null, "2", 2n, Symbol("2"), {}, Object.create(null), [2], true]) {
      expect((await rejectionOf(prepared.run({ x }, { rows: any(extent) })))[0]).toMatch(
        /^E0607: the dimension `rows` must be a whole number from 0 to 2\^32 - 1, but is /,
      );
    }
  });
});

test("names that every object inherits are not passed by that", () => {
  const names = ["toString", "constructor", "__proto__", "hasOwnProperty"] as const;
  for (const name of names) {
    const odd = handKernel("", {
      inputs: { [name]: ["f32", [name]] },
      outputs: { y: ["f32", [name]] },
      dims: [{ name, binding: "uniform" }],
    });
    const own = (value: unknown) => Object.fromEntries([[name, value]]) as Record<string, never>;
    expect(diagnosticsOf(() => bindInputs(odd, {}, {}))).toEqual([
      `E0601: the kernel \`hand\` needs the input \`${name}\`, f32[${name}], but got none\nhelp: pass it by its name: \`{ ${name}: ... }\``,
    ]);
    expect(bindInputs(odd, own([1, 2]), {}).dims[name]).toBe(2);
    expect(bindInputs(odd, own([1, 2]), own(2)).dims[name]).toBe(2);
    expect(diagnosticsOf(() => bindInputs(odd, own([1, 2]), own(3)))[0]).toMatch(/^E060[56]/);
  }
});
