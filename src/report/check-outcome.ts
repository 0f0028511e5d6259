/** What running a model before and after its surgery gives, as data: `surgery-check.ts` runs them, and needs Node. */

/** Of named axes. */
type Extents = Readonly<Record<string, number>>;

export interface OutputCheck {
  readonly output: string;
  readonly shape: readonly number[];
  /** Of the outputs before and after: the largest difference, and the largest number before. */
  readonly difference: number;
  readonly largest: number;
  /** What makes the comparison worthless, as "all numbers of % are NaN". */
  readonly worthless: string | undefined;
  /** How many numbers are NaN before. */
  readonly nans: number;
}

/** How far the numbers of an output are from float64. */
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
  /** Smaller extents where those would take too long; otherwise why it is not known. */
  readonly float64: { readonly extents: Extents; readonly outputs: readonly Accuracy[] } | { readonly because: string };
  readonly times?: ModelTimes;
}

/** Milliseconds of one run: a quarter is faster than the first, half faster than the median. */
export interface Times {
  readonly lower: number;
  readonly median: number;
  readonly upper: number;
}

export interface ModelTimes {
  readonly before: Times;
  readonly after: Times;
  /** After to before: of the ratio of each pair, the quartiles. */
  readonly ratio: Times;
  readonly runs: number;
}
