/**
 * Schedules of a kernel, and what each is estimated to take. From the usual one, each part of the choice takes all of its
 * values in turn, until no part gets better: the search of `tirc tune`, with estimates in place of measurements.
 */

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
import { Planner } from "./plan-kernel.ts";
import { type ChosenBy, isTrialRows, type Schedule, trialRows } from "./schedule.ts";
import { mostVariables } from "./usual-choice.ts";

/** A schedule, and what it is estimated to take. */
interface Candidate {
  readonly choice: Choice;
  /** Of rows of `elements` elements in all, however many the program has. */
  readonly estimate: Estimate;
  readonly nanoseconds: number;
}

/** What is chosen for a kernel, and what was looked at for it. */
export interface Explained {
  readonly fn: string;
  /** What the kernel computes. */
  readonly kernel: string;
  /** Elements of a row, where that is known; 1 where there is no reduction. */
  readonly columns: number | undefined;
  readonly by: Exclude<ChosenBy, "trial">;
  readonly chosen: Candidate;
  /** What the rules say. */
  readonly usual: Candidate;
  /** All that were looked at, the fastest first; those that order a row's sums in other ways too. */
  readonly candidates: readonly Candidate[];
}

/** Elements of the rows that are estimated, however many the program has: enough to keep a device busy. */
export const estimatedElements = 2 ** 22;
/** A row's length, or a dimension in it, where it is not known, and rows of a tile. */
const usualLength = 1024;
const usualTile = 64;
/** The usual schedule is given up for one that takes this part of its time at most: an estimate is no measurement. */
export const worthwhile = 0.9;
const mostSweeps = 3;
/**
 * What an estimate chooses. The rest orders the sums of a row, whose bits may depend on the target and the row's length alone,
 * while an estimate sees all of a program: whether a single row is all there is, say.
 */
const chosenParts = ["workgroup", "rowsPerLane"] as const;

/** @throws TircError as `generateKernel` does. */
export function explainSchedule(fn: Fn, target: TargetProfile, options: KernelOptions = {}, tile?: Tile): Explained {
  const planner = new Planner(fn, target, options, tile);
  const { schedule } = planner.plan();
  const rates = target.rates ?? usualRates[target.kind];
  const search = new Search(planner, rates, target, options, tile);
  const isMeasured = schedule.by === "measurement";
  const by = isMeasured ? "measurement" : target.rates && !tile ? "estimate" : "rules";
  // Of rows of a tile that have a lane each there is one schedule.
  const best = tile ? search.candidate(schedule.usual) : search.best(schedule.usual, chosenParts);
  if (tile === undefined) search.best(schedule.usual, choiceParts);
  const usual = search.candidate(schedule.usual);
  const chosen = isMeasured ? search.candidate(schedule.choice) : by === "rules" ? usual : best;
  const candidates = search.all.toSorted((a, b) => a.nanoseconds - b.nanoseconds);
  return { fn: fn.name, kernel: planner.hash, columns: known(schedule.columnCount), by, chosen, usual, candidates };
}

/** The usual choice with the parts that an estimate chooses from the least one, where that is worthwhile. */
export function leastChoice(planner: Planner, rates: Rates, target: TargetProfile, options: KernelOptions): Choice {
  return new Search(planner, rates, target, options, undefined).best(planner.plan().schedule.usual, chosenParts).choice;
}

/** Estimates choices of one kernel, each once. */
class Search {
  private readonly known = new Map<string, Candidate>();
  private readonly planner: Planner;
  private readonly rates: Rates;
  private readonly target: TargetProfile;
  private readonly options: KernelOptions;
  private readonly tile: Tile | undefined;

  constructor(planner: Planner, rates: Rates, target: TargetProfile, options: KernelOptions, tile: Tile | undefined) {
    this.planner = planner;
    this.rates = rates;
    this.target = target;
    this.options = options;
    this.tile = tile;
  }

  get all(): readonly Candidate[] {
    return [...this.known.values()];
  }

  /** The best that is found from the usual one by changing these parts, or that itself where others are not worthwhile. */
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

  /** Undefined where the device's compiler would take too long. */
  private considered(choice: Choice): Candidate | undefined {
    const { variables } = this.planner.plan({ choice, by: "trial" }).schedule;
    return variables > mostVariables[this.target.kind] ? undefined : this.candidate(choice);
  }

  candidate(choice: Choice): Candidate {
    const key = choiceParts.map((part) => choice[part]).join();
    const known = this.known.get(key) ?? this.estimated(choice);
    this.known.set(key, known);
    return known;
  }

  private estimated(choice: Choice): Candidate {
    const { target } = this;
    const plan = this.planner.plan({ choice, by: "trial" });
    const { program } = new Generator(plan, target, this.options, this.tile).program();
    const { extents, workgroups } = extentsFor(plan.schedule, program, this.tile);
    const made = estimate(program, { extents, workgroups, inStep: lanesInStep(target), areAlike: true });
    return { choice, estimate: made, nanoseconds: timeOf(made, this.rates, target.kind) };
  }
}

/** Lanes that go in step: of a subgroup, or as many as are usual where nothing says how large one is. */
export const lanesInStep = (target: TargetProfile) =>
  subgroupAsked(target) ?? target.subgroup?.min ?? (target.kind === "gpu" ? 32 : 4);

const greatestCommonDivisor = (a: number, b: number): number => (b === 0 ? a : greatestCommonDivisor(b, a % b));

/** Extents of all dimensions, and how many workgroups that makes, each with as many rows. */
function extentsFor(schedule: Schedule, { dims }: Program, tile: Tile | undefined) {
  const { rows, columns, columnCount, rowsPerWorkgroup, width } = schedule;
  const extents: Record<string, number> = Object.fromEntries(dims.map(({ name }) => [name, usualLength]));
  if (tile !== undefined) extents[tile.size] = usualTile;
  const countOf = ({ factor, names, by }: Extent) =>
    names.reduce((product, name) => product * (extents[name] ?? 1), factor) / by;
  const rowCount = () => countOf(times(...rows.map(({ extent }) => extent)));
  // The first axis of rows has as many as make up the elements.
  const first = rows.findIndex(({ extent }) => extent.names.some(isTrialRows));
  if (first >= 0) {
    const inner = rowCount();
    // Where nothing is reduced, rows are counted in vectors.
    const elements = inner * (columns.length === 0 ? width : countOf(columnCount));
    const ofWholeWorkgroups = rowsPerWorkgroup / greatestCommonDivisor(rowsPerWorkgroup, inner);
    const wanted = estimatedElements / Math.max(1, elements);
    extents[trialRows(first)] = ofWholeWorkgroups * Math.max(1, Math.ceil(wanted / ofWholeWorkgroups));
  }
  if (tile !== undefined) extents[tile.dim] = usualTile * (extents[trialRows(0)] ?? 1);
  return { extents, workgroups: Math.ceil(rowCount() / rowsPerWorkgroup) };
}
