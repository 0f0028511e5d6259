/**
 * Row statistics and sums over rows in one loop nest: the number of kernels, that they compute the function, and that
 * no lanes race.
 */

import { describe, expect, test } from "vitest";
import { generate } from "../../codegen/generate.ts";
import { hostTensorsOf } from "../../src/compare/kernel-inputs.ts";
import { compile } from "../../src/driver/compile.ts";
import { interpret } from "../../src/ir/interpret.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { verifyProgram } from "../../src/kernel/verify.ts";
import { planExtents } from "../../src/launch/plan-manifest.ts";
import { parse } from "../../src/parse/parse.ts";
import { comparePlan } from "../../src/plan/exact.ts";
import { interpretPlan } from "../../src/plan/interpret.ts";
import { planManifest } from "../../src/plan/manifest.ts";
import { launchesOf, type Plan, type PlanBuffer } from "../../src/plan/plan.ts";
import { verifyPlan } from "../../src/plan/verify.ts";
import { type HostTensor, toNumbers } from "../../src/runtime/host-tensor.ts";
import { preparePlan, runPlan } from "../../src/runtime/prepare-plan.ts";
import { type TargetProfile, targetByName } from "../../src/target/target.ts";
import { randomInputs } from "../../src/testing/random-inputs.ts";
import { expectSameNumbers } from "../support/expect-numbers.ts";
import { gpuTest } from "../support/gpu.ts";
import { backwardText } from "../support/gradients.ts";
import { backwards, columnsBesideRows, mixedBackward } from "../support/mixed-programs.ts";
import { runProgram } from "../support/run-program.ts";

function planOf(text: string, target: string | TargetProfile = "portable") {
  const module = parse(text, { file: "test.tir" });
  const { plans, kernels } = compile(module, { target });
  return { fn: module.fns[0] as Fn, plan: plans[0] as Plan, kernels };
}

const targets = ["portable", "gpu-subgroup-32", "swiftshader"].map((name) => targetByName(name));

const programs = [
  ...Object.entries(backwards).map(([name, { kernels }]) => [name, kernels, mixedBackward(name, 12)] as const),
  ...Object.entries(columnsBesideRows).map(([name, text]) => [name, 2, text] as const),
];

describe.each(programs)("%s", (_name, count, text) => {
  const { fn, plan, kernels } = planOf(text);
  // Two tiles and a part of one.
  const dims = { rows: 37, batch: 2 };
  const inputs = randomInputs(fn, 1, dims);
  const isHalf = fn.params[0]?.element === "f16";
  const wanted = interpret(fn, inputs);

  test(`is a sound plan of ${count}, and its function`, () => {
    expect(kernels).toHaveLength(count);
    expect(verifyPlan(plan)).toEqual([]);
    expect(comparePlan(plan, [])).toBeUndefined();
    expectSameNumbers(interpretPlan(plan, inputs), wanted, { relative: isHalf ? 2 ** -10 : 1e-11 });
  });

  if (count === 1) return;
  test.each(targets.map((target) => [target.name, target] as const))("lane by lane: %s", (_, target) => {
    const extents = planExtents(plan.extents, dims);
    const memory = new Map<string, HostTensor>(Object.entries(hostTensorsOf(inputs)));
    for (const { fn: one, tile, reads, writes } of launchesOf(plan)) {
      const { kernel, program } = generate(one, target, {}, tile);
      expect(verifyProgram(program)).toEqual([]);
      const given = one.params.map((param, i) => [param.name, memory.get(reads[i]?.name as string)] as const);
      const run = runProgram(kernel, program, extents, { inputs: Object.fromEntries(given) });
      expect(run.faults).toEqual([]);
      for (const [i, buffer] of writes.entries()) {
        memory.set(buffer.name, run.outputs[one.results[i]?.name as string] as HostTensor);
      }
    }
    const found = Object.keys(wanted).map((result) => {
      const { name: own, same = own } = plan.buffers.find((buffer) => buffer.result === result) as PlanBuffer;
      const tensor = memory.get(same) as HostTensor;
      return [result, { ...tensor, data: toNumbers(tensor) }] as const;
    });
    expectSameNumbers(Object.fromEntries(found), wanted, { relative: isHalf ? 2e-3 : 4e-6 });
  });
});

describe("on the device", () => {
  const rms = backwards.rmsnorm?.text as (columns: number) => string;
  gpuTest.for([
    [1, 1],
    [5, 7],
    [64, 70],
    [769, 33],
  ] as const)("%d columns, %d rows", async ([columns, rows], { gpu }) => {
    const { fn, plan, kernels } = planOf(backwardText(rms(columns)), gpu.target);
    const inputs = randomInputs(fn, 1, { rows });
    const { outputs } = await runPlan(gpu.device, { plan: planManifest(plan), kernels }, hostTensorsOf(inputs));
    const numbers = Object.entries(outputs).map(([name, tensor]) => [name, { ...tensor, data: toNumbers(tensor) }]);
    expectSameNumbers(Object.fromEntries(numbers), interpret(fn, inputs), { relative: 2e-6 });
  });

  const variances = (
    columns: number,
  ) => `fn f(x: f32[rows, ${columns}]) -> (y: f32[rows, ${columns}], m: f32[${columns}], v: f32[${columns}]) {
  let (m, v) = moments(x, axes = [0])
  return rmsnorm(x, axes = [-1]), m, v
}`;
  gpuTest.for([
    [1, 1, 0],
    [5, 7, 0],
    [64, 70, 1],
    [769, 133, 0],
    // Far from 0, and an outlier in the first row.
    [64, 2000, 1000],
  ] as const)("moments of %d columns, %d rows", async ([columns, rows, offset], { gpu }) => {
    const { fn, plan, kernels } = planOf(variances(columns), gpu.target);
    expect(kernels.length).toBeLessThanOrEqual(2);
    const inputs = randomInputs(fn, 1, { rows });
    const x = inputs.x?.data as Float64Array;
    for (const [i, value] of x.entries()) x[i] = Math.fround(value + offset);
    if (offset > 1) x[0] = 2000;
    const { outputs } = await runPlan(gpu.device, { plan: planManifest(plan), kernels }, hostTensorsOf(inputs));
    const numbers = Object.entries(outputs).map(([name, tensor]) => [name, { ...tensor, data: toNumbers(tensor) }]);
    const wanted = interpret(fn, inputs);
    expectSameNumbers(Object.fromEntries(numbers), wanted, { relative: 4e-6 });
    const variance = toNumbers(outputs.v as HostTensor);
    const off = Array.from(wanted.v?.data as Float64Array, (value, i) => Math.abs((variance[i] as number) / value - 1));
    if (rows > 1) expect(Math.max(...off)).toBeLessThan(2e-5);
  });

  const layernorm = rms(96).replace("rmsnorm(", "layernorm(");
  gpuTest.for([rms(96), layernorm])("rows of d_x do not depend on how many there are: %s", async (text, { gpu }) => {
    const { fn, plan, kernels } = planOf(backwardText(text), gpu.target);
    const prepared = await preparePlan(gpu.device, { plan: planManifest(plan), kernels });
    const all = randomInputs(fn, 1, { rows: 50 });
    const bits = async (rows: number) => {
      const cut = Object.entries(all).map(([name, tensor]) => {
        const isCut = tensor.shape.length === 2;
        return [name, isCut ? { ...tensor, shape: [rows, 96], data: tensor.data.slice(0, 96 * rows) } : tensor];
      });
      const given = hostTensorsOf(Object.fromEntries(cut));
      const { outputs } = await prepared.run(given);
      return toNumbers(outputs.d_x as HostTensor);
    };
    const whole = await bits(50);
    for (const rows of [1, 17, 33]) expect(await bits(rows)).toEqual(whole.slice(0, 96 * rows));
  });
});

describe("what is not one walk", () => {
  test.each([
    ["columns that are not known", "x: f32[rows, c]", "c", 3],
    ["more columns than lanes have registers for", "x: f32[rows, 40000]", "40000", 3],
  ] as const)("%s", (_, x, c, count) => {
    const text = `fn f(${x}, d_y: f32[rows, ${c}]) -> (d_x: f32[rows, ${c}], d_gamma: f32[${c}]) {
  let n = rmsnorm(x, axes = [-1])
  let d_x = d_y - n * mean(d_y * n, axes = [-1], keepdims = true)
  return d_x, sum(d_y * n, axes = [0])
}`;
    expect(planOf(text).kernels).toHaveLength(count);
  });

  test("LayerNorm of such columns: both sums are of one kernel of tiles", () => {
    const text = `fn f(x: f32[rows, c], gamma: f32[c], beta: f32[c]) -> (y: f32[rows, c]) {
  return layernorm(x, gamma, beta, axes = [-1])
}`;
    expect(planOf(backwardText(text)).kernels).toHaveLength(3);
  });

  test("more sums and tensors than a kernel has buffers for", () => {
    const text = `fn f(x: f32[rows, 8], g1: f32[8], b1: f32[8], g2: f32[8], b2: f32[8]) -> (y: f32[rows, 8]) {
  let h = x + gelu(layernorm(x, g1, b1, axes = [-1]))
  return h * sigmoid(layernorm(h, g2, b2, axes = [-1]))
}`;
    const { plan } = planOf(backwardText(text));
    expect(verifyPlan(plan)).toEqual([]);
    expect(comparePlan(plan, [])).toBeUndefined();
    for (const { reads, writes } of launchesOf(plan)) expect(reads.length + writes.length).toBeLessThanOrEqual(8);
  });

  test("a result that is the same for all rows: each tile would write it", () => {
    const text = `fn f(x: f32[rows, 64], g: f32[64]) -> (p: f32[64], y: f32[rows, 64], s: f32[64]) {
  let p = softmax(g, axes = [-1])
  let y = softmax(x * p, axes = [-1])
  return p, y, sum(y, axes = [0])
}`;
    const { fn, plan } = planOf(text);
    expect(verifyPlan(plan)).toEqual([]);
    expect(comparePlan(plan, [])).toBeUndefined();
    const inputs = randomInputs(fn, 1, { rows: 37 });
    expectSameNumbers(interpretPlan(plan, inputs), interpret(fn, inputs), { relative: 1e-11 });
  });

  test("a sum whose result is spread over the rows again", () => {
    const text = `fn f(x: f32[rows, 64]) -> (y: f32[rows, 64]) {
  let n = softmax(x, axes = [-1])
  return n / sum(n, axes = [0], keepdims = true)
}`;
    expect(planOf(text).kernels.length).toBeGreaterThan(2);
  });
});

describe("what merges the tiles' sums is a kernel for each iteration space of its reductions", () => {
  const rows = (
    results: string,
    body: string,
  ) => `fn f(x: f32[rows, 12], d_y: f32[rows, 12]) -> (y: f32[rows, 12], ${results}) {
  let n = rmsnorm(x, axes = [-1])
  let s = sum(d_y * n, axes = [0])
  ${body}
}`;
  test.each([
    ["a sum of all beside sums of columns", 2, rows("s: f32[12], t: f32", "return n * d_y, s, sum(n, axes = [0, 1])")],
    ["the length of a gradient", 3, rows("t: f32", "return n * d_y, sqrt(sum(s * s, axes = [0]))")],
    ["softmax of sums", 3, rows("s: f32[12], p: f32[12]", "return n * d_y, s, softmax(s, axes = [0])")],
    [
      "what is stored, read again and merged with others",
      3,
      rows(
        "s: f32[12], t: f32, u: f32[12]",
        `let t = sqrt(sum(s * s, axes = [0]))
  return n * d_y, s, t, s / t + max(n, axes = [0])`,
      ),
    ],
  ])("%s", (_, count, text) => {
    const { fn, plan, kernels } = planOf(text);
    expect(kernels).toHaveLength(count);
    expect(verifyPlan(plan)).toEqual([]);
    expect(comparePlan(plan, [])).toBeUndefined();
    const inputs = randomInputs(fn, 1, { rows: 37 });
    expectSameNumbers(interpretPlan(plan, inputs), interpret(fn, inputs), { relative: 1e-11 });
  });
});

test("tiles follow from the shape alone: about 1024, of 4 to 64 rows", () => {
  const { plan } = planOf(mixedBackward("rmsnorm", 64));
  expect(launchesOf(plan)[0]?.tile).toEqual({ dim: "rows", size: "rows_tile", count: "rows_tiles" });
  const tiles = [1, 7, 4096, 65537, 1_000_000].map((rows) => {
    const { rows_tile, rows_tiles } = planExtents(plan.extents, { rows });
    return [rows_tile, rows_tiles];
  });
  expect(tiles).toEqual([
    [4, 1],
    [4, 2],
    [4, 1024],
    [64, 1025],
    [64, 15625],
  ]);
});

test.for([
  ["swiftshader", 4],
  ["lavapipe", 2],
] as const)("%s loads and stores its sums once in %i rows, and compares no more than it must", ([target, rows]) => {
  const { kernels } = planOf(mixedBackward("rmsnorm", 1024), target);
  const { wgsl } = kernels[0] as (typeof kernels)[0];
  expect(wgsl).toContain(`turn += ${rows}u`);
  const [turns = ""] = wgsl.split("for (var turn").slice(1);
  expect(turns.match(/out_sums\[[^=]*\] = out_sums\[/g)).toHaveLength(1);
  // There is a tile, and its first row; others may be behind its end.
  expect(turns).not.toContain("isTile");
  expect(turns.match(/let isRow\w*/g)).toHaveLength(rows - 1);
});
