/**
 * The rules that choose a schedule if none was measured, by the kind of device.
 *
 * On a graphics card neighbouring lanes read neighbouring elements, and a row has a lane for about every 16 elements, fewer if it is
 * long; memory hides most of the other differences. `test/codegen/usual-choice.slow.test.ts` compares these choices with the least estimate of
 * all schedules. The rules for processors were measured: an estimate does not know how SwiftShader and llvmpipe gather elements,
 * and the test lists the cases in which it would choose another schedule.
 */

import { type Choice, powerOfTwo } from "../src/target/choice.ts";
import { enoughWorkgroups } from "../src/target/rates.ts";
import { leastSubgroup, mostKept, subgroupAsked, type TargetProfile } from "../src/target/target.ts";
import { type Accumulator, variablesOf } from "./accumulators.ts";
import { blocksOf } from "./blocks.ts";

/** The properties of a kernel, besides its shape, that the choice depends on. */
export interface Traits {
  /** Whether an accumulator has several variables: a mean and a variance, or a sum of exponentials. */
  readonly hasStates: boolean;
  /** Whether an accumulator has means and variances. */
  readonly hasMoments: boolean;
  /** Whether each op gives the same bits as in a kernel of its own. */
  readonly isStrict: boolean;
  /** The number of distinct types of running sums along its rows; 0 if there are none. */
  readonly scans: number;
  /** The number of tensors that it reads and of elementwise ops. */
  readonly values: number;
  /** The accumulators of each loop along a row. */
  readonly accumulators: readonly (readonly Accumulator[])[];
  /** In kernels over tiles whose rows are columns: the number of adjacent rows in a tile, if each has its own lane. */
  readonly across?: number | undefined;
  /** In kernels over tiles whose rows are columns: the number of rows per tile; 1 if it is not known. */
  readonly inTile?: number | undefined;
  /** Whether a lane iterates over the rows of a tile, in a loop around all others. */
  readonly isTiled?: boolean;
  /** Whether extents that are known only at launch are multiples of the vector width. */
  readonly isMultiple?: boolean;
  /** The number of elements of a buffer that share a word; stores of less than a word are atomic. */
  readonly packed: 1 | 2 | 4;
  /** The same for results with one element per row, in the order of the rows: a lane then processes rows that fill whole words. */
  readonly packedRows: 1 | 2 | 4;
}

/** The traits and the shape. */
interface IterationTraits extends Traits {
  /** The widest vectors in which all buffers can be read. */
  readonly width: 1 | 2 | 4;
  /** The number of elements in a row, if known. */
  readonly length: number | undefined;
  /** Whether nothing is reduced. */
  readonly isFlat: boolean;
  /** Whether the elements of a row are adjacent in no buffer. Those of neighbouring rows may be, as in sums over the first axis. */
  readonly isStrided: boolean;
}

/**
 * The number of elements of a row that a lane caches between two reads of it: in registers on a GPU, which its workgroup shares,
 * on the stack on a processor.
 */
const keptElements = {
  gpu: (target: TargetProfile, workgroup: number, width: number) =>
    Math.min(mostKept(target, width), keptInWorkgroup / workgroup),
  /** GELU(LayerNorm(x + residual + bias)) of 4096 columns takes 0.81 of the time on llvmpipe if its sum is cached. */
  cpu: (target: TargetProfile) => (isWide(target) ? 2048 : 1024),
};
/** Half of the registers of a multiprocessor. */
const keptInWorkgroup = 2 ** 15;

/** @param most the largest number of invocations in a workgroup. */
export function usualChoice(row: IterationTraits, target: TargetProfile, most: number): Choice {
  const choose = target.kind === "gpu" ? onGpu : onProcessor;
  return choose(row, target, most);
}

/**
 * Lanes per workgroup on a GPU: at least two subgroups of most devices, more for short rows, which share a workgroup, and the most
 * unless a row needs more lanes. An H200 starts about 1.5 workgroups a nanosecond: with 128 instead of 64 lanes norms and softmax
 * take 0.73 to 0.96 of the time for 65537 rows and more of 32 to 128 elements, and 0.92 to 1.03 for fewer. With 256 lanes they
 * take 0.89 to 0.95 of that for 65537 rows of 32, but 1.05 for eight rows and where lanes merge through workgroup memory.
 */
const gpuWorkgroup = { least: 64, ofShortRows: 128, most: 256 };
/**
 * Elements per lane if nothing is reduced, in a vector if possible: 20 elementwise ops in single elements take 0.93 to 0.95
 * of the time of one element per lane on an H200.
 */
const elementsPerFlatLane = 4;
/** Elements of a row per lane on a GPU: enough loads are then in flight, whatever their width. */
const elementsPerLane = 16;
/** The fewest lanes that share a row, if it has enough elements for them: they read whole cache lines. */
const leastLanes = 32;

function onGpu(row: IterationTraits, target: TargetProfile, most: number): Choice {
  const { width, length, isFlat, isStrided, isTiled = false, across } = row;
  const least = Math.min(most, Math.max(gpuWorkgroup.least, subgroupAsked(target) ?? 1));
  if (across !== undefined) return { lanes: 1, workgroup: least, rowsPerLane: 1, width: 1, keep: 0 };
  const workgroup = Math.min(most, gpuWorkgroup.most);
  const keep = keptElements.gpu(target, workgroup, width);
  // A lane processes at least the rows whose elements share a word.
  if (isFlat) {
    const elements = Math.max(elementsPerFlatLane, row.packedRows);
    return { lanes: 1, workgroup, rowsPerLane: elements / width, width, keep };
  }
  if (isStrided && !isTiled) {
    return { lanes: Math.min(workgroup, lanesOfStridedRow(length)), workgroup, rowsPerLane: 1, width, keep };
  }
  const lanes = Math.min(most, gpuLanes(length, width, isTiled));
  const isShort = !isTiled && length !== undefined && lanes <= leastLanes;
  const ofRows = isShort ? Math.min(most, gpuWorkgroup.ofShortRows) : Math.max(lanes, least);
  return { lanes, workgroup: ofRows, rowsPerLane: 1, width, keep: keptElements.gpu(target, lanes, width) };
}

/**
 * Lanes per row on a GPU: one for 16 elements up to 4096, then four times the square root of the length, as barriers of larger
 * workgroups take longer. An H200 with 512 instead of 256 lanes for rows of 16384 takes 0.68 to 1.07 of the time for norms, softmax
 * and their gradients, and with 1024 for rows of 131072 0.49 to 0.65; 512 lanes for 8192 columns would take up to 1.3. In loops
 * over tiles a lane also has a sum per column. If the row length is not known, a small workgroup reads short and long rows well
 * enough.
 */
function gpuLanes(length: number | undefined, width: number, isTiled: boolean): number {
  if (length === undefined) return gpuWorkgroup.least;
  const ofShortRow = Math.max(leastLanes, powerOfTwo(length / elementsPerLane));
  const ofLongRow = isTiled ? Infinity : 2 ** Math.floor(Math.log2(4 * Math.sqrt(length)));
  return Math.min(powerOfTwo(length / width), ofShortRow, Math.max(ofLongRow, gpuWorkgroup.most));
}

/**
 * Lanes per row on a GPU if the elements of a row are not adjacent: neighbouring lanes process neighbouring rows, so that they read
 * adjacent elements, and the lanes of one row merge through workgroup memory. The more lanes share a row, the fewer rows are
 * adjacent. Sums over the first axis of 256 to 65537 rows were fastest on an H200 with 8 lanes for 256 elements, 16 for 1024, 32
 * for 4096 and 64 for 20480, which is half the square root.
 */
const lanesOfStridedRow = (length = usualStrided) => Math.max(1, 2 ** Math.round(Math.log2(Math.sqrt(length) / 2)));

/** The assumed length of a strided row if it is not known. */
const usualStrided = 1024;

/** Lanes per workgroup on a processor: few, because a core executes them in a loop, and as few as possible if rows are long. */
const cpuWorkgroup = { usual: 32, ofLongRows: 1 };
/** The minimum length of a long row, in units. */
const longRow = 512;
/**
 * The maximum length of a short row, in elements. From 128 on, vectors take 0.74 to 1.02 of the time of single elements on
 * lavapipe and SwiftShader; at 64, up to 1.2.
 */
const shortRow = 96;
const veryLongRow = 65536;

/**
 * Lanes per row and per workgroup on a processor if the elements of a row are not adjacent. Lanes of neighbouring rows read
 * adjacent elements: compared with a subgroup per row, sums, extremes, variances and softmax over the first axis take 0.5 to 0.7
 * of the time on lavapipe and 0.86 to 0.96 on SwiftShader. With one lane per row, a tensor of few columns would use one core only.
 */
const strided = { lanes: 2, workgroup: 8 };

/** Whether subgroups of a processor are as wide as those of llvmpipe. Those of SwiftShader have four lanes. */
export const isWide = ({ subgroup }: TargetProfile) => (subgroup?.max ?? 0) >= 8;

function onProcessor(row: IterationTraits, target: TargetProfile, most: number): Choice {
  const { length, isFlat, isTiled = false, across } = row;
  // A lane processes several adjacent rows of one tile at once, so that its reads are contiguous.
  if (across !== undefined) {
    const workgroup = Math.min(most, cpuWorkgroup.usual);
    return { lanes: 1, workgroup, rowsPerLane: ofOneTile(8, across), width: 1, keep: 0 };
  }
  // As barriers are slow, a lane scans a row alone. It processes several elements per step instead of several rows, which would
  // take longer to compile.
  if (row.scans > 0) {
    const { width } = registerTile(row, target);
    return { lanes: 1, workgroup: Math.min(most, 64), rowsPerLane: 1, width, keep: keptElements.cpu(target) };
  }
  const few = lanesOfShortRow(row, target);
  if (few !== undefined) return { lanes: few, workgroup: Math.min(most, 64), rowsPerLane: 1, width: 4, keep: 64 };
  const { width, rowsPerLane } = registerTile(row, target);
  const units = length === undefined ? undefined : length / width;
  const isStrided = row.isStrided && !isTiled;
  // At most one subgroup, because barriers are slow.
  const ofSubgroup = isFlat ? 1 : Math.min(most, leastSubgroup(target), powerOfTwo(units ?? most));
  const lanes = isStrided ? Math.min(strided.lanes, ofSubgroup) : ofSubgroup;
  const steps = units === undefined ? undefined : Math.ceil(units / lanes);
  const rows = bearable(rowsPerLane, variablesOfRow(row.accumulators, width, steps));
  return {
    lanes,
    workgroup: isFlat ? most : isTiled ? lanes : Math.max(lanes, Math.min(most, lanesOfWorkgroup(isStrided, units))),
    rowsPerLane: isTiled ? Math.min(mostInTile(target), rows) : rows,
    width,
    keep: keptElements.cpu(target),
  };
}

function lanesOfWorkgroup(isStrided: boolean, units = 0): number {
  if (isStrided) return strided.workgroup;
  return units < longRow ? cpuWorkgroup.usual : cpuWorkgroup.ofLongRows;
}

/**
 * Lanes per row on a processor for rows of a few vectors. A single lane has nothing to merge: compared with eight lanes and 8
 * rows per lane, LayerNorm, RMSNorm and softmax take 0.2 to 0.8 of the time at 8 to 32 columns on both drivers. At 48 and 64
 * columns two lanes take 0.7 to 0.9 on lavapipe, and up to 1.3 on SwiftShader, whose subgroups have four.
 */
function lanesOfShortRow(row: IterationTraits, target: TargetProfile): number | undefined {
  const { length, width, isFlat, isTiled } = row;
  if (isFlat || isTiled || width !== 4 || length === undefined) return undefined;
  if (length <= 32) return 1;
  return length <= 64 && isWide(target) ? 2 : undefined;
}

/**
 * The register tile of a lane on a processor: rows, and consecutive elements of each. Gamma and beta are loaded once for all of
 * its rows, and there is more instruction-level parallelism. But statistics take several variables per element, and for short
 * rows it matters more how few states are left to merge. Measured on SwiftShader; llvmpipe, whose subgroups have 8 lanes, takes
 * 0.65 to 0.93 of the time for softmax, quantization and the gradient of RMSNorm with two rows in vectors of four.
 */
function registerTile(row: IterationTraits, target: TargetProfile): Pick<Choice, "width" | "rowsPerLane"> {
  const { width, length, isFlat, hasStates, packed, values } = row;
  const least = Math.min(width, packed) as 1 | 2 | 4;
  if (isFlat && isWide(target)) return { width, rowsPerLane: width === 1 || values <= fewValues ? 4 : 2 };
  if (isFlat) return { width: least, rowsPerLane: 4 };
  const isNarrow = width === 1 || (length !== undefined && length <= shortRow);
  if (isNarrow) return { width: least, rowsPerLane: least === 1 ? 8 : 4 };
  const count = row.accumulators.flat().length;
  if (isWide(target) && !row.hasMoments && (hasStates || count > 1)) return { width, rowsPerLane: 2 };
  // There are seldom many rows of this length.
  const isVeryLong = length !== undefined && length >= veryLongRow;
  const rowsPerLane = hasStates && isVeryLong ? 2 : 4;
  return { width: Math.min(width, Math.max(packed, hasStates && !isVeryLong ? 2 : 4)) as 1 | 2 | 4, rowsPerLane };
}

/**
 * The most values of an elementwise kernel of which a lane of llvmpipe computes four vectors at once instead of two; the
 * registers do not hold more. A lane reads each vector of four by one test of its mask, its own element by element, and 8 lanes
 * take some 250 cycles to begin. Compared with four single elements, `x + y` and `gelu(x)` take 0.46 to 0.57 of the time with
 * four vectors and 0.59 to 0.67 with two; 20 ops with four tanh take 0.79 with four and 0.70 with two, and an op of five tensors
 * 1.05 and 0.72.
 */
const fewValues = 4;

/**
 * Rows that a lane on a processor processes at once in a loop over the rows of a tile, in which each iteration loads and stores
 * its sums. SwiftShader executes loads lane by lane; llvmpipe, whose subgroups have 8 lanes, takes longer with 4 rows than with 2.
 */
const mostInTile = (target: TargetProfile) => (isWide(target) ? 2 : 4);

/** The number of variables that a lane accumulates into per row, in the loop with the most of them. */
export function variablesOfRow(accumulators: Traits["accumulators"], width: number, steps: number | undefined): number {
  const blocks = blocksOf(steps).length;
  const ofLoops = accumulators.map((list) => list.reduce((sum, one) => sum + width * variablesOf(one, blocks), 0));
  return Math.max(0, ...ofLoops);
}

/**
 * The largest number of variables that a lane may accumulate into. The drivers of processors take minutes and gigabytes to compile
 * more than fit in registers (SwiftShader 100 s for 112, 0.7 s for 56).
 */
export const mostVariables = { cpu: 64, gpu: Infinity };

/** The number of rows, reduced on a processor if a lane would accumulate into too many variables. */
const bearable = (rows: number, ofRow: number) => halvedUntil(rows, (each) => each * ofRow <= mostVariables.cpu);

/** The number of rows, reduced to one that divides the rows of a tile. */
export const ofOneTile = (rows: number, inTile = rows) => halvedUntil(rows, (each) => inTile % each === 0);

/** The rows per lane, reduced if there are so few rows that cores would be idle. */
export const shared = (rowsPerLane: number, rows = Infinity) =>
  halvedUntil(rowsPerLane, (each) => rows / each >= enoughWorkgroups);

/** The count, halved until the condition holds, but not below 1. */
function halvedUntil(count: number, isEnough: (each: number) => boolean): number {
  let each = count;
  while (each > 1 && !isEnough(each)) each /= 2;
  return each;
}
