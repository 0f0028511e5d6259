/** Trains on the visitor's GPU with the module of examples/training, in a worker that can be stopped. */

import text from "../../examples/training/alice.txt?raw";
import { Batches, openTrainer } from "../../examples/training/train.ts";
import { type SettingName, settings, waysOf } from "../../examples/training/ways.ts";
import { openGpu } from "../run/gpu.ts";

export interface TrainRequest {
  readonly setting: SettingName;
  readonly steps: number;
  /** Indices of the ways to train. */
  readonly ways: readonly number[];
}

export type TrainAnswer =
  | { readonly kind: "status"; readonly text: string }
  /** The loss of a way's next step. */
  | { readonly kind: "loss"; readonly way: number; readonly loss: number }
  /** There is no GPU to train on. */
  | { readonly kind: "no gpu"; readonly reason: string }
  | { readonly kind: "failed"; readonly text: string }
  | { readonly kind: "done"; readonly text: string };

const answer = (message: TrainAnswer) => postMessage(message);

async function train({ setting: name, steps, ways }: TrainRequest): Promise<void> {
  const gpu = await openGpu();
  if ("reason" in gpu) {
    answer({ kind: "no gpu", reason: gpu.reason });
    return;
  }
  const { device, description } = gpu;
  const setting = settings[name];
  const { rows, rate, model } = setting;
  const all = waysOf(setting);
  const opened = [];
  for (const way of ways) {
    const { name, module, start } = all[way] as (typeof all)[0];
    answer({ kind: "status", text: `Compiling ${name} for ${description} ...` });
    const trainer = await openTrainer(device, module, start, { batch: rows, rate });
    opened.push({ way, trainer, batches: new Batches(text) });
  }
  const launches = opened.map(({ trainer }) => trainer.launches).join(", ");
  const began = performance.now();
  for (let step = 0; step < steps; step++) {
    for (const { way, trainer, batches } of opened) {
      answer({ kind: "loss", way, loss: await trainer.step(batches.next(rows, model.length)) });
    }
    answer({ kind: "status", text: `Step ${step + 1} of ${steps} on ${description}` });
  }
  const seconds = (performance.now() - began) / 1000;
  const each = `${((1000 * seconds) / (steps * opened.length)).toPrecision(3)} ms per step, ${launches} launches`;
  answer({ kind: "done", text: `${steps} steps on ${description}: ${each}` });
  for (const { trainer } of opened) trainer.destroy();
  device.destroy();
}

addEventListener("message", async ({ data }: MessageEvent<TrainRequest>) => {
  try {
    await train(data);
  } catch (caught) {
    answer({ kind: "failed", text: `The training failed: ${(caught as Error).message}` });
  }
});
