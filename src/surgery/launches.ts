/**
 * How many kernels onnxruntime's WebGPU provider launches for a graph.
 *
 * Counted by the types of the nodes; what it fuses is counted as one where a norm is concerned: a LayerNorm of primitive
 * nodes with gamma and beta, and a residual sum that only a LayerNormalization reads. Shapes are computed elsewhere.
 */

import type { NodeProto } from "../onnx/messages.ts";
import { type Draft, type Line, opOf } from "./draft.ts";

const oneEach = [
  ..."Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool Cast Ceil Clip Concat Conv Cos Cosh".split(
    " ",
  ),
  ..."CumSum Div Elu Equal Erf Exp Expand Floor Gather GatherElements Gelu Gemm GlobalAveragePool Greater".split(" "),
  ..."GreaterOrEqual HardSigmoid HardSwish LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax MatMul Max".split(
    " ",
  ),
  ..."MaxPool Min Mod Mul Neg Not Or Pow Range Reciprocal ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum".split(
    " ",
  ),
  ..."Relu RMSNormalization Round Sigmoid SimplifiedLayerNormalization Sin Sinh Slice Softmax Softplus Split Sqrt Sub".split(
    " ",
  ),
  ..."Tan Tanh Tile Transpose Trilu Where".split(" "),
  ..."BiasGelu FastGelu Gelu QuickGelu SkipLayerNormalization SkipSimplifiedLayerNormalization"
    .split(" ")
    .map((name) => `com.microsoft:${name}`),
];
const none = "Constant Dropout Flatten Identity Reshape Shape Squeeze Unsqueeze".split(" ");

const launchesOf: ReadonlyMap<string, number> = new Map([
  ...oneEach.map((op) => [op, 1] as const),
  ...none.map((op) => [op, 0] as const),
  // A function of primitives.
  ["com.microsoft:SimplifiedLayerNormalization", 6],
]);

export interface Launches {
  readonly count: number;
  /** Whether all ops are in the table; others are counted as one. */
  readonly isKnown: boolean;
}

/** What is asked of tensors: whether one holds numbers that a graph computes its shapes with. */
export type IsOfShape = (name: string) => boolean;

/** @param chains nodes of LayerNorms with gamma and beta, of which the provider makes one. */
export function launchesIn(
  draft: Draft,
  isOfShape: IsOfShape,
  isOutput: (name: string) => boolean,
  chains: Iterable<ReadonlySet<NodeProto>>,
): Launches {
  const { lines, makers, readers } = draft;
  const chainOf = new Map([...chains].flatMap((chain) => [...chain].map((node) => [node, chain] as const)));
  const seen = new Set<ReadonlySet<NodeProto>>();
  let count = 0;
  let isKnown = true;
  for (const line of lines) {
    if (line.outputs.every((name) => name === "" || isOfShape(name))) continue;
    const chain = line.made === undefined ? chainOf.get(line.at) : undefined;
    if (chain !== undefined) {
      if (!seen.has(chain)) count++;
      seen.add(chain);
      continue;
    }
    const launches = launchesOf.get(opOf(line));
    isKnown &&= launches !== undefined;
    count += launches ?? 1;
    if (opOf(line) === "LayerNormalization" && isFusedSum(line)) count--;
  }
  return { count, isKnown };

  function isFusedSum({ inputs: [x = ""] }: Line): boolean {
    const maker = makers.get(x);
    return maker !== undefined && opOf(maker) === "Add" && readers.get(x)?.length === 1 && !isOutput(x);
  }
}
