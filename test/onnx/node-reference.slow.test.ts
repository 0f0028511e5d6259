/** The ops outside the language that a check evaluates in float64, against onnxruntime. */

import { expect, test } from "vitest";
import { referenceOutputs } from "../../src/cli/model-reference.ts";
import { nodeReferences } from "../../src/cli/node-reference.ts";
import type { RunTensor } from "../../src/cli/onnxruntime.ts";
import { elementCount } from "../../src/ir/tensor.ts";
import { bytesInMemory, OnnxModel } from "../../src/onnx/index.ts";
import {
  graph,
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
  readonly opset?: number;
  /** How many outputs it has, all of f32 where they are several. */
  readonly outputs?: number;
}

const mask = weight("bool", [3, 5], 1, 1, 0, 1, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0);
const lstm = (directions: number) => ({
  w: weight("f32", [directions, 16, 3], ...spread(directions * 48, 2)),
  r: weight("f32", [directions, 16, 4], ...spread(directions * 64, 3)),
  b: weight("f32", [directions, 32], ...spread(directions * 32, 4)),
});

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
  { op: "AveragePool", inputs: [floats(1, 2, 5, 7)], attributes: { kernel_shape: [2, 3], strides: [2, 1] } },
  {
    op: "AveragePool",
    inputs: [floats(1, 2, 5, 7)],
    attributes: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 0, 1, 2], ceil_mode: 1, count_include_pad: 1 },
  },
  {
    op: "AveragePool",
    inputs: [floats(1, 2, 6, 7)],
    attributes: { kernel_shape: [3, 2], strides: [2, 2], auto_pad: "SAME_UPPER" },
  },
  {
    op: "AveragePool",
    opset: 19,
    inputs: [floats(1, 1, 9)],
    attributes: { kernel_shape: [3], dilations: [2], pads: [1, 2] },
  },
  {
    op: "MaxPool",
    inputs: [floats(1, 2, 6, 7)],
    attributes: { kernel_shape: [3, 2], strides: [2, 2], auto_pad: "SAME_LOWER" },
  },
  { op: "LSTM", inputs: [floats(5, 2, 3)], weights: lstm(1), attributes: { hidden_size: 4 }, outputs: 3 },
  {
    op: "LSTM",
    inputs: [floats(5, 2, 3)],
    weights: {
      ...lstm(2),
      lengths: weight("i32", [2], 5, 3),
      h: weight("f32", [2, 2, 4], ...spread(16, 5)),
      c: weight("f32", [2, 2, 4], ...spread(16, 6)),
      p: weight("f32", [2, 12], ...spread(24, 7)),
    },
    attributes: { hidden_size: 4, direction: "bidirectional", clip: { float: 1.5 } },
    outputs: 3,
  },
  { op: "LSTM", inputs: [floats(4, 1, 3)], weights: lstm(1), attributes: { hidden_size: 4, direction: "reverse" } },
  { op: "Attention", opset: 23, inputs: [floats(2, 2, 3, 4), floats(2, 2, 5, 4), floats(2, 2, 5, 6)] },
  {
    op: "Attention",
    opset: 23,
    inputs: [floats(2, 3, 16), floats(2, 5, 8), floats(2, 5, 8)],
    weights: { mask },
    attributes: { q_num_heads: 4, kv_num_heads: 2, scale: { float: 0.25 }, softcap: { float: 2 } },
  },
  {
    op: "Attention",
    opset: 23,
    inputs: [floats(1, 2, 3, 4), floats(1, 2, 3, 4), floats(1, 2, 3, 4)],
    weights: { mask: weight("f32", [3, 3], ...spread(9, 8)) },
    attributes: { is_causal: 1 },
  },
];

test.each(cases)("$op $attributes", async ({ op, inputs, weights = {}, attributes = {}, ...rest }) => {
  const { element = "f32", opset = 17, outputs: count = 1 } = rest;
  const names = Array.from({ length: count }, (_, i) => `y${i}`);
  const feeds = Object.fromEntries(inputs.map((feed, i) => [`x${i}`, feed]));
  const bytes = onnxModel({
    opset,
    inputs: Object.fromEntries(inputs.map(({ element: of, shape }, i) => [`x${i}`, { element: of, shape }])),
    outputs: Object.fromEntries(names.map((name) => [name, { element }])),
    weights,
    nodes: [node(op, [...Object.keys(feeds), ...Object.keys(weights)], names, { attributes })],
  });
  await expectSame(bytes, feeds);
});

/** What the reference makes of a model is what onnxruntime does. */
async function expectSame(bytes: Uint8Array, feeds: Readonly<Record<string, Feed>>): Promise<void> {
  const model = new OnnxModel(bytesInMemory("m.onnx", bytes), () => {
    throw new Error("no file beside the model");
  });
  const given = Object.entries(feeds).map(([name, { element, shape, numbers }]) => {
    return [name, { dataType: onnxType[element], shape, numbers: Float64Array.from(numbers) }] as const;
  });
  const got = referenceOutputs(model, Object.fromEntries(given)).outputs;
  const wanted = await runOnnx(bytes, feeds);
  expect([...got.keys()]).toEqual(Object.keys(wanted));
  for (const [name, want] of Object.entries(wanted)) {
    const { shape, numbers } = got.get(name) as RunTensor;
    expect(shape).toEqual(want.shape);
    const off = [...want.data].map((number, i) => Math.abs(number - (numbers[i] as number)));
    expect(Math.max(0, ...off), name).toBeLessThan(2e-6);
  }
}

const stream = { element: "f32", shape: [2, 3] } as const;

test.each([0, 1])("If, its branches read what is around: %i", async (condition) => {
  const branch = (op: string, shape: readonly number[]) =>
    graph({
      outputs: { [`${op}_y`]: { element: "f32" } },
      weights: { [`${op}_shape`]: constant([shape.length], ...shape) },
      nodes: [
        node(op, ["h", "w"], [`${op}_sum`]),
        node("Reshape", [`${op}_sum`, op === "Add" ? "outer" : `${op}_shape`], [`${op}_y`]),
      ],
    });
  const bytes = onnxModel({
    inputs: { x: stream, on: { element: "bool", shape: [] } },
    outputs: { y: { element: "f32" } },
    weights: { w: weight("f32", [3], 1, 2, 3), outer: constant([2], 3, -1) },
    nodes: [
      node("Relu", ["x"], ["h"]),
      node("If", ["on"], ["y"], {
        attributes: { then_branch: branch("Add", [3, 2]), else_branch: branch("Mul", [6]) },
      }),
    ],
  });
  await expectSame(bytes, { x: floats(2, 3), on: { element: "bool", shape: [], numbers: [condition] } });
});

test("Loop, with a state, what it gathers, and a condition that ends it", async () => {
  const body = graph({
    inputs: { i: { element: "i64", shape: [] }, go: { element: "bool", shape: [] }, s: stream },
    outputs: { on: { element: "bool" }, s_next: { element: "f32" }, row: { element: "f32" } },
    weights: { most: weight("f32", [], 9) },
    nodes: [
      node("Add", ["s", "h"], ["s_next"]),
      node("ReduceMax", ["s_next"], ["row"], { attributes: { axes: [1], keepdims: 0 } }),
      node("ReduceMax", ["s_next"], ["top"], { attributes: { keepdims: 0 } }),
      node("Less", ["top", "most"], ["on"]),
    ],
  });
  const bytes = onnxModel({
    inputs: { x: stream, count: { element: "i64", shape: [] } },
    outputs: { y: { element: "f32" }, rows: { element: "f32" } },
    weights: { start: weight("bool", [], 1) },
    nodes: [node("Exp", ["x"], ["h"]), node("Loop", ["count", "start", "x"], ["y", "rows"], { attributes: { body } })],
  });
  for (const count of [2, 40]) await expectSame(bytes, { x: floats(2, 3), count: integers([], count) });
});

test("there is a case for each", () => {
  expect([...new Set(cases.map(({ op }) => op))].sort()).toEqual(Object.keys(nodeReferences).sort());
});
