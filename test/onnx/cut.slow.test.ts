/**
 * A model cut into pieces computes what the whole does: the pieces run by onnxruntime, the kernels' programs in float64,
 * against onnxruntime on the whole model.
 */

import { readdirSync, readFileSync } from "node:fs";
import { create, fromBinary } from "@bufbuild/protobuf";
import { TensorProto_DataLocation as Location, type ModelProto, ModelProtoSchema, TensorProtoSchema } from "onnx-buf";
import { expect, test } from "vitest";
import { cutModel } from "../../src/extract/plan.ts";
import { type NormRegion, normRegions } from "../../src/extract/regions.ts";
import { pieceOfModel } from "../../src/extract/write-piece.ts";
import { roundToFloat16 } from "../../src/ir/float16.ts";
import { interpret } from "../../src/ir/interpret.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { elementCount, type Tensor } from "../../src/ir/tensor.ts";
import { bytesInMemory } from "../../src/onnx/bytes.ts";
import { importModel } from "../../src/onnx/import.ts";
import { OnnxModel } from "../../src/onnx/model.ts";
import { bytesOf } from "../../src/onnx/write.ts";
import { constantsOfModel, expectNear, type ImportedModel, imported } from "../support/import-onnx.ts";
import { graph, node, type OnnxElement, onnxModel, onnxType, rawBytes, spread, weight } from "../support/onnx.ts";
import { Graph } from "../support/onnx-graph.ts";
import { type Feed, runOnnx } from "../support/onnxruntime.ts";

const elementOf: Readonly<Record<string, OnnxElement>> = {
  ...{ float32: "f32", float16: "f16", float64: "f64", int64: "i64", int32: "i32", bool: "bool" },
};

function cutOf(bytes: Uint8Array) {
  const result = imported(bytes);
  const { regions } = normRegions(result.model, result);
  const { plan, pieces } = cutModel(result.model, result, regions);
  const written = new Map(
    pieces.map((piece) => [
      piece.file,
      Buffer.concat([...bytesOf(result.model.reader.source, pieceOfModel(result.model, piece))]),
    ]),
  );
  return { result, regions, plan, written };
}

function runRegion({ model }: ImportedModel, region: NormRegion, at: (name: string) => Tensor) {
  const fn = region.module.fns[0] as Fn;
  const inputs = Object.fromEntries(fn.params.map(({ name }, i) => [name, at(region.inputs[i] as string)]));
  const made = interpret(fn, inputs, constantsOfModel(region.module, model));
  return region.outputs.map((name, i) => [name, made[fn.results[i]?.name as string] as Tensor] as const);
}

/** The results of the pieces and kernels in order, without those that are freed. */
async function runCut({ result, regions, plan, written }: ReturnType<typeof cutOf>, feeds: Record<string, Feed>) {
  const tensors = new Map<string, Tensor>();
  for (const [name, { element: given, shape, numbers }] of Object.entries(feeds)) {
    const element = given === "f16" || given === "bool" ? given : "f32";
    tensors.set(name, { element, shape, data: Float64Array.from(numbers) });
  }
  const at = (name: string) => {
    const found = tensors.get(name);
    if (found === undefined) throw new Error(`${name} is not there any more`);
    return found;
  };
  for (const step of plan.steps) {
    if ("kernel" in step) {
      const region = regions.find(({ name }) => name === step.kernel) as NormRegion;
      for (const [name, tensor] of runRegion(result, region, at)) tensors.set(name, tensor);
    } else {
      const given = step.inputs.map((name) => {
        const element = elementOf[plan.tensors[name]?.type ?? ""] as OnnxElement;
        return [name, { element, shape: at(name).shape, numbers: at(name).data as Float64Array }] as const;
      });
      const made = await runOnnx(written.get(step.run) as Uint8Array, Object.fromEntries(given));
      expect(Object.keys(made).sort()).toEqual([...step.outputs].sort());
      for (const [name, tensor] of Object.entries(made)) tensors.set(name, tensor);
    }
    for (const name of step.frees) tensors.delete(name);
  }
  return tensors;
}

async function expectSame(bytes: Uint8Array, feeds: Record<string, Feed>, tolerance = 2e-5) {
  const cut = cutOf(bytes);
  const got = await runCut(cut, feeds);
  const want = await runOnnx(bytes, feeds);
  // Only inputs and outputs are left.
  const passed = new Set([...cut.plan.inputs, ...cut.plan.outputs]);
  expect([...got.keys()].filter((name) => !passed.has(name))).toEqual([]);
  for (const [name, tensor] of Object.entries(want)) expectNear(got.get(name), tensor, tolerance);
  const whole = fromBinary(ModelProtoSchema, bytes);
  for (const piece of cut.written.values()) expectPiece(fromBinary(ModelProtoSchema, piece), whole);
  return cut;
}

/** Its weights are those that it reads, its inputs and outputs have types, and the rest is the whole model's. */
function expectPiece(piece: ModelProto, whole: ModelProto) {
  const { graph: _, ...rest } = piece;
  const { graph: __, ...all } = whole;
  expect(rest).toEqual(all);
  const graph = piece.graph as NonNullable<ModelProto["graph"]>;
  const inBranches = graph.node.flatMap(({ attribute }) => attribute.flatMap(({ g }) => g?.node ?? []));
  const read = new Set([
    ...[...graph.node, ...inBranches].flatMap(({ input }) => input),
    ...graph.output.map(({ name }) => name),
  ]);
  expect(graph.initializer.map(({ name }) => name).filter((name) => !read.has(name))).toEqual([]);
  for (const { type } of [...graph.input, ...graph.output]) expect(type?.value.case).toBe("tensorType");
}

/** Made up for the inputs of a model; every name is an extent of 3. */
function feedsOf(bytes: Uint8Array): Record<string, Feed> {
  const { graph } = fromBinary(ModelProtoSchema, bytes);
  const elements = Object.fromEntries(Object.entries(onnxType).map(([name, number]) => [number, name as OnnxElement]));
  return Object.fromEntries(
    (graph?.input ?? []).map(({ name, type }, i) => {
      if (type?.value.case !== "tensorType") throw new Error(`${name} is no tensor`);
      const { elemType, shape } = type.value.value;
      const dims = shape?.dim.map(({ value }) => (value.case === "dimValue" ? Number(value.value) : 3)) ?? [];
      const element = elements[elemType] as OnnxElement;
      const numbers = spread(elementCount(dims), i + 5).map((x) => (element === "f32" ? x : Number(x > 0)));
      return [name, { element, shape: dims, numbers }];
    }),
  );
}

const folder = new URL("models/", import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith(".onnx"));

test.each(files)("%s", async (name) => {
  const bytes = readFileSync(new URL(name, folder));
  const feeds = feedsOf(bytes);
  const want = await runOnnx(bytes, feeds).catch((reason) => String(reason));
  if (typeof want === "string") return expect(want).toContain("onnxruntime cannot run it");
  await expectSame(bytes, feeds);
});

test("blocks of a transformer whose heads are cut by shapes that nodes compute", async () => {
  const blocks = new Graph();
  const width = 8;
  let x = "x";
  for (let block = 0; block < 2; block++) {
    x = blocks.add(x, blocks.attention(blocks.expandedNorm(x, width), width, 2));
    const up = blocks.geluErf(blocks.dense(blocks.expandedNorm(x, width), width, 2 * width));
    x = blocks.add(x, blocks.dense(up, 2 * width, width));
  }
  const y = blocks.expandedNorm(x, width);
  const stream = { element: "f32", shape: ["batch", "tokens", width] } as const;
  const parts = { inputs: { x: stream }, outputs: { [y]: stream }, weights: blocks.weights, nodes: blocks.nodes };
  const bytes = onnxModel({ ...parts, opset: 11 });
  const shape = [2, 3, width];
  const { regions, plan, written } = await expectSame(bytes, {
    x: { element: "f32", shape, numbers: spread(elementCount(shape)) },
  });
  expect([regions.length, plan.steps.length]).toEqual([5, 9]);
  const nodes = [...written.values()].flatMap((piece) => fromBinary(ModelProtoSchema, piece).graph?.node ?? []);
  const names = nodes.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  // No norm remains; the other ops need no means.
  expect(nodes.filter(({ opType }) => opType === "ReduceMean")).toEqual([]);
});

const row = { element: "f32", shape: ["rows", 4] } as const;

const weights = { g: weight("f32", [4], 1, 2, 3, 4), w: weight("f32", [4, 4], ...spread(16)) };
const feed = (seed: number): Feed => ({ element: "f32", shape: [3, 4], numbers: spread(12, seed) });

test("constants and inputs that are returned, and nodes that stand in another order", async () => {
  const bytes = onnxModel({
    inputs: { x: row },
    outputs: { y: row, g: { element: "f32", shape: [4] }, x: row },
    weights,
    nodes: [
      node("Add", ["x", "p"], ["h"]),
      node("SimplifiedLayerNormalization", ["h", "g"], ["n"]),
      node("MatMul", ["n", "w"], ["y"]),
      node("MatMul", ["x", "w"], ["p"]),
    ],
  });
  const { plan } = cutOf(bytes);
  expect(plan.steps.map((step) => [step.inputs, step.outputs, step.frees])).toEqual([
    [["x"], ["p", "g"], []],
    [["x", "p"], ["n"], ["p"]],
    [["n"], ["y"], ["n"]],
  ]);
});

test("branches that take a norm and a weight from around them", async () => {
  const branch = (op: string, ...inputs: string[]) =>
    graph({ name: op, outputs: { [op]: { element: "f32", shape: ["rows", 4] } }, nodes: [node(op, inputs, [op])] });
  const attributes = { then_branch: branch("MatMul", "n", "w"), else_branch: branch("Neg", "n") };
  const bytes = onnxModel({
    inputs: { x: row, r: row },
    outputs: { y: row },
    weights: { ...weights, half: weight("f32", [], 0.5) },
    nodes: [
      node("Add", ["x", "r"], ["h"]),
      node("SimplifiedLayerNormalization", ["h", "g"], ["n"]),
      node("ReduceMax", ["x"], ["largest"], { attributes: { keepdims: 0 } }),
      node("Greater", ["largest", "half"], ["is_large"]),
      node("If", ["is_large"], ["z"], { attributes }),
      node("Add", ["z", "h"], ["y"]),
    ],
  });
  const { plan, regions } = await expectSame(bytes, { x: feed(1), r: feed(2) });
  expect(regions.map(({ outputs }) => outputs)).toEqual([["h", "n"]]);
  expect(plan.steps.at(-1)?.inputs.toSorted()).toEqual(["h", "is_large", "n"]);
});

test("integers of 64 bits and halves are passed on as what they are", async () => {
  const halves = { element: "f16", shape: ["rows", 4] } as const;
  const bytes = onnxModel({
    inputs: { x: halves },
    outputs: { y: { element: "f16", shape: ["rows", 2, 2] } },
    weights: {
      g: weight("f16", [4], 1, 2, 3, 4),
      cut: weight("i64", [2], 2, 2),
      first: weight("i64", [1], 0),
      one: weight("i64", [1], 1),
      axis: weight("i64", [], 1),
    },
    nodes: [
      node("Shape", ["x"], ["shape"]),
      node("Slice", ["shape", "first", "one"], ["rows"]),
      node("Concat", ["rows", "cut"], ["wanted"], { attributes: { axis: 0 } }),
      node("SimplifiedLayerNormalization", ["x", "g"], ["n"]),
      node("CumSum", ["n", "axis"], ["c"]),
      node("Reshape", ["c", "wanted"], ["y"]),
    ],
  });
  const numbers = spread(12, 1).map(roundToFloat16);
  const { plan } = await expectSame(bytes, { x: { element: "f16", shape: [3, 4], numbers } }, 4e-3);
  expect(Object.entries(plan.tensors).map(([name, { type }]) => [name, type])).toContainEqual(["wanted", "int64"]);
  expect(plan.tensors.n?.type).toBe("float16");
});

test("weights in a file beside the model are in the pieces that need them", async () => {
  const { w, ...inside } = weights;
  const external = create(TensorProtoSchema, {
    ...{ name: "w", dims: [4n, 4n], dataType: onnxType.f32, dataLocation: Location.EXTERNAL },
    externalData: [{ key: "location", value: "m.data" }],
  });
  const nodes = [node("SimplifiedLayerNormalization", ["x", "g"], ["n"]), node("MatMul", ["n", "w"], ["y"])];
  const parts = { inputs: { x: row }, outputs: { y: row }, nodes };
  const model = new OnnxModel(
    bytesInMemory("m.onnx", onnxModel({ ...parts, weights: inside, tensors: [external] })),
    () => bytesInMemory("m.data", rawBytes(w)),
  );
  const result = importModel(model, "m.onnx");
  const { regions } = normRegions(model, result);
  const { pieces } = cutModel(model, result, regions);
  const [piece] = pieces.map((one) => Buffer.concat([...bytesOf(model.reader.source, pieceOfModel(model, one))]));
  const n = feed(3);
  expect(await runOnnx(piece as Uint8Array, { n })).toEqual(
    await runOnnx(onnxModel({ ...parts, inputs: { n: row }, weights, nodes: nodes.slice(1) }), { n }),
  );
});

test("tensors of types that the language lacks are passed on", async () => {
  const bytes = onnxModel({
    inputs: { x: row },
    outputs: { y: { element: "f64", shape: ["rows", 4] } },
    weights,
    nodes: [
      node("Cast", ["x"], ["wide"], { attributes: { to: onnxType.f64 } }),
      node("SimplifiedLayerNormalization", ["x", "g"], ["n"]),
      node("Cast", ["n"], ["m"], { attributes: { to: onnxType.f64 } }),
      node("Add", ["wide", "m"], ["y"]),
    ],
  });
  const { plan } = await expectSame(bytes, { x: feed(1) });
  expect(plan.tensors.wide).toEqual({ type: "float64", shape: ["rows", 4] });
});

test("a tensor of which nothing says what it is", () => {
  const bytes = onnxModel({
    inputs: { x: row },
    outputs: { y: row },
    weights,
    nodes: [
      node("Riddle", ["x"], ["r"], { domain: "org.example" }),
      node("SimplifiedLayerNormalization", ["x", "g"], ["n"]),
      node("Puzzle", ["n", "r"], ["y"], { domain: "org.example" }),
    ],
  });
  expect(() => cutOf(bytes)).toThrow("the element type of `r` is unknown");
});
