/** The exit code of the process: 0 success, 1 the program or the data is wrong, 2 wrong usage, 70 a bug in tirc. */

import { type Diagnostic, TircError } from "../diagnostics/diagnostic.ts";
import type { Session } from "./session.ts";

export const internalErrorCode = 70;

/**
 * Command lines (E07xx, except models: E0740 to E0746, E0749, E0753 to E0755, and checkpoints: E0790 to E0794), pipelines (E0301 to E0304), functions to
 * select (E0307), targets (E059x), files (E064x).
 */
const usage = /^E(07(?!4[0-69]|5[3-5]|9[0-4])\d\d|030[12347]|059\d|064\d)$/;

export function exitCodeOf(diagnostics: readonly Diagnostic[]): number {
  if (diagnostics.length === 0) return 0;
  return diagnostics.every(({ code }) => usage.test(code)) ? 2 : 1;
}

/** Goes on with the next where one of them is wrong, which is reported. @returns the largest exit code. */
export function worstOf<T>(all: Iterable<T>, work: (one: T) => number, session: Session): number {
  const codes = [...all].map((one) => {
    try {
      return work(one);
    } catch (caught) {
      if (!(caught instanceof TircError)) throw caught;
      session.report(caught.diagnostics);
      return exitCodeOf(caught.diagnostics);
    }
  });
  return Math.max(...codes);
}
