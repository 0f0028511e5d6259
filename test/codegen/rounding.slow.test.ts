/** `rounding: "strict"`: a fused kernel and a plan give, bit for bit, the results of their ops as separate kernels. */

import { isDeepStrictEqual } from "node:util";
import { expect } from "vitest";
import { type CompileOptions, compile, optimize } from "../../src/driver/compile.ts";
import { type Fn, isLeaf, presentOperands } from "../../src/ir/ir.ts";
import { print } from "../../src/ir/print.ts";
import { printType } from "../../src/ir/types.ts";
import { parse } from "../../src/parse/parse.ts";
import { planManifest } from "../../src/plan/manifest.ts";
import type { Plan } from "../../src/plan/plan.ts";
import type { HostTensor } from "../../src/runtime/host-tensor.ts";
import type { OpenedDevice } from "../../src/runtime/node.ts";
import { runPlan } from "../../src/runtime/prepare-plan.ts";
import type { TargetProfile } from "../../src/target/target.ts";
import { targetsFor } from "../support/compile.ts";
import { isDeep } from "../support/deep.ts";
import { driverTest, gpuTest } from "../support/gpu.ts";
import { inputsFor } from "../support/oracle.ts";

const programs = {
  "a chain around LayerNorm": `
fn f(x: f16[rows, 768], r: f16[rows, 768], g: f16[768], b: f16[768]) -> f16[rows, 768] {
  let y = gelu(layernorm(x + r * 0.1, g, b, axes = [-1]))
  return y / max(abs(y), axes = [-1], keepdims = true)
}`,
  "a centering, and sums of what was rounded": `
fn f(x: f16[rows, 769], r: f16[rows, 769]) -> f16[rows, 769] {
  let y = exp(x) * silu(r)
  let c = y - mean(y, axes = [-1], keepdims = true)
  return c * rsqrt(mean(c * c, axes = [-1], keepdims = true) + 0.001) + sum(y, axes = [-1], keepdims = true)
}`,
  "elementwise ops": `
fn f(x: f16[rows, 64], r: f16[rows, 64]) -> f16[rows, 64] {
  let y = (x + r) * (x - r) / (1.5 + x * x)
  return where(y > 0, sqrt(abs(y)), tanh(y) * 3) - y * y * y
}`,
  "softmax of a cast": `
fn f(x: f32[rows, 256], r: f16[rows, 256]) -> f16[rows, 256] {
  return softmax(cast(x, to = f16) * 0.125 + r, axes = [-1]) + r
}`,
};

/** Programs of f32, in which a fused kernel that is not strict keeps more than f32 has, or takes another order. */
const wide = {
  "a centering": `
fn f(x: f32[rows, 768]) -> f32[rows, 768] {
  let y = x * 1.1 + 1000
  return y - mean(y, axes = [-1], keepdims = true)
}`,
  "mean and variance of a row": `
fn f(x: f32[rows, 1000], r: f32[rows, 1000]) -> f32[rows, 1000] {
  let y = x + 100 * r
  let m = mean(y, axes = [-1], keepdims = true)
  return (y - m) / sqrt(var(y, axes = [-1], keepdims = true) + 0.001)
}`,
  "a chain around LayerNorm of f32": `
fn f(x: f32[rows, 769], r: f32[rows, 769], g: f32[769], b: f32[769]) -> f32[rows, 769] {
  let y = gelu(layernorm(x + r * 0.1 + 30, g, b, axes = [-1]))
  return y / max(abs(y), axes = [-1], keepdims = true)
}`,
  "softmax, and a sum of exponentials": `
fn f(x: f32[rows, 2000]) -> f32[rows, 2000] {
  let e = exp(x - max(x, axes = [-1], keepdims = true))
  return softmax(x * 3, axes = [-1]) + e / sum(e, axes = [-1], keepdims = true)
}`,
  "products that a sum could take in": `
fn f(x: f32[rows, 64], r: f32[rows, 64]) -> f32[rows, 64] {
  let y = x * r + x * x
  return y * r - x * 3
}`,
};

/** Programs of several kernels, with sums over rows that are computed in tiles where rounding is not strict. */
const severalKernels = {
  "sums over the rows of a norm": `
fn f(x: f32[rows, 64], d_y: f32[rows, 64]) -> (d_x: f32[rows, 64], d_gamma: f32[64]) {
  let n = rmsnorm(x, axes = [-1])
  let d_x = d_y - n * mean(d_y * n, axes = [-1], keepdims = true)
  return d_x, sum(d_y * n, axes = [0])
}`,
  "sums over rows before a norm": `
fn f(x: f32[rows, 128]) -> (y: f32[rows, 128], s: f32[1, 128]) {
  let s = sum(x, axes = [0], keepdims = true)
  return softmax(x / s, axes = [-1]), s
}`,
};

type Tensors = Record<string, HostTensor>;

/** The results of a program, whose kernels are as many as the compiler takes. */
async function run(device: GPUDevice, text: string, inputs: Tensors, options: CompileOptions): Promise<Tensors> {
  const { plans, kernels } = compile(parse(text, { file: "test.tir" }), options);
  return (await runPlan(device, { plan: planManifest(plans[0] as Plan), kernels }, inputs)).outputs;
}

/** The results of each op of the function as a separate kernel, in order. */
async function opByOp(
  device: GPUDevice,
  fn: Fn,
  lines: ReadonlyMap<string, string>,
  inputs: Tensors,
  target: TargetProfile,
): Promise<Tensors> {
  const values: Tensors = { ...inputs };
  for (const op of fn.ops.filter((op) => !isLeaf(op))) {
    const name = op.result.name as string;
    const operands = [...new Set(presentOperands(op))].filter(({ def }) => def === undefined || !isLeaf(def));
    const params = operands.map((operand) => `${operand.name}: ${printType(operand)}`);
    const text = `fn f(${params.join(", ")}) -> (out_: ${printType(op.result)}) {\n  return ${lines.get(name)}\n}`;
    const given = operands.map(({ name }) => [name, values[name as string]]);
    const outputs = await run(device, text, Object.fromEntries(given), { target, passes: "O0", rounding: "strict" });
    values[name] = outputs.out_ as HostTensor;
  }
  return Object.fromEntries(fn.results.map(({ name, value }) => [name, values[value.name as string] as HostTensor]));
}

/** The names of the results whose bits are not equal. */
const differing = (found: Tensors, wanted: Tensors) =>
  Object.keys(wanted).filter((name) => !isDeepStrictEqual(found[name]?.data, wanted[name]?.data));

async function compareStrictly({ device, target: own }: OpenedDevice, text: string, rows = 6): Promise<void> {
  // Each op is a kernel of its own, and a driver takes a second for some: the other targets are for the deep run.
  const targets = isDeep ? targetsFor(own) : [own];
  for (const target of targets) {
    const printed = print(optimize(parse(text, { file: "test.tir" })).module);
    const lines = new Map(
      [...printed.matchAll(/^ *let (\w+) = (.*)$/gm)].map(([, name, op]) => [name as string, op as string]),
    );
    const fn = parse(printed, { file: "printed.tir" }).fns[0] as Fn;
    const inputs = inputsFor(fn, { rows });
    const wanted = await opByOp(device, fn, lines, inputs, target);
    const strict = await run(device, text, inputs, { target, rounding: "strict" });
    expect(differing(strict, wanted), target.name).toEqual([]);
    if (!text.includes("f16")) continue;
    const late = await run(device, text, inputs, { target });
    expect(differing(late, wanted), target.name).not.toEqual([]);
  }
}

/** What the others have parts of is for the deep run. */
const isShort = (name: string) =>
  !["a centering, and sums of what was rounded", "a chain around LayerNorm of f32"].includes(name);
const chosen = (all: Readonly<Record<string, string>>) =>
  Object.entries(all).filter(([name]) => isDeep || isShort(name));

gpuTest.for(chosen(programs))("%s", ([, text], { gpu }) => compareStrictly(gpu, text));

for (const [name, text] of chosen(wide)) driverTest(name, (gpu) => compareStrictly(gpu, text), 120_000);

for (const [name, text] of Object.entries(severalKernels)) driverTest(name, (gpu) => compareStrictly(gpu, text, 300));
