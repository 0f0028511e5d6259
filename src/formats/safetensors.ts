/**
 * The safetensors format (https://github.com/huggingface/safetensors#format): the length of a JSON header as a
 * little-endian u64, the header, and the tensors' data, row-major and little-endian. Tensors are read on demand.
 */

import * as constErrors from "../diagnostics/areas/consts.ts";
import { isRecord } from "../diagnostics/arguments.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { bytesPerNumber, decode, kindOf, type NumberFormat } from "../ir/number-formats.ts";
import { elementCount } from "../ir/tensor.ts";
import { roundUp } from "../launch/counts.ts";
import type { ByteSource } from "../onnx/bytes.ts";
import type { HostTensor } from "../runtime/host-tensor.ts";
import { readJsonObject } from "./json-object.ts";
import type { NpyArray } from "./npy.ts";

/** Types by their names in a header. */
const formats: ReadonlyMap<string, NumberFormat> = new Map<string, NumberFormat>(
  Object.entries({
    ...{ F64: "f64", F32: "f32", F16: "f16", BF16: "bf16", F8_E4M3: "f8e4m3", F8_E5M2: "f8e5m2" },
    ...{ I64: "i64", I32: "i32", I16: "i16", I8: "i8", U64: "u64", U32: "u32", U16: "u16", U8: "u8", BOOL: "bool" },
  } as const),
);

/** The name of an element type. */
const nameOf = new Map([...formats].map(([name, format]) => [format, name]));

/** The element types of weights that are computed with. */
export type WeightElement = "f32" | "f16" | "bf16";

/** The element type of a tensor with this type in a header; `undefined` for other types than a weight's. */
export function weightElement(type: string): WeightElement | undefined {
  const format = formats.get(type);
  return format === "f32" || format === "f16" || format === "bf16" ? format : undefined;
}

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
  const format = formats.get(type);
  if (format === undefined) fail(constErrors.unknownType(name, tensor, type, [...formats.keys()]));
  const needed = elementCount(shape) * bytesPerNumber(format);
  if (needed !== length) {
    fail(constErrors.notSafetensors(name, `\`${tensor}\` needs ${needed} bytes, but has ${length}`));
  }
  return { shape, type, kind: kindOf(format), numbers: decode(format, file.read(start, length)) };
}

/** A file with these tensors, in order; their names must be unique. */
export function writeSafetensors(
  tensors: readonly { readonly name: string; readonly tensor: HostTensor }[],
): Uint8Array {
  let end = 0;
  const entries = tensors.map(({ name, tensor: { element, shape, data } }) => {
    const start = end;
    end += data.byteLength;
    return [name, { dtype: nameOf.get(element), shape, data_offsets: [start, end] }] as const;
  });
  const header = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  // The header is padded with spaces so that the data is aligned to 8 bytes.
  const begin = 8 + roundUp(header.length, 8);
  const result = new Uint8Array(begin + end).fill(0x20, 8, begin);
  new DataView(result.buffer).setBigUint64(0, BigInt(begin - 8), true);
  result.set(header, 8);
  for (const [i, { tensor }] of tensors.entries()) {
    const { buffer, byteOffset, byteLength } = tensor.data;
    result.set(new Uint8Array(buffer, byteOffset, byteLength), begin + (entries[i]?.[1].data_offsets[0] as number));
  }
  return result;
}
