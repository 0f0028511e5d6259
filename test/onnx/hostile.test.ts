/** Models with an invalid graph or invalid shapes are rejected, or imported as a valid module. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TircError } from "../../src/diagnostics/diagnostic.ts";
import { print } from "../../src/ir/print.ts";
import { verifyFn } from "../../src/ir/verify.ts";
import { bytesInMemory } from "../../src/onnx/bytes.ts";
import { importModel } from "../../src/onnx/import.ts";
import { OnnxModel } from "../../src/onnx/model.ts";
import { parse } from "../../src/parse/parse.ts";
import { expectLinear } from "../support/counted-work.ts";
import { imported, opsOf } from "../support/import-onnx.ts";
import { type ModelParts, type NodeParts, node, onnxModel, weight } from "../support/onnx.ts";

const none = () => {
  throw new TircError([]);
};

/** Imports what can be; what comes of it must be sound, and read back. */
function importSoundly(bytes: Uint8Array): "refused" | "imported" {
  try {
    const { module } = importModel(new OnnxModel(bytesInMemory("m.onnx", bytes), none), "m.onnx");
    expect(module.fns.flatMap(verifyFn)).toEqual([]);
    const text = print(module);
    expect(print(parse(text))).toBe(text);
    return "imported";
  } catch (caught) {
    if (!(caught instanceof TircError)) throw caught;
    return "refused";
  }
}

const i64 = (...numbers: number[]) => weight("i64", [numbers.length], ...numbers);

const rich: ModelParts = {
  opset: 13,
  inputs: { x: { element: "f32", shape: ["n", 4, 6] }, ids: { element: "i64", shape: ["n"] } },
  outputs: { y: { element: "f32", shape: ["n", 24] }, e: { element: "f32" } },
  weights: {
    k: weight("f32", [2, 4, 1], 1, 2, 3, 4, 5, 6, 7, 8),
    to: i64(0, -1),
    from: i64(1),
    end: i64(2),
    table: weight("f32", [3, 2], 1, 2, 3, 4, 5, 6),
    two: weight("f32", [], 2),
  },
  nodes: [
    node("Conv", ["x", "k"], ["c"], { name: "conv", attributes: { strides: [2], kernel_shape: [1] } }),
    node("Shape", ["x"], ["s"]),
    node("Slice", ["s", "from", "end"], ["w"]),
    node("Pow", ["x", "two"], ["p"]),
    node("ReduceMean", ["p"], ["m"], { attributes: { axes: [-1], keepdims: 1 } }),
    node("Div", ["x", "m"], ["d"]),
    node("Softmax", ["d"], ["q"], { attributes: { axis: 1 } }),
    node("Reshape", ["q", "to"], ["y"]),
    node("Gather", ["table", "ids"], ["e"], { attributes: { axis: 0 } }),
  ],
};

test("a model with any bytes changed", () => {
  const whole = onnxModel(rich);
  expect(importSoundly(whole)).toBe("imported");
  const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
  const seen = { refused: 0, imported: 0 };
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
      const bytes = whole.slice();
      for (const [at, byte] of changes) bytes[at] = byte;
      seen[importSoundly(bytes)]++;
    }),
    { numRuns: 400 },
  );
  expect(seen.refused).toBeGreaterThan(20);
  expect(seen.imported).toBeGreaterThan(20);
});

describe("a node that its op does not allow is kept", () => {
  const x = { element: "f32", shape: ["n", 4, 6] } as const;
  test.each<[string, string, readonly string[], NodeParts["attributes"]]>([
    ["an axis that is not there", "Softmax", ["x"], { axis: 7 }],
    ["axes twice", "ReduceMean", ["x"], { axes: [1, 1] }],
    ["a permutation of other axes", "Transpose", ["x"], { perm: [0, 1] }],
    ["a shape of other size", "Reshape", ["x", "five"], {}],
    ["two extents to be found", "Reshape", ["x", "open"], {}],
    ["an extent beyond all bounds", "Expand", ["x", "huge"], {}],
    ["shapes that do not broadcast", "Add", ["x", "w"], {}],
    ["no input at all", "Relu", [], {}],
    ["rows that do not fit the table", "Gather", ["x", "index"], { axis: 1 }],
    ["groups that do not divide", "GroupNormalization", ["x", "w", "w"], { num_groups: 3 }],
    ["no number for the axis that is cut", "Slice", ["x", "index", "five", "zero"], {}],
    ["steps", "Slice", ["x", "zero", "index", "index", "two"], {}],
    ["a type that the language lacks", "Cast", ["x"], { to: 11 }],
    ["a sign that is the divisor's", "Mod", ["x", "x"], {}],
  ])("%s", (_what, op, inputs, attributes = {}) => {
    const weights = {
      ...{ five: i64(5), open: i64(-1, -1), huge: i64(2 ** 40, 1, 1, 1), index: i64(9), zero: i64(0), two: i64(2) },
      w: weight("f32", [5], 1, 2, 3, 4, 5),
    };
    const bytes = onnxModel({
      opset: 17,
      inputs: { x },
      outputs: { y: { element: "f32" } },
      weights,
      nodes: [node(op, inputs, ["y"], { attributes })],
    });
    const { fn, remarks } = imported(bytes);
    expect(opsOf(fn)).toEqual([`extern ${op}`]);
    expect(remarks[0]?.code).toBe("R0701");
  });
});

test("names of all kinds are names of the language, each its own", () => {
  const names = ["a b", "a_b", "a.b", "1", "fn", "f32", "", "ä", "a_b_1", "let"];
  const inputs = Object.fromEntries(
    names.map((name) => [name, { element: "f32", shape: ["d 0", "d_0", "7up"] } as const]),
  );
  const bytes = onnxModel({
    name: "return",
    inputs,
    outputs: { "a b": { element: "f32" }, "a.b": { element: "f32" }, out: { element: "f32" } },
    weights: { 'quo"te\n': weight("f32", [2], 1, 2) },
    nodes: [node('O"p', ["a b", 'quo"te\n'], ["out"], { name: 'na"me\n' })],
  });
  const { fn, module, tensors } = imported(bytes);
  expect(new Set(fn.params.map(({ name }) => name)).size).toBe(names.length);
  for (const param of fn.params) expect(names).toContain(tensors.get(param));
  expect(new Set(tensors.values()).size).toBe(tensors.size);
  expect(fn.params[0]?.shape).toEqual(["d_0", "d_0_1", "v_7up"]);
  expect(print(module)).toContain('load("model.onnx", "quo%22te%0a")');
});

test("a chain of many nodes is imported in linear work", () => {
  const modelOf = (count: number) =>
    onnxModel({
      inputs: { t0: { element: "f32", shape: [2] } },
      outputs: { [`t${count}`]: { element: "f32" } },
      nodes: Array.from({ length: count }, (_, i) => node(i % 2 === 0 ? "Relu" : "Foo", [`t${i}`], [`t${i + 1}`])),
    });
  const read = (bytes: Uint8Array) => importModel(new OnnxModel(bytesInMemory("m.onnx", bytes), none), "m.onnx");
  expect(read(modelOf(20_000)).module.fns[0]?.ops.length).toBe(20_000);
  expectLinear(500, modelOf, read);
});
