/** NumPy's file format (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html), little-endian, C order. */

import * as fileErrors from "../diagnostics/areas/files.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { fromFloat16Bits } from "../ir/float16.ts";
import { elementCount } from "../ir/tensor.ts";
import type { ElementType } from "../ir/types.ts";
import { roundUp } from "../launch/counts.ts";
import type { NumberKind } from "../onnx/data-types.ts";
import type { TensorNumbers } from "../onnx/tensors.ts";
import { fromNumbers, type HostTensor, toNumbers } from "../runtime/host-tensor.ts";
import { bytesOf, putElements } from "./bytes.ts";
import { BadHeader, type NpyHeader, readNpyHeader } from "./npy-header.ts";

/** An array from a file, with the name of its type in NumPy or safetensors: `<f4`, `F32`. */
export type NpyArray = TensorNumbers;

/** How a type is encoded in a file. */
export interface TypeRow {
  readonly kind: NumberKind;
  readonly bytes: number;
  read(view: DataView, at: number): number;
}

const types: Readonly<Record<string, TypeRow>> = {
  f2: { kind: "float", bytes: 2, read: (view, at) => fromFloat16Bits(view.getUint16(at, true)) },
  f4: { kind: "float", bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  f8: { kind: "float", bytes: 8, read: (view, at) => view.getFloat64(at, true) },
  i1: { kind: "integer", bytes: 1, read: (view, at) => view.getInt8(at) },
  i2: { kind: "integer", bytes: 2, read: (view, at) => view.getInt16(at, true) },
  i4: { kind: "integer", bytes: 4, read: (view, at) => view.getInt32(at, true) },
  i8: { kind: "integer", bytes: 8, read: (view, at) => Number(view.getBigInt64(at, true)) },
  u1: { kind: "integer", bytes: 1, read: (view, at) => view.getUint8(at) },
  u2: { kind: "integer", bytes: 2, read: (view, at) => view.getUint16(at, true) },
  u4: { kind: "integer", bytes: 4, read: (view, at) => view.getUint32(at, true) },
  u8: { kind: "integer", bytes: 8, read: (view, at) => Number(view.getBigUint64(at, true)) },
  b1: { kind: "bool", bytes: 1, read: (view, at) => (view.getUint8(at) === 0 ? 0 : 1) },
};

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** Throws E0630 to E0635. `file` is the name in messages. */
export function readNpy(bytes: Uint8Array, file: string): NpyArray {
  if (magic.some((byte, i) => bytes[i] !== byte)) fail(fileErrors.notNpy(file));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { text, end } = readHeader(view, file);
  const { type, shape } = readFields(text, file);
  const row = typeRow(type, file);
  const count = elementCount(shape);
  const wanted = count * row.bytes;
  const there = bytes.length - end;
  if (wanted !== there) fail(fileErrors.wrongLength(file, `${type} of shape (${shape.join(", ")})`, wanted, there));
  const numbers = new Float64Array(count);
  for (let i = 0; i < count; i++) numbers[i] = row.read(view, end + i * row.bytes);
  return { shape, type, kind: row.kind, numbers };
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
  if (type !== "records") typeRow(type, file);
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

function typeRow(type: string, file: string): TypeRow {
  const row = /^[<>=|]/.test(type) && Object.hasOwn(types, type.slice(1)) ? types[type.slice(1)] : undefined;
  if (row === undefined) fail(fileErrors.unknownType(file, type, Object.keys(types)));
  if (type.startsWith(">") && row.bytes > 1) fail(fileErrors.bigEndian(file, type));
  return row;
}

const writtenType: { readonly [E in ElementType]?: string } = {
  ...{ f32: "<f4", f16: "<f2", i32: "<i4", u32: "<u4", i8: "|i1", u8: "|u1", bool: "|b1" },
};

/** Encodes a tensor for `numpy.load`. Types that NumPy lacks (bf16 and f8) are written as f32. */
export function writeNpy(tensor: HostTensor): Uint8Array {
  const { element, shape, data } = tensor;
  const type = writtenType[element];
  if (type === undefined) return writeNpy(fromNumbers("f32", shape, toNumbers(tensor)));
  const dims = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const dictionary = `{'descr': '${type}', 'fortran_order': False, 'shape': (${dims}), }`;
  // The header is padded so that the data is aligned to 64 bytes, and ends in a line break.
  const start = roundUp(10 + dictionary.length + 1, 64);
  const result = new Uint8Array(start + data.length * bytesOf(element));
  result.set([...magic, 1, 0]);
  new DataView(result.buffer).setUint16(8, start - 10, true);
  result.set(new TextEncoder().encode(`${dictionary.padEnd(start - 11)}\n`), 10);
  putElements(tensor, result, start);
  return result;
}
