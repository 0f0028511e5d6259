/** Runs a plan in float64: its kernels and opaque steps by their functions, one after the other. */

import { type Constants, constantsOf, dimsOfInputs, evaluateFn } from "../ir/interpret.ts";
import { makeModule, type Value } from "../ir/ir.ts";
import type { Tensor } from "../ir/tensor.ts";
import { planExtents } from "../launch/plan-manifest.ts";
import { callsOf, type Plan, type PlanBuffer } from "./plan.ts";
import { joined, type Pieces, runLaunch, seenAs } from "./tiles.ts";

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
  const read = (buffer: PlanBuffer) =>
    buffer.kind === "constant" ? constants(buffer.name) : (memory.get(keyOf(buffer)) as Tensor);
  for (const call of callsOf(plan)) {
    const { fn, reads, writes } = call;
    const tile = call.kind === "launch" ? call.tile : undefined;
    const given = reads.map((buffer, i) => seenAs(read(buffer), fn.params[i]?.shape ?? [], extents));
    const results = runLaunch({ fn, tile }, given, extents, pieces, (params, extent) => {
      const named = Object.fromEntries(params.map((tensor, i) => [fn.params[i]?.name as string, tensor]));
      const all = tile === undefined ? extents : { ...extents, [tile.dim]: extent as number };
      const values: ReadonlyMap<Value, Tensor> = evaluateFn(fn, named, all, constants);
      return fn.results.map(({ value }) => values.get(value) as Tensor);
    });
    for (const [i, buffer] of writes.entries()) {
      memory.set(keyOf(buffer), seenAs(results[i] as Tensor, buffer.type.shape, extents));
    }
  }
  return Object.fromEntries(
    plan.buffers.flatMap((buffer) => {
      return buffer.result === undefined ? [] : [[buffer.result, memory.get(keyOf(buffer)) as Tensor]];
    }),
  );
}
