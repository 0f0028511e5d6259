/** Weights of 8 bits behind DequantizeLinear, which are centered on request. */

import { expect, test } from "vitest";
import { referenceOutputs } from "../../src/cli/model-reference.ts";
import { expectNear } from "../support/import-onnx.ts";
import { node, onnxModel, onnxType, spread, type Weight, weight } from "../support/onnx.ts";
import { runOnnx } from "../support/onnxruntime.ts";
import { chosen, operated } from "../support/surgery.ts";

const width = 8;
const x = { element: "f32", shape: [3, width], numbers: spread(3 * width, 3) } as const;
const bytes = (least: number) => Array.from({ length: width * width }, (_, i) => least + ((i * 37) % 251));

interface Quantized {
  readonly w: Weight;
  readonly scale: Weight;
  readonly zero?: Weight;
  readonly attributes?: { readonly axis: number };
}

const scales = spread(width, 2).map((number) => Math.fround(Math.abs(number) / 100 + 0.01));

const kinds: Readonly<Record<string, Quantized>> = {
  "one scale": { w: { element: "u8", dims: [width, width], numbers: bytes(0) }, scale: weight("f32", [], 0.03125) },
  "a scale and a zero point": {
    w: { element: "u8", dims: [width, width], numbers: bytes(2) },
    scale: weight("f32", [], Math.fround(0.017)),
    zero: weight("u8", [], 117),
  },
  "a scale for each row": {
    w: { element: "u8", dims: [width, width], numbers: bytes(0) },
    scale: weight("f32", [width], ...scales),
    zero: weight(
      "u8",
      [width],
      ...bytes(100)
        .slice(0, width)
        .map((byte) => byte % 256),
    ),
    attributes: { axis: 0 },
  },
  "a scale for each column": {
    w: { element: "u8", dims: [width, width], numbers: bytes(0) },
    scale: weight("f32", [width], ...scales),
    attributes: { axis: -1 },
  },
};

function modelOf({ w, scale, zero, attributes = { axis: 1 } }: Quantized): Uint8Array {
  const affine = { g: weight("f32", [width], ...spread(width, 5)), b: weight("f32", [width], ...spread(width, 6)) };
  const inputs = ["w", "scale", ...(zero === undefined ? [] : ["zero"])];
  return onnxModel({
    inputs: { x: { element: "f32", shape: ["rows", width] } },
    outputs: { y: { element: "f32" } },
    weights: { ...affine, w, scale, ...(zero && { zero }), v: w },
    nodes: [
      node("DequantizeLinear", inputs, ["first"], { attributes }),
      node("DequantizeLinear", ["v", ...inputs.slice(1)], ["second"], { attributes }),
      node("MatMul", ["x", "first"], ["h"]),
      node("LayerNormalization", ["h", "g", "b"], ["n"]),
      node("Relu", ["n"], ["r"]),
      node("MatMul", ["r", "second"], ["y"]),
    ],
  });
}

test.each(Object.entries(kinds))("%s", async (_, kind) => {
  const model = modelOf(kind);
  expect(operated(model).norms.map(({ centering }) => centering)).toEqual(["kept"]);
  const { written, norms, weights, nodes } = operated(model, { dequantize: true });
  expect(norms.map(({ centering }) => centering)).toEqual(["folded"]);
  expect(weights.map(({ from }) => from)).toEqual(["first"]);
  // The other weight keeps its bytes.
  expect(nodes.after).toBe(nodes.before);
  const [was, is] = [await runOnnx(model, { x }), await runOnnx(written, { x })];
  expectNear(is.y, was.y, 1e-5);
  const { outputs } = referenceOutputs(chosen(model).model, {
    x: { dataType: onnxType.f32, shape: x.shape, numbers: Float64Array.from(x.numbers) },
  });
  expectNear({ element: "f32", shape: [3, width], data: outputs.get("y")?.numbers as Float64Array }, was.y, 1e-5);
});

test("blocks, and weights that are computed, are left to the runtime", () => {
  const scale = weight("f32", [2, width], ...spread(2 * width, 2));
  const w = { element: "u8", dims: [width, width], numbers: bytes(0) } as const;
  const attributes = { axis: 0, block_size: 4 };
  expect(operated(modelOf({ w, scale, attributes }), { dequantize: true }).norms[0]?.centering).toBe("kept");
});
