/** Tensors of f8 in models: they keep their types, and results are those of onnxruntime. */

import { describe, expect, test } from "vitest";
import { compile } from "../../src/driver/compile.ts";
import { printType } from "../../src/ir/types.ts";
import { float8 } from "../support/float8.ts";
import { expectSameAsOnnxruntime, imported, type opsOf } from "../support/import-onnx.ts";
import { node, onnxModel, onnxType, spread, type Weight, weight } from "../support/onnx.ts";
import { runOnnx } from "../support/onnxruntime.ts";
import { operated } from "../support/surgery.ts";

const elements = ["f8e4m3", "f8e5m2"] as const;
type Element = (typeof elements)[number];

const shape = [3, 8];
const numbers = [
  ...[0, -0, 0.3, -1.0625, 1.1875, 17, 440, -447, 448, 464, -480, 1e9, 57344, -61439, 61440, 3e38],
  ...[Infinity, -Infinity, Number.NaN, 2 ** -10, 3 * 2 ** -10, 2 ** -17, -1e-9, 2 ** -16],
];
const cast = (from: string, to: string, element: keyof typeof onnxType, more = {}) =>
  node("Cast", [from], [to], { attributes: { to: onnxType[element], ...more } });

/** What onnxruntime returns is f32: it has no tensors of f8 outside of a model. */
const modelOf = (nodes: readonly ReturnType<typeof node>[], weights: Readonly<Record<string, Weight>> = {}) =>
  onnxModel({
    opset: 19,
    inputs: { x: { element: "f32", shape } },
    outputs: { y: { element: "f32" } },
    weights,
    nodes,
  });

const exactly = (model: Uint8Array) => expectSameAsOnnxruntime(model, { x: { element: "f32", shape, numbers } }, 1e-7);

/** The element types of all values of a function. */
const typesOf = ({ ops }: Parameters<typeof opsOf>[0]) =>
  ops.flatMap(({ results }) => results.map(({ element }) => element));

describe.each(elements)("%s", (element: Element) => {
  test("Cast saturates, infinities too", async () => {
    const { fn, remarks } = await exactly(modelOf([cast("x", "q", element), cast("q", "y", "f32")]));
    expect(remarks).toEqual([]);
    expect(typesOf(fn)).toContain(element);
  });

  test("Cast from f16, an integer and a truth value", async () => {
    for (const from of ["f16", "i32", "bool"] as const) {
      const small = onnxModel({
        opset: 19,
        inputs: { x: { element: from, shape: [6] } },
        outputs: { y: { element: "f32" } },
        nodes: [cast("x", "q", element), cast("q", "y", "f32")],
      });
      const list = from === "bool" ? [0, 1, 1, 0, 1, 0] : [0, -3, 17, 500, -60000, 19];
      await expectSameAsOnnxruntime(small, { x: { element: from, shape: [6], numbers: list } }, 1e-7);
    }
  });

  test("what does not saturate is left to the model, with the reason", () => {
    const { remarks } = imported(modelOf([cast("x", "q", element, { saturate: 0 }), cast("q", "y", "f32")]));
    expect(JSON.stringify(remarks)).toContain("it does not saturate");
  });

  test("QuantizeLinear and DequantizeLinear", async () => {
    for (const inputs of [
      ["s", "z"],
      ["c", "zs"],
    ]) {
      const nodes = [
        node("QuantizeLinear", ["x", ...inputs], ["q"]),
        node("DequantizeLinear", ["q", ...inputs], ["y"]),
      ];
      const model = modelOf(nodes, {
        s: weight("f32", [], 0.75),
        z: weight(element, [], 0),
        c: weight("f32", [8], 0.5, 0.25, 1, 2, 0.7, 1, 1, 3),
        zs: weight(element, [8], 0, 0, 0, 0, 0, 0, 0, 0),
      });
      const { fn, remarks } = await exactly(model);
      expect(remarks).toEqual([]);
      expect(typesOf(fn)).toContain(element);
      expect(compile(imported(model).module).kernels).toHaveLength(1);
    }
  });

  test("weights are read, from bytes", async () => {
    const { values } = float8[element];
    const weights = { w: weight(element, shape, ...values.slice(60, 84)) };
    const { fn } = await exactly(modelOf([cast("w", "v", "f32"), node("Add", ["x", "v"], ["y"])], weights));
    expect(typesOf(fn)).toContain(element);
  });

  test("an input and a result have the type", () => {
    const { fn } = imported(
      onnxModel({
        opset: 19,
        inputs: { x: { element, shape } },
        outputs: { y: { element } },
        nodes: [node("Transpose", ["x"], ["y"])],
      }),
    );
    expect([fn.params[0]?.type, fn.results[0]?.value.type].map((type) => type && printType(type))).toEqual([
      `${element}[3, 8]`,
      `${element}[8, 3]`,
    ]);
  });

  test("norms of a model with such weights are rewritten beside them", async () => {
    const nodes = [
      cast("w", "v", "f32"),
      node("Add", ["x", "v"], ["a"]),
      node("LayerNormalization", ["a", "g", "b"], ["y"]),
    ];
    const weights = {
      w: weight(element, shape, ...Array.from({ length: 24 }, (_, i) => (i % 8) / 4)),
      g: weight("f32", [8], 1, 2, 1, 2, 1, 2, 1, 2),
      b: weight("f32", [8], 0, 0, 1, 0, 0, 0, 0, 2),
    };
    const model = modelOf(nodes, weights);
    const { norms, written } = operated(model);
    expect(norms).toHaveLength(1);
    const feeds = { x: { element: "f32", shape, numbers: spread(24) } } as const;
    const [before, after] = [await runOnnx(model, feeds), await runOnnx(written, feeds)];
    for (const [i, value] of (before.y?.data ?? []).entries()) expect(after.y?.data[i]).toBeCloseTo(value, 5);
  });
});
