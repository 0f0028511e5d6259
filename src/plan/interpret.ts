/** Runs a plan in float64: its kernels by their functions, one after the other. */

import { type Constants, constantsOf, dimsOfInputs, evaluateFn } from "../ir/interpret.ts";
import { makeModule, type Value } from "../ir/ir.ts";
import { elementCount, type Tensor } from "../ir/tensor.ts";
import { planExtents } from "../launch/plan-manifest.ts";
import { launchesOf, type Plan, type PlanBuffer } from "./plan.ts";
import { joined, type Pieces, runLaunch } from "./tiles.ts";

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
 * @param inputs one tensor a parameter, by name.
 * @param dims extents that follow from no shape.
 * @returns one tensor a result, by name.
 */
export function interpretPlan(
  plan: Plan,
  inputs: Readonly<Record<string, Tensor>>,
  constants: Constants = constantsOf(makeModule([])),
  dims: Readonly<Record<string, number>> = {},
): Record<string, Tensor> {
  const extents = planExtents(plan.extents, { ...dimsOfInputs(plan.fn, inputs), ...dims });
  const memory = new Map<string, Tensor>(Object.entries(inputs).map(([name, tensor]) => [`input ${name}`, tensor]));
  const keyOf = ({ kind, name, same = name }: PlanBuffer) => (kind === "input" ? `input ${name}` : same);
  for (const launch of launchesOf(plan)) {
    const { fn, reads, writes, tile } = launch;
    const given = reads.map((buffer, i) => withRank(memory.get(keyOf(buffer)) as Tensor, fn.params[i]?.shape.length));
    const results = runLaunch(launch, given, extents, pieces, (params, extent) => {
      const named = Object.fromEntries(params.map((tensor, i) => [fn.params[i]?.name as string, tensor]));
      const all = tile === undefined ? extents : { ...extents, [tile.dim]: extent as number };
      const values: ReadonlyMap<Value, Tensor> = evaluateFn(fn, named, all, constants);
      return fn.results.map(({ value }) => values.get(value) as Tensor);
    });
    for (const [i, buffer] of writes.entries()) memory.set(keyOf(buffer), results[i] as Tensor);
  }
  return Object.fromEntries(
    plan.buffers.flatMap((buffer) => {
      return buffer.result === undefined ? [] : [[buffer.result, memory.get(keyOf(buffer)) as Tensor]];
    }),
  );
}

/** What one kernel writes as a number, the next reads as a row of one. */
function withRank(tensor: Tensor, rank = 0): Tensor {
  return tensor.shape.length === rank || elementCount(tensor.shape) !== 1
    ? tensor
    : { ...tensor, shape: Array(rank).fill(1) };
}
