/**
 * The training example in float64, with a small model: training with RMSNorms. training.deep.test.ts runs it on a
 * device.
 */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type Curve, chart } from "../../examples/training/chart.ts";
import { size as fullSize, modelSource } from "../../examples/training/model.ts";
import { openReference } from "../../examples/training/reference.ts";
import { Batches, weightsOf } from "../../examples/training/train.ts";
import { type SettingName, settings, wayNames, waysOf } from "../../examples/training/ways.ts";
import { applyFusedRmsNorm } from "../../src/driver/apply-fused-rms-norm.ts";
import { parse } from "../../src/parse/parse.ts";

const text = readFileSync("examples/training/alice.txt", "utf8");
const kept = JSON.parse(readFileSync("examples/training/losses.json", "utf8")) as Record<SettingName, Curve[]>;
const { model, rows, rate } = settings.tiny;

test("the model of the example has about 100,000 weights, and its text no more characters than it knows", () => {
  expect(weightsOf(parse(modelSource())).count).toBeGreaterThan(1e5);
  expect(new Batches(text).characters.length).toBeLessThanOrEqual(fullSize.alphabet);
});

test("in exact mode training is that of the LayerNorms; weights centered once and the lossy mode drift", () => {
  const { norms } = applyFusedRmsNorm(parse(modelSource(model)));
  expect(norms.map(({ centering }) => centering)).toEqual(["moved", "moved", "moved"]);
  const losses = waysOf(settings.tiny).map(({ module, start }) => {
    const [step, batches] = [openReference(module, start, { rate }), new Batches(text)];
    return Array.from({ length: 4 }, () => step(batches.next(rows, model.length), model.length));
  });
  const [wanted = [], exact = [], once = [], lossy = []] = losses;
  const apart = (found: readonly number[]) => found.map((loss, i) => Math.abs(loss - (wanted[i] as number)));
  expect(Math.max(...apart(exact))).toBeLessThan(1e-12);
  // The weights are kept in f32.
  expect(apart(once)[0]).toBeLessThan(1e-7);
  expect(apart(once)[3]).toBeGreaterThan(1e-4);
  expect(apart(lossy)[0]).toBeGreaterThan(1e-4);
  // The stored losses of longer trainings begin with the same values.
  for (const [way, curve] of losses.entries()) {
    for (const [i, loss] of curve.entries()) expect(loss).toBeCloseTo(kept.tiny[way]?.losses[i] as number, 11);
  }
});

test("the losses that are kept are those of docs/training.svg", () => {
  const { small } = kept;
  expect(small.map(({ name, losses }) => [name, losses.length])).toEqual(wayNames.map((name) => [name, 100]));
  const drawn = chart(small, small[0]?.losses ?? [], 100);
  const lines = drawn.match(/<polyline.*>/g) ?? [];
  // All four have losses, three have distances.
  expect(lines).toHaveLength(7);
  for (const line of lines) expect(readFileSync("docs/training.svg", "utf8")).toContain(line);
  // A tenth of a distance lies lower: y grows downwards.
  const heights = [0.1, 0.01].map((off) => {
    const curves = [
      { name: "a", losses: [1, 1] },
      { name: "b", losses: [1, 1 + off] },
    ];
    return Number(/way1" points="[^"]*,([\d.]+)"/.exec(chart(curves, [1, 1], 2).split("distance")[1] as string)?.[1]);
  });
  expect((heights[1] as number) - (heights[0] as number)).toBeCloseTo(150 / 18, 0);
});
