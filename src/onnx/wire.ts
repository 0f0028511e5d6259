/**
 * Reads the wire format of Protocol Buffers (https://protobuf.dev/programming-guides/encoding/) in place.
 *
 * - field: a tag (number and wire type) and its content: a number, or a range of bytes.
 * - varint: an integer in groups of seven bits, lowest first.
 *
 * Only names are copied: a tensor remains a range of the file until its elements are read, and what is written back
 * unchanged is a range too.
 */

import * as onnxMessages from "../diagnostics/areas/onnx.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import type { ByteReader, Range } from "./bytes.ts";

const varint = 0;
const fixed64 = 1;
const lengthDelimited = 2;
const fixed32 = 5;

export interface Field {
  readonly number: number;
  readonly wire: number;
  /** The whole field, including its tag. */
  readonly range: Range;
  /** The content, without tag and length. */
  readonly content: Range;
  /** The value of a varint as a signed integer, exact up to 2^53; 0 for other wire types. */
  readonly value: number;
}

function corrupt(reader: ByteReader, at: number, reason: string): never {
  fail(onnxMessages.corrupt(reader.source.name, at, reason));
}

/** Reads a varint: its low 64 bits as a signed integer, and the offset behind it. */
function readVarint(reader: ByteReader, start: number, limit: number): { value: number; end: number } {
  let value = 0;
  let at = start;
  for (let scale = 1; ; scale *= 128) {
    if (at >= limit) corrupt(reader, start, "a number is cut off");
    const byte = reader.at(at++);
    if (at - start > 4) return readLongVarint(reader, start, limit);
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return { value, end: at };
  }
}

function readLongVarint(reader: ByteReader, start: number, limit: number): { value: number; end: number } {
  let value = 0n;
  for (let at = start; ; at++) {
    if (at >= limit) corrupt(reader, start, "a number is cut off");
    if (at - start >= 10) corrupt(reader, start, "a number has more than 10 bytes");
    const byte = reader.at(at);
    value |= BigInt(byte & 0x7f) << BigInt(7 * (at - start));
    if (byte < 0x80) return { value: Number(BigInt.asIntN(64, value)), end: at + 1 };
  }
}

/** The fields of a message, in order. Throws E0740 for an invalid tag or length. */
export function* fieldsOf(reader: ByteReader, { start, end }: Range): Generator<Field> {
  for (let at = start; at < end; ) {
    const { value: tag, end: afterTag } = readVarint(reader, at, end);
    const [number, wire] = [Math.floor(tag / 8), tag % 8];
    if (number < 1 || tag >= 2 ** 32) corrupt(reader, at, "a field has an invalid number");
    const field = readField(reader, wire, afterTag, end);
    yield { number, wire, range: { start: at, end: field.content.end }, ...field };
    at = field.content.end;
  }
}

function readField(reader: ByteReader, wire: number, start: number, limit: number): Pick<Field, "content" | "value"> {
  switch (wire) {
    case varint: {
      const { value, end } = readVarint(reader, start, limit);
      return { value, content: { start, end } };
    }
    case fixed64:
    case fixed32: {
      const end = start + (wire === fixed64 ? 8 : 4);
      if (end > limit) corrupt(reader, start, "a number is cut off");
      return { value: 0, content: { start, end } };
    }
    case lengthDelimited: {
      const { value: length, end: from } = readVarint(reader, start, limit);
      if (length < 0 || from + length > limit) {
        corrupt(reader, start, `a field has a length of ${length} bytes, and only ${limit - from} are left`);
      }
      return { value: 0, content: { start: from, end: from + length } };
    }
    default:
      return corrupt(reader, start, `${wire} is not a valid wire type`);
  }
}

/** The integers of one occurrence of a repeated field: a single one, or a packed list. */
export function* integersOf(reader: ByteReader, field: Field): Generator<number> {
  if (field.wire === varint) yield field.value;
  else if (field.wire !== lengthDelimited) corrupt(reader, field.range.start, "an integer has the wrong wire type");
  else {
    for (let at = field.content.start; at < field.content.end; ) {
      const { value, end } = readVarint(reader, at, field.content.end);
      yield value;
      at = end;
    }
  }
}

/** The floats of one occurrence of a repeated field, `bytes` (4 or 8) each: a single one, or a packed list. */
export function* floatsOf(reader: ByteReader, field: Field, bytes: 4 | 8): Generator<number> {
  const { content } = field;
  const isRight = field.wire === lengthDelimited || field.wire === (bytes === 4 ? fixed32 : fixed64);
  if (!isRight || (content.end - content.start) % bytes !== 0) {
    corrupt(reader, field.range.start, "a float has the wrong wire type");
  }
  for (let at = content.start; at < content.end; at += blockOfFloats) {
    const block = reader.bytes({ start: at, end: Math.min(at + blockOfFloats, content.end) });
    const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
    for (let i = 0; i < block.length; i += bytes) {
      yield bytes === 4 ? view.getFloat32(i, true) : view.getFloat64(i, true);
    }
  }
}

const blockOfFloats = 1 << 16;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text of a field. */
export function textOf(reader: ByteReader, { wire, range, content }: Field): string {
  if (wire !== lengthDelimited) corrupt(reader, range.start, "a string has the wrong wire type");
  try {
    return decoder.decode(reader.bytes(content));
  } catch {
    return corrupt(reader, range.start, "a name is not UTF-8 text");
  }
}

/** The range of a field's message. */
export function messageOf(reader: ByteReader, { wire, range, content }: Field): Range {
  if (wire !== lengthDelimited) corrupt(reader, range.start, "a message has the wrong wire type");
  return content;
}
