/**
 * The schedules of a kernel with their estimates. The search is that of `tirc tune`, with estimates in place of measurements:
 * starting from the rules' schedule, all values of one part of the choice are tried at a time, until no part improves.
 */

import { getOrInsert } from "../src/ir/groups.ts";
import type { Fn } from "../src/ir/ir.ts";
import { type Estimate, estimate } from "../src/kernel/estimate.ts";
import type { Program } from "../src/kernel/statement.ts";
import type { Tile } from "../src/plan/plan.ts";
import { type Choice, type ChoiceSpace, choiceParts } from "../src/target/choice.ts";
import type { KernelOptions } from "../src/target/options.ts";
import { type Rates, timeOf, usualRates } from "../src/target/rates.ts";
import { subgroupAsked, type TargetProfile } from "../src/target/target.ts";
import { anyRows } from "./any-rows.ts";
import { type Extent, extentOf, known, times } from "./extent.ts";
import { Generator } from "./generator.ts";
import { type Plan, Planner } from "./plan-kernel.ts";
import type { ChosenBy } from "./schedule.ts";
import { teamsOf } from "./tile-sums.ts";
import { mostVariables } from "./usual-choice.ts";

/** A schedule and its estimate. */
interface Candidate {
  readonly choice: Choice;
  /** For `estimatedElements` elements in total, rounded up to whole workgroups, whatever the number of rows in the program. */
  readonly estimate: Estimate;
  /** For exactly as many. */
  readonly nanoseconds: number;
}

/** The chosen schedule of a kernel, and the candidates. */
export interface Explained {
  readonly fn: string;
  /** The hash of the kernel's computation. */
  readonly kernel: string;
  /** The number of elements in a row, if known; 1 without a reduction. */
  readonly columns: number | undefined;
  readonly by: ChosenBy;
  readonly chosen: Candidate;
  /** The choice of the rules. */
  readonly usual: Candidate;
  /** All candidates, the fastest first, including those that change the order of a row's sums. */
  readonly candidates: readonly Candidate[];
}

/** The number of elements for which schedules are estimated, regardless of the program: enough to keep a device busy. */
export const estimatedElements = 2 ** 22;
/** The assumed length of a row, or extent of a dimension in it, if it is not known, and the assumed number of rows in a tile. */
const usualLength = 1024;
const usualTile = 64;
/** The assumed extents of all axes of rows but the first. */
const usualInner = 64;
/** A schedule replaces the rules' schedule if it takes at most this fraction of its time: an estimate is not a measurement. */
export const worthwhile = 0.9;
const mostSweeps = 3;
/**
 * The parts of a choice that do not determine the order of a row's sums. An estimate may choose the others only on request: a
 * row's bits may then depend on the whole kernel, but still not on the number of rows.
 */
const orderless = ["workgroup", "rowsPerLane"] as const;

/** The parts that the estimate chooses. Kernels over tiles with one lane per row have a single schedule. */
function chosenParts({ target, options, tile }: Planner): readonly (keyof Choice)[] {
  if (tile !== undefined) return [];
  // In a strict kernel, the order of a sum may not depend on what else it computes.
  if (options.schedule === "least-estimate") return options.rounding === "strict" ? orderless : choiceParts;
  return target.rates === undefined ? [] : orderless;
}

/** @throws TircError as `generateKernel` does. */
export function explainSchedule(fn: Fn, target: TargetProfile, options: KernelOptions = {}, tile?: Tile): Explained {
  const planner = new Planner(fn, target, options, tile);
  const { schedule } = planner.plan();
  const search = new Search(planner, schedule.space);
  const parts = chosenParts(planner);
  const isMeasured = schedule.by === "measurement";
  const best = search.best(schedule.usual, parts);
  if (tile === undefined) search.best(schedule.usual, choiceParts);
  const candidates = search.all.toSorted((a, b) => a.nanoseconds - b.nanoseconds);
  return {
    ...{ fn: fn.name, kernel: planner.hash, columns: known(schedule.columnCount), candidates },
    by: isMeasured ? "measurement" : parts.length > 0 ? "estimate" : "rules",
    chosen: isMeasured ? search.candidate(schedule.choice) : best,
    usual: search.candidate(schedule.usual),
  };
}

/** Plans by a measured choice if there is one, or else by the rules and, where it decides, by the least estimate. */
export function planned(planner: Planner): Plan {
  const plan = planner.plan();
  const parts = chosenParts(planner);
  if (plan.schedule.by === "measurement" || parts.length === 0) return plan;
  return planner.plan(new Search(planner, plan.schedule.space).best(plan.schedule.usual, parts).choice);
}

/** Estimates the choices of one kernel, each once. */
class Search {
  private readonly known = new Map<string, Candidate>();
  private readonly planner: Planner;
  private readonly rates: Rates;
  private readonly space: ChoiceSpace;

  constructor(planner: Planner, space: ChoiceSpace) {
    const { target } = planner;
    this.planner = planner.forAnyRows();
    this.rates = target.rates ?? usualRates[target.kind];
    this.space = space;
  }

  get all(): readonly Candidate[] {
    return [...this.known.values()];
  }

  /** The best choice found from the usual one by changing these parts, or the usual one if no other is worthwhile. */
  best(usual: Choice, parts: readonly (keyof Choice)[]): Candidate {
    const first = this.candidate(usual);
    let best = first;
    for (let sweep = 0, moved = true; moved && sweep < mostSweeps; sweep++) {
      moved = false;
      for (const part of parts) {
        for (const value of this.space[part]) {
          const choice = { ...best.choice, [part]: value };
          const one = this.considered({ ...choice, workgroup: Math.max(choice.lanes, choice.workgroup) });
          if (one === undefined || one.nanoseconds >= best.nanoseconds) continue;
          best = one;
          moved = true;
        }
      }
    }
    return best.nanoseconds <= worthwhile * first.nanoseconds ? best : first;
  }

  /** Undefined if the driver would take too long to compile it. */
  private considered(choice: Choice): Candidate | undefined {
    const plan = this.planner.plan(choice);
    return plan.schedule.variables > mostVariables[this.planner.target.kind] ? undefined : this.candidate(choice, plan);
  }

  candidate(choice: Choice, plan?: Plan): Candidate {
    const key = choiceParts.map((part) => choice[part]).join();
    return getOrInsert(this.known, key, () => this.estimated(choice, plan ?? this.planner.plan(choice)));
  }

  private estimated(choice: Choice, plan: Plan): Candidate {
    const { target, tile } = this.planner;
    const { program } = new Generator(this.planner, plan).program();
    const { extents, workgroups, excess } = extentsFor(plan, program, tile);
    const made = estimate(program, { extents, workgroups, inStep: lanesInStep(target), areAlike: true });
    return { choice, estimate: made, nanoseconds: timeOf(made, this.rates, target.kind) / excess };
  }
}

/** The number of lanes in lockstep: the subgroup size, or a common one if the profile does not give it. */
export const lanesInStep = (target: TargetProfile) =>
  subgroupAsked(target) ?? target.subgroup?.min ?? (target.kind === "gpu" ? 32 : 4);

const greatestCommonDivisor = (a: number, b: number): number => (b === 0 ? a : greatestCommonDivisor(b, a % b));

/**
 * The extents of all dimensions, and the resulting number of workgroups, all with the same number of rows; the number of elements is
 * `excess` times that wanted.
 */
function extentsFor({ graph, schedule }: Plan, { dims }: Program, tile: Tile | undefined) {
  const { columns, columnCount, vector, width, rowsPerLane, rowsPerWorkgroup } = schedule;
  const { tiled } = graph;
  const isFlat = columns.length === 0;
  const axes = tiled ? teamsOf(tiled).map(({ extent }) => extentOf(extent)) : schedule.rows.map(({ extent }) => extent);
  const perWorkgroup = rowsPerWorkgroup / (tiled ? rowsPerLane : 1);
  const extents: Record<string, number> = Object.fromEntries(dims.map(({ name }) => [name, usualLength]));
  for (const i of graph.rows.keys()) extents[anyRows(i)] = usualInner;
  const countOf = ({ factor, names, by }: Extent) =>
    names.reduce((product, name) => product * (extents[name] as number), factor) / by;
  const rowCount = () => countOf(times(...axes));
  // The extent of one axis of rows follows from the number of elements: of the first, or of the only one.
  const only = isFlat && axes.length === 1 && typeof vector?.extent === "string" ? vector.extent : undefined;
  const free = tile?.count ?? only ?? anyRows(0);
  extents[free] = only === undefined ? 1 : width;
  if (tile !== undefined) extents[tile.size] = usualTile;
  let excess = 1;
  if (axes.some(({ names }) => names.includes(free))) {
    const inner = rowCount();
    // Without a reduction, rows are counted in vectors.
    const elements = inner * (isFlat ? width : countOf(columnCount)) * (tiled ? usualTile : 1);
    const ofWholeWorkgroups = perWorkgroup / greatestCommonDivisor(perWorkgroup, inner);
    const wanted = estimatedElements / Math.max(1, elements);
    const whole = ofWholeWorkgroups * Math.max(1, Math.ceil(wanted / ofWholeWorkgroups));
    excess = whole / wanted;
    extents[free] *= whole;
  }
  if (tile !== undefined) extents[tile.dim] = usualTile * (extents[free] as number);
  return { extents, workgroups: Math.ceil(rowCount() / perWorkgroup), excess };
}
