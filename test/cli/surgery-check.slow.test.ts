/** `tirc surgery --check`: what it feeds, what it compares with, and when it does not pass. */

import { describe, expect, test } from "vitest";
import { quartiles } from "../../src/cli/model-times.ts";
import { Workplace } from "../support/cli.ts";
import { npyFile } from "../support/npy.ts";
import { type ModelParts, node, onnxModel, spread, weight } from "../support/onnx.ts";
import { runOnnx } from "../support/onnxruntime.ts";
import { operated, small, smallParts } from "../support/surgery.ts";

const check = (place: Workplace, ...args: string[]) =>
  place.run(["surgery", "m.onnx", "--check", "--norm-op", "skip", "--diagnostics", "short", ...args]);

const floats = (...shape: number[]) => {
  const numbers = Float32Array.from(
    spread(
      shape.reduce((a, b) => a * b, 1),
      3,
    ),
  );
  return npyFile("<f4", shape, new Uint8Array(numbers.buffer));
};

/** Rows of a table, with a table of positions as long as the sequence may be. */
const embedded: ModelParts = {
  inputs: { ids: { element: "i64", shape: ["batch", "seq"] }, mask: { element: "f32", shape: ["batch", "seq", 1] } },
  outputs: { y: { element: "f32" } },
  weights: {
    words: weight("f32", [3, 4], ...spread(12, 1)),
    places: weight("f32", [7, 4], ...spread(28, 2)),
    g: weight("f32", [4], 1, 2, 3, 4),
    b: weight("f32", [4], 5, 6, 7, 8),
  },
  nodes: [
    node("Gather", ["words", "ids"], ["e"]),
    node("Add", ["e", "places"], ["h"]),
    node("LayerNormalization", ["h", "g", "b"], ["n"], { name: "norm" }),
    node("Mul", ["n", "mask"], ["y"]),
  ],
};

describe("inputs", () => {
  test("row numbers are drawn within their table, and extents that go with the weights are found", async () => {
    const { code, stderr } = await check(new Workplace({ "m.onnx": onnxModel(embedded) }));
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stderr).toContain("ids: whole numbers below 3, the rows of `words`\n");
    expect(stderr).toContain("seq = 7, as it is not given");
  });

  test("a range that leaves the table is what onnxruntime says it is", async () => {
    const { code, stderr } = await check(new Workplace({ "m.onnx": onnxModel(embedded) }), "--in", "ids=uniform(3, 9)");
    expect(code).toBe(1);
    expect(stderr).toMatch(/error\[E0753\]: onnxruntime cannot run m\.onnx: .*indices element out of data bounds/s);
  });

  test("one of two from a file, whose shape tells the extents of both", async () => {
    const place = new Workplace({ "m.onnx": onnxModel(embedded), "mask.npy": floats(5, 7, 1) });
    const { code, stdout } = await check(place, "--in", "mask=mask.npy", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout).check).toMatchObject({ extents: { batch: 5, seq: 7 }, outputs: [{ shape: [5, 7, 4] }] });
  });

  test.each([
    ["masc=ones", "E0712", "`m.onnx` has no input `masc`"],
    ["mask=mask.npy", "E0604", "the input `mask` is FLOAT[batch, seq, 1], but got mask.npy, [5, 7]"],
    ["mask=ids.npy", "E0640", ""],
    ["ids=0.5", "E0717", "the input `ids` is INT64, which cannot hold 0.5"],
    ["ids=halves.npy", "E0636", "halves.npy holds `<f4`, but the input `ids` is INT64"],
    ["ids=uniform(9, 3)", "E0705", "the input `ids` cannot be filled with"],
  ])("--in %s is refused: %s", async (value, code, message) => {
    const files = { "m.onnx": onnxModel(embedded), "mask.npy": floats(5, 7), "halves.npy": floats(2, 7) };
    const place = new Workplace(files);
    const { stderr } = await check(place, "--in", value, "-o", "rms.onnx");
    expect(stderr).toContain(`error[${code}]: ${message}`);
    expect(place.files()).not.toContain("rms.onnx");
  });

  test("--dim and a file that do not agree", async () => {
    const place = new Workplace({ "m.onnx": onnxModel(embedded), "mask.npy": floats(5, 7, 1) });
    const { stderr } = await check(place, "--in", "mask=mask.npy", "--dim", "seq=8");
    expect(stderr).toContain("error[E0606]: the dimension `seq` is 8 according to --dim, but 7 according to mask.npy");
  });
});

describe("float64", () => {
  /** A LayerNorm loses digits on rows whose mean is large. */
  const shifted = {
    ...smallParts,
    weights: { ...smallParts.weights, w: weight("f32", [4, 4], ...spread(16, 1).map((x) => x + 1000)) },
  };

  test("tells whose error a difference is", async () => {
    const bytes = onnxModel(shifted);
    const place = new Workplace({ "m.onnx": bytes, "x.npy": floats(3, 4) });
    const { stdout } = await check(place, "--in", "x=x.npy", "--json");
    const [{ before, after }] = JSON.parse(stdout).check.float64.outputs;
    const numbers = Float64Array.from(Float32Array.from(spread(12, 3)));
    const want = layerNorm(numbers, Float64Array.from(Float32Array.from(shifted.weights.w.numbers)));
    const distance = async (model: Uint8Array) => {
      const { y } = await runOnnx(model, { x: { element: "f32", shape: [3, 4], numbers } });
      return Math.max(...want.map((value, i) => Math.abs(value - (y?.data[i] as number))));
    };
    expect(before).toBeCloseTo(await distance(bytes), 12);
    expect(after).toBeCloseTo(await distance(operated(bytes).written), 12);
    expect(after).toBeLessThan(before / 4);
  });

  /** LayerNorm of x W with the small model's gamma and beta. */
  function layerNorm(x: Float64Array, w: Float64Array): number[] {
    return [0, 1, 2].flatMap((row) => {
      const h = [0, 1, 2, 3].map((j) =>
        [0, 1, 2, 3].reduce((sum, k) => sum + (x[row * 4 + k] as number) * (w[k * 4 + j] as number), 0),
      );
      const mean = h.reduce((sum, value) => sum + value, 0) / 4;
      const variance = h.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 4;
      return h.map((value, j) => ((value - mean) / Math.sqrt(variance + 1e-5)) * (j + 1) + j + 5);
    });
  }

  test("judges alone where onnxruntime does not take the model", async () => {
    // It has no Gelu before operator set 20.
    const nodes = [...(smallParts.nodes ?? []), node("Gelu", ["y"], ["z"])];
    const outputs = { z: { element: "f32" } } as const;
    const { code, stdout } = await check(
      new Workplace({ "m.onnx": onnxModel({ ...smallParts, outputs, nodes }) }),
      "--json",
    );
    expect(code).toBe(0);
    const { by, outputs: compared } = JSON.parse(stdout).check;
    expect(by).toBe("interpreter");
    expect(compared[0].difference).toBeLessThan(1e-6);
    expect(compared[0].largest).toBeGreaterThan(1);
  });

  test("at smaller extents where the model is large", async () => {
    const wide = 2048;
    const large = onnxModel({
      inputs: { x: { element: "f32", shape: ["batch", "seq", wide] } },
      outputs: { y: { element: "f32" } },
      weights: { v: { element: "f32", dims: [wide, wide], numbers: new Array(wide * wide).fill(0.01) } },
      nodes: [node("MatMul", ["x", "v"], ["u"]), node("MatMul", ["u", "v"], ["y"])],
    });
    const place = new Workplace({ "m.onnx": large });
    const { stdout } = await check(place, "--json");
    expect(JSON.parse(stdout).check).toMatchObject({
      extents: { batch: 2, seq: 32 },
      float64: { extents: { batch: 1, seq: 2 }, outputs: [{ output: "y" }] },
    });
    const told = await check(place, "--dim", "seq=32", "--dim", "batch=2");
    expect(told.stdout).toContain("not compared with float64: it takes 5.4e+8 products\n");
  });
});

describe("what compares nothing does not pass", () => {
  const without = (nodes: ModelParts["nodes"]) =>
    new Workplace({
      "m.onnx": onnxModel({
        ...smallParts,
        nodes: [...(smallParts.nodes ?? []), ...(nodes ?? [])],
        outputs: { z: { element: "f32" } },
      }),
    });

  test.each([
    ["NaN", [node("Sub", ["y", "y"], ["d"]), node("Div", ["d", "d"], ["z"])], "all numbers of `z` are NaN"],
    ["one number", [node("Sub", ["y", "y"], ["z"])], "all numbers of `z` are 0"],
  ])("%s", async (_, nodes, message) => {
    const place = without(nodes);
    const { code, stderr } = await check(place, "-o", "rms.onnx");
    expect([code, place.files()]).toEqual([1, ["m.onnx"]]);
    expect(stderr).toContain(`error[E0756]: ${message}: nothing was compared`);
    expect(stderr).toContain("rms.onnx is not written; --keep writes it anyway");
    await check(place, "-o", "rms.onnx", "--keep");
    expect(place.files()).toEqual(["m.onnx", "rms.onnx"]);
  });

  test("no number", async () => {
    const { code, stderr } = await check(new Workplace({ "m.onnx": small }), "--dim", "rows=0");
    expect([code, stderr.includes("`y` has no numbers: nothing was compared")]).toEqual([1, true]);
  });
});

test("--time runs both by turns", async () => {
  const { stdout } = await new Workplace({ "m.onnx": small }).run([
    "surgery",
    "m.onnx",
    "--time",
    "--json",
    "--norm-op",
    "skip",
  ]);
  const { before, after, ratio, runs } = JSON.parse(stdout).check.times;
  expect(runs).toBeGreaterThanOrEqual(5);
  for (const { lower, median, upper } of [before, after, ratio]) {
    expect(lower).toBeGreaterThan(0);
    expect(median).toBeGreaterThanOrEqual(lower);
    expect(upper).toBeGreaterThanOrEqual(median);
  }
  expect(quartiles([5, 1, 4, 2, 3])).toEqual({ lower: 2, median: 3, upper: 4 });
});
