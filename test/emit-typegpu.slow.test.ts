/** The emitted TypeGPU module, run by TypeGPU: its layout binds its own typed buffers, and the kernel computes. */

import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as esbuild from "esbuild";
import tgpu, { type TgpuRoot } from "typegpu";
import * as d from "typegpu/data";
import { expect } from "vitest";
import { globals } from "webgpu";
import { compile } from "../src/driver/compile.ts";
import { emitTypegpu } from "../src/emit/typegpu.ts";
import { interpret } from "../src/ir/interpret.ts";
import type { Fn } from "../src/ir/ir.ts";
import { workgroupsOf } from "../src/launch/counts.ts";
import { parse } from "../src/parse/parse.ts";
import { planManifest } from "../src/plan/manifest.ts";
import type { Plan } from "../src/plan/plan.ts";
import { root, temporaryFolder } from "./support/built.ts";
import { compileText } from "./support/compile.ts";
import { gpuTest } from "./support/gpu.ts";

const { fn, kernel } =
  compileText(`fn scaled(x: f32[rows, 64], on: bool[64], s: f32) -> (y: f32[rows, 64], top: f32[rows]) {
  let n = where(on, layernorm(x, axes = [-1]) * s, x)
  return n, max(n, axes = [-1])
}`);

const byLength = compileText("fn shifted(x: f32[rows, k]) -> (y: f32[rows, k]) { return center(x, axes = [-1]) }");

// Columns' sums of tiles and their merge, a product, and what reads it; a number, and a result that is another's value.
const many = compile(
  parse(`fn whole(x: f32[rows, 16], w: f32[16, 16], t: f32[rows, 768], k: f32) -> (y: f32[rows, 16], sums: f32[768], again: f32[768]) {
  let s = sum(t, axes = [0])
  return tanh(matmul(x * k, w)), s, s
}`),
  { splitReductions: "all" },
);

interface ProductTensor {
  readonly buffer: GPUBuffer;
  readonly size: number;
  readonly shape: readonly number[];
}

interface Emitted {
  wholePlan(
    root: TgpuRoot,
    tensors: object,
    dims: { rows: number },
    products: { matmul(encoder: GPUCommandEncoder, call: Record<"a" | "b" | "out", ProductTensor>): void },
  ): Promise<{ encode(encoder: GPUCommandEncoder): void; destroy(): void }>;
  wholeBytes(dims: { rows: number }): { readonly tensors: Readonly<Record<string, number>> };
  readonly shiftedUniforms: d.WgslStruct<Record<"rows" | "k", d.U32>>;
  readonly shiftedLayout: ReturnType<typeof tgpu.bindGroupLayout>;
  shiftedEntryPoint(dims: { rows: number; k: number }): string;
  shiftedPipeline(root: TgpuRoot, dims: { rows: number; k: number }): Promise<GPUComputePipeline>;
  shiftedWorkgroups(dims: { rows: number; k: number }): [number, number];
  readonly scaledUniforms: d.WgslStruct<Record<"rows", d.U32> & Record<"s", d.F32>>;
  readonly scaledLayout: ReturnType<typeof tgpu.bindGroupLayout>;
  scaledPipeline(root: TgpuRoot): Promise<GPUComputePipeline>;
  scaledWorkgroups(dims: { rows: number }): [number, number];
}

gpuTest("a kernel through TypeGPU's buffers and bind groups", async ({ gpu: { device } }) => {
  Object.assign(globalThis, globals);
  const plan = planManifest(many.plans[0] as Plan);
  const folder = temporaryFolder();
  const source = join(folder, "scaled.ts");
  writeFileSync(source, emitTypegpu([kernel, byLength.kernel, { plan, kernels: many.kernels }], "scaled.tir"));
  const outfile = join(folder, "scaled.mjs");
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  await esbuild.build({ entryPoints: [source], outfile, format: "esm", logLevel: "error" });
  const emitted: Emitted = await import(/* @vite-ignore */ outfile);
  const tg = tgpu.initFromDevice({ device });
  const [rows, width] = [5, 64];
  const x = Float32Array.from({ length: rows * width }, (_, i) => Math.sin(i));
  const on = Array.from({ length: width }, (_, i) => i % 3 === 0);
  const buffer = (count: number, schema: d.F32 | d.U32, data?: number[]) =>
    tg.createBuffer(d.arrayOf(schema, count), data as never).$usage("storage");
  const buffers = {
    x: buffer(rows * width, d.f32, [...x]),
    on: buffer(width, d.u32, on.map(Number)),
    y: buffer(rows * width, d.f32),
    top: buffer(rows, d.f32),
    uniforms: tg.createBuffer(emitted.scaledUniforms, { rows, s: 1.5 }).$usage("uniform"),
  };
  expect(Object.keys(emitted.scaledLayout.entries)).toEqual([
    ...kernel.manifest.bindings.map(({ name }) => name),
    "uniforms",
  ]);
  const group = tg.createBindGroup(emitted.scaledLayout, buffers as never);
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(await emitted.scaledPipeline(tg));
  pass.setBindGroup(0, tg.unwrap(group));
  pass.dispatchWorkgroups(...emitted.scaledWorkgroups({ rows }));
  const { dispatch } = kernel.manifest;
  for (const many of [0, 1, 65535, 65536, 131071].map((count) => count * dispatch.rowsPerWorkgroup))
    expect(emitted.scaledWorkgroups({ rows: many })).toEqual(workgroupsOf(dispatch, many));
  pass.end();
  device.queue.submit([encoder.finish()]);

  const wanted = interpret(fn, {
    x: { element: "f32", shape: [rows, width], data: Float64Array.from(x) },
    on: { element: "bool", shape: [width], data: Float64Array.from(on, Number) },
    s: { element: "f32", shape: [], data: Float64Array.of(1.5) },
  });
  for (const [name, read] of [
    ["y", buffers.y],
    ["top", buffers.top],
  ] as const) {
    const got = (await read.read()) as number[];
    const want = wanted[name]?.data ?? [];
    expect(got.length).toBe(want.length);
    for (const [i, value] of Array.from(want).entries())
      expect(Math.abs((got[i] as number) - value)).toBeLessThan(2e-6);
  }

  // Each length by its entry point.
  for (const [k, entryPoint] of [
    [256, "main_x4"],
    [255, "main"],
  ] as const) {
    const dims = { rows, k };
    expect(emitted.shiftedEntryPoint(dims)).toBe(entryPoint);
    const data = Float32Array.from({ length: rows * k }, (_, i) => Math.sin(i));
    const own = {
      x: buffer(rows * k, d.f32, [...data]),
      y: buffer(rows * k, d.f32),
      uniforms: tg.createBuffer(emitted.shiftedUniforms, dims).$usage("uniform"),
    };
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(await emitted.shiftedPipeline(tg, dims));
    pass.setBindGroup(0, tg.unwrap(tg.createBindGroup(emitted.shiftedLayout, own as never)));
    pass.dispatchWorkgroups(...emitted.shiftedWorkgroups(dims));
    pass.end();
    device.queue.submit([encoder.finish()]);
    const x = { element: "f32", shape: [rows, k], data: Float64Array.from(data) } as const;
    const want = interpret(byLength.fn, { x }).y?.data ?? [];
    const got = (await own.y.read()) as number[];
    for (const [i, value] of Array.from(want).entries())
      expect(Math.abs((got[i] as number) - value)).toBeLessThan(2e-6);
  }

  // A plan: a product with the unit matrix is a copy.
  expect(plan.extents.length).toBeGreaterThan(0);
  for (const rows of [3, 40]) {
    const data = Float32Array.from({ length: rows * 16 }, (_, i) => Math.sin(i));
    const columns = Float32Array.from({ length: rows * 768 }, (_, i) => Math.cos(i));
    const unit = Float32Array.from({ length: 256 }, (_, i) => (i % 17 === 0 ? 1 : 0));
    const bytes = emitted.wholeBytes({ rows }).tensors;
    const sums = device.createBuffer({ size: bytes.sums as number, usage: 128 | 4 });
    const tensors = {
      ...{
        x: buffer(rows * 16, d.f32, [...data]),
        w: buffer(256, d.f32, [...unit]),
        t: buffer(rows * 768, d.f32, [...columns]),
      },
      ...{ y: buffer(rows * 16, d.f32), sums, k: 0.5 },
    };
    const calls: (readonly (readonly number[])[])[] = [];
    const whole = await emitted.wholePlan(
      tg,
      tensors,
      { rows },
      {
        matmul(into, { a, b, out }) {
          calls.push([a.shape, b.shape, out.shape]);
          into.copyBufferToBuffer(a.buffer, 0, out.buffer, 0, a.size);
        },
      },
    );
    const encoder = device.createCommandEncoder();
    whole.encode(encoder);
    whole.encode(encoder);
    device.queue.submit([encoder.finish()]);
    const shapes = [
      [rows, 16],
      [16, 16],
      [rows, 16],
    ];
    expect(calls).toEqual([shapes, shapes]);
    const tensor = (shape: number[], data: ArrayLike<number>) => {
      return { element: "f32" as const, shape, data: Float64Array.from(data) };
    };
    const given = {
      x: tensor([rows, 16], data),
      w: tensor([16, 16], unit),
      t: tensor([rows, 768], columns),
      k: tensor([], [0.5]),
    };
    const want = interpret(many.module.fns[0] as Fn, given);
    const gotSums = (await tg.createBuffer(d.arrayOf(d.f32, 768), sums).read()) as number[];
    const got = (await tensors.y.read()) as number[];
    for (const [name, list] of [
      ["sums", gotSums],
      ["y", got],
    ] as const) {
      for (const [i, value] of Array.from(want[name]?.data ?? []).entries())
        expect(Math.abs((list[i] as number) - value)).toBeLessThan(2e-5);
    }
    whole.destroy();
  }
});
