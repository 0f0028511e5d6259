/** What the caller of a plan fills in: a function for each op that no kernel computes, which gets its tensors. */

import type { LaunchElement } from "./compact.ts";
import type { LaunchOfOp, LaunchView } from "./plan-manifest.ts";

/** A tensor on the device: its elements lie in row-major order from `offset` on, in bytes, without gaps. */
export interface ProductTensor {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
  readonly element: LaunchElement;
  readonly shape: readonly number[];
}

/** A step of a plan that is filled in. */
export interface ProductCall {
  /** The name of the step, by which the manifest lists it. */
  readonly name: string;
}

/** `out = a @ b`, as NumPy has it: the dimensions before the matrices broadcast. */
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

/** A convolution of `x`, `[batch, in, ...spatial]`, by `weight`, `[out, in / group, ...kernel]`. Empty lists are ones, and no pads. */
export interface ConvCall extends LinearCall {
  readonly strides: readonly number[];
  readonly pads: readonly number[];
  readonly dilations: readonly number[];
  readonly group: number;
}

/** An op of another program; a parameter without dimensions is a number. */
export interface ExternCall extends ProductCall {
  readonly op: string;
  readonly node: string;
  readonly operands: readonly (ProductTensor | number)[];
  readonly results: readonly ProductTensor[];
}

/**
 * Functions that write what these ops compute, with commands that they add to the encoder. They are called when the plan is,
 * in the order of its steps.
 */
export interface Products {
  /** Of `matmul`. */
  readonly matmul?: (encoder: GPUCommandEncoder, call: MatmulCall) => void;
  /** Of `linear`. */
  readonly linear?: (encoder: GPUCommandEncoder, call: LinearCall) => void;
  /** Of `conv`. */
  readonly conv?: (encoder: GPUCommandEncoder, call: ConvCall) => void;
  /** Of `extern`, whatever op of another program it stands for. */
  readonly extern?: (encoder: GPUCommandEncoder, call: ExternCall) => void;
}

/** Calls the function for a step. @param tensorOf what lies in a buffer, seen in a shape. */
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
