/** Models written with the published schema and read by our decoder: their contents, and the errors of invalid ones. */

import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { TensorProto_DataLocation as Location, TensorProtoSchema } from "onnx-buf";
import { describe, expect, test } from "vitest";
import { TircError } from "../../src/diagnostics/diagnostic.ts";
import { toFloat16Bits } from "../../src/ir/float16.ts";
import { type ByteSource, bytesInMemory } from "../../src/onnx/bytes.ts";
import { OnnxModel } from "../../src/onnx/model.ts";
import { temporaryFolder } from "../support/built.ts";
import { diagnosticsOf } from "../support/diagnostics.ts";
import { graph, type ModelParts, node, onnxModel, onnxType, weight } from "../support/onnx.ts";

/** The help of models that are broken. */
const checker =
  "\nhelp: `onnx.checker.check_model(path)` checks a whole model; export it again with the program that wrote it";

const none = () => {
  throw new Error("no file beside the model");
};

const open = (bytes: Uint8Array, external: (location: string) => ByteSource = none) =>
  new OnnxModel(bytesInMemory("m.onnx", bytes), external);

const read = (parts: ModelParts, external?: (location: string) => ByteSource) => open(onnxModel(parts), external);

const numbersOf = (model: OnnxModel, name: string) => [...(model.numbers(name)?.numbers ?? [])];

describe("tensors", () => {
  const values = [1, -2, 0.5, 4];
  test.each([
    [weight("f32", [4], ...values), values],
    [weight("f16", [2, 2], ...values), values],
    [weight("f64", [4], ...values), values],
    [weight("i64", [3], 2, -1, 2 ** 40), [2, -1, 2 ** 40]],
    [weight("i32", [2], -(2 ** 31), 7), [-(2 ** 31), 7]],
    [weight("u32", [1], 2 ** 32 - 1), [2 ** 32 - 1]],
    [weight("u8", [2], 0, 255), [0, 255]],
    [weight("bool", [], 1), [1]],
    [weight("f32", [0, 3]), []],
  ])("in raw bytes: %o", (given, expected) => {
    const tensor = read({ weights: { w: given } }).numbers("w");
    expect([...(tensor?.numbers ?? [])]).toEqual(expected);
    expect(tensor?.shape).toEqual(given.dims);
  });

  test.each([
    ["floatData", { dataType: onnxType.f32, floatData: values }, values],
    ["doubleData", { dataType: onnxType.f64, doubleData: values }, values],
    ["int32Data", { dataType: onnxType.i32, int32Data: [1, -2, 3, 4] }, [1, -2, 3, 4]],
    ["int32Data as halves", { dataType: onnxType.f16, int32Data: values.map(toFloat16Bits) }, values],
    ["int64Data", { dataType: onnxType.i64, int64Data: [1n, -2n, 3n, 2n ** 50n] }, [1, -2, 3, 2 ** 50]],
    ["int32Data as bytes of floats", { dataType: onnxType.f8e4m3, int32Data: [0x38, 0xc0, 0x30, 0x48] }, values],
    ["int32Data as booleans", { dataType: onnxType.bool, int32Data: [1, 0, 2, 0] }, [1, 0, 1, 0]],
    ["uint64Data beyond 2^63", { dataType: 13, uint64Data: [2n ** 63n, 0n, 1n, 2n] }, [2 ** 63, 0, 1, 2]],
    ["uint64Data", { dataType: onnxType.u32, uint64Data: [1n, 2n, 3n, 4294967295n] }, [1, 2, 3, 4294967295]],
  ])("in %s", (_field, data, expected) => {
    const tensor = create(TensorProtoSchema, { name: "w", dims: [4n], ...data });
    expect(numbersOf(read({ tensors: [tensor] }), "w")).toEqual(expected);
  });

  test("of Constant nodes, in each of their forms", () => {
    const constant = (name: string, attributes: object) =>
      node("Constant", [], [name], { attributes: { ...attributes } });
    const model = read({
      nodes: [
        constant("tensor", { value: weight("i64", [2], 3, -1) }),
        constant("single", { value_float: 0.25 }),
        constant("whole", { value_int: -7 }),
        constant("list", { value_ints: [1, 2, 3] }),
      ],
    });
    expect(model.tensorNames).toEqual(["tensor", "single", "whole", "list"]);
    expect(model.tensorNames.map((name) => numbersOf(model, name))).toEqual([[3, -1], [0.25], [-7], [1, 2, 3]]);
    expect(model.tensorNames.map((name) => model.tensorType(name)?.dims)).toEqual([[2], [], [], [3]]);
  });
});

describe("weights in other files", () => {
  const external = (entries: Record<string, string>, dims = [2]) =>
    create(TensorProtoSchema, {
      name: "w",
      dims: dims.map(BigInt),
      dataType: onnxType.f32,
      dataLocation: Location.EXTERNAL,
      externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
    });
  const file = new Uint8Array(Float32Array.of(9, 1.5, -3).buffer);
  const open = (location: string) => bytesInMemory(location, file);

  test("are read from their offset", () => {
    const tensors = [external({ location: "data/w.bin", offset: "4", length: "8" })];
    expect(numbersOf(read({ tensors }, open), "w")).toEqual([1.5, -3]);
  });

  test.each([
    [{}, "its `external_data` has no `location`"],
    [{ location: "../w.bin" }, "its data is in ../w.bin, which is not in the model's folder"],
    [{ location: "/etc/passwd" }, "its data is in /etc/passwd, which is not in the model's folder"],
    [{ location: "C:\\w.bin" }, "its data is in C:\\w.bin, which is not in the model's folder"],
    [{ location: "w.bin", offset: "8" }, "its data ends at byte 16 of w.bin, which has 12 bytes"],
    [{ location: "w.bin", offset: "-4" }, "its offset is -4"],
    [{ location: "w.bin", offset: "1e3" }, "its offset is 1e3"],
  ])("%o", (entries, reason) => {
    const model = read({ tensors: [external(entries as Record<string, string>)] }, open);
    expect(diagnosticsOf(() => model.numbers("w"))).toEqual([
      `E0746: the data of \`w\` of m.onnx cannot be read: ${reason}${checker}`,
    ]);
  });

  test("of another length than the shape says", () => {
    const model = read({ tensors: [external({ location: "w.bin", length: "12" })] }, open);
    expect(diagnosticsOf(() => model.numbers("w"))).toEqual([
      `E0745: the tensor \`w\` of w.bin cannot be read: FLOAT of shape [2] needs 8 bytes, but it has 12${checker}`,
    ]);
  });

  test("beyond 2 GiB: only what is wanted is read", () => {
    const path = join(temporaryFolder(), "w.bin");
    const offset = 3 * 2 ** 30;
    const handle = openSync(path, "w+");
    ftruncateSync(handle, offset + 8);
    writeSync(handle, new Uint8Array(Float32Array.of(2, 4).buffer), 0, 8, offset);
    let most = 0;
    const big: ByteSource = {
      name: "w.bin",
      size: fstatSync(handle).size,
      read: (start, length) => {
        most = Math.max(most, length);
        const bytes = new Uint8Array(length);
        readSync(handle, bytes, 0, length, start);
        return bytes;
      },
    };
    const tensors = [external({ location: "w.bin", offset: String(offset) })];
    expect(
      numbersOf(
        read({ tensors }, () => big),
        "w",
      ),
    ).toEqual([2, 4]);
    expect(most).toBe(8);
    closeSync(handle);
  });
});

test("what a model holds is not read before it is wanted", () => {
  const bytes = onnxModel({
    weights: { w: { element: "f32", dims: [1 << 20], numbers: new Array<number>(1 << 20).fill(1) } },
  });
  let count = 0;
  const source: ByteSource = {
    name: "m.onnx",
    size: bytes.length,
    read: (start, length) => {
      count += length;
      return bytes.subarray(start, start + length);
    },
  };
  const model = new OnnxModel(source, none);
  expect(count).toBeLessThan(200_000);
  expect(model.numbers("w")?.numbers.length).toBe(1 << 20);
});

describe("the order of the nodes", () => {
  const x = { x: { element: "f32", shape: [2] } } as const;

  test("is that of the file where each comes after what it takes", () => {
    const nodes = [node("Relu", ["x"], ["a"]), node("Tanh", ["x"], ["b"]), node("Add", ["a", "b"], ["y"])];
    expect(read({ inputs: x, nodes }).order.map(({ opType }) => opType)).toEqual(["Relu", "Tanh", "Add"]);
  });

  test("else is made", () => {
    const nodes = [node("Add", ["a", "b"], ["y"]), node("Tanh", ["a"], ["b"]), node("Relu", ["x"], ["a"])];
    expect(read({ inputs: x, nodes }).order.map(({ opType }) => opType)).toEqual(["Relu", "Tanh", "Add"]);
  });

  test("counts what a graph inside of a node takes from around it", () => {
    const branch = graph({
      nodes: [node("Add", ["late", "x"], ["inner"])],
      outputs: { inner: { element: "f32" } },
    });
    const nodes = [
      node("If", ["x"], ["y"], { attributes: { then_branch: branch, else_branch: branch } }),
      node("Relu", ["x"], ["late"]),
    ];
    const model = read({ inputs: x, nodes });
    expect(model.order.map(({ opType }) => opType)).toEqual(["Relu", "If"]);
    expect(model.namesTaken(model.order[1] as (typeof model.order)[0])).toEqual(["x", "late"]);
  });
});

describe("models that are not sound", () => {
  const x = { x: { element: "f32", shape: [2] } } as const;
  const refused = (parts: ModelParts) => diagnosticsOf(() => read({ inputs: x, ...parts }));

  test("a tensor that nothing makes", () => {
    expect(refused({ nodes: [node("Add", ["x", "w"], ["y"], { name: "add_0" })] })).toEqual([
      `E0742: nothing in m.onnx defines \`w\`, which add_0 (Add) reads${checker}`,
    ]);
    expect(refused({ outputs: { y: { element: "f32" } } })).toEqual([
      `E0742: nothing in m.onnx defines \`y\`, which the graph reads${checker}`,
    ]);
  });

  test("a ring", () => {
    const nodes = [node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"]), node("Tanh", ["b"], ["y"])];
    const [message] = refused({ nodes });
    expect(message).toMatch(/^E0743: nodes of m.onnx form a cycle: node \d \(\w+\), node \d \(\w+\)\n/);
    expect(message).not.toContain("Tanh");
  });

  test("a long ring is named in a few words", () => {
    const count = 20_000;
    const nodes = Array.from({ length: count }, (_, i) => node("Relu", [`t${i}`], [`t${(i + 1) % count}`]));
    expect(refused({ nodes })[0]?.split("\n")[0]?.length).toBeLessThan(200);
  });

  test("a name made twice", () => {
    expect(refused({ nodes: [node("Relu", ["x"], ["y"]), node("Tanh", ["x"], ["y"])] })).toEqual([
      `E0744: \`y\` is defined twice in m.onnx${checker}`,
    ]);
  });

  test.each([8, 24, 0])("operator set %i", (opset) => {
    expect(refused({ opset })[0]).toMatch(
      `E0741: m.onnx uses operator set ${opset} of ONNX, but sets 9 to 23 are supported`,
    );
  });

  test("graphs that nest without an end", () => {
    let inner = graph({});
    for (let i = 0; i < 40; i++) inner = graph({ nodes: [node("If", [], [], { attributes: { then_branch: inner } })] });
    expect(refused({ nodes: [node("If", ["x"], [], { attributes: { then_branch: inner } })] })[0]).toMatch(
      /^E0740: m.onnx is not a valid ONNX model: at byte \d+, graphs nest more than 32 deep/,
    );
  });

  test.each([
    ["more dimensions than numbers", { dims: [2n ** 40n], floatData: [1] }, "it has 1099511627776 elements"],
    ["a negative dimension", { dims: [-2n], floatData: [1] }, "it has the extent -2"],
    ["too few numbers", { dims: [3n], floatData: [1, 2] }, "its shape [3] has 3 elements, but it holds 2"],
    ["too many numbers", { dims: [1n], floatData: [1, 2] }, "its shape [1] has 1 elements, but it holds more"],
    [
      "raw bytes that are too few",
      { dims: [2n], rawData: new Uint8Array(7) },
      "FLOAT of shape [2] needs 8 bytes, but it has 7",
    ],
    [
      "room for what is not there",
      { dims: [2n ** 27n], floatData: [1] },
      "its shape [134217728] has 134217728 elements, but it holds fewer",
    ],
  ])("a tensor with %s", (_what, data, reason) => {
    const model = read({ tensors: [create(TensorProtoSchema, { name: "w", dataType: 1, ...data })] });
    expect(diagnosticsOf(() => model.numbers("w"))[0]).toMatch(
      `E0745: the tensor \`w\` of m.onnx cannot be read: ${reason}`,
    );
  });

  test("a type that is not read", () => {
    const model = read({ tensors: [create(TensorProtoSchema, { name: "w", dataType: 8, dims: [1n] })] });
    expect(diagnosticsOf(() => model.numbers("w"))[0]).toMatch("E0662: `w` in m.onnx holds `STRING`");
  });

  test("no model at all", () => {
    expect(diagnosticsOf(() => open(new Uint8Array()))[0]).toMatch(
      "E0740: m.onnx is not an ONNX model: it has no graph",
    );
    expect(diagnosticsOf(() => open(new TextEncoder().encode("PK\x03\x04 hello")))[0]).toMatch("E0740");
  });

  const whole = onnxModel({
    inputs: x,
    outputs: { y: { element: "f32", shape: [2] } },
    weights: { w: weight("f32", [2], 1, 2), unused: weight("i64", [1], 3) },
    nodes: [node("Add", ["x", "w"], ["a"]), node("Softmax", ["a"], ["y"], { attributes: { axis: -1 } })],
  });

  /** Reads everything there is. */
  function readAll(bytes: Uint8Array): void {
    try {
      const model = open(bytes);
      for (const name of model.tensorNames) model.numbers(name);
      for (const one of model.order) for (const key of one.attributes.keys()) model.attribute(one, key)?.integer;
    } catch (caught) {
      if (!(caught instanceof TircError)) throw caught;
    }
  }

  test("cut off anywhere, it is refused or is a model", () => {
    for (let length = 0; length < whole.length; length++) readAll(whole.subarray(0, length));
    const cut = diagnosticsOf(() => open(whole.subarray(0, whole.length - 20)));
    expect(cut[0]).toMatch(
      /^E0740: m.onnx is not a valid ONNX model: at byte \d+, a field has a length of \d+ bytes, and only \d+ are left/,
    );
  });

  test("with any bytes changed, it is refused or is a model", () => {
    const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const bytes = whole.slice();
        for (const [at, byte] of changes) bytes[at] = byte;
        readAll(bytes);
      }),
      { numRuns: 2000 },
    );
  });
});
