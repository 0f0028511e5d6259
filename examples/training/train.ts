/**
 * Trains a small character model on a WebGPU device, in Node or in a page. Gradients and everything between products
 * are tirc kernels, products are tirc's plain kernels, and Adam is one kernel for all weights, which share a buffer.
 */

import { compile, type Fn, type FunctionGradient, gradient, type Module, makeModule, planManifest } from "tirc";
import { preparePlan, type RunnablePlan, targetFromDevice } from "tirc/runtime";

/** Rows of character indices, and the characters that follow them. */
export interface Characters {
  readonly ids: Int32Array<ArrayBuffer>;
  readonly next: Int32Array<ArrayBuffer>;
}

/** The next number in a sequence of random 32-bit integers (Numerical Recipes). */
const randomAfter = (state: number) => (Math.imul(state, 1664525) + 1013904223) >>> 0;

/** Rows of a text at random positions. */
export class Batches {
  readonly characters: readonly string[];
  private readonly all: Int32Array;
  private seed = 1;

  constructor(text: string) {
    this.characters = [...new Set(text)].sort();
    this.all = Int32Array.from(text, (one) => this.characters.indexOf(one));
  }

  next(rows: number, length: number): Characters {
    const starts = Array.from({ length: rows }, () => {
      this.seed = randomAfter(this.seed);
      return this.seed % (this.all.length - length - 1);
    });
    const from = (shift: number) => {
      const rows = starts.flatMap((start) => [...this.all.subarray(start + shift, start + shift + length)]);
      return Int32Array.from(rows);
    };
    return { ids: from(0), next: from(1) };
  }
}

/** A trained tensor, and its offset in the shared buffer: a multiple of 64 elements, which are 256 bytes. */
export interface Weight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly at: number;
  readonly count: number;
}

export function weightsOf(module: Module): { readonly weights: readonly Weight[]; readonly count: number } {
  let end = 0;
  const weights = (module.fns[0] as Module["fns"][0]).params.flatMap(({ name = "", type, trained }) => {
    if (!trained) return [];
    const shape = type.shape as readonly number[];
    const count = shape.reduce((all, extent) => all * extent, 1);
    const at = end;
    end += Math.ceil(count / 64) * 64;
    return [{ name, shape, at, count }];
  });
  return { weights, count: end };
}

/** Gammas are 1, betas and biases 0, and all others between -0.1 and 0.1. */
export function initial({ weights, count }: ReturnType<typeof weightsOf>): Float32Array {
  const all = new Float32Array(count);
  let seed = 7;
  for (const { name, at, count } of weights) {
    for (let i = at; i < at + count; i++) {
      seed = randomAfter(seed);
      all[i] = name.endsWith("gamma") ? 1 : /(beta|_b)$/.test(name) ? 0 : 0.2 * (seed / 2 ** 32 - 0.5);
    }
  }
  return all;
}

/** Adam's scalar arguments in step number `step`, counted from 1. */
export const adamNumbers = (step: number, rate: number) => ({
  rate,
  unbias_m: 1 / (1 - 0.9 ** step),
  unbias_v: 1 / (1 - 0.999 ** step),
});

/** @param module the functions `model` and `adam` of model.ts */
export function gradientOf(module: Module): FunctionGradient {
  const wrt = weightsOf(module).weights.map(({ name }) => name);
  return gradient(module, { fn: "model", wrt, save: "auto" }).functions[0] as FunctionGradient;
}

type Given = number | Int32Array<ArrayBuffer> | GPUBuffer | GPUBufferBinding;

/** A model on a device. */
export interface Trainer {
  /** Performs a step of Adam; returns the loss before it. */
  step(batch: Characters): Promise<number>;
  /** The number of kernel launches in a step. */
  readonly launches: number;
  destroy(): void;
}

export async function openTrainer(
  device: GPUDevice,
  given: Module,
  start: Float32Array,
  { batch = 8, rate = 3e-3 } = {},
): Promise<Trainer> {
  const { weights, count } = weightsOf(given);
  const { forward, backward, saved } = gradientOf(given);
  const update = given.fns.find(({ name }) => name === "adam") as Fn;
  const { kernels, plans } = compile(makeModule([forward, backward, update]), {
    ...{ target: targetFromDevice(device), products: "plain" },
  });
  const prepared = await Promise.all(plans.map((plan) => preparePlan(device, { plan: planManifest(plan), kernels })));
  const [loss, gradients, adam] = prepared as [RunnablePlan, RunnablePlan, RunnablePlan];

  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const bufferOf = (count: number) => device.createBuffer({ size: Math.max(16, 4 * count), usage });
  const [w, d_w, m, v, value] = [count, count, count, count, 1].map(bufferOf) as [
    GPUBuffer,
    GPUBuffer,
    GPUBuffer,
    GPUBuffer,
    GPUBuffer,
  ];
  const read = device.createBuffer({ size: 4, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  device.queue.writeBuffer(w, 0, start as Float32Array<ArrayBuffer>);
  const partsOf = (buffer: GPUBuffer, prefix = "") =>
    Object.fromEntries(
      weights.map(({ name, at, count }) => [prefix + name, { buffer, offset: 4 * at, size: 4 * count }]),
    );
  const results = new Map(forward.results.map(({ name, value }) => [name, value.type.shape]));
  const kept = Object.fromEntries(
    saved.map((name) => {
      const extents = (results.get(name) ?? []).map((dim) => (typeof dim === "number" ? dim : batch));
      return [name, bufferOf(extents.reduce((all, extent) => all * extent, 1))];
    }),
  );
  const params = new Set(backward.params.map(({ name }) => name));
  const readBy = <T>(tensors: Record<string, T>) =>
    Object.fromEntries(Object.entries(tensors).filter(([name]) => params.has(name)));
  let steps = 0;
  return {
    launches: plans.reduce((all, { steps }) => all + steps.filter(({ kind }) => kind === "launch").length, 0),
    async step(characters) {
      steps += 1;
      const encoder = device.createCommandEncoder();
      const tensors: Record<string, Given> = { ...characters, ...partsOf(w) };
      loss.launch(tensors, { batch }, { encoder, outputs: { ...kept, loss: value } });
      const outputs = partsOf(d_w, "d_");
      gradients.launch(readBy<Given>({ ...tensors, ...kept, d_loss: 1 }), { batch }, { encoder, outputs });
      const moments = { w, d_w, m, v, ...adamNumbers(steps, rate) };
      adam.launch(moments, { n: count }, { encoder, outputs: { w_next: w, m_next: m, v_next: v } });
      encoder.copyBufferToBuffer(value, 0, read, 0, 4);
      device.queue.submit([encoder.finish()]);
      await read.mapAsync(GPUMapMode.READ);
      const [found = Number.NaN] = new Float32Array(read.getMappedRange().slice(0));
      read.unmap();
      return found;
    },
    destroy() {
      for (const one of prepared) one.destroy();
      for (const buffer of [w, d_w, m, v, value, read, ...Object.values(kept)]) buffer.destroy();
    },
  };
}
