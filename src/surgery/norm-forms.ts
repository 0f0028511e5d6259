/**
 * The forms in which a norm is written as nodes.
 *
 * - layernorm: LayerNorms stay what they are, as `LayerNormalization`, which ONNX has from set 17 on. All others are RMSNorms:
 * - rmsnorm: `RMSNormalization`, which ONNX has from set 23 on.
 * - skip: onnxruntime's `SkipSimplifiedLayerNormalization`, the norm of a sum of two tensors. Of one tensor alone it is the
 *   norm of x + x with four times the eps: doubling is exact, so that nothing is lost where x + x does not overflow.
 * - simplified: `SimplifiedLayerNormalization`, a function of the model with the primitives as its body.
 * - primitive: Pow, ReduceMean, Add, Sqrt, Div, Mul: the form that onnxruntime recognizes as an RMSNorm.
 */

import type { NewFunction, NewNode } from "../onnx/encode.ts";

export const normOps = ["auto", "layernorm", "rmsnorm", "skip", "simplified", "primitive"] as const;

/** What norms are written as; `auto` chooses by the model's operator set. */
export type NormOp = (typeof normOps)[number];

/** The domain of onnxruntime's ops. */
export const microsoft = "com.microsoft";

export const normOpTypes = {
  layernorm: "LayerNormalization",
  rmsnorm: "RMSNormalization",
  simplified: "SimplifiedLayerNormalization",
  skip: "SkipSimplifiedLayerNormalization",
} as const;

/** The ops that a norm is written as, by their names in ONNX. */
export type NormOpType = (typeof normOpTypes)[keyof typeof normOpTypes];

export type NormForm = Exclude<NormOp, "auto">;

/** Constants of floats are attributes of nodes from this set on, and a function needs one for its eps. */
const opsetOfFunctions = 12;
export const opsetOfLayerNorm = 17;
export const opsetOfRmsNorm = 23;
/** ReduceMean takes its axes as an input from this set on. */
export const opsetOfAxesInput = 18;
/** Before, axes are counted from the front, so that the rank must be known. */
export const opsetOfNegativeAxes = 11;

/** What a norm needs of a form. */
interface NormKind {
  readonly opset: number;
  readonly element: string;
  /** Those that it normalizes, counted from the end. */
  readonly axes: readonly number[];
}

/** Whether axes are the last ones, which are all that the ops normalize. */
export const areLast = (axes: readonly number[]): boolean =>
  axes.toSorted((a, b) => b - a).every((axis, i) => axis === -1 - i);

/** The form that is asked for, or the next that can say the norm. */
export function formOf(wanted: NormOp, { opset, element, axes }: NormKind): NormForm {
  if (!areLast(axes)) return "primitive";
  const isRow = axes.length === 1;
  const isFunction = isRow && element === "f32" && opset >= opsetOfFunctions;
  if (wanted === "auto") {
    if (opset >= opsetOfRmsNorm) return "rmsnorm";
    return formOf("skip", { opset, element, axes });
  }
  // The double of a half may overflow.
  if (wanted === "skip" && isRow && element === "f32") return "skip";
  if (wanted === "skip" || wanted === "simplified") return isFunction ? "simplified" : "primitive";
  return wanted;
}

/** Names of what the primitives of a norm take and make. */
interface PrimitiveNames {
  readonly x: string;
  readonly scale: string;
  readonly two: string;
  readonly eps: string;
  /** Where the axes are an input. */
  readonly axesInput: string | undefined;
  readonly axes: readonly number[];
  readonly as: string;
  readonly fresh: (hint: string) => string;
}

/** Pow, ReduceMean, Add, Sqrt, Div, Mul. */
export function primitives({ x, scale, two, eps, axesInput, axes, as, fresh }: PrimitiveNames): NewNode[] {
  const node = (opType: string, inputs: readonly string[], output: string, attributes: NewNode["attributes"] = {}) => {
    return { name: output, opType, domain: "", inputs, outputs: [output], attributes };
  };
  const [square, mean, sum, root, normal] = ["square", "mean_square", "sum", "root", "normal"].map((hint) =>
    fresh(`${as}_${hint}`),
  ) as [string, string, string, string, string];
  const reduced = axesInput === undefined ? { axes, keepdims: 1 } : { keepdims: 1 };
  return [
    node("Pow", [x, two], square),
    node("ReduceMean", axesInput === undefined ? [square] : [square, axesInput], mean, reduced),
    node("Add", [mean, eps], sum),
    node("Sqrt", [sum], root),
    node("Div", [x, root], normal),
    node("Mul", [normal, scale], as),
  ];
}

/** `SimplifiedLayerNormalization(x, scale, epsilon)` for runtimes that have no op of that name. */
export function simplifiedFunction(opset: number): NewFunction {
  const constant = (output: string, attributes: NewNode["attributes"]): NewNode => {
    return { name: "", opType: "Constant", domain: "", inputs: [], outputs: [output], attributes };
  };
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
 * What may go into products with constant weights that are all that reads a row, where nothing else reads the weights:
 * - beta: what a LayerNorm adds, once it is an RMSNorm.
 * - gamma: what a norm multiplies by.
 * - center: a centering that no norm reads.
 */
export const foldable = ["gamma", "beta", "center"] as const;
export type Foldable = (typeof foldable)[number];
