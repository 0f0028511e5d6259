/** Types of tensors in the schema of torch.export (TensorMeta). */

import { type DataType, dataTypes, types } from "../onnx/data-types.ts";
import type { Fields } from "./fields.ts";

/** An extent: a number, a symbol of the program, or undefined for any other expression. */
type Size = number | string | undefined;

export interface TensorMeta {
  readonly sizes: readonly Size[];
  readonly strides: readonly Size[];
  readonly offset: Size;
  /** Undefined for unsupported types. */
  readonly type: ScalarType | undefined;
  readonly isStrided: boolean;
  readonly fields: Fields;
}

/** An element type, by its number in the schema (ScalarType). */
export interface ScalarType extends Pick<DataType, "format" | "bytes" | "kind"> {
  readonly number: number;
  /** TensorProto.DataType of ONNX. */
  readonly onnx: number;
}

const scalar = (number: number, onnx: number): ScalarType => {
  const { format, bytes, kind } = dataTypes.get(onnx) as DataType;
  return { number, onnx, format, bytes, kind };
};

export const bool = scalar(12, types.bool);
export const int64 = scalar(5, types.int64);
export const float32 = scalar(7, types.float);

/** In the order of type promotion: the wider type comes later. */
export const scalarTypes: ReadonlyMap<number, ScalarType> = new Map(
  [
    ...[bool, scalar(1, types.uint8), scalar(2, types.int8), scalar(3, types.int16), scalar(4, types.int32), int64],
    ...[scalar(6, types.half), scalar(13, types.bfloat16), float32, scalar(8, types.double)],
  ].map((type) => [type.number, type]),
);

/** The type with a TensorProto.DataType. */
export const scalarTypeOf = (onnx: number): ScalarType | undefined =>
  [...scalarTypes.values()].find((type) => type.onnx === onnx);

/** The value of the enum Layout for strided tensors. */
export const strided = 7;

export function readTensorMeta(fields: Fields): TensorMeta {
  const sizes = fields.get("sizes").items.map(readSize);
  const strides = fields.get("strides").items.map(readSize);
  if (strides.length !== sizes.length) fields.refuse(`has ${sizes.length} sizes and ${strides.length} strides`);
  return {
    sizes,
    strides,
    offset: readSize(fields.get("storage_offset")),
    type: scalarTypes.get(fields.get("dtype").integer),
    isStrided: fields.get("layout").integer === strided,
    fields,
  };
}

const symbol = /^Symbol\('(\w+)'(?:, (?:positive|integer|nonnegative)=True)*\)$/;

/** A SymInt: `{"as_int": 8}`, or `{"as_expr": {"expr_str": "Symbol('s23', positive=True, integer=True)"}}`. */
function readSize(size: Fields): Size {
  const { name, of } = size.kind;
  if (name === "as_int") return of.integer;
  if (name !== "as_expr") return undefined;
  const text = of.get("expr_str").text;
  return symbol.exec(text)?.[1] ?? (/^\w+$/.test(text) ? text : undefined);
}

/** The strides of a contiguous tensor. */
export function contiguousStrides(sizes: readonly number[]): number[] {
  let stride = 1;
  return sizes
    .toReversed()
    .map((size) => {
      const own = stride;
      stride *= Math.max(size, 1);
      return own;
    })
    .reverse();
}
