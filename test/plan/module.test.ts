/** A function of several kernels in a generated module: called as one kernel is. */

import { expect, test } from "vitest";
import { compile } from "../../src/driver/compile.ts";
import { emitModule } from "../../src/emit/module.ts";
import { interpret } from "../../src/ir/interpret.ts";
import type { Fn } from "../../src/ir/ir.ts";
import type { CallablePlan } from "../../src/launch/callable-plan.ts";
import type { AnyTypes } from "../../src/launch/types.ts";
import { parse } from "../../src/parse/parse.ts";
import { planManifest } from "../../src/plan/manifest.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { randomInputs } from "../../src/testing/random-inputs.ts";
import { expectSameNumbers } from "../support/expect-numbers.ts";
import { gpuTest } from "../support/gpu.ts";

const module = parse(`fn both(x: f32[n, 16], k: f32) -> (y: f32[n, 16], x: f32[n, 16]) {
  let p = softmax(x, axes = [-1])
  return k * p / sum(p, axes = [-2], keepdims = true) + mean(p, axes = [0, 1]), x
}`);
const fn = module.fns[0] as Fn;
const { plans, kernels } = compile(module);
const plan = planManifest(plans[0] as Plan);
const emitted = { plan, kernels: kernels.map((one) => [one]) };

async function load(one = emitted): Promise<CallablePlan<AnyTypes>> {
  const text = emitModule([one], { language: "js", source: "both.tir" });
  const loaded = await import(`data:text/javascript;base64,${Buffer.from(text).toString("base64")}`);
  return loaded[one.plan.name];
}

async function read(device: GPUDevice, buffer: GPUBuffer, count: number): Promise<Float64Array> {
  const copy = device.createBuffer({ size: 4 * count, usage: 1 | 8 });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, copy, 0, 4 * count);
  device.queue.submit([encoder.finish()]);
  await copy.mapAsync(1);
  return Float64Array.from(new Float32Array(copy.getMappedRange()));
}

gpuTest("in one submit, or into an encoder of the caller's, with results made or given", async ({ gpu }) => {
  const { device } = gpu;
  const both = await load();
  for (const n of [5, 37, 3]) {
    const inputs = randomInputs(fn, 1, { n });
    const want = interpret(fn, inputs);
    const [x, k] = [Float32Array.from(inputs.x?.data ?? []), inputs.k?.data[0] as number];
    const made = both(device, { x, k }, { n });
    const given = device.createBuffer({ size: 4 * 16 * n, usage: 128 | 4 });
    const encoder = device.createCommandEncoder();
    const other = both(device, { x, k }, { n }, { encoder, outputs: { y: given } });
    device.queue.submit([encoder.finish()]);
    expect(other.y).toBe(given);
    for (const buffers of [made, other]) {
      const of = async (name: "x" | "y") => ({
        ...want[name],
        data: await read(device, buffers[name] as GPUBuffer, 16 * n),
      });
      expectSameNumbers({ y: await of("y"), x: await of("x") } as typeof want, want, { relative: 2e-6 });
    }
  }
});

gpuTest("results that are one value share a buffer, and are copied where each is given one", async ({ gpu }) => {
  const { device } = gpu;
  const twice = compile(
    parse(`fn twice(x: f32[n, 16]) -> (a: f32[n, 16], b: f32[n, 16], s: f32[16]) {
  let p = softmax(x, axes = [-1])
  return p, p, sum(p, axes = [0])
}`),
  );
  const call = await load({
    plan: planManifest(twice.plans[0] as Plan),
    kernels: twice.kernels.map((kernel) => [kernel]),
  });
  const [n, x] = [3, Float32Array.from({ length: 48 }, (_, i) => Math.sin(i))];
  const buffer = () => device.createBuffer({ size: 192, usage: 128 | 4 | 8 });
  const want = await read(device, call(device, { x }, { n }).a as GPUBuffer, 48);
  expect(want.reduce((sum, p) => sum + p)).toBeCloseTo(3, 5);
  const made = call(device, { x }, { n });
  expect(made.b).toBe(made.a);
  const [first, second] = [buffer(), buffer()];
  expect(call(device, { x }, { n }, { outputs: { b: first } }).a).toBe(first);
  expect(await read(device, first, 48)).toEqual(want);
  const given = call(device, { x }, { n }, { outputs: { a: buffer(), b: second } });
  expect(given.b).toBe(second);
  for (const one of [given.a, given.b]) expect(await read(device, one as GPUBuffer, 48)).toEqual(want);
  const both = buffer();
  call(device, { x }, { n }, { outputs: { a: both, b: both } });
  expect(await read(device, both, 48)).toEqual(want);
});

test("what is no tensor of it, and `prepare`, are refused in words", async () => {
  const both = await load();
  const device = { createShaderModule: () => expect.unreachable() } as unknown as GPUDevice;
  expect(() => both(device, { z: 1 } as never, { n: 1 })).toThrow(
    "both: there is no z among the tensors, only x, k, y",
  );
  expect(() => (both as unknown as { readonly forms: unknown }).forms).toThrow("both is several kernels");
  expect(both.name).toBe("both");
});

test("tiles are carried, whose length is no dimension of a tensor", () => {
  const text = "fn f(x: f32[n, 768]) -> (y: f32[768], m: f32[768]) { return sum(x, axes = [0]), var(x, axes = [0]) }";
  const { plans, kernels } = compile(parse(text), { splitReductions: "all" });
  const split = { plan: planManifest(plans[0] as Plan), kernels: kernels.map((one) => [one]) };
  expect(emitModule([split], { language: "js", source: "f.tir" })).toContain('"n_tile"');
});

test("a module with plans imports what it needs", () => {
  const text = emitModule([emitted], { language: "ts", source: "both.tir" });
  expect(text).toContain(
    'import { kernel, prepare, explain, writeScalar, type CallableKernel, plan, type AnyTypes, type CallablePlan } from "tirc/launch";',
  );
  expect(text).toContain("const both$: CallablePlan<BothSignature>");
});
