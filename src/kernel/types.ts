/**
 * The types of expressions.
 *
 * - width: components of a vector, 1 of a scalar. The arithmetic of a vector and a scalar is that of each component with the
 *   scalar, as in WGSL.
 * - record: a vector of four floats whose components have names, as the state of a reduction.
 */

/** The types that lanes compute in: halves are computed in f32, truth values are no numbers. */
export type Scalar = "f32" | "i32" | "u32" | "bool";
/** Components of a vector; 1 of a scalar. */
export type Width = 1 | 2 | 4;

/** The type of an expression. */
export interface Type {
  readonly scalar: Scalar;
  readonly width: Width;
  /** The names of its components, where it is a record. */
  readonly fields?: readonly string[];
}

export const typeOf = (scalar: Scalar, width: number = 1): Type => ({ scalar, width: width as Width });
export const u32 = typeOf("u32");
export const f32 = typeOf("f32");
export const bool = typeOf("bool");

export const sameType = (a: Type, b: Type) =>
  a === b ||
  (a.scalar === b.scalar && a.width === b.width && (a.fields === b.fields || String(a.fields) === String(b.fields)));
