/** What a prepared kernel holds on the device, and that it lets go of it. */

import { expect } from "vitest";
import { prepareKernel, runKernel } from "../../src/runtime/execute.ts";
import { rejectionOf } from "../support/diagnostics.ts";
import { gpuTest } from "../support/gpu.ts";
import { rowSum } from "../support/hand-kernel.ts";
import { type Spied, spyOn } from "../support/spy-device.ts";

const x = { element: "f32", shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) } as const;
const alive = ({ created, destroyed }: Spied) => created.filter((buffer) => !destroyed.includes(buffer)).length;
const gone = ["E0609: the kernel `hand` was destroyed\nhelp: prepare it again"];

gpuTest("a bound kernel holds its buffers until it or the prepared kernel is destroyed", async ({ gpu }) => {
  const spied = spyOn(gpu.device);
  const prepared = await prepareKernel(spied.device, rowSum);
  expect(alive(spied)).toBe(0);
  const bound = [await prepared.bind({ x }), await prepared.bind({ x }), await prepared.bind({ x })];
  // The input, the dimensions and the result of each.
  expect(alive(spied)).toBe(9);
  bound[0]?.destroy();
  bound[0]?.destroy();
  expect(alive(spied)).toBe(6);
  await prepared.run({ x });
  expect(alive(spied)).toBe(6);
  prepared.destroy();
  prepared.destroy();
  expect(alive(spied)).toBe(0);
  expect(new Set(spied.destroyed).size).toBe(spied.destroyed.length);
});

gpuTest("nothing runs after it, and what has begun ends as it would", async ({ gpu }) => {
  const spied = spyOn(gpu.device);
  const prepared = await prepareKernel(spied.device, rowSum);
  const bound = await prepared.bind({ x });
  const running = prepared.run({ x });
  const binding = rejectionOf(prepared.bind({ x }));
  prepared.destroy();
  expect((await running).outputs.y?.data).toEqual(Float32Array.of(6, 15));
  expect(await binding).toEqual(gone);
  expect(await rejectionOf(prepared.run({ x }))).toEqual(gone);
  expect(await rejectionOf(prepared.bind({ x }))).toEqual(gone);
  const encoder = gpu.device.createCommandEncoder();
  expect(await rejectionOf((async () => bound.record(encoder))())).toEqual(gone);
  expect(alive(spied)).toBe(0);
});

gpuTest("a call that fails leaves nothing behind", async ({ gpu }) => {
  const spied = spyOn(gpu.device);
  const broken = { ...rowSum, wgsl: rowSum.wgsl.replace("value, lane", "values, lane") };
  expect((await rejectionOf(runKernel(spied.device, broken, { x })))[0]).toMatch(/^E0612/);
  const noEntry = { ...rowSum, manifest: { ...rowSum.manifest, entryPoint: "other" } };
  const prepared = await prepareKernel(spied.device, noEntry);
  expect((await rejectionOf(prepared.bind({ x })))[0]).toMatch(/^E0613/);
  expect(spied.created.length).toBeGreaterThan(0);
  expect(alive(spied)).toBe(0);
});
