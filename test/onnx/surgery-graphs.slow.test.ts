/**
 * The surgery on generated models: onnxruntime computes the same before and after, and a second surgery changes
 * nothing.
 */

import { describe, expect, test } from "vitest";
import { elementCount } from "../../src/ir/tensor.ts";
import type { SurgeryOptions } from "../../src/surgery/surgery.ts";
import { expectNear } from "../support/import-onnx.ts";
import { type Declared, type ModelParts, node, onnxModel, spread, weight } from "../support/onnx.ts";
import { Graph } from "../support/onnx-graph.ts";
import { type Feed, runOnnx } from "../support/onnxruntime.ts";
import { countOf, expectSorted, operated } from "../support/surgery.ts";

const width = 12;

interface Given extends SurgeryOptions {
  readonly outcomes: readonly string[];
  readonly centers?: number;
  readonly tolerance?: number;
}

async function check(parts: ModelParts, feeds: Readonly<Record<string, Feed>>, given: Given) {
  const { outcomes, centers = 0, tolerance = 1e-5, ...options } = given;
  const bytes = onnxModel(parts);
  const result = operated(bytes, options);
  expect(result.norms.map(({ centering }) => centering)).toEqual(outcomes);
  expect(result.centers).toBe(centers);
  expectSorted(result.written);
  const [was, is] = [await runOnnx(bytes, feeds), await runOnnx(result.written, feeds)];
  expect(Object.keys(is)).toEqual(Object.keys(was));
  for (const [name, tensor] of Object.entries(was)) expectNear(is[name], tensor, tolerance);
  const again = operated(result.written, options);
  expect(again.written.equals(result.written)).toBe(true);
  return { ...result, bytes };
}

const stream: Declared = { element: "f32", shape: ["batch", "seq", width] };
const x = { element: "f32", shape: [2, 5, width], numbers: spread(2 * 5 * width, 4) } as const;
const ids = { element: "i64", shape: [2, 5], numbers: [0, 3, 1, 2, 9, 9, 4, 5, 0, 7] } as const;

/** A model of what `write` adds to the graph: it returns the name of the output. */
function modelOf(graph: Graph, output: string, parts: ModelParts = {}): ModelParts {
  const { nodes, weights } = graph;
  return { opset: 11, inputs: { x: stream }, outputs: { [output]: { element: "f32" } }, weights, nodes, ...parts };
}

describe("transformers", () => {
  test.each([false, true])("GPT-2, the table of its tokens its last product too (operator: %s)", async (isOperator) => {
    const g = new Graph();
    const table = g.weight([10, width]);
    const norm = (of: string) =>
      isOperator
        ? g.op("LayerNormalization", [of, g.weight([width]), g.weight([width])], { axis: -1 })
        : g.expandedNorm(of, width);
    let h = g.op("Gather", [table, "x"]);
    for (let layer = 0; layer < 2; layer++) {
      const normal = norm(h);
      h = g.add(h, isOperator ? g.dense(normal, width, width) : g.attention(normal, width, 3));
      h = g.add(h, g.dense(g.geluErf(g.dense(norm(h), width, 2 * width)), 2 * width, width));
    }
    const y = g.op("MatMul", [norm(h), g.op("Transpose", [table], { perm: [1, 0] })]);
    const parts = modelOf(g, y, { opset: isOperator ? 17 : 11, inputs: { x: { element: "i64", shape: ["b", "s"] } } });
    const { written, weights } = await check(parts, { x: ids }, { outcomes: new Array(5).fill("folded") });
    expect(countOf(written, "LayerNormalization", "Sqrt", "ReduceMean")).toBe(0);
    expect(countOf(written, "SkipSimplifiedLayerNormalization")).toBe(5);
    // Two layers with two products and two biases each, and the table, whose original stays beside it.
    expect(weights.length).toBe(9);
    expect(operated(written).model.tensorNames).toEqual(expect.arrayContaining([table, `${table}_centered`]));
  });

  test("GPT-2 of set 23, with ONNX's own RMSNorm", async () => {
    const g = new Graph();
    const norm = (of: string) => g.op("LayerNormalization", [of, g.weight([width]), g.weight([width])], { axis: -1 });
    let h = g.op("Gather", [g.weight([10, width]), "x"]);
    h = g.add(h, g.dense(norm(h), width, width));
    const parts = modelOf(g, norm(h), { opset: 23, inputs: { x: { element: "i64", shape: ["b", "s"] } } });
    const { written } = await check(parts, { x: ids }, { outcomes: ["folded", "folded"] });
    expect(countOf(written, "RMSNormalization")).toBe(2);
  });

  const bert = () => {
    const g = new Graph();
    const norm = (of: string) => g.op("LayerNormalization", [of, g.weight([width]), g.weight([width])], { axis: -1 });
    const attended = norm(g.add("x", g.dense("x", width, width)));
    const y = norm(g.add(attended, g.dense(g.geluErf(g.dense(attended, width, 24)), 24, width)));
    return modelOf(g, y, { opset: 17 });
  };

  test("BERT: its norms keep their centerings, beside them", async () => {
    const { written } = await check(bert(), { x }, { outcomes: ["kept", "kept"], centers: 2 });
    expect(countOf(written, "ReduceMean")).toBe(2);
  });

  test("BERT in another mode has none, and computes something else", async () => {
    const bytes = onnxModel(bert());
    const { written, centers, norms } = operated(bytes, { mode: "lossy" });
    expect([centers, countOf(written, "ReduceMean")]).toEqual([0, 0]);
    expect(norms.map(({ centering }) => centering)).toEqual(["lossy", "lossy"]);
  });

  test("ViT: patches that a convolution makes, a token of their class before them", async () => {
    const g = new Graph();
    const patches = g.op("Conv", ["x", g.weight([width, 3, 2, 2]), g.weight([width])], { strides: [2, 2] });
    const rows = g.op("Transpose", [g.op("Reshape", [patches, g.integers(0, width, -1)])], { perm: [0, 2, 1] });
    const token = g.op("Expand", [g.weight([1, 1, width]), g.integers(2, 1, width)]);
    let h = g.add(g.op("Concat", [token, rows], { axis: 1 }), g.weight([1, 5, width]));
    for (let layer = 0; layer < 2; layer++) {
      h = g.add(h, g.attention(g.expandedNorm(h, width), width, 3));
      h = g.add(h, g.dense(g.geluErf(g.dense(g.expandedNorm(h, width), width, 24)), 24, width));
    }
    const first = g.op("Gather", [g.expandedNorm(h, width), g.index(0)], { axis: 1 });
    const image = [2, 3, 4, 4];
    const parts = modelOf(g, g.dense(first, width, 3), { inputs: { x: { element: "f32", shape: image } } });
    const numbers = spread(elementCount(image), 6);
    const outcomes = new Array(5).fill("folded");
    const { written } = await check(parts, { x: { element: "f32", shape: image, numbers } }, { outcomes, centers: 0 });
    expect(countOf(written, "SkipSimplifiedLayerNormalization")).toBe(5);
    expect(countOf(written, "ReduceMean")).toBe(0);
  });

  test("T5: norms without means, a gated product, and scores with a bias: each norm is one node", async () => {
    const g = new Graph();
    const normal = g.rmsNorm("x", width);
    const keys = g.op("Transpose", [g.op("MatMul", [normal, g.weight([width, width])])], { perm: [0, 2, 1] });
    const scores = g.add(
      g.op("MatMul", [g.op("MatMul", [normal, g.weight([width, width])]), keys]),
      g.weight([1, 5, 5]),
    );
    const mixed = g.op("MatMul", [g.op("Softmax", [scores], { axis: 2 }), normal]);
    const h = g.add("x", g.op("MatMul", [mixed, g.weight([width, width])]));
    const inner = g.rmsNorm(h, width);
    const gate = g.geluErf(g.op("MatMul", [inner, g.weight([width, 24])]));
    const product = g.op("Mul", [gate, g.op("MatMul", [inner, g.weight([width, 24])])]);
    const y = g.add(h, g.op("MatMul", [product, g.weight([24, width])]));
    const { written, norms } = await check(modelOf(g, y), { x }, { outcomes: ["none", "none"] });
    expect(norms.map(({ writtenAs }) => writtenAs)).toEqual(new Array(2).fill("SkipSimplifiedLayerNormalization"));
    expect(countOf(written, "Pow", "Sqrt", "SkipSimplifiedLayerNormalization")).toBe(2);
  });

  test("LLaMA: each norm is one node", async () => {
    const g = new Graph();
    const attended = g.add("x", g.attention(g.rmsNorm("x", width), width, 2));
    const y = g.add(attended, g.dense(g.rmsNorm(attended, width), width, width));
    const { written } = await check(modelOf(g, y), { x }, { outcomes: ["none", "none"] });
    expect(countOf(written, "Pow", "Sqrt", "SkipSimplifiedLayerNormalization")).toBe(2);
  });
});

describe("norms", () => {
  test("halves, normalized in f32 between casts", async () => {
    const g = new Graph("f16");
    const wide = g.op("Cast", ["x"], { to: 1 });
    const centered = g.op("Sub", [wide, g.op("ReduceMean", [wide], { axes: [-1] })]);
    const variance = g.op("ReduceMean", [g.op("Mul", [centered, centered])], { axes: [-1] });
    g.weights.eps = { element: "f32", dims: [], numbers: [Math.fround(1e-5)] };
    const normal = g.op("Div", [centered, g.op("Sqrt", [g.op("Add", [variance, "eps"])])]);
    const y = g.op("Mul", [g.op("Cast", [normal], { to: 10 }), g.weight([width])]);
    const half = { element: "f16", shape: ["batch", "seq", width] } as const;
    const parts = modelOf(g, y, { inputs: { x: half }, outputs: { [y]: { element: "f16" } } });
    const given = { outcomes: ["kept"], centers: 1, tolerance: 2e-3 };
    await check(parts, { x: { ...x, element: "f16" } }, given);
  });

  test("halves, with the operator, and weights that are folded", async () => {
    const g = new Graph("f16");
    const norm = (of: string) => g.op("LayerNormalization", [of, g.weight([width]), g.weight([width])], { axis: -1 });
    let h = g.op("Gather", [g.weight([10, width]), "x"]);
    h = g.add(h, g.dense(norm(h), width, width));
    const y = norm(h);
    const parts = modelOf(g, y, {
      opset: 17,
      inputs: { x: { element: "i64", shape: ["b", "s"] } },
      outputs: { [y]: { element: "f16" } },
    });
    await check(parts, { x: ids }, { outcomes: ["folded", "folded"], tolerance: 1e-2 });
  });

  const affine = { g: weight("f32", [width], ...spread(width, 2)), b: weight("f32", [width], ...spread(width, 3)) };
  const two: ModelParts = { opset: 17, inputs: { x: stream }, outputs: { y: { element: "f32" } }, weights: affine };

  test("two norms share their weights", async () => {
    const nodes = [
      node("LayerNormalization", ["x", "g", "b"], ["a"], { name: "first" }),
      node("Relu", ["a"], ["r"]),
      node("LayerNormalization", ["r", "g", "b"], ["y"], { name: "second" }),
    ];
    const { norms } = await check({ ...two, nodes }, { x }, { outcomes: ["kept", "kept"], centers: 2 });
    expect(norms.map((norm) => norm.nodes)).toEqual([["first (LayerNormalization)"], ["second (LayerNormalization)"]]);
  });

  test("what a norm makes is an output of the graph, and so is what it subtracts", async () => {
    const outputs = { y: { element: "f32" }, d: { element: "f32" }, n: { element: "f32" } } as const;
    const nodes = [
      node("ReduceMean", ["x"], ["m"], { attributes: { axes: [-1] } }),
      node("Sub", ["x", "m"], ["d"]),
      node("Mul", ["d", "d"], ["s"]),
      node("ReduceMean", ["s"], ["v"], { attributes: { axes: [-1] } }),
      node("Add", ["eps", "v"], ["e"]),
      node("Sqrt", ["e"], ["q"]),
      node("Div", ["d", "q"], ["n"]),
      node("Mul", ["g", "n"], ["t"]),
      node("Add", ["b", "t"], ["y"]),
    ];
    const weights = { ...affine, eps: weight("f32", [], Math.fround(1e-5)) };
    const { written } = await check({ ...two, outputs, nodes, weights }, { x }, { outcomes: ["kept"], centers: 1 });
    // The nodes that center the row are there already.
    expect(countOf(written, "Sub", "ReduceMean")).toBe(2);
  });

  test("all three outputs of the operator are wanted", async () => {
    const outputs = { y: { element: "f32" }, m: { element: "f32" }, i: { element: "f32" } } as const;
    const nodes = [node("LayerNormalization", ["x", "g", "b"], ["y", "m", "i"])];
    await check({ ...two, outputs, nodes }, { x }, { outcomes: ["kept"], centers: 1 });
  });

  test.each([1, -2])("over two axes, from axis %d on", async (axis) => {
    const shape = [5, width];
    const weights = {
      g: weight("f32", shape, ...spread(elementCount(shape), 2)),
      b: weight("f32", shape, ...spread(elementCount(shape), 3)),
    };
    const nodes = [node("LayerNormalization", ["x", "g", "b"], ["y"], { attributes: { axis } })];
    const inputs = { x: { element: "f32", shape: ["batch", 5, width] } } as const;
    const { written } = await check({ ...two, inputs, weights, nodes }, { x }, { outcomes: ["kept"], centers: 1 });
    // The op takes rows of one axis.
    expect([countOf(written, "LayerNormalization"), countOf(written, "Pow")]).toEqual([0, 1]);
  });

  test.each([[1], [0, 2]])("over axes %j and %j, which are not the last", async (...axes) => {
    const g = new Graph();
    const over = axes.filter((axis) => axis !== undefined);
    const centered = g.op("Sub", ["x", g.op("ReduceMean", ["x"], { axes: over })]);
    const variance = g.op("ReduceMean", [g.op("Mul", [centered, centered])], { axes: over });
    const y = g.op("Div", [centered, g.op("Sqrt", [g.op("Add", [variance, g.scalar(1e-5)])])]);
    const { written, bytes } = await check(modelOf(g, y), { x }, { outcomes: ["kept"] });
    // No ONNX op normalizes these axes, so the chain with its centering is as good as any.
    expect(written.equals(bytes)).toBe(true);
  });

  test("a skip norm and its sum", async () => {
    const outputs = { y: { element: "f32" }, sum: { element: "f32" } } as const;
    const weights = { ...affine, bias: weight("f32", [width], ...spread(width, 5)) };
    const nodes = [
      node("SkipLayerNormalization", ["x", "x", "g", "b", "bias"], ["y", "", "", "sum"], { domain: "com.microsoft" }),
    ];
    await check({ ...two, outputs, weights, nodes }, { x }, { outcomes: ["kept"], centers: 1 });
  });

  test("skip norms in a row, over a stream that begins with a table", async () => {
    const g = new Graph();
    const microsoft = "com.microsoft";
    const norm = (inputs: string[], sum: string, y: string) =>
      g.nodes.push(node("SkipLayerNormalization", inputs, [y, "", "", sum], { domain: microsoft, name: y }));
    const affine = () => [g.weight([width]), g.weight([width])];
    const table = g.op("Gather", [g.weight([10, width]), "x"]);
    norm([table, g.op("Gather", [g.weight([10, width]), "x"]), ...affine(), g.weight([width])], "s0", "n0");
    norm(["s0", g.dense("n0", width, width), ...affine(), g.weight([width])], "s1", "n1");
    norm(["s1", g.op("MatMul", ["n1", g.weight([width, width])]), ...affine()], "s2", "n2");
    const parts = modelOf(g, "n2", { opset: 17, inputs: { x: { element: "i64", shape: ["b", "s"] } } });
    const { written } = await check(parts, { x: ids }, { outcomes: ["folded", "folded", "folded"] });
    expect(countOf(written, "SkipLayerNormalization")).toBe(0);
  });

  test("rows of which no number says how long they are, without a scale", async () => {
    const g = new Graph();
    const centered = g.op("Sub", ["x", g.op("ReduceMean", ["x"], { axes: [-1] })]);
    const variance = g.op("ReduceMean", [g.op("Mul", [centered, centered])], { axes: [-1] });
    const y = g.op("Div", [centered, g.op("Sqrt", [g.op("Add", [g.scalar(1e-5), variance])])]);
    const parts = modelOf(g, y, { inputs: { x: { element: "f32", shape: ["batch", "seq", "wide"] } } });
    const { norms } = await check(parts, { x }, { outcomes: ["left"] });
    expect(norms[0]?.because[0]).toContain("the length of its rows is not known");
  });

  test("a scale and a bias of one number", async () => {
    const weights = { g: weight("f32", [1], 3), b: weight("f32", [1, 1, 1], 0.5) };
    const g = new Graph();
    const centered = g.op("Sub", ["x", g.op("ReduceMean", ["x"], { axes: [-1] })]);
    const variance = g.op("ReduceMean", [g.op("Mul", [centered, centered])], { axes: [-1] });
    const normal = g.op("Div", [centered, g.op("Sqrt", [g.op("Add", [g.scalar(1e-5), variance])])]);
    const y = g.op("Add", [g.op("Mul", [normal, "g"]), "b"]);
    await check(modelOf(g, y, { weights: { ...g.weights, ...weights } }), { x }, { outcomes: ["kept"], centers: 1 });
  });

  test("a chain without a scale", async () => {
    const g = new Graph();
    const centered = g.op("Sub", ["x", g.op("ReduceMean", ["x"], { axes: [-1] })]);
    const variance = g.op("ReduceMean", [g.op("Mul", [centered, centered])], { axes: [-1] });
    const y = g.op("Div", [centered, g.op("Sqrt", [g.op("Add", [g.scalar(1e-5), variance])])]);
    await check(modelOf(g, y), { x }, { outcomes: ["kept"], centers: 1 });
  });

  test("the same row twice: nodes that compute what others do", async () => {
    const g = new Graph();
    const table = g.weight([10, width]);
    const w = g.weight([width, width]);
    const once = () => g.op("MatMul", [g.op("Gather", [table, "x"]), w]);
    const sum = g.add(g.expandedNorm(once(), width), g.expandedNorm(once(), width));
    const y = g.add(sum, g.expandedNorm(g.add(once(), once()), width));
    const parts = modelOf(g, y, { inputs: { x: { element: "i64", shape: ["b", "s"] } } });
    await check(parts, { x: ids }, { outcomes: ["folded", "folded", "folded"] });
  });
});

describe("what a stream is made of", () => {
  const norm = (g: Graph, of: string) => g.expandedNorm(of, width);

  test("products of every form are centered: Gemm, transposed or not, scaled, with and without a bias", async () => {
    const g = new Graph();
    const rows = g.op("Relu", ["x"]);
    const plain = g.op("Gemm", [rows, g.weight([width, width]), g.weight([width])]);
    const layer = g.op("Gemm", [rows, g.weight([width, width]), g.weight([width])], { transB: 1 });
    const scaled = g.op("Gemm", [rows, g.weight([width, width]), g.weight([1, width])], {
      transB: 1,
      alpha: 0.5,
      beta: 0.25,
    });
    const sum = g.add(g.add(plain, layer), g.op("Neg", [scaled]));
    const y = g.add(norm(g, sum), norm(g, g.op("Mul", [sum, g.scalar(3)])));
    const parts = modelOf(g, y, { inputs: { x: { element: "f32", shape: ["n", width] } } });
    const { weights } = await check(
      parts,
      { x: { ...x, shape: [10, width] } },
      { outcomes: ["folded", "folded"], tolerance: 1e-4 },
    );
    expect(weights.length).toBe(6);
  });

  test("what is constant along the row is dropped from the stream", async () => {
    const g = new Graph();
    const h = g.op("MatMul", ["x", g.weight([width, width])]);
    const inner = g.op("Identity", [g.op("Add", [h, g.weight([5, 1])])]);
    const most = g.op("ReduceMax", ["x"], { axes: [-1] });
    const turned = g.op("Sub", [most, g.op("Sub", [g.scalar(1), inner])]);
    const y = g.add(norm(g, inner), norm(g, g.op("Sub", [g.weight([5, 1]), turned])));
    const inputs = { x: { element: "f32", shape: ["batch", 5, width] } } as const;
    const { written } = await check(modelOf(g, y, { inputs }), { x }, { outcomes: ["folded", "folded"] });
    expect(countOf(written, "Identity")).toBe(0);
  });

  test("a centering that stands alone, and is proved to change nothing: its tensor is still there", async () => {
    const { graph } = await import("../support/onnx.ts");
    const g = new Graph();
    const center = (of: string) => g.op("Sub", [of, g.op("ReduceMean", [of], { axes: [-1] })]);
    const twice = center(center("x"));
    const n = norm(g, twice);
    const branch = (op: string) => graph({ nodes: [node(op, [twice, n], ["t"])], outputs: { t: { element: "f32" } } });
    g.nodes.push(node("If", ["c"], ["y"], { attributes: { then_branch: branch("Add"), else_branch: branch("Sub") } }));
    const inputs = { x: stream, c: { element: "bool", shape: [] } } as const;
    const outputs = { y: { element: "f32" }, [twice]: { element: "f32" } } as const;
    const feeds = { x, c: { element: "bool", shape: [], numbers: [0] } } as const;
    const { written } = await check(modelOf(g, "y", { inputs, outputs }), feeds, { outcomes: ["proved"], centers: 1 });
    expect(countOf(written, "Identity")).toBe(1);
  });

  test("graphs inside of a node read what is centered", async () => {
    const { graph } = await import("../support/onnx.ts");
    const g = new Graph();
    const h = g.op("MatMul", ["x", g.weight([width, width])]);
    const n = norm(g, h);
    const branch = (op: string) => graph({ nodes: [node(op, [h, n], ["t"])], outputs: { t: { element: "f32" } } });
    g.nodes.push(node("If", ["c"], ["y"], { attributes: { then_branch: branch("Add"), else_branch: branch("Sub") } }));
    const inputs = { x: stream, c: { element: "bool", shape: [] } } as const;
    const feeds = { x, c: { element: "bool", shape: [], numbers: [1] } } as const;
    await check(modelOf(g, "y", { inputs }), feeds, { outcomes: ["kept"], centers: 1 });
  });
});

describe("near misses stay what they are", () => {
  const chain = (parts: {
    exponent?: number;
    isCast?: boolean;
    keepdims?: number;
    scale?: readonly number[];
    opset?: number;
  }): ModelParts => {
    const { exponent = 2, isCast = false, keepdims = 1, scale = [width], opset = 11 } = parts;
    const g = new Graph();
    const mean = g.op("ReduceMean", ["x"], { axes: [-1], keepdims });
    const column = keepdims === 1 ? mean : g.op("Unsqueeze", [mean], { axes: [-1] });
    const centered = g.op("Sub", ["x", column]);
    const powers = g.op("Pow", [g.op("Abs", [centered]), g.scalar(exponent)]);
    const squares =
      exponent === 2 ? g.op("Pow", [centered, isCast ? g.op("Cast", [g.index(2)], { to: 1 }) : g.scalar(2)]) : powers;
    const variance = g.op("ReduceMean", [squares], { axes: [-1] });
    const deviation = g.op("Sqrt", [g.op("Add", [g.scalar(1e-5), variance])]);
    const y = g.op("Mul", [g.op("Div", [centered, deviation]), g.weight(scale)]);
    return modelOf(g, y, { opset });
  };

  test("the exponent 3", async () => {
    const { written, bytes } = await check(chain({ exponent: 3 }), { x }, { outcomes: [] });
    expect(written.equals(bytes)).toBe(true);
  });

  test("an exponent that a node casts from an integer", async () => {
    await check(chain({ isCast: true }), { x }, { outcomes: ["kept"], centers: 1 });
  });

  test("means without their axis, which a node gives back", async () => {
    await check(chain({ keepdims: 0 }), { x }, { outcomes: ["kept"], centers: 1 });
  });

  test("a scale that makes the result larger", async () => {
    await check(chain({ scale: [3, 1, 1, width] }), { x }, { outcomes: ["kept"], centers: 1 });
  });

  test("axes that are an input, constant or not", async () => {
    const nodes = [
      node("ReduceMean", ["x", "axes"], ["m"]),
      node("Sub", ["x", "m"], ["d"]),
      node("Mul", ["d", "d"], ["s"]),
      node("ReduceMean", ["s", "axes"], ["v"]),
      node("Add", ["v", "eps"], ["e"]),
      node("Sqrt", ["e"], ["q"]),
      node("Div", ["d", "q"], ["y"]),
    ];
    const weights = { eps: weight("f32", [], Math.fround(1e-5)), axes: weight("i64", [1], -1) };
    const parts = { opset: 18, inputs: { x: stream }, outputs: { y: { element: "f32" } }, weights, nodes } as const;
    await check(parts, { x }, { outcomes: ["kept"], centers: 1 });
    const inputs = { x: stream, axes: { element: "i64", shape: [1] } } as const;
    const axes = { element: "i64", shape: [1], numbers: [-1] } as const;
    const { written, bytes } = await check(
      { ...parts, inputs, weights: { eps: weights.eps } },
      { x, axes },
      { outcomes: [] },
    );
    expect(written.equals(bytes)).toBe(true);
  });
});
