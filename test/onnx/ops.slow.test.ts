/**
 * Every op of ONNX that is imported as an op of the language, against onnxruntime: attributes, operator sets, shapes.
 */

import type { NodeProto } from "onnx-buf";
import { describe, expect, test } from "vitest";
import { elementCount } from "../../src/ir/tensor.ts";
import { expectSameAsOnnxruntime, opsOf } from "../support/import-onnx.ts";
import { type NodeParts, node, type OnnxElement, onnxModel, spread, type Weight, weight } from "../support/onnx.ts";

interface Case {
  readonly op: string;
  /** Shapes of inputs that are fed, of the element type. */
  readonly x?: readonly (readonly number[])[];
  readonly element?: OnnxElement;
  /** Of the result; by default that of the inputs. */
  readonly result?: OnnxElement;
  readonly opset?: number;
  readonly attributes?: NodeParts["attributes"];
  readonly domain?: string;
  /** Constants that follow the inputs; `undefined` leaves one out. */
  readonly weights?: readonly (Weight | undefined)[];
  readonly numbers?: (count: number, index: number) => number[];
  /** How many results. */
  readonly results?: number;
  readonly is: readonly string[];
}

const positive = (count: number, index: number) => spread(count, index + 1).map((x) => Math.fround(Math.abs(x) + 0.1));

async function check(given: Case): Promise<void> {
  const {
    op,
    x = [[2, 3, 4]],
    element = "f32",
    result = element,
    opset,
    attributes,
    domain,
    weights = [],
    results = 1,
  } = given;
  const numbers = given.numbers ?? ((count, index) => spread(count, index + 1));
  const names = x.map((_, i) => `x${i}`);
  const constants = Object.fromEntries(weights.flatMap((one, i) => (one === undefined ? [] : [[`w${i}`, one]])));
  const inputs = [...names, ...weights.map((one, i) => (one === undefined ? "" : `w${i}`))];
  const outputs = Array.from({ length: results }, (_, i) => `y${i}`);
  const nodes: NodeProto[] = [
    node(op, inputs, outputs, { ...(attributes && { attributes }), ...(domain && { domain }) }),
  ];
  const bytes = onnxModel({
    ...(opset !== undefined && { opset }),
    // The extent of the first axis is symbolic.
    inputs: Object.fromEntries(names.map((name, i) => [name, { element, shape: x[i] as number[] }])),
    outputs: Object.fromEntries(outputs.map((name) => [name, { element: result }])),
    weights: constants,
    nodes,
  });
  const feeds = Object.fromEntries(
    names.map((name, i) => {
      const shape = x[i] as readonly number[];
      return [name, { element, shape, numbers: numbers(elementCount(shape), i) }];
    }),
  );
  const { fn, remarks } = await expectSameAsOnnxruntime(bytes, feeds, element === "f16" ? 5e-3 : 1e-5);
  expect(remarks).toEqual([]);
  expect(opsOf(fn)).toEqual(given.is);
}

const i64 = (...numbers: number[]) => weight("i64", [numbers.length], ...numbers);
const f32 = (dims: readonly number[], seed = 9) => weight("f32", dims, ...spread(elementCount(dims), seed));
const whole = (count: number) => Array.from({ length: count }, (_, i) => ((i * 7) % 11) - 5);
const bits = (count: number, index: number) => Array.from({ length: count }, (_, i) => (i >> index) & 1);

describe("elementwise", () => {
  test.each<Case>([
    ...[
      "Abs",
      "Neg",
      "Sign",
      "Exp",
      "Sin",
      "Cos",
      "Tanh",
      "Erf",
      "Sigmoid",
      "Relu",
      "Softplus",
      "Floor",
      "Ceil",
      "Round",
    ].map((op) => ({ op, is: [op.toLowerCase()] })),
    ...["Sqrt", "Log", "Reciprocal"].map((op) => ({ op, numbers: positive, is: [op.toLowerCase()] })),
    { op: "Round", numbers: () => [0.5, 1.5, 2.5, -0.5, -1.5, -2.5], x: [[6]], is: ["round"] },
    { op: "HardSwish", is: ["hardswish"] },
    { op: "Tan", is: ["tan"] },
    { op: "Not", element: "bool", numbers: bits, is: ["not"] },
    { op: "Neg", element: "i32", numbers: whole, is: ["neg"] },
    { op: "Identity", is: [] },
    { op: "Dropout", opset: 13, is: [] },
    { op: "Elu", attributes: { alpha: 0.3 }, is: ["elu"] },
    { op: "LeakyRelu", attributes: { alpha: 0.3 }, is: ["leaky_relu"] },
    { op: "LeakyRelu", is: ["leaky_relu"] },
    { op: "HardSigmoid", attributes: { alpha: 0.25, beta: 0.4 }, is: ["mul", "add", "clamp"] },
    { op: "HardSigmoid", is: ["mul", "add", "clamp"] },
    { op: "Gelu", opset: 20, is: ["gelu"] },
    { op: "Gelu", opset: 20, attributes: { approximate: "tanh" }, is: ["gelu"] },
    { op: "Gelu", domain: "com.microsoft", is: ["gelu"] },
    { op: "BiasGelu", domain: "com.microsoft", weights: [f32([4])], is: ["add", "gelu"] },
    { op: "FastGelu", domain: "com.microsoft", is: ["gelu"] },
    { op: "FastGelu", domain: "com.microsoft", weights: [f32([4])], is: ["add", "gelu"] },
    { op: "QuickGelu", domain: "com.microsoft", attributes: { alpha: 1.3 }, is: ["mul", "sigmoid", "mul"] },
    ...["Add", "Sub", "Mul"].map((op) => ({
      op,
      x: [
        [2, 3, 4],
        [3, 1],
      ],
      is: [op.toLowerCase()],
    })),
    { op: "Div", x: [[2, 3], [3]], numbers: positive, is: ["div"] },
    { op: "Div", x: [[6]], element: "i32", numbers: whole, weights: [weight("i32", [], 3)], is: ["div"] },
    { op: "Add", weights: [weight("f32", [], 0.5)], is: ["add"] },
    { op: "Add", x: [[3]], weights: [weight("f32", [1, 1], 0.5)], is: ["add"] },
    { op: "Add", element: "f16", weights: [weight("f16", [1], 0.5)], is: ["add"] },
    { op: "Pow", weights: [weight("f32", [], 3)], is: ["pow"] },
    { op: "Pow", weights: [weight("i64", [], 2)], is: ["pow"] },
    { op: "Pow", weights: [weight("i32", [4], 0, 1, 2, 3)], is: ["cast", "pow"] },
    { op: "Pow", x: [[4], [4]], numbers: positive, is: ["pow"] },
    { op: "Mod", x: [[3, 4], [4]], attributes: { fmod: 1 }, is: ["rem"] },
    { op: "Max", x: [[4], [3, 4], [1]], is: ["maximum", "maximum"] },
    { op: "Min", x: [[4], [3, 4]], is: ["minimum"] },
    { op: "Max", x: [[4]], is: [] },
    { op: "Sum", x: [[4], [3, 4], [1]], is: ["add", "add"] },
    ...[
      ["Equal", "eq"],
      ["Greater", "gt"],
      ["Less", "lt"],
      ["GreaterOrEqual", "ge"],
      ["LessOrEqual", "le"],
    ].map(([op, name]) => ({
      op: op as string,
      x: [[6], [6]],
      element: "i32" as const,
      result: "bool" as const,
      numbers: (n: number, i: number) => whole(n).map((v) => v * (i * 2 - 1)),
      is: [name as string],
    })),
    { op: "And", x: [[4], [4]], element: "bool", numbers: bits, is: ["and"] },
    { op: "Or", x: [[4], [4]], element: "bool", numbers: bits, is: ["or"] },
    { op: "Clip", opset: 9, attributes: { min: -0.5, max: 0.5 }, is: ["clamp"] },
    { op: "Clip", opset: 9, is: [] },
    { op: "Clip", weights: [weight("f32", [], -0.5), weight("f32", [], 0.5)], is: ["clamp"] },
    { op: "Clip", weights: [undefined, weight("f32", [], 0.5)], is: ["minimum"] },
    { op: "Clip", weights: [weight("f32", [], -0.5)], is: ["maximum"] },
    { op: "Cast", attributes: { to: 6 }, result: "i32", is: ["cast"] },
    { op: "Cast", attributes: { to: 10 }, result: "f16", is: ["cast"] },
    { op: "Cast", attributes: { to: 9 }, result: "bool", numbers: whole, is: ["cast"] },
    { op: "Cast", attributes: { to: 7 }, element: "i32", result: "i64", numbers: whole, is: [] },
    { op: "Cast", attributes: { to: 1 }, element: "bool", result: "f32", numbers: bits, is: ["cast"] },
  ])("$op of set $opset with $attributes", check);
});

test("Where takes a condition and two tensors", async () => {
  const bytes = onnxModel({
    inputs: { c: { element: "bool", shape: ["n", 1] }, a: { element: "f32", shape: ["n", 3] } },
    outputs: { y: { element: "f32" } },
    weights: { w: weight("f32", [], -10000) },
    nodes: [node("Where", ["c", "a", "w"], ["y"])],
  });
  const c = { element: "bool", shape: [2, 1], numbers: [1, 0] } as const;
  await expectSameAsOnnxruntime(bytes, { c, a: { element: "f32", shape: [2, 3], numbers: spread(6) } });
});

describe("reductions", () => {
  const names = {
    ...{ ReduceSum: ["sum"], ReduceMean: ["mean"], ReduceMax: ["max"], ReduceMin: ["min"], ReduceProd: ["prod"] },
    ...{ ReduceL1: ["abs", "sum"], ReduceL2: ["mul", "sum", "sqrt"], ReduceSumSquare: ["mul", "sum"] },
    ...{ ReduceLogSumExp: ["logsumexp"] },
  };
  test.each<Case>([
    ...Object.entries(names).flatMap(([op, is]) => [
      { op, opset: 11, attributes: { axes: [-1] }, is },
      { op, opset: 11, attributes: { axes: [0, 2], keepdims: 0 }, is },
      { op, opset: 11, is },
      { op, opset: 18, weights: [i64(1)], is },
      { op, opset: 18, weights: [i64(-1, 0)], attributes: { keepdims: 0 }, is },
    ]),
    { op: "ReduceLogSum", opset: 11, numbers: positive, attributes: { axes: [1] }, is: ["sum", "log"] },
    { op: "ReduceSum", opset: 13, weights: [i64(1)], is: ["sum"] },
    { op: "ReduceMean", opset: 13, attributes: { axes: [1] }, is: ["mean"] },
    { op: "ReduceSum", opset: 13, weights: [i64()], attributes: { noop_with_empty_axes: 1 }, is: [] },
    { op: "ReduceSum", opset: 13, weights: [i64()], is: ["sum"] },
    { op: "Softmax", opset: 11, x: [[2, 3, 4]], is: ["softmax"] },
    { op: "Softmax", opset: 11, attributes: { axis: 2 }, is: ["softmax"] },
    { op: "Softmax", opset: 11, attributes: { axis: 0 }, is: ["softmax"] },
    ...[-3, -2, -1, 0, 1, 2].map((axis) => ({ op: "Softmax", opset: 13, attributes: { axis }, is: ["softmax"] })),
    { op: "Softmax", opset: 13, is: ["softmax"] },
    { op: "Softmax", opset: 13, x: [[1, 3]], numbers: () => [1e4, -1e4, 0], is: ["softmax"] },
    { op: "LogSoftmax", opset: 13, is: ["log_softmax"] },
    { op: "LogSoftmax", opset: 11, is: ["log_softmax"] },
  ])("$op of set $opset with $attributes", check);
});

describe("shapes", () => {
  test.each<Case>([
    { op: "Reshape", weights: [i64(4, 6)], is: ["reshape"] },
    { op: "Reshape", weights: [i64(0, -1)], is: ["reshape"] },
    { op: "Reshape", weights: [i64(-1)], is: ["reshape"] },
    { op: "Flatten", is: ["reshape"] },
    { op: "Flatten", attributes: { axis: -1 }, is: ["reshape"] },
    { op: "Flatten", attributes: { axis: 0 }, is: ["reshape"] },
    { op: "Transpose", is: ["transpose"] },
    { op: "Transpose", attributes: { perm: [1, 2, 0] }, is: ["transpose"] },
    { op: "Unsqueeze", opset: 11, attributes: { axes: [0, 4] }, is: ["reshape"] },
    { op: "Unsqueeze", weights: [i64(-1, 1)], is: ["reshape"] },
    { op: "Squeeze", x: [[1, 3, 1, 2]], opset: 11, attributes: { axes: [0] }, is: ["reshape"] },
    { op: "Squeeze", x: [[1, 3, 1, 2]], weights: [i64(-2)], is: ["reshape"] },
    { op: "Squeeze", x: [[1, 3, 1, 2]], is: ["reshape"] },
    {
      op: "Concat",
      x: [
        [2, 3],
        [2, 1],
      ],
      attributes: { axis: 1 },
      is: ["concat"],
    },
    { op: "CumSum", weights: [weight("i64", [], 1)], is: ["cumsum"] },
    { op: "CumSum", weights: [i64(-1)], attributes: { exclusive: 1, reverse: 1 }, is: ["cumsum"] },
    { op: "Concat", x: [[2], [3]], attributes: { axis: -1 }, is: ["concat"] },
    { op: "Concat", x: [[1], [2], [3], [1], [2], [1]], attributes: { axis: 0 }, is: ["concat", "concat"] },
    { op: "Slice", opset: 9, attributes: { starts: [1, 0], ends: [3, 2] }, x: [[4, 3]], is: ["slice", "slice"] },
    { op: "Slice", x: [[4, 3]], weights: [i64(-3), i64(2 ** 31 - 1), i64(0)], is: ["slice"] },
    { op: "Slice", x: [[4, 3]], weights: [i64(0), i64(-1), i64(-1), i64(1)], is: ["slice"] },
    { op: "Slice", x: [[4, 3]], weights: [i64(-100), i64(100), i64(1)], is: [] },
    { op: "Slice", x: [[7, 3]], weights: [i64(1), i64(6), i64(0), i64(2)], is: ["slice"] },
    { op: "Slice", x: [[2, 7]], weights: [i64(-1), i64(-100), i64(1), i64(-1)], is: ["flip", "slice"] },
    { op: "Slice", x: [[2, 7]], weights: [i64(5), i64(0), i64(1), i64(-2)], is: ["flip", "slice"] },
    { op: "Slice", x: [[2, 7]], weights: [i64(100), i64(2), i64(-1), i64(-3)], is: ["flip", "slice"] },
    { op: "Pad", x: [[2, 3]], weights: [i64(0, 1, 0, 2), weight("f32", [], 7)], is: ["pad"] },
    { op: "Pad", x: [[2, 3]], weights: [i64(1, 0, 0, 2)], attributes: { mode: "edge" }, is: ["pad", "pad"] },
    { op: "Pad", x: [[2, 4]], weights: [i64(0, 3, 0, 2)], attributes: { mode: "reflect" }, is: ["pad"] },
    { op: "Pad", opset: 18, x: [[2, 3]], weights: [i64(1, 2), undefined, i64(-1)], is: ["pad"] },
    { op: "Pad", opset: 10, x: [[2, 3]], attributes: { pads: [0, 0, 0, 1], value: { float: 2 } }, is: ["pad"] },
    {
      op: "GatherElements",
      x: [[2, 3]],
      weights: [weight("i64", [2, 2], 2, 0, 1, 1)],
      attributes: { axis: 1 },
      is: ["gather"],
    },
    { op: "ArgMax", result: "i64", attributes: { axis: 1 }, is: ["argmax"] },
    { op: "ArgMin", result: "i64", attributes: { axis: -1, keepdims: 0 }, numbers: whole, is: ["argmin"] },
    { op: "Split", opset: 11, x: [[4, 6]], attributes: { axis: 1 }, results: 3, is: ["slice", "slice", "slice"] },
    { op: "Split", opset: 11, x: [[4, 6]], attributes: { axis: 1, split: [1, 5] }, results: 2, is: ["slice", "slice"] },
    { op: "Split", opset: 13, x: [[5]], weights: [i64(2, 3)], results: 2, is: ["slice", "slice"] },
    { op: "Split", opset: 18, x: [[5]], attributes: { num_outputs: 2 }, results: 2, is: ["slice", "slice"] },
    { op: "Expand", x: [[3, 1]], weights: [i64(2, 1, 4)], is: ["broadcast"] },
    { op: "Gather", x: [[5, 3]], weights: [weight("i64", [2, 2], 0, 4, 2, 2)], is: ["embedding"] },
    { op: "Gather", x: [[5, 3]], weights: [weight("i64", [], -2)], is: ["slice", "reshape"] },
    {
      op: "Gather",
      x: [[2, 5, 3]],
      weights: [weight("i64", [], 0)],
      attributes: { axis: 1 },
      is: ["slice", "reshape"],
    },
    {
      op: "Gather",
      x: [[2, 5]],
      weights: [i64(4, 0, -1)],
      attributes: { axis: -1 },
      is: ["slice", "slice", "slice", "concat"],
    },
  ])("$op of set $opset with $attributes", check);
});

describe("products", () => {
  test.each<Case>([
    {
      op: "MatMul",
      x: [
        [2, 3],
        [3, 4],
      ],
      is: ["matmul"],
    },
    {
      op: "MatMul",
      x: [
        [5, 1, 2, 3],
        [4, 3, 2],
      ],
      is: ["matmul"],
    },
    { op: "MatMul", x: [[3], [3]], is: ["matmul"] },
    { op: "MatMul", x: [[2, 3]], weights: [f32([3])], is: ["matmul"] },
    { op: "Gemm", x: [[2, 3]], weights: [f32([4, 3]), f32([4])], attributes: { transB: 1 }, is: ["linear"] },
    { op: "Gemm", x: [[2, 3]], weights: [f32([4, 3])], attributes: { transB: 1 }, is: ["linear"] },
    {
      op: "Gemm",
      x: [[3, 2]],
      weights: [f32([4, 3]), f32([4])],
      attributes: { transA: 1, transB: 1 },
      is: ["transpose", "linear"],
    },
    { op: "Gemm", x: [[2, 3]], weights: [f32([3, 4]), f32([4])], is: ["matmul", "add"] },
    {
      op: "Gemm",
      x: [[2, 3]],
      weights: [f32([4, 3]), f32([2, 1])],
      attributes: { transB: 1, alpha: 0.5, beta: 0.25 },
      is: ["transpose", "matmul", "mul", "mul", "add"],
    },
  ])("$op of $x with $attributes", check);
});

describe("convolutions", () => {
  test.each<Case>([
    { op: "Conv", x: [[2, 3, 5]], weights: [f32([4, 3, 1])], is: ["conv"] },
    { op: "Conv", x: [[2, 3, 5, 6]], weights: [f32([4, 3, 2, 3]), f32([4])], is: ["conv"] },
    {
      op: "Conv",
      x: [[2, 3, 7, 6]],
      weights: [f32([4, 3, 3, 2]), f32([4])],
      attributes: { strides: [2, 1], pads: [1, 0, 2, 1], dilations: [1, 2], kernel_shape: [3, 2] },
      is: ["conv"],
    },
    {
      op: "Conv",
      x: [[1, 2, 3, 4, 5]],
      weights: [f32([3, 2, 2, 1, 2])],
      attributes: { strides: [1, 2, 2] },
      is: ["conv"],
    },
    { op: "Conv", x: [[2, 4, 6]], weights: [f32([6, 2, 3])], attributes: { group: 2, pads: [1, 1] }, is: ["conv"] },
    { op: "Conv", x: [[2, 4, 6]], weights: [f32([4, 1, 3]), f32([4])], attributes: { group: 4 }, is: ["conv"] },
    ...["SAME_UPPER", "SAME_LOWER", "VALID"].flatMap((auto_pad) =>
      [1, 2, 3].map(
        (stride): Case => ({
          op: "Conv",
          x: [[1, 2, 8, 7]],
          weights: [f32([3, 2, 4, 3])],
          attributes: { auto_pad, strides: [stride, stride] },
          is: ["conv"],
        }),
      ),
    ),
  ])("$op $x $attributes", check);
});

describe("norms", () => {
  const shapes = [
    [3, 4],
    [2, 3, 5],
    [2, 3, 4, 5],
  ];
  /** The published tests: 2d, 3d and 4d, every axis from both ends, with the default and another epsilon. */
  const everyAxis = shapes.flatMap((shape) =>
    shape.flatMap((_, axis) => [axis, axis - shape.length].map((one) => ({ shape, axis: one }))),
  );
  const rowOf = (shape: readonly number[], axis: number) => shape.slice(axis);

  test.each<Case>([
    ...everyAxis.flatMap(({ shape, axis }) => {
      const weights = [f32(rowOf(shape, axis)), f32(rowOf(shape, axis), 4)];
      const op = "LayerNormalization";
      return [
        { op, x: [shape], weights, attributes: { axis }, is: ["layernorm"] },
        {
          op,
          x: [shape],
          weights,
          attributes: { axis, epsilon: 0.1 },
          results: 3,
          is: ["mean", "var", "add", "rsqrt", "layernorm"],
        },
      ];
    }),
    { op: "LayerNormalization", x: [[2, 3, 4]], weights: [f32([4])], is: ["layernorm"] },
    {
      op: "LayerNormalization",
      element: "f16",
      x: [[3, 8]],
      weights: [
        { ...f32([8]), element: "f16" },
        { ...f32([8], 4), element: "f16" },
      ],
      is: ["layernorm"],
    },
    ...everyAxis.map(({ shape, axis }) => ({
      op: "RMSNormalization",
      opset: 23,
      x: [shape],
      weights: [f32(rowOf(shape, axis))],
      attributes: { axis, ...(axis < 0 && { epsilon: 0.1 }) },
      is: ["rmsnorm"],
    })),
    {
      op: "SimplifiedLayerNormalization",
      x: [[2, 3, 4]],
      weights: [f32([4])],
      attributes: { axis: -1, epsilon: 0.01 },
      is: ["rmsnorm"],
    },
    ...[
      [2, 4, 3],
      [2, 6, 2, 2],
    ].map((shape) => ({
      op: "GroupNormalization",
      opset: 21,
      x: [shape],
      weights: [f32([shape[1] as number]), f32([shape[1] as number], 4)],
      attributes: { num_groups: 2, epsilon: 0.01 },
      is: ["groupnorm"],
    })),
    {
      op: "GroupNormalization",
      opset: 18,
      x: [[3, 4, 2, 2]],
      weights: [f32([2]), f32([2], 4)],
      attributes: { num_groups: 2 },
      is: ["reshape", "broadcast", "reshape", "reshape", "broadcast", "reshape", "groupnorm"],
    },
    { op: "InstanceNormalization", x: [[2, 3, 4]], weights: [f32([3]), f32([3], 4)], is: ["groupnorm"] },
    ...[1, 2].map((results) => ({
      op: "SkipLayerNormalization",
      domain: "com.microsoft",
      x: [
        [2, 3, 8],
        [2, 3, 8],
      ],
      weights: [f32([8]), f32([8], 4), ...(results === 2 ? [f32([8], 5)] : [])],
      attributes: { epsilon: 0.001 },
      is: results === 2 ? ["add", "add", "layernorm"] : ["add", "layernorm"],
    })),
    {
      op: "SkipSimplifiedLayerNormalization",
      domain: "com.microsoft",
      x: [
        [2, 3, 8],
        [2, 3, 8],
      ],
      weights: [f32([8]), f32([8], 4)],
      attributes: { epsilon: 0.001 },
      is: ["add", "add", "rmsnorm"],
    },
  ])("$op of $x with $attributes", check);

  test("the sum that a skip norm takes is an output too", async () => {
    const stream = { element: "f32", shape: ["batch", "seq", 8] } as const;
    const bytes = onnxModel({
      inputs: { x: stream, skip: stream },
      outputs: { y: stream, sum: stream },
      weights: { gamma: f32([8]), beta: f32([8], 4), bias: f32([8], 5) },
      nodes: [
        node("SkipLayerNormalization", ["x", "skip", "gamma", "beta", "bias"], ["y", "", "", "sum"], {
          domain: "com.microsoft",
        }),
      ],
    });
    const feed = (seed: number) => ({ element: "f32", shape: [1, 3, 8], numbers: spread(24, seed) }) as const;
    const { fn } = await expectSameAsOnnxruntime(bytes, { x: feed(1), skip: feed(2) });
    expect(opsOf(fn)).toEqual(["add", "add", "layernorm"]);
    expect(fn.params.map(({ shape }) => shape)).toEqual([
      ["batch", "seq", 8],
      ["batch", "seq", 8],
    ]);
  });
});
