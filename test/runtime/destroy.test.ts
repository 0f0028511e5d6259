/** What a prepared kernel allocates on the device, and that it frees all of it. */

import { expect } from "vitest";
import { prepare, runKernel } from "../../src/runtime/prepare.ts";
import { diagnosticsOf, rejectionOf } from "../support/diagnostics.ts";
import { gpuTest } from "../support/gpu.ts";
import { rowSum } from "../support/hand-kernel.ts";
import { type Spied, spyOn } from "../support/spy-device.ts";

const x = { element: "f32", shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) } as const;
const alive = ({ created, destroyed }: Spied) => created.filter((buffer) => !destroyed.includes(buffer)).length;
const gone = ["E0609: the kernel `hand` was destroyed\nhelp: prepare it again"];

gpuTest("a bound kernel holds its buffers until it or the prepared kernel is destroyed", async ({ gpu }) => {
  const spied = spyOn(gpu.device);
  const prepared = await prepare(spied.device, rowSum);
  expect(alive(spied)).toBe(0);
  const bound = [prepared.bind({ x }), prepared.bind({ x }), prepared.bind({ x })];
  // Each has an input and a result; they share the page of dimensions.
  expect(alive(spied)).toBe(7);
  bound[0]?.destroy();
  bound[0]?.destroy();
  expect(alive(spied)).toBe(5);
  await prepared.run({ x });
  expect(alive(spied)).toBe(5);
  prepared.destroy();
  prepared.destroy();
  expect(alive(spied)).toBe(0);
  expect(new Set(spied.destroyed).size).toBe(spied.destroyed.length);
});

gpuTest("nothing runs after it, and what has begun ends as it would", async ({ gpu }) => {
  const spied = spyOn(gpu.device);
  const prepared = await prepare(spied.device, rowSum);
  const bound = prepared.bind({ x });
  const running = prepared.run({ x });
  prepared.destroy();
  expect((await running).outputs.y?.data).toEqual(Float32Array.of(6, 15));
  expect(await rejectionOf(prepared.run({ x }))).toEqual(gone);
  expect(diagnosticsOf(() => prepared.bind({ x }))).toEqual(gone);
  const encoder = gpu.device.createCommandEncoder();
  expect(diagnosticsOf(() => bound.encode(encoder))).toEqual(gone);
  const pass = encoder.beginComputePass();
  expect(diagnosticsOf(() => bound.dispatch(pass))).toEqual(gone);
  pass.end();
  expect(alive(spied)).toBe(0);
});

gpuTest("a call that fails leaves nothing behind", async ({ gpu }) => {
  const spied = spyOn(gpu.device);
  const broken = { ...rowSum, wgsl: rowSum.wgsl.replace("value, lane", "values, lane") };
  expect((await rejectionOf(runKernel(spied.device, broken, { x })))[0]).toMatch(/^E0612/);
  const noConstant = {
    ...rowSum,
    manifest: { ...rowSum.manifest, overrides: [{ dim: "columns", constant: "other" }] },
  };
  const prepared = await prepare(spied.device, noConstant);
  expect((await rejectionOf(prepared.run({ x })))[0]).toMatch(/^E0613/);
  prepared.destroy();
  expect(spied.created.length).toBeGreaterThan(0);
  expect(alive(spied)).toBe(0);
});
