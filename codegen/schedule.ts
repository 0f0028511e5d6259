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
import {
  type Choice,
  type ChoiceSpace,
  choiceSpace,
  fitted,
  powerOfTwo,
  type TunedSchedule,
} from "../src/target/choice.ts";
import { subgroupAsked, type TargetProfile } from "../src/target/target.ts";
import { type Axis, accessOf, axisOf, isLastAxis, type Use } from "./access.ts";
import { type Accumulator, variablesOf } from "./accumulators.ts";
import { blocksOf } from "./blocks.ts";
import { dividedBy, type Extent, extentOf, known, times } from "./extent.ts";
import { mostInvocations } from "./launch.ts";
import type { Along } from "./nodes.ts";
import { isAligned, strideAlong } from "./place-along.ts";
import { scanBytes, scratchBytes, scratchSize } from "./scratch.ts";

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
  /** What was chosen and how, what the rules here say, and what could have been. */
  readonly choice: Choice;
  readonly by: ChosenBy;
  readonly usual: Choice;
  readonly space: ChoiceSpace;
}

/** `rules` are those of this file; `estimate` and `trial` are by `candidates.ts`: of a trial the number of rows is any. */
export type ChosenBy = "rules" | "measurement" | "estimate" | "trial";

/** A choice that is neither measured nor the usual one. */
export interface GivenChoice {
  readonly choice: Choice;
  readonly by: "estimate" | "trial";
}

/**
 * Lanes of a workgroup: enough to fill a GPU's subgroups; few where each lane is a turn of a processor's loop, and as few
 * as there can be where rows are long, for processors share out workgroups.
 */
function workgroupLanes(target: TargetProfile, units: number | undefined): number {
  if (target.kind === "gpu") return Math.max(usualWorkgroup, subgroupAsked(target) ?? 1);
  return units === undefined || units < longRow ? 32 : 1;
}

const usualWorkgroup = 64;
/** In units. */
const longRow = 512;
/** Workgroups that keep a processor's cores busy. */
const fewWorkgroups = 4;

/**
 * The register tile of a lane on a processor: rows, and consecutive elements of each. Gamma and beta are loaded once for all
 * of its rows, and there is more instruction-level parallelism; but statistics take several variables per element, and where rows are
 * short what counts is how few states are left to merge. Measured on SwiftShader; llvmpipe, whose subgroups have 8 lanes,
 * takes 0.65 to 0.93 of the time for softmax, quantization and the gradient of RMSNorm with two rows in vectors of four.
 */
function onProcessor(traits: IterationTraits, target: TargetProfile): Pick<Choice, "width" | "rowsPerLane"> {
  const { width, length, isFlat, hasStates, packed } = traits;
  const least = Math.min(width, packed) as 1 | 2 | 4;
  if (isFlat) return { width: least, rowsPerLane: 4 };
  const isNarrow = width === 1 || (length !== undefined && length <= shortRow);
  if (isNarrow) return { width: least, rowsPerLane: least === 1 ? 8 : 4 };
  const count = traits.accumulators.flat().length;
  if (isWide(target) && !traits.hasMoments && (hasStates || count > 1)) return { width, rowsPerLane: 2 };
  // Of rows that are this long there are seldom many.
  const isVeryLong = length !== undefined && length >= veryLongRow;
  const rowsPerLane = hasStates && isVeryLong ? 2 : 4;
  return { width: Math.min(width, Math.max(packed, hasStates && !isVeryLong ? 2 : 4)) as 1 | 2 | 4, rowsPerLane };
}

/** Rows of a GPU's lane: one, or those whose elements make up a word, where nothing is reduced. */
const wordRows = ({ isFlat, packedRows, width }: IterationTraits) => (isFlat ? Math.max(1, packedRows / width) : 1);

/** If there are few rows, a lane processes fewer at once, so that there is work for every core. */
function shared(rowsPerLane: number, rows: number | undefined): number {
  let each = rowsPerLane;
  while (each > 1 && rows !== undefined && rows / each < fewWorkgroups) each /= 2;
  return each;
}

/** So many rows, or fewer, that are all of one tile: they end where it does. */
function ofOneTile(rowsPerLane: number, inTile: number | undefined): number {
  let each = rowsPerLane;
  while (inTile !== undefined && inTile % each > 0) each /= 2;
  return each;
}

/**
 * So many rows, or fewer where a lane would accumulate into too many variables: the compilers of processors' drivers take
 * minutes and gigabytes for what they cannot hold in registers (SwiftShader 100 s for 112, 0.7 s for 56).
 */
function bearable(rows: number, width: number, accumulators: Traits["accumulators"], blocks: number): number {
  const perRow = accumulators.map((list) =>
    list.reduce((sum, accumulator) => sum + width * variablesOf(accumulator, blocks), 0),
  );
  let each = rows;
  while (each > 1 && each * Math.max(0, ...perRow) > mostVariables) each /= 2;
  return each;
}

const mostVariables = 64;
/**
 * Rows that a lane on a processor processes at once in a loop over the rows of a tile, each iteration of which loads and stores its
 * sums. SwiftShader loads lane by lane; llvmpipe, whose subgroups have 8 lanes, takes longer with 4 rows than with 2.
 */
const mostInTile = (target: TargetProfile) => (isWide(target) ? 2 : 4);

/** Whether the subgroups are as wide as llvmpipe's: SwiftShader's have four lanes. */
const isWide = ({ subgroup }: TargetProfile) => (subgroup?.max ?? 0) >= 8;

/** In elements. From 128 on, vectors take 0.74 to 1.02 of the time of single elements on lavapipe and SwiftShader; at 64, up to 1.2. */
const shortRow = 96;
const veryLongRow = 65536;
/** Elements of a row for each lane of a GPU: enough loads are then under way, however wide they are. */
const elementsPerLane = 16;

/** Elements of a row that a lane keeps between two reads of it: a GPU's registers, a processor's stack. */
const keptElements = { gpu: 64, cpu: 1024 };

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
  const asked = askedIn(target, Math.floor(workgroup / lanes) * lanes);
  const isApart = target.kind === "gpu" && isStrided && traits.isTiled !== true && lanes > 1;
  const [least, widestSubgroup] = isApart ? [1, 1] : [asked ?? subgroupOf(target), asked ?? mostInSubgroup(target)];
  const layout = {
    ...{ lanes, rowsPerLane, subgroup: Math.min(least, lanes) },
    laneStride: isApart ? Math.floor(workgroup / lanes) : 1,
    mostInSubgroup: Math.min(widestSubgroup, lanes),
    rowsPerWorkgroup: Math.floor(workgroup / lanes) * rowsPerLane,
  };
  // A processor's loop takes in what is left where it ends: of a strict kernel what else it computes may not order its sums.
  const mayLeave = !(traits.isStrict && target.kind === "cpu" && total !== undefined && total % lanes > 0);
  const states = scratchSize(layout);
  // What lanes share beside states is single floats.
  const exchanged = scanBytes(Math.floor(workgroup / lanes) * lanes, traits.scans);
  const taken = scratchBytes(states, traits.accumulators.flat()) + roundUp(4 * states, 16) + exchanged;
  return {
    subgroupAsked: asked,
    ...{ rows: rows.map(rowAxis), columns: columnAxes, vector, width, units, columnCount, keep, ...layout },
    steps: total === undefined ? undefined : Math.ceil(total / lanes),
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

/** Lanes that reduce by subgroup operations whatever size the device takes. */
const subgroupOf = ({ features, subgroup }: TargetProfile) =>
  features.includes("subgroups") ? (subgroup?.min ?? 1) : 1;

const mostInSubgroup = ({ features, subgroup }: TargetProfile) =>
  features.includes("subgroups") ? (subgroup?.max ?? 1) : 1;

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
    scratchBytes(Math.ceil(lanes / subgroupOf(target)), accumulators.flat()) + scanBytes(lanes, scans);
  while (most > 1 && bytesOf(most) > limits.maxComputeWorkgroupStorageSize) most /= 2;
  return most;
}

/** What the choice depends on beside the shape. */
export interface Traits {
  /** Whether an accumulator takes several variables: a mean and a variance, or a sum of exponentials. */
  readonly hasStates: boolean;
  /** Whether an accumulator is of means and variances. */
  readonly hasMoments: boolean;
  /** Whether each op gives the bits that it gives in a kernel of its own. */
  readonly isStrict: boolean;
  /** Of how many types the running sums along its rows are; 0 where there are none. */
  readonly scans: number;
  /** What each loop along a row accumulates. */
  readonly accumulators: readonly (readonly Accumulator[])[];
  /** How many rows lie side by side in each tile, where each lane has its own, and rows of the tile are columns. */
  readonly across?: number | undefined;
  /** Of a kernel over tiles whose rows are columns, how many rows each tile has; without a number, an odd one. */
  readonly inTile?: number | undefined;
  /** Whether a lane iterates over the rows of a tile, in a loop around all others. */
  readonly isTiled?: boolean;
  /** Whether an extent that is known only when the kernel runs is a multiple of the width of vectors then. */
  readonly isMultiple?: boolean;
  /** Elements of a buffer that share a word, into which fewer of them are written atomically. */
  readonly packed: 1 | 2 | 4;
  /** The same of results that have an element for each row, in the order of the rows: a lane then has those of whole words. */
  readonly packedRows: 1 | 2 | 4;
}

interface IterationTraits extends Traits {
  readonly width: 1 | 2 | 4;
  /** Elements of a row, where that is known. */
  readonly length: number | undefined;
  readonly isFlat: boolean;
  /** Whether the elements of a row lie apart in all buffers: those of neighbouring rows may lie side by side, as in sums over the first axis. */
  readonly isStrided: boolean;
}

/** @param most invocations that a workgroup may have. */
function usualChoice(traits: IterationTraits, target: TargetProfile, most: number): Choice {
  const { length, isFlat } = traits;
  const { kind } = target;
  if (traits.across !== undefined) return acrossChoice(traits.across, target, most);
  // Where barriers are slow, a lane scans a row alone. It has several elements in a step, so that more rows take longer to compile.
  if (traits.scans > 0 && kind === "cpu") {
    const { width } = onProcessor(traits, target);
    return { lanes: 1, workgroup: Math.min(most, 64), rowsPerLane: 1, width, keep: keptElements.cpu };
  }
  const few = lanesOfShortRow(traits, target);
  if (few !== undefined) return { lanes: few, workgroup: Math.min(most, 64), rowsPerLane: 1, width: 4, keep: 64 };
  const { width, rowsPerLane: wanted } =
    kind === "gpu" ? { width: traits.width, rowsPerLane: wordRows(traits) } : onProcessor(traits, target);
  const units = length === undefined ? undefined : length / width;
  const ofRow = isFlat ? 1 : lanesFor(units, width, kind, subgroupOf(target), most);
  const isAlone = traits.isTiled === true && kind === "cpu";
  if (traits.isStrided && kind === "gpu" && traits.isTiled !== true) return sideBySide(traits, most);
  const isApart = traits.isStrided && kind === "cpu" && !isAlone;
  const lanes = isApart ? Math.min(apart.lanes, ofRow) : ofRow;
  const steps = units === undefined ? undefined : Math.ceil(units / lanes);
  const bearableRows = bearable(wanted, width, traits.accumulators, blocksOf(steps).length);
  const rowsPerLane = isAlone ? Math.min(mostInTile(target), bearableRows) : bearableRows;
  const usual = isApart ? apart.workgroup : workgroupLanes(target, units);
  const several = isAlone ? lanes : Math.max(lanes, Math.min(most, usual));
  return { lanes, workgroup: isFlat ? most : several, rowsPerLane, width, keep: keptElements[kind] };
}

/**
 * Lanes that share a row which a processor's lane reads in a few vectors: where it has all of it, nothing is merged. Beside
 * eight lanes with 8 rows each, LayerNorm, RMSNorm and softmax take 0.2 to 0.8 of the time at 8 to 32 columns on both
 * drivers. At 48 and 64 two lanes take 0.7 to 0.9 on lavapipe, and up to 1.3 on SwiftShader, whose subgroups have four.
 */
function lanesOfShortRow(
  { length, width, isFlat, isTiled }: IterationTraits,
  target: TargetProfile,
): number | undefined {
  if (target.kind === "gpu" || isFlat || isTiled || width !== 4 || length === undefined) return undefined;
  if (length <= 32) return 1;
  return length <= 64 && isWide(target) ? 2 : undefined;
}

/** A lane on a processor processes several adjacent rows at once, all of one tile, so that its reads are contiguous. */
function acrossChoice(rows: number, target: TargetProfile, most: number): Choice {
  const rowsPerLane = target.kind === "gpu" ? 1 : ofOneTile(8, rows);
  const workgroup = Math.min(most, workgroupLanes(target, undefined));
  return { lanes: 1, workgroup, rowsPerLane, width: 1, keep: 0 };
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

/**
 * Of a GPU's rows whose elements lie apart: neighbouring lanes have neighbouring rows, and read what lies side by side.
 * Lanes of one row merge through workgroup memory. The longer a row, the more lanes share it, and the fewer rows lie side by
 * side. Sums over the first axis at 256 to 65537 rows were fastest on an H200 with 8 lanes for 256 elements, 16 for 1024, 32 for
 * 4096, 64 for 20480: half the square root.
 */
function sideBySide({ length, width }: IterationTraits, most: number): Choice {
  const wanted = 2 ** Math.round(Math.log2(Math.sqrt(length ?? usualStrided) / 2));
  return { lanes: Math.max(1, Math.min(wanted, most)), workgroup: most, rowsPerLane: 1, width, keep: keptElements.gpu };
}

/** Elements of such a row where it is not known how many there are. */
const usualStrided = 1024;

/**
 * Of a processor's rows whose elements lie apart: lanes that share a row, and those of a workgroup. Lanes of neighbouring rows
 * read what lies side by side: beside a subgroup for each row, sums, extremes, variances and softmax over the first axis take
 * 0.5 to 0.7 of the time on lavapipe and 0.86 to 0.96 on SwiftShader. One lane leaves a tensor of few columns to one core.
 */
const apart = { lanes: 2, workgroup: 8 };

/** A power of two. A processor reduces within one subgroup: its barriers are slow. */
function lanesFor(
  units: number | undefined,
  width: number,
  kind: "cpu" | "gpu",
  subgroup: number,
  most: number,
): number {
  if (kind === "cpu") return Math.min(most, Math.max(1, subgroup), powerOfTwo(units ?? most));
  // Of rows that may be short or long, a workgroup of the usual size reads either well enough.
  if (units === undefined) return Math.min(most, usualWorkgroup);
  const wanted = powerOfTwo((units * width) / elementsPerLane);
  return Math.min(most, powerOfTwo(units), Math.max(wanted, 32));
}
