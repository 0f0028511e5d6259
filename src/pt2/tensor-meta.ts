/** Types of tensors in the schema of torch.export (TensorMeta). */

import type { Fields } from "./fields.ts";

/** An extent: a number, a symbol of the program, or undefined for any other expression. */
type Size = number | string | undefined;

export interface TensorMeta {
  readonly sizes: readonly Size[];
  readonly strides: readonly Size[];
  readonly offset: Size;
  /** Undefined for unsupported types. */
  readonly type: ScalarType | undefined;
  readonly layout: { readonly isStrided: boolean };
  readonly fields: Fields;
}

/** An element type, by its number in the schema (ScalarType). */
export interface ScalarType {
  readonly number: number;
  readonly bytes: number;
  /** TensorProto.DataType of ONNX. */
  readonly onnx: number;
  readonly kind: "float" | "integer" | "bool";
}

const scalar = (number: number, onnx: number, bytes: number, kind: ScalarType["kind"]) =>
  [number, { number, onnx, bytes, kind }] as const;

/** In the order of type promotion: the wider type comes later. */
export const scalarTypes: ReadonlyMap<number, ScalarType> = new Map([
  scalar(12, 9, 1, "bool"),
  scalar(1, 2, 1, "integer"),
  scalar(2, 3, 1, "integer"),
  scalar(3, 5, 2, "integer"),
  scalar(4, 6, 4, "integer"),
  scalar(5, 7, 8, "integer"),
  scalar(6, 10, 2, "float"),
  scalar(13, 16, 2, "float"),
  scalar(7, 1, 4, "float"),
  scalar(8, 11, 8, "float"),
]);

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
    layout: { isStrided: fields.get("layout").integer === strided },
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
