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

/** Keyed by the enum's value. Strings, complex numbers, other floats of 8 bits and narrower numbers are not supported. */
export const dataTypes: ReadonlyMap<number, DataType> = new Map([
  [1, row("FLOAT", "f32", "float")],
  [2, row("UINT8", "u8", "int32")],
  [3, row("INT8", "i8", "int32")],
  [4, row("UINT16", "u16", "int32")],
  [5, row("INT16", "i16", "int32")],
  [6, row("INT32", "i32", "int32")],
  [7, row("INT64", "i64", "int64")],
  [9, row("BOOL", "bool", "int32")],
  [10, row("FLOAT16", "f16", "int32")],
  [11, row("DOUBLE", "f64", "double")],
  [12, row("UINT32", "u32", "uint64")],
  [13, row("UINT64", "u64", "uint64")],
  [16, row("BFLOAT16", "bf16", "int32")],
  [17, row("FLOAT8E4M3FN", "f8e4m3", "int32")],
  [19, row("FLOAT8E5M2", "f8e5m2", "int32")],
]);

export function typeName(number: number): string {
  return dataTypes.get(number)?.name ?? (number === 8 ? "STRING" : `type ${number}`);
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
  return type?.format ?? (number === 8 ? "text" : typeName(number));
}
