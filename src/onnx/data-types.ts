/** Element types of ONNX (TensorProto.DataType): their encoding in a file, and their names in the language. */

import { byteBits } from "../ir/float8.ts";
import { fromBfloat16Bits, fromFloat16Bits } from "../ir/float16.ts";
import type { ElementType, Float8 } from "../ir/types.ts";

/** What the elements of a type are. */
export type NumberKind = "float" | "integer" | "bool";

export interface DataType {
  /** The name in ONNX: `FLOAT`. */
  readonly name: string;
  readonly kind: NumberKind;
  /** Bytes per element of `raw_data`. */
  readonly bytes: number;
  /** The field of TensorProto that holds the elements if `raw_data` does not. */
  readonly field: number;
  readonly read: (view: DataView, at: number) => number;
  /** Converts an element of that field to its value. */
  readonly fromField: (value: number) => number;
  /** The type in the language, if it has one. 64-bit integers become i32, WGSL's widest integer type. */
  readonly element: ElementType | undefined;
}

export const typedFields = { float: 4, int32: 5, int64: 7, double: 10, uint64: 11 } as const;

const same = (value: number) => value;

function row(
  name: string,
  kind: NumberKind,
  bytes: number,
  field: keyof typeof typedFields,
  read: DataType["read"],
  element?: ElementType,
  fromField: DataType["fromField"] = same,
): DataType {
  return { name, kind, bytes, field: typedFields[field], read, element, fromField };
}

function float8(name: string, element: Float8): DataType {
  const { from } = byteBits[element];
  return row(name, "float", 1, "int32", (view, at) => from(view.getUint8(at)), element, from);
}

/** Keyed by the enum's value. Strings, complex numbers, other floats of 8 bits and narrower numbers are not supported. */
export const dataTypes: ReadonlyMap<number, DataType> = new Map([
  [1, row("FLOAT", "float", 4, "float", (view, at) => view.getFloat32(at, true), "f32")],
  [2, row("UINT8", "integer", 1, "int32", (view, at) => view.getUint8(at), "u8")],
  [3, row("INT8", "integer", 1, "int32", (view, at) => view.getInt8(at), "i8")],
  [4, row("UINT16", "integer", 2, "int32", (view, at) => view.getUint16(at, true))],
  [5, row("INT16", "integer", 2, "int32", (view, at) => view.getInt16(at, true))],
  [6, row("INT32", "integer", 4, "int32", (view, at) => view.getInt32(at, true), "i32")],
  [7, row("INT64", "integer", 8, "int64", (view, at) => Number(view.getBigInt64(at, true)), "i32")],
  [9, row("BOOL", "bool", 1, "int32", (view, at) => Number(view.getUint8(at) !== 0), "bool", Number)],
  [
    10,
    row(
      ...(["FLOAT16", "float", 2, "int32"] as const),
      (view, at) => fromFloat16Bits(view.getUint16(at, true)),
      "f16",
      fromFloat16Bits,
    ),
  ],
  [11, row("DOUBLE", "float", 8, "double", (view, at) => view.getFloat64(at, true))],
  [12, row("UINT32", "integer", 4, "uint64", (view, at) => view.getUint32(at, true), "u32")],
  [
    13,
    row(
      ...(["UINT64", "integer", 8, "uint64"] as const),
      (view, at) => Number(view.getBigUint64(at, true)),
      undefined,
      (value) => (value < 0 ? value + 2 ** 64 : value),
    ),
  ],
  [
    16,
    row(
      ...(["BFLOAT16", "float", 2, "int32"] as const),
      (view, at) => fromBfloat16Bits(view.getUint16(at, true)),
      "bf16",
      fromBfloat16Bits,
    ),
  ],
  [17, float8("FLOAT8E4M3FN", "f8e4m3")],
  [19, float8("FLOAT8E5M2", "f8e5m2")],
]);

export function typeName(number: number): string {
  return dataTypes.get(number)?.name ?? (number === 8 ? "STRING" : `type ${number}`);
}

/** Names, in the style of the language, for types that it does not have. */
const foreignNames: Readonly<Record<number, string>> = { 4: "u16", 5: "i16", 8: "text", 11: "f64", 13: "u64" };

/** Why an element type of a model is not supported: a noun phrase that follows "is". */
export function whyForeign(number: number): string {
  const name = shortName(number);
  if (name === "bf16")
    return "bf16, for which onnxruntime has no norms: tirc rewrites bf16 norms in torch.export archives only";
  return name.startsWith("f8e")
    ? `${name}, of which onnxruntime has no tensors outside of a model`
    : `${name}, which is not a type of the language`;
}

/** An element type in the style of the language: `f64`. */
function shortName(number: number): string {
  return dataTypes.get(number)?.element ?? foreignNames[number] ?? typeName(number);
}
