/**
 * Public bug reports about fusions and surgery of ONNX models, each with the numbers that are right. Every model is
 * computed as it is imported, after the passes, and as the surgery writes it.
 *
 * Not here:
 * - TransformerLens#671, PR #1510, spcl/QuaRot PR #17: gamma is never folded into a matrix, tied or not.
 * - utensils/mold#1074, vllm-project/vllm PR #31464, kvark/meganeura PR #188: GGUF is not read.
 */

import { create } from "@bufbuild/protobuf";
import { GraphProtoSchema } from "onnx-buf";
import { describe, expect, test } from "vitest";
import { readNpy, writeNpy } from "../../src/cli/npy.ts";
import { optimize } from "../../src/compile.ts";
import { roundToFloat16, toFloat16Bits } from "../../src/ir/float16.ts";
import { constantsOf } from "../../src/ir/interpret.ts";
import type { Fn } from "../../src/ir/ir.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { Workplace } from "../support/cli.ts";
import { diagnosticsOf } from "../support/diagnostics.ts";
import { gpuTest } from "../support/gpu.ts";
import { constantsOfModel, type ImportedModel, imported, interpretImported, opsOf } from "../support/import-onnx.ts";
import { type ModelParts, node, onnxModel, spread, valueInfo, type Weight, weight } from "../support/onnx.ts";
import { Graph } from "../support/onnx-graph.ts";
import { type Feed, runOnnx } from "../support/onnxruntime.ts";
import { operated } from "../support/surgery.ts";

type Numbers = readonly number[];
type Feeds = Readonly<Record<string, Feed>>;

const f32 = (shape: readonly number[], ...numbers: number[]): Feed => ({ element: "f32", shape, numbers });
const f16 = (shape: readonly number[], ...numbers: number[]): Feed => ({ element: "f16", shape, numbers });

/** The function after the passes that compile it, on the inputs of the model. */
function afterPasses(model: ImportedModel, feeds: Feeds): { fn: Fn; results: Readonly<Record<string, Tensor>> } {
  const { module } = optimize(model.module);
  const constants = constantsOfModel(model.module, model.model);
  const fn = module.fns[0] as Fn;
  const results = interpretImported(
    { ...model, fn },
    feeds,
    constantsOf(module, ({ name }) => constants(name)),
  );
  return { fn, results };
}

function expectNumbers(
  results: Readonly<Record<string, Tensor>>,
  wants: readonly Numbers[],
  tolerance: number,
  what: string,
) {
  const got = Object.values(results).map(({ data }) => [...data]);
  expect(
    got.map((data) => data.length),
    what,
  ).toEqual(wants.map((want) => want.length));
  for (const [i, want] of wants.entries()) {
    const largest = Math.max(1, ...want.map(Math.abs));
    for (const [k, number] of want.entries()) {
      const error = Math.abs((got[i]?.[k] as number) - number) / largest;
      expect(error, `${what}: output ${i}, element ${k} is ${got[i]?.[k]}, not ${number}`).toBeLessThanOrEqual(
        tolerance,
      );
    }
  }
}

/** Checks the outputs of a model in all its forms; gives the function after the passes and the written model. */
function expectOutputs(parts: ModelParts, feeds: Feeds, wants: readonly Numbers[], tolerance = 1e-6) {
  const bytes = onnxModel(parts);
  const model = imported(bytes);
  expectNumbers(interpretImported(model, feeds), wants, tolerance, "as imported");
  const after = afterPasses(model, feeds);
  expectNumbers(after.results, wants, tolerance, "after the passes");
  const surgery = operated(bytes);
  expectNumbers(interpretImported(imported(surgery.written), feeds), wants, tolerance, "after the surgery");
  return { model, after: after.fn, surgery };
}

/** A LayerNorm in float64. */
function normalized(row: Numbers, eps = 1e-5): number[] {
  const mean = row.reduce((sum, value) => sum + value, 0) / row.length;
  const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / row.length;
  return row.map((value) => (value - mean) / Math.sqrt(variance + eps));
}

/** ReduceMean, Sub, Pow 2, ReduceMean, Add eps, Sqrt, Div. */
function decomposed(g: Graph, x: string, axes: Numbers = [-1]): { squares: string; normal: string } {
  const centered = g.op("Sub", [x, g.op("ReduceMean", [x], { axes })]);
  const squares = g.op("Pow", [centered, g.scalar(2)]);
  const variance = g.op("ReduceMean", [squares], { axes });
  const deviation = g.op("Sqrt", [g.op("Add", [variance, g.scalar(1e-5)])]);
  return { squares, normal: g.op("Div", [centered, deviation]) };
}

const parts = (g: Graph, outputs: readonly string[], given: ModelParts): ModelParts => ({
  ...given,
  opset: given.opset ?? 13,
  weights: { ...g.weights, ...given.weights },
  nodes: [...g.nodes, ...(given.nodes ?? [])],
  outputs: given.outputs ?? Object.fromEntries(outputs.map((name) => [name, { element: "f32" as const }])),
});

const declared = (shape: readonly (number | string)[]) => ({ element: "f32", shape }) as const;

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
    // Before set 13 the default is 1, and all behind that axis is one row.
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
  // As a norm, which kernels compute in f32.
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
    // The second takes the name of the first: both are of one letter.
    const bytes = Buffer.from(onnxModel(given));
    bytes.write("w", bytes.lastIndexOf("v"));
    expect(diagnosticsOf(() => imported(bytes))).toEqual(["E0744: `w` is made twice in model.onnx"]);
  });

  test("two inputs of the graph", () => {
    const given: ModelParts = { inputs: { x, v: x }, outputs, nodes: [node("Relu", ["x"], ["y"])] };
    const bytes = Buffer.from(onnxModel(given));
    bytes.write("x", bytes.lastIndexOf("v"));
    expect(diagnosticsOf(() => imported(bytes))).toEqual(["E0744: `x` is made twice in model.onnx"]);
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
