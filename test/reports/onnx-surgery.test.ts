/**
 * Public bug reports about types, weights and names of ONNX models, each with what is right. Every model is computed as it
 * is imported, after the passes, and as the surgery writes it; see also onnx.test.ts.
 *
 * Not here:
 * - TransformerLens#671, PR #1510, spcl/QuaRot PR #17: gamma is never folded into a matrix, tied or not.
 */

import { create } from "@bufbuild/protobuf";
import { GraphProtoSchema } from "onnx-buf";
import { describe, expect, test } from "vitest";
import type { Tensor } from "../../src/ir/tensor.ts";
import { diagnosticsOf } from "../support/diagnostics.ts";
import { imported, opsOf } from "../support/import-onnx.ts";
import {
  declared,
  decomposed,
  expectNumbers,
  expectOutputs,
  f16,
  f32,
  type Numbers,
  normalized,
  parts,
} from "../support/known-outputs.ts";
import { type ModelParts, node, onnxModel, valueInfo, type Weight, weight } from "../support/onnx.ts";
import { Graph } from "../support/onnx-graph.ts";
import { runOnnx } from "../support/onnxruntime.ts";
import { operated } from "../support/surgery.ts";

describe("microsoft/onnxruntime#32627, PR #32629: halves with a scale and a bias of f32", () => {
  const x = f16([2, 4], 1, 2, 3, 4, 0, 0, 0, 8);
  const affine = (element: "f32" | "f16") => ({
    gamma: weight(element, [4], 1, 2, 3, 4),
    beta: weight(element, [4], 0, 1, 0, 1),
  });
  const want = [
    [1, 2, 3, 4],
    [0, 0, 0, 8],
  ].flatMap((row) => normalized(row).map((value, i) => value * (i + 1) + (i % 2)));
  const model = (opset: number, given: Readonly<Record<string, Weight>> = affine("f32")): ModelParts => ({
    opset,
    inputs: { x: { element: "f16", shape: ["rows", 4] } },
    outputs: { y: { element: given.gamma?.element ?? "f16" } },
    weights: given,
    nodes: [node("LayerNormalization", ["x", "gamma", "beta"], ["y"])],
  });

  test.each([16, 17])("set %i: the result has the type of the scale", (opset) => {
    const { model: read, after } = expectOutputs(model(opset), { x }, [want], 1e-7);
    expect(read.fn.results[0]?.value.element).toBe("f32");
    expect(opsOf(read.fn)).toEqual(["cast", "layernorm"]);
    expect(opsOf(after)).toContain("cast");
  });

  test("onnxruntime says the same", async () => {
    const { y } = await runOnnx(onnxModel(model(16)), { x });
    expect(y?.element).toBe("f32");
    expectNumbers({ y: y as Tensor }, [want], 1e-6, "onnxruntime");
  });

  test("f32 with a scale and a bias of halves, and with a bias of another type than the scale", () => {
    const wide = { ...model(16, affine("f16")), inputs: { x: declared([2, 4]) } };
    const narrow = expectOutputs(wide, { x: { ...x, element: "f32" } }, [want], 1e-3);
    expect(narrow.model.fn.results[0]?.value.element).toBe("f16");
    const mixed = { gamma: affine("f16").gamma, beta: affine("f32").beta };
    expect(expectOutputs(model(16, mixed), { x }, [want], 1e-3).model.fn.results[0]?.value.element).toBe("f16");
  });

  test("the mean and the deviation of halves are f32, as the standard says", async () => {
    const all: ModelParts = {
      ...model(17, affine("f16")),
      outputs: { y: { element: "f16" }, mean: { element: "f32" }, inverse: { element: "f32" } },
      nodes: [node("LayerNormalization", ["x", "gamma", "beta"], ["y", "mean", "inverse"])],
    };
    const inverse = [1 / Math.sqrt(1.25 + 1e-5), 1 / Math.sqrt(12 + 1e-5)];
    const { model: read } = expectOutputs(all, { x }, [want, [2.5, 2], inverse], 1e-3);
    expect(read.fn.results.map(({ value }) => value.element)).toEqual(["f16", "f32", "f32"]);
    const ran = await runOnnx(onnxModel(all), { x });
    expect(Object.values(ran).map(({ element }) => element)).toEqual(["f16", "f32", "f32"]);
    expectNumbers(ran, [want, [2.5, 2], inverse], 1e-3, "onnxruntime");
  });

  test("the other norms with a scale of f32", () => {
    const attributes = { epsilon: { float: 1e-12 } };
    const nodes = [node("SimplifiedLayerNormalization", ["x", "gamma"], ["y"], { attributes })];
    const rms = [
      [1, 2, 3, 4],
      [0, 0, 0, 8],
    ].flatMap((row) => {
      const size = Math.hypot(...row) / 2;
      return row.map((value, i) => (value / size) * (i + 1));
    });
    const { model: read } = expectOutputs({ ...model(17), nodes }, { x }, [rms]);
    expect(read.fn.results[0]?.value.element).toBe("f32");
    const newer = [node("RMSNormalization", ["x", "gamma"], ["y"], { attributes })];
    expectOutputs({ ...model(23), nodes: newer }, { x }, [rms]);
  });
});

test("microsoft/onnxruntime PR #25092, PR #19387, #10079: InstanceNormalization of 80 channels of two elements", () => {
  const [batch, channels] = [2, 80];
  const x = Array.from({ length: batch * channels }, (_, i) => [i % channels, (i % channels) + 2]).flat();
  const want = Array.from({ length: batch * channels }, () => [-0.999995, 0.999995]).flat();
  expectOutputs(
    {
      inputs: { x: declared([batch, channels, 2]) },
      outputs: { y: { element: "f32" } },
      weights: {
        s: weight("f32", [channels], ...Array<number>(channels).fill(1)),
        b: weight("f32", [channels], ...Array<number>(channels).fill(0)),
      },
      nodes: [node("InstanceNormalization", ["x", "s", "b"], ["y"])],
    },
    { x: f32([batch, channels, 2], ...x) },
    [want],
  );
});

describe("onnx/onnx#5466, PR #5808: GroupNormalization has a scale for each group in set 18, for each channel in set 21", () => {
  const model = (opset: number, scale: Numbers): ModelParts => ({
    opset,
    inputs: { x: declared([1, 4, 2]) },
    outputs: { y: declared([1, 4, 2]) },
    weights: {
      s: weight("f32", [scale.length], ...scale),
      b: weight("f32", [scale.length], ...scale.map((one) => one / 2)),
    },
    nodes: [node("GroupNormalization", ["x", "s", "b"], ["y"], { attributes: { num_groups: 2 } })],
  });
  const feeds = { x: f32([1, 4, 2], ...Array(8).keys()) };
  const group = normalized([0, 1, 2, 3]);

  test.each<[number, Numbers]>([
    [18, [1, 2]],
    [21, [1, 1, 2, 2]],
  ])("set %i", (opset, scale) => {
    const want = [...group.map((value) => value + 0.5), ...group.map((value) => value * 2 + 1)];
    expectOutputs(model(opset, scale), feeds, [want]);
  });

  test("four scales for two groups are not taken for channels in set 18", () => {
    const { fn } = imported(onnxModel(model(18, [1, 2, 3, 4])));
    expect(opsOf(fn)).toEqual(["extern GroupNormalization"]);
  });
});

test.each([[1], ["rows"]])(
  "near microsoft/onnxruntime#31980: rows of one element that gamma and beta broadcast, %s of them",
  (rows) => {
    const g = new Graph();
    const y = g.op("Add", [g.op("Mul", [decomposed(g, "x").normal, "gamma"]), "beta"]);
    const given = parts(g, [y], {
      inputs: { x: declared([rows, 1]) },
      weights: { gamma: weight("f32", [2], 3, 5), beta: weight("f32", [2], 7, 8) },
    });
    const { surgery } = expectOutputs(given, { x: f32([1, 1], 4) }, [[7, 8]], 0);
    expect(surgery.norms).toMatchObject([{ norm: "layernorm", centering: "left" }]);
    // Another norm of the same model is still written.
    const both = new Graph();
    const first = decomposed(both, "x").normal;
    const wide = both.op("LayerNormalization", [both.op("MatMul", ["x", "w"]), "gamma", "beta"]);
    const two = parts(both, [first, wide], {
      opset: 17,
      inputs: { x: declared([rows, 1]) },
      weights: { ...given.weights, w: weight("f32", [1, 2], 1, 3) },
    });
    const [down, up] = normalized([4, 12]) as [number, number];
    const mixed = expectOutputs(two, { x: f32([1, 1], 4) }, [[0], [3 * down + 7, 5 * up + 8]]);
    expect(mixed.surgery.norms.map(({ centering }) => centering)).toEqual(["left", "folded"]);
  },
);

test("schaeff/gpt2-small_LNFree300: an eps of 1e12 beside a gamma of 1e6 leaves x - mean", () => {
  const w = [1, -2, 3, 0.5, 5, -6, 7, 8, 9, 1.5, -1, 2, 3, 3, 5, 4];
  const x = [1, -2, 0.5, 3];
  const product = [0, 1, 2, 3].map((j) => x.reduce((sum, value, i) => sum + value * (w[4 * i + j] as number), 0));
  const mean = product.reduce((sum, value) => sum + value, 0) / 4;
  expectOutputs(
    {
      inputs: { x: declared(["rows", 4]) },
      outputs: { y: { element: "f32" } },
      weights: {
        w: weight("f32", [4, 4], ...w),
        gamma: weight("f32", [4], 1e6, 1e6, 1e6, 1e6),
        beta: weight("f32", [4], 0, 0, 0, 0),
      },
      nodes: [
        node("MatMul", ["x", "w"], ["h"]),
        node("LayerNormalization", ["h", "gamma", "beta"], ["y"], { attributes: { epsilon: { float: 1e12 } } }),
      ],
    },
    { x: f32([1, 4], ...x) },
    [product.map((value) => value - mean)],
    2e-6,
  );
});

describe("TransformerLens PR #1580: a weight is centered along the axis that the norm reads, also where it is square", () => {
  const w = [
    [1, 2, 3],
    [4, 5, 7],
    [9, 11, 8],
  ];
  const [x, bias] = [
    [0.5, -1, 2],
    [5, -1, 2],
  ];
  const affine = { gamma: weight("f32", [3], 1, 2, 3), beta: weight("f32", [3], 1, 0, -1) };
  const weights = { ...affine, w: weight("f32", [3, 3], ...w.flat()), bias: weight("f32", [3], ...bias) };
  const norm = node("LayerNormalization", ["h", "gamma", "beta"], ["y"]);
  const scaled = (row: Numbers) => normalized(row).map((value, i) => value * (i + 1) + 1 - i);
  const given = { inputs: { x: declared(["rows", 3]) }, outputs: { y: { element: "f32" } } } as const;

  test("MatMul(x, W)", () => {
    const product = [0, 1, 2].map((j) => x.reduce((sum, value, i) => sum + value * (w[i]?.[j] as number), 0));
    const nodes = [node("MatMul", ["x", "w"], ["h"]), norm];
    const { surgery } = expectOutputs({ ...given, weights, nodes }, { x: f32([1, 3], ...x) }, [scaled(product)]);
    expect(surgery.norms).toMatchObject([{ centering: "folded" }]);
  });

  test("Gemm(x, W, bias, transB = 1)", () => {
    const product = w.map((row, j) => x.reduce((sum, value, i) => sum + value * (row[i] as number), bias[j] as number));
    const nodes = [node("Gemm", ["x", "w", "bias"], ["h"], { attributes: { transB: 1 } }), norm];
    const { surgery } = expectOutputs({ ...given, weights, nodes }, { x: f32([1, 3], ...x) }, [scaled(product)]);
    expect(surgery.norms).toMatchObject([{ centering: "folded" }]);
  });
});

describe("names that are made twice, rings, and graphs inside of nodes", () => {
  const x = declared([1, 4]);
  const w = weight("f32", [4], 1, 2, 3, 4);
  const refusal = (given: ModelParts) => diagnosticsOf(() => imported(onnxModel({ inputs: { x }, ...given })));
  const outputs = { y: { element: "f32" } } as const;

  test.each<[string, ModelParts]>([
    ["two nodes", { outputs, nodes: [node("Relu", ["x"], ["y"]), node("Exp", ["x"], ["y"])] }],
    ["one node", { outputs, nodes: [node("Split", ["x"], ["y", "y"])] }],
    ["a node and an input", { outputs: { x: { element: "f32" } }, nodes: [node("Relu", ["x"], ["x"])] }],
    ["a node and an initializer", { outputs, weights: { y: w }, nodes: [node("Relu", ["x"], ["y"])] }],
  ])("an output of %s", (_what, given) => {
    expect(refusal(given).join()).toContain("E0744");
  });

  test("two initializers", () => {
    const given: ModelParts = { inputs: { x }, outputs, weights: { w, v: w }, nodes: [node("Add", ["x", "w"], ["y"])] };
    expect(opsOf(imported(onnxModel(given)).fn)).toEqual(["add"]);
    // The second is renamed to the name of the first; both have one letter.
    const bytes = Buffer.from(onnxModel(given));
    bytes.write("w", bytes.lastIndexOf("v"));
    expect(diagnosticsOf(() => imported(bytes))).toEqual([
      expect.stringContaining("E0744: `w` is defined twice in model.onnx"),
    ]);
  });

  test("two inputs of the graph", () => {
    const given: ModelParts = { inputs: { x, v: x }, outputs, nodes: [node("Relu", ["x"], ["y"])] };
    const bytes = Buffer.from(onnxModel(given));
    bytes.write("x", bytes.lastIndexOf("v"));
    expect(diagnosticsOf(() => imported(bytes))).toEqual([
      expect.stringContaining("E0744: `x` is defined twice in model.onnx"),
    ]);
  });

  test("an initializer is the default of an input of its name", () => {
    const given: ModelParts = { outputs, weights: { x: w }, nodes: [node("Relu", ["x"], ["y"])] };
    expect(refusal(given)).toEqual([]);
  });

  test("a ring", () => {
    const nodes = [node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"]), node("Exp", ["b"], ["y"])];
    expect(refusal({ outputs, nodes }).join()).toContain("E0743");
  });

  test("a branch of If reads what is inside of a norm", async () => {
    const g = new Graph();
    const { squares, normal } = decomposed(g, "x");
    const branch = (op: string, name: string) =>
      create(GraphProtoSchema, {
        name,
        node: [node(op, [squares], [name])],
        output: [valueInfo(name, { element: "f32", shape: [1, 4] })],
      });
    const attributes = { then_branch: branch("Neg", "p"), else_branch: branch("Sqrt", "q") };
    const given = parts(g, ["y", normal], {
      inputs: { x },
      weights: { condition: { element: "bool", dims: [], numbers: [0] } },
      nodes: [node("If", ["condition"], ["y"], { attributes })],
    });
    const bytes = onnxModel(given);
    const { written, norms } = operated(bytes);
    expect(norms).toHaveLength(1);
    const row = [1, 2, 4, 9];
    const want = [row.map((value) => Math.abs(value - 4)), normalized(row)];
    for (const model of [bytes, written]) {
      expectNumbers(await runOnnx(model, { x: f32([1, 4], ...row) }), want, 1e-6, "onnxruntime");
    }
  });
});
