/**
 * Models that PyTorch's exporters wrote, the smallest of tools/models: all norms that PyTorch runs are found, as many are
 * folded as the table there says, and onnxruntime computes the same as before.
 */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { elementCount } from "../../src/ir/tensor.ts";
import { isDeep } from "../support/deep.ts";
import { type OnnxElement, spread } from "../support/onnx.ts";
import { type Feed, runOnnx } from "../support/onnxruntime.ts";
import { operated } from "../support/surgery.ts";

interface Fixture {
  /** How many LayerNorms and RMSNorms PyTorch runs. */
  readonly norms: number;
  readonly inputs: Readonly<Record<string, { type: string; shape: number[]; numbers?: number[] }>>;
}

/** What can be done, decided by hand: how many norms need no centering, and how many never had one. */
interface Best {
  readonly folded?: number;
  readonly rms?: number;
}

const read = (path: string) => readFileSync(new URL(path, import.meta.url));
const fixtures: Readonly<Record<string, Fixture>> = JSON.parse(String(read("models/matrix/expected.json")));
const best: Readonly<Record<string, Best>> = JSON.parse(String(read("../../tools/models/expected.json")));

const elements: Readonly<Record<string, OnnxElement>> = { float32: "f32", float16: "f16", int64: "i64", bool: "bool" };

function feedsFor({ inputs }: Fixture): Record<string, Feed> {
  const feeds = Object.entries(inputs).map(([name, { type, shape, numbers }], i) => {
    const element = elements[type] as OnnxElement;
    return [name, { element, shape, numbers: numbers ?? spread(elementCount(shape), i + 1) }] as const;
  });
  return Object.fromEntries(feeds);
}

describe.each(Object.entries(fixtures))("%s", (name, fixture) => {
  const turn = Object.keys(fixtures).indexOf(name);
  const bytes = read(`models/matrix/${name}.onnx`);
  const { norms, written, exactness, assumed } = operated(bytes);

  test("the passes are exact", () => {
    expect({ exactness, assumed }).toEqual({ exactness: "exact", assumed: [] });
  });

  test("every norm is found, and as many are folded as can be", () => {
    expect(norms).toHaveLength(fixture.norms);
    const countOf = (outcome: string) => norms.filter(({ centering }) => centering === outcome).length;
    const { folded = 0, rms = 0 } = best[name.split(".")[0] as string] as Best;
    expect({ folded: countOf("folded"), rms: countOf("none") }).toEqual({ folded, rms });
  });

  test("the written model computes the same", async () => {
    const feeds = feedsFor(fixture);
    const [was, is] = [await runOnnx(bytes, feeds), await runOnnx(written, feeds)];
    expect(Object.keys(is)).toEqual(Object.keys(was));
    const tolerance = name.endsWith("f16") ? 1e-2 : 1e-5;
    for (const [output, { data }] of Object.entries(was)) {
      const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const off = data.reduce((most, value, i) => Math.max(most, Math.abs(value - (is[output]?.data[i] as number))), 0);
      expect(largest).toBeGreaterThan(0.01);
      expect(off, output).toBeLessThanOrEqual(tolerance * Math.max(1, largest));
    }
  });

  test.runIf(isDeep || turn % 3 === 0)("a second surgery changes nothing", () => {
    expect(operated(written).written.equals(written)).toBe(true);
  });
});
