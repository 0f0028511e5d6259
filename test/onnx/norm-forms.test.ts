/** The forms in which norms are written, read by the published schema and run by onnxruntime. */

import { fromBinary } from "@bufbuild/protobuf";
import { type ModelProto, ModelProtoSchema } from "onnx-buf";
import { describe, expect, test } from "vitest";
import type { NormOp } from "../../src/surgery/norm-forms.ts";
import { expectNear } from "../support/import-onnx.ts";
import { type ModelParts, onnxModel, spread } from "../support/onnx.ts";
import { Graph } from "../support/onnx-graph.ts";
import { runOnnx } from "../support/onnxruntime.ts";
import { chosen, operated } from "../support/surgery.ts";

const width = 8;
const stream = { element: "f32", shape: ["batch", "tokens", width] } as const;
const x = { element: "f32", shape: [2, 3, width], numbers: spread(2 * 3 * width, 3) } as const;

/** A product, its norm, and the product that reads it. */
function parts(opset: number, biases = true): ModelParts {
  const g = new Graph();
  const product = g.dense("x", width, width);
  const affine = () => [g.weight([width]), g.weight([width])];
  const isOp = opset >= 17;
  const norm = isOp ? g.op("LayerNormalization", [product, ...affine()], { axis: -1 }) : g.expandedNorm(product, width);
  const y = biases ? g.dense(norm, width, width) : g.op("MatMul", [norm, g.weight([width, width])]);
  const { nodes, weights } = g;
  // What exporters write beside a graph: types of tensors inside of it.
  const valueInfo = Object.fromEntries(nodes.flatMap(({ output }) => output.map((name) => [name, { element: "f32" }])));
  return { opset, inputs: { x: stream }, outputs: { [y]: stream }, weights, nodes, valueInfo } as ModelParts;
}

const read = (bytes: Uint8Array): ModelProto => fromBinary(ModelProtoSchema, new Uint8Array(bytes));
const typesIn = (model: ModelProto) => model.graph?.node.map(({ domain, opType }) => `${domain}:${opType}`) ?? [];

/** Each op has its set named, each tensor a maker and a reader, and each type a tensor. */
function expectSound(bytes: Uint8Array): void {
  const { graph, opsetImport, functions, irVersion } = read(bytes);
  const domains = opsetImport.map(({ domain }) => domain);
  expect(new Set(domains).size).toBe(domains.length);
  for (const { domain } of graph?.node ?? []) expect(domains).toContain(domain);
  expect(Number(irVersion)).toBeGreaterThanOrEqual(functions.length > 0 ? 8 : 3);
  const taken = new Set(graph?.node.flatMap(({ input }) => input));
  const made = new Set(graph?.node.flatMap(({ output }) => output));
  for (const { name } of graph?.initializer ?? []) expect(taken, `${name} is read`).toContain(name);
  for (const { name } of graph?.valueInfo ?? []) expect(made, `${name} is made`).toContain(name);
}

const forms: readonly { normOp: NormOp; opset: number; type: string; writtenAs: string }[] = [
  {
    ...{ normOp: "skip", opset: 11 },
    ...{ type: "com.microsoft:SkipSimplifiedLayerNormalization", writtenAs: "SkipSimplifiedLayerNormalization" },
  },
  { normOp: "auto", opset: 11, type: ":RMSNormalization", writtenAs: "RMSNormalization" },
  { normOp: "rmsnorm", opset: 17, type: ":RMSNormalization", writtenAs: "RMSNormalization" },
  {
    ...{ normOp: "simplified", opset: 17 },
    ...{ type: "com.microsoft:SimplifiedLayerNormalization", writtenAs: "SimplifiedLayerNormalization" },
  },
  {
    ...{ normOp: "simplified", opset: 18 },
    ...{ type: "com.microsoft:SimplifiedLayerNormalization", writtenAs: "SimplifiedLayerNormalization" },
  },
  // A function cannot have an eps before constants can.
  { normOp: "simplified", opset: 11, type: ":Pow", writtenAs: "primitives" },
  { normOp: "primitive", opset: 17, type: ":Pow", writtenAs: "primitives" },
];

describe.each(forms)("$normOp in set $opset", ({ normOp, opset, type, writtenAs }) => {
  const bytes = onnxModel(parts(opset));

  test("computes the same, and says what it is", async () => {
    const { written, norms } = chosen(bytes, { normOp });
    expect(norms.map((norm) => [norm.writtenAs, norm.beta])).toEqual([[writtenAs, "folded"]]);
    expect(typesIn(read(written))).toContain(type);
    expectSound(written);
    const [was, is] = [await runOnnx(bytes, { x }), await runOnnx(written, { x })];
    for (const [name, tensor] of Object.entries(was)) expectNear(is[name], tensor, 1e-5);
    expect(chosen(written, { normOp }).written.equals(written), "a second surgery changes nothing").toBe(true);
  });
});

describe("layernorm", () => {
  const chain = (opset: number) => {
    const g = new Graph();
    const y = g.dense(g.expandedNorm(g.dense("x", width, width), width), width, width);
    const { nodes, weights } = g;
    return onnxModel({ opset, inputs: { x: stream }, outputs: { [y]: { element: "f32" } }, weights, nodes });
  };

  test("makes one op of a chain, with its beta, and centers nothing", async () => {
    const bytes = chain(17);
    const { written, norms, weights, nodes } = chosen(bytes, { normOp: "layernorm" });
    expect(norms).toMatchObject([{ centering: "left", writtenAs: "LayerNormalization", beta: "kept" }]);
    expect(weights).toEqual([]);
    expect(nodes.after).toBeLessThan(nodes.before);
    expect(typesIn(read(written)).filter((type) => /Norm|Reduce/.test(type))).toEqual([":LayerNormalization"]);
    expectSound(written);
    const [was, is] = [await runOnnx(bytes, { x }), await runOnnx(written, { x })];
    for (const [name, tensor] of Object.entries(was)) expectNear(is[name], tensor, 1e-5);
    expect(chosen(written, { normOp: "layernorm" }).written.equals(written), "a second changes nothing").toBe(true);
  });

  test.each([
    ["a chain of set 16, which has no such op", chain(16)],
    ["the op", onnxModel(parts(17))],
  ])("leaves %s", (_, bytes) => {
    const { written, norms } = chosen(bytes, { normOp: "layernorm" });
    expect(norms).toMatchObject([{ centering: "left", writtenAs: "unchanged", beta: "kept" }]);
    expect(written.equals(bytes)).toBe(true);
  });
});

test("a function has the primitives of the standard as its body", () => {
  const { functions } = read(chosen(onnxModel(parts(17)), { normOp: "simplified" }).written);
  expect(functions.map(({ domain, name, attribute }) => [domain, name, attribute])).toEqual([
    ["com.microsoft", "SimplifiedLayerNormalization", ["epsilon"]],
  ]);
  const [own] = functions;
  expect(own?.node.map(({ opType }) => opType)).toEqual([
    "Constant",
    "Constant",
    "Pow",
    "ReduceMean",
    "Add",
    "Sqrt",
    "Div",
    "Mul",
  ]);
  expect(own?.node[1]?.attribute[0]).toMatchObject({ name: "value_float", refAttrName: "epsilon" });
});

test("the domain of onnxruntime's ops is named where the model did not", () => {
  const model = read(onnxModel(parts(17)));
  const bare = new Uint8Array(onnxModel(parts(17)));
  expect(model.opsetImport.length).toBe(2);
  expectSound(chosen(bare).written);
});

describe("beta", () => {
  test("goes into the bias behind a product, and no Add of it is left", async () => {
    const bytes = onnxModel(parts(17));
    const { written, norms } = chosen(bytes);
    expect(norms.map(({ beta }) => beta)).toEqual(["folded"]);
    // The biases of two products.
    expect(typesIn(read(written)).filter((type) => type === ":Add").length).toBe(2);
  });

  test("becomes a bias of a product that has none", async () => {
    const bytes = onnxModel(parts(17, false));
    const { written, norms } = operated(bytes);
    expect(norms.map(({ beta }) => beta)).toEqual(["folded"]);
    const [was, is] = [await runOnnx(bytes, { x }), await runOnnx(written, { x })];
    for (const [name, tensor] of Object.entries(was)) expectNear(is[name], tensor, 1e-5);
  });

  const near = (write: (g: Graph, norm: string) => readonly string[]) => {
    const g = new Graph();
    const outputs = write(g, g.expandedNorm(g.dense("x", width, width), width));
    const { nodes, weights } = g;
    const outs = Object.fromEntries(outputs.map((name) => [name, { element: "f32" }] as const));
    return onnxModel({ opset: 17, inputs: { x: stream }, outputs: outs, weights, nodes });
  };

  test.each<[string, (g: Graph, norm: string) => readonly string[]]>([
    ["is an output of the graph", (g, norm) => [norm, g.dense(norm, width, width)]],
    ["is read by what is no product", (g, norm) => [g.dense(norm, width, width), g.op("Relu", [norm])]],
    ["is the weight of a product", (g, norm) => [g.op("MatMul", [g.weight([3, 3]), norm])]],
    [
      "is read by two products without biases",
      (g, norm) => [g.op("MatMul", [norm, g.weight([width, width])]), g.op("MatMul", [norm, g.weight([width, width])])],
    ],
    ["has its axes exchanged", (g, norm) => [g.dense(g.op("Transpose", [norm], { perm: [0, 2, 1] }), 3, width)]],
  ])("stays an Add where its norm %s", async (_, write) => {
    const bytes = near(write);
    const { written, norms } = operated(bytes);
    expect(norms.map(({ beta }) => beta)).toEqual(["added"]);
    const [was, is] = [await runOnnx(bytes, { x }), await runOnnx(written, { x })];
    for (const [name, tensor] of Object.entries(was)) expectNear(is[name], tensor, 1e-5);
  });

  test("goes through a Reshape and a Transpose that leave the last axis", async () => {
    const bytes = near((g, norm) => {
      const turned = g.op("Transpose", [norm], { perm: [1, 0, 2] });
      return [g.dense(g.op("Reshape", [turned, g.integers(-1, width)]), width, 4)];
    });
    const { written, norms } = operated(bytes);
    expect(norms.map(({ beta }) => beta)).toEqual(["folded"]);
    const [was, is] = [await runOnnx(bytes, { x }), await runOnnx(written, { x })];
    for (const [name, tensor] of Object.entries(was)) expectNear(is[name], tensor, 1e-5);
  });

  test("of zeros is left out, where another would stay an Add", async () => {
    const g = new Graph();
    g.weights.zeros = { element: "f32", dims: [width], numbers: new Array(width).fill(0) };
    const norm = g.op("LayerNormalization", [g.dense("x", width, width), g.weight([width]), "zeros"], { axis: -1 });
    const y = g.op("Relu", [norm]);
    const { nodes, weights } = g;
    const bytes = onnxModel({ opset: 17, inputs: { x: stream }, outputs: { [y]: { element: "f32" } }, weights, nodes });
    const { written, norms, launches } = chosen(bytes);
    expect(norms).toMatchObject([{ beta: "none", writtenAs: "RMSNormalization" }]);
    expect(launches?.after).toBe(launches?.before);
    expectSound(written);
    const [was, is] = [await runOnnx(bytes, { x }), await runOnnx(written, { x })];
    for (const [name, tensor] of Object.entries(was)) expectNear(is[name], tensor, 1e-5);
  });

  test("that would be a launch more leaves its norm, and tells of the centering all the same", () => {
    const bytes = near((_, norm) => [norm]);
    const { written, norms, launches, weights } = chosen(bytes);
    expect(norms).toMatchObject([{ centering: "folded", writtenAs: "unchanged", beta: "kept", constants: [] }]);
    expect(norms[0]?.because.join()).toContain("would launch more kernels on WebGPU");
    expect([launches?.after, weights]).toEqual([launches?.before, []]);
    expect(written.equals(bytes)).toBe(true);
  });
});

describe("gamma", () => {
  const gammaOf = (bytes: Uint8Array) => {
    const { graph } = read(bytes);
    const norm = graph?.node.find(({ opType }) => /Normalization$/.test(opType));
    const scale = graph?.initializer.find(({ name }) => name === norm?.input.at(/^Skip/.test(norm.opType) ? 2 : 1));
    return [...new Float32Array((scale?.rawData ?? new Uint8Array()).slice().buffer)];
  };
  const ones = new Array(width).fill(1);

  test.each<[string, NormOp]>([
    ["RMSNormalization", "rmsnorm"],
    ["SkipSimplifiedLayerNormalization", "skip"],
    ["SimplifiedLayerNormalization", "simplified"],
  ])("goes into the next product if asked, with beta: %s", async (_, normOp) => {
    for (const biases of [true, false]) {
      const bytes = onnxModel(parts(17, biases));
      const { written, norms } = chosen(bytes, { normOp, fold: ["gamma", "beta"] });
      expect(norms).toMatchObject([{ gamma: true, isGammaFolded: true, beta: "folded" }]);
      expect(gammaOf(written)).toEqual(ones);
      expectSound(written);
      const [was, is] = [await runOnnx(bytes, { x }), await runOnnx(written, { x })];
      for (const [name, tensor] of Object.entries(was)) expectNear(is[name], tensor, 1e-5);
      const again = chosen(written, { normOp, fold: ["gamma", "beta"] });
      expect(again.written.equals(written), "a second surgery changes nothing").toBe(true);
      expect(again.norms[0]?.isGammaFolded).toBeUndefined();
    }
  });

  test("goes into a transposed weight, and out of a norm that was an RMSNorm", async () => {
    const g = new Graph();
    const normal = g.op("RMSNormalization", [g.dense("x", width, width), g.weight([width])], { axis: -1 });
    const rows = g.op("Reshape", [normal, g.integers(-1, width)]);
    const y = g.op("Gemm", [rows, g.weight([5, width]), g.weight([5])], { transB: 1 });
    const { nodes, weights } = g;
    const bytes = onnxModel({ opset: 23, inputs: { x: stream }, outputs: { [y]: { element: "f32" } }, nodes, weights });
    expect(chosen(bytes).written.equals(bytes), "nobody asked").toBe(true);
    const { written, norms } = chosen(bytes, { fold: ["gamma", "beta"] });
    expect(norms).toMatchObject([{ isGammaFolded: true, writtenAs: "unchanged" }]);
    expect(gammaOf(written)).toEqual(ones);
    const [was, is] = [await runOnnx(bytes, { x }), await runOnnx(written, { x })];
    for (const [name, tensor] of Object.entries(was)) expectNear(is[name], tensor, 1e-5);
  });

  test("and so does a centering that no norm reads, if asked", async () => {
    const fixed = { element: "f32", shape: [2, 3, width] } as const;
    const write = (other: boolean) => {
      const g = new Graph();
      const h = g.op("Relu", ["x"]);
      const d = g.op("Sub", [h, g.op("ReduceMean", [h], { axes: [-1], keepdims: 1 })]);
      const products = [
        g.op("MatMul", [d, g.weight([width, 4])]),
        g.op("Gemm", [g.op("Reshape", [d, g.integers(6, width)]), g.weight([5, width]), g.weight([5])], { transB: 1 }),
      ];
      const outputs = other ? [...products, g.op("Tanh", [d])] : products;
      const outs = Object.fromEntries(outputs.map((name) => [name, { element: "f32" }] as const));
      const { nodes, weights } = g;
      return onnxModel({ opset: 17, inputs: { x: fixed }, outputs: outs, weights, nodes });
    };
    const bytes = write(false);
    expect(chosen(bytes).written.equals(bytes), "nobody asked").toBe(true);
    expect(chosen(write(true), { fold: ["center"] }).written.equals(write(true)), "read by tanh").toBe(true);
    const { written } = chosen(bytes, { fold: ["center"] });
    expectSound(written);
    expect(typesIn(read(written))).toEqual([":Relu", ":MatMul", ":Reshape", ":Gemm"]);
    const [was, is] = [await runOnnx(bytes, { x }), await runOnnx(written, { x })];
    for (const [name, tensor] of Object.entries(was)) expectNear(is[name], tensor, 1e-5);
    expect(chosen(written, { fold: ["center"] }).written.equals(written), "a second surgery changes nothing").toBe(
      true,
    );
  });

  test.each<[string, (g: Graph, norm: string) => readonly string[]]>([
    [
      "its norm is read by what is no product",
      (g, norm) => [g.op("MatMul", [norm, g.weight([width, 4])]), g.op("Relu", [norm])],
    ],
    [
      "a weight is shared",
      (g, norm) => {
        const shared = g.weight([width, width]);
        return [g.op("MatMul", [norm, shared]), g.op("MatMul", ["x", shared])];
      },
    ],
    ["its norm is an output", (g, norm) => [norm, g.op("MatMul", [norm, g.weight([width, 4])])]],
  ])("stays where %s", (_, write) => {
    const g = new Graph();
    const outputs = write(g, g.op("RMSNormalization", [g.dense("x", width, width), g.weight([width])], { axis: -1 }));
    const { nodes, weights } = g;
    const outs = Object.fromEntries(outputs.map((name) => [name, { element: "f32" }] as const));
    const bytes = onnxModel({ opset: 23, inputs: { x: stream }, outputs: outs, weights, nodes });
    const { written, norms } = chosen(bytes, { fold: ["gamma", "beta"] });
    expect(norms.map(({ isGammaFolded }) => isGammaFolded)).toEqual([undefined]);
    expect(written.equals(bytes)).toBe(true);
  });
});
