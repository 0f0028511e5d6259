/**
 * What people train and serve with (test/fixtures/training-programs.tir): gates, losses, optimizers, norms, caches. Each takes as
 * few kernels as possible, with the results of the float64 interpreter, and its kernels are proved.
 */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { proveLaunch } from "../../codegen/prove.ts";
import { hostTensorsOf } from "../../src/compare/kernel-inputs.ts";
import { compile } from "../../src/driver/compile.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { dimensionNames, type Fn } from "../../src/ir/ir.ts";
import { parse } from "../../src/parse/parse.ts";
import { planManifest } from "../../src/plan/manifest.ts";
import { launchesOf, type Plan } from "../../src/plan/plan.ts";
import { toNumbers } from "../../src/runtime/host-tensor.ts";
import { runPlan } from "../../src/runtime/prepare-plan.ts";
import { portableTarget } from "../../src/target/target.ts";
import { randomInputs } from "../../src/testing/random-inputs.ts";
import { expectSameNumbers } from "../support/expect-numbers.ts";
import { gpuTest } from "../support/gpu.ts";

const programs = parse(readFileSync("test/fixtures/training-programs.tir", "utf8"), { file: "training-programs.tir" });

/** Those that are not one kernel: how many they are, and why not fewer. */
const several: Readonly<Record<string, readonly [kernels: number, why: string]>> = {
  moe_gate: [3, "the load needs all tokens, and what balances it the load of all experts"],
  smooth_nll: [2, "the mean needs the losses of all rows"],
  infonce: [3, "a softmax along each axis, and the sum of both"],
  global_norm: [2, "tensors of different shapes"],
  grpo: [3, "advantages are of groups, ratios of tokens, and the mean needs all"],
  dpo: [2, "the mean needs all pairs"],
  expert_slots: [2, "a running sum over tokens, and a sum over experts"],
  pool: [2, "sums over tokens, and over the elements of a mean"],
};

const compiled = (name: string) => compile(programs, { fn: name });

test("each takes as few kernels as it can", () => {
  const counts = programs.fns.map(({ name }) => [name, compiled(name).kernels.length]);
  expect(counts).toEqual(programs.fns.map(({ name }) => [name, several[name]?.[0] ?? 1]));
});

test.each(programs.fns.map(({ name }) => name))("%s is proved", (name) => {
  const { plans, module } = compiled(name);
  for (const launch of launchesOf(plans[0] as Plan)) {
    const proof = proveLaunch(launch, module.consts, portableTarget, {}, { elements: 2 ** 12 });
    expect(proof).toEqual({ verdict: "equal" });
  }
});

/** As many classes as there are labels. */
const extentOf = (name: string) => (["vocab", "classes"].includes(name) ? 9 : 5);

gpuTest.for(programs.fns)("$name runs", async (fn: Fn, { gpu }) => {
  const dims = Object.fromEntries(dimensionNames(fn).map((name) => [name, extentOf(name)]));
  const inputs = randomInputs(fn, 1, dims);
  const { plans, kernels } = compiled(fn.name);
  const plan = planManifest(plans[0] as Plan);
  const { outputs } = await runPlan(gpu.device, { plan, kernels }, hostTensorsOf(inputs), dims);
  const numbers = Object.entries(outputs).map(([name, tensor]) => [name, { ...tensor, data: toNumbers(tensor) }]);
  // A half is rounded to 11 bits, a bf16 to 8; an integer that a quantization rounds may be the next one.
  const isRounded = [...fn.params, ...fn.results.map(({ value }) => value)].some(({ element }) => element !== "f32");
  expectSameNumbers(Object.fromEntries(numbers), interpret(fn, inputs), { relative: isRounded ? 8e-3 : 2e-5 });
});
