/** A page of the catalog, as `tirc explain` prints it. */

export interface Page {
  /** A line, without the code. */
  readonly title: string;
  /** What is meant, and why it is so. */
  readonly explanation: string;
  /** An example that gives the diagnostic. */
  readonly wrong: string;
  /** The example put right, or what to do. */
  readonly fix: string;
}
