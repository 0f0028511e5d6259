/**
 * Keeps a driver's compiler from using what it knows of a number. WGSL lets it reassociate and contract arithmetic, and
 * two things here hang on its not doing so:
 *
 * - Shift and mean of a row are apart, so that rows far from 0 lose nothing. Where elements are products with a common
 *   factor, as in rows that are scaled, Mesa draws it out of sums of them and adds up shift and mean first.
 * - A strict kernel rounds each product before it is added to something.
 */

/** 0 when the kernel runs, for a dispatch has two dimensions; to a compiler it is any number. */
const unknownZero = "(groups.z - 1u)";

/** The f32 `x`, `width` elements wide. */
export function opaque(x: string, width: number): string {
  const [float, uint] = width === 1 ? ["f32", "u32"] : [`vec${width}f`, `vec${width}u`];
  const zero = width === 1 ? unknownZero : `${uint}(${unknownZero})`;
  return `bitcast<${float}>(bitcast<${uint}>(${x}) ^ ${zero})`;
}
