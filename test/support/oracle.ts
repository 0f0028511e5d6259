/** Kernels against the float64 interpreter. */

import { interpret } from "../../src/ir/interpret.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { normal, randomNumbers } from "../../src/ir/random.ts";
import { elementCount, type Tensor } from "../../src/ir/tensor.ts";
import { type ElementType, isFloat } from "../../src/ir/types.ts";
import { fromNumbers, type HostTensor, toNumbers } from "../../src/runtime/host-tensor.ts";
import { type PreparedKernel, prepare } from "../../src/runtime/prepare.ts";
import type { Kernel } from "../../src/target/manifest.ts";

export { normal, randomNumbers as random };

export type Fill = (next: () => number, index: number) => number;

const fills: Record<ElementType, Fill> = {
  f32: normal,
  f16: normal,
  bf16: normal,
  f8e4m3: normal,
  f8e5m2: normal,
  i32: (next) => Math.floor(next() * 21) - 10,
  u32: (next) => Math.floor(next() * 20),
  i8: (next) => Math.floor(next() * 256) - 128,
  u8: (next) => Math.floor(next() * 256),
  bool: (next) => Number(next() < 0.5),
};

/** An input for each parameter, rounded to its element type. */
export function inputsFor(
  fn: Fn,
  dims: Readonly<Record<string, number>>,
  { seed = 1, fill = {} }: { seed?: number; fill?: Readonly<Record<string, Fill>> } = {},
): Record<string, HostTensor> {
  const next = randomNumbers(seed);
  return Object.fromEntries(
    fn.params.map((param) => {
      const shape = param.shape.map((dim) => (typeof dim === "number" ? dim : (dims[dim] as number)));
      const one = fill[param.name as string] ?? fills[param.element];
      const data = Float64Array.from({ length: elementCount(shape) }, (_, i) => one(next, i));
      return [param.name as string, fromNumbers(param.element, shape, data)];
    }),
  );
}

/** The same inputs for the interpreter. */
export function tensorsOf(inputs: Readonly<Record<string, HostTensor>>): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, host]) => [
      name,
      { element: host.element, shape: host.shape, data: toNumbers(host) },
    ]),
  );
}

/**
 * The largest error of an output against float64: absolute, or relative to the largest value of its row (of the last
 * axis) where that is above 1. A NaN for a number, or a number for a NaN, is infinitely wrong. Integers and truth
 * values are compared as they are.
 */
export function errorOf(got: HostTensor, want: Tensor): number {
  const numbers = toNumbers(got);
  const length = want.shape.at(-1) ?? 1;
  let worst = 0;
  for (let start = 0; start < numbers.length; start += length) {
    let largest = 1;
    for (let i = start; i < start + length; i++) {
      const size = Math.abs(want.data[i] as number);
      if (Number.isFinite(size)) largest = Math.max(largest, size);
    }
    for (let i = start; i < start + length; i++) {
      const [a, b] = [numbers[i] as number, want.data[i] as number];
      if (Object.is(a, b) || a === b || (Number.isNaN(a) && Number.isNaN(b))) continue;
      const error = Math.abs(a - b) / (isFloat(got.element) ? largest : 1);
      worst = Math.max(worst, Number.isNaN(error) ? Infinity : error);
    }
  }
  return worst;
}

interface Comparison {
  /** By result. */
  readonly errors: Readonly<Record<string, number>>;
  readonly outputs: Readonly<Record<string, HostTensor>>;
  readonly wanted: Readonly<Record<string, Tensor>>;
  readonly launches: number;
}

const preparedOn = new WeakMap<GPUDevice, WeakMap<Kernel, Promise<PreparedKernel>>>();

/** On one device a kernel is prepared once, however often it runs. */
function preparedOnce(device: GPUDevice, kernel: Kernel): Promise<PreparedKernel> {
  const prepared = preparedOn.get(device) ?? new WeakMap<Kernel, Promise<PreparedKernel>>();
  preparedOn.set(device, prepared);
  const found = prepared.get(kernel) ?? prepare(device, kernel);
  prepared.set(kernel, found);
  return found;
}

/** Runs a kernel and the interpreter on `fn`, which may be the function before any pass. */
export async function compareKernel(
  device: GPUDevice,
  kernel: Kernel,
  fn: Fn,
  inputs: Readonly<Record<string, HostTensor>>,
): Promise<Comparison> {
  const { outputs, launches } = await (await preparedOnce(device, kernel)).run(inputs);
  const wanted = interpret(fn, tensorsOf(inputs));
  const errors = Object.fromEntries(
    Object.entries(wanted).map(([name, want]) => [name, errorOf(outputs[name] as HostTensor, want)]),
  );
  return { errors, outputs, wanted, launches };
}
