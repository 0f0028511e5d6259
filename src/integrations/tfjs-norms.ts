/**
 * Model surgery on a LayersModel of TensorFlow.js, like Composer's `apply_fused_rms_norm` on a PyTorch model: kernels
 * of tirc compute every LayerNormalization, forward and backward, as an RMSNorm wherever that is equivalent. Only the
 * `call` methods of layers are replaced: weights, names, the state of the optimizer and the saved format do not change.
 */

import type { Tensor } from "@tensorflow/tfjs-core";
import * as normWarnings from "../diagnostics/areas/norms.ts";
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import { type CenteringMode, applyFusedRmsNorm as rewriteNorms } from "../driver/apply-fused-rms-norm.ts";
import type { NormRecord } from "../driver/norm-records.ts";
import type { Fn, Value } from "../ir/ir.ts";
import { type Differentiable, differentiable, type TfjsWithGradients } from "./tfjs-gradient.ts";
import {
  isLayerNorm,
  type Layer,
  type LayersModel,
  type LayerVariable,
  lastAxes,
  programOf,
  type SymbolicTensor,
  type Weight,
} from "./tfjs-graph.ts";
import { activated, type Neighbors, neighborsOf, usedResults } from "./tfjs-neighbors.ts";
import { deviceOf } from "./tfjs-op.ts";

/** Options of `applyFusedRmsNorm`. */
export interface FusedModelOptions {
  /**
   * How centerings are treated. `exact`, the default: the model computes the same function, and trains as before.
   * `lossy` also drops centerings that are not proved redundant, which changes the model. `off` keeps all of them.
   */
  readonly mode?: CenteringMode;
  /**
   * Whether centerings may move into weights, as an op on the weights in every step. Off by default: a norm's kernel
   * centers its rows at no cost, whereas centering weights takes a separate kernel.
   */
  readonly fold?: boolean;
}

/**
 * The outcome for a LayerNormalization. `centering` is `left` if the layer is unchanged, and `because` says why;
 * `movedTo` names the weights that are centered instead, as `layer.field`.
 */
export interface FusedLayer extends Pick<NormRecord, "centering" | "because" | "movedTo" | "gamma" | "beta" | "eps"> {
  /** The name of the layer. */
  readonly name: string;
  /** The names of layers fused into its kernel: a sum of two tensors, an activation. */
  readonly with: readonly string[];
}

/** The changed model, and the outcome for its norms. */
export interface FusedModel<M> {
  /** The model that was passed, which is changed in place. */
  readonly model: M;
  /** The number of LayerNormalizations that kernels compute now. */
  readonly count: number;
  readonly norms: readonly FusedLayer[];
  /** R0601 if the model has no norms. */
  readonly remarks: readonly Diagnostic[];
  /** Restores the original layers, and frees the kernels. */
  restore(): void;
}

/** The ops of a model, each compiled once. */
class Ops {
  private readonly made = new Map<string, Promise<Differentiable>>();
  private readonly tf: TfjsWithGradients;

  constructor(tf: TfjsWithGradients) {
    this.tf = tf;
  }

  private of(text: string, used?: readonly string[]): Promise<Differentiable> {
    const key = [text, ...(used ?? [])].join(" ");
    const known = this.made.get(key) ?? differentiable(this.tf, text, used);
    this.made.set(key, known);
    return known;
  }

  /** A norm with its neighbors: a LayerNorm if `centers`, else an RMSNorm. */
  norm({ layer, width, centers, around, used }: NormOp): Promise<Differentiable> {
    const { gamma, beta, epsilon } = layer;
    const rows = `f32[rows, ${width}]`;
    const tensors = ["x", ...(around.sum ? ["residual"] : [])].map((name) => `${name}: ${rows}`);
    const vectors = [gamma && "gamma", beta && "beta"].flatMap((name) => (name ? [`${name}: f32[${width}]`] : []));
    const results = [...(around.sum ? ["h"] : []), "y", ...(around.activation ? ["z"] : [])];
    const norm = `${centers ? "layernorm" : "rmsnorm"}(h${gamma ? ", gamma" : ""}, axes = [-1], eps = ${epsilon})`;
    const lines = [
      `let h = ${around.sum ? "x + residual" : "x"}`,
      `let y = ${norm}${beta ? " + beta" : ""}`,
      ...(around.activation ? [`let z = ${activated(around.activation, "y")}`] : []),
      `return ${results.join(", ")}`,
    ];
    const returned = results.map((name) => `${name}: ${rows}`).join(", ");
    return this.of(`fn norm(${[...tensors, ...vectors].join(", ")}) -> (${returned}) {\n${lines.join("\n")}\n}`, used);
  }

  center(width: number): Promise<Differentiable> {
    return this.of(
      `fn center_rows(x: f32[rows, ${width}]) -> (y: f32[rows, ${width}]) { return center(x, axes = [-1]) }`,
    );
  }

  destroy(): void {
    for (const op of this.made.values()) op.then((one) => one.destroy());
    this.made.clear();
  }
}

/** The computation of a norm's kernel. */
interface NormOp {
  readonly layer: Layer;
  /** The number of elements of a row. */
  readonly width: number;
  readonly centers: boolean;
  readonly around: Neighbors;
  /** Results that other layers read. */
  readonly used: readonly string[];
}

/** The changes to a model. */
interface Surgery {
  readonly norms: readonly FusedLayer[];
  /** The layers that kernels compute, and whether these center their rows. */
  readonly layers: ReadonlyMap<Layer, { readonly centers: boolean }>;
  /** The weights that are centered in every step. */
  readonly weights: readonly Weight[];
}

const recordOf = (layer: Layer, record: Pick<FusedLayer, "centering" | "because" | "movedTo">): FusedLayer => {
  return {
    name: layer.name,
    ...record,
    with: [],
    gamma: layer.gamma != null,
    beta: layer.beta != null,
    eps: layer.epsilon ?? 0,
  };
};

const label = ({ layer, field }: Weight) => `${layer.name}.${field}`;

function surgeryOf(model: LayersModel, { mode, fold }: Required<FusedModelOptions>): Surgery {
  const { module, weights, norms: layerOf } = programOf(model);
  const rewritten = rewriteNorms(module, { mode, fold: false });
  const fn = rewritten.module.fns[0] as Fn;
  const weightOf = (value: Value) => (value.def === undefined ? weights.get(value.name ?? "") : undefined);
  // Centering a stream at its start, not in a norm, would need an additional layer.
  const isAtNorm = (center: Value) =>
    fn.ops.every((op) => op.operands.every((operand) => operand !== center) || op.name === "rmsnorm");
  const isPossible = fn.ops.every((op) => op.name !== "center" || weightOf(op.operand(0)) || isAtNorm(op.result));
  const moves = fold && isPossible;
  const layers = new Map<Layer, { centers: boolean }>();
  const centered = new Map<string, Weight>();
  const norms = rewritten.norms.map((record) => {
    const layer = layerOf.get(record.name ?? "") as Layer;
    const found = record.centers().map((op) => weightOf(op.operand(0)));
    const isMoved = moves && found.length > 0 && found.every((weight) => weight !== undefined);
    const centers = !(isMoved || record.centering === "proved" || record.centering === "lossy");
    layers.set(layer, { centers });
    for (const weight of isMoved ? (found as Weight[]) : []) centered.set(label(weight), weight);
    const stays = record.centering === "moved" && !isMoved;
    return recordOf(layer, {
      centering: stays ? "kept" : record.centering,
      because: stays
        ? ["its kernel centers the rows; with `fold`, the weights that produce them are centered instead"]
        : record.because,
      movedTo: isMoved ? (found as Weight[]).map(label) : [],
    });
  });
  return { norms, layers, weights: [...centered.values()] };
}

/** The product of the extents of these axes; NaN if one is not known. */
const widthOf = (shape: readonly (number | null)[], axes: readonly number[]) =>
  axes.reduce((all, axis) => all * (shape.at(axis) ?? Number.NaN), 1);

/** Why a LayerNormalization is left unchanged; `undefined` if a kernel can compute it. */
function whyLeft(layer: Layer): string | undefined {
  const [tensor] = layer.inboundNodes[0]?.inputTensors ?? [];
  const axes = lastAxes(layer);
  if (tensor === undefined) return "it has not been called on a tensor yet";
  if (axes === undefined) return "its axes are not the last axes of its input";
  if (tensor.dtype !== "float32") return `it normalizes ${tensor.dtype}`;
  return Number.isNaN(widthOf(tensor.shape, axes)) ? "the length of its rows is not known" : undefined;
}

/** The layers of a model, including those of nested models. */
function layersOf(model: Pick<LayersModel, "layers">): Layer[] {
  return model.layers.flatMap((layer) => (layer.layers === undefined ? [layer] : layersOf({ layers: layer.layers })));
}

/** The outputs of a model and of its nested models. */
function outputsOf({ outputs, layers }: LayersModel): SymbolicTensor[] {
  const inner = layers.filter((layer) => layer.layers !== undefined) as unknown as LayersModel[];
  return [...outputs, ...inner.flatMap(outputsOf)];
}

const inputOf = (layer: Layer) => layer.inboundNodes[0]?.inputTensors[0] as SymbolicTensor;

/** The changes to a model and its nested models. */
function wholeSurgery(model: LayersModel, options: Required<FusedModelOptions>): Surgery {
  const inner = model.layers.filter(({ layers }) => layers !== undefined) as unknown as LayersModel[];
  const parts = [surgeryOf(model, options), ...inner.map((one) => wholeSurgery(one, options))];
  return {
    norms: parts.flatMap(({ norms }) => norms),
    layers: new Map(parts.flatMap(({ layers }) => [...layers])),
    weights: parts.flatMap(({ weights }) => weights),
  };
}

/** Replaces the `call` method of a layer. Returns a function that restores it. */
function withCall(layer: Layer, call: (inputs: unknown, original: () => unknown) => unknown): () => void {
  const original = layer.call;
  layer.call = (inputs, kwargs) => call(inputs, () => original.call(layer, inputs, kwargs));
  return () => {
    if (Object.hasOwn(Object.getPrototypeOf(layer), "call")) delete (layer as Partial<Layer>).call;
    else layer.call = original;
  };
}

/**
 * Makes kernels compute every LayerNormalization of a model, forward and backward; `predict` and `fit` are used as
 * before. The model is changed in place. The backend of tfjs must be `webgpu` and ready, and the layers must be built.
 * Throws TircError: E0625, and what `prepare` throws.
 */
export async function applyFusedRmsNorm<M extends object>(
  tf: TfjsWithGradients,
  model: M,
  { mode = "exact", fold = false }: FusedModelOptions = {},
): Promise<FusedModel<M>> {
  deviceOf(tf);
  const given = model as unknown as LayersModel;
  const { norms: found, layers, weights } = wholeSurgery(given, { mode, fold });
  const ops = new Ops(tf);
  const undo: (() => void)[] = [];
  const records = new Map(found.map((record) => [record.name, record]));
  const norms: FusedLayer[] = [];
  const [all, outputs, taken] = [layersOf(given), outputsOf(given), new Set<Layer>()];
  for (const layer of all.filter(isLayerNorm)) {
    const why = whyLeft(layer);
    if (why !== undefined) {
      norms.push(recordOf(layer, { centering: "left", because: [why], movedTo: [] }));
      continue;
    }
    const { centers } = layers.get(layer) ?? { centers: true };
    const record =
      records.get(layer.name) ??
      recordOf(layer, { centering: "kept", because: ["it is used more than once"], movedTo: [] });
    const around = neighborsOf(layer, all, taken);
    const { sum, activation } = around;
    norms.push({ ...record, with: [sum, activation].flatMap((one) => one?.name ?? []) });
    const used = usedResults(layer, around, outputs);
    const op = { layer, width: widthOf(inputOf(layer).shape, lastAxes(layer) as number[]), centers, around, used };
    const calls = normCalls(tf, op, await ops.norm(op));
    for (const [changed, call] of calls) undo.push(withCall(changed, call));
  }
  for (const { layer, field } of weights) undo.push(withCall(layer, await centeredCall(tf, ops, layer, field)));
  const warning = norms.length === 0 ? [normWarnings.noNorm(["model"], "program")] : [];
  return {
    model,
    count: norms.filter(({ centering }) => centering !== "left").length,
    norms,
    remarks: warning,
    restore() {
      for (const one of undo.splice(0).reverse()) one();
      ops.destroy();
    },
  };
}

type Call = Parameters<typeof withCall>[1];

/**
 * The first layer of the chain runs the kernel; each later one looks up its result by the tensor that it is called on.
 */
function normCalls(
  tf: TfjsWithGradients,
  { layer, width, around }: NormOp,
  op: Differentiable,
): (readonly [Layer, Call])[] {
  const { sum, activation } = around;
  const chain = [sum, layer, activation].filter((one) => one !== undefined);
  const results = [...(sum ? ["h"] : []), "y", ...(activation ? ["z"] : [])];
  const next = new WeakMap<Tensor, Tensor>();
  const isFlat = lastAxes(layer)?.length !== 1;
  const vector = (variable: LayerVariable) => tf.reshape(variable.read() as Tensor, [width]);
  const first: Call = (inputs) => {
    const [x, residual] = [inputs].flat() as [Tensor, Tensor?];
    const rows = (tensor: Tensor) => (isFlat ? tf.reshape(tensor, [-1, width]) : tensor);
    const found = tf.tidy(() => {
      const { gamma, beta } = layer;
      const tensors = { x: rows(x), ...(sum && residual && { residual: rows(residual) }) };
      const made = op.run({ ...tensors, ...(gamma && { gamma: vector(gamma) }), ...(beta && { beta: vector(beta) }) });
      return results.map((name) => (isFlat ? tf.reshape(made[name] as Tensor, x.shape) : (made[name] as Tensor)));
    });
    for (const [i, tensor] of found.entries()) if (i > 0) next.set(found[i - 1] as Tensor, tensor);
    return found[0];
  };
  const later: Call = (inputs, original) => {
    const [x] = [inputs].flat() as [Tensor];
    const found = next.get(x);
    next.delete(x);
    return found ?? original();
  };
  return chain.map((one, i) => [one, i === 0 ? first : later] as const);
}

/** The `call` of a layer that reads one of its weights centered. */
async function centeredCall(tf: TfjsWithGradients, ops: Ops, layer: Layer, field: Weight["field"]): Promise<Call> {
  const weight = layer[field] as LayerVariable;
  const width = weight.shape.at(-1) as number;
  const op = await ops.center(width);
  const read = () => {
    const value = weight.read() as Tensor;
    return tf.reshape(op.run({ x: tf.reshape(value, [-1, width]) }).y as Tensor, value.shape);
  };
  return (_, original) => {
    // Replaced only during the call: other readers, such as saving the model, must read the weight itself.
    layer[field] = { shape: weight.shape, read };
    try {
      return original();
    } finally {
      layer[field] = weight;
    }
  };
}

/** The parts of the class `Callback` of `@tensorflow/tfjs` or `@tensorflow/tfjs-layers` that are used. */
export type CallbackClass = abstract new () => { model: object };

/**
 * `applyFusedRmsNorm` as a callback of `fit`, which changes the model before the first batch:
 * `model.fit(x, y, { callbacks: FusedRMSNorm({ ...tf, Callback }) })`. `result` is set when training begins.
 */
export function FusedRMSNorm<C extends CallbackClass>(
  tf: TfjsWithGradients & { readonly Callback: C },
  options: FusedModelOptions = {},
): InstanceType<C> & { readonly result: FusedModel<object> | undefined } {
  class Fused extends (tf.Callback as unknown as new () => { model: object }) {
    result: FusedModel<object> | undefined;

    async onTrainBegin(): Promise<void> {
      this.result ??= await applyFusedRmsNorm(tf, this.model, options);
    }
  }
  return new Fused() as never;
}
