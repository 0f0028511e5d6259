/**
 * Translates a LayersModel of TensorFlow.js to a program for the centering analysis: norms, products with weights,
 * embedding tables, and sums. Any other layer becomes an `extern`: nothing is known of its rows, and its results depend
 * on the mean of what it reads. A dropout with a nonzero rate becomes one too, since it does not preserve a mean of
 * zero. Weights become `@trained` parameters.
 */

import type { Module } from "../ir/ir.ts";
import { reservedWords } from "../ir/print.ts";
import { parse } from "../parse/parse.ts";

/** The parts of a weight of tfjs-layers that are used. */
export interface LayerVariable {
  readonly shape: readonly (number | null)[];
  read(): unknown;
}

/** The parts of a model's symbolic tensor that are used. */
export interface SymbolicTensor {
  readonly shape: readonly (number | null)[];
  readonly dtype: string;
}

interface LayerNode {
  readonly inputTensors: readonly SymbolicTensor[];
  readonly outputTensors: readonly SymbolicTensor[];
  readonly outboundLayer: Layer;
}

/** The parts of a layer of tfjs-layers that are used. Optional fields depend on its class. */
export interface Layer {
  readonly name: string;
  readonly inboundNodes: readonly LayerNode[];
  readonly outboundNodes: readonly LayerNode[];
  readonly layers?: readonly Layer[];
  getClassName(): string;
  call(inputs: unknown, kwargs: unknown): unknown;
  readonly axis?: number | readonly number[];
  readonly epsilon?: number;
  readonly gamma?: LayerVariable | null;
  readonly beta?: LayerVariable | null;
  kernel?: LayerVariable | null;
  bias?: LayerVariable | null;
  embeddings?: LayerVariable | null;
  readonly activation?: { getClassName(): string } | null;
  readonly rate?: number;
}

/** The parts of a LayersModel that are used. */
export interface LayersModel {
  readonly layers: readonly Layer[];
  readonly inputs: readonly SymbolicTensor[];
  readonly outputs: readonly SymbolicTensor[];
}

/** A weight of a layer, by the field that holds it. */
export interface Weight {
  readonly layer: Layer;
  readonly field: "kernel" | "bias" | "embeddings";
}

/** The program, and the layers and weights that its names refer to. */
interface ModelProgram {
  readonly module: Module;
  readonly weights: ReadonlyMap<string, Weight>;
  /** Norms, by the names of their results. */
  readonly norms: ReadonlyMap<string, Layer>;
}

/** The axes of a norm, counted from the end, if they are the last axes of its input; otherwise `undefined`. */
export function lastAxes({ axis = -1, inboundNodes }: Layer): number[] | undefined {
  const rank = inboundNodes[0]?.inputTensors[0]?.shape.length ?? 0;
  const axes = [axis].flat().map((one) => (one < 0 ? one : one - rank));
  const sorted = axes.toSorted((a, b) => b - a);
  return sorted.every((one, i) => one === -1 - i) ? sorted : undefined;
}

export const isLayerNorm = (layer: Layer) => layer.getClassName() === "LayerNormalization";

const isLinear = ({ activation }: Layer) => activation == null || activation.getClassName() === "linear";

/** Writes the program. */
class Writer {
  readonly weights = new Map<string, Weight>();
  readonly norms = new Map<string, Layer>();
  private readonly params: string[] = [];
  private readonly lines: string[] = [];
  private readonly names = new Map<SymbolicTensor, string>();
  private readonly taken = new Set(reservedWords);
  private readonly model: LayersModel;

  constructor(model: LayersModel) {
    this.model = model;
  }

  write(): Module {
    for (const tensor of this.model.inputs) this.input(tensor);
    const nodes = this.model.layers
      .filter((layer) => layer.getClassName() !== "InputLayer")
      .flatMap((layer) => layer.inboundNodes);
    // Layers are listed in execution order, except those that are used twice.
    const open = new Set(nodes);
    for (let size = -1; size !== open.size; ) {
      size = open.size;
      for (const node of open) {
        if (!node.inputTensors.every((tensor) => this.names.has(tensor))) continue;
        open.delete(node);
        this.node(node);
      }
    }
    // Tensors read by layers of other models count as results.
    const seen = new Set(this.model.outputs);
    for (const layer of this.model.layers) {
      for (const { outboundLayer, inputTensors } of layer.outboundNodes) {
        if (!this.model.layers.includes(outboundLayer)) for (const tensor of inputTensors) seen.add(tensor);
      }
    }
    const returned = [...seen].flatMap((tensor) => this.names.get(tensor) ?? []);
    const results = returned.map(
      (name, i) => `out${i}: ${this.type([...seen].find((one) => this.names.get(one) === name) as SymbolicTensor)}`,
    );
    return parse(
      `fn model(${this.params.join(", ")}) -> (${results.join(", ")}) {\n${this.lines.join("\n")}\n  return ${returned.join(", ")}\n}\n`,
    );
  }

  private unique(text: string): string {
    const base = `_${text.replaceAll(/\W/g, "_")}`.replace(/^_(?=[A-Za-z])/, "");
    let name = base;
    for (let i = 1; this.taken.has(name); i++) name = `${base}_${i}`;
    this.taken.add(name);
    return name;
  }

  /** Unknown extents are named by their axis, so that operands of elementwise ops agree. */
  private type({ shape, dtype }: SymbolicTensor): string {
    const dims = shape.map((extent, axis) => extent ?? (axis === 0 ? "batch" : `length${axis}`));
    const element = dtype === "int32" ? "i32" : dtype === "bool" ? "bool" : "f32";
    return dims.length === 0 ? element : `${element}[${dims.join(", ")}]`;
  }

  private input(tensor: SymbolicTensor): void {
    const name = this.unique("input");
    this.params.push(`${name}: ${this.type(tensor)}`);
    this.names.set(tensor, name);
  }

  private weight(layer: Layer, field: Weight["field"]): string {
    const name = this.unique(`${layer.name}_${field}`);
    this.params.push(`${name}: f32[${layer[field]?.shape.join(", ")}] @trained`);
    this.weights.set(name, { layer, field });
    return name;
  }

  private parameter(name: string, { shape }: LayerVariable): string {
    const own = this.unique(name);
    this.params.push(`${own}: f32[${shape.join(", ")}]`);
    return own;
  }

  private node({ outboundLayer: layer, inputTensors, outputTensors }: LayerNode): void {
    const inputs = inputTensors.map((tensor) => this.names.get(tensor) as string);
    const name = this.unique(layer.name);
    const types = outputTensors.map((tensor) => this.type(tensor));
    const known = this.known(layer, inputs, inputTensors, types[0] as string);
    const names = outputTensors.map((_, i) => (i === 0 ? name : this.unique(layer.name)));
    for (const [i, tensor] of outputTensors.entries()) this.names.set(tensor, names[i] as string);
    if (known !== undefined && isLayerNorm(layer)) this.norms.set(name, layer);
    const unknown = () => {
      const bound = names.map((one, i) => `${one}: ${types[i]}`);
      return `${bound.length === 1 ? bound[0] : `(${bound.join(", ")})`} = extern(${[...inputs, `op = ${JSON.stringify(layer.getClassName())}`].join(", ")})`;
    };
    this.lines.push(`  let ${known === undefined ? unknown() : `${name} = ${known}`}`);
  }

  /** The expression of a layer that the analysis understands; otherwise `undefined`. */
  private known(layer: Layer, inputs: string[], tensors: readonly SymbolicTensor[], type: string): string | undefined {
    const [x = "", ...more] = inputs;
    const [tensor] = tensors;
    if (tensor === undefined || layer.inboundNodes.length > 1) return undefined;
    switch (layer.getClassName()) {
      case "LayerNormalization": {
        const axes = lastAxes(layer);
        const parts = (["gamma", "beta"] as const).flatMap((part) => {
          const variable = layer[part];
          return variable == null ? [] : [`${part} = ${this.parameter(`${layer.name}_${part}`, variable)}`];
        });
        const attributes = `axes = [${axes?.join(", ")}], eps = ${layer.epsilon}`;
        return axes && tensor.dtype === "float32" ? `layernorm(${[x, ...parts, attributes].join(", ")})` : undefined;
      }
      case "Dense": {
        if (!isLinear(layer) || tensor.shape.length < 2) return undefined;
        const product = `matmul(${x}, ${this.weight(layer, "kernel")})`;
        return layer.bias == null ? product : `${product} + ${this.weight(layer, "bias")}`;
      }
      case "Embedding":
        return `embedding(${tensor.dtype === "int32" ? x : `cast(${x}, to = i32)`}, ${this.weight(layer, "embeddings")})`;
      case "Add":
        return tensors.every((one) => this.type(one) === type) ? [x, ...more].join(" + ") : undefined;
      case "Dropout":
        return layer.rate === 0 ? `reshape(${x}, shape = ${type.slice(type.indexOf("["))})` : undefined;
      default:
        return undefined;
    }
  }
}

export function programOf(model: LayersModel): ModelProgram {
  const writer = new Writer(model);
  const module = writer.write();
  return { module, weights: writer.weights, norms: writer.norms };
}
