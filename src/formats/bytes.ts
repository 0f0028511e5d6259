/** Encodes tensors for files. */

import { type ElementType, elementInfo } from "../ir/types.ts";
import type { HostTensor } from "../runtime/host-tensor.ts";

/** The size of an element in bytes; a boolean takes one, unlike on the device. */
export const bytesOf = (element: ElementType): number => (element === "bool" ? 1 : elementInfo[element].bytes);

type Put = (view: DataView, at: number, value: number) => void;

const putFloat: Put = (view, at, value) => view.setFloat32(at, value, true);
const putWord: Put = (view, at, value) => view.setUint32(at, value, true);
const putHalf: Put = (view, at, value) => view.setUint16(at, value, true);
const putByte: Put = (view, at, value) => view.setUint8(at, value);

/** Writes the tensor's elements into `bytes` from `start` on, row-major and little-endian. */
export function putElements({ element, data }: HostTensor, bytes: Uint8Array, start: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = bytesOf(element);
  const put = element === "f32" ? putFloat : size === 4 ? putWord : size === 2 ? putHalf : putByte;
  for (let i = 0; i < data.length; i++) put(view, start + i * size, data[i] as number);
}
