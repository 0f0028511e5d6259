/** Results of running a model before and after surgery. `surgery-check.ts` runs the models, and needs Node. */

/** Extents by the names of axes. */
type Extents = Readonly<Record<string, number>>;

export interface OutputCheck {
  readonly output: string;
  readonly shape: readonly number[];
  /** The largest difference between the outputs before and after. */
  readonly difference: number;
  /** The largest magnitude in the output before. */
  readonly largest: number;
  /** Why the comparison proves nothing, such as "all numbers of % are NaN". */
  readonly worthless: string | undefined;
  /** The number of NaNs in the output before. */
  readonly nans: number;
}

/** The largest errors of an output against float64, and its largest magnitude. */
export interface Accuracy {
  readonly output: string;
  readonly before: number;
  readonly after: number;
  readonly largest: number;
}

export interface Check {
  readonly by: "onnxruntime" | "interpreter";
  readonly extents: Extents;
  readonly outputs: readonly OutputCheck[];
  /** Computed with smaller extents if the full ones would take too long; or why there is no result. */
  readonly float64: { readonly extents: Extents; readonly outputs: readonly Accuracy[] } | { readonly because: string };
  readonly times?: ModelTimes;
}

/** Quartiles of the time of one run, in milliseconds. */
export interface Times {
  readonly lower: number;
  readonly median: number;
  readonly upper: number;
}

export interface ModelTimes {
  readonly before: Times;
  readonly after: Times;
  /** Quartiles of the ratio of the times after and before, over pairs of runs. */
  readonly ratio: Times;
  readonly runs: number;
}
