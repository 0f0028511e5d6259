/** The optimizer of examples/training/adamw.ts: the steps of AdamW, written out in float64. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { globals } from "webgpu";
import { LossScale, openAdamW } from "../../examples/training/adamw.ts";
import { type FunctionGradient, gradient } from "../../src/driver/gradient.ts";
import { parse } from "../../src/parse/parse.ts";
import { gpuTest } from "../support/gpu.ts";

const source = readFileSync("examples/training/adamw.tir", "utf8");
const n = 512;
const options = { rate: 0.01, decay: 0.1, maxNorm: 1.5 };
const startOf = (i: number) => Math.fround(Math.sin(i));
const lossScale = 1024;
/** Of a batch of a step: of norm 0.6 in the first step, and of more than 1.5 from the third on. The fourth overflows. */
const gradientOf = (step: number, batch: number, i: number) =>
  step === 4 && i === 7 ? Number.POSITIVE_INFINITY : Math.fround(lossScale * 0.02 * step * Math.cos(3 * i + batch));
const [steps, batches] = [5, 2];

/** Weights after each step, and norms. */
function inFloat64() {
  const [w, m, v] = [Float64Array.from({ length: n }, (_, i) => startOf(i)), new Float64Array(n), new Float64Array(n)];
  return Array.from({ length: steps }, (_, k) => {
    const step = k + 1;
    const g = Array.from(w, (_, i) => (gradientOf(step, 0, i) + gradientOf(step, 1, i)) / lossScale);
    const norm = Math.sqrt(g.reduce((sum, value) => sum + value * value, 0));
    for (const [i, given] of Number.isFinite(norm) ? g.entries() : []) {
      const clipped = given * Math.min(1, options.maxNorm / norm);
      m[i] = 0.9 * (m[i] as number) + 0.1 * clipped;
      v[i] = 0.999 * (v[i] as number) + 0.001 * clipped ** 2;
      const [mean, square] = [(m[i] as number) / (1 - 0.9 ** step), (v[i] as number) / (1 - 0.999 ** step)];
      w[i] = (w[i] as number) * (1 - options.rate * options.decay) - (options.rate * mean) / (Math.sqrt(square) + 1e-8);
    }
    return { norm, w: Array.from(w) };
  });
}

gpuTest("gradients are accumulated, clipped, and left out where they overflow", async ({ gpu: { device } }) => {
  Object.assign(globalThis, globals);
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const w = device.createBuffer({ size: 4 * n, usage });
  const copy = device.createBuffer({ size: 4 * n, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  device.queue.writeBuffer(
    w,
    0,
    Float32Array.from({ length: n }, (_, i) => startOf(i)),
  );
  const optimizer = await openAdamW(device, source, w, options);
  for (const [k, wanted] of inFloat64().entries()) {
    for (let batch = 0; batch < batches; batch++) {
      device.queue.writeBuffer(
        optimizer.d_w,
        0,
        Float32Array.from({ length: n }, (_, i) => gradientOf(k + 1, batch, i)),
      );
      const encoder = device.createCommandEncoder();
      optimizer.accumulate(encoder);
      device.queue.submit([encoder.finish()]);
    }
    const encoder = device.createCommandEncoder();
    optimizer.step(encoder, lossScale);
    encoder.copyBufferToBuffer(w, 0, copy, 0, 4 * n);
    device.queue.submit([encoder.finish()]);
    const norm = await optimizer.norm();
    expect(Number.isFinite(norm)).toBe(Number.isFinite(wanted.norm));
    if (Number.isFinite(norm)) expect(Math.abs(norm - wanted.norm)).toBeLessThan(1e-6 * wanted.norm);
    await copy.mapAsync(GPUMapMode.READ);
    const found = Array.from(new Float32Array(copy.getMappedRange()));
    copy.unmap();
    for (const [i, value] of wanted.w.entries()) {
      expect(Math.abs((found[i] as number) - value), `step ${k + 1}, ${i}`).toBeLessThan(1e-6);
    }
  }
  optimizer.destroy();
  w.destroy();
  copy.destroy();
});

test("the norms of the test's steps are below and above the limit", () => {
  const norms = inFloat64().map(({ norm }) => norm);
  expect(norms.map((norm) => norm < options.maxNorm)).toEqual([true, true, false, false, false]);
});

test("a loss is scaled by half where gradients overflowed, and by two after steps in which they did not", () => {
  const scale = new LossScale({ start: 8, interval: 3 });
  const values = [1, 2, Number.POSITIVE_INFINITY, 1, 1, 1, Number.NaN, 1].map((norm) => {
    scale.update(norm);
    return scale.value;
  });
  expect(values).toEqual([8, 8, 4, 4, 4, 8, 4, 4]);
});

test("a model that casts its weights to f16 has gradients of f32 for them", () => {
  const { functions } = gradient(
    parse(`fn model(x: f16[rows, 64], w: f32[32, 64] @trained) -> (y: f16[rows, 32]) {
  return linear(x, cast(w, to = f16))
}`),
    { wrt: ["w"] },
  );
  const [d_w] = (functions[0] as FunctionGradient).backward.results;
  expect(d_w?.value.type).toMatchObject({ element: "f32", shape: [32, 64] });
});
