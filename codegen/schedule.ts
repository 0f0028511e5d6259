/**
 * How the iteration space is distributed over lanes and workgroups.
 *
 * - lane: one invocation. `lanes` of them share a row and reduce it together.
 * - width: how many consecutive elements a lane processes at a time.
 * - unit: `width` consecutive elements along the last axis.
 * - steps: how many units of a row each lane processes, if that is known.
 *
 * The choice depends on the target and on a row: its length, its layout, its reductions. So a row gives
 * the same bits in every batch. The number of rows decides only how many of them a lane processes at once, which
 * affects the order of no sum; an axis of rows is never assumed to be a single row, even if its extent is 1.
 */

import type { Atom } from "../src/ir/atoms.ts";
import { roundUp } from "../src/launch/counts.ts";
import { type Choice, type ChoiceSpace, choiceSpace, fitted, type TunedSchedule } from "../src/target/choice.ts";
import { leastSubgroup, mostSubgroup, subgroupAsked, type TargetProfile } from "../src/target/target.ts";
import { type Axis, accessOf, axisOf, isLastAxis, type Use } from "./access.ts";
import { dividedBy, type Extent, extentOf, known, times } from "./extent.ts";
import { mostInvocations } from "./launch.ts";
import type { Along } from "./nodes.ts";
import { isAligned, strideAlong } from "./place-along.ts";
import { scanBytes, scratchBytes, scratchSize } from "./scratch.ts";
import { ofOneTile, shared, type Traits, usualChoice, variablesOfRow } from "./usual-choice.ts";

/** A row in steps that all of its lanes take part in, and the units that are left: fewer than there are lanes. */
export interface Split {
  readonly even: number;
  readonly left: number;
}

/** So many units that are left are read by all lanes of a row, for less than it costs to share what they add. */
export const fewUnits = 4;

export interface Schedule {
  /** The axes in units, rows and columns. */
  readonly rows: readonly Axis[];
  readonly columns: readonly Axis[];
  readonly vector: Atom | undefined;
  readonly width: 1 | 2 | 4;
  readonly lanes: number;
  /** How far apart in the workgroup the lanes of a row are: where it is not 1, lanes of neighbouring rows are neighbours. */
  readonly laneStride: number;
  readonly rowsPerWorkgroup: number;
  /** Rows that a lane processes at once. */
  readonly rowsPerLane: number;
  /** The same if there are many. */
  readonly mostRowsPerLane: number;
  /** Units in a row. */
  readonly units: Extent;
  /** Units a lane handles in a row, if known. */
  readonly steps: number | undefined;
  /** How many of them lie beside each other, and are taken in one step where lanes exchange running sums in it. */
  readonly unitsInStep: number;
  /**
   * How a row is split, where its length is known and there is a step for every lane. Where more than a few units are left,
   * what they add is merged after the rest: by shuffles that costs less than counts in every merge, by a tree's barriers
   * more.
   */
  readonly split: Split | undefined;
  /** Lanes that reduce by subgroup operations: 1 where there are none. */
  readonly subgroup: number;
  /** As many where the device has chosen a larger size than the smallest that it may. */
  readonly mostInSubgroup: number;
  /** The subgroup size that the kernel asks for, if it does. */
  readonly subgroupAsked: number | undefined;
  /** Elements of a row. */
  readonly columnCount: Extent;
  /** Elements of its rows that a lane may keep between two reads of them. */
  readonly keep: number;
  /** Whether blocks are loops of a constant number of turns. */
  readonly unrolls: boolean;
  /** Bytes of workgroup memory that are left where states of each type have one array. */
  readonly spareMemory: number;
  /** Variables that a lane accumulates into, in the loop that has most. */
  readonly variables: number;
  /** What was chosen and how, what the rules say, and what could have been. */
  readonly choice: Choice;
  readonly by: ChosenBy;
  readonly usual: Choice;
  readonly space: ChoiceSpace;
}

/** `rules` are those of `usual-choice.ts`; `estimate` and `trial` are by `candidates.ts`: of a trial the number of rows is any. */
export type ChosenBy = "rules" | "measurement" | "estimate" | "trial";

/** A choice that is neither measured nor the usual one. */
export interface GivenChoice {
  readonly choice: Choice;
  readonly by: "estimate" | "trial";
}

/** @param hash that of the kernel, for which the target may hold a measured choice. */
export function makeSchedule(
  hash: () => string,
  rows: readonly Atom[],
  columns: readonly Atom[],
  accesses: Accesses,
  target: TargetProfile,
  traits: Traits,
  given?: GivenChoice,
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
  const by = given?.by ?? (tuned ? "measurement" : "rules");
  const wanted = given?.choice ?? tuned;
  const choice = wanted ? fitted(wanted, space) : usual;
  const { lanes, workgroup, width, keep } = choice;
  const isShared = target.kind === "cpu" && !isFlat && (by === "rules" || by === "estimate");
  const rowsPerLane = ofOneTile(isShared ? shared(choice.rowsPerLane, count) : choice.rowsPerLane, traits.inTile);
  const axis = (atom: Atom): Axis => {
    const extent = extentOf(atom.extent);
    return { atom, extent: atom === vector ? (dividedBy(extent, width, atom.extent) as Extent) : extent };
  };
  const rowAxis = (atom: Atom, i: number): Axis =>
    by !== "trial" || atom === vector ? axis(atom) : { atom, extent: extentOf(trialRows(i)) };
  const columnAxes = columns.map(axis);
  const units = times(...columnAxes.map(({ extent }) => extent));
  const total = known(units);
  const steps = total === undefined ? undefined : Math.ceil(total / lanes);
  const layout = layoutOf({ ...choice, rowsPerLane }, target, isStrided && traits.isTiled !== true);
  // A processor's loop takes in what is left where it ends: of a strict kernel what else it computes may not order its sums.
  const mayLeave = !(traits.isStrict && target.kind === "cpu" && total !== undefined && total % lanes > 0);
  const states = scratchSize(layout);
  // What lanes share beside states is single floats.
  const exchanged = scanBytes(Math.floor(workgroup / lanes) * lanes, traits.scans);
  const taken = scratchBytes(states, traits.accumulators.flat()) + roundUp(4 * states, 16) + exchanged;
  return {
    ...{ rows: rows.map(rowAxis), columns: columnAxes, vector, width, units, columnCount, keep, steps, ...layout },
    variables: rowsPerLane * variablesOfRow(traits.accumulators, width, steps),
    unitsInStep: traits.scans === 0 ? 1 : unitsInStep(width, traits.isStrict, total && total / lanes),
    split: total === undefined || !mayLeave ? undefined : splitOf(total, layout),
    spareMemory: target.limits.maxComputeWorkgroupStorageSize - taken,
    unrolls: target.kind === "gpu",
    mostRowsPerLane: choice.rowsPerLane,
    ...{ choice: { ...choice, rowsPerLane }, by, usual, space },
  };
}

/** Elements that a lane has in a step of a scan, where it has so many: for as many there is one exchange. */
export const scannedPerLane = 8;

/** A power of two. A strict kernel adds in the same order whatever else it computes. @param units of a lane, if known. */
function unitsInStep(width: number, isStrict: boolean, units = Infinity): number {
  const most = isStrict ? 1 : Math.max(1, scannedPerLane / width);
  return units >= most ? most : 2 ** Math.floor(Math.log2(Math.max(1, units)));
}

/**
 * Where the lanes of a row are in the workgroup, and how they merge.
 * @param isSideBySide whether elements of neighbouring rows lie side by side: neighbouring lanes of a GPU then have
 *   neighbouring rows, and those of one row are of different subgroups.
 */
function layoutOf({ lanes, workgroup, rowsPerLane }: Choice, target: TargetProfile, isSideBySide: boolean) {
  const rowsAtOnce = Math.floor(workgroup / lanes);
  const asked = askedIn(target, rowsAtOnce * lanes);
  const isApart = target.kind === "gpu" && isSideBySide && lanes > 1;
  const [least, most] = isApart ? [1, 1] : [asked ?? leastSubgroup(target), asked ?? mostSubgroup(target)];
  return {
    ...{ lanes, rowsPerLane, laneStride: isApart ? rowsAtOnce : 1, rowsPerWorkgroup: rowsAtOnce * rowsPerLane },
    ...{ subgroup: Math.min(least, lanes), mostInSubgroup: Math.min(most, lanes), subgroupAsked: asked },
  };
}

/** The dimension that an axis of rows has where a schedule is looked at: its cost may not depend on how many rows there are. */
export const trialRows = (axis: number) => `rows ${axis}`;
export const isTrialRows = (name: string) => name.startsWith("rows ");

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

/** The subgroup size that a kernel asks for: WGSL has workgroups of whole subgroups then. */
function askedIn(target: TargetProfile, workgroup: number): number | undefined {
  const asked = subgroupAsked(target);
  return asked !== undefined && workgroup % asked === 0 ? asked : undefined;
}

/** A power of two. */
function largestWorkgroup(target: TargetProfile, { accumulators, scans }: Traits): number {
  const { limits } = target;
  const invocations = Math.min(
    mostInvocations,
    limits.maxComputeInvocationsPerWorkgroup,
    limits.maxComputeWorkgroupSizeX,
  );
  let most = 2 ** Math.floor(Math.log2(Math.max(1, invocations)));
  // Lanes that merge have a state in workgroup memory, one for each subgroup of them; a lane alone has none.
  const bytesOf = (lanes: number) =>
    scratchBytes(Math.ceil(lanes / leastSubgroup(target)), accumulators.flat()) + scanBytes(lanes, scans);
  while (most > 1 && bytesOf(most) > limits.maxComputeWorkgroupStorageSize) most /= 2;
  return most;
}

/** The layouts of the buffers that a kernel accesses. */
export interface Accesses {
  readonly buffers: readonly Use[];
  /** Places that something else than an index depends on, and where it changes along them. */
  readonly places: readonly { readonly place: Along; readonly ends: readonly number[] }[];
}

/** The widest vectors that every buffer which differs along the vector atom can be read in. */
function widthAlong(vector: Atom, { buffers, places }: Accesses, isFlat: boolean, isMultiple: boolean): 1 | 2 | 4 {
  const { extent } = vector;
  if (typeof extent !== "number" && !isMultiple) return 1;
  // Vectors order the sums of a row, so that they may not depend on how many rows there are.
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
