/**
 * When intermediates are allocated and freed, and which of them share memory.
 *
 * An intermediate is live from the launch that writes it to the last launch that reads it. Intermediates whose live ranges do not
 * overlap may share a slot: slots are a colouring of the interval graph, chosen to minimize their total size. With few
 * intermediates all assignments are tried; otherwise each intermediate gets the first free slot, largest first (greedy by size:
 * Pisarchyk and Lee, Efficient Memory Management for Deep Neural Net Inference, 2020). A single buffer with offsets would
 * not do, as WebGPU does not allow a dispatch to read and write parts of the same buffer.
 */

import { estimatedBytes } from "../ir/bytes.ts";
import type { Fn } from "../ir/ir.ts";
import type { DerivedExtent, Launch, OpaqueStep, Plan, PlanBuffer, Step } from "./plan.ts";

/** The live range of an intermediate: the indices of the launch that writes it and of the last launch that reads it. */
export interface Lifetime {
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
}

/** The largest number of intermediates for which all assignments are tried. */
const mostTried = 9;

const overlap = (a: Lifetime, b: Lifetime) => a.from <= b.to && b.from <= a.to;

/** The slot of each intermediate, chosen to keep the total size of the slots small. */
export function assignSlots(lifetimes: readonly Lifetime[]): number[] {
  const order = lifetimes.map((_, i) => i).sort((a, b) => bytesAt(lifetimes, b) - bytesAt(lifetimes, a));
  const assigned: number[] = [];
  let best: { bytes: number; slots: number[] } = { bytes: Infinity, slots: [] };
  const isFree = (slot: number, at: number) =>
    lifetimes.every((other, i) => assigned[i] !== slot || !overlap(other, lifetimes[at] as Lifetime));
  const search = (position: number, sizes: readonly number[], isGreedy: boolean): void => {
    const bytes = sizes.reduce((all, size) => all + size, 0);
    if (bytes >= best.bytes) return;
    const at = order[position];
    if (at === undefined) {
      best = { bytes, slots: lifetimes.map((_, i) => assigned[i] as number) };
      return;
    }
    // Largest first: a slot never grows once it is opened, so only opening one costs memory.
    const fitting = sizes.flatMap((_, slot) => (isFree(slot, at) ? [slot] : []));
    const choices = isGreedy ? [fitting[0] ?? sizes.length] : [...fitting, sizes.length];
    for (const slot of choices) {
      assigned[at] = slot;
      search(position + 1, slot < sizes.length ? sizes : [...sizes, bytesAt(lifetimes, at)], isGreedy);
      delete assigned[at];
    }
  };
  search(0, [], true);
  if (lifetimes.length <= mostTried) search(0, [], false);
  return best.slots;
}

const bytesAt = (lifetimes: readonly Lifetime[], at: number) => lifetimes[at]?.bytes ?? 0;

/**
 * The plan of these calls, with steps that allocate intermediates before their first use and free them after their last.
 * @param again results that no call writes, because they equal other results.
 */
export function finish(
  fn: Fn,
  extents: readonly DerivedExtent[],
  calls: readonly (Launch | OpaqueStep)[],
  again: readonly PlanBuffer[] = [],
): Plan {
  const used = new Map<PlanBuffer, { from: number; to: number }>();
  for (const [at, { reads, writes }] of calls.entries()) {
    for (const buffer of [...reads, ...writes]) {
      const known = used.get(buffer);
      used.set(buffer, { from: known?.from ?? at, to: at });
    }
  }
  const intermediates = [...used].filter(([{ kind }]) => kind === "intermediate");
  const slots = assignSlots(intermediates.map(([{ type }, life]) => ({ ...life, bytes: estimatedBytes(type) })));
  const placed = new Map(intermediates.map(([buffer], i) => [buffer, { ...buffer, slot: slots[i] as number }]));
  const now = (buffer: PlanBuffer) => placed.get(buffer) ?? buffer;
  const steps: Step[] = calls.flatMap((call, at) => {
    const borders = (end: "from" | "to") => intermediates.filter(([, life]) => life[end] === at);
    return [
      ...borders("from").map(([buffer]) => ({ kind: "alloc" as const, buffer: now(buffer) })),
      { ...call, reads: call.reads.map(now), writes: call.writes.map(now) },
      ...borders("to").map(([buffer]) => ({ kind: "free" as const, buffer: now(buffer) })),
    ];
  });
  const all = [...used.keys()];
  const inputs = fn.params.map((param): PlanBuffer => {
    const name = param.name as string;
    return (
      all.find((buffer) => buffer.kind === "input" && buffer.name === name) ?? { name, type: param.type, kind: "input" }
    );
  });
  const results = fn.results.flatMap(({ name }) => [...all, ...again].filter(({ result }) => result === name));
  const constants = constantsOf(fn).map((constant) => {
    return all.find((buffer) => buffer.kind === "constant" && buffer.name === constant.name) ?? constant;
  });
  const buffers = [...inputs, ...constants, ...results, ...intermediates.map(([buffer]) => now(buffer))];
  return { fn, extents, buffers, steps };
}

/** The constants of the module that the function reads, without duplicates. */
function constantsOf({ ops }: Fn): PlanBuffer[] {
  const globals = ops.filter((op) => op.name === "global");
  const types = new Map(globals.map(({ attributes, result }) => [attributes.name as string, result.type]));
  return [...types].map(([name, type]) => ({ name, type, kind: "constant" as const }));
}
