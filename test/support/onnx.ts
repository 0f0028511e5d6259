/** ONNX models written with the published schema, for our decoder. */

import { create, toBinary } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  AttributeProto_AttributeType as Kind,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "onnx-buf";
import { byteBits } from "../../src/ir/float8.ts";
import { toBfloat16Bits, toFloat16Bits } from "../../src/ir/float16.ts";

/** A number for each element type, as `TensorProto.DataType` has it. */
export const onnxType = {
  ...{ f32: 1, u8: 2, i8: 3, i32: 6, i64: 7, string: 8, bool: 9, f16: 10, f64: 11, u32: 12, bf16: 16 },
  ...{ f8e4m3: 17, f8e5m2: 19 },
} as const;
export type OnnxElement = keyof typeof onnxType;

export interface Weight {
  readonly element: OnnxElement;
  readonly dims: readonly number[];
  readonly numbers: readonly number[];
}

export const weight = (element: OnnxElement, dims: readonly number[], ...numbers: number[]): Weight => {
  return { element, dims, numbers };
};

/** `count` numbers that look random and are not. */
export function spread(count: number, seed = 1): number[] {
  return Array.from({ length: count }, (_, i) => Math.fround(Math.sin((i + 1) * 12.9898 + seed * 78.233) * 1.7));
}

const bytesOf = (array: ArrayBufferView<ArrayBuffer>) =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

export function rawBytes({ element, numbers }: Weight): Uint8Array<ArrayBuffer> {
  switch (element) {
    case "f32":
      return bytesOf(Float32Array.from(numbers));
    case "f64":
      return bytesOf(Float64Array.from(numbers));
    case "i8":
      return bytesOf(Int8Array.from(numbers));
    case "bf16":
      return bytesOf(Uint16Array.from(numbers, toBfloat16Bits));
    case "f8e4m3":
    case "f8e5m2":
      return bytesOf(Uint8Array.from(numbers, byteBits[element].to));
    case "f16":
      return bytesOf(Uint16Array.from(numbers, toFloat16Bits));
    case "i64":
      return bytesOf(BigInt64Array.from(numbers, BigInt));
    case "i32":
      return bytesOf(Int32Array.from(numbers));
    case "u32":
      return bytesOf(Uint32Array.from(numbers));
    default:
      return Uint8Array.from(numbers);
  }
}

export function tensorProto(name: string, given: Weight): TensorProto {
  const { element, dims } = given;
  return create(TensorProtoSchema, {
    name,
    dims: dims.map(BigInt),
    dataType: onnxType[element],
    rawData: rawBytes(given),
  });
}

type Attribute = number | string | readonly number[] | Weight | { readonly int: number } | GraphProto;

/** Floats are given as they are where they are no integers, or as `{ float }`. */
function attributeProto(name: string, value: Attribute | { readonly float: number }): AttributeProto {
  const with_ = (parts: Partial<AttributeProto>) => create(AttributeProtoSchema, { name, ...(parts as object) });
  if (typeof value === "string") return with_({ type: Kind.STRING, s: new TextEncoder().encode(value) });
  if (typeof value === "number") {
    return Number.isInteger(value)
      ? with_({ type: Kind.INT, i: BigInt(value) })
      : with_({ type: Kind.FLOAT, f: Math.fround(value) });
  }
  if (Array.isArray(value)) return with_({ type: Kind.INTS, ints: (value as number[]).map(BigInt) });
  if ("float" in value) return with_({ type: Kind.FLOAT, f: Math.fround(value.float) });
  if ("numbers" in value) return with_({ type: Kind.TENSOR, t: tensorProto("", value) });
  return with_({ type: Kind.GRAPH, g: value as GraphProto });
}

export interface NodeParts {
  readonly name?: string;
  readonly domain?: string;
  readonly attributes?: Readonly<Record<string, Attribute | { readonly float: number }>>;
}

export function node(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  { name = "", domain = "", attributes = {} }: NodeParts = {},
): NodeProto {
  return create(NodeProtoSchema, {
    opType,
    ...(name !== "" && { name }),
    ...(domain !== "" && { domain }),
    input: [...input],
    output: [...output],
    attribute: Object.entries(attributes).map(([key, value]) => attributeProto(key, value)),
  });
}

export interface Declared {
  readonly element: OnnxElement;
  /** A name is a `dim_param`; `undefined` is not known. */
  readonly shape?: readonly (number | string | undefined)[];
}

export function valueInfo(name: string, { element, shape }: Declared): ValueInfoProto {
  const dim = (extent: number | string | undefined) => {
    if (extent === undefined) return {};
    return typeof extent === "number"
      ? { value: { case: "dimValue" as const, value: BigInt(extent) } }
      : { value: { case: "dimParam" as const, value: extent } };
  };
  const value = { elemType: onnxType[element], ...(shape && { shape: { dim: shape.map(dim) } }) };
  return create(ValueInfoProtoSchema, { name, type: { value: { case: "tensorType", value } } });
}

export interface ModelParts {
  readonly opset?: number;
  readonly name?: string;
  readonly inputs?: Readonly<Record<string, Declared>>;
  readonly outputs?: Readonly<Record<string, Declared>>;
  readonly valueInfo?: Readonly<Record<string, Declared>>;
  readonly weights?: Readonly<Record<string, Weight>>;
  /** Instead of the weights, or in addition to them. */
  readonly tensors?: readonly TensorProto[];
  readonly nodes?: readonly NodeProto[];
}

const infos = (list: Readonly<Record<string, Declared>> = {}) =>
  Object.entries(list).map(([name, declared]) => valueInfo(name, declared));

export function graph({
  name = "g",
  inputs,
  outputs,
  valueInfo: inner,
  weights = {},
  tensors = [],
  nodes = [],
}: ModelParts) {
  return create(GraphProtoSchema, {
    name,
    node: [...nodes],
    input: infos(inputs),
    output: infos(outputs),
    valueInfo: infos(inner),
    initializer: [...Object.entries(weights).map(([key, value]) => tensorProto(key, value)), ...tensors],
  });
}

/** The bytes of a model. */
export function onnxModel(parts: ModelParts): Uint8Array {
  const { opset = 17 } = parts;
  const opsetImport = [
    { domain: "", version: BigInt(opset) },
    { domain: "com.microsoft", version: 1n },
  ];
  const model = create(ModelProtoSchema, { irVersion: 8n, producerName: "tests", opsetImport, graph: graph(parts) });
  return toBinary(ModelProtoSchema, model);
}
