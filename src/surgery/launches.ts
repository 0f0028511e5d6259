/**
 * Estimates the number of kernels that onnxruntime's WebGPU provider launches for a graph, from the op types of its nodes.
 *
 * Fusions are modeled if they involve a norm: a chain of primitives that is a LayerNorm with gamma and beta, and before a
 * LayerNorm, a residual sum that nothing else reads and the bias of a summand. Shapes are computed on the CPU.
 */

import { elementCount } from "../ir/tensor.ts";
import type { Imported } from "../onnx/import.ts";
import type { NodeProto } from "../onnx/messages.ts";
import type { OnnxModel } from "../onnx/model.ts";
import { Draft, isNothing, type Line, opOf } from "./draft.ts";
import { areLast } from "./norm-forms.ts";
import type { FoundNorm } from "./passes.ts";

const oneEach = `
  Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool Cast Ceil Clip Concat Conv Cos Cosh CumSum Div Elu
  Equal Erf Exp Expand Floor Gather GatherElements Gelu Gemm GlobalAveragePool Greater GreaterOrEqual HardSigmoid HardSwish
  LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax MatMul Max MaxPool Min Mod Mul Neg Not Or Pow Range
  Reciprocal ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum Relu RMSNormalization Round Sigmoid
  SimplifiedLayerNormalization Sin Sinh Slice Softmax Softplus Split Sqrt Sub Tan Tanh Tile Transpose Trilu Where
  com.microsoft:BiasGelu com.microsoft:FastGelu com.microsoft:Gelu com.microsoft:QuickGelu
  com.microsoft:SkipLayerNormalization com.microsoft:SkipSimplifiedLayerNormalization`;
const none = "Constant Dropout Flatten Identity Reshape Shape Squeeze Unsqueeze";

const launchesOf: ReadonlyMap<string, number> = new Map([
  ...oneEach
    .trim()
    .split(/\s+/)
    .map((op) => [op, 1] as const),
  ...none.split(" ").map((op) => [op, 0] as const),
  // A function that consists of primitives.
  ["com.microsoft:SimplifiedLayerNormalization", 6],
]);

interface Launches {
  readonly count: number;
  /** Whether all ops are in the table; any other counts as one launch. */
  readonly isKnown: boolean;
}

/** The nodes of a norm, and its input. */
interface Chain {
  readonly nodes: ReadonlySet<NodeProto>;
  readonly x: string;
}

/** Facts about tensors, by name. */
interface Tensors extends Pick<Graphs, "shapeOf"> {
  readonly isOutput: (name: string) => boolean;
  /** Whether a tensor is only used to compute shapes. */
  readonly isOfShape: (name: string) => boolean;
  /** Whether the provider drops the node. */
  readonly isNothing: (line: Line) => boolean;
}

/** Use-def chains that skip the nodes that the provider drops. */
interface Flow {
  readonly maker: (name: string) => Line | undefined;
  readonly readers: (name: string) => readonly Line[];
}

function flowIn({ makers, readers }: Draft, { isNothing }: Tensors): Flow {
  return {
    maker: (name) => {
      let line = makers.get(name);
      while (line !== undefined && isNothing(line)) line = makers.get(line.inputs[0] as string);
      return line;
    },
    readers: (name) => {
      const found = new Set(readers.get(name));
      for (const line of found) {
        if (!isNothing(line)) continue;
        found.delete(line);
        for (const reader of readers.get(line.outputs[0] as string) ?? []) found.add(reader);
      }
      return [...found];
    },
  };
}

/** @param chains LayerNorms with gamma and beta, which the provider fuses. */
function launchesIn(draft: Draft, tensors: Tensors, chains: readonly Chain[]): Launches {
  const { lines } = draft;
  const chainOf = new Map(chains.flatMap((chain) => [...chain.nodes].map((node) => [node, chain] as const)));
  const seen = new Set<Chain>();
  const flow = flowIn(draft, tensors);
  const fusedSums = fusedSumsIn(flow, tensors);
  let count = 0;
  let isKnown = true;
  for (const line of lines) {
    if (tensors.isNothing(line) || line.outputs.every((name) => name === "" || tensors.isOfShape(name))) continue;
    const chain = line.made === undefined ? chainOf.get(line.at) : undefined;
    if (chain !== undefined && chain.nodes.size > 1) {
      if (!seen.has(chain)) count += 1 - fusedSums(chain.x, (reader) => chain.nodes.has(reader.at));
      seen.add(chain);
      continue;
    }
    const launches = launchesOf.get(opOf(line));
    isKnown &&= launches !== undefined;
    count += launches ?? 1;
    if (opOf(line) === "LayerNormalization") count -= fusedSums(line.inputs[0] as string, (reader) => reader === line);
    else if (isReciprocalOfProduct(line)) count--;
  }
  return { count, isKnown };

  /** Whether a line is `1 / x` with a product as its only use, which the provider fuses to a quotient. */
  function isReciprocalOfProduct(line: Line): boolean {
    const [one = ""] = line.inputs;
    const [reader, ...others] = flow.readers(line.outputs[0] as string);
    if (opOf(line) !== "Div" || reader === undefined || others.length > 0 || opOf(reader) !== "Mul") return false;
    const dims = draft.model.tensorType(one)?.dims;
    return dims !== undefined && elementCount(dims) === 1 && draft.model.numbers(one)?.numbers[0] === 1;
  }
}

/** Counts the Adds that are fused with a LayerNorm of `x`: a sum that nothing else reads, and the bias of a summand. */
function fusedSumsIn({ maker, readers }: Flow, { isOutput, shapeOf }: Tensors) {
  const addOf = (name: string, isReader: (line: Line) => boolean) => {
    const add = maker(name);
    const isAdd = add !== undefined && opOf(add) === "Add" && !isOutput(add.outputs[0] as string);
    return isAdd && readers(add.outputs[0] as string).every(isReader) ? add : undefined;
  };
  const isBias = ({ inputs }: Line) => inputs.some((name) => shapeOf(name)?.length === 1);
  return (x: string, isReader: (line: Line) => boolean): number => {
    const sum = addOf(x, isReader);
    if (sum === undefined || isBias(sum)) return 0;
    const added = sum.inputs.flatMap((name) => addOf(name, (reader) => reader === sum) ?? []);
    return added.some(isBias) ? 2 : 1;
  };
}

/** The model and the draft of the rewritten one. */
interface Graphs {
  readonly model: OnnxModel;
  readonly imported: Imported;
  readonly draft: Draft;
  readonly norms: readonly FoundNorm[];
  readonly makers: ReadonlyMap<string, NodeProto>;
  /** The shapes of constants, both old and new. */
  readonly shapeOf: (name: string) => readonly number[] | undefined;
}

/** Kernel launches before and after surgery. */
export interface LaunchesAround {
  readonly before: Launches;
  readonly after: Launches;
  /** The launches of a norm in the model, less those of Adds that are fused with it. */
  readonly ofNorm: (norm: FoundNorm) => number;
}

export function launchesAround(
  { model, imported, draft, norms, makers, shapeOf }: Graphs,
  isRewritten: (norm: FoundNorm) => boolean,
): LaunchesAround {
  const outputs = new Set(model.graph.outputs.map(({ name }) => name));
  const tensors: Tensors = {
    shapeOf,
    isOutput: (name) => outputs.has(name),
    // The provider does not support 64-bit integers, which the import turns into i32.
    isOfShape: (name) => imported.values.get(name)?.element === "i32",
    isNothing: (line) => isNothing(line, imported.types) && !outputs.has(line.outputs[0] as string),
  };
  const isFused = ({ op, record }: FoundNorm) =>
    op.name === "layernorm" && record.gamma && record.beta && areLast(op.attributes.axes as number[]);
  const chains = (kept: (norm: FoundNorm) => boolean) =>
    norms.filter((norm) => isFused(norm) && kept(norm)).map((norm) => chainOf(norm, makers));
  const count = (graph: Draft, kept: (norm: FoundNorm) => boolean) => launchesIn(graph, tensors, chains(kept));
  const whole = new Draft(model, new Map());
  const fusedSums = fusedSumsIn(flowIn(whole, tensors), tensors);
  return {
    before: count(whole, () => true),
    after: count(draft, (norm) => !isRewritten(norm)),
    ofNorm: (norm) => {
      const { nodes, x } = chainOf(norm, makers);
      const isOne = nodes.size === 1 || isFused(norm);
      return isOne ? 1 - fusedSums(x, (reader) => nodes.has(reader.at)) : nodes.size;
    },
  };
}

/** The nodes between the inputs and the result of a norm. */
function chainOf({ takes, tensors }: FoundNorm, makers: Graphs["makers"]): Chain {
  const [x = "", ...affine] = takes;
  const taken = new Set([x, ...affine]);
  const nodes = new Set<NodeProto>();
  const open = [...tensors];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const maker = makers.get(name);
    if (maker === undefined || taken.has(name) || nodes.has(maker)) continue;
    nodes.add(maker);
    open.push(...maker.inputs);
  }
  return { nodes, x };
}
