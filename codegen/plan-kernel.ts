/** From a fused function to its graph and its schedule. */

import * as kernelMessages from "../src/diagnostics/areas/kernels.ts";
import { fail } from "../src/diagnostics/diagnostic.ts";
import { leavesOf } from "../src/ir/atoms.ts";
import { getOrInsert, grouped } from "../src/ir/groups.ts";
import { type Fn, isLeaf, type Value } from "../src/ir/ir.ts";
import { firstMismatch, whyOutside } from "../src/ir/iteration.ts";
import type { ElementType } from "../src/ir/types.ts";
import { elementsInWord, storageOf } from "../src/kernel/buffer.ts";
import type { Tile } from "../src/plan/plan.ts";
import type { Choice } from "../src/target/choice.ts";
import type { KernelOptions } from "../src/target/options.ts";
import type { TargetProfile } from "../src/target/target.ts";
import { liesAsRows, type Use } from "./access.ts";
import { accumulatorsOf } from "./accumulators.ts";
import { forAnyRows } from "./any-rows.ts";
import { computedType } from "./expression.ts";
import { extentOf, known, times } from "./extent.ts";
import { factorSums } from "./factor-sums.ts";
import { buildGraph, centeringMeans, type Graph, type Store } from "./graph.ts";
import { hashOf } from "./graph-hash.ts";
import { lowerNorms } from "./lower-norms.ts";
import { bufferName, isCovariance, isOnline, isVariance, type Node, sumOfExps } from "./nodes.ts";
import { roundStrictly } from "./round-strictly.ts";
import { type Accesses, makeSchedule, type Schedule } from "./schedule.ts";
import type { Traits } from "./usual-choice.ts";

/** What a kernel computes, and how its work is distributed. */
export interface Plan {
  readonly graph: Graph;
  readonly schedule: Schedule;
}

/**
 * Which kernels of the same function another planner plans.
 * - multiples: those for extents that are multiples of the vector width.
 * - any rows: those for any number of rows, even if the function has a known one. Kernels over tiles keep theirs: no part of
 *   their schedules is chosen by an estimate.
 */
interface Variant {
  readonly of: Planner;
  readonly for: "multiples" | "any rows";
}

/**
 * Plans a function for a target, with the usual schedule or with others.
 * @throws TircError E0501 to E0507 if the function is not one kernel, or the target cannot run it.
 */
export class Planner {
  readonly target: TargetProfile;
  readonly options: KernelOptions;
  readonly tile: Tile | undefined;
  private readonly isStrict: boolean;
  private readonly fn: Fn;
  private readonly lowered: Fn;
  private readonly graphs: Map<boolean, Graph>;
  /** Whether extents that are known only when the kernel runs will be multiples of the vector width. */
  private readonly isMultiple: boolean;
  /** The planner for the known number of rows, if this one is for any number. */
  private readonly ofKnownRows: Planner | undefined;

  constructor(fn: Fn, target: TargetProfile, options: KernelOptions, tile?: Tile, variant?: Variant) {
    this.fn = fn;
    this.target = target;
    this.options = options;
    this.tile = tile;
    this.isStrict = options.rounding === "strict";
    this.isMultiple = variant?.for === "multiples" || (variant?.of.isMultiple ?? false);
    this.ofKnownRows = variant?.for === "any rows" ? variant.of : undefined;
    this.graphs = variant?.for === "multiples" ? variant.of.graphs : new Map();
    if (variant === undefined) {
      checkFused(fn, tile);
      checkTarget(fn, target);
    }
    this.lowered =
      variant?.of.lowered ??
      (this.isStrict ? lowerNorms(roundStrictly(fn), options) : factorSums(lowerNorms(fn, options)));
  }

  /** The planner of the same kernel for any number of rows. */
  forAnyRows(): Planner {
    return new Planner(this.fn, this.target, this.options, this.tile, { of: this, for: "any rows" });
  }

  /** Plans by the usual schedule, unless a choice is given. */
  plan(given?: Choice): Plan {
    const usual = this.scheduled(false, given);
    const { steps = Infinity, width, keep } = usual.schedule;
    // A row that a GPU's lanes cache is read only once anyway, and its exponentials are cached with it.
    const isCached = this.target.kind === "gpu" && steps * width <= keep;
    const hasExps = usual.graph.nodes.some(({ op, operands: [x] }) => x !== undefined && sumOfExps(op, x));
    return hasExps && !isCached ? this.scheduled(true, given) : usual;
  }

  /** The key of measured choices. */
  get hash(): string {
    return hashOf(this.graph(false));
  }

  private graph(online: boolean): Graph {
    return getOrInsert(this.graphs, online, () => this.build(online));
  }

  private build(exponentials: boolean): Graph {
    const known = this.ofKnownRows?.graph(exponentials);
    if (known !== undefined) return this.tile === undefined ? forAnyRows(known) : known;
    // With strict rounding, a covariance is not reduced along with the means.
    const covariances = !this.isStrict && this.options.reduction !== "two-fold";
    return buildGraph(this.lowered, { exponentials, covariances }, this.tile);
  }

  private scheduled(online: boolean, given: Choice | undefined): Plan {
    const graph = this.graph(online);
    const { rows, columns } = graph;
    const isTiled = graph.tiled !== undefined;
    const inTile = isTiled || this.tile === undefined ? undefined : (countOfRows(graph) ?? 1);
    const across = inTile === undefined ? undefined : acrossOf(graph);
    const { isMultiple } = this;
    const traits = { ...traitsOf(graph, this.target, this.isStrict), isTiled, inTile, across, isMultiple };
    return {
      graph,
      schedule: makeSchedule(() => this.hash, rows, columns, accessesOf(graph), this.target, traits, given),
    };
  }
}

/** The least number of neighbouring rows for which each gets a lane of its own. */
const leastAcross = 32;

const countOfRows = ({ rows }: Graph) => known(times(...rows.slice(1).map(({ extent }) => extentOf(extent))));

/** The number of rows of a kernel over tiles that are contiguous in memory, if they are; 1 if the number is not known. */
function acrossOf(graph: Graph): number | undefined {
  const { rows, nodes } = graph;
  const last = rows.at(-1);
  const isLast = nodes.every(({ kind, dims, atoms }) => {
    return kind !== "load" || dims === undefined || atoms.length < 2 || leavesOf(dims.flat()).at(-1) === last;
  });
  const count = countOfRows(graph);
  return isLast && (count ?? leastAcross) >= leastAcross ? (count ?? 1) : undefined;
}

function traitsOf(graph: Graph, { features }: TargetProfile, isStrict: boolean): Traits {
  const { nodes, stores } = graph;
  const hasMoments =
    isStrict || nodes.some((node) => node.kind === "centered" || isVariance(node) || isCovariance(node));
  const centered = centeringMeans(nodes);
  const reductions = nodes.filter(({ kind }) => kind === "reduction");
  const loops = [...grouped(reductions, ({ stage }) => stage).values()];
  const inWord = (element: ElementType) => elementsInWord(storageOf(element, features.includes("shader-f16")));
  const values = [...stores.map(({ node }) => node), ...nodes.filter(({ kind }) => kind === "load")];
  return {
    isStrict,
    scans: new Set(nodes.filter(({ kind }) => kind === "scan").map(({ value }) => computedType(value.element))).size,
    // In a strict kernel, the order of a sum must not depend on what else is computed.
    hasStates: hasMoments || nodes.some(isOnline),
    hasMoments,
    values: nodes.filter(({ kind }) => kind === "load" || kind === "elementwise").length,
    accumulators: loops.map((list) => accumulatorsOf(list, centered, (hint) => hint, !isStrict).accumulators),
    packed: Math.max(...values.map(({ value }) => inWord(value.element))) as 1 | 2 | 4,
    packedRows: Math.max(
      1,
      ...stores.filter((store) => liesAsRows(store, graph.rows)).map(({ node }) => inWord(node.value.element)),
    ) as 1 | 2 | 4,
  };
}

function checkFused(fn: Fn, tile: Tile | undefined): void {
  const work = fn.ops.filter((op) => !isLeaf(op));
  const [outside, ...others] = work.filter((op) => whyOutside(op) !== undefined);
  if (outside !== undefined) {
    const reason = whyOutside(outside) as string;
    const counts = { others: others.length, isInterpreted: work.every((op) => op.name !== "extern") };
    fail(kernelMessages.outside(outside.span, fn.name, outside.name, reason, counts));
  }
  const loose = work.find((op) => op.kernel === undefined);
  if (loose !== undefined) fail(kernelMessages.notFused(loose.span, fn.name, loose.name));
  const count = new Set(work.map((op) => op.kernel)).size;
  const found = tile === undefined ? firstMismatch(work) : undefined;
  // With a tile, sums over rows beside other reductions are merged by a kernel of their own.
  if (count < 2 && found === undefined) return;
  // This fails with a more precise message if no tensor has all axes.
  if (found === undefined) buildGraph(lowerNorms(fn));
  const first = work.find((op) => op.kernel !== work[0]?.kernel) as (typeof work)[number];
  const { op, ...refusal } = found ?? { op: first, reason: "the program puts it into another `kernel`" };
  fail(kernelMessages.severalKernels(op.span, fn.name, op.name, refusal, Math.max(2, count)));
}

function checkTarget(fn: Fn, target: TargetProfile): void {
  const inputs = [...fn.params, ...globalsOf(fn)].filter((value) => !isScalar(value)).map(bufferName);
  const names = [...inputs, ...fn.results.map(({ name }) => name)];
  const most = target.limits.maxStorageBuffersPerShaderStage;
  if (names.length > most) fail(kernelMessages.tooManyBuffers(fn.span, fn.name, names, target.name, most));
}

/** How buffers are accessed. */
function accessesOf(graph: Graph): Accesses {
  return {
    buffers: [...graph.nodes.flatMap(useOf), ...storesOf(graph)],
    places: graph.nodes.flatMap(({ place, parts = [] }) =>
      place ? [{ place, ends: parts.map(({ end }) => end) }] : [],
    ),
  };
}

/** All stores of a kernel: those of rows, and the sums of tiles. */
export const storesOf = ({ stores, tiled }: Graph): readonly Store[] => [...stores, ...(tiled?.sums ?? [])];

/** How the buffer of a load is read; empty for other nodes. */
export const useOf = ({ dims, moves }: Node): Use[] => (dims ? [{ dims, ...(moves && { moves }) }] : []);

/** The tensors of the module that the function reads. */
export const globalsOf = ({ ops }: Fn) => ops.filter((op) => op.name === "global").map((op) => op.result);

/** Whether the value is passed in the uniform buffer. */
export const isScalar = ({ shape }: Value) => shape.length === 0;
