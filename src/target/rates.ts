/**
 * How long a kernel takes by its estimate: each thing that it does takes its time at a rate of the device, and these times are
 * combined by how much of them overlaps.
 *
 * A GPU has other lanes to run while some wait, so that what takes longest hides the rest (the roofline: Williams et al.
 * 2009), if enough lanes run (Little's law: Volkov 2010). A processor does one thing after the other, and times add up. Both
 * are norms, (sum of t^p)^(1/p): with p = 1 the sum, with a large p the maximum without its corners. Starting the kernel is
 * hidden by nothing.
 */

import type { Estimate } from "../kernel/estimate.ts";

/** What a device takes for what kernels do, in units that can be looked up or measured. */
export interface Rates {
  /** Bytes from and to memory that caches do not hold, in 10^9 a second. */
  readonly gigabytes: number;
  /** Of all lanes, in 10^9 a second. */
  readonly gigaoperations: number;
  /** Operations in the time of a transcendental one. */
  readonly transcendental: number;
  /** Nanoseconds that a barrier adds, of one workgroup while others run. */
  readonly barrier: number;
  /** Nanoseconds that starting a workgroup adds, while others run. */
  readonly workgroup: number;
  /** Nanoseconds that starting a kernel takes. */
  readonly launch: number;
}

/** The fields, in the order in which they are printed. */
export const rateNames = ["gigabytes", "gigaoperations", "transcendental", "barrier", "workgroup", "launch"] as const;

/**
 * Where a profile has none: of a graphics card in the middle, and of two cores of a processor. On the card lanes wait about
 * 100 ns at a barrier, and 500 workgroups of 64 lanes do so at the same time.
 */
export const usualRates: Readonly<Record<"cpu" | "gpu", Rates>> = {
  gpu: { gigabytes: 400, gigaoperations: 4000, transcendental: 4, barrier: 0.2, workgroup: 1, launch: 5000 },
  cpu: { gigabytes: 10, gigaoperations: 8, transcendental: 8, barrier: 150, workgroup: 40, launch: 20000 },
};

/** 32-bit values that a lane of a GPU may have while as many lanes run as can. */
const registersAtFull = 64;
/** Lanes of a graphics card in the middle, if all run. */
const lanesAtFull = 32768;
/** So large a part of them hides the time that loads take: RDNA 3 does with 4 of 16 waves. */
const enoughLanes = 1 / 4;
/** The p of the norm. With 4, what takes half as long as the longest adds 1.5 %, and what takes as long 19 %. */
export const overlap = { cpu: 1, gpu: 4 };
/**
 * Operations that a core's lanes execute while its cache answers one line: 128 both on NVIDIA's multiprocessors and on AMD's
 * (RDNA). A processor's lanes load one by one.
 */
const operationsOfLine = { cpu: 0, gpu: 128 };
/** Workgroups that share out the work of a processor's cores evenly. */
export const enoughWorkgroups = 4;

/** How many of the lanes that a GPU can hold at a time it may hold of this kernel, as a part of all. */
export function occupancyOf({ registers }: Pick<Estimate, "registers">, kind: "cpu" | "gpu"): number {
  return kind === "cpu" ? 1 : Math.min(1, registersAtFull / Math.max(1, registers));
}

/** How much of the device's rates the kernel can use. */
function utilization(estimate: Estimate, kind: "cpu" | "gpu"): number {
  if (kind === "cpu") return Math.min(1, estimate.workgroups / enoughWorkgroups);
  const running = Math.min(occupancyOf(estimate, kind), estimate.lanes / lanesAtFull);
  return Math.min(1, running / enoughLanes);
}

/** What a kernel does, by price: several things that have one price may overlap like others. */
export type Amounts = readonly (readonly number[])[];

/** What the kernel does, each in units of the price that `pricesOf` has in its place; all but the last may overlap. */
export function amountsOf(estimate: Estimate, kind: "cpu" | "gpu"): Amounts {
  const { bytesLoaded, bytesStored, bytesCached, operations, lines, transcendentals } = estimate;
  const { barriers, workgroups, launches } = estimate;
  const used = Math.max(Number.EPSILON, utilization(estimate, kind));
  const bytes = bytesLoaded - bytesCached + bytesStored;
  // Lanes compute while caches answer.
  const computed = [operations / used, (lines * operationsOfLine[kind]) / used];
  return [[bytes / used], computed, [transcendentals / used], [barriers], [workgroups], [launches]];
}

/** Nanoseconds of a byte, an operation, a transcendental one, a barrier, a workgroup, a launch. */
export const pricesOf = ({ gigabytes, gigaoperations, transcendental, barrier, workgroup, launch }: Rates) => [
  ...[1 / gigabytes, 1 / gigaoperations, transcendental / gigaoperations],
  ...[barrier, workgroup, launch],
];

export const ratesOf = ([byte, operation, transcendental, barrier, workgroup, launch]: readonly number[]): Rates => ({
  gigabytes: 1 / (byte as number),
  gigaoperations: 1 / (operation as number),
  transcendental: (transcendental as number) / (operation as number),
  barrier: barrier as number,
  workgroup: workgroup as number,
  launch: launch as number,
});

/** Nanoseconds, and by price how much of them goes with it: the derivative by the logarithm of the price. */
export function timed(of: Amounts, prices: readonly number[], p: number) {
  const powers = of.map((list, i) => list.reduce((sum, amount) => sum + (amount * (prices[i] as number)) ** p, 0));
  const launch = powers.pop() as number;
  const sum = powers.reduce((a, b) => a + b, 0);
  const overlapping = sum ** (1 / p);
  const parts = powers.map((power) => (sum === 0 ? 0 : (overlapping * power) / sum));
  const starting = launch ** (1 / p);
  return { nanoseconds: overlapping + starting, parts: [...parts, starting] };
}

/** Nanoseconds of a launch. */
export const timeOf = (estimate: Estimate, rates: Rates, kind: "cpu" | "gpu"): number =>
  timed(amountsOf(estimate, kind), pricesOf(rates), overlap[kind]).nanoseconds;
