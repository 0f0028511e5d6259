/** Ops that a check evaluates in float64 beside those of the language, against onnxruntime. */

import { expect, test } from "vitest";
import { referenceOutputs } from "../../src/cli/model-reference.ts";
import { nodeReferences } from "../../src/cli/node-reference.ts";
import { elementCount } from "../../src/ir/tensor.ts";
import { bytesInMemory, OnnxModel } from "../../src/onnx/index.ts";
import {
  type NodeParts,
  node,
  type OnnxElement,
  onnxModel,
  onnxType,
  spread,
  type Weight,
  weight,
} from "../support/onnx.ts";
import { type Feed, runOnnx } from "../support/onnxruntime.ts";

const floats = (...shape: number[]): Feed => ({
  element: "f32",
  shape,
  numbers: spread(elementCount(shape), 5).map(Math.fround),
});
const integers = (shape: number[], ...numbers: number[]): Feed => ({ element: "i64", shape, numbers });
const constant = (shape: number[], ...numbers: number[]) => weight("i64", shape, ...numbers);

interface Case {
  readonly op: string;
  readonly inputs: readonly Feed[];
  readonly weights?: Readonly<Record<string, Weight>>;
  readonly attributes?: NodeParts["attributes"];
  readonly element?: OnnxElement;
}

const x = floats(2, 3, 4);
const cases: readonly Case[] = [
  { op: "Shape", inputs: [x], element: "i64" },
  { op: "Shape", inputs: [x], attributes: { start: 1, end: -1 }, element: "i64" },
  { op: "Size", inputs: [x], element: "i64" },
  { op: "ConstantOfShape", inputs: [integers([2], 3, 2)] },
  { op: "Range", inputs: [integers([], 9), integers([], 2), integers([], -3)], element: "i64" },
  { op: "IsNaN", inputs: [{ ...floats(3), numbers: [1, Number.NaN, 0] }], element: "bool" },
  {
    op: "IsInf",
    inputs: [{ ...floats(3), numbers: [-Infinity, Infinity, 0] }],
    attributes: { detect_negative: 0 },
    element: "bool",
  },
  { op: "Gather", inputs: [x, integers([2, 2], 0, -1, 2, 1)], attributes: { axis: 1 } },
  {
    op: "GatherElements",
    inputs: [x, integers([2, 2, 4], 0, 1, 2, -1, 1, 1, 0, 0, 2, 2, 1, 0, 0, 0, 1, 2)],
    attributes: { axis: 1 },
  },
  { op: "GatherND", inputs: [x, integers([2, 2], 0, 2, 1, -1)] },
  { op: "GatherND", inputs: [x, integers([2, 1], 2, 0)], attributes: { batch_dims: 1 } },
  { op: "ScatterND", inputs: [x, integers([2, 2], 0, 2, 1, 0), floats(2, 4)] },
  { op: "Trilu", inputs: [floats(2, 3, 4)], attributes: { upper: 0 } },
  { op: "Trilu", inputs: [floats(2, 3, 4), integers([], 1)] },
  { op: "CumSum", inputs: [x], weights: { axis: constant([], -2) } },
  { op: "CumSum", inputs: [x], weights: { axis: constant([], 2) }, attributes: { exclusive: 1, reverse: 1 } },
  { op: "Pad", inputs: [x], weights: { pads: constant([6], 0, 1, 2, 1, 0, 3), filled: weight("f32", [], 7) } },
  { op: "Pad", inputs: [x], weights: { pads: constant([6], 0, 1, 2, 1, 0, 3) }, attributes: { mode: "edge" } },
  { op: "Pad", inputs: [x], weights: { pads: constant([6], 0, 1, 2, 1, 0, 3) }, attributes: { mode: "reflect" } },
  { op: "Tile", inputs: [x], weights: { times: constant([3], 1, 2, 3) } },
  { op: "ArgMax", inputs: [x], attributes: { axis: 1 }, element: "i64" },
  { op: "ArgMax", inputs: [x], attributes: { axis: -1, keepdims: 0 }, element: "i64" },
  { op: "GlobalAveragePool", inputs: [floats(2, 3, 4, 5)] },
  {
    op: "BatchNormalization",
    inputs: [floats(2, 3, 4)],
    weights: {
      scale: weight("f32", [3], 1, 2, 3),
      bias: weight("f32", [3], 4, 5, 6),
      mean: weight("f32", [3], 0.5, -0.25, 1),
      variance: weight("f32", [3], 1, 0.5, 2),
    },
    attributes: { epsilon: { float: 0.25 } },
  },
  { op: "Einsum", inputs: [floats(2, 3, 4), floats(2, 4, 5)], attributes: { equation: "bij, bjk -> bki" } },
  { op: "Einsum", inputs: [floats(3, 4), floats(4, 2)], attributes: { equation: "ij,jk" } },
];

test.each(cases)("$op $attributes", async ({ op, inputs, weights = {}, attributes = {}, element = "f32" }) => {
  const feeds = Object.fromEntries(inputs.map((feed, i) => [`x${i}`, feed]));
  const bytes = onnxModel({
    inputs: Object.fromEntries(inputs.map(({ element: of, shape }, i) => [`x${i}`, { element: of, shape }])),
    outputs: { y: { element } },
    weights,
    nodes: [node(op, [...Object.keys(feeds), ...Object.keys(weights)], ["y"], { attributes })],
  });
  const model = new OnnxModel(bytesInMemory("m.onnx", bytes), () => {
    throw new Error("no file beside the model");
  });
  const given = inputs.map(({ element: of, shape, numbers }, i) => {
    return [`x${i}`, { dataType: onnxType[of], shape, numbers: Float64Array.from(numbers) }] as const;
  });
  const got = referenceOutputs(model, Object.fromEntries(given)).outputs.get("y");
  const { y } = await runOnnx(bytes, feeds);
  expect(got?.shape).toEqual(y?.shape);
  const off = Math.max(0, ...[...(y?.data ?? [])].map((want, i) => Math.abs(want - (got?.numbers[i] as number))));
  expect(off).toBeLessThan(2e-6);
});

test("there is a case for each", () => {
  expect([...new Set(cases.map(({ op }) => op))].sort()).toEqual(Object.keys(nodeReferences).sort());
});
