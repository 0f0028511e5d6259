/**
 * Whether a plan computes its function in exact arithmetic: every launch and opaque step is evaluated at random points of a finite field
 * (src/ir/field), with tiles of two, and the results compared.
 */

import { anObject, checkArgument, listOf } from "../diagnostics/arguments.ts";
import { type Assumed, Evaluator } from "../ir/field/evaluate.ts";
import { fieldPairs, ifAny, residuesModQ } from "../ir/field/prime.ts";
import type { FieldTensor } from "../ir/field/tensor.ts";
import { dimensionNames, isOp, type Module, type Value } from "../ir/ir.ts";
import { indexAt } from "../ir/tensor.ts";
import { planExtents } from "../launch/plan-manifest.ts";
import { checkPlan } from "./arguments.ts";
import { launchesOf, type Plan } from "./plan.ts";
import { runPlanOn } from "./run.ts";
import { joined, type Pieces } from "./tiles.ts";

/** How tensors of field elements are sliced and concatenated. */
export const fieldPieces: Pieces<FieldTensor> = {
  map: ({ element, p, q }, shape, change) => ({ element, shape, p: change(p), q: q && change(q) }),
  join: (tensors, shape) => {
    const all = (of: (tensor: FieldTensor) => Float64Array) => joined(tensors.map(of), shape);
    const { element = "f32" } = tensors[0] ?? {};
    return { element, shape, p: all(({ p }) => p), q: ifAny(all(residuesModQ)) };
  },
};

/** A result in which the plan differs from its function, and the position. */
export interface PlanDifference {
  readonly result: string;
  readonly index: readonly number[];
  readonly dims: Readonly<Record<string, number>>;
}

/** Rows per tile in comparisons. */
const tileSize = 2;

/** @param runs the number of random points. @returns the first difference; undefined if none is found. */
export function comparePlan(
  given: Plan,
  consts: Module["consts"],
  { runs = 2, seed = 1 }: { readonly runs?: number; readonly seed?: number } = {},
): PlanDifference | undefined {
  checkPlan("comparePlan", given);
  checkArgument("the second argument", "comparePlan", consts, listOf("constants, `module.consts`", anObject));
  const plan = withTiles(given, tileSize);
  // Partial states of halves are f32, and casts back that only the plan has are not roundings of the program.
  const casts = new Set(plan.fn.ops.filter(({ name }) => name === "cast").map(({ span }) => span));
  const unrounded: Assumed = (op, [x]) => {
    const isOwn = op.name === "cast" && x !== undefined && !casts.has(op.span);
    return isOwn ? { ...x, element: op.result.element } : undefined;
  };
  for (let run = 0; run < runs; run++) {
    const dims = Object.fromEntries(dimensionNames(plan.fn).map((name, i) => [name, 3 + 2 * ((i + run) % 3)]));
    const extents = planExtents(plan.extents, dims);
    const at = (all: Readonly<Record<string, number>>) =>
      new Evaluator({
        pair: fieldPairs[run % fieldPairs.length] as (typeof fieldPairs)[number],
        seed: seed + run,
        dims: all,
      });
    const whole = at(extents).run(plan.fn, consts);
    const given = new Map<string, FieldTensor>(
      plan.fn.params.map((one) => [one.name as string, whole.get(one) as FieldTensor]),
    );
    for (const op of plan.fn.ops) {
      if (isOp(op, "global")) given.set(`constant ${op.attributes.name}`, whole.get(op.result) as FieldTensor);
    }
    const results = runPlanOn<FieldTensor>(plan, {
      ...{ extents, pieces: fieldPieces },
      load: ({ kind, name }) => given.get(kind === "constant" ? `constant ${name}` : name) as FieldTensor,
      evaluate(fn, params, all) {
        const values = new Map<Value, FieldTensor>(fn.params.map((param, i) => [param, params[i] as FieldTensor]));
        at(all).continue(values, fn.ops, consts, unrounded);
        return fn.results.map(({ value }) => values.get(value) as FieldTensor);
      },
    });
    for (const { name, value } of plan.fn.results) {
      const [want, got] = [whole.get(value), results[name]] as [FieldTensor, FieldTensor];
      const index = want.p.findIndex((number, i) => number !== got.p[i]);
      if (index >= 0) return { result: name, index: indexAt(index, want.shape), dims };
    }
  }
  return undefined;
}

/** The plan with tiles of another size. */
function withTiles(plan: Plan, size: number): Plan {
  const sizes = new Set(launchesOf(plan).map(({ tile }) => tile?.size));
  return {
    ...plan,
    extents: plan.extents.map(({ name, ...rest }) => (sizes.has(name) ? { name, of: size, by: 1 } : { name, ...rest })),
  };
}
