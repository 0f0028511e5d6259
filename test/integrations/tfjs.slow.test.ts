/** A kernel as an op of TensorFlow.js, against the interpreter and against tfjs's own layers. */

import * as tf from "@tensorflow/tfjs-core";
import { describe, expect } from "vitest";
import { compile } from "../../src/driver/compile.ts";
import { prepare } from "../../src/integrations/tfjs.ts";
import { interpret } from "../../src/ir/interpret.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { parse } from "../../src/parse/parse.ts";
import { planManifest } from "../../src/plan/manifest.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { compileText } from "../support/compile.ts";
import { diagnosticsOf, rejectionOf } from "../support/diagnostics.ts";
import { gpuTest } from "../support/gpu.ts";
import { openTfjs } from "../support/tfjs.ts";

const block = compileText(`fn block(x: f32[rows, 64], residual: f32[rows, 64], gamma: f32[64], beta: f32[64])
    -> (y: f32[rows, 64], top: f32[rows]) {
  let n = layernorm(x + residual, gamma, beta, axes = [-1], eps = 1e-3)
  return gelu(n), max(n, axes = [-1])
}`);
const count = compileText("fn count(x: f32[n], i: i32[n], s: f32) -> (b: bool[n], j: i32[n]) { return x > s, i + 1 }");

const wave = (count: number, step: number) => Float32Array.from({ length: count }, (_, i) => Math.sin(step * i + step));
const read = async (tensor: tf.Tensor | undefined) => Array.from((await tensor?.data()) ?? []);
const numbers = (shape: number[], data: Float32Array): Tensor => ({
  element: "f32",
  shape,
  data: Float64Array.from(data),
});

function expectNear(got: ArrayLike<number>, want: ArrayLike<number>): void {
  expect(got.length).toBe(want.length);
  for (const [i, value] of Array.from(want).entries()) expect(Math.abs((got[i] as number) - value)).toBeLessThan(1e-6);
}

describe("a kernel on tfjs's device", () => {
  gpuTest("is an op between ops, and leaves no tensor and no buffer behind", async ({ gpu }) => {
    await openTfjs(gpu);
    const kernel = await prepare(tf, block.kernel);
    const [rows, d] = [6, 64];
    const data = { x: wave(rows * d, 1), residual: wave(rows * d, 0.7), gamma: wave(d, 0.3), beta: wave(d, 0.2) };
    const inputs = {
      x: numbers(
        [rows, d],
        data.x.map((value) => 2 * value),
      ),
      residual: numbers([rows, d], data.residual),
      gamma: numbers([d], data.gamma),
      beta: numbers([d], data.beta),
    };
    const wanted = interpret(block.fn, inputs);
    const [x, residual] = [tf.tensor3d(data.x, [2, 3, d]), tf.tensor2d(data.residual, [rows, d])];
    const [gamma, beta] = [tf.tensor1d(data.gamma), tf.tensor1d(data.beta)];
    const used: number[] = [];
    for (let round = 0; round < 3; round++) {
      // The op before and the op after it are tfjs's: what is recorded must be submitted in the right order.
      const [y, top] = tf.tidy(() => {
        const { y, top } = kernel.run({ x: tf.mul(x, 2), residual, gamma, beta });
        return [tf.neg(y as tf.Tensor), top as tf.Tensor];
      });
      expect([y?.shape, y?.dtype, top?.shape]).toEqual([[2, 3, d], "float32", [2, 3]]);
      expectNear(
        await read(y),
        Array.from(wanted.y?.data ?? [], (value) => -value),
      );
      expectNear(await read(top), wanted.top?.data ?? []);
      tf.dispose([y as tf.Tensor, top as tf.Tensor]);
      used.push(
        tf.memory().numTensors,
        (tf.memory() as unknown as { numBytesInGPUAllocated: number }).numBytesInGPUAllocated,
      );
    }
    expect(used.slice(2)).toEqual([...used.slice(0, 2), ...used.slice(0, 2)]);
    expect(tf.memory().numTensors).toBe(4);
    tf.dispose([x, residual, gamma, beta]);
    kernel.destroy();
  });

  gpuTest("takes numbers, whole numbers and truth values, and nothing at all", async ({ gpu }) => {
    await openTfjs(gpu);
    const kernel = await prepare(tf, count.kernel);
    const i = tf.tensor1d([1, 2, 3], "int32");
    const { b, j } = kernel.run({ x: tf.tensor1d([1, 2, 3]), i, s: 1.5 });
    expect([b?.dtype, j?.dtype]).toEqual(["bool", "int32"]);
    expect(await read(b)).toEqual([0, 1, 1]);
    expect(await read(j)).toEqual([2, 3, 4]);
    const none = kernel.run({ x: tf.tensor1d([]), i: tf.tensor1d([], "int32"), s: 1 });
    expect([none.b?.shape, await read(none.j)]).toEqual([[0], []]);
    const wrong = (tensors: object) => diagnosticsOf(() => kernel.run(tensors as never)).join("\n");
    expect(wrong({ x: i, i, s: 1 })).toMatch(/^E0603: the input `x` is f32\[n\], but got a tensor of int32/);
    expect(wrong({ x: tf.tensor1d([1]), i, s: 1 })).toMatch(/^E0606/);
    expect(wrong({ x: tf.tensor1d([1, 2, 3]), i })).toMatch(/^E0601/);
    kernel.destroy();
    expect(() => kernel.run({ x: tf.tensor1d([1, 2, 3]), i, s: 1 })).toThrow(kernel.kernelName);
    tf.disposeVariables();
  });

  gpuTest("of a plan, gives results that are one value each their numbers", async ({ gpu }) => {
    await openTfjs(gpu);
    const text =
      "fn f(x: f32[rows, 8]) -> (a: f32[rows, 8], b: f32[rows, 8], s: f32[8]) {\n" +
      "  let y = rmsnorm(x, axes = [-1])\n  return y, y, sum(y, axes = [0])\n}";
    const { plans, kernels } = compile(parse(text), { target: gpu.target });
    const plan = planManifest(plans[0] as Plan);
    expect(plan.buffers.filter(({ same }) => same !== undefined)).toHaveLength(1);
    const kernel = await prepare(tf, { plan, kernels });
    const x = tf.tensor2d(wave(24, 1), [3, 8]);
    const { a, b } = kernel.run({ x }) as Readonly<Record<string, tf.Tensor>>;
    expect(Math.max(...(await read(a)))).toBeGreaterThan(0.5);
    expect(await read(b)).toEqual(await read(a));
    kernel.destroy();
  });

  gpuTest("is refused where a product is left to the caller", async ({ gpu }) => {
    await openTfjs(gpu);
    const text = "fn f(x: f32[n, 8], w: f32[4, 8]) -> (y: f32[n, 4]) { return gelu(linear(x, w)) }";
    const { plans, kernels } = compile(parse(text), { target: gpu.target });
    const refused = await rejectionOf(prepare(tf, { plan: planManifest(plans[0] as Plan), kernels }));
    expect(refused.join()).toContain("E0628");
  });

  gpuTest("is refused where tfjs has no such type, or no such device", async ({ gpu }) => {
    await openTfjs(gpu);
    const { kernel } = compileText("fn f(x: f32[n]) -> (y: u32[n]) { return cast(x, to = u32) }");
    expect((await rejectionOf(prepare(tf, kernel)))[0]).toMatch(/^E0626: `y` of `f` is u32\[n\]/);
    const { kernel: half } = compileText("fn f(x: f32[n]) -> (y: f16[n]) { return cast(x, to = f16) }");
    expect((await rejectionOf(prepare(tf, half)))[0]).toMatch(/^E0626/);
    const other = { ...tf, getBackend: () => "cpu", backend: () => ({}) as never };
    expect((await rejectionOf(prepare(other, count.kernel)))[0]).toMatch(
      /^E0625: the backend of TensorFlow.js is `cpu`/,
    );
  });
});
