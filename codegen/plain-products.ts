/**
 * Turns opaque steps into launches of plain kernels, so that the caller of a plan need not compute any.
 *
 *   opaque matmul(a, b) -> (c)
 *   ->
 *   extent n_by_4 = ceil(n / 4)
 *   launch f_1(a, b) -> (c)
 */

import { FreshNames } from "../src/ir/fresh-names.ts";
import { getOrInsert } from "../src/ir/groups.ts";
import { type DerivedExtent, type Launch, type OpaqueStep, opaqueOp, type Plan } from "../src/plan/plan.ts";
import { plainKernelOf, tiledDims } from "./product.ts";

/** The plan with plain kernels for its opaque steps; steps without a plain kernel stay opaque. */
export function withPlainKernels(plan: Plan): Plan {
  const names = new FreshNames([...plan.extents.map(({ name }) => name), ...namesOf(plan)]);
  const counts = new Map<string, DerivedExtent>();
  const countOf = ({ of, by }: { readonly of: string; readonly by: number }): string => {
    const key = `${of} by ${by}`;
    return getOrInsert(counts, key, () => ({ name: names.next(`${of}_by_${by}`), of, by })).name;
  };
  const launched = (step: OpaqueStep): Launch | OpaqueStep => {
    const op = opaqueOp(step);
    if (plainKernelOf(op) === undefined) return step;
    const { rows, columns } = tiledDims(op);
    return {
      ...step,
      kind: "launch",
      product: { ...(rows && { rows: countOf(rows) }), ...(columns && { columns: countOf(columns) }) },
    };
  };
  const steps = plan.steps.map((step) => (step.kind === "opaque" ? launched(step) : step));
  return { ...plan, steps, extents: [...plan.extents, ...counts.values()] };
}

const namesOf = ({ buffers }: Plan) =>
  buffers.flatMap(({ type }) => type.shape.filter((dim) => typeof dim === "string"));
