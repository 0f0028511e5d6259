/** Tensors as bytes of files. */

import type { ElementType } from "../ir/types.ts";
import type { HostTensor } from "../runtime/host-tensor.ts";

/** How many bytes an element takes. */
export const bytesOf: { readonly [E in ElementType]: number } = { f32: 4, f16: 2, i32: 4, u32: 4, bool: 1 };

/** Writes the tensor's elements into `bytes` from `start` on, row-major and little-endian. */
export function putElements({ element, data }: HostTensor, bytes: Uint8Array, start: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = bytesOf[element];
  for (const [i, value] of data.entries()) {
    const at = start + i * size;
    if (element === "f32") view.setFloat32(at, value, true);
    else if (size === 4) view.setUint32(at, value, true);
    else if (size === 2) view.setUint16(at, value, true);
    else view.setUint8(at, value);
  }
}
