/** Each norm of a model is a row of the report, wherever it is: an independent count gives the same number. */

import { readdirSync, readFileSync } from "node:fs";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FunctionProtoSchema, type GraphProto, ModelProtoSchema, type NodeProto } from "onnx-buf";
import { describe, expect, test } from "vitest";
import { expectNear } from "../support/import-onnx.ts";
import { graph, type ModelParts, node, onnxModel, spread, weight } from "../support/onnx.ts";
import { Graph } from "../support/onnx-graph.ts";
import { runOnnx } from "../support/onnxruntime.ts";
import { chosen, operated } from "../support/surgery.ts";

const normOps = new Set([
  ...["LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization", "GroupNormalization"],
  ...["InstanceNormalization", "SkipLayerNormalization", "SkipSimplifiedLayerNormalization"],
  "EmbedLayerNormalization",
]);

/** Nodes that are norms, in graphs inside of nodes and in functions too. */
function normNodes(bytes: Uint8Array): number {
  const { graph: whole, functions } = fromBinary(ModelProtoSchema, bytes);
  const count = (nodes: readonly NodeProto[]): number =>
    nodes.reduce((sum, { opType, attribute }) => {
      const graphs = attribute.flatMap(({ g, graphs: list }) => [...(g === undefined ? [] : [g]), ...list]);
      const inner = graphs.reduce((all, { node: nodes_ }) => all + count(nodes_), 0);
      return sum + Number(normOps.has(opType)) + inner;
    }, 0);
  return count(whole?.node ?? []) + functions.reduce((sum, { node: nodes }) => sum + count(nodes), 0);
}

const models = new URL("models/", import.meta.url);

test.each(readdirSync(models).filter((name) => name.endsWith(".onnx")))("%s", (name) => {
  const bytes = readFileSync(new URL(name, models));
  // Norms that are written in primitive ops are counted by name in the tables of outcomes.
  expect(operated(bytes).norms.length).toBeGreaterThanOrEqual(normNodes(bytes));
});

const width = 4;
const x = { element: "f32", shape: [3, width] } as const;
const gamma = { g: weight("f32", [width], 1, 2, 3, 4) };
const norm = (input: string, output: string) =>
  node("LayerNormalization", [input, "g"], [output], { name: `norm ${output}` });
const base: ModelParts = {
  inputs: { x, c: { element: "bool", shape: [] } },
  outputs: { y: { element: "f32" } },
  weights: gamma,
};
const body = (nodes: NodeProto[], inputs: ModelParts["inputs"], outputs: string[]): GraphProto => {
  return graph({
    nodes,
    ...(inputs && { inputs }),
    outputs: Object.fromEntries(outputs.map((name) => [name, { element: "f32" }])),
  });
};

/** The reasons of the rows that are left; all rows are as many as the nodes. */
function reasons(parts: ModelParts): string[] {
  const bytes = onnxModel(parts);
  const { norms, warnings, written } = operated(bytes);
  expect(norms.length).toBe(normNodes(bytes));
  expect(warnings.filter(({ code }) => code === "R0601")).toEqual([]);
  const left = norms.filter(({ centering }) => centering === "left");
  if (left.length === norms.length) expect(written.equals(bytes)).toBe(true);
  return left.flatMap(({ because }) => because);
}

describe("norms in graphs inside of nodes", () => {
  const branches = (yes: NodeProto[], no: NodeProto[]) => ({
    attributes: { then_branch: body(yes, {}, ["t"]), else_branch: body(no, {}, ["e"]) },
    name: "choice",
  });

  test("both branches of If", () => {
    const nodes = [node("If", ["c"], ["y"], branches([norm("x", "t")], [norm("x", "e")]))];
    const because = "because it is in a branch of `choice` (If)";
    expect(reasons({ ...base, nodes })).toEqual([because, because]);
  });

  test("a branch in a branch", () => {
    const inner = node("If", ["c"], ["t"], {
      ...branches([norm("x", "t2")], [node("Relu", ["x"], ["e2"])]),
      attributes: {
        then_branch: body([norm("x", "t2")], {}, ["t2"]),
        else_branch: body([node("Relu", ["x"], ["e2"])], {}, ["e2"]),
      },
      name: "inner",
    });
    const nodes = [node("If", ["c"], ["y"], branches([inner], [node("Relu", ["x"], ["e"])]))];
    expect(reasons({ ...base, nodes })).toEqual([
      "because it is in a branch of `inner` (If), in a branch of `choice` (If)",
    ]);
  });

  test("the body of Loop", () => {
    const i = { element: "i64", shape: [] } as const;
    const flag = { element: "bool", shape: [] } as const;
    const inside = body([node("Identity", ["cond"], ["on"]), norm("h", "h2")], { i, cond: flag, h: x }, ["on", "h2"]);
    const nodes = [node("Loop", ["n", "c", "x"], ["y"], { attributes: { body: inside }, name: "steps" })];
    const weights = { ...gamma, n: weight("i64", [], 2) };
    expect(reasons({ ...base, weights, nodes })).toEqual(["because it is in the body of `steps` (Loop)"]);
  });

  test("the body of Scan", () => {
    const row = { element: "f32", shape: [width] } as const;
    const inside = body([norm("r", "r2")], { r: row }, ["r2"]);
    const attributes = { body: inside, num_scan_inputs: 1 };
    expect(reasons({ ...base, nodes: [node("Scan", ["x"], ["y"], { attributes, name: "rows" })] })).toEqual([
      "because it is in the body of `rows` (Scan)",
    ]);
  });

  test("a chain of primitive nodes in a branch", () => {
    const g = new Graph();
    const y = g.expandedNorm("x", width);
    const yes = graph({ nodes: g.nodes, weights: g.weights, outputs: { [y]: { element: "f32" } } });
    const attributes = { then_branch: yes, else_branch: body([node("Relu", ["x"], ["e"])], {}, ["e"]) };
    const { norms } = operated(
      onnxModel({ ...base, nodes: [node("If", ["c"], ["y"], { attributes, name: "choice" })] }),
    );
    expect(norms.map(({ norm: kind, centering, gamma: has }) => [kind, centering, has])).toEqual([
      ["layernorm", "left", true],
    ]);
  });
});

test("norms in a function of the model", () => {
  const bytes = onnxModel({
    ...base,
    nodes: [
      node("Block", ["x", "g"], ["h"], { domain: "own", name: "first" }),
      node("Block", ["h", "g"], ["y"], { domain: "own" }),
    ],
  });
  const model = fromBinary(ModelProtoSchema, bytes);
  model.functions.push(
    create(FunctionProtoSchema, {
      name: "Block",
      domain: "own",
      input: ["a", "scale"],
      output: ["b"],
      node: [node("LayerNormalization", ["a", "scale"], ["b"])],
      opsetImport: [{ domain: "", version: 17n }],
    }),
  );
  const changed = toBinary(ModelProtoSchema, model);
  const { norms } = operated(changed);
  expect(norms.length).toBe(normNodes(changed));
  expect(norms.map(({ because }) => because)).toEqual([
    ["because it is in the function of the model that `first` (Block) calls"],
  ]);
});

describe("norms of what is not known", () => {
  const double = { element: "f64", shape: [3, width] } as const;

  test("doubles, as a node", () => {
    const weights = { g: weight("f64", [width], 1, 2, 3, 4) };
    const parts = {
      ...base,
      inputs: { x: double },
      weights,
      outputs: { y: { element: "f64" } },
      nodes: [norm("x", "y")],
    } as const;
    expect(reasons(parts)).toEqual(["because its input `x` is f64, which is not a type of the language"]);
  });

  test("doubles, as a chain behind a cast", () => {
    const g = new Graph("f64");
    const wide = g.op("Cast", ["x"], { to: 11 });
    const mean = g.op("ReduceMean", [wide], { axes: [-1] });
    const centered = g.op("Sub", [wide, mean]);
    const variance = g.op("ReduceMean", [g.op("Mul", [centered, centered])], { axes: [-1] });
    const y = g.op("Div", [centered, g.op("Sqrt", [g.op("Add", [variance, g.scalar(1e-5)])])]);
    const outputs = { [y]: { element: "f64" } } as const;
    const bytes = onnxModel({ inputs: { x }, outputs, nodes: g.nodes, weights: g.weights });
    const { norms } = operated(bytes);
    expect(norms.map(({ norm: kind, because }) => [kind, because])).toEqual([
      ["layernorm", ["because it computes in f64, which is not a type of the language"]],
    ]);
  });

  const magic = (input: string, output: string) => node("Magic", [input], [output], { domain: "else" });

  test("what an op of another library makes has the rows of its scale", () => {
    const bytes = onnxModel({ ...base, nodes: [magic("x", "h"), norm("h", "y")] });
    const { norms } = operated(bytes);
    expect(norms.map(({ norm: kind }) => kind)).toEqual(["layernorm"]);
    expect(norms.flatMap(({ because }) => because).join()).not.toContain("not known");
  });

  test("rows of unknown rank are centered by the weights that they are sums of", () => {
    const bytes = onnxModel({
      ...base,
      weights: { ...gamma, w: weight("f32", [width, width], ...Array.from({ length: 16 }, (_, i) => (i * i) % 7)) },
      nodes: [
        node("MatMul", ["x", "w"], ["first"]),
        magic("x", "some"),
        node("MatMul", ["some", "w"], ["second"]),
        node("Add", ["first", "second"], ["h"]),
        norm("h", "y"),
      ],
    });
    expect(operated(bytes).norms.map(({ centering }) => centering)).toEqual(["folded"]);
  });

  test.each([
    [17, "skip"],
    [17, "primitive"],
    [17, "simplified"],
    [11, "auto"],
    [10, "auto"],
  ] as const)("a rank that is known when the model runs, in set %i as %s", async (opset, normOp) => {
    const g = new Graph();
    const product = g.op("MatMul", [g.op("Reshape", ["x", "to"]), g.weight([width, width])]);
    const stream = g.op("MatMul", [g.op("Reshape", ["x", "to"]), g.weight([width, width])]);
    const y = g.expandedNorm(g.op("Add", [product, stream]), width);
    const bytes = onnxModel({
      opset,
      inputs: { x, to: { element: "i64", shape: ["rank"] } },
      outputs: { [y]: { element: "f32" } },
      nodes: g.nodes,
      weights: g.weights,
    });
    const { written, norms } = operated(bytes, { normOp });
    expect(norms.length).toBe(1);
    for (const shape of [
      [3, 4],
      [1, 3, 4],
      [3, 1, 1, 4],
      [1, 1, 3, 1, 4],
    ]) {
      const dims = [shape.length];
      const feeds = {
        x: { element: "f32", shape: x.shape, numbers: spread(12, 3) },
        to: { element: "i64", shape: dims, numbers: shape },
      } as const;
      const [was, is] = [await runOnnx(bytes, feeds), await runOnnx(written, feeds)];
      expectNear(is[y], was[y], 1e-5);
    }
  });

  test("a norm whose scale is one number has rows of any length", () => {
    const weights = { g: weight("f32", [1], 2) };
    expect(reasons({ ...base, weights, nodes: [magic("x", "h"), norm("h", "y")] })).toEqual([
      "because the type of its input `h` is not known",
    ]);
  });

  test("an axis that is counted from the front needs the rank", () => {
    const nodes = [magic("x", "h"), node("LayerNormalization", ["h", "g"], ["y"], { attributes: { axis: 1 } })];
    expect(reasons({ ...base, nodes })).toEqual(["because the type of its input `h` is not known"]);
  });

  test("an op that the language lacks", () => {
    const ids = { element: "i32", shape: [2, 3] } as const;
    const table = weight("f32", [2, width], 1, 2, 3, 4, 5, 6, 7, 9);
    const nodes = [
      node("EmbedLayerNormalization", ["ids", "", "w", "w", "", "g", "g"], ["y", "m"], { domain: "com.microsoft" }),
    ];
    const parts = { ...base, inputs: { ids }, weights: { ...gamma, w: table }, nodes };
    expect(reasons(parts)).toEqual(["because the language has no op for it"]);
  });
});

test.each<[string, (g: Graph, x: string, shared: readonly string[]) => string]>([
  ["nodes", (g, h, [gain, shift]) => g.op("LayerNormalization", [h, gain as string, shift as string], { axis: -1 })],
  [
    "chains",
    (g, h, [gain, shift, eps, two]) => {
      const centered = g.op("Sub", [h, g.op("ReduceMean", [h], { axes: [-1] })]);
      const variance = g.op("ReduceMean", [g.op("Pow", [centered, two as string])], { axes: [-1] });
      const normal = g.op("Div", [centered, g.op("Sqrt", [g.op("Add", [variance, eps as string])])]);
      return g.op("Add", [g.op("Mul", [normal, gain as string]), shift as string]);
    },
  ],
])("two equal norms are two: %s", (_, write) => {
  const g = new Graph();
  const shared = [g.weight([width]), g.weight([width]), g.scalar(1e-5), g.scalar(2)];
  const h = g.dense("x", width, width);
  const [first, second] = [write(g, h, shared), write(g, h, shared)];
  const y = g.op("Add", [g.op("Relu", [first]), g.op("Sigmoid", [second])]);
  const parts = { ...base, outputs: { [y]: { element: "f32" } }, weights: g.weights, nodes: g.nodes } as const;
  for (const { norms } of [operated(onnxModel(parts)), chosen(onnxModel(parts))]) {
    expect(norms.map(({ tensors }) => tensors)).toEqual([[first], [second]]);
    expect(new Set(norms.map(({ centering, writtenAs, beta }) => `${centering} ${writtenAs} ${beta}`)).size).toBe(1);
  }
});

test("a model without a norm is said to have none", () => {
  const { norms, warnings } = operated(onnxModel({ ...base, nodes: [node("Relu", ["x"], ["y"])] }));
  expect(norms).toEqual([]);
  expect(warnings.map(({ code }) => code)).toEqual(["R0601"]);
});
