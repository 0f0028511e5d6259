/** Reductions over rows in tiles, on the device: any number of rows and columns. */

import { describe } from "vitest";
import { hostTensorsOf } from "../../src/compare/kernel-inputs.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { planManifest } from "../../src/plan/manifest.ts";
import { toNumbers } from "../../src/runtime/host-tensor.ts";
import { preparePlan } from "../../src/runtime/prepare-plan.ts";
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
