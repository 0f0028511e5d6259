/**
 * How files store numbers: one table for all readers and writers of tensors, each of which maps its own names to these rows.
 * Files are little-endian, and so are the hosts of WebGPU and of Node on the platforms it supports.
 */

import { narrowBits } from "./float16.ts";

/** What the elements of a type are. */
export type NumberKind = "float" | "integer" | "bool";

const truth = (value: number) => Number(value !== 0);
const wide = { from: Number, to: (value: number) => BigInt(Math.trunc(value)) };

/**
 * The bytes of an element are those of `array`'s; `from` and `to` convert between these and the number. Names are in the
 * style of the language, which lacks some of the types. A bool takes one byte, unlike on the device.
 */
const rows = {
  f64: { kind: "float", array: Float64Array },
  f32: { kind: "float", array: Float32Array },
  f16: { kind: "float", array: Uint16Array, ...narrowBits.f16 },
  bf16: { kind: "float", array: Uint16Array, ...narrowBits.bf16 },
  f8e4m3: { kind: "float", array: Uint8Array, ...narrowBits.f8e4m3 },
  f8e5m2: { kind: "float", array: Uint8Array, ...narrowBits.f8e5m2 },
  i64: { kind: "integer", array: BigInt64Array, ...wide },
  i32: { kind: "integer", array: Int32Array },
  i16: { kind: "integer", array: Int16Array },
  i8: { kind: "integer", array: Int8Array },
  u64: { kind: "integer", array: BigUint64Array, ...wide },
  u32: { kind: "integer", array: Uint32Array },
  u16: { kind: "integer", array: Uint16Array },
  u8: { kind: "integer", array: Uint8Array },
  bool: { kind: "bool", array: Uint8Array, from: truth, to: truth },
} as const;

export type NumberFormat = keyof typeof rows;

interface Row {
  readonly kind: NumberKind;
  readonly array: {
    readonly BYTES_PER_ELEMENT: number;
    new (length: number): RawArray;
    new (buffer: ArrayBufferLike, offset: number, length: number): RawArray;
  };
  readonly from?: (raw: number) => number;
  readonly to?: (value: number) => number;
}

/** An array of numbers; those of 64 bits hold bigints, which only `from` and `to` see. */
type RawArray = Float64Array;

const rowOf = (format: NumberFormat) => rows[format] as unknown as Row;

export const kindOf = (format: NumberFormat): NumberKind => rows[format].kind;

/** The size of a number in bytes. */
export const bytesPerNumber = (format: NumberFormat): number => rows[format].array.BYTES_PER_ELEMENT;

/** Converts the integer that holds a number's bits, or the number itself, to the number. */
export const fromRaw = (format: NumberFormat, raw: number): number => rowOf(format).from?.(raw) ?? raw;

/** The numbers that `bytes` hold: exact, except for integers beyond 2^53. */
export function decode(format: NumberFormat, bytes: Uint8Array): Float64Array {
  const { array: Raw, from } = rowOf(format);
  const count = bytes.length / Raw.BYTES_PER_ELEMENT;
  const aligned = bytes.byteOffset % Raw.BYTES_PER_ELEMENT === 0 ? bytes : new Uint8Array(bytes);
  const raw = new Raw(aligned.buffer, aligned.byteOffset, count);
  if (from === undefined) return Float64Array.from(raw);
  const numbers = new Float64Array(count);
  for (let i = 0; i < count; i++) numbers[i] = from(raw[i] as number);
  return numbers;
}

/** The bytes of numbers: rounded to the nearest float, ties to even; integers wrap. */
export function encode(format: NumberFormat, numbers: ArrayLike<number>): Uint8Array {
  const { array: Raw, to } = rowOf(format);
  const raw = new Raw(numbers.length);
  for (let i = 0; i < numbers.length; i++) {
    const value = numbers[i] as number;
    raw[i] = to === undefined ? value : to(value);
  }
  return new Uint8Array(raw.buffer);
}
