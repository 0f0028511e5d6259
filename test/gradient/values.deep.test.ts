/** Kernels of gradients against PyTorch's values, on each driver. */

import { hostTensorsOf } from "../../src/compare/kernel-inputs.ts";
import { compile } from "../../src/driver/compile.ts";
import { parse } from "../../src/parse/parse.ts";
import { planManifest } from "../../src/plan/manifest.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { toNumbers } from "../../src/runtime/host-tensor.ts";
import { runPlan } from "../../src/runtime/prepare-plan.ts";
import { driverTest } from "../support/gpu.ts";
import { backwardText } from "../support/gradients.ts";
import { expectGradients, pytorchGradients } from "../support/pytorch-gradients.ts";

for (const { op, shape, text, inputs, gradients } of pytorchGradients) {
  driverTest(`${op} of ${shape.join(" x ")}`, async ({ device, target }) => {
    const { plans, kernels } = compile(parse(backwardText(text)), { target });
    const plan = planManifest(plans[0] as Plan);
    const { outputs } = await runPlan(device, { plan, kernels }, hostTensorsOf(inputs()));
    const found = Object.entries(outputs).map(([name, one]) => [name, { shape: one.shape, data: toNumbers(one) }]);
    // For a row of one element eps matters beside 1.
    expectGradients({ gradients }, Object.fromEntries(found), 1e-6);
  });
}
