/**
 * What kernels promise of each elementwise op: how far a result may be off, and what becomes of values that are no
 * ordinary numbers. The docs print these rows and a test checks each, in the interpreter and on devices.
 *
 * An ulp is 2^-23 of the result. Where an op is one of WGSL's, its bound is the one that WGSL asks of devices.
 */

/** How far a result may be from that of real numbers. */
export interface Bound {
  readonly text: string;
  /** The largest error allowed for a result and its operands. */
  readonly allowed: (result: number, operands: readonly number[]) => number;
}

/** What kernels promise of an op. */
export interface Numerics {
  readonly error: Bound;
  /**
   * Results for NaN, infinity, minus infinity and -0, where one number goes in; else for operands that stand before a
   * colon. `x` is any number but 0, `±0` is a zero of either sign.
   */
  readonly special: string | readonly string[];
}

/** Of a result of 1. */
export const ulp = 2 ** -23;

export const exactly: Bound = { text: "exact", allowed: () => 0 };
export const ulps = (count: number): Bound => ({
  text: `${count} ulp`,
  allowed: (result) => count * ulp * Math.abs(result),
});
export const absolute = (error: number): Bound => ({ text: `${error}`, allowed: () => error });
/** Both errors. */
export const plus = (a: Bound, b: Bound): Bound => ({
  text: `${a.text} + ${b.text}`,
  allowed: (result, operands) => a.allowed(result, operands) + b.allowed(result, operands),
});
/** An error that grows with the operand, as that of exp. */
export const growing = (count: number): Bound => ({
  text: `(${count} + 2 abs(x)) ulp`,
  allowed: (result, [x = 0]) => (count + 2 * Math.abs(x)) * ulp * Math.abs(result),
});

/** Of a NaN among two operands: the result is NaN. */
export const nanOfEither = ["nan, x: nan", "x, nan: nan"];
