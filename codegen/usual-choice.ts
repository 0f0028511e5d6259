/**
 * The schedule that a kernel has where nothing was measured: rules by the kind of device.
 *
 * On a graphics card lanes that are neighbours read what lies side by side, a row has about 16 elements for each of its lanes,
 * and most of what is left is hidden by the time that memory takes; `test/codegen/usual-choice.slow.test.ts` holds these rules to
 * the least estimate of all schedules. A processor's rules are measured: its estimate knows nothing of how SwiftShader and
 * llvmpipe gather elements, and the same test lists where it would choose otherwise.
 */

import { type Choice, powerOfTwo } from "../src/target/choice.ts";
import { enoughWorkgroups } from "../src/target/rates.ts";
import { leastSubgroup, subgroupAsked, type TargetProfile } from "../src/target/target.ts";
import { type Accumulator, variablesOf } from "./accumulators.ts";
import { blocksOf } from "./blocks.ts";

/** What the choice depends on beside the shape. */
export interface Traits {
  /** Whether an accumulator takes several variables: a mean and a variance, or a sum of exponentials. */
  readonly hasStates: boolean;
  /** Whether an accumulator is of means and variances. */
  readonly hasMoments: boolean;
  /** Whether each op gives the bits that it gives in a kernel of its own. */
  readonly isStrict: boolean;
  /** The number of types of the running sums along its rows; 0 without any. */
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

/** That, and the shape. */
export interface IterationTraits extends Traits {
  /** The widest vectors that all buffers can be read in. */
  readonly width: 1 | 2 | 4;
  /** Elements of a row, where that is known. */
  readonly length: number | undefined;
  /** Whether nothing is reduced. */
  readonly isFlat: boolean;
  /** Whether the elements of a row lie apart in all buffers: those of neighbouring rows may lie side by side, as in sums over the first axis. */
  readonly isStrided: boolean;
}

/** Elements of a row that a lane keeps between two reads of it: a GPU's registers, a processor's stack. */
const keptElements = { gpu: 64, cpu: 1024 };

/** @param most invocations that a workgroup may have. */
export function usualChoice(row: IterationTraits, target: TargetProfile, most: number): Choice {
  const choose = target.kind === "gpu" ? onGpu : onProcessor;
  return choose(row, target, most);
}

/** Lanes of a GPU's workgroup, at least: two subgroups of most devices. */
const gpuWorkgroup = 64;
/** Elements of a row for each lane of a GPU: enough loads are then under way, however wide they are. */
const elementsPerLane = 16;
/** As many lanes share a row, if it has elements for them: they read whole cache lines. */
const leastLanes = 32;

function onGpu(row: IterationTraits, target: TargetProfile, most: number): Choice {
  const { width, length, isFlat, isStrided, isTiled, across } = row;
  const usual = Math.min(most, Math.max(gpuWorkgroup, subgroupAsked(target) ?? 1));
  if (across !== undefined) return { lanes: 1, workgroup: usual, rowsPerLane: 1, width: 1, keep: 0 };
  const keep = keptElements.gpu;
  // Rows whose elements make up a word are one lane's.
  if (isFlat) {
    return { lanes: 1, workgroup: most, rowsPerLane: Math.max(1, row.packedRows / width), width, keep };
  }
  if (isStrided && isTiled !== true) {
    return { lanes: Math.min(most, lanesSideBySide(length)), workgroup: most, rowsPerLane: 1, width, keep };
  }
  const lanes = Math.min(most, gpuLanes(length, width));
  return { lanes, workgroup: Math.max(lanes, usual), rowsPerLane: 1, width, keep };
}

/** Of rows that may be short or long, a workgroup of the usual size reads either well enough. */
function gpuLanes(length: number | undefined, width: number): number {
  if (length === undefined) return gpuWorkgroup;
  return Math.min(powerOfTwo(length / width), Math.max(leastLanes, powerOfTwo(length / elementsPerLane)));
}

/**
 * Of a GPU's rows whose elements lie apart: neighbouring lanes have neighbouring rows, and read what lies side by side.
 * Lanes of one row merge through workgroup memory. The longer a row, the more lanes share it, and the fewer rows lie side by
 * side. Sums over the first axis at 256 to 65537 rows were fastest on an H200 with 8 lanes for 256 elements, 16 for 1024, 32 for
 * 4096, 64 for 20480: half the square root.
 */
const lanesSideBySide = (length = usualStrided) => Math.max(1, 2 ** Math.round(Math.log2(Math.sqrt(length) / 2)));

/** Elements of such a row where it is not known how many there are. */
const usualStrided = 1024;

/** Lanes of a processor's workgroup: few, as each is a turn of a core's loop, and as few as there can be where rows are long. */
const cpuWorkgroup = { usual: 32, ofLongRows: 1 };
/** In units. */
const longRow = 512;
/** In elements. From 128 on, vectors take 0.74 to 1.02 of the time of single elements on lavapipe and SwiftShader; at 64, up to 1.2. */
const shortRow = 96;
const veryLongRow = 65536;

/**
 * Of a processor's rows whose elements lie apart: lanes that share a row, and those of a workgroup. Lanes of neighbouring rows
 * read what lies side by side: beside a subgroup for each row, sums, extremes, variances and softmax over the first axis take
 * 0.5 to 0.7 of the time on lavapipe and 0.86 to 0.96 on SwiftShader. One lane leaves a tensor of few columns to one core.
 */
const apart = { lanes: 2, workgroup: 8 };

/** Whether the subgroups are as wide as llvmpipe's: SwiftShader's have four lanes. */
const isWide = ({ subgroup }: TargetProfile) => (subgroup?.max ?? 0) >= 8;

function onProcessor(row: IterationTraits, target: TargetProfile, most: number): Choice {
  const { length, isFlat, isTiled = false, across } = row;
  // A lane processes several adjacent rows at once, all of one tile, so that its reads are contiguous.
  if (across !== undefined) {
    const workgroup = Math.min(most, cpuWorkgroup.usual);
    return { lanes: 1, workgroup, rowsPerLane: ofOneTile(8, across), width: 1, keep: 0 };
  }
  // As barriers are slow, a lane scans a row alone. It has several elements in a step: more rows would take longer to compile.
  if (row.scans > 0) {
    const { width } = registerTile(row, target);
    return { lanes: 1, workgroup: Math.min(most, 64), rowsPerLane: 1, width, keep: keptElements.cpu };
  }
  const few = lanesOfShortRow(row, target);
  if (few !== undefined) return { lanes: few, workgroup: Math.min(most, 64), rowsPerLane: 1, width: 4, keep: 64 };
  const { width, rowsPerLane } = registerTile(row, target);
  const units = length === undefined ? undefined : length / width;
  const isApart = row.isStrided && !isTiled;
  // Within one subgroup: barriers are slow.
  const ofSubgroup = isFlat ? 1 : Math.min(most, leastSubgroup(target), powerOfTwo(units ?? most));
  const lanes = isApart ? Math.min(apart.lanes, ofSubgroup) : ofSubgroup;
  const steps = units === undefined ? undefined : Math.ceil(units / lanes);
  const rows = bearable(rowsPerLane, variablesOfRow(row.accumulators, width, steps));
  return {
    lanes,
    workgroup: isFlat ? most : isTiled ? lanes : Math.max(lanes, Math.min(most, lanesOfWorkgroup(isApart, units))),
    rowsPerLane: isTiled ? Math.min(mostInTile(target), rows) : rows,
    width,
    keep: keptElements.cpu,
  };
}

function lanesOfWorkgroup(isApart: boolean, units = 0): number {
  if (isApart) return apart.workgroup;
  return units < longRow ? cpuWorkgroup.usual : cpuWorkgroup.ofLongRows;
}

/**
 * Lanes that share a row which a processor's lane reads in a few vectors: where it has all of it, nothing is merged. Beside
 * eight lanes with 8 rows each, LayerNorm, RMSNorm and softmax take 0.2 to 0.8 of the time at 8 to 32 columns on both
 * drivers. At 48 and 64 two lanes take 0.7 to 0.9 on lavapipe, and up to 1.3 on SwiftShader, whose subgroups have four.
 */
function lanesOfShortRow(row: IterationTraits, target: TargetProfile): number | undefined {
  const { length, width, isFlat, isTiled } = row;
  if (isFlat || isTiled || width !== 4 || length === undefined) return undefined;
  if (length <= 32) return 1;
  return length <= 64 && isWide(target) ? 2 : undefined;
}

/**
 * The register tile of a lane on a processor: rows, and consecutive elements of each. Gamma and beta are loaded once for all
 * of its rows, and there is more instruction-level parallelism; but statistics take several variables per element, and where rows are
 * short what counts is how few states are left to merge. Measured on SwiftShader; llvmpipe, whose subgroups have 8 lanes,
 * takes 0.65 to 0.93 of the time for softmax, quantization and the gradient of RMSNorm with two rows in vectors of four.
 */
function registerTile(row: IterationTraits, target: TargetProfile): Pick<Choice, "width" | "rowsPerLane"> {
  const { width, length, isFlat, hasStates, packed } = row;
  const least = Math.min(width, packed) as 1 | 2 | 4;
  if (isFlat) return { width: least, rowsPerLane: 4 };
  const isNarrow = width === 1 || (length !== undefined && length <= shortRow);
  if (isNarrow) return { width: least, rowsPerLane: least === 1 ? 8 : 4 };
  const count = row.accumulators.flat().length;
  if (isWide(target) && !row.hasMoments && (hasStates || count > 1)) return { width, rowsPerLane: 2 };
  // Of rows that are this long there are seldom many.
  const isVeryLong = length !== undefined && length >= veryLongRow;
  const rowsPerLane = hasStates && isVeryLong ? 2 : 4;
  return { width: Math.min(width, Math.max(packed, hasStates && !isVeryLong ? 2 : 4)) as 1 | 2 | 4, rowsPerLane };
}

/**
 * Rows that a lane on a processor processes at once in a loop over the rows of a tile, each iteration of which loads and stores its
 * sums. SwiftShader loads lane by lane; llvmpipe, whose subgroups have 8 lanes, takes longer with 4 rows than with 2.
 */
const mostInTile = (target: TargetProfile) => (isWide(target) ? 2 : 4);

/** Variables that a lane accumulates into for each of its rows, in the loop that has most. */
export function variablesOfRow(accumulators: Traits["accumulators"], width: number, steps: number | undefined): number {
  const blocks = blocksOf(steps).length;
  const ofLoops = accumulators.map((list) => list.reduce((sum, one) => sum + width * variablesOf(one, blocks), 0));
  return Math.max(0, ...ofLoops);
}

/**
 * Variables that a lane accumulates into, at most: the compilers of processors' drivers take minutes and gigabytes for what
 * they cannot hold in registers (SwiftShader 100 s for 112, 0.7 s for 56).
 */
export const mostVariables = { cpu: 64, gpu: Infinity };

/** So many rows, or fewer where a lane of a processor would accumulate into too many variables. */
const bearable = (rows: number, ofRow: number) => halvedUntil(rows, (each) => each * ofRow <= mostVariables.cpu);

/** So many rows, or fewer, that are all of one tile: they end where it does. */
export const ofOneTile = (rows: number, inTile = rows) => halvedUntil(rows, (each) => inTile % each === 0);

/** If there are few rows, a lane processes fewer at once, so that there is work for every core. */
export const shared = (rowsPerLane: number, rows = Infinity) =>
  halvedUntil(rowsPerLane, (each) => rows / each >= enoughWorkgroups);

/** The count, or the first of its halves that will do; 1 does. */
function halvedUntil(count: number, isEnough: (each: number) => boolean): number {
  let each = count;
  while (each > 1 && !isEnough(each)) each /= 2;
  return each;
}
