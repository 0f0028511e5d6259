/** Functions that need several kernels: their plans are valid, and compute the same. */

import { describe, expect, test } from "vitest";
import { type CompileResult, compile } from "../../src/driver/compile.ts";
import { constantsOf, interpret } from "../../src/ir/interpret.ts";
import type { Fn } from "../../src/ir/ir.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { parse } from "../../src/parse/parse.ts";
import { comparePlan } from "../../src/plan/exact.ts";
import { interpretPlan } from "../../src/plan/interpret.ts";
import { planManifest } from "../../src/plan/manifest.ts";
import { launchesOf, type Plan, type Step } from "../../src/plan/plan.ts";
import { printPlan } from "../../src/plan/print.ts";
import { verifyPlan } from "../../src/plan/verify.ts";
import { fromNumbers, toNumbers } from "../../src/runtime/host-tensor.ts";
import { runPlan } from "../../src/runtime/prepare-plan.ts";
import { randomInputs } from "../../src/testing/random-inputs.ts";
import { expectSameNumbers } from "../support/expect-numbers.ts";
import { gpuTest } from "../support/gpu.ts";

export const programs = {
  softmaxes: `fn f(x: f32[n, 20]) -> (y: f32[n, 20]) {
  let a = softmax(x, axes = [-1])
  return softmax(a, axes = [0])
}`,
  "the mean of a loss": `fn f(logits: f32[n, classes], label: i32[n, 1], ids: i32[classes]) -> (loss: f32[n], mean_loss: f32) {
  let lp = log_softmax(logits, axes = [-1])
  let l = -sum(where(ids == label, lp, 0), axes = [-1])
  return l, mean(l, axes = [0])
}`,
  "a number between two kernels, and an input as it is": `fn f(x: f32[n, 16]) -> (y: f32[n, 16], x: f32[n, 16]) {
  let p = softmax(x, axes = [-1])
  return p / sum(p, axes = [-2], keepdims = true) + mean(p, axes = [0, 1]), x
}`,
  "halves, a constant and a truth value": `const w: f16[20] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]
fn f(x: f16[n, 20], k: f32) -> (y: f16[n, 20], m: bool[n, 20]) {
  let a = softmax(x, axes = [-1])
  let c = a * w > 0.5
  let b = sum(where(c, a, 0), axes = [0], keepdims = true) * w
  return a + b * cast(k, to = f16), c
}`,
} as const;

const compiled = (text: string): CompileResult & { plan: Plan; fn: Fn } => {
  const module = parse(text, { file: "test.tir" });
  const result = compile(module);
  return { ...result, plan: result.plans[0] as Plan, fn: module.fns[0] as Fn };
};

describe.each(Object.entries(programs))("%s", (_, text) => {
  const { plan, kernels, module, fn } = compiled(text);

  test("is a sound plan of several kernels", () => {
    expect(verifyPlan(plan)).toEqual([]);
    expect(kernels.length).toBeGreaterThan(1);
    expect(launchesOf(plan).map((launch) => launch.fn.name)).toEqual(kernels.map(({ name }) => name));
  });

  test("is its function in exact arithmetic", () => {
    expect(comparePlan(plan, module.consts)).toBeUndefined();
  });

  test("is its function in float64", () => {
    const inputs = randomInputs(fn);
    const constants = constantsOf(module);
    expectSameNumbers(interpretPlan(plan, inputs, constants), interpret(fn, inputs, constants), { relative: 1e-12 });
  });

  gpuTest("runs", async ({ gpu }) => {
    const inputs = randomInputs(fn, 1, { n: 37, classes: 5 });
    const constants = constantsOf(module);
    const host = (tensors: Record<string, Tensor>) =>
      Object.fromEntries(
        Object.entries(tensors).map(([name, { element, shape, data }]) => [name, fromNumbers(element, shape, data)]),
      );
    const globals = Object.fromEntries(module.consts.map(({ name }) => [name, constants(name)]));
    const { outputs, launches } = await runPlan(
      gpu.device,
      { plan: planManifest(plan), kernels },
      {
        ...host(inputs),
        ...host(globals),
      },
    );
    expect(launches).toBe(kernels.length);
    const want = interpret(fn, inputs, constants);
    const numbers = Object.entries(outputs).map(([name, tensor]) => [name, { ...tensor, data: toNumbers(tensor) }]);
    const relative = fn.results.some(({ value }) => value.element === "f16") ? 2e-3 : 2e-6;
    expectSameNumbers(Object.fromEntries(numbers), want, { relative });
  });
});

describe("a plan that is not sound is found out", () => {
  const { plan, module } = compiled(programs["a number between two kernels, and an input as it is"]);
  const without = (steps: readonly Step[], i: number) => ({ ...plan, steps: steps.filter((_, at) => at !== i) });

  test.each(plan.steps.map((step, i) => [step.kind, i] as const))("without %s, step %i", (_, i) => {
    expect(verifyPlan(without(plan.steps, i))).not.toEqual([]);
  });

  test("with its launches in another order", () => {
    expect(verifyPlan({ ...plan, steps: plan.steps.toReversed() })).not.toEqual([]);
  });

  test("with two intermediates in one place", () => {
    const steps = plan.steps.map((step) =>
      step.kind === "alloc" ? { ...step, buffer: Object.assign(step.buffer, { slot: 0 }) } : step,
    );
    expect(verifyPlan({ ...plan, steps })).not.toEqual([]);
  });

  test("one that computes something else", () => {
    const other = compiled(
      programs["a number between two kernels, and an input as it is"].replace("mean(p", "sum(p"),
    ).plan;
    expect(comparePlan({ ...other, fn: plan.fn, buffers: other.buffers }, module.consts)).toMatchObject({
      result: "y",
    });
  });
});

test("a plan as text", () => {
  expect(
    printPlan(compiled(programs["the mean of a loss"]).plan),
  ).toBe(`plan f(logits: f32[n, classes], label: i32[n, 1], ids: i32[classes]) -> (loss: f32[n], mean_loss: f32) {
  launch f_1(logits, ids, label) -> (loss)
  launch f_2(loss) -> (mean_loss)
}

fn f_1(logits: f32[n, classes], ids: i32[classes], label: i32[n, 1]) -> (loss: f32[n]) {
  kernel {
    let lp = log_softmax(logits, axes = [-1])
    let t0 = ids == label
    let t1 = where(t0, lp, 0)
    let t2 = sum(t1, axes = [-1])
    let l = -t2
  }
  return l
}

fn f_2(loss: f32[n]) -> (mean_loss: f32) {
  kernel {
    let mean_loss = mean(loss, axes = [-1])
  }
  return mean_loss
}
`);
});
