/** Options for the arithmetic of kernels, and for which reductions are split among several kernels. */

export const accuracies = ["normal", "scaled"] as const;

/**
 * - normal: norms compute statistics of the unscaled row.
 * - scaled: norms first scale each row to a magnitude near 1 by a power of two, which takes another pass over it. Rows
 *   whose squares overflow, or underflow with an eps of 0, are then as accurate as others.
 */
export type Accuracy = (typeof accuracies)[number];

export const reductions = ["welford", "two-fold"] as const;

/**
 * How a variance is computed.
 * - welford: together with the mean, in one reduction of the row (Welford 1962; Chan, Golub and LeVeque 1979).
 * - two-fold: first the mean, then the squared deviations from it, which reads the row twice; suits rows that lanes
 *   cache in registers.
 */
export type ReductionOption = (typeof reductions)[number];

export const roundings = ["late", "strict"] as const;

/**
 * - late: f16 values are f32 inside a kernel, and are rounded when they are stored.
 * - strict: each op that remains after the passes gives bit for bit the result that it would give in a separate strict
 *   kernel with the same buffer layouts. Ops are not contracted, so every rounding takes place, and no reduction is split.
 */
export type Rounding = (typeof roundings)[number];

export const splitReductions = ["plans", "long", "all", "none"] as const;

/**
 * Which large reductions several workgroups share, in kernels that reduce parts and kernels that merge them.
 * - plans: those over rows of functions that are several kernels anyway.
 * - long: these and, on GPUs, all that are known to reduce 65536 elements or more to one.
 * - all: reductions of columns of any length, and of rows of 16384 elements and more, on every target.
 * - none: no reduction.
 */
export type SplitReductions = (typeof splitReductions)[number];

export const scheduleOptions = ["rules", "least-estimate"] as const;

/**
 * How a schedule is chosen if the target profile has no measured one for the kernel.
 * - rules: by rules for the kind of device. If the profile has `rates`, the least estimate chooses lanes per workgroup and rows
 *   per lane, which do not affect results.
 * - least-estimate: by the least estimate, lanes per row, vector width and caching included, by the profile's `rates` or, without
 *   them, those of a common device. The bits of a row may depend on the rest of the kernel, not on the number of rows. With
 *   strict rounding, and in kernels over tiles of rows, the order of sums stays that of the rules.
 */
export type ScheduleOption = (typeof scheduleOptions)[number];

/** The accuracy of a kernel, and the dimensions that its pipelines are specialized for. */
export interface KernelOptions {
  /** Dimensions whose extents are pipeline constants, so that loop bounds are known. The others are uniforms. */
  readonly specialize?: readonly string[] | undefined;
  readonly accuracy?: Accuracy | undefined;
  readonly reduction?: ReductionOption | undefined;
  readonly rounding?: Rounding | undefined;
  /** `rules` by default. */
  readonly schedule?: ScheduleOption | undefined;
}
