/**
 * How long a kernel takes by its estimate: a sum over what it does, each at a rate of the device. That nothing overlaps is
 * not so, but it orders schedules, and it is what least squares can fit.
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

/** Where a profile has none: of a graphics card in the middle, and of two cores of a processor. */
export const usualRates: Readonly<Record<"cpu" | "gpu", Rates>> = {
  gpu: { gigabytes: 400, gigaoperations: 4000, transcendental: 4, barrier: 4, workgroup: 1, launch: 5000 },
  cpu: { gigabytes: 10, gigaoperations: 8, transcendental: 8, barrier: 150, workgroup: 40, launch: 20000 },
};

/** 32-bit values that a lane of a GPU may have while as many lanes run as can. */
const registersAtFull = 64;
/** Lanes of a graphics card in the middle, if all run. */
const lanesAtFull = 32768;
/** So large a part of them hides the time that loads take: RDNA 3 does with 4 of 16 waves. */
const enoughLanes = 1 / 4;
/** Workgroups that share out the work of a processor's cores evenly. */
const enoughWorkgroups = 16;

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

/** What each rate is multiplied by, in nanoseconds at a rate of 1. */
function amounts(estimate: Estimate, kind: "cpu" | "gpu"): readonly number[] {
  const { bytesLoaded, bytesStored, bytesCached, operations, transcendentals, barriers, workgroups, launches } =
    estimate;
  const used = Math.max(Number.EPSILON, utilization(estimate, kind));
  const shared = [bytesLoaded - bytesCached + bytesStored, operations, transcendentals].map((amount) => amount / used);
  return [...shared, barriers, workgroups, launches];
}

/** Nanoseconds of a byte, an operation, a transcendental one, a barrier, a workgroup, a launch. */
const pricesOf = ({ gigabytes, gigaoperations, transcendental, barrier, workgroup, launch }: Rates) => [
  ...[1 / gigabytes, 1 / gigaoperations, transcendental / gigaoperations],
  ...[barrier, workgroup, launch],
];

const ratesOf = ([byte, operation, transcendental, barrier, workgroup, launch]: readonly number[]): Rates => ({
  gigabytes: 1 / (byte as number),
  gigaoperations: 1 / (operation as number),
  transcendental: (transcendental as number) / (operation as number),
  barrier: barrier as number,
  workgroup: workgroup as number,
  launch: launch as number,
});

/** Nanoseconds of a launch. */
export function timeOf(estimate: Estimate, rates: Rates, kind: "cpu" | "gpu"): number {
  const prices = pricesOf(rates);
  return amounts(estimate, kind).reduce((sum, amount, i) => sum + amount * (prices[i] as number), 0);
}

/** A kernel that was measured. */
export interface Measured {
  readonly estimate: Estimate;
  readonly nanoseconds: number;
}

const sweeps = 20_000;
/** How much a rate that measurements say nothing about is drawn to what it was. */
const pull = 1e-6;
/** No price is 0: what costs nothing here may cost something elsewhere. */
const least = 1e-6;

/**
 * The rates by which the estimates of what was measured come nearest to the measured times: least squares of the relative
 * errors, over prices that are positive, by coordinate descent. Where measurements leave rates open they stay near `from`.
 */
export function fitRates(measured: readonly Measured[], from: Rates, kind: "cpu" | "gpu"): Rates {
  const start = pricesOf(from);
  // In units of what they were, and of what was measured.
  const rows = measured.map(({ estimate, nanoseconds }) =>
    amounts(estimate, kind).map((amount, i) => (amount * (start[i] as number)) / nanoseconds),
  );
  const size = start.length;
  const gram = Array.from({ length: size }, (_, i) =>
    Array.from({ length: size }, (_, j) =>
      rows.reduce((sum, row) => sum + (row[i] as number) * (row[j] as number), i === j ? pull : 0),
    ),
  );
  const wanted = Array.from({ length: size }, (_, i) => rows.reduce((sum, row) => sum + (row[i] as number), pull));
  const found = new Array<number>(size).fill(1);
  for (let sweep = 0; sweep < sweeps; sweep++) {
    let moved = 0;
    for (let i = 0; i < size; i++) {
      const line = gram[i] as number[];
      const others = line.reduce((sum, value, j) => sum + (j === i ? 0 : value * (found[j] as number)), 0);
      const next = Math.max(least, ((wanted[i] as number) - others) / (line[i] as number));
      moved = Math.max(moved, Math.abs(next - (found[i] as number)) / next);
      found[i] = next;
    }
    if (moved < 1e-9) break;
  }
  return ratesOf(found.map((factor, i) => factor * (start[i] as number)));
}

/** How alike two lists of numbers are ordered: 1 where they are in one order, -1 in opposite ones (Spearman 1904). */
export function rankCorrelation(a: readonly number[], b: readonly number[]): number {
  const ranks = (list: readonly number[]) =>
    list.map((value) => {
      const below = list.filter((other) => other < value).length;
      return below + (list.filter((other) => other === value).length - 1) / 2;
    });
  const [x, y] = [ranks(a), ranks(b)];
  const middle = (a.length - 1) / 2;
  const product = (p: readonly number[], q: readonly number[]) =>
    p.reduce((sum, value, i) => sum + (value - middle) * ((q[i] as number) - middle), 0);
  const spread = Math.sqrt(product(x, x) * product(y, y));
  return spread === 0 ? 1 : product(x, y) / spread;
}
