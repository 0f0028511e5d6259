/** Runs a plan in float64, by interpreting the functions of its kernels and opaque steps in order. */

import { type Constants, checkInputs, constantsOf, dimsOfInputs, evaluateFn } from "../ir/interpret.ts";
import { makeModule, type Value } from "../ir/ir.ts";
import type { Tensor } from "../ir/tensor.ts";
import { planExtents } from "../launch/plan-manifest.ts";
import { checkPlan } from "./arguments.ts";
import type { Launch, OpaqueStep, Plan } from "./plan.ts";
import { runPlanOn } from "./run.ts";
import { joined, type Pieces } from "./tiles.ts";

const pieces: Pieces<Tensor> = {
  map: (tensor, shape, change) => ({ ...tensor, shape, data: change(tensor.data) }),
  join: (tensors, shape) => ({
    element: tensors[0]?.element ?? "f32",
    shape,
    data: joined(
      tensors.map(({ data }) => data),
      shape,
    ),
  }),
};

/**
 * @param inputs one tensor per parameter, by name.
 * @param dims extents that cannot be inferred from shapes.
 * @param ran is called after each call, with the tensors that it has read and written.
 * @returns one tensor per result, by name.
 */
export function interpretPlan(
  plan: Plan,
  inputs: Readonly<Record<string, Tensor>>,
  constants: Constants = constantsOf(makeModule([])),
  dims: Readonly<Record<string, number>> = {},
  ran?: (call: Launch | OpaqueStep, params: readonly Tensor[], results: readonly Tensor[]) => void,
): Record<string, Tensor> {
  checkPlan("interpretPlan", plan);
  checkInputs("interpretPlan", plan.fn, inputs);
  const extents = planExtents(plan.extents, { ...dimsOfInputs(plan.fn, inputs), ...dims });
  return runPlanOn<Tensor>(plan, {
    ...{ extents, pieces, ...(ran && { ran }) },
    load: ({ kind, name }) => (kind === "constant" ? constants(name) : (inputs[name] as Tensor)),
    evaluate(fn, params, all) {
      const named = Object.fromEntries(params.map((tensor, i) => [fn.params[i]?.name as string, tensor]));
      const values: ReadonlyMap<Value, Tensor> = evaluateFn(fn, named, all, constants);
      return fn.results.map(({ value }) => values.get(value) as Tensor);
    },
  });
}
