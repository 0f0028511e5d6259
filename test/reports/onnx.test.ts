/**
 * Public bug reports about fusions of ONNX models, each with the numbers that are right. Every model is computed as it is
 * imported, after the passes, and as the surgery writes it; see also onnx-surgery.test.ts.
 *
 * Not here:
 * - utensils/mold#1074, vllm-project/vllm PR #31464, kvark/meganeura PR #188: GGUF is not read.
 */

import { describe, expect, test } from "vitest";
import { readNpy, writeNpy } from "../../src/formats/npy.ts";
import { roundToFloat16, toFloat16Bits } from "../../src/ir/float16.ts";
import { Workplace } from "../support/cli.ts";
import { gpuTest } from "../support/gpu.ts";
import { opsOf } from "../support/import-onnx.ts";
import {
  declared,
  decomposed,
  expectOutputs,
  f16,
  f32,
  type Numbers,
  normalized,
  parts,
} from "../support/known-outputs.ts";
import { type ModelParts, node, spread, weight } from "../support/onnx.ts";
import { Graph } from "../support/onnx-graph.ts";

test("microsoft/onnxruntime#12917: scale and bias are broadcast over the normalized axes", () => {
  const x = [1.2416, 0.946123, 13.1685, 0.36423, 21.145, 0.03941];
  // The numbers of the report, which are those before the bias.
  const want = [0.420106, -3.31971, -0.600539, -3.69086, -1.28313, -3.89804];
  const bias = [0.6435, -0.3964];
  expectOutputs(
    {
      inputs: { x: declared([1, 3, 2]) },
      outputs: { y: { element: "f32" }, z: { element: "f32" } },
      weights: { gamma: weight("f32", [2], -0.6953, 5.1824), bias: weight("f32", [2], ...bias) },
      nodes: [
        node("LayerNormalization", ["x", "gamma"], ["y"], { attributes: { axis: 1 } }),
        node("LayerNormalization", ["x", "gamma", "bias"], ["z"], { attributes: { axis: 1 } }),
      ],
    },
    { x: f32([1, 3, 2], ...x) },
    [want, want.map((value, i) => value + (bias[i % 2] as number))],
    2e-6,
  );
});

test("microsoft/onnxruntime#18184: scale and bias of shape [1, C, 1, 1] under a norm over axes 1 to 3", () => {
  const want = [
    ...[-1.6269781, -1.4100476, -1.1931172, -0.9761868, -0.5185128, -0.084652, 0.3492088, 0.7830696],
    ...[0.3253956, 0.9761868, 1.6269781, 2.2777693, 4.9047473, 5.7724689, 6.6401906, 7.5079122],
  ];
  const affine = { gamma: weight("f32", [1, 4, 1, 1], 1, 2, 3, 4), beta: weight("f32", [1, 4, 1, 1], 0, 1, 0, 1) };
  const feeds = { x: f32([1, 4, 2, 2], ...Array(16).keys()) };
  const inputs = { x: declared([1, 4, 2, 2]) };
  const nodes = [node("LayerNormalization", ["x", "gamma", "beta"], ["y"], { attributes: { axis: 1 } })];
  expectOutputs({ inputs, outputs: { y: { element: "f32" } }, weights: affine, nodes }, feeds, [want]);
  const g = new Graph();
  const y = g.op("Add", [g.op("Mul", [decomposed(g, "x", [1, 2, 3]).normal, "gamma"]), "beta"]);
  expectOutputs(parts(g, [y], { inputs, weights: affine }), feeds, [want]);
});

test("robertknight/rten PR #1357: a gamma and a beta of one number", () => {
  const g = new Graph();
  const y = g.op("Add", [g.op("Mul", [decomposed(g, "x").normal, g.scalar(3)]), g.scalar(0.5)]);
  const low = -1.2320501;
  expectOutputs(
    parts(g, [y], { inputs: { x: declared([2, 4]) } }),
    { x: f32([2, 4], 1, 2, 3, 4, 0, 0, 0, 8) },
    [[-3.5249063, -0.8416354, 1.8416354, 4.5249063, low, low, low, 5.6961503]],
    2e-7,
  );
});

test("apache/tvm#18136, #19691: no bias, and a gamma of one axis under a tensor of four", () => {
  const x = spread(2 * 3 * 4 * 8);
  const want = Array.from({ length: 24 }, (_, row) => normalized(x.slice(8 * row, 8 * row + 8))).flat();
  expectOutputs(
    {
      inputs: { x: declared([2, 3, 4, 8]) },
      outputs: { y: { element: "f32" } },
      weights: { w: weight("f32", [8], ...Array<number>(8).fill(1)) },
      nodes: [node("LayerNormalization", ["x", "w"], ["y"])],
    },
    { x: f32([2, 3, 4, 8], ...x) },
    [want],
  );
});

gpuTest(
  "microsoft/onnxruntime#17689: a residual of halves near 100 is not rounded before the statistics",
  async ({ gpu }) => {
    expect(gpu.description).not.toBe("");
    const [rows, columns] = [12, 64];
    const halves = (numbers: Numbers) => Uint16Array.from(numbers, toFloat16Bits);
    const x = spread(rows * columns, 1).map((value) => roundToFloat16(100 + value));
    const r = spread(rows * columns, 2).map((value) => roundToFloat16(value / 10));
    const shape = [rows, columns];
    const place = new Workplace({
      "p.tir":
        "fn f(x: f16[rows, 64], r: f16[rows, 64]) -> (h: f16[rows, 64], y: f16[rows, 64]) {\n  let h = x + r\n  return h, layernorm(h, axes = [-1])\n}\n",
      "x.npy": writeNpy({ element: "f16", shape, data: halves(x) }),
      "r.npy": writeNpy({ element: "f16", shape, data: halves(r) }),
    });
    const argv = ["run", "p.tir", "--device", "gpu", "--in", "x=x.npy", "--in", "r=r.npy", "--out", "y=y.npy"];
    expect((await place.run(argv)).code).toBe(0);
    const got = readNpy(place.bytes("y.npy"), "y.npy").numbers;
    const sum = x.map((value, i) => value + (r[i] as number));
    const rounded = sum.map(roundToFloat16);
    const byRow = (values: Numbers) =>
      Array.from({ length: rows }, (_, i) => normalized(values.slice(64 * i, 64 * i + 64)));
    const worst = (wanted: Numbers) =>
      wanted.reduce((most, want, i) => Math.max(most, Math.abs(want - (got[i] as number))), 0);
    // Half of the last place of a half near 2.
    expect(worst(byRow(sum).flat())).toBeLessThan(1.1e-3);
    expect(worst(byRow(rounded).flat())).toBeGreaterThan(1e-2);
  },
);

test("microsoft/onnxruntime#4110, robertknight/rten#708: what is inside of the pattern is an output too", () => {
  const g = new Graph();
  const { squares, normal } = decomposed(g, "x");
  const y = g.op("Add", [g.op("Mul", [normal, "gamma"]), "beta"]);
  const gamma = [1, -2, 0.5, 3];
  const row = [1, 2, 4, 9];
  const normals = normalized(row);
  expectOutputs(
    parts(g, [squares, normal, y], {
      inputs: { x: declared([1, 4]) },
      weights: { gamma: weight("f32", [4], ...gamma), beta: weight("f32", [4], 1, 1, 1, 1) },
    }),
    { x: f32([1, 4], ...row) },
    [row.map((value) => (value - 4) ** 2), normals, normals.map((value, i) => value * (gamma[i] as number) + 1)],
  );
});

test("microsoft/onnxruntime#17565, onnx/optimizer#273: a cast to f16 and back rounds", () => {
  const affine = { gamma: weight("f32", [4], 1, 1, 1, 1), beta: weight("f32", [4], 0, 0, 0, 0) };
  const x = [1000.3, 1000.6, 1001, 1002.2];
  const { after } = expectOutputs(
    {
      inputs: { x: declared([1, 4]) },
      outputs: { y: { element: "f32" } },
      weights: affine,
      nodes: [
        node("Cast", ["x"], ["h"], { attributes: { to: 10 } }),
        node("Cast", ["h"], ["w"], { attributes: { to: 1 } }),
        node("LayerNormalization", ["w", "gamma", "beta"], ["y"]),
      ],
    },
    { x: f32([1, 4], ...x) },
    [normalized([1000.5, 1000.5, 1001, 1002])],
  );
  expect(opsOf(after).filter((name) => name === "cast")).toHaveLength(2);
});

describe("onnx/optimizer#252, #253, #254, #259, #275, #285: simplifications that change numbers", () => {
  const x = spread(6);
  const feeds = { x: f32([1, 2, 1, 3], ...x) };
  const inputs = { x: declared([1, 2, 1, 3]) };
  const outputs = { y: { element: "f32" }, z: { element: "f32" } } as const;
  const softmax = (row: Numbers) => {
    const exps = row.map(Math.exp);
    const sum = exps.reduce((all, one) => all + one, 0);
    return exps.map((one) => one / sum);
  };

  test("two nodes that differ in an attribute alone, which one leaves to its default", () => {
    const nodes = [node("Softmax", ["x"], ["y"], { attributes: { axis: -1 } }), node("Softmax", ["x"], ["z"])];
    const rows = [...softmax(x.slice(0, 3)), ...softmax(x.slice(3))];
    // Before operator set 13 the default is 1, and a row extends over all axes from there.
    expectOutputs({ opset: 11, inputs, outputs, nodes }, feeds, [rows, softmax(x)]);
    expectOutputs({ opset: 13, inputs, outputs, nodes }, feeds, [rows, rows]);
  });

  test("one Squeeze after another counts the axes that are left", () => {
    const nodes = [
      node("Squeeze", ["x"], ["s"], { attributes: { axes: [0] } }),
      node("Squeeze", ["s"], ["y"], { attributes: { axes: [1] } }),
    ];
    const { model } = expectOutputs({ opset: 11, inputs, outputs: { y: { element: "f32" } }, nodes }, feeds, [x]);
    expect(model.fn.results[0]?.value.shape).toEqual([2, 3]);
  });

  test("an Expand to more dimensions of the same numbers", () => {
    const nodes = [node("Expand", ["x", "shape"], ["y"])];
    const weights = { shape: weight("i64", [5], 1, 1, 2, 1, 3) };
    const { model } = expectOutputs({ opset: 13, inputs, outputs: { y: { element: "f32" } }, weights, nodes }, feeds, [
      x,
    ]);
    expect(model.fn.results[0]?.value.shape).toEqual([1, 1, 2, 1, 3]);
  });

  test("a Concat of one tensor, which is then cast", () => {
    const nodes = [
      node("Concat", ["x"], ["c"], { attributes: { axis: 0 } }),
      node("Cast", ["c"], ["h"], { attributes: { to: 10 } }),
      node("Cast", ["h"], ["y"], { attributes: { to: 1 } }),
    ];
    const want = x.map(roundToFloat16);
    expect(want).not.toEqual(x);
    expectOutputs({ opset: 13, inputs, outputs: { y: { element: "f32" } }, nodes }, feeds, [want], 0);
  });
});

test("microsoft/onnxruntime#31626: the variance of halves is beyond their range", () => {
  const g = new Graph("f16");
  const { normal } = decomposed(g, "x");
  const inputs = { x: { element: "f16", shape: [1, 4] } } as const;
  const { after } = expectOutputs(
    parts(g, [normal], { inputs, outputs: { [normal]: { element: "f16" } } }),
    { x: f16([1, 4], 795, -795, 0, 0) },
    [[Math.SQRT2, -Math.SQRT2, 0, 0]],
    1e-3,
  );
  // As for a norm, which kernels compute in f32.
  expect(opsOf(after)).toEqual(["center", "rmsnorm"]);
});

describe("microsoft/onnxruntime#28424, #22704: the optional inputs of the skip norms are counted where they are empty", () => {
  const [x, skip] = [f32([1, 4], 1, 2, 3, 4), f32([1, 4], 0.5, -0.5, 0.25, 0)];
  const inputs = { x: declared([1, 4]), skip: declared([1, 4]) };
  const weights = {
    gamma: weight("f32", [4], 1, 2, 3, 4),
    beta: weight("f32", [4], 5, 6, 7, 8),
    bias: weight("f32", [4], 10, 20, 30, 40),
  };
  const outputs = { y: { element: "f32" }, sum: { element: "f32" } } as const;
  const norm = (op: string, taken: readonly string[]): ModelParts => {
    const attributes = { epsilon: { float: 1e-12 } };
    const nodes = [node(op, taken, ["y", "", "", "sum"], { domain: "com.microsoft", attributes })];
    return { inputs, outputs, weights, nodes };
  };
  const [sum, biased] = [
    [1.5, 1.5, 3.25, 4],
    [11.5, 21.5, 33.25, 44],
  ];
  const scaled = (row: Numbers) => row.map((value, i) => value * (i + 1));

  test("a bias behind gamma", () => {
    const y = [0.3814276, 1.4262077, 3.3084702, 5.8375013];
    expectOutputs(norm("SkipSimplifiedLayerNormalization", ["x", "skip", "gamma", "bias"]), { x, skip }, [y, biased]);
  });

  test.each([[["x", "skip", "gamma"]], [["x", "skip", "gamma", ""]]])("no bias: %j", (taken) => {
    const size = Math.hypot(...sum) / 2;
    const y = scaled(sum.map((value) => value / size));
    expectOutputs(norm("SkipSimplifiedLayerNormalization", taken), { x, skip }, [y, sum]);
  });

  test("an empty beta before the bias", () => {
    const taken = ["x", "skip", "gamma", "", "bias"];
    expectOutputs(norm("SkipLayerNormalization", taken), { x, skip }, [scaled(normalized(biased, 1e-12)), biased]);
  });

  test("beta without a bias", () => {
    const taken = ["x", "skip", "gamma", "beta", ""];
    const y = scaled(normalized(sum, 1e-12)).map((value, i) => value + 5 + i);
    expectOutputs(norm("SkipLayerNormalization", taken), { x, skip }, [y, sum]);
  });
});
