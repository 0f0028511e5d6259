/** Bytes of tensors in memory, where extents may not be known yet. */

import { elementInfo, type Shape, type TensorType } from "./types.ts";

/** Storage buffers that every WebGPU device has for a shader. */
export const mostBuffers = 8;

/** Bytes of one element in a buffer. */
export const bytesOfElement = ({ element }: Pick<TensorType, "element">): number => elementInfo[element].bytes;

/** What a dimension with a name is taken to be where bytes are compared before it is known. */
const usualExtent = 1024;

/** Elements of a tensor; a dimension whose extent is not known counts as 1024. */
export const elementsOf = (shape: Shape): number =>
  shape.reduce<number>((all, dim) => all * (typeof dim === "number" ? dim : usualExtent), 1);

/** Bytes of a tensor; a dimension whose extent is not known counts as 1024. */
export const estimatedBytes = (type: TensorType): number => elementsOf(type.shape) * bytesOfElement(type);

/** `4 * rows * 768`: the bytes of a tensor as a product. */
export function printBytes(type: TensorType): string {
  const known = type.shape.reduce<number>(
    (all, dim) => (typeof dim === "number" ? all * dim : all),
    bytesOfElement(type),
  );
  return [known, ...type.shape.filter((dim) => typeof dim === "string")].join(" * ");
}
