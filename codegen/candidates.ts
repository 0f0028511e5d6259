/**
 * The schedules of a kernel with their estimates. The search is that of `tirc tune`, with estimates in place of measurements:
 * starting from the rules' schedule, all values of one part of the choice are tried at a time, until no part improves.
 */

import { getOrInsert } from "../src/ir/groups.ts";
import type { Fn } from "../src/ir/ir.ts";
import { type Estimate, estimate } from "../src/kernel/estimate.ts";
import type { Program } from "../src/kernel/statement.ts";
import type { Tile } from "../src/plan/plan.ts";
import { type Choice, choiceParts } from "../src/target/choice.ts";
import type { KernelOptions } from "../src/target/options.ts";
import { type Rates, timeOf, usualRates } from "../src/target/rates.ts";
import { subgroupAsked, type TargetProfile } from "../src/target/target.ts";
import { type Extent, known, times } from "./extent.ts";
import { Generator } from "./generator.ts";
import { type Plan, Planner } from "./plan-kernel.ts";
import { type ChosenBy, isTrialRows, type Schedule, trialRows } from "./schedule.ts";
import { mostVariables } from "./usual-choice.ts";

/** A schedule and its estimate. */
interface Candidate {
  readonly choice: Choice;
  /** For `estimatedElements` elements in total, whatever the number of rows in the program. */
  readonly estimate: Estimate;
  readonly nanoseconds: number;
}

/** The chosen schedule of a kernel, and the candidates. */
export interface Explained {
  readonly fn: string;
  /** The hash of the kernel's computation. */
  readonly kernel: string;
  /** The number of elements in a row, if known; 1 without a reduction. */
  readonly columns: number | undefined;
  readonly by: Exclude<ChosenBy, "trial">;
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
/** A schedule replaces the rules' schedule if it takes at most this fraction of its time: an estimate is not a measurement. */
export const worthwhile = 0.9;
const mostSweeps = 3;
/**
 * The parts that an estimate may choose. The others determine the order of a row's sums, and a row's bits may depend on the
 * target and the row length alone, while an estimate depends on the whole program.
 */
const chosenParts = ["workgroup", "rowsPerLane"] as const;

/** @throws TircError as `generateKernel` does. */
export function explainSchedule(fn: Fn, target: TargetProfile, options: KernelOptions = {}, tile?: Tile): Explained {
  const planner = new Planner(fn, target, options, tile);
  const { schedule } = planner.plan();
  const rates = target.rates ?? usualRates[target.kind];
  const search = new Search(planner, rates);
  const isMeasured = schedule.by === "measurement";
  const by = isMeasured ? "measurement" : target.rates && !tile ? "estimate" : "rules";
  // Kernels over tiles with one lane per row have a single schedule.
  const best = tile ? search.candidate(schedule.usual) : search.best(schedule.usual, chosenParts);
  if (tile === undefined) search.best(schedule.usual, choiceParts);
  const usual = search.candidate(schedule.usual);
  const chosen = isMeasured ? search.candidate(schedule.choice) : by === "rules" ? usual : best;
  const candidates = search.all.toSorted((a, b) => a.nanoseconds - b.nanoseconds);
  return { fn: fn.name, kernel: planner.hash, columns: known(schedule.columnCount), by, chosen, usual, candidates };
}

/** The choice of the rules, with `chosenParts` from the least estimate if that is worthwhile. */
export function leastChoice(planner: Planner, rates: Rates): Choice {
  return new Search(planner, rates).best(planner.plan().schedule.usual, chosenParts).choice;
}

/** Estimates the choices of one kernel, each once. */
class Search {
  private readonly known = new Map<string, Candidate>();
  private readonly planner: Planner;
  private readonly rates: Rates;

  constructor(planner: Planner, rates: Rates) {
    this.planner = planner;
    this.rates = rates;
  }

  get all(): readonly Candidate[] {
    return [...this.known.values()];
  }

  /** The best choice found from the usual one by changing these parts, or the usual one if no other is worthwhile. */
  best(usual: Choice, parts: readonly (keyof Choice)[]): Candidate {
    const first = this.candidate(usual);
    const { space } = this.planner.plan().schedule;
    let best = first;
    for (let sweep = 0, moved = true; moved && sweep < mostSweeps; sweep++) {
      moved = false;
      for (const part of parts) {
        for (const value of space[part]) {
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
    const plan = this.planner.plan({ choice, by: "trial" });
    return plan.schedule.variables > mostVariables[this.planner.target.kind] ? undefined : this.candidate(choice, plan);
  }

  candidate(choice: Choice, plan?: Plan): Candidate {
    const key = choiceParts.map((part) => choice[part]).join();
    return getOrInsert(this.known, key, () =>
      this.estimated(choice, plan ?? this.planner.plan({ choice, by: "trial" })),
    );
  }

  private estimated(choice: Choice, plan: Plan): Candidate {
    const { target, tile } = this.planner;
    const { program } = new Generator(this.planner, plan).program();
    const { extents, workgroups } = extentsFor(plan.schedule, program, tile);
    const made = estimate(program, { extents, workgroups, inStep: lanesInStep(target), areAlike: true });
    return { choice, estimate: made, nanoseconds: timeOf(made, this.rates, target.kind) };
  }
}

/** The number of lanes in lockstep: the subgroup size, or a common one if the profile does not give it. */
export const lanesInStep = (target: TargetProfile) =>
  subgroupAsked(target) ?? target.subgroup?.min ?? (target.kind === "gpu" ? 32 : 4);

const greatestCommonDivisor = (a: number, b: number): number => (b === 0 ? a : greatestCommonDivisor(b, a % b));

/** The extents of all dimensions, and the resulting number of workgroups, all with the same number of rows. */
function extentsFor(schedule: Schedule, { dims }: Program, tile: Tile | undefined) {
  const { rows, columns, columnCount, rowsPerWorkgroup, width } = schedule;
  const extents: Record<string, number> = Object.fromEntries(dims.map(({ name }) => [name, usualLength]));
  if (tile !== undefined) extents[tile.size] = usualTile;
  const countOf = ({ factor, names, by }: Extent) =>
    names.reduce((product, name) => product * (extents[name] ?? 1), factor) / by;
  const rowCount = () => countOf(times(...rows.map(({ extent }) => extent)));
  // The extent of the first axis of rows follows from the number of elements.
  const first = rows.findIndex(({ extent }) => extent.names.some(isTrialRows));
  if (first >= 0) {
    const inner = rowCount();
    // Without a reduction, rows are counted in vectors.
    const elements = inner * (columns.length === 0 ? width : countOf(columnCount));
    const ofWholeWorkgroups = rowsPerWorkgroup / greatestCommonDivisor(rowsPerWorkgroup, inner);
    const wanted = estimatedElements / Math.max(1, elements);
    extents[trialRows(first)] = ofWholeWorkgroups * Math.max(1, Math.ceil(wanted / ofWholeWorkgroups));
  }
  if (tile !== undefined) extents[tile.dim] = usualTile * (extents[trialRows(0)] ?? 1);
  return { extents, workgroups: Math.ceil(rowCount() / rowsPerWorkgroup) };
}
