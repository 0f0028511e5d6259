/**
 * What kernels guarantee for each elementwise op: error bounds, and the results for special
 * values. The docs print these rows, and a test checks each in the interpreter and on devices.
 *
 * An ulp is 2^-23 of the result. An op that is a builtin of WGSL has the bound that WGSL requires of devices.
 */

/** The error of a result relative to real arithmetic. */
export interface Bound {
  readonly text: string;
  /** The largest error allowed for a result and its operands. */
  readonly allowed: (result: number, operands: readonly number[]) => number;
}

/** What kernels guarantee for an op. */
export interface Numerics {
  readonly error: Bound;
  /**
   * Results for NaN, infinity, minus infinity and -0, for an op of one operand; else for operands given before a
   * colon. `x` is any number but 0, `±0` is a zero of either sign.
   */
  readonly special: string | readonly string[];
}

/** The error of a result of magnitude 1. */
export const ulp = 2 ** -23;

export const exactly: Bound = { text: "exact", allowed: () => 0 };
export const ulps = (count: number): Bound => ({
  text: `${count} ulp`,
  allowed: (result) => count * ulp * Math.abs(result),
});
export const absolute = (error: number): Bound => ({ text: `${error}`, allowed: () => error });
/** The sum of two errors. */
export const plus = (a: Bound, b: Bound): Bound => ({
  text: `${a.text} + ${b.text}`,
  allowed: (result, operands) => a.allowed(result, operands) + b.allowed(result, operands),
});
/** An error that grows with the operand, like that of exp. */
export const growing = (count: number): Bound => ({
  text: `(${count} + 2 abs(x)) ulp`,
  allowed: (result, [x = 0]) => (count + 2 * Math.abs(x)) * ulp * Math.abs(result),
});

/** The result is NaN if either operand is. */
export const nanOfEither = ["nan, x: nan", "x, nan: nan"];
