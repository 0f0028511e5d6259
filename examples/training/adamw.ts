/**
 * AdamW for all weights of a model in one buffer: gradients of several batches are accumulated, clipped by their norm,
 * and skipped if they overflowed. A step reads nothing back.
 */

import { compile, parse, planManifest } from "tirc";
import { preparePlan, targetFromDevice } from "tirc/runtime";
import { adamNumbers } from "./train.ts";

export interface AdamWOptions {
  readonly rate?: number;
  /** Weight decay: each step multiplies a weight by 1 - rate * decay. */
  readonly decay?: number;
  /** Gradients with a larger norm are scaled down to it. */
  readonly maxNorm?: number;
}

export interface AdamW {
  /** The buffer to which the backward pass writes the gradients of a batch. */
  readonly d_w: GPUBuffer;
  /** Adds `d_w` to the accumulated gradients. Scale each batch's loss by 1 / batches through `d_loss`. */
  accumulate(encoder: GPUCommandEncoder): void;
  /**
   * Updates the weights by the accumulated gradients, and resets these to 0. `lossScale` is the factor in `d_loss`. A
   * step whose gradients overflowed changes nothing, but counts as a step.
   */
  step(encoder: GPUCommandEncoder, lossScale?: number): void;
  /** The norm of the last step's gradients before clipping, once the encoder is submitted. */
  norm(): Promise<number>;
  destroy(): void;
}

/**
 * @param source the text of ./adamw.tir
 * @param w the weights: their number is a multiple of 256; padding is 0 and has gradients of 0
 */
export async function openAdamW(
  device: GPUDevice,
  source: string,
  w: GPUBuffer,
  { rate = 1e-3, decay = 0.01, maxNorm = 1 }: AdamWOptions = {},
): Promise<AdamW> {
  const { plans, kernels } = compile(parse(source), { target: targetFromDevice(device) });
  const opened = plans.map((plan) => preparePlan(device, { plan: planManifest(plan), kernels }));
  const [normOf, update, sum] = (await Promise.all(opened)) as [Prepared, Prepared, Prepared];
  const n = w.size / 4;
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const [d_w, total, m, v] = ["d_w", "total", "m", "v"].map(() => device.createBuffer({ size: 4 * n, usage })) as [
    ...[GPUBuffer, GPUBuffer, GPUBuffer, GPUBuffer],
  ];
  const norm = device.createBuffer({ size: 4, usage });
  const read = device.createBuffer({ size: 4, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  let steps = 0;
  return {
    d_w,
    accumulate(encoder) {
      sum.launch({ total, d_w }, { n }, { encoder, outputs: { total_next: total } });
    },
    step(encoder, lossScale = 1) {
      steps += 1;
      const scale = { loss_scale: lossScale };
      normOf.launch({ d_w: total, ...scale }, { blocks: n / 256 }, { encoder, outputs: { norm } });
      const tensors = { w, d_w: total, m, v, norm, ...adamNumbers(steps, rate), decay, max_norm: maxNorm, ...scale };
      update.launch(tensors, { n }, { encoder, outputs: { w_next: w, m_next: m, v_next: v } });
      encoder.clearBuffer(total);
      encoder.copyBufferToBuffer(norm, 0, read, 0, 4);
    },
    async norm() {
      await read.mapAsync(GPUMapMode.READ);
      const [value = Number.NaN] = new Float32Array(read.getMappedRange().slice(0));
      read.unmap();
      return value;
    },
    destroy() {
      for (const one of [normOf, update, sum]) one.destroy();
      for (const one of [d_w, total, m, v, norm, read]) one.destroy();
    },
  };
}

type Prepared = Awaited<ReturnType<typeof preparePlan>>;

/**
 * The loss scale for gradients computed in f16: halved when they overflow, and doubled after `interval` steps without
 * an overflow, as in PyTorch's GradScaler.
 */
export class LossScale {
  value: number;
  private good = 0;
  private readonly interval: number;

  constructor({ start = 65536, interval = 2000 } = {}) {
    this.value = start;
    this.interval = interval;
  }

  /** @param norm the norm of a step's gradients */
  update(norm: number): void {
    this.good = Number.isFinite(norm) ? this.good + 1 : 0;
    if (this.good === 0) this.value /= 2;
    else if (this.good % this.interval === 0) this.value *= 2;
  }
}
