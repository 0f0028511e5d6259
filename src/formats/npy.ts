/** NumPy's file format (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html), little-endian, C order. */

import * as fileErrors from "../diagnostics/areas/files.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { bytesPerNumber, decode, kindOf, type NumberFormat } from "../ir/number-formats.ts";
import { elementCount } from "../ir/tensor.ts";
import { roundUp } from "../launch/counts.ts";
import type { TensorNumbers } from "../onnx/tensors.ts";
import { fromNumbers, type HostTensor, toNumbers } from "../runtime/host-tensor.ts";
import { BadHeader, type NpyHeader, readNpyHeader } from "./npy-header.ts";

/** An array from a file, with the name of its type in NumPy or safetensors: `<f4`, `F32`. */
export type NpyArray = TensorNumbers;

/** Types by their names without the byte order. */
const formats: ReadonlyMap<string, NumberFormat> = new Map<string, NumberFormat>(
  Object.entries({
    ...{ f2: "f16", f4: "f32", f8: "f64", i1: "i8", i2: "i16", i4: "i32", i8: "i64" },
    ...{ u1: "u8", u2: "u16", u4: "u32", u8: "u64", b1: "bool" },
  } as const),
);

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** Throws E0630 to E0635. `file` is the name in messages. */
export function readNpy(bytes: Uint8Array, file: string): NpyArray {
  if (magic.some((byte, i) => bytes[i] !== byte)) fail(fileErrors.notNpy(file));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { text, end } = readHeader(view, file);
  const { type, shape } = readFields(text, file);
  const format = formatOf(type, file);
  const wanted = elementCount(shape) * bytesPerNumber(format);
  const there = bytes.length - end;
  if (wanted !== there) fail(fileErrors.wrongLength(file, `${type} of shape (${shape.join(", ")})`, wanted, there));
  return { shape, type, kind: kindOf(format), numbers: decode(format, bytes.subarray(end)) };
}

/** The text of the header, and the offset of the data. */
function readHeader(view: DataView, file: string): { text: string; end: number } {
  const cutOff = () => fail(fileErrors.badHeader(file, "the file ends in it"));
  if (view.byteLength < 10) cutOff();
  const version = view.getUint8(6);
  if (version < 1 || version > 3) fail(fileErrors.badHeader(file, `format version ${version} is not known`));
  if (version > 1 && view.byteLength < 12) cutOff();
  const start = version === 1 ? 10 : 12;
  const end = start + (version === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (end > view.byteLength) cutOff();
  const text = new TextDecoder("latin1").decode(new Uint8Array(view.buffer, view.byteOffset + start, end - start));
  return { text, end };
}

function readFields(text: string, file: string): { type: string; shape: readonly number[] } {
  const { type, isFortran, shape } = parsed(text, file);
  if (!Number.isSafeInteger(elementCount(shape))) fail(fileErrors.badHeader(file, "its shape is too large"));
  // Structured types are rejected after the other fields were checked.
  if (type !== "records") formatOf(type, file);
  if (isFortran) fail(fileErrors.fortranOrder(file));
  return { type, shape };
}

function parsed(text: string, file: string): NpyHeader {
  try {
    return readNpyHeader(text);
  } catch (caught) {
    if (!(caught instanceof BadHeader)) throw caught;
    fail(fileErrors.badHeader(file, caught.message));
  }
}

function formatOf(type: string, file: string): NumberFormat {
  const format = /^[<>=|]/.test(type) ? formats.get(type.slice(1)) : undefined;
  if (format === undefined) fail(fileErrors.unknownType(file, type, [...formats.keys()]));
  if (type.startsWith(">") && bytesPerNumber(format) > 1) fail(fileErrors.bigEndian(file, type));
  return format;
}

/** Encodes a tensor for `numpy.load`. Types that NumPy lacks (bf16 and f8) are written as f32. */
export function writeNpy(tensor: HostTensor): Uint8Array {
  const { element, shape, data } = tensor;
  const name = [...formats].find(([, format]) => format === element)?.[0];
  if (name === undefined) return writeNpy(fromNumbers("f32", shape, toNumbers(tensor)));
  const dims = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const type = `${bytesPerNumber(element) > 1 ? "<" : "|"}${name}`;
  const dictionary = `{'descr': '${type}', 'fortran_order': False, 'shape': (${dims}), }`;
  // The header is padded so that the data is aligned to 64 bytes, and ends in a line break.
  const start = roundUp(10 + dictionary.length + 1, 64);
  const result = new Uint8Array(start + data.byteLength);
  result.set([...magic, 1, 0]);
  new DataView(result.buffer).setUint16(8, start - 10, true);
  result.set(new TextEncoder().encode(`${dictionary.padEnd(start - 11)}\n`), 10);
  result.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), start);
  return result;
}
