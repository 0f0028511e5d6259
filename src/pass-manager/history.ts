/** The history of a module: the passes that ran, and what they did. */

import type { Module, Value } from "../ir/ir.ts";
import type { Fact, PassOutput, Provenance } from "../pass/facts.ts";
import { type Traced, Trail, valuesOf } from "../pass/trail.ts";

/** A pass that ran. */
export interface PassRun {
  /** The pass and its options, as in a pipeline. */
  readonly text: string;
  readonly given: Module;
  readonly made: Module;
  readonly facts: readonly Fact[];
  /** The replacements of the given module's values, possibly none, in the resulting module. */
  readonly provenance: Provenance;
  /** Whether every value that is not in the resulting module has an entry. */
  readonly isWhole: boolean;
}

/** The run of a pass, from its output for each function of a module. */
export function passRun(run: Pick<PassRun, "text" | "given" | "made">, outputs: readonly PassOutput[]): PassRun {
  const maps = outputs.flatMap(({ provenance }) => provenance ?? []);
  const isSaid = (output: PassOutput, i: number) => output.provenance !== undefined || output.fn === run.given.fns[i];
  return {
    ...run,
    facts: outputs.flatMap(({ facts = [] }) => facts),
    provenance: maps.length === 1 ? (maps[0] as Provenance) : new Map(maps.flatMap((map) => [...map])),
    isWhole: outputs.every(isSaid),
  };
}

/** The runs of passes, in order. A pass in a fixpoint has an entry for each run. */
export class History {
  readonly runs: readonly PassRun[];
  private readonly trail = new Trail();

  constructor(runs: readonly PassRun[]) {
    this.runs = runs;
    for (const { provenance, isWhole, made } of runs) {
      this.trail.add(provenance, isWhole ? undefined : new Set(made.fns.flatMap(valuesOf)));
    }
  }

  /** Appends the history of passes that ran afterwards. */
  followedBy({ runs }: History): History {
    return new History([...this.runs, ...runs]);
  }

  /**
   * The values before run `to` that replace a value that existed before run `from`: by default, the values of the last module
   * for one of the first.
   */
  trace(value: Value, from?: number, to?: number): Traced {
    return this.trail.trace(value, from, to);
  }
}
