/**
 * How the iteration space is distributed over lanes and workgroups.
 *
 * - lane: one invocation. `lanes` of them share a row and reduce it together.
 * - width: the number of consecutive elements that a lane processes at a time.
 * - unit: `width` consecutive elements along the last axis.
 * - steps: the number of units of a row that each lane processes, if it is known.
 *
 * A schedule depends on the target and on the row: its length, layout and reductions. A row therefore gives the same bits in
 * every batch. The number of rows affects only how many of them a lane processes at once, which does not change the order of
 * any sum; an axis of rows is never assumed to be a single row, even if its extent is 1.
 */

import type { Atom } from "../src/ir/atoms.ts";
import { roundUp } from "../src/launch/counts.ts";
import { type Choice, type ChoiceSpace, choiceSpace, fitted, type TunedSchedule } from "../src/target/choice.ts";
import { leastSubgroup, mostSubgroup, subgroupAsked, type TargetProfile } from "../src/target/target.ts";
import { type Axis, accessOf, axisOf, isLastAxis, type Use } from "./access.ts";
import { dividedBy, type Extent, extentOf, known, times } from "./extent.ts";
import type { Along } from "./nodes.ts";
import { isAligned, strideAlong } from "./place-along.ts";
import { scanBytes, scratchBytes, scratchSize } from "./scratch.ts";
import { ofOneTile, shared, type Traits, usualChoice, variablesOfRow } from "./usual-choice.ts";

/** A row, divided into steps in which all of its lanes take part, and a remainder of fewer units than lanes. */
export interface Split {
  readonly even: number;
  readonly left: number;
}

/** A remainder of up to this many units is read by all lanes of a row: that costs less than distributing it and merging the results. */
export const fewUnits = 4;

export interface Schedule {
  /** The axes of rows and of columns; the vectorized one is counted in units. */
  readonly rows: readonly Axis[];
  readonly columns: readonly Axis[];
  readonly vector: Atom | undefined;
  readonly width: 1 | 2 | 4;
  readonly lanes: number;
  /** The distance between the lanes of a row in the workgroup. If it is not 1, lanes of neighbouring rows are adjacent. */
  readonly laneStride: number;
  readonly rowsPerWorkgroup: number;
  /** Rows that a lane processes at once. */
  readonly rowsPerLane: number;
  /** The same for a large number of rows. */
  readonly mostRowsPerLane: number;
  /** The number of units in a row. */
  readonly units: Extent;
  /** The number of units of a row that a lane processes, if known. */
  readonly steps: number | undefined;
  /** The number of adjacent units that a lane processes in a step in which lanes exchange running sums. */
  readonly unitsInStep: number;
  /**
   * The steps and the remainder of a row whose length is known and in which every lane has a step. A remainder of more than a
   * few units is merged after the rest: with shuffles that costs less than counting elements in every merge, with the barriers
   * of a tree it costs more.
   */
  readonly split: Split | undefined;
  /** Lanes that reduce by subgroup operations; 1 without them. */
  readonly subgroup: number;
  /** The same if the device chooses its largest subgroup size. */
  readonly mostInSubgroup: number;
  /** The subgroup size that the kernel requests, if it does. */
  readonly subgroupAsked: number | undefined;
  /** The number of elements in a row. */
  readonly columnCount: Extent;
  /** The number of elements of its rows that a lane may cache between two reads of them. */
  readonly keep: number;
  /** Whether blocks are loops with a constant trip count. */
  readonly unrolls: boolean;
  /** Bytes of workgroup memory that remain if the states of each type have one array. */
  readonly spareMemory: number;
  /** The number of variables that a lane accumulates into, in the loop with the most of them. */
  readonly variables: number;
  /** The choice and its origin, the choice of the rules, and the space of choices. */
  readonly choice: Choice;
  readonly by: ChosenBy;
  readonly usual: Choice;
  readonly space: ChoiceSpace;
}

/** `rules` refers to `usual-choice.ts`, and `estimate` to `candidates.ts`. */
export type ChosenBy = "rules" | "measurement" | "estimate";

/**
 * @param hash the hash of the kernel, for which the target may have a measured choice.
 * @param given the choice by an estimate, if it is made.
 */
export function makeSchedule(
  hash: () => string,
  rows: readonly Atom[],
  columns: readonly Atom[],
  accesses: Accesses,
  target: TargetProfile,
  traits: Traits,
  given?: Choice,
): Schedule {
  const isFlat = columns.length === 0;
  const vector = (isFlat ? rows : columns).at(-1);
  const widest = vector === undefined ? 1 : widthAlong(vector, accesses, isFlat, traits.isMultiple === true);
  const columnCount = times(...columns.map((atom) => extentOf(atom.extent)));
  const length = known(columnCount);
  const most = largestWorkgroup(target, traits);
  const tuned = given ? undefined : measured(target.schedules ?? [], length, hash);
  const space = choiceSpace(widest, length === undefined ? most : Math.ceil(length / widest), most, isFlat);
  const count = known(times(...rows.map(({ extent }) => extentOf(extent))));
  const isStrided =
    !isFlat && vector !== undefined && accesses.buffers.every((use) => axisOf(vector, use) !== use.dims.length - 1);
  const usual = usualChoice({ width: widest, length, isFlat, isStrided, ...traits }, target, most);
  const by = given ? "estimate" : tuned ? "measurement" : "rules";
  const wanted = given ?? tuned;
  const choice = wanted ? fitted(wanted, space) : usual;
  const { lanes, workgroup, width, keep } = choice;
  const isShared = target.kind === "cpu" && !isFlat && by !== "measurement";
  const rowsPerLane = ofOneTile(isShared ? shared(choice.rowsPerLane, count) : choice.rowsPerLane, traits.inTile);
  const axis = (atom: Atom): Axis => {
    const extent = extentOf(atom.extent);
    return { atom, extent: atom === vector ? (dividedBy(extent, width, atom.extent) as Extent) : extent };
  };
  const columnAxes = columns.map(axis);
  const units = times(...columnAxes.map(({ extent }) => extent));
  const total = known(units);
  const steps = total === undefined ? undefined : Math.ceil(total / lanes);
  const inLane = steps === undefined ? Infinity : steps * width;
  const kept = inLane <= keep ? inLane : 0;
  const layout = layoutOf({ ...choice, rowsPerLane }, target, kept, isStrided && traits.isTiled !== true);
  // On a processor a loop includes the remainder. In a strict kernel the order of a sum may not depend on what else it computes.
  const mayLeave = !(traits.isStrict && target.kind === "cpu" && total !== undefined && total % lanes > 0);
  const states = scratchSize(layout);
  // Apart from states, lanes share single floats and running sums.
  const exchanged = scanBytes(Math.floor(workgroup / lanes) * lanes, traits.scans);
  const taken = scratchBytes(states, traits.accumulators.flat()) + roundUp(4 * states, 16) + exchanged;
  return {
    ...{ rows: rows.map(axis), columns: columnAxes, vector, width, units, columnCount, keep, steps, ...layout },
    variables: rowsPerLane * variablesOfRow(traits.accumulators, width, steps),
    unitsInStep: traits.scans === 0 ? 1 : unitsInStep(width, traits.isStrict, total && total / lanes),
    split: total === undefined || !mayLeave ? undefined : splitOf(total, layout),
    spareMemory: target.limits.maxComputeWorkgroupStorageSize - taken,
    unrolls: target.kind === "gpu",
    mostRowsPerLane: choice.rowsPerLane,
    ...{ choice: { ...choice, rowsPerLane }, by, usual, space },
  };
}

/** The number of elements that a lane processes per step of a scan, if it has that many. There is one exchange per step. */
export const scannedPerLane = 8;

/**
 * The number of units per step of a scan, a power of two. A strict kernel adds in the same order whatever else it computes.
 * @param units the number of units of a lane, if known.
 */
function unitsInStep(width: number, isStrict: boolean, units = Infinity): number {
  const most = isStrict ? 1 : Math.max(1, scannedPerLane / width);
  return units >= most ? most : 2 ** Math.floor(Math.log2(Math.max(1, units)));
}

/**
 * The lanes of a row in the workgroup, and how they merge.
 * @param kept the elements of a row that a lane caches.
 * @param isInterleaved whether neighbouring rows are adjacent in memory and the elements of a row are not. On a GPU neighbouring
 *   lanes then process neighbouring rows, and the lanes of one row belong to different subgroups.
 */
function layoutOf(
  { lanes, workgroup, rowsPerLane }: Choice,
  target: TargetProfile,
  kept: number,
  isInterleaved: boolean,
) {
  const rowsAtOnce = Math.floor(workgroup / lanes);
  const asked = askedIn(target, rowsAtOnce * lanes, kept);
  const isApart = target.kind === "gpu" && isInterleaved && lanes > 1;
  const [least, most] = isApart ? [1, 1] : [asked ?? leastSubgroup(target), asked ?? mostSubgroup(target)];
  return {
    ...{ lanes, rowsPerLane, laneStride: isApart ? rowsAtOnce : 1, rowsPerWorkgroup: rowsAtOnce * rowsPerLane },
    ...{ subgroup: Math.min(least, lanes), mostInSubgroup: Math.min(most, lanes), subgroupAsked: asked },
  };
}

function measured(schedules: readonly TunedSchedule[], length: number | undefined, hash: () => string) {
  const fitting = schedules.filter(({ columns }) => columns === length);
  if (fitting.length === 0) return undefined;
  const own = hash();
  return fitting.find(({ kernel = own }) => kernel === own)?.choice;
}

function splitOf(units: number, { lanes, subgroup }: Pick<Schedule, "lanes" | "subgroup">): Split | undefined {
  if (units < lanes) return undefined;
  const split = { even: Math.floor(units / lanes), left: units % lanes };
  return subgroup === 1 && split.left > fewUnits ? undefined : split;
}

/** The subgroup size that a kernel requests, if the workgroup consists of whole subgroups, as WGSL requires. */
function askedIn(target: TargetProfile, workgroup: number, kept: number): number | undefined {
  const asked = subgroupAsked(target, kept);
  return asked !== undefined && workgroup % asked === 0 ? asked : undefined;
}

/** The most invocations in a workgroup, even if the target allows more: processors execute them in a loop. */
export const mostInvocations = { cpu: 256, gpu: 1024 };

/** The largest workgroup size that the target's limits allow, a power of two. */
function largestWorkgroup(target: TargetProfile, { accumulators, scans }: Traits): number {
  const { limits, kind } = target;
  const invocations = Math.min(
    mostInvocations[kind],
    limits.maxComputeInvocationsPerWorkgroup,
    limits.maxComputeWorkgroupSizeX,
  );
  let most = 2 ** Math.floor(Math.log2(Math.max(1, invocations)));
  // Lanes that merge have one state per subgroup in workgroup memory; a single lane has none.
  const bytesOf = (lanes: number) =>
    scratchBytes(Math.ceil(lanes / leastSubgroup(target)), accumulators.flat()) + scanBytes(lanes, scans);
  while (most > 1 && bytesOf(most) > limits.maxComputeWorkgroupStorageSize) most /= 2;
  return most;
}

/** How a kernel accesses its buffers. */
export interface Accesses {
  readonly buffers: readonly Use[];
  /** Positions on which values other than indices depend, and where these values change. */
  readonly places: readonly { readonly place: Along; readonly ends: readonly number[] }[];
}

/** The widest vectors in which all buffers that differ along the vector atom can be read. */
function widthAlong(vector: Atom, { buffers, places }: Accesses, isFlat: boolean, isMultiple: boolean): 1 | 2 | 4 {
  const { extent } = vector;
  if (typeof extent !== "number" && !isMultiple) return 1;
  // Vectors determine the order of a row's sums, so they may not depend on the number of rows.
  if (!isFlat && !buffers.every((use) => isLastAxis(vector, use))) return 1;
  const isSteady = ({ place, ends }: Accesses["places"][number], width: number) => {
    const along = strideAlong(place, vector, width);
    if (along === 0) return true;
    return along === 1 && isAligned(place, vector, width) && ends.every((end) => end % width === 0);
  };
  const fits = (width: number) =>
    (typeof extent === "string" || extent % width === 0) &&
    buffers.every((use) => accessOf(use, vector, width) !== undefined) &&
    places.every((one) => isSteady(one, width));
  return fits(4) ? 4 : fits(2) ? 2 : 1;
}
