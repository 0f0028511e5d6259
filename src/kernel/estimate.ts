/**
 * What a kernel costs, without a device: how much it loads, stores and computes at given extents, and the time that this takes
 * by a few rates of the device.
 *
 * After tinygrad's `Estimates.from_uops` (operations and bytes by the turns of loops); the rates are fitted to what was
 * measured, as TVM's cost models are (Chen et al. 2018), but linear and few: each has a unit, and can be set by hand.
 */

import { cachedBytes } from "./cached-bytes.ts";
import { addCost, type Cost, costOf, costOfStore, noCost } from "./cost.ts";
import { Execution, type Executions } from "./executions.ts";
import { indexBounds } from "./index-bound.ts";
import { registersOf } from "./registers.ts";
import type { Program, Statement } from "./statement.ts";

/** What a launch of a kernel comes to. */
export interface Estimate {
  readonly bytesLoaded: number;
  readonly bytesStored: number;
  /** Of the bytes that are loaded, those that caches hold: other workgroups load them too, or this one has before. */
  readonly bytesCached: number;
  /** Cache lines that loads and stores touch, of each group of lanes in step and each time. */
  readonly lines: number;
  /** Arithmetic, accesses of memory and turns of loops, of all lanes, with those that wait for others of their subgroup. */
  readonly operations: number;
  /** Exponentials, roots and divisions, in the same way. */
  readonly transcendentals: number;
  /** Of all workgroups. */
  readonly barriers: number;
  readonly workgroups: number;
  readonly launches: number;
  /** 32-bit values that a lane has at a time. */
  readonly registers: number;
  /** Lanes of all workgroups. */
  readonly lanes: number;
  /** Bytes of a workgroup. */
  readonly workgroupMemory: number;
}

/** Where a kernel is estimated. */
interface EstimateAt {
  /** Of the symbolic dimensions. */
  readonly extents: Readonly<Record<string, number>>;
  readonly workgroups: number;
  /** Lanes that go in step; 1 counts each lane for itself. */
  readonly inStep: number;
  /** Whether all workgroups have as many rows: one is then gone through. */
  readonly areAlike?: boolean;
}

/** Workgroups that are gone through one by one; of more, the first and the last. */
const fewWorkgroups = 8;

/**
 * A pure function of the program. Where there are many workgroups, all but the last are taken to be as the first: where a tile
 * is shorter than others, that is too much.
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
    const bytes = workOf(statement, counts.lanes, counts.lanes + counts.turns);
    const stored = isOfParts ? workOf(statement, counts.words, 0) : bytes;
    const issued = workOf(statement, counts.issued, counts.issued + counts.issuedTurns);
    work = addCost(work, { ...issued, bytesLoaded: bytes.bytesLoaded, bytesStored: stored.bytesStored });
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
    workgroupMemory: program.shared.reduce((sum, { type, length = 1 }) => sum + 4 * type.width * length, 0),
  };
}

const barriersOf = ({ lanes }: Executions, { workgroupSize }: Program) => lanes / workgroupSize;

/** @param runs how often it is run. @param checks how often a loop looks whether it goes on. */
function workOf(statement: Statement, runs: number, checks: number): Cost {
  switch (statement.kind) {
    case "define":
      return times(costOf(statement.value), runs);
    case "assign": {
      const { target, operator, value } = statement;
      const { width } = target.type;
      const index = target.kind === "item" ? costOf(target.index) : noCost;
      const access = target.kind === "item" && target.variable.isShared ? 1 : 0;
      const written = { ...noCost, accesses: access };
      const combined = operator ? addCost(costOf(target), { ...noCost, operations: width }) : noCost;
      return times(
        [costOf(value), index, written, combined].reduce((sum, one) => addCost(sum, one)),
        runs,
      );
    }
    case "store": {
      const { buffer, index, value, parts = [] } = statement;
      const computed = [index, value, ...parts].map(costOf).reduce((sum, one) => addCost(sum, one));
      return times(addCost(costOfStore(buffer, value.type.width), computed), runs);
    }
    case "if":
      return times(costOf(statement.condition), runs);
    case "loop": {
      const { from, progress } = statement;
      const until = progress === "halving" ? noCost : costOf(progress.until);
      return addCost(times(costOf(from), runs), until, checks);
    }
    case "array":
    case "barrier":
    case "scope":
    case "bind":
      return noCost;
    default:
      return statement satisfies never;
  }
}

const times = (cost: Cost, count: number) => addCost(noCost, cost, count);
