/** Sizes of tensors in memory, with extents that may not be known yet. */

import { elementInfo, type Shape, type TensorType } from "./types.ts";

/** The number of storage buffers per shader that every WebGPU device supports. */
export const mostBuffers = 8;

/** The size of an element in a buffer. */
export const bytesOfElement = ({ element }: Pick<TensorType, "element">): number => elementInfo[element].bytes;

/** The extent that is assumed for a symbolic dimension when sizes are compared. */
const usualExtent = 1024;

/** The number of elements of a tensor; a symbolic dimension counts as 1024. */
export const elementsOf = (shape: Shape): number =>
  shape.reduce<number>((all, dim) => all * (typeof dim === "number" ? dim : usualExtent), 1);

/** The size of a tensor in bytes; a symbolic dimension counts as 1024. */
export const estimatedBytes = (type: TensorType): number => elementsOf(type.shape) * bytesOfElement(type);

/** The size of a tensor in bytes as a product: `4 * rows * 768`. */
export function printBytes(type: TensorType): string {
  const known = type.shape.reduce<number>(
    (all, dim) => (typeof dim === "number" ? all * dim : all),
    bytesOfElement(type),
  );
  return [known, ...type.shape.filter((dim) => typeof dim === "string")].join(" * ");
}
