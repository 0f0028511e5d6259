/** Models that surgery writes in a later operator set: their nodes mean the same there. */

import { readFileSync } from "node:fs";
import { fromBinary } from "@bufbuild/protobuf";
import { type ModelProto, ModelProtoSchema } from "onnx-buf";
import { describe, expect, test } from "vitest";
import { bytesInMemory, OnnxModel } from "../../src/onnx/index.ts";
import { changes, raiseTo } from "../../src/surgery/raise-opset.ts";
import { expectNear } from "../support/import-onnx.ts";
import { graph, node, onnxModel, spread, weight } from "../support/onnx.ts";
import { Graph } from "../support/onnx-graph.ts";
import { runOnnx } from "../support/onnxruntime.ts";
import { chosen } from "../support/surgery.ts";

const width = 6;
const stream = { element: "f32", shape: ["batch", 4, width] } as const;
const x = { element: "f32", shape: [2, 4, width], numbers: spread(2 * 4 * width, 3) } as const;

/** A norm behind a product, and what becomes of it. */
function modelOf(opset: number, write: (g: Graph, normal: string) => string): Uint8Array {
  const g = new Graph();
  const product = g.dense("x", width, width);
  const normal =
    opset < 17
      ? g.expandedNorm(product, width)
      : g.op("LayerNormalization", [product, g.weight([width]), g.weight([width])]);
  const y = write(g, g.dense(normal, width, width));
  const { nodes, weights } = g;
  return onnxModel({ opset, inputs: { x: stream }, outputs: { [y]: { element: "f32" } }, nodes, weights });
}

const noRank = () => undefined;
const noFile = () => {
  throw new Error("no file beside the model");
};

const setOf = (bytes: Uint8Array) => {
  const { opsetImport }: ModelProto = fromBinary(ModelProtoSchema, new Uint8Array(bytes));
  return Number(opsetImport.find(({ domain }) => domain === "")?.version);
};

const shape = (g: Graph, h: string) => g.op("Reshape", [h, g.integers(0, 1, 4, width)]);

const kept: readonly (readonly [string, number, (g: Graph, h: string) => string])[] = [
  ["ReduceMean", 17, (g, h) => g.op("ReduceMean", [h], { axes: [1], keepdims: 0 })],
  ["ReduceMax", 11, (g, h) => g.op("ReduceMax", [h], { axes: [-1] })],
  ["a reduction of all axes", 13, (g, h) => g.op("ReduceL2", [h])],
  ["ReduceSum", 11, (g, h) => g.op("ReduceSum", [h], { axes: [0, 2] })],
  ["ReduceSum", 13, (g, h) => g.op("ReduceSum", [h, g.integers(1)])],
  ["Squeeze", 11, (g, h) => g.op("Squeeze", [shape(g, h)], { axes: [1] })],
  ["Squeeze of whatever is 1", 12, (g, h) => g.op("Squeeze", [shape(g, h)])],
  ["Unsqueeze", 11, (g, h) => g.op("Unsqueeze", [h], { axes: [0, 2] })],
  ["Softmax along the last axis", 11, (g, h) => g.op("Softmax", [h], { axis: 2 })],
  ["LogSoftmax along the last axis", 12, (g, h) => g.op("LogSoftmax", [h], { axis: -1 })],
  ["Softmax along another axis", 13, (g, h) => g.op("Softmax", [h], { axis: 1 })],
  [
    "Constant",
    11,
    (g, h) => g.op("Mul", [h, g.op("Constant", [], { value: weight("f32", [width], 1, 2, 3, 4, 5, 6) })]),
  ],
  ["Dropout", 11, (g, h) => g.op("Dropout", [h], { ratio: { float: 0.25 } })],
  [
    "BatchNormalization",
    11,
    (g, h) =>
      g.op("BatchNormalization", [h, g.weight([4]), g.weight([4]), g.weight([4]), g.op("Abs", [g.weight([4])])]),
  ],
  [
    "Split in parts",
    11,
    (g, h) => {
      const [a, b] = g.ops("Split", [h], 2, { axis: 2, split: [2, 4] });
      return g.op("Concat", [b as string, a as string], { axis: 2 });
    },
  ],
  [
    "Split in equal parts",
    17,
    (g, h) => {
      const [a, b, c] = g.ops("Split", [h], 3, { axis: 2 });
      return g.op("Concat", [c as string, a as string, b as string], { axis: 1 });
    },
  ],
  [
    "Resize",
    17,
    (g, h) => {
      const sizes = g.integers(2, 1, 7, 9);
      return g.op("Resize", [g.op("Unsqueeze", [h, g.integers(1)]), "", "", sizes], { mode: "linear" });
    },
  ],
];

describe("what is the same in set 23", () => {
  test.each(kept)("%s of set %i", async (_, opset, write) => {
    const bytes = modelOf(opset, write);
    const { written, norms, opset: sets } = chosen(bytes);
    expect(norms.map(({ writtenAs }) => writtenAs)).toEqual(["RMSNormalization"]);
    expect([setOf(written), sets]).toEqual([23, { before: opset, after: 23 }]);
    const [was, is] = [await runOnnx(bytes, { x }), await runOnnx(written, { x })];
    for (const [name, tensor] of Object.entries(was)) expectNear(is[name], tensor, 1e-5);
    expect(chosen(written).written.equals(written), "a second surgery changes nothing").toBe(true);
  });
});

const stays: readonly (readonly [string, number, (g: Graph, h: string) => string])[] = [
  ["Softmax along other axes, which are one row", 11, (g, h) => g.op("Softmax", [h], { axis: 1 })],
  ["Softmax of set 11 without an axis", 11, (g, h) => g.op("Softmax", [h])],
  [
    "GroupNormalization",
    18,
    (g, h) => g.op("GroupNormalization", [h, g.weight([2]), g.weight([2])], { num_groups: 2 }),
  ],
  ["Clip with attributes", 10, (g, h) => g.op("Clip", [h], { min: { float: -1 } })],
  ["an op that nobody knows", 17, (g, h) => g.op("Shrug", [h])],
  [
    "a body with a node that says it otherwise",
    17,
    (g, h) => {
      const inner = (scale: number) => {
        const sum = node("ReduceSum", [h, "along"], ["sum"]);
        const mean = node("ReduceMean", ["sum"], ["mean"], { attributes: { axes: [0] } });
        const weights = { along: weight("i64", [1], 1), scale: weight("f32", [], scale) };
        const nodes = [sum, mean, node("Mul", ["mean", "scale"], ["z"])];
        return graph({ outputs: { z: { element: "f32" } }, weights, nodes });
      };
      const isAny = g.op("Cast", [g.op("ReduceMax", [h], { keepdims: 0 })], { to: 9 });
      return g.op("If", [isAny], { then_branch: inner(1), else_branch: inner(2) });
    },
  ],
];

describe("what may be something else stays in its set", () => {
  test.each(stays)("%s", (_, opset, write) => {
    const bytes = modelOf(opset, write);
    const { written, opset: sets } = chosen(bytes);
    expect([setOf(written), sets]).toEqual([opset, { before: opset, after: opset }]);
    expect(() => chosen(bytes, { normOp: "rmsnorm" })).toThrow(/it is not written in set 23|RMSNormalization/);
  });

  test("a model whose norms are one with the sums before them", () => {
    const g = new Graph();
    const layerNorm = (h: string) => g.op("LayerNormalization", [h, g.weight([width]), g.weight([width])]);
    const sum = g.op("Add", [g.dense("x", width, width), g.dense("x", width, width)]);
    const branch = g.op("MatMul", [g.op("Relu", [g.dense(layerNorm(sum), width, width)]), g.weight([width, width])]);
    const y = g.dense(layerNorm(g.op("Add", [sum, branch])), width, width);
    const { nodes, weights } = g;
    const bytes = onnxModel({ inputs: { x: stream }, outputs: { [y]: { element: "f32" } }, nodes, weights });
    const { written, norms, opset } = chosen(bytes);
    expect(norms.map(({ writtenAs }) => writtenAs)).toEqual([
      "SkipSimplifiedLayerNormalization",
      "SkipSimplifiedLayerNormalization",
    ]);
    expect([setOf(written), opset]).toEqual([17, { before: 17, after: 17 }]);
    expect(setOf(chosen(bytes, { normOp: "rmsnorm" }).written)).toBe(23);
  });
});

/** What ONNX says of each op in each set: made by tools/models/signatures.py. */
interface Signature {
  /** Attributes with their defaults; null where they must be given. */
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly inputs: number;
  readonly mostInputs: number;
}
const signatures = JSON.parse(
  readFileSync(new URL("../fixtures/onnx-types/signatures.json", import.meta.url), "utf8"),
) as Readonly<Record<string, Readonly<Record<string, Signature>>>>;

const named = JSON.parse(readFileSync(new URL("../fixtures/onnx-types/operators.json", import.meta.url), "utf8"));

test.each(named as string[])("%s of the last set is known", (op) => {
  const model = new OnnxModel(bytesInMemory("m.onnx", onnxModel({ opset: 22, nodes: [node(op, [], ["y"])] })), noFile);
  expect(raiseTo(model, 23, noRank)).not.toHaveProperty("because");
});

test("an op that is not in the table takes in set 23 what it took before, with the same defaults", () => {
  const wrong = Object.entries(signatures).flatMap(([op, sets]) => {
    const now = Object.values(sets).at(-1) as Signature;
    return Object.entries(sets).flatMap(([set, was]) => {
      const known = (changes[op] ?? []).some(({ since }) => since > Number(set));
      const isSame =
        now.inputs <= was.inputs &&
        now.mostInputs >= was.mostInputs &&
        // Attributes that were required before are always written.
        Object.entries(was.attributes).every(([name, value]) =>
          value === null ? name in now.attributes : JSON.stringify(now.attributes[name]) === JSON.stringify(value),
        ) &&
        Object.entries(now.attributes).every(([name, value]) => value !== null || name in was.attributes);
      return known || isSame ? [] : [`${op} of set ${set}`];
    });
  });
  expect(wrong).toEqual([]);
});
