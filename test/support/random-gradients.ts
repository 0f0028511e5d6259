/** Gradients of random programs with every op, in exact arithmetic. */

import { TircError } from "../../src/diagnostics/diagnostic.ts";
import type { OpName } from "../../src/ir/ops/index.ts";
import { anyProgram } from "./any-programs.ts";
import { isTransposed } from "./check-gradient.ts";

interface Verdicts {
  same: number;
  /** Seeds of programs whose gradient is another. */
  readonly different: number[];
  undecided: number;
  /** Programs without a gradient: E0803 for an op that has none, E0805 if no float result depends on a float. */
  readonly refused: Record<string, number>;
}

/** @returns what became of the programs of these seeds, and the ops of those whose gradients are right. */
export function randomGradients(from: number, count: number): { verdicts: Verdicts; seen: ReadonlySet<OpName> } {
  const verdicts: Verdicts = { same: 0, different: [], undecided: 0, refused: {} };
  const seen = new Set<OpName>();
  for (let seed = from; seed < from + count; seed++) {
    const { module, names } = anyProgram(seed, 8);
    try {
      const isSame = isTransposed(module, { rows: 3, batch: 2 }, seed);
      if (isSame === undefined) verdicts.undecided++;
      else if (isSame) verdicts.same++;
      else verdicts.different.push(seed);
      if (isSame) for (const name of names) seen.add(name);
    } catch (caught) {
      const code = caught instanceof TircError ? caught.diagnostics[0]?.code : undefined;
      if (code !== "E0803" && code !== "E0805") throw caught;
      verdicts.refused[code] = (verdicts.refused[code] ?? 0) + 1;
    }
  }
  return { verdicts, seen };
}
