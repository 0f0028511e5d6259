/**
 * The safetensors format (https://github.com/huggingface/safetensors#format): the length of a JSON header as a
 * little-endian u64, the header, and the tensors' data, row-major and little-endian. Tensors are read on demand.
 */

import * as constErrors from "../diagnostics/areas/consts.ts";
import { isRecord } from "../diagnostics/arguments.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { byteBits } from "../ir/float8.ts";
import { fromBfloat16Bits, fromFloat16Bits } from "../ir/float16.ts";
import { elementCount } from "../ir/tensor.ts";
import type { ElementType } from "../ir/types.ts";
import { roundUp } from "../launch/counts.ts";
import type { ByteSource } from "../onnx/bytes.ts";
import type { HostTensor } from "../runtime/host-tensor.ts";
import { bytesOf, putElements } from "./bytes.ts";
import { readJsonObject } from "./json-object.ts";
import type { NpyArray, TypeRow } from "./npy.ts";

const types: Readonly<Record<string, TypeRow>> = {
  F64: { kind: "float", bytes: 8, read: (view, at) => view.getFloat64(at, true) },
  F32: { kind: "float", bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  F16: { kind: "float", bytes: 2, read: (view, at) => fromFloat16Bits(view.getUint16(at, true)) },
  BF16: { kind: "float", bytes: 2, read: (view, at) => fromBfloat16Bits(view.getUint16(at, true)) },
  F8_E4M3: { kind: "float", bytes: 1, read: (view, at) => byteBits.f8e4m3.from(view.getUint8(at)) },
  F8_E5M2: { kind: "float", bytes: 1, read: (view, at) => byteBits.f8e5m2.from(view.getUint8(at)) },
  I64: { kind: "integer", bytes: 8, read: (view, at) => Number(view.getBigInt64(at, true)) },
  U32: { kind: "integer", bytes: 4, read: (view, at) => view.getUint32(at, true) },
  I32: { kind: "integer", bytes: 4, read: (view, at) => view.getInt32(at, true) },
  I16: { kind: "integer", bytes: 2, read: (view, at) => view.getInt16(at, true) },
  I8: { kind: "integer", bytes: 1, read: (view, at) => view.getInt8(at) },
  U8: { kind: "integer", bytes: 1, read: (view, at) => view.getUint8(at) },
  BOOL: { kind: "bool", bytes: 1, read: (view, at) => Number(view.getUint8(at) !== 0) },
};

/** The entry of a tensor in the header. `start` is an offset in the file. */
export interface TensorEntry {
  readonly type: string;
  readonly shape: readonly number[];
  readonly start: number;
  readonly length: number;
}

const longestHeader = 100_000_000;

/** The length of the header. The file must have at least 8 bytes. */
export function headerLength(file: Pick<ByteSource, "read">): number {
  const { buffer, byteOffset } = file.read(0, 8);
  return Number(new DataView(buffer, byteOffset).getBigUint64(0, true));
}

/** The tensors of a file by name. Throws E0660 for files that the reference implementation rejects too. */
export function readSafetensorsHeader(
  file: Pick<ByteSource, "size" | "read">,
  name: string,
): ReadonlyMap<string, TensorEntry> {
  const wrong = (reason: string, help?: string) => fail(constErrors.notSafetensors(name, reason, help));
  if (file.size < 8) wrong("it is shorter than 8 bytes");
  const length = headerLength(file);
  if (length > longestHeader || 8 + length > file.size) wrong("its header is longer than the file");
  const header = readJsonObject(file.read(8, length), "its header", wrong);
  const begin = 8 + length;
  const entries = new Map<string, TensorEntry>();
  for (const [key, value] of Object.entries(header)) {
    if (key === "__metadata__") {
      if (!isTexts(value)) wrong("its `__metadata__` is not an object of strings");
      continue;
    }
    const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
    const isCount = (item: unknown) => Number.isSafeInteger(item) && (item as number) >= 0;
    const isList = (list: unknown): list is number[] => Array.isArray(list) && list.every(isCount);
    if (typeof dtype !== "string" || !isList(shape) || !isList(offsets) || offsets.length !== 2) {
      return wrong(`its header has an invalid entry for \`${key}\``);
    }
    const [from, to] = offsets as [number, number];
    if (from > to || begin + to > file.size) wrong(`the data of \`${key}\` is not within the file`);
    entries.set(key, { type: dtype, shape, start: begin + from, length: to - from });
  }
  checkLayout(entries, begin, file.size, wrong);
  return entries;
}

const isTexts = (value: unknown) => isRecord(value) && Object.values(value).every((text) => typeof text === "string");

type Wrong = (reason: string, help?: string) => never;

/** Tensors must be contiguous, from the header to the end of the file. */
function checkLayout(entries: ReadonlyMap<string, TensorEntry>, begin: number, size: number, wrong: Wrong): void {
  let end = begin;
  const inOrder = [...entries].sort(([, a], [, b]) => a.start - b.start || a.length - b.length);
  for (const [key, { start, length }] of inOrder) {
    if (start < end) wrong(`\`${key}\` overlaps the tensor before it`);
    if (start > end) wrong(`${start - end} bytes before \`${key}\` belong to no tensor`);
    end = start + length;
  }
  if (end === size) return;
  const cut = "some programs write such bytes; if the tensors are right, cut them off:";
  wrong(`${size - end} bytes follow its last tensor`, `${cut} \`truncate -s ${end} FILE\``);
}

/** The numbers of a tensor. Throws E0660 and E0662. */
export function readSafetensor(
  file: Pick<ByteSource, "size" | "read">,
  name: string,
  tensor: string,
  entry: TensorEntry,
): NpyArray {
  const { type, shape, start, length } = entry;
  const row = Object.hasOwn(types, type) ? types[type] : undefined;
  if (row === undefined) fail(constErrors.unknownType(name, tensor, type, Object.keys(types)));
  const count = elementCount(shape);
  if (count * row.bytes !== length) {
    const reason = `\`${tensor}\` needs ${count * row.bytes} bytes, but has ${length}`;
    fail(constErrors.notSafetensors(name, reason));
  }
  const bytes = file.read(start, length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const numbers = new Float64Array(count);
  for (let i = 0; i < count; i++) numbers[i] = row.read(view, i * row.bytes);
  return { shape, type, kind: row.kind, numbers };
}

export const writtenType: { readonly [E in ElementType]: string } = {
  ...{ f32: "F32", f16: "F16", i32: "I32", bf16: "BF16", u32: "U32", i8: "I8", u8: "U8", bool: "BOOL" },
  ...{ f8e4m3: "F8_E4M3", f8e5m2: "F8_E5M2" },
};

/** A file with these tensors, in order; their names must be unique. */
export function writeSafetensors(
  tensors: readonly { readonly name: string; readonly tensor: HostTensor }[],
): Uint8Array {
  let end = 0;
  const entries = tensors.map(({ name, tensor: { element, shape, data } }) => {
    const start = end;
    end += data.length * bytesOf(element);
    return [name, { dtype: writtenType[element], shape, data_offsets: [start, end] }] as const;
  });
  const header = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  // The header is padded with spaces so that the data is aligned to 8 bytes.
  const begin = 8 + roundUp(header.length, 8);
  const result = new Uint8Array(begin + end).fill(0x20, 8, begin);
  new DataView(result.buffer).setBigUint64(0, BigInt(begin - 8), true);
  result.set(header, 8);
  for (const [i, { tensor }] of tensors.entries()) {
    putElements(tensor, result, begin + (entries[i]?.[1].data_offsets[0] as number));
  }
  return result;
}
