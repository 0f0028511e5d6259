/** Reductions over rows in tiles, on the device: any number of rows and columns. */

import { describe, expect, test } from "vitest";
import { proveLaunch } from "../../codegen/prove.ts";
import { hostTensorsOf } from "../../src/compare/kernel-inputs.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { planManifest } from "../../src/plan/manifest.ts";
import { launchesOf } from "../../src/plan/plan.ts";
import { toNumbers } from "../../src/runtime/host-tensor.ts";
import { preparePlan, runPlan } from "../../src/runtime/prepare-plan.ts";
import { portableTarget } from "../../src/target/target.ts";
import { randomInputs } from "../../src/testing/random-inputs.ts";
import { columnPrograms, splitText } from "../support/column-programs.ts";
import { expectSameNumbers } from "../support/expect-numbers.ts";
import { gpuTest } from "../support/gpu.ts";

describe.each(Object.entries(columnPrograms))("%s", (_, [, text]) => {
  const { fn, plan, kernels } = splitText(text);

  gpuTest("runs", async ({ gpu }) => {
    const prepared = await preparePlan(gpu.device, { plan: planManifest(plan), kernels });
    for (const [n, m, c] of [
      [1, 1, 1],
      [7, 33, 40],
      [517, 9, 3],
    ] as const) {
      const inputs = randomInputs(fn, 1, { n, m, c });
      const { outputs } = await prepared.run(hostTensorsOf(inputs));
      const numbers = Object.entries(outputs).map(([name, tensor]) => [name, { ...tensor, data: toNumbers(tensor) }]);
      const { v, ...want } = interpret(fn, inputs);
      const { v: variance, ...got } = Object.fromEntries(numbers);
      const relative = fn.params[0]?.element === "f16" ? 1e-3 : 4e-6;
      expectSameNumbers(got, want, { relative, what: `${n} rows` });
      // The variance of one element with correction 1 is 0 / 0.
      if (v !== undefined) expectSameNumbers({ v: variance }, { v }, { relative, what: `variances of ${n} rows` });
    }
    prepared.destroy();
  });
});

describe("a single row of unknown length", () => {
  const { fn, plan, kernels } = splitText(
    "fn f(x: f32[n]) -> (s: f32, m: f32) { return sum(x, axes = [0]), max(x, axes = [0]) }",
  );

  test("is proved, part by part", () => {
    for (const launch of launchesOf(plan)) {
      expect(proveLaunch(launch, [], portableTarget, {}, { elements: 2 ** 12 })).toEqual({ verdict: "equal" });
    }
  });

  gpuTest.for([0, 1, 7, 65537, 1_000_003])("%i elements", async (n, { gpu }) => {
    const inputs = randomInputs(fn, 1, { n });
    const { outputs } = await runPlan(gpu.device, { plan: planManifest(plan), kernels }, hostTensorsOf(inputs));
    const numbers = Object.entries(outputs).map(([name, tensor]) => [name, { ...tensor, data: toNumbers(tensor) }]);
    // Sums of numbers of both signs: the error is relative to the sum of their sizes, not to the result.
    const size = inputs.x?.data.reduce((sum, value) => sum + Math.abs(value), 1) as number;
    const { s, m } = Object.fromEntries(numbers);
    const want = interpret(fn, inputs);
    expect(Math.abs(s.data[0] - (want.s?.data[0] as number)) / size).toBeLessThan(2e-7);
    expect(m.data).toEqual(want.m?.data);
  });
});
