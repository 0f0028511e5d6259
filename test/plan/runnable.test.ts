/** A plan on a device in `tirc/runtime`: prepared once, and run, launched and bound. */

import * as ort from "onnxruntime-web";
import { expect, test } from "vitest";
import { compile } from "../../src/driver/compile.ts";
import { compact } from "../../src/emit/compact-manifest.ts";
import { prepare as prepareForOrt } from "../../src/integrations/onnxruntime.ts";
import { interpret } from "../../src/ir/interpret.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { kernel as callable } from "../../src/launch/callable.ts";
import type { AnyTypes } from "../../src/launch/types.ts";
import { parse } from "../../src/parse/parse.ts";
import { planManifest } from "../../src/plan/manifest.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { measure } from "../../src/runtime/measure.ts";
import { preparePlan } from "../../src/runtime/prepare-plan.ts";
import { randomInputs } from "../../src/testing/random-inputs.ts";
import { rejectionOf } from "../support/diagnostics.ts";
import { gpuTest } from "../support/gpu.ts";
import { spyOn } from "../support/spy-device.ts";

// Two kernels, and a tensor between them.
const module = parse(`fn f(x: f32[n, 16], k: f32) -> (y: f32[n, 16]) {
  let p = softmax(x, axes = [-1])
  return k * p / sum(p, axes = [-2], keepdims = true)
}`);
const fn = module.fns[0] as Fn;
const { plans, kernels } = compile(module);
const compiled = { plan: planManifest(plans[0] as Plan), kernels };

const given = (n: number, seed: number) => {
  const inputs = randomInputs(fn, seed, { n });
  const tensors = { x: Float32Array.from(inputs.x?.data ?? []), k: inputs.k?.data[0] as number };
  return { tensors, want: interpret(fn, inputs).y?.data ?? [] };
};

function expectNear(got: ArrayLike<number>, want: ArrayLike<number>): void {
  expect(got.length).toBe(want.length);
  for (const [i, value] of Array.from(want).entries()) expect(Math.abs((got[i] as number) - value)).toBeLessThan(2e-6);
}

test("there is a tensor between two kernels", () => {
  expect(kernels).toHaveLength(2);
  expect(compiled.plan.buffers.some(({ kind }) => kind === "intermediate")).toBe(true);
});

gpuTest("pipelines are compiled once, whatever number of runs there are", async ({ gpu: { device } }) => {
  let pipelines = 0;
  const counted = (how: "createComputePipeline" | "createComputePipelineAsync") => (descriptor: never) => {
    pipelines++;
    return device[how](descriptor);
  };
  const spied = spyOn(device, {
    createComputePipeline: counted("createComputePipeline"),
    createComputePipelineAsync: counted("createComputePipelineAsync"),
  });
  const runnable = await preparePlan(spied.device, compiled);
  const runs = [3, 7, 5, 3].map((n, seed) => ({ ...given(n, seed), n }));
  // At once: they share the memory between the kernels, in the queue's order.
  const all = await Promise.all(runs.map(({ tensors }) => runnable.run(tensors)));
  for (const [i, { outputs, launches }] of all.entries()) {
    expect([outputs.y?.shape, launches]).toEqual([[runs[i]?.n, 16], 2]);
    expectNear(outputs.y?.data ?? [], runs[i]?.want ?? []);
  }
  expect(pipelines).toBe(2);
  expect([spied.submits, spied.dispatches]).toEqual([4, 8]);
  runnable.destroy();
  expect(spied.created.filter((buffer) => !spied.destroyed.includes(buffer))).toEqual([]);
  const [message] = await rejectionOf(runnable.run(given(3, 0).tensors));
  expect(message).toMatch(/^E0609/);
});

gpuTest("an array may be changed as soon as `run` has returned", async ({ gpu: { device } }) => {
  const runnable = await preparePlan(device, compiled);
  const { tensors, want } = given(4, 1);
  const running = runnable.run(tensors);
  tensors.x.fill(0);
  expectNear((await running).outputs.y?.data ?? [], want);
  runnable.destroy();
});

gpuTest("a bound plan is recorded as a whole, and step by step", async ({ gpu: { device } }) => {
  const runnable = await preparePlan(device, compiled);
  const { tensors, want } = given(6, 2);
  const y = device.createBuffer({ size: 6 * 16 * 4, usage: 128 | 4 | 8 });
  const bound = runnable.bind({ ...tensors, y }, { n: 6 });
  expect(bound.steps.map(({ name, dispatch }) => [name, typeof dispatch])).toEqual([
    ["f_1", "function"],
    ["f_2", "function"],
  ]);
  expect(bound.outputs.y?.buffer).toBe(y);
  const read = async () => {
    const copy = device.createBuffer({ size: y.size, usage: 1 | 8 });
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(y, 0, copy, 0, y.size);
    device.queue.submit([encoder.finish()]);
    await copy.mapAsync(1);
    return new Float32Array(copy.getMappedRange());
  };
  for (const encode of [
    (into: GPUCommandEncoder) => bound.encode(into),
    (into: GPUCommandEncoder) => {
      for (const step of bound.steps) step.encode(into);
    },
    (into: GPUCommandEncoder) => {
      const pass = into.beginComputePass();
      for (const step of bound.steps) step.dispatch?.(pass);
      pass.end();
    },
  ]) {
    const encoder = device.createCommandEncoder();
    encoder.clearBuffer(y);
    encode(encoder);
    device.queue.submit([encoder.finish()]);
    expectNear(await read(), want);
  }
  // The passes write the two timestamps between them.
  const [whole, ...each] = await measure(device, [bound, ...bound.steps], 3);
  for (const times of [whole, ...each]) for (const time of times ?? []) expect(time).toBeGreaterThan(0);
  bound.destroy();
  runnable.destroy();
});

gpuTest("the caller's memory lies between the kernels where it is given", async ({ gpu: { device } }) => {
  const spied = spyOn(device);
  const runnable = await preparePlan(spied.device, compiled);
  const asked: number[] = [];
  const allocate = (size: number) => {
    asked.push(size);
    return device.createBuffer({ size, usage: 128 });
  };
  const { tensors, want } = given(5, 3);
  const { outputs } = await runnable.run(tensors, {}, { allocate });
  expectNear(outputs.y?.data ?? [], want);
  expect(asked.length).toBeGreaterThan(0);
  expect(spied.created.filter(({ label }) => label === "f")).toEqual([]);
  runnable.destroy();
});

gpuTest("onnxruntime's tensors go through a plan as through a kernel", async ({ gpu: { device } }) => {
  const spied = spyOn(device);
  const session = { Tensor: ort.Tensor, env: { ...ort.env, webgpu: { device: spied.device } } as never };
  const runnable = await prepareForOrt(session, compiled);
  const { tensors, want } = given(6, 4);
  const x = runnable.upload(new ort.Tensor("float32", tensors.x, [2, 3, 16]));
  const run = async () => {
    const { y } = runnable.run({ x, k: tensors.k });
    expect(y?.dims).toEqual([2, 3, 16]);
    expectNear((await y?.getData()) as Float32Array, want);
    y?.dispose();
  };
  await run();
  const before = spied.created.length;
  await run();
  // Results and the memory between the kernels are used again; the copy is that of `getData`.
  expect(spied.created.slice(before).map(({ label }) => label)).toEqual(["copy"]);
  runnable.destroy();
});

gpuTest("a kernel as a module has it, which is a function, is a plan of one launch", async ({ gpu: { device } }) => {
  const [one] = compile(parse("fn twice(x: f32[64]) -> (y: f32[64]) { return x * 2 }")).kernels;
  if (one === undefined) throw new Error("no kernel");
  const twice = callable<AnyTypes>("twice", [[one.wgsl, compact(one.manifest)]]);
  const runnable = await preparePlan(device, twice);
  expect(runnable.kernels.map(({ name }) => name)).toEqual(["twice"]);
  const { outputs } = await runnable.run({ x: new Float32Array(64).fill(3) });
  expectNear(outputs.y?.data ?? [], Array(64).fill(6));
  runnable.destroy();
});
