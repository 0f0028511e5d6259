/** Small models, each of a kind in common use: the outcome of each norm, and that the model still computes the same. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { elementCount } from "../../src/ir/tensor.ts";
import { bytesInMemory } from "../../src/onnx/bytes.ts";
import { OnnxModel } from "../../src/onnx/model.ts";
import { type OnnxElement, onnxType, spread } from "../support/onnx.ts";
import { type Feed, runOnnx } from "../support/onnxruntime.ts";
import { chosen, operated } from "../support/surgery.ts";

/** `layernorm folded`: what each norm is, and what became of its centering. */
const outcomes: Readonly<Record<string, readonly string[]>> = {
  layer_scale: ["layernorm folded", "layernorm folded"],
  pointwise_conv: ["layernorm folded"],
  std_plus_eps: ["standardize folded"],
  expand_of_torch: ["layernorm folded", "layernorm folded"],
  gemm_of_dynamic_rows: ["layernorm folded", "layernorm folded"],
  lstm_before_norm: ["layernorm kept"],
  einsum_before_norm: ["layernorm kept"],
  weight_dequantized: ["layernorm kept", "layernorm moved"],
  attention_of_microsoft: ["layernorm folded", "layernorm folded"],
  norm_in_if: ["layernorm left"],
  norm_of_doubles: ["layernorm left"],
  norm_after_if: ["layernorm kept"],
  two_names_for_a_batch: ["layernorm folded"],
  first_token_of_dynamic: ["layernorm folded", "layernorm folded"],
  gpt2_conv1d: ["layernorm folded", "layernorm folded"],
  patch_merging: ["layernorm kept"],
  row_of_one: ["layernorm left"],
  weight_of_halves: ["layernorm folded"],
  channels_first: ["layernorm folded"],
  query_and_key_norms: ["layernorm kept", "layernorm kept"],
};

const elements: ReadonlyMap<number, OnnxElement> = new Map(
  Object.entries(onnxType).map(([element, type]) => [type, element as OnnxElement]),
);

/** Numbers for the inputs of a model: every extent that has a name is 2. */
function feedsFor(bytes: Uint8Array): Record<string, Feed> {
  const { graph, tensorNames } = new OnnxModel(bytesInMemory("m.onnx", bytes), () => {
    throw new Error("no file beside the model");
  });
  const constants = new Set(tensorNames);
  return Object.fromEntries(
    graph.inputs.flatMap(({ name, elementType, shape = [] }, i) => {
      if (constants.has(name)) return [];
      const element = elements.get(elementType as number) as OnnxElement;
      const dims = shape.map((extent) => (typeof extent === "number" ? extent : 2));
      const count = elementCount(dims);
      const isFloat = element === "f32" || element === "f16" || element === "f64";
      const numbers = isFloat ? spread(count, i + 1) : Array.from({ length: count }, (_, k) => k % 2);
      return [[name, { element, shape: dims, numbers }]];
    }),
  );
}

const cases = Object.entries(outcomes);

test.each(cases)("%s, where what is slower is not written", (name, wanted) => {
  const bytes = readFileSync(new URL(`models/${name}.onnx`, import.meta.url));
  const { norms, written } = chosen(bytes);
  expect(norms.map(({ norm, centering }) => `${norm} ${centering}`)).toEqual(wanted);
  expect(chosen(written).written.equals(written), "a second surgery changes nothing").toBe(true);
});

test.each(cases)("%s", async (name, wanted) => {
  const bytes = readFileSync(new URL(`models/${name}.onnx`, import.meta.url));
  const { written, norms } = operated(bytes);
  expect(norms.map(({ norm, centering }) => `${norm} ${centering}`)).toEqual(wanted);
  const feeds = feedsFor(bytes);
  const [was, is] = [await runOnnx(bytes, feeds), await runOnnx(written, feeds)];
  for (const [output, { data }] of Object.entries(was)) {
    const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const off = data.reduce((most, value, i) => Math.max(most, Math.abs(value - (is[output]?.data[i] as number))), 0);
    expect(largest).toBeGreaterThan(0.1);
    expect(off, output).toBeLessThanOrEqual(1e-5 * largest);
  }
  expect(operated(written).written.equals(written), "a second surgery changes nothing").toBe(true);
});
