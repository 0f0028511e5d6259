/**
 * How many kernels onnxruntime's WebGPU provider launches for a graph.
 *
 * Counted by the types of the nodes; what it fuses is counted as one where a norm is concerned: a LayerNorm of primitive
 * nodes with gamma and beta, and a residual sum that only a LayerNormalization reads. Shapes are computed elsewhere.
 */

import { elementCount } from "../ir/tensor.ts";
import type { Imported } from "../onnx/import.ts";
import type { NodeProto } from "../onnx/messages.ts";
import type { OnnxModel } from "../onnx/model.ts";
import { Draft, type Line, opOf } from "./draft.ts";
import { areLast } from "./norm-forms.ts";
import type { FoundNorm } from "./passes.ts";

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
    if (chain !== undefined && chain.size > 1) {
      if (!seen.has(chain)) count++;
      seen.add(chain);
      continue;
    }
    const launches = launchesOf.get(opOf(line));
    isKnown &&= launches !== undefined;
    count += launches ?? 1;
    const isFused = opOf(line) === "LayerNormalization" ? isFusedSum(line) : isReciprocalOfProduct(line);
    if (isFused) count--;
  }
  return { count, isKnown };

  /** `1 / x` that only a product reads makes that a quotient. */
  function isReciprocalOfProduct(line: Line): boolean {
    const [one = ""] = line.inputs;
    const [reader, ...others] = readers.get(line.outputs[0] as string) ?? [];
    if (opOf(line) !== "Div" || reader === undefined || others.length > 0 || opOf(reader) !== "Mul") return false;
    const dims = draft.model.tensorType(one)?.dims;
    return dims !== undefined && elementCount(dims) === 1 && draft.model.numbers(one)?.numbers[0] === 1;
  }

  function isFusedSum({ inputs: [x = ""] }: Line): boolean {
    const maker = makers.get(x);
    return maker !== undefined && opOf(maker) === "Add" && readers.get(x)?.length === 1 && !isOutput(x);
  }
}

/** What launches are counted of. */
export interface Graphs {
  readonly model: OnnxModel;
  readonly imported: Imported;
  readonly draft: Draft;
  readonly norms: readonly FoundNorm[];
  readonly makers: ReadonlyMap<string, NodeProto>;
}

/** Of the model, and of what is written. */
export function launchesAround(
  { model, imported, draft, norms, makers }: Graphs,
  isRewritten: (norm: FoundNorm) => boolean,
) {
  const outputs = new Set(model.graph.outputs.map(({ name }) => name));
  const isOutput = (name: string) => outputs.has(name);
  // The provider has no integers of 64 bits, which are i32 here.
  const isOfShape = (name: string) => imported.values.get(name)?.element === "i32";
  const isFused = ({ op, record }: FoundNorm) =>
    op.name === "layernorm" && record.gamma && record.beta && areLast(op.attributes.axes as number[]);
  const chains = (kept: (norm: FoundNorm) => boolean) =>
    norms.filter((norm) => isFused(norm) && kept(norm)).map((norm) => chainOf(norm, imported, makers));
  const count = (graph: Draft, kept: (norm: FoundNorm) => boolean) =>
    launchesIn(graph, isOfShape, isOutput, chains(kept));
  return { before: count(new Draft(model, new Map()), () => true), after: count(draft, (norm) => !isRewritten(norm)) };
}

/** The nodes from what a norm takes to what it makes. */
function chainOf({ op, tensors }: FoundNorm, { tensors: names }: Imported, makers: Graphs["makers"]): Set<NodeProto> {
  const taken = new Set(op.operands.map((value) => names.get(value?.name ?? "")));
  const found = new Set<NodeProto>();
  const open = [...tensors];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const maker = makers.get(name);
    if (maker === undefined || taken.has(name) || found.has(maker)) continue;
    found.add(maker);
    open.push(...maker.inputs);
  }
  return found;
}
