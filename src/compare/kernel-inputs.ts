/** The buffers that a plan reads: inputs of its function, and constants. */

import { type Constants, constantsOf } from "../ir/interpret.ts";
import type { Module } from "../ir/ir.ts";
import type { Tensor } from "../ir/tensor.ts";
import type { Plan } from "../plan/plan.ts";
import { fromNumbers, type HostTensor } from "../runtime/host-tensor.ts";

export type Tensors = Readonly<Record<string, HostTensor>>;

/** The constants of the program, and those that passes have added. */
export function constantsAfter(after: Module, constants: Constants): Constants {
  return constantsOf(after, ({ name }) => constants(name));
}

/** The inputs of the plan's function, and the constants that the plan reads from buffers. */
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
