/**
 * The time of a kernel by its estimate. Memory traffic, arithmetic, barriers and so on each take a time at a rate of the device,
 * and these times are combined according to how much they overlap.
 *
 * On a GPU other lanes run while some wait, so the longest of the times hides the others (the roofline model: Williams et al.
 * 2009), provided that enough lanes are resident (Little's law: Volkov 2010). On a processor the times add up. Both are norms,
 * (sum of t^p)^(1/p): the sum for p = 1, and for a large p a smooth maximum. Launching the kernel overlaps with nothing.
 */

import type { Estimate } from "../kernel/estimate.ts";

/** The rates of a device, in units that can be looked up or measured. */
export interface Rates {
  /** Memory bandwidth, in 10^9 bytes per second. */
  readonly gigabytes: number;
  /** Operations of all lanes, in 10^9 per second. */
  readonly gigaoperations: number;
  /** The cost of a transcendental operation, in operations. */
  readonly transcendental: number;
  /** Nanoseconds that a barrier of one workgroup adds, while other workgroups run. */
  readonly barrier: number;
  /** Nanoseconds that starting a workgroup adds, while others run. */
  readonly workgroup: number;
  /** Nanoseconds for launching a kernel. */
  readonly launch: number;
}

/** The fields, in the order in which they are printed. */
export const rateNames = ["gigabytes", "gigaoperations", "transcendental", "barrier", "workgroup", "launch"] as const;

/**
 * The rates for profiles that have none: those of a mid-range graphics card, and of two cores of a processor. On the card a
 * barrier takes about 100 ns, divided by the 500 workgroups of 64 lanes that are resident.
 */
export const usualRates: Readonly<Record<"cpu" | "gpu", Rates>> = {
  gpu: { gigabytes: 400, gigaoperations: 4000, transcendental: 4, barrier: 0.2, workgroup: 1, launch: 5000 },
  cpu: { gigabytes: 10, gigaoperations: 8, transcendental: 8, barrier: 150, workgroup: 40, launch: 20000 },
};

/** 32-bit values per lane at which a GPU reaches its full occupancy. */
const registersAtFull = 64;
/** Resident lanes of a mid-range graphics card at full occupancy. */
const lanesAtFull = 32768;
/** The occupancy that hides the latency of loads: 4 of 16 waves on RDNA 3. */
const enoughLanes = 1 / 4;
/** The exponent p of the norm. With 4, a second time adds 1.5 % if it is half as long as the longest, and 19 % if it is as long. */
export const overlap = { cpu: 1, gpu: 4 };
/**
 * The operations that the lanes of a core execute while its cache serves one line: 128 on the multiprocessors of NVIDIA and of
 * AMD (RDNA). On a processor each lane loads by itself, and its accesses are counted as operations.
 */
const operationsOfLine = { cpu: 0, gpu: 128 };
/** The number of workgroups that keeps all cores of a processor busy. */
export const enoughWorkgroups = 4;

/** The occupancy of a GPU: the resident lanes of this kernel, as a fraction of the most that the GPU can hold. */
export function occupancyOf({ registers }: Pick<Estimate, "registers">, kind: "cpu" | "gpu"): number {
  return kind === "cpu" ? 1 : Math.min(1, registersAtFull / Math.max(1, registers));
}

/** The fraction of the device's rates that the kernel can reach. */
function utilization(estimate: Estimate, kind: "cpu" | "gpu"): number {
  if (kind === "cpu") return Math.min(1, estimate.workgroups / enoughWorkgroups);
  const running = Math.min(occupancyOf(estimate, kind), estimate.lanes / lanesAtFull);
  return Math.min(1, running / enoughLanes);
}

/** Amounts of work by price. Several amounts may have the same price and still overlap. */
export type Amounts = readonly (readonly number[])[];

/** The amounts of work of a kernel, in the order of `pricesOf`. */
export function amountsOf(estimate: Estimate, kind: "cpu" | "gpu"): Amounts {
  const { bytesLoaded, bytesStored, bytesCached, operations, lines, transcendentals } = estimate;
  const { barriers, workgroups, launches } = estimate;
  const used = Math.max(Number.EPSILON, utilization(estimate, kind));
  const bytes = bytesLoaded - bytesCached + bytesStored;
  // Arithmetic overlaps with the cache.
  const computed = [operations / used, (lines * operationsOfLine[kind]) / used];
  return [[bytes / used], computed, [transcendentals / used], [barriers], [workgroups], [launches]];
}

/** The nanoseconds of a byte, an operation, a transcendental operation, a barrier, a workgroup and a launch. */
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

/** The time in nanoseconds, and its derivatives by the logarithm of each price. The last amount, the launch, overlaps with nothing. */
export function timed(of: Amounts, prices: readonly number[], p: number) {
  const powers = of.map((list, i) => list.reduce((sum, amount) => sum + (amount * (prices[i] as number)) ** p, 0));
  const launch = powers.pop() as number;
  const sum = powers.reduce((a, b) => a + b, 0);
  const overlapping = sum ** (1 / p);
  const parts = powers.map((power) => (sum === 0 ? 0 : (overlapping * power) / sum));
  const starting = launch ** (1 / p);
  return { nanoseconds: overlapping + starting, parts: [...parts, starting] };
}

/** The time of a launch, in nanoseconds. */
export const timeOf = (estimate: Estimate, rates: Rates, kind: "cpu" | "gpu"): number =>
  timed(amountsOf(estimate, kind), pricesOf(rates), overlap[kind]).nanoseconds;
