/** The ops of a plan that the caller computes, each by a function that gets the op's tensors. */

import type { LaunchElement } from "./compact.ts";
import type { LaunchOfOp, LaunchView } from "./plan-manifest.ts";

/** A tensor on the device. Its elements are in row-major order from `offset`, in bytes, without gaps. */
export interface ProductTensor {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  /** In bytes. */
  readonly size: number;
  readonly element: LaunchElement;
  readonly shape: readonly number[];
}

/** A step of a plan that the caller computes. */
export interface ProductCall {
  /** The name of the step in the manifest. */
  readonly name: string;
}

/** `out = a @ b`, as in NumPy: the dimensions before the matrices broadcast. */
export interface MatmulCall extends ProductCall {
  readonly a: ProductTensor;
  readonly b: ProductTensor;
  readonly out: ProductTensor;
}

/** `out = x @ transpose(weight) + bias`: `[..., in]`, `[out, in]`, `[out]` to `[..., out]`. */
export interface LinearCall extends ProductCall {
  readonly x: ProductTensor;
  readonly weight: ProductTensor;
  readonly bias?: ProductTensor;
  readonly out: ProductTensor;
}

/**
 * A convolution of `x`, `[batch, in, ...spatial]`, by `weight`, `[out, in / group, ...kernel]`. Empty lists stand for ones, and
 * for no padding.
 */
export interface ConvCall extends LinearCall {
  readonly strides: readonly number[];
  readonly pads: readonly number[];
  readonly dilations: readonly number[];
  readonly group: number;
}

/** An op of another program. A parameter without dimensions is a number. */
export interface ExternCall extends ProductCall {
  readonly op: string;
  readonly node: string;
  readonly operands: readonly (ProductTensor | number)[];
  readonly results: readonly ProductTensor[];
}

/**
 * Functions that compute these ops, by adding commands to the encoder. They are called when the plan is recorded,
 * in the order of its steps.
 */
export interface Products {
  /** Computes `matmul`. */
  readonly matmul?: (encoder: GPUCommandEncoder, call: MatmulCall) => void;
  /** Computes `linear`. */
  readonly linear?: (encoder: GPUCommandEncoder, call: LinearCall) => void;
  /** Computes `conv`. */
  readonly conv?: (encoder: GPUCommandEncoder, call: ConvCall) => void;
  /** Computes `extern`, an op of another program. */
  readonly extern?: (encoder: GPUCommandEncoder, call: ExternCall) => void;
}

/** Calls the function for a step. @param tensorOf the tensor in a buffer, in the shape of the view. */
export function callProduct(
  { opaque, name, attributes, reads, writes }: LaunchOfOp,
  encoder: GPUCommandEncoder,
  products: Products,
  tensorOf: (view: LaunchView) => unknown,
): void {
  const all = (views: Readonly<Record<string, LaunchView>>) =>
    Object.entries(views).map(([key, view]) => [key, tensorOf(view)] as const);
  const [operands, results] = [all(reads), all(writes)];
  const values = (list: typeof operands) => list.map(([, value]) => value);
  const tensors =
    opaque === "extern"
      ? { operands: values(operands), results: values(results) }
      : { ...Object.fromEntries(operands), ...Object.fromEntries(results) };
  const fill = products[opaque] as (encoder: GPUCommandEncoder, call: object) => void;
  fill(encoder, { name, ...attributes, ...tensors });
}
