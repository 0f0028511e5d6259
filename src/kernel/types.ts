/**
 * The types of expressions.
 *
 * - width: the number of components of a vector; 1 for a scalar. Arithmetic of a vector and a scalar applies the scalar to each
 *   component, as in WGSL.
 * - record: a vector with named components, such as the state of a reduction.
 */

/** The scalar types that lanes compute in. Halves are computed in f32. */
export type Scalar = "f32" | "i32" | "u32" | "bool";
/** The number of components of a vector; 1 for a scalar. */
export type Width = 1 | 2 | 4;

/** The type of an expression. */
export interface Type {
  readonly scalar: Scalar;
  readonly width: Width;
  /** The names of the components of a record. */
  readonly fields?: readonly string[];
}

export const typeOf = (scalar: Scalar, width: number = 1): Type => ({ scalar, width: width as Width });
export const u32 = typeOf("u32");
export const f32 = typeOf("f32");
export const bool = typeOf("bool");

export const sameType = (a: Type, b: Type) =>
  a === b ||
  (a.scalar === b.scalar && a.width === b.width && (a.fields === b.fields || String(a.fields) === String(b.fields)));
