/** What a plan reads: its function's inputs, and the constants that it is given as buffers. */

import { type Constants, constantsOf } from "../ir/interpret.ts";
import type { Module } from "../ir/ir.ts";
import type { Tensor } from "../ir/tensor.ts";
import type { Plan } from "../plan/plan.ts";
import { fromNumbers, type HostTensor } from "../runtime/host-tensor.ts";

export type Tensors = Readonly<Record<string, HostTensor>>;

/** Those that passes have added too. */
export function constantsAfter(after: Module, constants: Constants): Constants {
  return constantsOf(after, ({ name }) => constants(name));
}

/** What a plan reads: its function's inputs, and constants. */
export function planInputs({ buffers }: Plan, after: Module, inputs: Tensors, constants: Constants): Tensors {
  const all = constantsAfter(after, constants);
  const read = buffers.filter(({ kind }) => kind === "constant").map(({ name }) => [name, all(name)] as const);
  return { ...inputs, ...hostTensorsOf(Object.fromEntries(read)) };
}

export function hostTensorsOf(tensors: Readonly<Record<string, Tensor>>): Tensors {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { element, shape, data }]) => [name, fromNumbers(element, shape, data)]),
  );
}
