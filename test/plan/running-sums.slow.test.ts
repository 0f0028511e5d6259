/** `cumsum`: its kernel against float64 and over a field, and mistakes in it that are found. */

import { describe, expect, test } from "vitest";
import { proveLaunch } from "../../codegen/prove.ts";
import { compile } from "../../src/driver/compile.ts";
import { interpret } from "../../src/ir/interpret.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { parse } from "../../src/parse/parse.ts";
import { planManifest } from "../../src/plan/manifest.ts";
import { callsOf, type Launch, launchesOf, type Plan } from "../../src/plan/plan.ts";
import { fromNumbers, toNumbers } from "../../src/runtime/host-tensor.ts";
import { runPlan } from "../../src/runtime/prepare-plan.ts";
import { portableTarget, type TargetProfile, targetByName } from "../../src/target/target.ts";
import { randomInputs } from "../../src/testing/random-inputs.ts";
import { gpuTest } from "../support/gpu.ts";

const swiftshader = targetByName("swiftshader");
/** Workgroups of so few lanes that short lines are several blocks of chunks. */
const few = (count: number, target = portableTarget): TargetProfile => ({
  ...target,
  limits: { ...target.limits, maxComputeInvocationsPerWorkgroup: count },
});

const compiled = (text: string, target: TargetProfile) => {
  const module = parse(text);
  const { plans, kernels } = compile(module, { target });
  return { fn: module.fns[0] as Fn, plan: plans[0] as Plan, kernels };
};
const kernelFor = (text: string, target: TargetProfile) => launchesOf(compiled(text, target).plan)[0] as Launch;

const scan = (type: string, shape: string, how: string) =>
  `fn f(x: ${type}[${shape}]) -> (y: ${type}[${shape}]) { return cumsum(x, ${how}) }`;
const alongRows = scan("f32", "m, n", "axis = -1");
const between = scan("f32", "m, n, 3", "axis = 1, exclusive = true, reverse = true");
const pairs = scan("f32", "m, n, 2", "axis = 1");

test("it is one launch, with nothing for a caller to fill in", () => {
  const { plan, kernels } = compiled(alongRows, portableTarget);
  expect(callsOf(plan).map(({ kind }) => kind)).toEqual(["launch"]);
  expect(kernels).toHaveLength(1);
});

describe("the kernel is proved", () => {
  test.each([
    ["one lane a line", alongRows, few(2, swiftshader)],
    ["two lanes a line: one exchange", alongRows, few(2)],
    ["lanes of several lines beside each other", between, few(8)],
    ["a line that is shorter than a workgroup", scan("f32", "m, 37", "axis = 1, reverse = true"), portableTarget],
    ["integers", scan("i32", "n, k", "axis = 0"), few(4)],
    ["lines that are of no known number", scan("f32", "2, n, m, k", "axis = 1, exclusive = true"), few(32)],
  ] as const)("%s", (_, text, target) => {
    expect(proveLaunch(kernelFor(text, target), [], target)).toEqual({ verdict: "equal" });
  });
});

describe("a mistake is found", () => {
  test.each([
    ["a lane adds what lies above it", /> 0u\)/, "== 0u)"],
    ["the wrong neighbour", /\^ 2u\]/, "^ 3u]"],
    ["no wait for the others", "workgroupBarrier();", ""],
    ["a chunk that is not carried on", "carried0 += all;", ""],
    ["a block that is counted twice", /(carried1 \+= carried0;\s*)carried0 = 0.0;/, "$1"],
    ["a block that is lost", "carried2 += carried1;", ""],
    ["elements behind the last one", "min(at1, dims.dim_n - 1u)", "at1"],
    ["lines that there are not", "isLine && ", ""],
  ] as const)("%s", (_, from, to) => {
    const target = few(4);
    const wgsl = (text: string) => {
      expect(text.replace(from, to)).not.toBe(text);
      return text.replace(from, to);
    };
    expect(proveLaunch(kernelFor(pairs, target), [], target, {}, { wgsl }).verdict).not.toBe("equal");
  });
});

gpuTest("it runs, for lines of any length", async ({ gpu }) => {
  const run = async (text: string, target: TargetProfile, dims: Readonly<Record<string, number>>) => {
    const { fn, plan, kernels } = compiled(text, target);
    const inputs = randomInputs(fn, 3, dims);
    const host = Object.entries(inputs).map(([name, { element, shape, data }]) => [
      name,
      fromNumbers(element, shape, data),
    ]);
    const { outputs } = await runPlan(
      gpu.device,
      { plan: planManifest(plan), kernels },
      Object.fromEntries(host),
      dims,
    );
    return {
      got: toNumbers(outputs.y as Parameters<typeof toNumbers>[0]),
      wanted: interpret(fn, inputs).y?.data as Float64Array,
    };
  };
  for (const [text, target, lengths, allowed] of [
    [alongRows, swiftshader, [0, 17, 301], 2e-5],
    [alongRows, few(4), [9, 1001], 2e-5],
    [scan("f16", "m, n", "axis = 1"), swiftshader, [33], 0.02],
    [scan("u32", "n, m", "axis = 0, exclusive = true"), few(4), [33], 0],
  ] as const) {
    for (const n of lengths) {
      const { got, wanted } = await run(text, target, { m: 3, n });
      expect(got).toHaveLength(wanted.length);
      const off = wanted.reduce((most, value, i) => Math.max(most, Math.abs(value - (got[i] as number))), 0);
      expect(off, `${text} of ${n}`).toBeLessThanOrEqual(allowed);
    }
  }
});

// What is less than half a step of the sum so far is lost one after the other. An element passes through 16 additions in a
// lane and as many in each of three blocks.
gpuTest("a long line loses no more than its blocks do", async ({ gpu }) => {
  const n = 2 ** 17;
  const { plan, kernels } = compiled(scan("f32", "n", "axis = 0"), swiftshader);
  const data = Float32Array.from({ length: n }, () => 1 + 2 ** -13);
  const x = { element: "f32" as const, shape: [n], data };
  const { outputs } = await runPlan(gpu.device, { plan: planManifest(plan), kernels }, { x });
  const got = toNumbers(outputs.y as Parameters<typeof toNumbers>[0]);
  let [sum, worst] = [0, 0];
  for (const [i, value] of data.entries()) {
    sum += value;
    worst = Math.max(worst, Math.abs((got[i] as number) - sum) / sum);
  }
  expect(worst).toBeLessThan(4 * 16 * 2 ** -24);
});
