/** The pages of diagnostics, which say more than their messages: one for each code. */

/** A page of the catalog, as `tirc explain` prints it. */
export interface Page {
  /** One line, without the code. */
  readonly title: string;
  /** What the message means, and the reason for it. */
  readonly explanation: string;
  /** An example that causes the diagnostic. */
  readonly wrong: string;
  /** The corrected example, or what to do. */
  readonly fix: string;
}

/** An example as text, or the body of a function of a tensor `x`, as lines. */
type Example = string | { readonly body: readonly string[] };

/**
 * A page in the form in which areas declare it. It consists of literals alone, so that bundlers know that dropping it has no
 * effect.
 */
export interface Entry extends Omit<Page, "wrong" | "fix"> {
  readonly wrong: Example;
  readonly fix: Example;
}

const textOf = (example: Example): string =>
  typeof example === "string"
    ? example
    : ["fn f(x: f32[rows, 768]) -> f32[rows, 768] {", ...example.body.map((line) => `  ${line}`), "}"].join("\n");

export const pageOf = (entry: Entry): Page => ({ ...entry, wrong: textOf(entry.wrong), fix: textOf(entry.fix) });
