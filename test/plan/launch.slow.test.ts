/** A plan on a device: what it checks, what it keeps, and what it frees. */

import { describe, expect, test } from "vitest";
import { compile } from "../../src/driver/compile.ts";
import { compact } from "../../src/emit/compact-manifest.ts";
import { interpret } from "../../src/ir/interpret.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { kernel } from "../../src/launch/callable.ts";
import { type CallablePlan, plan } from "../../src/launch/callable-plan.ts";
import { explain } from "../../src/launch/explain.ts";
import { writeScalar } from "../../src/launch/scalars.ts";
import type { AnyTypes } from "../../src/launch/types.ts";
import { parse } from "../../src/parse/parse.ts";
import { planManifest } from "../../src/plan/manifest.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { runPlan } from "../../src/runtime/prepare-plan.ts";
import { randomInputs } from "../../src/testing/random-inputs.ts";
import { rejectionOf } from "../support/diagnostics.ts";
import { expectSameNumbers } from "../support/expect-numbers.ts";
import { gpuTest } from "../support/gpu.ts";
import { type Spied, spyOn } from "../support/spy-device.ts";

// Both kernels read x. The first alone reads r.
const module = parse(`fn both(x: f32[n, 16], r: f32[n, 16], k: f32) -> (y: f32[n, 16]) {
  let p = softmax(x + r, axes = [-1])
  return k * x + p / sum(p, axes = [-2], keepdims = true)
}`);
const fn = module.fns[0] as Fn;
const { plans, kernels } = compile(module);
const manifest = planManifest(plans[0] as Plan);
const both: CallablePlan<AnyTypes> = plan(
  manifest,
  kernels.map(({ name, wgsl, manifest }) => kernel(name, [[wgsl, compact(manifest)]], { explain, writeScalar })),
);

const inputsOf = (n: number) => {
  const inputs = randomInputs(fn, 1, { n });
  const array = (name: string) => Float32Array.from(inputs[name]?.data ?? []);
  return { inputs, tensors: { x: array("x"), r: array("r"), k: inputs.k?.data[0] as number } };
};
const alive = ({ created, destroyed }: Spied) => created.filter((buffer) => !destroyed.includes(buffer));
const [storage, source, destination] = [128, 4, 8];

async function expectResult(device: GPUDevice, buffer: GPUBuffer, inputs: ReturnType<typeof randomInputs>) {
  const want = interpret(fn, inputs);
  const { size } = buffer;
  const copy = device.createBuffer({ size, usage: 1 | destination });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, copy, 0, size);
  device.queue.submit([encoder.finish()]);
  await copy.mapAsync(1);
  const data = Float64Array.from(new Float32Array(copy.getMappedRange()));
  expectSameNumbers({ y: { ...want.y, data } } as typeof want, want, { relative: 2e-6 });
}

test("x is what two kernels read", () => {
  expect(kernels.length).toBeGreaterThan(1);
  const readers = manifest.steps.filter((step) => "launch" in step && Object.values(step.reads).includes("x"));
  expect(readers.length).toBe(2);
});

gpuTest("arrays are copied once, and the copies destroyed", async ({ gpu }) => {
  const spied = spyOn(gpu.device);
  const prepared = await both.prepare(spied.device);
  const { inputs, tensors } = inputsOf(5);
  const y = prepared.launch(tensors, { n: 5 }).y as GPUBuffer;
  for (const name of ["x", "r"]) expect(spied.created.filter(({ label }) => label === name)).toHaveLength(1);
  expect(spied.destroyed.map(({ label }) => label).sort()).toEqual(["r", "x"]);
  await expectResult(gpu.device, y, inputs);
});

gpuTest("1000 runs keep as much as one, and `destroy` frees it", async ({ gpu }) => {
  const spied = spyOn(gpu.device);
  const prepared = await both.prepare(spied.device);
  const y = gpu.device.createBuffer({ size: 64 * 9, usage: storage | source });
  const { inputs, tensors } = inputsOf(9);
  prepared.launch(tensors, { n: 9 }, { outputs: { y } });
  const kept = alive(spied).length;
  for (let i = 1; i < 1000; i++) prepared.launch(tensors, { n: 9 }, { outputs: { y } });
  expect(alive(spied)).toHaveLength(kept);
  await expectResult(gpu.device, y, inputs);
  prepared.destroy();
  expect(alive(spied)).toEqual([]);
  expect(() => prepared.launch(tensors, { n: 9 })).toThrow("both: it was destroyed");
});

gpuTest("memory that has become too small goes, unless the caller has yet to submit what uses it", async ({ gpu }) => {
  const spied = spyOn(gpu.device);
  const prepared = await both.prepare(spied.device);
  const places = () => alive(spied).filter(({ label }) => label === "both").length;
  prepared.launch(inputsOf(3).tensors, { n: 3 });
  const one = places();
  const encoder = gpu.device.createCommandEncoder();
  const { inputs, tensors } = inputsOf(50);
  const y = prepared.launch(tensors, { n: 50 }, { encoder }).y as GPUBuffer;
  expect(places()).toBe(one);
  prepared.launch(inputsOf(300).tensors, { n: 300 });
  expect(places()).toBeGreaterThan(one);
  gpu.device.queue.submit([encoder.finish()]);
  await expectResult(gpu.device, y, inputs);
});

describe("what is wrong with a call is said of the plan, before anything is recorded", () => {
  const { tensors } = inputsOf(3);
  const dims = { n: 3 };
  const wrong: readonly [string, Parameters<typeof both> extends [unknown, ...infer Rest] ? Rest : never, string][] = [
    ["a tensor", [{ ...tensors, z: 1 }, dims], "both: there is no z among the tensors, only x, r, k, y"],
    ["an output", [tensors, dims, { outputs: { p: 1 } as never }], "both: there is no p among the outputs, only y"],
    ["no tensor", [{ k: 1, x: tensors.x }, dims], "both: the input r is missing"],
    ["no number", [{ x: tensors.x, r: tensors.r }, dims], "both: the input k is missing"],
    ["no number but an array", [{ ...tensors, k: tensors.x }, dims], "both: k must be a number, f32, not Float32Array"],
    ["no dimension", [tensors, {}], "both: the dimension n must be a whole number up to 2^32 - 1, not undefined"],
    ["a dimension", [tensors, { n: 2 }], "both: x is an array of 48 elements, but must have 32"],
    ["an element type", [{ ...tensors, r: new Int32Array(48) }, dims], "both: r must be a GPUBuffer or an array"],
    ["no dimensions", [tensors, 3 as never], "both: the dimensions must be an object, not 3"],
    ["a size", [tensors, { n: 2 ** 30 }], "both: x takes 68719476736 bytes, but maxStorageBufferBindingSize is"],
  ];
  gpuTest.for(wrong)("%s", ([, [tensors, dims, options], message], { gpu }) => {
    const spied = spyOn(gpu.device);
    const encoder = spied.device.createCommandEncoder();
    expect(() => both(spied.device, tensors, dims, { encoder, ...options })).toThrow(message);
    expect(spied.dispatches).toBe(0);
    expect(alive(spied).filter(({ label }) => label !== "both")).toEqual([]);
  });
});

gpuTest("a result stands in the place of what was read before it, and of nothing else", async ({ gpu }) => {
  const { device } = gpu;
  const { inputs, tensors } = inputsOf(7);
  const bufferOf = (array: Float32Array<ArrayBuffer>) => {
    const buffer = device.createBuffer({ size: array.byteLength, usage: storage | source | destination });
    device.queue.writeBuffer(buffer, 0, array);
    return buffer;
  };
  const r = bufferOf(tensors.r);
  await expectResult(device, both(device, { ...tensors, r, y: r }, { n: 7 }).y as GPUBuffer, inputs);

  // The first kernel writes s, and the second reads x.
  const text = `fn late(x: f32[n, 16]) -> (s: f32[n, 16], y: f32[n, 16]) {
  let s = softmax(relu(x), axes = [-1])
  return s, x / sum(s, axes = [-2], keepdims = true)
}`;
  const compiled = compile(parse(text));
  const late = { plan: planManifest(compiled.plans[0] as Plan), kernels: compiled.kernels };
  const x = bufferOf(tensors.x);
  const launched = plan<AnyTypes>(
    late.plan,
    late.kernels.map(({ name, wgsl, manifest }) => kernel(name, [[wgsl, compact(manifest)]], { explain })),
  );
  const message = "late: x and s are one buffer, and the kernel writes to it";
  expect(() => launched(device, { x, s: x }, { n: 7 })).toThrow(message);
  expect((await rejectionOf(runPlan(device, late, { x, s: x }, { n: 7 })))[0]).toMatch(
    /^E0619: `x` and `s` of `late` are in one buffer/,
  );
  expect(() => launched(device, { x, s: r, y: r }, { n: 7 })).toThrow("late: s and y are one buffer");
});
