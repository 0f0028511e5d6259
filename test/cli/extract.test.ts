/** `tirc extract`. */

import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { NodeProto } from "../../src/onnx/messages.ts";
import { Workplace } from "../support/cli.ts";
import { node, onnxModel } from "../support/onnx.ts";
import { smallParts } from "../support/surgery.ts";

const nodes = [
  node("MatMul", ["x", "w"], ["/h.0"]),
  node("Add", ["x", "/h.0"], ["stream"]),
  node("LayerNormalization", ["stream", "g", "b"], ["n"]),
  node("Relu", ["n"], ["r"]),
  node("MatMul", ["r", "w"], ["p"]),
  node("Add", ["p", "stream"], ["y"]),
];
const model = onnxModel({ ...smallParts, nodes });

test("a program, a kernel and a manifest for each norm", async () => {
  const place = new Workplace({ "models/m.onnx": model });
  const { code, stdout, stderr } = await place.run(["extract", "models/m.onnx", "-o", "kernels"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toBe("n takes x, h_0, makes stream, r\n");
  expect(place.files()).toEqual([
    ...["kernels", "kernels/n.json", "kernels/n.tir", "kernels/n.wgsl"],
    ...["models", "models/m.onnx"],
  ]);
  expect(place.read("kernels/n.tir")).toBe(`const g: f32[4] = load("../models/m.onnx", "g")
const b: f32[4] = load("../models/m.onnx", "b")

fn n(x: f32[rows, 4], h_0: f32[rows, 4]) -> (stream: f32[rows, 4], r: f32[rows, 4]) {
  let stream = x + h_0
  let n = layernorm(stream, g, b, axes = [-1])
  let r = relu(n)
  return stream, r
}
`);
  const manifest = JSON.parse(place.read("kernels/n.json"));
  expect(manifest.tensors).toEqual({ x: "x", h_0: "/h.0", stream: "stream", r: "r" });
  expect(manifest.weights).toEqual({ g: "g", b: "b" });
  expect(manifest.nodes.map(({ index, opType }: NodeProto) => [index, opType])).toEqual([
    [1, "Add"],
    [2, "LayerNormalization"],
    [3, "Relu"],
  ]);
  expect(manifest.bindings.map(({ name }: { name: string }) => name)).toEqual(["x", "h_0", "g", "b", "stream", "r"]);
  expect(place.read("kernels/n.wgsl")).toContain("@compute");
  expect((await place.run(["run", "kernels/n.tir", "--device", "cpu"])).code).toBe(0);
});

test("--cut writes what is left as models, and a plan", async () => {
  const place = new Workplace({ "m.onnx": model });
  const { code, stderr } = await place.run(["extract", "m.onnx", "-o", "out", "--cut"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "out/plan.json: 2 pieces, 1 kernel\n" });
  const files = ["n.json", "n.tir", "n.wgsl", "piece_0.onnx", "piece_1.onnx", "plan.json", "weights.bin"];
  expect(place.files()).toEqual(["m.onnx", "out", ...files.map((name) => `out/${name}`)]);
  const { steps, tensors, weights } = JSON.parse(place.read("out/plan.json"));
  expect(tensors["/h.0"]).toEqual({ type: "float32", shape: ["rows", 4] });
  expect(weights).toEqual({ g: { offset: 0, size: 16 }, b: { offset: 256, size: 16 } });
  const floats = new Float32Array(Uint8Array.from(place.bytes("out/weights.bin")).buffer);
  expect([...floats.subarray(0, 4), ...floats.subarray(64, 68)]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(steps).toEqual([
    { run: "piece_0.onnx", inputs: ["x"], outputs: ["/h.0"], frees: [] },
    { kernel: "n", inputs: ["x", "/h.0"], outputs: ["stream", "r"], frees: ["/h.0"] },
    { run: "piece_1.onnx", inputs: ["r", "stream"], outputs: ["y"], frees: ["stream", "r"] },
  ]);
});

test("a model without a norm, whether a folder is named or not", async () => {
  const bytes = onnxModel({ ...smallParts, nodes: [node("MatMul", ["x", "w"], ["y"])] });
  const place = new Workplace({ "m.onnx": bytes });
  for (const output of [[], ["-o", "kernels"]]) {
    const { code, stdout, stderr } = await place.run(["extract", "m.onnx", "--diagnostics", "short", ...output]);
    expect([code, stdout]).toEqual([0, ""]);
    expect(stderr).toBe("warning[R0601]: there is no norm in `g`, so nothing changed\n");
  }
  expect(place.files()).toEqual(["m.onnx"]);
});

test("norms that no kernel can be made of are named, with the reason", async () => {
  const place = new Workplace();
  const cases = {
    norm_in_if: /^warning\[R0602\]: the norm .*\(LayerNormalization\) has no kernel: it is in .*If/,
    norm_of_doubles: /^warning\[R0602\]: the norm .*\(LayerNormalization\) has no kernel: .*f64/,
  };
  for (const [name, message] of Object.entries(cases)) {
    const file = fileURLToPath(new URL(`../onnx/models/${name}.onnx`, import.meta.url));
    const { code, stderr } = await place.run(["extract", file, "--diagnostics", "short"]);
    expect([code, stderr.trimEnd().split("\n").length]).toEqual([0, 1]);
    expect(stderr).toMatch(message);
  }
});
