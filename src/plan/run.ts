/**
 * Executes a plan's calls in order on tensors of any kind: float64 (interpret.ts) or field elements (exact.ts). On a device,
 * src/launch/plan.ts executes a plan.
 */

import type { Fn } from "../ir/ir.ts";
import { callsOf, type Launch, type OpaqueStep, type Plan, type PlanBuffer } from "./plan.ts";
import { type Numbers, type Pieces, runLaunch, seenAs } from "./tiles.ts";

/** The operations on tensors that running a plan needs. */
interface Machine<T extends Numbers> {
  /** The extents of all dimensions. */
  readonly extents: Readonly<Record<string, number>>;
  readonly pieces: Pieces<T>;
  /** The contents of an input or a constant. */
  load(buffer: PlanBuffer): T;
  /** The results of a function for these parameters; in a tile, `extents` are those within the tile. */
  evaluate(fn: Fn, params: readonly T[], extents: Readonly<Record<string, number>>): readonly T[];
  /** Called after each call, with the tensors that it has read and written. */
  ran?(call: Launch | OpaqueStep, params: readonly T[], results: readonly T[]): void;
}

/** @returns one tensor per result, by the result's name in the function. */
export function runPlanOn<T extends Numbers>(plan: Plan, machine: Machine<T>): Record<string, T> {
  const { extents, pieces, load, evaluate } = machine;
  const memory = new Map<string, T>();
  const read = (buffer: PlanBuffer): T =>
    buffer.kind === "input" || buffer.kind === "constant"
      ? load(buffer)
      : (memory.get(buffer.same ?? buffer.name) as T);
  for (const call of callsOf(plan)) {
    const { fn, reads, writes } = call;
    const tile = call.kind === "launch" ? call.tile : undefined;
    const given = reads.map((buffer, i) => seenAs(read(buffer), fn.params[i]?.shape ?? [], extents));
    const results = runLaunch({ fn, tile }, given, extents, pieces, (own, params, extent) => {
      return evaluate(own, params, tile === undefined ? extents : { ...extents, [tile.dim]: extent as number });
    });
    machine.ran?.(call, given, results);
    for (const [i, { name, type }] of writes.entries()) {
      memory.set(name, seenAs(results[i] as T, type.shape, extents));
    }
  }
  return Object.fromEntries(
    plan.buffers.flatMap((buffer) => (buffer.result === undefined ? [] : [[buffer.result, read(buffer)]])),
  );
}
