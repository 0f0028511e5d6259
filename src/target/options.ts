/** What a user may ask of a kernel's arithmetic. */

export const accuracies = ["normal", "scaled"] as const;

/**
 * - normal: statistics of the row as it is.
 * - scaled: norms bring each row to a magnitude near 1 first, by a power of two, which takes one more look at it. Rows
 *   whose squares overflow, or vanish beside an eps of 0, come out as exact as others.
 */
export type Accuracy = (typeof accuracies)[number];

export const reductions = ["welford", "two-fold"] as const;

/**
 * How a variance is reduced.
 * - welford: with the mean, in one reduction of the row (Welford 1962; Chan, Golub and LeVeque 1979).
 * - two-fold: the mean first, then the squares of what elements are off it, which reads the row again: for rows that lanes keep.
 */
export type ReductionOption = (typeof reductions)[number];

export const roundings = ["late", "strict"] as const;

/**
 * - late: f16 values stay in f32 inside of a kernel, and are rounded where they are stored.
 * - strict: each op gives, bit for bit, what it gives in a kernel of its own that is strict too and has the same buffers'
 *   layouts; the ops are those that the passes leave. No op's rounding is contracted with the next one's.
 */
export type Rounding = (typeof roundings)[number];

/** How exact a kernel computes, and what its pipelines know. */
export interface KernelOptions {
  /** Dimensions whose extents are pipeline constants: a pipeline for each, of known loops. Others are uniforms. */
  readonly specialize?: readonly string[] | undefined;
  readonly accuracy?: Accuracy | undefined;
  readonly reduction?: ReductionOption | undefined;
  readonly rounding?: Rounding | undefined;
}
