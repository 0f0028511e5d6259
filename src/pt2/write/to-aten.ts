/** Translates the ONNX nodes that surgery emits to ATen: the inverse of `rules/`. */

import { scalarTypeOf } from "../tensor-meta.ts";
import { type JsonText, jsonText } from "./arguments.ts";
import { broadcastMeta, type NewMeta, reducedMeta } from "./metas.ts";

/** An argument of an ATen node, by its name in the schema. */
export interface AtenArgument {
  readonly name: string;
  readonly arg: JsonText;
  /** Whether it is a keyword argument. */
  readonly isKeyword?: boolean;
}

export interface AtenCall {
  readonly op: string;
  readonly args: readonly AtenArgument[];
  readonly meta: NewMeta;
}

/** A node of the rewritten graph. */
export interface LineView {
  readonly inputs: readonly string[];
  /** An input as a tensor argument. */
  tensor(input: number): JsonText;
  /** An input as a tensor argument, or as a number if it is a new constant with one element. */
  operand(input: number): JsonText;
  meta(input: number): NewMeta;
  /** Whether an input is written as a number. */
  isNumber(input: number): boolean;
  /** Whether an input is a new constant whose elements are all 1. */
  isOnes(input: number): boolean;
  /** Whether an input is the transpose of a weight of the program. */
  isTransposed(input: number): boolean;
  /** The integers of a new constant. */
  integers(input: number): readonly number[];
  integer(name: string): number | undefined;
  float(name: string): number | undefined;
  /** Fails: ATen cannot express the node. */
  decline(): never;
}

type LineRule = (at: LineView) => AtenCall;

const argument = (name: string, arg: JsonText, isKeyword = false): AtenArgument => ({ name, arg, isKeyword });

const metaOfBoth = (at: LineView): NewMeta => {
  if (at.isNumber(1)) return at.meta(0);
  return at.isNumber(0) ? at.meta(1) : broadcastMeta(at.meta(0), at.meta(1));
};

const binary =
  (op: string, commutes: boolean): LineRule =>
  (at) => {
    // A number must be the second operand.
    const order = commutes && at.isNumber(0) ? [1, 0] : [0, 1];
    const [self, other] = order as [number, number];
    const args = [argument("self", at.tensor(self)), argument("other", at.operand(other))];
    return { op, args, meta: metaOfBoth(at) };
  };

const unary =
  (op: string): LineRule =>
  (at) => ({ op, args: [argument("self", at.tensor(0))], meta: at.meta(0) });

const power: LineRule = (at) => ({
  op: "pow.Tensor_Scalar",
  args: [argument("self", at.tensor(0)), argument("exponent", at.isNumber(1) ? at.operand(1) : at.decline())],
  meta: at.meta(0),
});

const mean: LineRule = (at) => {
  const axes = at.integers(1);
  if (at.integer("keepdims") !== 1) at.decline();
  return {
    op: "mean.dim",
    args: [
      argument("self", at.tensor(0)),
      argument("dim", jsonText({ as_ints: axes })),
      argument("keepdim", jsonText({ as_bool: true })),
    ],
    meta: reducedMeta(at.meta(0), axes),
  };
};

/** The normalized shape: the last extents of the input, which must be numbers. */
function rowOf(at: LineView): number[] {
  const axis = at.integer("axis") ?? -1;
  const sizes = at.meta(0).sizes.slice(axis < 0 ? axis : axis - at.meta(0).sizes.length);
  return sizes.map((size) => {
    const number = /^\{"as_int": (\d+)\}$/.exec(size)?.[1];
    return number === undefined ? at.decline() : Number(number);
  });
}

const none = jsonText({ as_none: true });
const eps = (at: LineView) => argument("eps", jsonText({ as_float: at.float("epsilon") ?? 1e-5 }));

const rmsNorm: LineRule = (at) => ({
  op: "rms_norm.default",
  args: [
    argument("input", at.tensor(0)),
    argument("normalized_shape", jsonText({ as_ints: rowOf(at) })),
    argument("weight", at.inputs.length < 2 || at.isOnes(1) ? none : at.tensor(1)),
    eps(at),
  ],
  meta: at.meta(0),
});

const layerNorm: LineRule = (at) => ({
  op: "layer_norm.default",
  args: [
    argument("input", at.tensor(0)),
    argument("normalized_shape", jsonText({ as_ints: rowOf(at) })),
    argument("weight", at.isOnes(1) ? none : at.tensor(1)),
    argument("bias", at.inputs.length < 3 ? none : at.tensor(2)),
    eps(at),
  ],
  meta: at.meta(0),
});

const product: LineRule = (at) => {
  const width = at.meta(1).sizes;
  const meta = (column: JsonText): NewMeta => ({ ...at.meta(0), sizes: [...at.meta(0).sizes.slice(0, -1), column] });
  if (at.isTransposed(1)) {
    return {
      op: "linear.default",
      args: [argument("input", at.tensor(0)), argument("weight", at.tensor(1))],
      meta: meta(width[0] as JsonText),
    };
  }
  const op = width.length === 2 && at.meta(0).sizes.length === 2 ? "mm.default" : "matmul.default";
  const other = op === "mm.default" ? "mat2" : "other";
  const args = [argument("self", at.tensor(0)), argument(other, at.tensor(1))];
  return { op, args, meta: meta(width.at(-1) as JsonText) };
};

const cast: LineRule = (at) => {
  const dtype = scalarTypeOf(at.integer("to") ?? 0)?.number ?? at.decline();
  return {
    op: "_to_copy.default",
    args: [argument("self", at.tensor(0)), argument("dtype", jsonText({ as_scalar_type: dtype }), true)],
    meta: { ...at.meta(0), dtype },
  };
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
