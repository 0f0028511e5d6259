import { describe, expect } from "vitest";
import { fromFloat16Bits, toFloat16Bits } from "../../src/ir/float16.ts";
import { prepare, runKernel } from "../../src/runtime/prepare.ts";
import { gpuTest as test } from "../support/gpu.ts";
import { handKernel, rowSum } from "../support/hand-kernel.ts";
import { spyOn } from "../support/spy-device.ts";

/** Whole numbers, whose sums are exact. */
const counting = (length: number) => Float32Array.from({ length }, (_, i) => (i % 17) - 5);

const sums = (data: Float32Array, columns: number) =>
  Array.from({ length: data.length / columns }, (_, row) => {
    return data.subarray(row * columns, (row + 1) * columns).reduce((sum, value) => sum + value, 0);
  });

const x = (rows: number, columns: number) =>
  ({ element: "f32", shape: [rows, columns], data: counting(rows * columns) }) as const;

describe("dimensions", () => {
  test("a uniform and an override reach the kernel", async ({ gpu }) => {
    const input = x(3, 37);
    const { outputs, launches } = await runKernel(gpu.device, rowSum, { x: input });
    expect(outputs.y).toEqual({ element: "f32", shape: [3], data: Float32Array.from(sums(input.data, 37)) });
    expect(launches).toBe(1);
  });

  test("one prepared kernel runs at several extents, at the same time", async ({ gpu }) => {
    const prepared = await prepare(gpu.device, rowSum);
    const shapes = [
      [1, 1],
      [5, 2],
      [2, 100],
      [3, 2],
    ] as const;
    const results = await Promise.all(shapes.map(([rows, columns]) => prepared.run({ x: x(rows, columns) })));
    for (const [i, [rows, columns]] of shapes.entries()) {
      expect([...(results[i]?.outputs.y?.data ?? [])]).toEqual(sums(counting(rows * columns), columns));
    }
  });

  test("a dimension given to prepare makes the pipeline then, and a bare array do", async ({ gpu }) => {
    const prepared = await prepare(gpu.device, rowSum, { columns: 4 });
    const { outputs } = await prepared.run({ x: counting(12) });
    expect(outputs.y?.shape).toEqual([3]);
  });

  test("more than 65535 workgroups are folded, and each row is computed", async ({ gpu }) => {
    const rows = 65535 + 3;
    const { outputs } = await runKernel(gpu.device, rowSum, { x: x(rows, 1) });
    expect(outputs.y?.data).toEqual(counting(rows));
  });

  test("no row, no element", async ({ gpu }) => {
    const { outputs, launches } = await runKernel(gpu.device, rowSum, { x: x(0, 8) });
    expect(outputs.y).toEqual({ element: "f32", shape: [0], data: new Float32Array(0) });
    expect(launches).toBe(0);
  });

  test("no column: the kernel still runs for each row", async ({ gpu }) => {
    const { outputs } = await runKernel(gpu.device, rowSum, { x: x(3, 0) });
    expect(outputs.y?.data).toEqual(new Float32Array(3));
  });

  test("atLeastOne starts a workgroup for no row", async ({ gpu }) => {
    const wgsl = `@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(1) fn main() { y[0] = 7.0; }`;
    const dims = [{ name: "rows", binding: "uniform" }] as const;
    const outputs = { y: ["f32", [1]] } as const;
    for (const [atLeastOne, expected] of [
      [true, 7],
      [false, 0],
    ] as const) {
      const dispatch = { rows: ["rows"], columns: [], rowsPerWorkgroup: 1, atLeastOne };
      const result = await runKernel(gpu.device, handKernel(wgsl, { outputs, dims, dispatch }), {}, { rows: 0 });
      expect(result.outputs.y?.data[0]).toBe(expected);
    }
  });
});

/** Copies `x` to `y`, words as they are in the buffers. */
function copyKernel(element: "f32" | "f16" | "i32" | "u32" | "bool", body = "y[i] = x[i];", unread: string[] = []) {
  const word = { f32: "f32", f16: "u32", i32: "i32", u32: "u32", bool: "u32" }[element];
  const wgsl = `@group(0) @binding(0) var<storage, read> x: array<${word}>;
@group(0) @binding(1) var<storage, read_write> y: array<${word}>;
@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) group: vec3<u32>) { let i = group.x; ${body} }`;
  return handKernel(wgsl, {
    inputs: { x: [element, ["n"]] },
    outputs: { y: [element, ["n"]] },
    unread,
    dims: [{ name: "n", binding: "uniform" }],
    dispatch: { rows: ["n"], columns: [], rowsPerWorkgroup: 1 },
  });
}

describe("element types", () => {
  test("f32 keeps every bit", async ({ gpu }) => {
    const data = new Float32Array([0, -0, 1e-45, 3.4028234663852886e38, Number.POSITIVE_INFINITY, Number.NaN]);
    const { outputs } = await runKernel(gpu.device, copyKernel("f32"), { x: data });
    expect(new Uint32Array(outputs.y?.data.buffer as ArrayBuffer)).toEqual(new Uint32Array(data.buffer));
  });

  test("i32 and u32 keep their extremes", async ({ gpu }) => {
    const signed = new Int32Array([-(2 ** 31), -1, 0, 2 ** 31 - 1]);
    expect((await runKernel(gpu.device, copyKernel("i32"), { x: signed })).outputs.y?.data).toEqual(signed);
    const unsigned = new Uint32Array([0, 1, 2 ** 31, 2 ** 32 - 1]);
    expect((await runKernel(gpu.device, copyKernel("u32"), { x: unsigned })).outputs.y?.data).toEqual(unsigned);
  });

  test("bool is 0 or 1, whatever word the kernel writes", async ({ gpu }) => {
    const kernel = copyKernel("bool", "y[i] = (1u - x[i]) * 5u;");
    const { outputs } = await runKernel(gpu.device, kernel, { x: [1, 0, 7, 0, 1] });
    expect(outputs.y).toEqual({ element: "bool", shape: [5], data: new Uint8Array([0, 1, 0, 1, 0]) });
    expect((await runKernel(gpu.device, kernel, { x: new Uint8Array([0, 1]) })).outputs.y?.data).toEqual(
      new Uint8Array([1, 0]),
    );
  });

  test.for([1, 2, 3, 7, 8])("%i halves are packed two in a word", async (length, { gpu }) => {
    // Doubles each half, unpacked and packed again; a lane takes a word.
    const kernel = copyKernel(
      "f16",
      "if (i % 2u == 0u) { y[i / 2u] = pack2x16float(2.0 * unpack2x16float(x[i / 2u])); }",
    );
    const halves = Uint16Array.from({ length }, (_, i) => toFloat16Bits(i + 0.5));
    const { outputs } = await runKernel(gpu.device, kernel, { x: halves });
    expect(outputs.y?.data).toBeInstanceOf(Uint16Array);
    expect(Array.from(outputs.y?.data ?? [], fromFloat16Bits)).toEqual(Array.from({ length }, (_, i) => 2 * i + 1));
  });

  test("plain numbers are rounded to the parameter's type", async ({ gpu }) => {
    const { outputs } = await runKernel(gpu.device, copyKernel("f32"), { x: [0.1, 1e39] });
    expect([...(outputs.y?.data ?? [])]).toEqual([Math.fround(0.1), Number.POSITIVE_INFINITY]);
    const half = await runKernel(gpu.device, copyKernel("f16", "y[i / 2u] = x[i / 2u];"), {
      x: new Float64Array([0.1]),
    });
    expect(half.outputs.y?.data).toEqual(new Uint16Array([toFloat16Bits(0.1)]));
  });

  test("an input may be a part of a larger buffer", async ({ gpu }) => {
    const part = counting(10).subarray(3, 7);
    expect((await runKernel(gpu.device, copyKernel("f32"), { x: part })).outputs.y?.data).toEqual(part.slice());
    const halves = new Uint16Array([1, 2, 3, 4, 5]).subarray(1, 4);
    const copied = await runKernel(gpu.device, copyKernel("f16", "y[i / 2u] = x[i / 2u];"), { x: halves });
    expect(copied.outputs.y?.data).toEqual(new Uint16Array([2, 3, 4]));
  });

  test("a result without dimensions is a buffer of one element", async ({ gpu }) => {
    const wgsl = copyKernel("f32").wgsl;
    const kernel = handKernel(wgsl, { inputs: { x: ["f32", [1]] }, outputs: { y: ["f32", []] } });
    expect((await runKernel(gpu.device, kernel, { x: [3] })).outputs.y).toEqual({
      element: "f32",
      shape: [],
      data: new Float32Array([3]),
    });
  });
});

test("a parameter that the kernel does not read needs a binding all the same", async ({ gpu }) => {
  const kernel = copyKernel("f32", "y[i] = f32(i);", ["x"]);
  const { outputs } = await runKernel(gpu.device, kernel, { x: [9, 9, 9] });
  expect(outputs.y?.data).toEqual(new Float32Array([0, 1, 2]));
});

test("several results", async ({ gpu }) => {
  const wgsl = `@group(0) @binding(0) var<storage, read_write> a: array<f32>;
@group(0) @binding(1) var<storage, read_write> b: array<i32>;
@compute @workgroup_size(1) fn main() { a[0] = 1.5; b[1] = -2; }`;
  const kernel = handKernel(wgsl, { outputs: { a: ["f32", [1]], b: ["i32", [2]] } });
  const { outputs } = await runKernel(gpu.device, kernel, {});
  expect(outputs.a?.data).toEqual(new Float32Array([1.5]));
  expect(outputs.b?.data).toEqual(new Int32Array([0, -2]));
});

describe("a call", () => {
  test("submits once, starts one kernel, and frees every buffer it made", async ({ gpu }) => {
    const spied = spyOn(gpu.device);
    const prepared = await prepare(spied.device, rowSum);
    for (const calls of [1, 2]) {
      await prepared.run({ x: x(2, 5) });
      expect(spied.submits).toBe(calls);
      expect(spied.dispatches).toBe(calls);
      // Each call creates the input, the result and its copy for the host; the page of dimensions stays.
      expect(spied.created).toHaveLength(3 * calls + 1);
      expect(spied.created.filter((one) => !spied.destroyed.includes(one)).map(({ label }) => label)).toEqual([
        "uniforms",
      ]);
    }
  });

  test("does not change its inputs, and gives arrays of its own", async ({ gpu }) => {
    const input = x(2, 5);
    const first = await runKernel(gpu.device, rowSum, { x: input });
    const second = await runKernel(gpu.device, rowSum, { x: input });
    expect(input.data).toEqual(counting(10));
    expect(first.outputs.y?.data.buffer).not.toBe(second.outputs.y?.data.buffer);
    expect(first.outputs.y?.data.buffer.byteLength).toBe(8);
  });
});
