/** `tirc import`, and the program that it writes with the model beside it. */

import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { TensorProto_DataLocation as Location, TensorProtoSchema } from "onnx-buf";
import { describe, expect, test } from "vitest";
import { Workplace } from "../support/cli.ts";
import { node, onnxModel, onnxType, weight } from "../support/onnx.ts";

const stream = { element: "f32", shape: ["batch size", 4] } as const;

/** relu(x * w + b), with b in another file. */
const model = onnxModel({
  name: "my model",
  inputs: { "x.in": stream },
  outputs: { "/out/y": stream },
  weights: { "w.0": weight("f32", [4], 1, -2, 0.5, 4) },
  tensors: [
    create(TensorProtoSchema, {
      name: "b",
      dims: [4n],
      dataType: onnxType.f32,
      dataLocation: Location.EXTERNAL,
      externalData: [
        { key: "location", value: "weights.bin" },
        { key: "offset", value: "8" },
      ],
    }),
  ],
  nodes: [
    node("Mul", ["x.in", "w.0"], ["/mul"]),
    node("Add", ["/mul", "b"], ["/add"]),
    node("Relu", ["/add"], ["/out/y"], { name: "relu" }),
  ],
});
const bias = new Uint8Array(Float32Array.of(0, 0, 10, 20, 30, 40).buffer);

test("writes a program that loads its weights from the model", async () => {
  const place = new Workplace({ "models/m.onnx": model, "models/weights.bin": bias });
  const { code, stderr, stdout } = await place.run(["import", "models/m.onnx", "-o", "m.tir"]);
  expect(stdout).toBe("");
  expect(stderr).toBe("models/m.onnx: 3 nodes, none kept as extern\n");
  expect(code).toBe(0);
  expect(place.read("m.tir")).toBe(`const w_0: f32[4] = load("models/m.onnx", "w.0")
const b: f32[4] = load("models/m.onnx", "b")

fn my_model(x_in: f32[batch_size, 4]) -> (out_y: f32[batch_size, 4]) {
  let mul = x_in * w_0
  let add = mul + b
  let out_y = relu(add)
  return out_y
}
`);
  const ran = await place.run(["run", "m.tir", "--device", "cpu", "--in", "x_in=-1", "--dim", "batch_size=1"]);
  expect(ran.stdout).toContain("9 22 29.5 36");
  expect((await place.run(["fmt", "--check", "m.tir"])).code).toBe(0);
});

test("writes to stdout", async () => {
  const place = new Workplace({ "models/m.onnx": model });
  const { stdout } = await place.run(["import", "models/m.onnx"]);
  expect(stdout).toContain('load("models/m.onnx", "w.0")');
});

test("says which nodes it keeps, and why with --remarks", async () => {
  const kept = onnxModel({
    inputs: { x: { element: "f32", shape: [1, 3, 8, "w"] } },
    outputs: { y: { element: "f32" } },
    weights: {
      k: weight("f32", [2, 3, 1, 1], 1, 2, 3, 4, 5, 6),
      start: weight("i64", [1], 1),
      end: weight("i64", [1], 3),
    },
    nodes: [
      node("Conv", ["x", "k"], ["c"]),
      node("Slice", ["c", "start", "end", "end"], ["s"]),
      node("Fancy", ["s", "s"], ["n"], { domain: "com.example" }),
      node("Relu", ["n"], ["y"]),
    ],
  });
  const place = new Workplace({ "m.onnx": kept });
  const short = await place.run(["import", "m.onnx", "-o", "m.tir", "--remarks", "--diagnostics", "short"]);
  expect(short.stderr.split("\n")).toEqual([
    "m.onnx:2:1: remark[R0701]: `Slice` is kept as `extern`",
    "m.onnx:3:1: remark[R0702]: the type of `n`, an output of `Fancy`, is unknown",
    expect.stringMatching(/^m.onnx: 4 nodes, 3 of them kept as extern: 1 Slice, 1 Fancy, 1 Relu/),
    "",
  ]);
  expect(place.read("m.tir")).toContain(`
fn g(x: f32[1, 3, 8, w]) -> (y: opaque) {
  let c = conv(x, k)
  let s: f32[1, 2, 8, d] = extern(c, op = "Slice", node = "m.onnx#1", rows = [0], kept = [-4, -3, -2])
  let n: opaque = extern(s, op = "com.example.Fancy", node = "m.onnx#2")
  let y: opaque = extern(n, op = "Relu", node = "m.onnx#3")
  return y
}
`);
  expect((await place.run(["check", "m.tir", "--no-kernels"])).code).toBe(0);
  const run = await place.run(["run", "m.tir", "--device", "cpu", "--diagnostics", "short"]);
  expect(run.stderr).toContain("error[E0666]: nothing computes `Slice`");
  const compiled = await place.run(["compile", "m.tir", "--diagnostics", "short"]);
  expect(compiled.stderr).toContain("error[E0505]: `g` is not one kernel: it calls `conv`");
});

describe("what is wrong", () => {
  test.each([
    ["no.onnx", "error[E0640]: cannot read no.onnx: there is no such file"],
    ["text.onnx", "error[E0740]: text.onnx is not a valid ONNX model: at byte "],
    ["-", "error[E0747]: constants cannot be loaded from a model called <stdin>"],
    ["model.bin", "error[E0747]: constants cannot be loaded from a model called model.bin"],
    ['a "b".onnx', 'error[E0747]: constants cannot be loaded from a model called a "b".onnx'],
  ])("%s", async (file, message) => {
    const isUsage = /E0(640|747)/.test(message);
    const files = { "text.onnx": "hello", "model.bin": model, 'a "b".onnx': model };
    const { code, stderr } = await new Workplace(files).run(["import", file, "--diagnostics", "short"], {
      stdin: model,
    });
    expect(stderr.slice(0, message.length)).toBe(message);
    expect(code).toBe(isUsage ? 2 : 1);
  });

  test("a file of weights that is not there is found when they are wanted", async () => {
    const place = new Workplace({ "m.onnx": model });
    expect((await place.run(["import", "m.onnx", "-o", "m.tir"])).code).toBe(0);
    const { stderr } = await place.run(["run", "m.tir", "--device", "cpu", "--diagnostics", "short"]);
    expect(stderr).toContain("error[E0640]: cannot read weights.bin: there is no such file");
  });
});

test("weights beyond 2 GiB in a file beside the model: nothing is read but what is wanted", async () => {
  const big = 3 * 2 ** 30;
  const external = (name: string, dims: readonly bigint[], offset: number) =>
    create(TensorProtoSchema, {
      name,
      dims: [...dims],
      dataType: onnxType.f32,
      dataLocation: Location.EXTERNAL,
      externalData: [
        { key: "location", value: "big.bin" },
        { key: "offset", value: String(offset) },
      ],
    });
  const place = new Workplace({
    "m.onnx": onnxModel({
      inputs: { x: stream },
      outputs: { y: stream, z: { element: "f32" } },
      tensors: [external("table", [2n ** 20n, 768n], 0), external("b", [4n], big)],
      nodes: [node("Add", ["x", "b"], ["y"]), node("Foo", ["table"], ["z"])],
    }),
    "big.bin": "",
  });
  const handle = openSync(join(place.folder, "big.bin"), "r+");
  ftruncateSync(handle, big);
  writeSync(handle, new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer), 0, 16, big);
  closeSync(handle);
  const before = process.memoryUsage().arrayBuffers;
  expect((await place.run(["import", "m.onnx", "-o", "m.tir"])).code).toBe(0);
  expect(place.read("m.tir")).toContain('const table: f32[1048576, 768] = load("m.onnx", "table")');
  place.write("b.tir", 'const b: f32[4] = load("m.onnx", "b")\nfn f(x: f32[4]) -> f32[4] { return x + b }\n');
  const { stdout } = await place.run(["run", "b.tir", "--device", "cpu", "--in", "x=1"]);
  expect(stdout).toContain("2 3 4 5");
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50e6);
});
