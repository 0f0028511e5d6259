/** What passes did to a module, one after the other. */

import type { Module, Value } from "../ir/ir.ts";
import type { Fact, PassOutput, Provenance } from "../pass/facts.ts";
import { type Traced, Trail, valuesOf } from "../pass/trail.ts";

/** A pass that ran. */
export interface PassRun {
  /** The pass and its options, as a pipeline writes them. */
  readonly text: string;
  readonly given: Module;
  readonly made: Module;
  readonly facts: readonly Fact[];
  /** For values of the module given, those that stand for them in the one made, or none. */
  readonly provenance: Provenance;
  /** Whether every value that is not in the module made has an entry. */
  readonly isWhole: boolean;
}

/** What a pass made of each function of a module. */
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

/** The runs of passes, in order; those of a fixpoint count each time. */
export class History {
  readonly runs: readonly PassRun[];
  private readonly trail = new Trail();

  constructor(runs: readonly PassRun[]) {
    this.runs = runs;
    for (const { provenance, isWhole, made } of runs) {
      this.trail.add(provenance, isWhole ? undefined : new Set(made.fns.flatMap(valuesOf)));
    }
  }

  /** With what ran after it, on what it made. */
  followedBy({ runs }: History): History {
    return new History([...this.runs, ...runs]);
  }

  /**
   * What stands in the module that the run of number `to` is given for a value of the one that the run of number `from` is
   * given: in the last for one of the first, unless said otherwise.
   */
  trace(value: Value, from?: number, to?: number): Traced {
    return this.trail.trace(value, from, to);
  }
}
