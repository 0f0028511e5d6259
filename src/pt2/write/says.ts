/** Nodes that surgery makes, said in ATen: the other way round than `rules/`, for the ops that it writes. */

import { type JsonText, jsonText } from "./arguments.ts";
import { broadcastMeta, type NewMeta, reducedMeta } from "./metas.ts";

/** An argument of a node of ATen, by its name in the schema. */
export interface SaidArgument {
  readonly name: string;
  readonly arg: JsonText;
  /** Whether it is given by its name alone. */
  readonly isKeyword?: boolean;
}

export interface Said {
  readonly op: string;
  readonly args: readonly SaidArgument[];
  readonly meta: NewMeta;
}

/** A node of the written graph, with what its inputs are. */
export interface SayView {
  readonly opType: string;
  readonly inputs: readonly string[];
  /** A tensor of the program by its name there. */
  tensor(input: number): JsonText;
  /** A tensor, or the number that a new constant of one element is. */
  operand(input: number): JsonText;
  meta(input: number): NewMeta;
  /** Whether an input is a number, and no tensor of the program. */
  isNumber(input: number): boolean;
  /** Whether it is a new constant of ones alone. */
  isOnes(input: number): boolean;
  /** Whether it is a weight that the program takes with its axes exchanged. */
  isTransposed(input: number): boolean;
  /** The integers of a new constant. */
  integers(input: number): readonly number[];
  shape(input: number): readonly number[];
  integer(name: string): number | undefined;
  float(name: string): number | undefined;
  /** There is no way to say it. */
  decline(): never;
}

type Say = (at: SayView) => Said;

const argument = (name: string, arg: JsonText, isKeyword = false): SaidArgument => ({ name, arg, isKeyword });

const metaOfBoth = (at: SayView): NewMeta => {
  if (at.isNumber(1)) return at.meta(0);
  return at.isNumber(0) ? at.meta(1) : broadcastMeta(at.meta(0), at.meta(1));
};

const binary =
  (op: string, commutes: boolean): Say =>
  (at) => {
    // A number stands on the right.
    const order = commutes && at.isNumber(0) ? [1, 0] : [0, 1];
    const [self, other] = order as [number, number];
    const args = [argument("self", at.tensor(self)), argument("other", at.operand(other))];
    return { op, args, meta: metaOfBoth(at) };
  };

const unary =
  (op: string): Say =>
  (at) => ({ op, args: [argument("self", at.tensor(0))], meta: at.meta(0) });

const power: Say = (at) => ({
  op: "pow.Tensor_Scalar",
  args: [argument("self", at.tensor(0)), argument("exponent", at.isNumber(1) ? at.operand(1) : at.decline())],
  meta: at.meta(0),
});

const mean: Say = (at) => {
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

/** The last extents of the input, which are numbers. */
function rowOf(at: SayView): number[] {
  const axis = at.integer("axis") ?? -1;
  const sizes = at.meta(0).sizes.slice(axis < 0 ? axis : axis - at.meta(0).sizes.length);
  return sizes.map((size) => {
    const number = /^\{"as_int": (\d+)\}$/.exec(size)?.[1];
    return number === undefined ? at.decline() : Number(number);
  });
}

const none = jsonText({ as_none: true });
const eps = (at: SayView) => argument("eps", jsonText({ as_float: at.float("epsilon") ?? 1e-5 }));

const rmsNorm: Say = (at) => ({
  op: "rms_norm.default",
  args: [
    argument("input", at.tensor(0)),
    argument("normalized_shape", jsonText({ as_ints: rowOf(at) })),
    argument("weight", at.inputs.length < 2 || at.isOnes(1) ? none : at.tensor(1)),
    eps(at),
  ],
  meta: at.meta(0),
});

const layerNorm: Say = (at) => ({
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

const product: Say = (at) => {
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

/** The numbers of types in the schema of torch.export by those of ONNX. */
const dtypes: ReadonlyMap<number, number> = new Map([
  [1, 7],
  [10, 6],
  [16, 13],
  [11, 8],
  [7, 5],
  [6, 4],
  [9, 12],
]);

const cast: Say = (at) => {
  const dtype = dtypes.get(at.integer("to") ?? 0) ?? at.decline();
  return {
    op: "_to_copy.default",
    args: [argument("self", at.tensor(0)), argument("dtype", jsonText({ as_scalar_type: dtype }), true)],
    meta: { ...at.meta(0), dtype },
  };
};

/** By the type of the op in ONNX. */
export const says: Readonly<Record<string, Say>> = {
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
