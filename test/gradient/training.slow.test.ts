/** The training example in float64, a small model of it: what becomes of training with RMSNorms. training.deep.test.ts has the device. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { size as fullSize, modelSource } from "../../examples/training/model.ts";
import { centeredOnce, openReference } from "../../examples/training/reference.ts";
import { Batches, initial, weightsOf } from "../../examples/training/train.ts";
import { applyFusedRmsNorm } from "../../src/apply-fused-rms-norm.ts";
import { parse } from "../../src/parse/parse.ts";

const text = readFileSync("examples/training/alice.txt", "utf8");
const size = { blocks: 1, width: 8, heads: 2, length: 8, alphabet: 64 };
const layernorms = parse(modelSource(size));
const start = initial(weightsOf(layernorms));
const batches = (steps: number) => {
  const all = new Batches(text);
  return Array.from({ length: steps }, () => all.next(2, size.length));
};

test("the model of the example has about 100,000 weights, and its text no more characters than it knows", () => {
  expect(weightsOf(parse(modelSource())).count).toBeGreaterThan(1e5);
  expect(new Batches(text).characters.length).toBeLessThanOrEqual(fullSize.alphabet);
});

test("in exact mode training is that of the LayerNorms; weights centered once and the lossy mode drift", () => {
  const { module: exact, norms } = applyFusedRmsNorm(layernorms);
  expect(norms.map(({ centering }) => centering)).toEqual(["moved", "moved", "moved"]);
  const { module: lossy } = applyFusedRmsNorm(layernorms, { mode: "lossy" });
  const rows = batches(4);
  const losses = (module: typeof exact, from = start) => {
    const step = openReference(module, from, { rate: 0.01 });
    return rows.map((one) => step(one, size.length));
  };
  const wanted = losses(layernorms);
  const apart = (found: readonly number[]) => found.map((loss, i) => Math.abs(loss - (wanted[i] as number)));
  expect(Math.max(...apart(losses(exact)))).toBeLessThan(1e-12);
  const once = apart(losses(lossy, centeredOnce(exact, start)));
  // The weights are kept in f32.
  expect(once[0]).toBeLessThan(1e-7);
  expect(once[3]).toBeGreaterThan(1e-4);
  expect(apart(losses(lossy))[0]).toBeGreaterThan(1e-4);
});
