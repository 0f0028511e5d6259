/** Which nodes a kernel of `tirc extract` replaces: those of the norm's stream, as many as one kernel can compute. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { lineColumn } from "../../src/diagnostics/source.ts";
import { Dataflow } from "../../src/extract/dataflow.ts";
import { normRegions } from "../../src/extract/regions.ts";
import { replacedBy } from "../../src/extract/replaced.ts";
import { defaultLimits, portableTarget } from "../../src/target/target.ts";
import { imported } from "../support/import-onnx.ts";
import { node, onnxModel, spread, weight } from "../support/onnx.ts";

const file = (name: string) => readFileSync(new URL(`models/${name}.onnx`, import.meta.url));

function regionsOf(bytes: Uint8Array, most = defaultLimits.maxStorageBuffersPerShaderStage) {
  const result = imported(bytes);
  const limits = { ...defaultLimits, maxStorageBuffersPerShaderStage: most };
  const { regions, refused } = normRegions(result.model, result, { ...portableTarget, limits });
  const replaced = replacedBy(regions, new Dataflow(result.model));
  const list = regions.map((region) => ({
    takes: region.inputs,
    makes: region.outputs,
    nodes: (replaced.get(region) ?? []).map(({ index }) => index),
  }));
  return { list, regions, warnings: refused.map(({ warning }) => warning) };
}

const row = { element: "f32", shape: ["rows", 4] } as const;
const weights = { g: weight("f32", [4], 1, 2, 3, 4), w: weight("f32", [4, 4], ...spread(16)) };

test("norms of two streams are two kernels, and a third stream is part of neither", () => {
  expect(regionsOf(file("query_and_key_norms")).list).toEqual([
    { takes: ["q1"], makes: ["layernormalization9"], nodes: [1, 2, 3] },
    { takes: ["k2"], makes: ["transpose19"], nodes: [4, 5, 6, 9] },
  ]);
});

test("a region ends where a kernel would have more buffers than the target", () => {
  const gates = [3, 4, 5, 6, 7, 8, 9];
  const takes = ["f2", "cell", "i1", "z3"];
  expect(regionsOf(file("gated_cell")).list).toEqual([
    { takes, makes: ["layernormalization17", "tanh19"], nodes: [...gates, 11] },
  ]);
  const ten = regionsOf(file("gated_cell"), 10).list;
  expect(ten).toEqual([
    { takes: [...takes, "sigmoid18"], makes: ["layernormalization17", "mul20"], nodes: [...gates, 11, 12] },
  ]);
  for (let most = 4; most <= 10; most++) {
    const { regions } = regionsOf(file("gated_cell"), most);
    expect(regions.map(({ kernel }) => kernel.manifest.bindings.length <= most)).toEqual([true]);
  }
});

test("what waits for the norm is not added up with what the norm takes", () => {
  const nodes = [
    node("Add", ["x", "r"], ["h"]),
    node("SimplifiedLayerNormalization", ["h", "g"], ["n"]),
    node("MatMul", ["n", "w"], ["p"]),
    node("Add", ["h", "p"], ["y"]),
  ];
  const bytes = onnxModel({ inputs: { x: row, r: row }, outputs: { y: row }, weights, nodes });
  expect(regionsOf(bytes).list).toEqual([{ takes: ["x", "r"], makes: ["h", "n"], nodes: [0, 1] }]);
});

test("nor is what waits for the shape of the sum alone", () => {
  const nodes = [
    node("Add", ["x", "r"], ["h"]),
    node("SimplifiedLayerNormalization", ["h", "g"], ["n"]),
    node("Shape", ["h"], ["shape"]),
    node("Reshape", ["flat", "shape"], ["other"]),
    node("Mul", ["n", "other"], ["y"]),
  ];
  const flat = { element: "f32", shape: ["rows", 2, 2] } as const;
  const bytes = onnxModel({ inputs: { x: row, r: row, flat }, outputs: { y: row }, weights, nodes });
  const [region] = regionsOf(bytes).list;
  // Either the sum or the product is outside, as the reshape is between them.
  expect(region?.makes.includes("y") && region.makes.includes("h")).toBe(false);
});

test("norms in a row are one kernel", () => {
  const nodes = [
    node("Add", ["x", "x"], ["a"]),
    node("SimplifiedLayerNormalization", ["a", "g"], ["m"]),
    node("Add", ["r", "m"], ["b"]),
    node("SimplifiedLayerNormalization", ["b", "g"], ["n"]),
    node("Mul", ["m", "n"], ["y"]),
  ];
  const bytes = onnxModel({ inputs: { x: row, r: row }, outputs: { y: row }, weights, nodes });
  expect(regionsOf(bytes).list).toEqual([{ takes: ["x", "r"], makes: ["y"], nodes: [0, 1, 2, 3, 4] }]);
});

test("no two kernels wait for each other", () => {
  const nodes = [
    node("SimplifiedLayerNormalization", ["x", "g"], ["m"]),
    node("SimplifiedLayerNormalization", ["r", "g"], ["n"]),
    node("MatMul", ["n", "w"], ["p"]),
    node("MatMul", ["m", "w"], ["q"]),
    node("Mul", ["m", "p"], ["y"]),
    node("Mul", ["n", "q"], ["z"]),
  ];
  const bytes = onnxModel({ inputs: { x: row, r: row }, outputs: { y: row, z: row }, weights, nodes });
  expect(regionsOf(bytes).list).toEqual([
    { takes: ["x", "p"], makes: ["m", "y"], nodes: [0, 4] },
    { takes: ["r"], makes: ["n"], nodes: [1] },
  ]);
});

test("a norm without a kernel is named at its node, and the others have theirs", () => {
  const halves = { element: "f32", shape: ["rows", "columns"] } as const;
  const nodes = [
    node("Relu", ["x"], ["a"]),
    node("Cast", ["ids"], ["f"], { attributes: { to: 1 } }),
    node("SimplifiedLayerNormalization", ["a", "g"], ["n"]),
    node("Add", ["n", "f"], ["y"]),
  ];
  const ids = { element: "i64", shape: ["rows", 4] } as const;
  const bytes = onnxModel({ inputs: { x: row, ids, other: halves }, outputs: { y: row }, weights, nodes });
  const { list, warnings } = regionsOf(bytes, 3);
  expect(list).toEqual([{ takes: ["x"], makes: ["n"], nodes: [0, 2] }]);
  expect(warnings).toEqual([]);
  const refused = regionsOf(bytes, 2);
  expect(refused.list).toEqual([]);
  expect(
    refused.warnings.map(({ code, message, span }) => [
      code,
      message,
      span && lineColumn(span.source, span.start).line,
    ]),
  ).toEqual([["R0602", "the norm `n` has no kernel: it needs 3 storage buffers, and the target has 2", 3]]);
});
