/**
 * Merges what the lanes of a row have folded, so that every lane ends up with the row's value: within a subgroup by
 * shuffles, between subgroups (or lanes, without them) through workgroup memory. The order is fixed by the lanes'
 * numbers. The lanes of a subgroup are neighbours in the workgroup, as all implementations have it.
 */

import type { Schedule } from "./schedule.ts";
import type { Writer } from "./writer.ts";

export interface Merge {
  /** The variable that holds the lane's state, and then the row's. */
  readonly state: string;
  readonly type: "f32" | "i32" | "u32" | "vec4f";
  /** Two states, that of the lower lane first. */
  readonly combine: (lower: string, upper: string) => string;
  /** Whether the order of the two changes nothing, not a bit. */
  readonly commutes: boolean;
}

/** Workgroup memory by type, shared by all merges of a kernel. */
export class Scratch {
  private readonly used = new Set<string>();

  /** The array for states of a type; the barrier keeps those who still read the last merge's states apart from it. */
  take(type: Merge["type"], writer: Writer): string {
    const name = `lanes_${type}`;
    if (this.used.has(name)) writer.line("workgroupBarrier();");
    this.used.add(name);
    return name;
  }

  declarations(size: number): string[] {
    return [...this.used].map((name) => `var<workgroup> ${name}: array<${name.slice("lanes_".length)}, ${size}>;`);
  }
}

/** Bytes of a state, by its type. */
const stateSizes = { f32: 4, i32: 4, u32: 4, vec4f: 16 } as const satisfies { [T in Merge["type"]]: number };

/** Bytes of workgroup memory that a kernel takes at most which keeps so many states of each type; arrays are padded to 16. */
export function scratchBytes(states: number): number {
  const sizes = Object.values(stateSizes).map((size) => Math.ceil((states * size) / 16) * 16);
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** States that a workgroup keeps at a time. */
export function scratchSize({ lanes, subgroup, rowsPerWorkgroup, rowsPerLane }: Schedule): number {
  return ((lanes / subgroup) * rowsPerWorkgroup) / rowsPerLane;
}

export function mergeLanes(merge: Merge, schedule: Schedule, scratch: Scratch, writer: Writer): void {
  const { lanes, subgroup } = schedule;
  for (let mask = 1; mask < subgroup; mask *= 2) shuffle(merge, mask, writer);
  if (lanes === subgroup) return;
  const array = scratch.take(merge.type, writer);
  if (subgroup === 1) mergeTree(merge, lanes, array, writer);
  else mergeSubgroups(merge, schedule, array, writer);
}

function shuffle({ state, combine, commutes }: Merge, mask: number, writer: Writer): void {
  const other = `subgroupShuffleXor(${state}, ${mask}u)`;
  writer.block("", () => {
    writer.line(`let other = ${other};`);
    if (commutes) {
      writer.line(`${state} = ${combine(state, "other")};`);
      return;
    }
    writer.line(`let isLower = (lane & ${mask}u) == 0u;`);
    writer.line(`${state} = ${combine(`select(other, ${state}, isLower)`, `select(${state}, other, isLower)`)};`);
  });
}

function mergeTree({ state, combine }: Merge, lanes: number, array: string, writer: Writer): void {
  writer.line(`${array}[local] = ${state};`);
  writer.line("workgroupBarrier();");
  writer.block(`for (var half = ${lanes / 2}u; half > 0u; half /= 2u)`, () => {
    writer.block("if (lane < half)", () => {
      writer.line(`${array}[local] = ${combine(`${array}[local]`, `${array}[local + half]`)};`);
    });
    writer.line("workgroupBarrier();");
  });
  writer.line(`${state} = ${array}[local - lane];`);
}

function mergeSubgroups({ state, combine }: Merge, schedule: Schedule, array: string, writer: Writer): void {
  const { lanes, subgroup } = schedule;
  const count = lanes / subgroup;
  writer.block(`if (lane % ${subgroup}u == 0u)`, () => writer.line(`${array}[local / ${subgroup}u] = ${state};`));
  writer.line("workgroupBarrier();");
  writer.block("", () => {
    writer.line(`let first = (local - lane) / ${subgroup}u;`);
    writer.line(`${state} = ${array}[first];`);
    writer.block(`for (var i = 1u; i < ${count}u; i++)`, () => {
      writer.line(`${state} = ${combine(state, `${array}[first + i]`)};`);
    });
  });
}
