/**
 * The cost of a kernel, without a device: how much it loads, stores and computes at given extents. `src/target/rates.ts` converts
 * it to time.
 *
 * This follows tinygrad's `Estimates.from_uops`, which counts operations and bytes by the trip counts of loops.
 */

import { cachedBytes } from "./cached-bytes.ts";
import { addCost, type Cost, costOf, costOfStore, noCost } from "./cost.ts";
import { Execution, type Executions } from "./executions.ts";
import { indexBounds } from "./index-bound.ts";
import { registersOf } from "./registers.ts";
import { expressionsOf, type Program, type Statement, sharedBytes } from "./statement.ts";

/** The cost of a launch of a kernel. */
export interface Estimate {
  readonly bytesLoaded: number;
  readonly bytesStored: number;
  /** The loaded bytes that caches serve: other workgroups load them as well, or the same workgroup has loaded them before. */
  readonly bytesCached: number;
  /** Cache lines touched by loads and stores, counted for each execution and each group of lanes in lockstep. */
  readonly lines: number;
  /** Arithmetic, memory accesses and loop iterations of all lanes, including lanes that wait for others of their subgroup. */
  readonly operations: number;
  /** Exponentials, roots and divisions, counted in the same way. */
  readonly transcendentals: number;
  /** The number of barriers executed by all workgroups. */
  readonly barriers: number;
  readonly workgroups: number;
  readonly launches: number;
  /** The maximum number of 32-bit values that are live in a lane at the same time. */
  readonly registers: number;
  /** The number of lanes in all workgroups. */
  readonly lanes: number;
  /** Workgroup memory in bytes per workgroup. */
  readonly workgroupMemory: number;
}

/** The launch to be estimated. */
interface EstimateAt {
  /** Extents of the symbolic dimensions. */
  readonly extents: Readonly<Record<string, number>>;
  readonly workgroups: number;
  /** The number of lanes in lockstep; with 1, no lane waits for another. */
  readonly inStep: number;
  /** Whether all workgroups have the same number of rows: only one is evaluated then. */
  readonly areAlike?: boolean;
}

/** Up to this many workgroups are all evaluated; of more, only the first and the last. */
const fewWorkgroups = 8;

/**
 * A pure function of the program. Of many workgroups, all but the last are assumed to cost as much as the first, which
 * overestimates kernels with shorter tiles among them.
 */
export function estimate(program: Program, at: EstimateAt): Estimate {
  const { extents, workgroups, inStep, areAlike = false } = at;
  const execution = new Execution(program, extents, inStep);
  if (areAlike) execution.runGroup(0, workgroups);
  else if (workgroups <= fewWorkgroups) for (let group = 0; group < workgroups; group++) execution.runGroup(group, 1);
  else {
    execution.runGroup(0, workgroups - 1);
    execution.runGroup(workgroups - 1, 1);
  }
  let work = noCost;
  let turns = 0;
  let barriers = 0;
  let lines = 0;
  for (const [statement, counts] of execution.counts) {
    const isOfParts = statement.kind === "store" && statement.parts !== undefined;
    const { run, check } = costsOf(statement);
    const issued = addCost(addCost(work, run, counts.issued), check, counts.issued + counts.issuedTurns);
    // Idle lanes compute, but do not access memory.
    const bytesLoaded = run.bytesLoaded * counts.lanes + check.bytesLoaded * (counts.lanes + counts.turns);
    const bytesStored = run.bytesStored * (isOfParts ? counts.words : counts.lanes);
    work = {
      ...issued,
      bytesLoaded: work.bytesLoaded + bytesLoaded,
      bytesStored: work.bytesStored + bytesStored,
    };
    turns += counts.issuedTurns;
    lines += counts.lines;
    if (statement.kind === "barrier") barriers += barriersOf(counts, program);
  }
  const { operations, transcendentals, accesses, bytesLoaded, bytesStored } = work;
  return {
    ...{ bytesLoaded, bytesStored, operations: operations + accesses + turns, transcendentals, barriers },
    bytesCached: cachedBytes(program.body, {
      lanesOf: (statement) => execution.counts.get(statement)?.lanes ?? 0,
      bytesOf: (load) => execution.bytes.get(load) ?? 0,
      boundOf: indexBounds(program.body, extents, program.workgroupSize),
    }),
    lines,
    ...{ workgroups, launches: 1, registers: registersOf(program), lanes: workgroups * program.workgroupSize },
    workgroupMemory: sharedBytes(program),
  };
}

const barriersOf = ({ lanes }: Executions, { workgroupSize }: Program) => lanes / workgroupSize;

/** The cost of a statement each time that it executes, and each time that it evaluates the bound of its loop. */
function costsOf(statement: Statement): { readonly run: Cost; readonly check: Cost } {
  const all = expressionsOf(statement).map(costOf);
  const [executed, [check = noCost]] = statement.kind === "loop" ? [all.slice(0, 1), all.slice(1)] : [all, []];
  return { run: executed.reduce((sum, one) => addCost(sum, one), ownWork(statement)), check };
}

/** The work of a statement beyond that of its expressions. */
function ownWork(statement: Statement): Cost {
  if (statement.kind === "store") return costOfStore(statement.buffer, statement.value.type.width);
  if (statement.kind !== "assign" || statement.operator === undefined) return noCost;
  // A compound assignment also reads its target, and computes.
  return addCost(costOf(statement.target), { ...noCost, operations: statement.target.type.width });
}
