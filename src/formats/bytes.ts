/** Tensors as bytes of files. */

import { type ElementType, elementInfo } from "../ir/types.ts";
import type { HostTensor } from "../runtime/host-tensor.ts";

/** How many bytes an element takes: truth values, which take a word on the device, take one here. */
export const bytesOf = (element: ElementType): number => (element === "bool" ? 1 : elementInfo[element].bytes);

/** Writes the tensor's elements into `bytes` from `start` on, row-major and little-endian. */
export function putElements({ element, data }: HostTensor, bytes: Uint8Array, start: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = bytesOf(element);
  for (const [i, value] of data.entries()) {
    const at = start + i * size;
    if (element === "f32") view.setFloat32(at, value, true);
    else if (size === 4) view.setUint32(at, value, true);
    else if (size === 2) view.setUint16(at, value, true);
    else view.setUint8(at, value);
  }
}
