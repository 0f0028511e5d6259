/**
 * What nodes that stay `extern` say of their rows, in onnxruntime: with centered rows in the place of those that are
 * named the result is the centered result, along each axis that is named.
 */

import { describe, expect, test } from "vitest";
import type { Op } from "../../src/ir/ir.ts";
import { reduceRows } from "../../src/ir/row-means.ts";
import { broadcastTo, elementCount, type Tensor } from "../../src/ir/tensor.ts";
import { imported } from "../support/import-onnx.ts";
import { type Declared, type NodeParts, node, onnxModel, spread, type Weight, weight } from "../support/onnx.ts";
import { type Feed, runOnnx } from "../support/onnxruntime.ts";

const f32 = (...shape: readonly (number | string)[]): Declared => ({ element: "f32", shape });
const i64 = (...numbers: number[]) => weight("i64", [numbers.length], ...numbers);
const extents: Readonly<Record<string, number>> = { b: 2, s: 6, c: 2, t: 6 };

interface Example {
  readonly op: string;
  readonly inputs: Readonly<Record<string, Declared>>;
  readonly weights?: Readonly<Record<string, Weight>>;
  readonly attributes?: NodeParts["attributes"];
  readonly set?: number;
  /** The operands whose rows it names, and the axes; empty if it names none. */
  readonly rows: readonly number[];
  readonly kept: readonly number[];
}

const x = f32("b", "s", 4);
const examples: Readonly<Record<string, Example>> = {
  "Reshape of leading extents": { op: "Reshape", inputs: { x }, weights: { to: i64(-1, 4) }, rows: [0], kept: [-1] },
  "Reshape that cuts rows": { op: "Reshape", inputs: { x }, weights: { to: i64(-1, 2) }, rows: [], kept: [] },
  "Slice of a named extent": {
    op: "Slice",
    inputs: { x },
    weights: { start: i64(1), end: i64(2 ** 31), axes: i64(1) },
    rows: [0],
    kept: [-3, -1],
  },
  "Slice backwards": {
    op: "Slice",
    inputs: { x },
    weights: { start: i64(-1), end: i64(-(2 ** 31)), axes: i64(1), steps: i64(-1) },
    rows: [0],
    kept: [-3, -1],
  },
  "Gather of one place": {
    op: "Gather",
    inputs: { x },
    weights: { id: weight("i64", [], 0) },
    attributes: { axis: 1 },
    rows: [0],
    kept: [-1],
  },
  "Gather of several places": {
    op: "Gather",
    inputs: { x },
    weights: { id: i64(1, 0, 1) },
    attributes: { axis: 1 },
    rows: [0],
    kept: [-3, -1],
  },
  "Gather along the row": {
    op: "Gather",
    inputs: { x },
    weights: { id: weight("i64", [2, 2], 1, 0, 1, 3) },
    attributes: { axis: 2 },
    rows: [],
    kept: [],
  },
  GatherND: { op: "GatherND", inputs: { x }, weights: { id: weight("i64", [1, 2], 1, 2) }, rows: [0], kept: [-1] },
  "Pad with zeros": { op: "Pad", inputs: { x }, weights: { pads: i64(0, 1, 0, 0, 2, 0) }, rows: [0], kept: [-3, -1] },
  "Pad with what is there": {
    op: "Pad",
    inputs: { x },
    weights: { pads: i64(0, 1, 0, 0, 2, 0) },
    attributes: { mode: "reflect" },
    rows: [0],
    kept: [-3, -1],
  },
  "Pad with ones": {
    op: "Pad",
    inputs: { x },
    weights: { pads: i64(0, 1, 0, 0, 2, 0), one: weight("f32", [], 1) },
    rows: [],
    kept: [],
  },
  Tile: { op: "Tile", inputs: { x }, weights: { times: i64(1, 2, 1) }, rows: [0], kept: [-3, -1] },
  "Concat of named extents": {
    op: "Concat",
    inputs: { x, y: f32("b", "t", 4) },
    attributes: { axis: 1 },
    rows: [0, 1],
    kept: [-3, -1],
  },
  "Add of two names": { op: "Add", inputs: { x, y: f32("b", "t", 4) }, rows: [0, 1], kept: [-3, -1] },
  "Sub of two names": { op: "Sub", inputs: { x, y: f32("c", "t", 4) }, rows: [0, 1], kept: [-1] },
  "Mul by a column": { op: "Mul", inputs: { x, y: f32("b", "t", 1) }, rows: [0], kept: [-1] },
  "Mul of a column": { op: "Mul", inputs: { y: f32("b", "t", 1), x }, rows: [1], kept: [-1] },
  "Mul of rows": { op: "Mul", inputs: { x, y: f32("b", "t", 4) }, rows: [], kept: [] },
  "Div by a column": { op: "Div", inputs: { x, y: f32("b", "t", 1) }, rows: [0], kept: [-1] },
  "Div of a column": { op: "Div", inputs: { y: f32("b", "t", 1), x }, rows: [], kept: [] },
  "Where by a column": {
    op: "Where",
    inputs: { q: { element: "bool", shape: ["b", "t", 1] }, x, y: f32("b", "s", 4) },
    rows: [1, 2],
    kept: [-1],
  },
  "Where by rows": {
    op: "Where",
    inputs: { q: { element: "bool", shape: ["b", "t", 4] }, x, y: f32("b", "s", 4) },
    rows: [],
    kept: [],
  },
  "MatMul of two names": { op: "MatMul", inputs: { a: f32("b", 3, "s"), x: f32("c", "s", 4) }, rows: [1], kept: [-1] },
  ScatterND: {
    op: "ScatterND",
    inputs: { x, y: f32(1, 4) },
    weights: { id: weight("i64", [1, 2], 1, 2) },
    rows: [0, 2],
    kept: [-1],
  },
  "Resize of space": {
    op: "Resize",
    inputs: { x: f32("b", 4, "s", "s") },
    weights: { roi: weight("f32", [0]), scales: weight("f32", [4], 1, 1, 2, 2) },
    attributes: { mode: "linear" },
    rows: [0],
    kept: [-4, -3],
  },
  AveragePool: {
    op: "AveragePool",
    inputs: { x: f32("b", 4, "s", "s") },
    attributes: { kernel_shape: [2, 2] },
    rows: [0],
    kept: [-3],
  },
  GlobalAveragePool: { op: "GlobalAveragePool", inputs: { x: f32("b", 4, "s", "s") }, rows: [0], kept: [-3] },
  GridSample: {
    op: "GridSample",
    inputs: { x: f32("b", 4, "s", "s"), y: f32("b", 3, 3, 2) },
    rows: [0],
    kept: [-3],
  },
};

/** The order in which a node takes its operands where it is not that of inputs and then weights. */
const orders: Readonly<Record<string, readonly string[]>> = { ScatterND: ["x", "id", "y"] };

function minusMean(tensor: Tensor, axis: number): Tensor {
  const mean = reduceRows(tensor, [axis], "mean");
  const repeated = broadcastTo(mean, tensor.shape);
  return { ...tensor, data: tensor.data.map((value, i) => value - (repeated[i] as number)) };
}

describe.each(Object.entries(examples))("%s", (name, example) => {
  const { op, inputs, weights = {}, attributes = {}, set = 17 } = example;
  const operands = orders[name] ?? [...Object.keys(inputs), ...Object.keys(weights)];
  const bytes = onnxModel({
    opset: set,
    inputs,
    outputs: { out: { element: "f32" } },
    weights,
    nodes: [node(op, operands, ["out"], { attributes })],
  });
  const kept = imported(bytes).fn.ops.find((one) => one.name === "extern") as Op;
  const names = (kept.attributes.rows as number[]).map((i) => kept.operand(i).name);
  const axes = kept.attributes.kept as number[];

  test("names its rows", () => {
    expect(kept.attributes.rows).toEqual(example.rows);
    expect(axes).toEqual(example.kept);
  });

  test.each(axes.length === 0 ? [] : axes)("commutes with a centering along axis %i", async (axis) => {
    const feeds = Object.fromEntries(
      Object.entries(inputs).map(([input, { element, shape = [] }], i): [string, Feed] => {
        const dims = shape.map((extent) =>
          typeof extent === "number" ? extent : (extents[extent as string] as number),
        );
        const numbers = spread(elementCount(dims), i + 3).map((value) =>
          element === "bool" ? Number(value > 0) : value,
        );
        return [input, { element, shape: dims, numbers }];
      }),
    );
    const centered = Object.fromEntries(
      Object.entries(feeds).map(([input, feed]): [string, Feed] => {
        if (!names.includes(input)) return [input, feed];
        const { data } = minusMean({ element: "f32", shape: feed.shape, data: Float64Array.from(feed.numbers) }, axis);
        return [input, { ...feed, numbers: data }];
      }),
    );
    const want = minusMean((await runOnnx(bytes, feeds)).out as Tensor, axis);
    const got = (await runOnnx(bytes, centered)).out as Tensor;
    const off = got.data.reduce((most, value, i) => Math.max(most, Math.abs(value - (want.data[i] as number))), 0);
    expect(off).toBeLessThan(1e-5);
    expect(want.data.some((value) => Math.abs(value) > 0.1)).toBe(true);
  });
});
