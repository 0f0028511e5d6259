/**
 * The training example on a device, with a small model, against float64: its pipelines take long to compile on a
 * processor.
 */

import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { globals } from "webgpu";
import { modelSource } from "../../examples/training/model.ts";
import { openReference } from "../../examples/training/reference.ts";
import { Batches, initial, openTrainer, weightsOf } from "../../examples/training/train.ts";
import { parse } from "../../src/parse/parse.ts";
import { gpuTest } from "../support/gpu.ts";

const size = { blocks: 1, width: 8, heads: 2, length: 8, alphabet: 64 };

gpuTest("on a device the losses are those in float64, to rounding", async ({ gpu }) => {
  Object.assign(globalThis, globals);
  const layernorms = parse(modelSource(size));
  const start = initial(weightsOf(layernorms));
  const trainer = await openTrainer(gpu.device, layernorms, start, { batch: 2, rate: 0.01 });
  const step = openReference(layernorms, start, { rate: 0.01 });
  const batches = new Batches(readFileSync("examples/training/alice.txt", "utf8"));
  for (let i = 0; i < 4; i++) {
    const rows = batches.next(2, size.length);
    const wanted = step(rows, size.length);
    expect(Math.abs((await trainer.step(rows)) - wanted)).toBeLessThan(2e-6 * wanted);
  }
  trainer.destroy();
});
