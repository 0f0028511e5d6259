/** Tensors of bytes and of bf16 in models: they keep their types, and results are those of onnxruntime. */

import { describe, expect, test } from "vitest";
import { compile } from "../../src/driver/compile.ts";
import { printType } from "../../src/ir/types.ts";
import { expectSameAsOnnxruntime, imported, opsOf } from "../support/import-onnx.ts";
import { type Declared, node, type OnnxElement, onnxModel, spread, type Weight, weight } from "../support/onnx.ts";
import { runOnnx } from "../support/onnxruntime.ts";
import { operated } from "../support/surgery.ts";

const shape = [3, 4];
const x = { element: "f32", shape, numbers: spread(12).map((value) => value * 100) } as const;
const bytes = Array.from({ length: 12 }, (_, i) => (i * 37) % 128);

interface Model {
  readonly nodes: readonly ReturnType<typeof node>[];
  readonly outputs: Readonly<Record<string, OnnxElement>>;
  readonly input?: { readonly element: OnnxElement; readonly numbers: readonly number[] };
  readonly weights?: Readonly<Record<string, Weight>>;
}

const modelOf = ({ nodes, outputs, input = x, weights = {} }: Model) =>
  onnxModel({
    opset: 17,
    inputs: { x: { element: input.element, shape } },
    outputs: Object.fromEntries(
      Object.entries(outputs).map(([name, element]): [string, Declared] => [name, { element }]),
    ),
    weights,
    nodes,
  });

/** Bytes are whole numbers: they are equal, or off by a whole step. */
const exactly = (model: Model) =>
  expectSameAsOnnxruntime(modelOf(model), { x: { shape, ...(model.input ?? x) } }, 1e-7);

const scales = { s: weight("f32", [4], 0.5, 0.25, 1, 2) };

describe("QuantizeLinear and DequantizeLinear", () => {
  const kinds: readonly (readonly [string, Weight, Weight | undefined, OnnxElement])[] = [
    ["bytes without a sign, which are what there is without a zero point", weight("f32", [], 0.75), undefined, "u8"],
    ["bytes without a sign", weight("f32", [], 0.75), weight("u8", [], 128), "u8"],
    ["bytes with a sign", weight("f32", [], 0.75), weight("i8", [], -3), "i8"],
    ["a scale for each column", scales.s, weight("i8", [4], 0, 1, -2, 3), "i8"],
    ["a scale in a list of one", weight("f32", [1], 0.75), weight("u8", [1], 7), "u8"],
  ];
  test.each(kinds)("%s", async (_, s, z, element) => {
    const inputs = ["s", ...(z === undefined ? [] : ["z"])];
    const { fn, remarks } = await exactly({
      nodes: [node("QuantizeLinear", ["x", ...inputs], ["q"]), node("DequantizeLinear", ["q", ...inputs], ["y"])],
      outputs: { q: element, y: "f32" },
      weights: { s, ...(z !== undefined && { z }) },
    });
    expect(remarks).toEqual([]);
    expect(fn.results.map(({ value }) => printType(value.type))).toEqual([`${element}[3, 4]`, "f32[3, 4]"]);
  });

  test("halves to the even number, and what is beyond the end of the type its end", async () => {
    const input = { element: "f32", numbers: [0.5, 1.5, 2.5, -0.5, 127.5, 128, 1e9, -1e9, 255.5, 3, -129, 0] } as const;
    const nodes = [node("QuantizeLinear", ["x", "s", "z"], ["q"])];
    await exactly({ nodes, outputs: { q: "i8" }, input, weights: { s: weight("f32", [], 1), z: weight("i8", [], 0) } });
    await exactly({ nodes, outputs: { q: "u8" }, input, weights: { s: weight("f32", [], 1), z: weight("u8", [], 1) } });
  });

  test("a scale for each row of weights", async () => {
    const { fn } = await exactly({
      nodes: [
        node("DequantizeLinear", ["w", "s", "z"], ["d"], { attributes: { axis: 0 } }),
        node("Mul", ["x", "d"], ["y"]),
      ],
      outputs: { y: "f32" },
      weights: {
        w: weight("i8", shape, ...bytes.map((byte) => byte - 64)),
        s: weight("f32", [3], 0.5, 0.25, 1),
        z: weight("i8", [3], 0, -5, 7),
      },
    });
    expect(opsOf(fn)).not.toContain("extern DequantizeLinear");
  });

  test("integers of 32 bits, as products of bytes are", async () => {
    await exactly({
      nodes: [node("DequantizeLinear", ["x", "s"], ["y"], { attributes: { axis: 1 } })],
      outputs: { y: "f32" },
      input: { element: "i32", numbers: bytes.map((byte) => byte * 1000 - 5000) },
      weights: scales,
    });
  });

  test("what is quantized is one kernel, from floats to floats", () => {
    const { module } = imported(
      modelOf({
        nodes: [node("QuantizeLinear", ["x", "s", "z"], ["q"]), node("DequantizeLinear", ["q", "s", "z"], ["y"])],
        outputs: { y: "f32" },
        weights: { s: weight("f32", [], 0.75), z: weight("i8", [], 3) },
      }),
    );
    expect(compile(module).kernels).toHaveLength(1);
  });
});

describe("DynamicQuantizeLinear", () => {
  test.each([
    ["numbers of both signs", x.numbers],
    ["positive ones", x.numbers.map(Math.abs)],
    ["negative ones", x.numbers.map((value) => -Math.abs(value))],
    ["zeros", x.numbers.map(() => 0)],
  ])("%s", async (_, numbers) => {
    const { fn, remarks } = await exactly({
      nodes: [node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"])],
      outputs: { q: "u8", s: "f32", z: "u8" },
      input: { element: "f32", numbers },
    });
    expect(remarks).toEqual([]);
    expect(fn.results.map(({ value }) => printType(value.type))).toEqual(["u8[3, 4]", "f32", "u8"]);
  });
});

describe("Cast", () => {
  const whole = [0, 1, 127, 128, 200, 255, 256, 300, -1, -128, -129, 70000];
  test.each<[OnnxElement, OnnxElement, readonly number[]]>([
    ["i32", "u8", whole],
    ["i32", "i8", whole],
    ["i64", "i8", whole],
    ["u8", "i8", whole.map((value) => value & 255)],
    ["i8", "u8", whole.map((value) => (value & 255) - 128)],
    ["i8", "f32", whole.map((value) => (value & 255) - 128)],
    ["u8", "i32", whole.map((value) => value & 255)],
    ["f32", "u8", [0, 1.5, 254.9, 255, 3, 4, 5, 6, 7, 8, 9, 10]],
    ["bool", "u8", whole.map((value) => value & 1)],
  ])("of %s to %s", async (element, to, numbers) => {
    const { fn } = await exactly({
      nodes: [node("Cast", ["x"], ["y"], { attributes: { to: { f32: 1, u8: 2, i8: 3, i32: 6 }[to as "u8"] } })],
      outputs: { y: to },
      input: { element, numbers },
    });
    expect(fn.results[0]?.value.element).toBe(to);
  });
});

describe("bytes that are moved", () => {
  test("are bytes", async () => {
    const { fn } = await exactly({
      nodes: [
        node("Transpose", ["x"], ["t"], { attributes: { perm: [1, 0] } }),
        node("Concat", ["t", "t"], ["c"], { attributes: { axis: 1 } }),
        node("Gather", ["table", "ids"], ["rows"]),
      ],
      outputs: { c: "u8", rows: "i8" },
      input: { element: "u8", numbers: bytes },
      weights: {
        table: weight("i8", [20, 2], ...Array.from({ length: 40 }, (_, i) => i - 20)),
        ids: weight("i64", [20], ...Array.from({ length: 20 }, (_, i) => (i * 7) % 20)),
      },
    });
    expect(opsOf(fn)).toEqual(["transpose", "concat", "embedding"]);
  });

  test("an op that the language does not have of bytes stays, and its result is typed", () => {
    const { fn, remarks } = imported(
      modelOf({
        nodes: [node("Add", ["x", "x"], ["y"])],
        outputs: { y: "u8" },
        input: { element: "u8", numbers: bytes },
      }),
    );
    expect(opsOf(fn)).toEqual(["extern Add"]);
    expect(printType(fn.results[0]?.value.type as never)).toBe("u8[3, 4]");
    expect(remarks).toHaveLength(1);
    expect(JSON.stringify(remarks[0], ["message", "notes", "help", "text"])).toMatch(/u8/);
  });
});

describe("bf16", () => {
  test("weights and casts are typed, and computed as float64 rounds them", async () => {
    const { fn } = await exactly({
      nodes: [
        node("Cast", ["w"], ["wide"], { attributes: { to: 1 } }),
        node("Cast", ["x"], ["narrow"], { attributes: { to: 16 } }),
        node("Cast", ["narrow"], ["back"], { attributes: { to: 1 } }),
        node("Mul", ["back", "wide"], ["y"]),
      ],
      outputs: { y: "f32" },
      weights: { w: weight("bf16", [4], 0.1, -2.7, 1e30, 3) },
    });
    expect(opsOf(fn)).toEqual(["cast", "cast", "cast", "mul"]);
  });
  test("an input and a result are bf16", () => {
    const { fn, remarks } = imported(
      modelOf({
        nodes: [node("Softmax", ["x"], ["y"])],
        outputs: { y: "bf16" },
        input: { element: "bf16", numbers: [] },
      }),
    );
    expect(remarks).toEqual([]);
    expect([...fn.params, ...fn.results.map(({ value }) => value)].map(({ type }) => printType(type))).toEqual([
      "bf16[3, 4]",
      "bf16[3, 4]",
    ]);
  });

  test("a norm in bf16 is left to the model, with the reason", () => {
    const { norms, warnings } = operated(
      modelOf({
        nodes: [node("LayerNormalization", ["x", "g"], ["y"], { name: "norm" })],
        outputs: { y: "bf16" },
        input: { element: "bf16", numbers: [] },
        weights: { g: weight("bf16", [4], 1, 2, 3, 4) },
      }),
    );
    expect(JSON.stringify([norms, warnings])).toContain("bf16, for which onnxruntime has no norms");
  });

  test("bytes between norms are not touched by surgery", async () => {
    const bytesModel = modelOf({
      nodes: [
        node("DequantizeLinear", ["w", "s"], ["d"]),
        node("MatMul", ["x", "d"], ["h"]),
        node("LayerNormalization", ["h", "g"], ["n"]),
        node("QuantizeLinear", ["n", "s", "z"], ["q"]),
      ],
      outputs: { q: "i8" },
      weights: {
        w: weight("i8", [4, 4], ...bytes, 1, 2, 3, 4),
        s: weight("f32", [], 0.125),
        z: weight("i8", [], 2),
        g: weight("f32", [4], 1, 2, 3, 4),
      },
    });
    const { written } = operated(bytesModel);
    const feeds = { x };
    expect((await runOnnx(written, feeds)).q).toEqual((await runOnnx(bytesModel, feeds)).q);
    expect(imported(written).module.consts.map(({ type }) => printType(type))).toContain("i8[4, 4]");
  });
});
