/** Compares functions before and after a pass in exact arithmetic. */

import * as passMessages from "../diagnostics/areas/pipelines.ts";
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import { type Assumption, Comparer, type ComparisonOptions } from "../ir/field/compare.ts";
import type { Module } from "../ir/ir.ts";
import type { Assumed } from "../pass/define-pass.ts";
import type { PassOutput } from "../pass/facts.ts";
import type { Report } from "./report.ts";

/**
 * What is checked after a pass. `true`: that the IR is well formed, and for passes that are not builtin that the function is the
 * same in exact arithmetic; `"exact"`: both of all passes; `false`: nothing.
 */
export type Verification = boolean | "exact";

/** What is checked by default. The tests of the compiler change it. */
export const verification: { byDefault: Verification } = { byDefault: true };

/** The result of the comparison for a pass. */
interface ExactFindings {
  /** The error, if the pass is wrong. */
  readonly error?: Diagnostic;
  readonly warnings: readonly Diagnostic[];
  /** The assumptions without which the functions would differ. */
  readonly assumed: readonly Assumed[];
}

export class ExactCheck {
  private readonly comparer: Comparer;

  constructor(options: ComparisonOptions = {}) {
    this.comparer = new Comparer(options);
  }

  /** @param made one output for each function of `before`. */
  check(
    pass: string,
    before: Module,
    made: readonly PassOutput[],
    { consts, assumptions, laws }: Pick<Report, "consts" | "assumptions" | "laws">,
  ): ExactFindings {
    if (assumptions.some((one) => !("value" in one))) return { warnings: [], assumed: [...new Set(assumptions)] };
    const warnings: Diagnostic[] = [];
    const assumed = new Set<Assumed>();
    const equations = assumptions as readonly (Assumed & Assumption)[];
    for (const [i, fn] of before.fns.entries()) {
      const output = made[i] as PassOutput;
      if (output.fn === fn) continue;
      const sides = [
        { fn, consts: before.consts },
        { fn: output.fn, consts },
      ] as const;
      const found = this.comparer.compare(...sides, {
        assumptions: equations,
        laws,
        ...(output.provenance && { provenance: output.provenance }),
      });
      if (found.kind === "different") {
        return {
          error: passMessages.notTheSame(pass, fn.name, output.fn.span, found.difference),
          warnings,
          assumed: [],
        };
      }
      if (found.kind === "too large")
        warnings.push(passMessages.tooLargeToCompare(pass, fn.name, fn.span, found.elements));
      else for (const one of found.assumed) assumed.add(one);
    }
    return { warnings, assumed: [...assumed] };
  }
}
