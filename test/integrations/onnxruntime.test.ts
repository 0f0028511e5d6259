/**
 * Tensors of onnxruntime-web through a kernel. page.slow.test.ts has sessions; here the device is set, as an application
 * may do before the first one.
 */

import * as ort from "onnxruntime-web";
import { describe, expect, test } from "vitest";
import { prepare } from "../../src/integrations/onnxruntime.ts";
import { toFloat16Bits } from "../../src/ir/float16.ts";
import { interpret } from "../../src/ir/interpret.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { compileText } from "../support/compile.ts";
import { diagnosticsOf } from "../support/diagnostics.ts";
import { gpuTest } from "../support/gpu.ts";
import { spyOn } from "../support/spy-device.ts";

const block = compileText(`fn block(x: f32[rows, 64], residual: f32[rows, 64], gamma: f32[64], beta: f32[64])
    -> (y: f32[rows, 64], top: f32[rows]) {
  let n = layernorm(x + residual, gamma, beta, axes = [-1], eps = 1e-12)
  return gelu(n), max(n, axes = [-1])
}`);
const mask = compileText(
  "fn mask(x: f32[n], on: bool[n], s: f32) -> (y: f32[n], b: bool[n]) { return where(on, x, s), x > s }",
);

const codesOf = (call: () => unknown) => diagnosticsOf(call).map((text) => text.slice(0, 5));
const withDevice = (device: GPUDevice) => ({ Tensor: ort.Tensor, env: { ...ort.env, webgpu: { device } } as never });
const wave = (count: number, step: number) => Float32Array.from({ length: count }, (_, i) => Math.sin(step * i + step));
const read = async (tensor: ort.Tensor | undefined) => Array.from(((await tensor?.getData()) ?? []) as Float32Array);
const numbers = (shape: number[], data: Float32Array): Tensor => ({
  element: "f32",
  shape,
  data: Float64Array.from(data),
});

const [rows, d] = [6, 64];
const data = { x: wave(rows * d, 1), residual: wave(rows * d, 0.7), gamma: wave(d, 0.3), beta: wave(d, 0.2) };
const wanted = interpret(block.fn, {
  x: numbers([rows, d], data.x),
  residual: numbers([rows, d], data.residual),
  gamma: numbers([d], data.gamma),
  beta: numbers([d], data.beta),
});

function expectNear(got: ArrayLike<number>, want: ArrayLike<number>): void {
  expect(got.length).toBe(want.length);
  for (const [i, value] of Array.from(want).entries()) expect(Math.abs((got[i] as number) - value)).toBeLessThan(1e-6);
}

describe("a kernel on onnxruntime's device", () => {
  gpuTest("takes leading dimensions together, and gives them back apart", async ({ gpu: { device } }) => {
    const { device: spied, created } = spyOn(device);
    const kernel = await prepare(withDevice(spied), block.kernel);
    const tensor = (values: Float32Array, dims: number[]) => new ort.Tensor("float32", values, dims);
    const [gamma, beta] = [kernel.upload(tensor(data.gamma, [d])), kernel.upload(tensor(data.beta, [d]))];
    expect([gamma.location, gamma.dims]).toEqual(["gpu-buffer", [d]]);
    const x = kernel.upload(tensor(data.x, [2, 3, d]));
    const before = created.length;
    const { y, top } = kernel.run({ x, residual: tensor(data.residual, [6, d]), gamma, beta });
    expect([y?.dims, y?.type, y?.location]).toEqual([[2, 3, d], "float32", "gpu-buffer"]);
    expect(top?.dims).toEqual([2, 3]);
    expectNear(await read(y), wanted.y?.data ?? []);
    expectNear(await read(top), wanted.top?.data ?? []);
    // Results, the array that was passed, uniforms, and the two copies to read.
    expect(created.length - before).toBe(6);
    kernel.destroy();
  });

  gpuTest("uses buffers again that were disposed of, and frees them", async ({ gpu: { device } }) => {
    const { device: spied, created, destroyed } = spyOn(device);
    const kernel = await prepare(withDevice(spied), block.kernel);
    const inputs = Object.fromEntries(
      Object.entries(data).map(([name, values]) => {
        const dims = values.length === d ? [d] : [rows, d];
        return [name, kernel.upload(new ort.Tensor("float32", values, dims))];
      }),
    );
    const first = kernel.run(inputs);
    const buffer = first.y?.gpuBuffer;
    for (const tensor of Object.values(first)) tensor.dispose();
    const { length } = created;
    const again = kernel.run(inputs);
    expect(again.y?.gpuBuffer).toBe(buffer);
    expect(created.length).toBe(length);
    kernel.destroy();
    for (const tensor of Object.values({ ...inputs, ...again })) tensor.dispose();
    expect(new Set(destroyed)).toEqual(new Set(created));
  });

  gpuTest("takes halves, truth values and numbers", async ({ gpu: { device } }) => {
    const kernel = await prepare(withDevice(device), mask.kernel);
    const x = new ort.Tensor("float32", Float32Array.of(1, -2, 3), [3]);
    const on = new ort.Tensor("bool", Uint8Array.of(1, 0, 1), [3]);
    const { y, b } = kernel.run({ x, on, s: 2 });
    expect(await read(y)).toEqual([1, 2, 3]);
    expect(b?.type).toBe("uint32");
    expect(await read(b)).toEqual([0, 0, 1]);
    const { y: chained } = kernel.run({ x, on: b as ort.Tensor, s: 9 });
    expect(await read(chained)).toEqual([9, 9, 3]);

    const half = await prepare(
      withDevice(device),
      compileText("fn half(x: f16[n]) -> (y: f16[n]) { return x * 2 }").kernel,
    );
    const bits = Uint16Array.of(...[1, 2.5, -3].map(toFloat16Bits));
    const { y: doubled } = half.run({ x: half.upload(new ort.Tensor("float16", bits, [3])) });
    expect(doubled?.type).toBe("float16");
    const raw = (await (doubled as ort.Tensor).getData()) as unknown as Uint16Array<ArrayBuffer>;
    expect([...new Uint16Array(raw.buffer, raw.byteOffset, 3)]).toEqual([2, 5, -6].map(toFloat16Bits));
  });

  gpuTest("says what is wrong with a tensor, and frees what it made", async ({ gpu: { device } }) => {
    const { device: spied, created, destroyed } = spyOn(device);
    const kernel = await prepare(withDevice(spied), mask.kernel);
    const f = (...values: number[]) => new ort.Tensor("float32", Float32Array.from(values), [values.length]);
    const on = new ort.Tensor("bool", Uint8Array.of(1, 0), [2]);
    const gone = f(1, 2);
    gone.dispose();
    const bytes = ort.Tensor.fromGpuBuffer(kernel.upload(f(1, 2)).gpuBuffer, { dataType: "bool", dims: [2] });
    const long = new ort.Tensor("int64", BigInt64Array.of(1n, 2n), [2]);
    for (const [tensors, code, text] of [
      [{ x: long, on, s: 1 }, "E0603", "got a tensor of int64 (cpu)"],
      [{ x: gone, on, s: 1 }, "E0603", "got a tensor that was disposed of"],
      [{ x: f(1, 2), on: bytes, s: 1 }, "E0603", "got a tensor of bool (gpu-buffer)"],
      [
        { x: f(1, 2, 3), on, s: 1 },
        "E0606",
        "the dimension `n` is 3 according to the shape of `x`, but 2 according to the shape of `on`",
      ],
      [{ x: f(1, 2), s: 1 }, "E0601", "needs the input `on`"],
      [{ x: f(1, 2), on, s: 1, t: f(1) }, "E0602", "has no input `t`"],
    ] as const) {
      const before = created.length - destroyed.length;
      const run = () => kernel.run(tensors as never);
      expect(codesOf(run)).toEqual([code]);
      expect(run).toThrow(text);
      // Results without a given buffer go back to the pool for the next run.
      expect(created.length - destroyed.length - before).toBeLessThanOrEqual(2);
    }
    expect(codesOf(() => kernel.upload(long))).toEqual(["E0626"]);
    const { y, b } = kernel.run({ x: f(1, 2), on, s: 1 });
    for (const tensor of [y, b]) tensor?.dispose();
    kernel.destroy();
    expect(created.length - destroyed.length).toBe(1); // What `bytes` was made of.
    expect(codesOf(() => kernel.run({ x: f(1, 2), on, s: 1 }))).toEqual(["E0609"]);
  });
});

test("without a device there is E0625", async () => {
  const without = { Tensor: ort.Tensor, env: { ...ort.env, webgpu: {} } as never };
  await expect(prepare(without, mask.kernel)).rejects.toThrow("E0625");
});
