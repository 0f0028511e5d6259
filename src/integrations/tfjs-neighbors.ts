/**
 * Finds the layers that are fused into the kernel of a LayerNormalization: a sum of two tensors before it, and an
 * activation after it. The kernel returns the results of all of them, as other layers may read them.
 */

import type { Layer, SymbolicTensor } from "./tfjs-graph.ts";

export interface Neighbors {
  readonly sum: Layer | undefined;
  readonly activation: Layer | undefined;
}

/** Activations of tfjs-layers as ops, by class. The `gelu` of tfjs is the exact one, with erf. */
const activations: Readonly<Record<string, (x: string) => string>> = {
  gelu: (x) => `gelu(${x})`,
  gelu_new: (x) => `gelu(${x}, approximate = "tanh")`,
  relu: (x) => `relu(${x})`,
  sigmoid: (x) => `sigmoid(${x})`,
  swish: (x) => `silu(${x})`,
  tanh: (x) => `tanh(${x})`,
};

/** The expression of an activation layer applied to `x`. */
export const activated = ({ activation }: Layer, x: string) =>
  (activations[activation?.getClassName() ?? ""] as (x: string) => string)(x);

const isOnce = ({ inboundNodes }: Layer) => inboundNodes.length === 1;

const sameShape = (a: SymbolicTensor, b: SymbolicTensor) =>
  a.dtype === b.dtype && a.shape.length === b.shape.length && a.shape.every((extent, i) => extent === b.shape[i]);

/**
 * @param all the layers of the model.
 * @param taken the layers that are already fused with a norm; those found are added.
 */
export function neighborsOf(norm: Layer, all: readonly Layer[], taken: Set<Layer>): Neighbors {
  const none = { sum: undefined, activation: undefined };
  if (!isOnce(norm)) return none;
  const [{ inputTensors, outputTensors } = { inputTensors: [], outputTensors: [] }] = norm.inboundNodes;
  const [[x], [y]] = [inputTensors, outputTensors];
  if (x === undefined || y === undefined) return none;
  const isFree = (layer: Layer) => isOnce(layer) && !taken.has(layer);
  const sum = all.find((layer) => {
    const [node] = layer.inboundNodes;
    if (layer.getClassName() !== "Add" || !isFree(layer) || !node?.outputTensors.includes(x)) return false;
    return node.inputTensors.length === 2 && node.inputTensors.every((one) => sameShape(one, x));
  });
  const activation = all.find((layer) => {
    const isKnown = layer.getClassName() === "Activation" && (layer.activation?.getClassName() ?? "") in activations;
    return isKnown && isFree(layer) && layer.inboundNodes[0]?.inputTensors[0] === y;
  });
  for (const one of [sum, activation]) if (one) taken.add(one);
  return { sum, activation };
}

/** The results that other layers may read, of `h` of the sum, `y` of the norm and `z` of the activation. */
export function usedResults(norm: Layer, { sum, activation }: Neighbors, outputs: readonly SymbolicTensor[]): string[] {
  const isRead = (layer: Layer, by: Layer | undefined) =>
    layer.outboundNodes.some(({ outboundLayer }) => outboundLayer !== by) ||
    outputs.some((one) => layer.inboundNodes[0]?.outputTensors.includes(one));
  return [
    ...(sum && isRead(sum, norm) ? ["h"] : []),
    ...(activation === undefined || isRead(norm, activation) ? ["y"] : []),
    ...(activation ? ["z"] : []),
  ];
}
