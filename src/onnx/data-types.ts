/** Element types of ONNX (TensorProto.DataType): their encoding in a file, and their names in the language. */

import { bytesPerNumber, kindOf, type NumberFormat, type NumberKind } from "../ir/number-formats.ts";
import { type ElementType, isElementType } from "../ir/types.ts";

export interface DataType {
  /** The name in ONNX: `FLOAT`. */
  readonly name: string;
  /** The encoding of an element in `raw_data`. */
  readonly format: NumberFormat;
  readonly kind: NumberKind;
  /** The size of an element in `raw_data`. */
  readonly bytes: number;
  /** The field of TensorProto that holds the elements if `raw_data` does not. */
  readonly field: keyof typeof typedFields;
  /** The type in the language, if it has one. 64-bit integers become i32, WGSL's widest integer type. */
  readonly element: ElementType | undefined;
}

/** The numbers of these fields. */
export const typedFields = { float: 4, int32: 5, int64: 7, double: 10, uint64: 11 } as const;

function row(name: string, format: NumberFormat, field: DataType["field"]): DataType {
  const element = isElementType(format) ? format : format === "i64" ? "i32" : undefined;
  return { name, format, kind: kindOf(format), bytes: bytesPerNumber(format), field, element };
}

/** The values of `TensorProto.DataType`. */
export const types = {
  ...{ float: 1, uint8: 2, int8: 3, uint16: 4, int16: 5, int32: 6, int64: 7, string: 8, bool: 9, half: 10, double: 11 },
  ...{ uint32: 12, uint64: 13, bfloat16: 16, float8e4m3fn: 17, float8e5m2: 19 },
} as const;

/** Keyed by the enum's value. Strings, complex numbers, other floats of 8 bits and narrower numbers are not supported. */
export const dataTypes: ReadonlyMap<number, DataType> = new Map([
  [types.float, row("FLOAT", "f32", "float")],
  [types.uint8, row("UINT8", "u8", "int32")],
  [types.int8, row("INT8", "i8", "int32")],
  [types.uint16, row("UINT16", "u16", "int32")],
  [types.int16, row("INT16", "i16", "int32")],
  [types.int32, row("INT32", "i32", "int32")],
  [types.int64, row("INT64", "i64", "int64")],
  [types.bool, row("BOOL", "bool", "int32")],
  [types.half, row("FLOAT16", "f16", "int32")],
  [types.double, row("DOUBLE", "f64", "double")],
  [types.uint32, row("UINT32", "u32", "uint64")],
  [types.uint64, row("UINT64", "u64", "uint64")],
  [types.bfloat16, row("BFLOAT16", "bf16", "int32")],
  [types.float8e4m3fn, row("FLOAT8E4M3FN", "f8e4m3", "int32")],
  [types.float8e5m2, row("FLOAT8E5M2", "f8e5m2", "int32")],
]);

export function typeName(number: number): string {
  return dataTypes.get(number)?.name ?? (number === types.string ? "STRING" : `type ${number}`);
}

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
  const type = dataTypes.get(number);
  return type?.format ?? (number === types.string ? "text" : typeName(number));
}
