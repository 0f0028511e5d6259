/** Translates the ONNX nodes that surgery emits to ATen: the inverse of `rules/`. */

import { scalarTypeOf } from "../tensor-meta.ts";
import { broadcastMeta, type NewMeta, numberIn, reducedMeta, type SymInt } from "./metas.ts";

/** An Argument of the schema. */
export type AtenValue =
  | { readonly as_tensor: { readonly name: string } }
  | { readonly as_float: number }
  | { readonly as_ints: readonly number[] }
  | { readonly as_bool: boolean }
  | { readonly as_none: true }
  | { readonly as_scalar_type: number };

/** The arguments are positional, except `keyword`; they have the names and the order of the op's schema. */
export interface AtenCall {
  readonly op: string;
  readonly args: Readonly<Record<string, AtenValue>>;
  readonly keyword?: string;
  readonly meta: NewMeta;
}

/** A node of the rewritten graph. */
export interface LineView {
  readonly inputs: readonly string[];
  /** An input as a tensor argument. */
  tensor(input: number): AtenValue;
  meta(input: number): NewMeta;
  /** The elements of an input that is a new constant, and not a weight. */
  numbers(input: number): readonly number[] | undefined;
  /** Whether an input is a new constant whose elements are all 1. */
  isOnes(input: number): boolean;
  /** Whether an input is the transpose of a weight of the program. */
  isTransposed(input: number): boolean;
  integer(name: string): number | undefined;
  float(name: string): number | undefined;
  /** Fails: ATen cannot express the node. */
  decline(): never;
}

type LineRule = (at: LineView) => AtenCall;

/** The value of an input that is written as a number: a new constant with one element. */
function numberAt(at: LineView, input: number): number | undefined {
  const numbers = at.numbers(input);
  return numbers?.length === 1 ? numbers[0] : undefined;
}

const metaOfBoth = (at: LineView): NewMeta => {
  if (numberAt(at, 1) !== undefined) return at.meta(0);
  return numberAt(at, 0) !== undefined ? at.meta(1) : broadcastMeta(at.meta(0), at.meta(1));
};

const binary =
  (op: string, commutes: boolean): LineRule =>
  (at) => {
    // A number must be the second operand.
    const self = commutes && numberAt(at, 0) !== undefined ? 1 : 0;
    const number = numberAt(at, 1 - self);
    const other = number === undefined ? at.tensor(1 - self) : { as_float: number };
    return { op, args: { self: at.tensor(self), other }, meta: metaOfBoth(at) };
  };

const unary =
  (op: string): LineRule =>
  (at) => ({ op, args: { self: at.tensor(0) }, meta: at.meta(0) });

const power: LineRule = (at) => ({
  op: "pow.Tensor_Scalar",
  args: { self: at.tensor(0), exponent: { as_float: numberAt(at, 1) ?? at.decline() } },
  meta: at.meta(0),
});

const mean: LineRule = (at) => {
  const axes = at.numbers(1) ?? at.decline();
  if (at.integer("keepdims") !== 1) at.decline();
  return {
    op: "mean.dim",
    args: { self: at.tensor(0), dim: { as_ints: axes }, keepdim: { as_bool: true } },
    meta: reducedMeta(at.meta(0), axes),
  };
};

/** The normalized shape: the last extents of the input, which must be numbers. */
function rowOf(at: LineView): number[] {
  const axis = at.integer("axis") ?? -1;
  const sizes = at.meta(0).sizes.slice(axis < 0 ? axis : axis - at.meta(0).sizes.length);
  return sizes.map((size) => numberIn(size) ?? at.decline());
}

const none: AtenValue = { as_none: true };

const norm = (op: string, at: LineView, affine: AtenCall["args"]): AtenCall => ({
  op,
  args: {
    ...{ input: at.tensor(0), normalized_shape: { as_ints: rowOf(at) }, ...affine },
    eps: { as_float: at.float("epsilon") ?? 1e-5 },
  },
  meta: at.meta(0),
});

/** A weight of ones is omitted. */
const rmsNorm: LineRule = (at) =>
  norm("rms_norm.default", at, { weight: at.inputs.length < 2 || at.isOnes(1) ? none : at.tensor(1) });

const layerNorm: LineRule = (at) =>
  norm("layer_norm.default", at, {
    weight: at.isOnes(1) ? none : at.tensor(1),
    bias: at.inputs.length < 3 ? none : at.tensor(2),
  });

const product: LineRule = (at) => {
  const [x, { sizes: width }] = [at.meta(0), at.meta(1)];
  const meta = (column: number): NewMeta => ({ ...x, sizes: x.sizes.with(-1, width.at(column) as SymInt) });
  if (at.isTransposed(1)) {
    return { op: "linear.default", args: { input: at.tensor(0), weight: at.tensor(1) }, meta: meta(0) };
  }
  const isMatrix = width.length === 2 && x.sizes.length === 2;
  const [op, other] = isMatrix ? ["mm.default", "mat2"] : ["matmul.default", "other"];
  return { op, args: { self: at.tensor(0), [other]: at.tensor(1) }, meta: meta(-1) };
};

const cast: LineRule = (at) => {
  const dtype = scalarTypeOf(at.integer("to") ?? 0)?.number ?? at.decline();
  const args = { self: at.tensor(0), dtype: { as_scalar_type: dtype } };
  return { op: "_to_copy.default", args, keyword: "dtype", meta: { ...at.meta(0), dtype } };
};

/** By op type in ONNX. */
export const toAten: Readonly<Record<string, LineRule>> = {
  Add: binary("add.Tensor", true),
  Sub: binary("sub.Tensor", false),
  Mul: binary("mul.Tensor", true),
  Div: binary("div.Tensor", false),
  Neg: unary("neg.default"),
  Sqrt: unary("sqrt.default"),
  Reciprocal: unary("reciprocal.default"),
  Identity: unary("alias.default"),
  Pow: power,
  ReduceMean: mean,
  RMSNormalization: rmsNorm,
  LayerNormalization: layerNorm,
  MatMul: product,
  Cast: cast,
};
