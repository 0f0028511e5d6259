/**
 * The forms in which a norm can be written.
 *
 * - layernorm: `LayerNormalization`, since opset 17, for LayerNorms that stay LayerNorms. All other forms are RMSNorms:
 * - rmsnorm: `RMSNormalization`, since opset 23.
 * - skip: onnxruntime's `SkipSimplifiedLayerNormalization`, the norm of the sum of two tensors. The norm of a single tensor
 *   is that of x + x with four times the eps: doubling is exact, unless x + x overflows.
 * - simplified: `SimplifiedLayerNormalization`, a function of the model whose body consists of the primitives.
 * - primitive: Pow, ReduceMean, Add, Sqrt, Div, Mul: the chain that onnxruntime recognizes as an RMSNorm.
 */

import { type NewFunction, type NewNode, newNode } from "../onnx/encode.ts";
import { microsoft } from "../onnx/norm-ops.ts";

export const normOps = ["auto", "layernorm", "rmsnorm", "skip", "simplified", "primitive"] as const;

/** The form in which norms are written; `auto` chooses it by the model's operator set. */
export type NormOp = (typeof normOps)[number];

export const normOpTypes = {
  layernorm: "LayerNormalization",
  rmsnorm: "RMSNormalization",
  simplified: "SimplifiedLayerNormalization",
  skip: "SkipSimplifiedLayerNormalization",
} as const;

/** The op types of norms that are written. */
export type NormOpType = (typeof normOpTypes)[keyof typeof normOpTypes];

export type NormForm = Exclude<NormOp, "auto">;

/** Since this opset, Constant has an attribute for a float, which a function needs for its eps. */
const opsetOfFunctions = 12;
export const opsetOfLayerNorm = 17;
export const opsetOfRmsNorm = 23;
/** Since this opset, the axes of ReduceMean are an input. */
export const opsetOfAxesInput = 18;
/** Before this opset, axes are counted from the front, which requires a known rank. */
export const opsetOfNegativeAxes = 11;

/** The properties of a norm that decide which forms can express it. */
interface NormKind {
  readonly opset: number;
  readonly element: string;
  /** The normalized axes, counted from the end. */
  readonly axes: readonly number[];
}

/** Whether axes are the last ones: the ops normalize no others. */
export const areLast = (axes: readonly number[]): boolean =>
  axes.toSorted((a, b) => b - a).every((axis, i) => axis === -1 - i);

/** The requested form, or the closest one that can express the norm. */
export function formOf(wanted: NormOp, { opset, element, axes }: NormKind): NormForm {
  if (!areLast(axes)) return "primitive";
  const isRow = axes.length === 1;
  const isFunction = isRow && element === "f32" && opset >= opsetOfFunctions;
  if (wanted === "auto") {
    if (opset >= opsetOfRmsNorm) return "rmsnorm";
    return formOf("skip", { opset, element, axes });
  }
  // In f16, x + x may overflow.
  if (wanted === "skip" && isRow && element === "f32") return "skip";
  if (wanted === "skip" || wanted === "simplified") return isFunction ? "simplified" : "primitive";
  return wanted;
}

/** The operands and the result of a chain of primitives. */
interface PrimitiveNames {
  readonly x: string;
  readonly scale: string;
  readonly two: string;
  readonly eps: string;
  /** The axes as a tensor, if they are an input of ReduceMean. */
  readonly axesInput: string | undefined;
  readonly axes: readonly number[];
  readonly as: string;
  readonly fresh: (hint: string) => string;
}

/** Pow, ReduceMean, Add, Sqrt, Div, Mul. */
export function primitives({ x, scale, two, eps, axesInput, axes, as, fresh }: PrimitiveNames): NewNode[] {
  const [square, mean, sum, root, normal] = ["square", "mean_square", "sum", "root", "normal"].map((hint) =>
    fresh(`${as}_${hint}`),
  ) as [string, string, string, string, string];
  const reduced = axesInput === undefined ? { axes, keepdims: 1 } : { keepdims: 1 };
  return [
    newNode("Pow", [x, two], square),
    newNode("ReduceMean", axesInput === undefined ? [square] : [square, axesInput], mean, reduced),
    newNode("Add", [mean, eps], sum),
    newNode("Sqrt", [sum], root),
    newNode("Div", [x, root], normal),
    newNode("Mul", [normal, scale], as),
  ];
}

/** `SimplifiedLayerNormalization(x, scale, epsilon)`, for runtimes without that op. */
export function simplifiedFunction(opset: number): NewFunction {
  const constant = (output: string, attributes: NewNode["attributes"]): NewNode => ({
    ...newNode("Constant", [], output, attributes),
    name: "",
  });
  const isInput = opset >= opsetOfAxesInput;
  const names = { x: "x", scale: "scale", two: "two", eps: "eps", axes: [-1], as: "y", fresh: (hint: string) => hint };
  return {
    name: normOpTypes.simplified,
    domain: microsoft,
    inputs: ["x", "scale"],
    outputs: ["y"],
    attributes: ["epsilon"],
    nodes: [
      constant("two", { value_float: { float: 2 } }),
      constant("eps", { value_float: { floatOf: "epsilon" } }),
      ...(isInput ? [constant("axes", { value_ints: [-1] })] : []),
      ...primitives({ ...names, axesInput: isInput ? "axes" : undefined }),
    ],
    opset,
  };
}

/**
 * What may be folded into constant weights of matrix products, if these are all readers of a norm's result, and nothing
 * else reads the weights:
 * - beta: of a LayerNorm that becomes an RMSNorm.
 * - gamma: of any norm.
 * - center: a centering that no norm reads.
 */
export const foldable = ["gamma", "beta", "center"] as const;
export type Foldable = (typeof foldable)[number];
