/** Programs with constant tensors in files, from the command line. */

import { describe, expect, test } from "vitest";
import { writeNpy } from "../../src/formats/npy.ts";
import { toFloat16Bits } from "../../src/ir/float16.ts";
import { Workplace } from "../support/cli.ts";
import { gpuTest } from "../support/gpu.ts";
import { node, onnxModel, weight } from "../support/onnx.ts";
import { safetensors } from "../support/safetensors.ts";

const bytesOf = (array: ArrayBufferView) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
const numbers = [1, -2, 0.5, 4];
const bfloat = Uint16Array.from(numbers, (value) => new Uint32Array(Float32Array.of(value).buffer)[0]! >>> 16);

const file = safetensors({
  "ln.weight": { dtype: "F32", shape: [4], bytes: bytesOf(Float32Array.from(numbers)) },
  half: { dtype: "F16", shape: [4], bytes: bytesOf(Uint16Array.from(numbers, toFloat16Bits)) },
  brain: { dtype: "BF16", shape: [4], bytes: bytesOf(bfloat) },
  double: { dtype: "F64", shape: [4], bytes: bytesOf(Float64Array.from(numbers)) },
  index: { dtype: "I64", shape: [4], bytes: bytesOf(BigInt64Array.from([1n, 2n, 3n, 4n])) },
  long: { dtype: "U64", shape: [4], bytes: bytesOf(BigUint64Array.from([1n, 2n, 3n, 4n])) },
  short: { dtype: "U16", shape: [4], bytes: bytesOf(Uint16Array.of(1, 2, 3, 4)) },
  e4m3: { dtype: "F8_E4M3", shape: [4], bytes: Uint8Array.of(0x38, 0xc0, 0x30, 0x48) },
  e5m2: { dtype: "F8_E5M2", shape: [4], bytes: Uint8Array.of(0x3c, 0xc0, 0x38, 0x44) },
  eight: { dtype: "F8_E8M0", shape: [4], bytes: new Uint8Array(4) },
});

const program = (source: string, type = "f32[4]") => `const w: ${type} = ${source}
fn f(x: f32[rows, 4]) -> f32[rows, 4] { return x * w }
`;

const run = async (text: string, files: Record<string, Uint8Array> = {}) => {
  const place = new Workplace({ "models/p.tir": text, "models/m.safetensors": file, ...files });
  return place.run([
    "run",
    "models/p.tir",
    "--dim",
    "rows=1",
    "--in",
    "x=1",
    "--device",
    "cpu",
    "--diagnostics",
    "short",
  ]);
};

test.each(["ln.weight", "half", "brain", "double", "e4m3", "e5m2"])(
  "%s is read from a file beside the program",
  async (tensor) => {
    const { code, stdout, stderr } = await run(program(`load("m.safetensors", "${tensor}")`));
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(stdout).toContain("1 -2 0.5 4");
  },
);

test.each(["index", "long", "short"])("%s is read as integers", async (tensor) => {
  const text = `const w: i32[4] = load("m.safetensors", "${tensor}")
fn f(x: i32[rows, 4]) -> i32[rows, 4] { return x * w }
`;
  expect((await run(text)).stdout).toContain("1 2 3 4");
});

test("a tensor of an ONNX model is read by its name, whatever that is", async () => {
  const model = onnxModel({
    weights: { w: weight("f32", [4], ...numbers), 'a "b"': weight("f16", [4], 8, 6, 4, 2) },
    nodes: [node("Constant", [], ["made"], { attributes: { value: weight("f32", [4], 3, 3, 3, 3) } })],
  });
  const files = { "models/m.onnx": model };
  for (const [name, shown] of Object.entries({ w: "1 -2 0.5 4", "a %22b%22": "8 6 4 2", made: "3 3 3 3" })) {
    expect((await run(program(`load("m.onnx", "${name}")`), files)).stdout).toContain(shown);
  }
  const wrong = await run(program('load("m.onnx", "v")'), files);
  expect(wrong.stderr).toContain("models/p.tir:1:1: error[E0661]: models/m.onnx has no tensor `v`");
  const cut = await run(program('load("m.onnx", "w")'), { "models/m.onnx": model.subarray(0, 60) });
  expect(cut.stderr).toMatch(/error\[E0740\]: models\/m.onnx is not a valid ONNX model: at byte \d+/);
});

test("a .npy file holds one tensor", async () => {
  const data = Float32Array.from(numbers);
  const npy = writeNpy({ element: "f32", shape: [4], data });
  const { stdout } = await run(program('load("w.npy")'), { "models/w.npy": npy });
  expect(stdout).toContain("1 -2 0.5 4");
});

describe("what is wrong", () => {
  test.each([
    [
      'load("m.safetensors", "ln.wieght")',
      "f32[4]",
      "models/p.tir:1:1: error[E0661]: models/m.safetensors has no tensor `ln.wieght`",
    ],
    [
      'load("m.safetensors")',
      "f32[4]",
      "models/p.tir:1:1: error[E0664]: the const `w` does not say which tensor of models/m.safetensors it is",
    ],
    [
      'load("w.npy", "w")',
      "f32[4]",
      "models/p.tir:1:1: error[E0664]: the const `w` names a tensor, but models/w.npy holds one without a name",
    ],
    [
      'load("m.safetensors", "eight")',
      "f32[4]",
      "error[E0662]: `eight` in models/m.safetensors holds `F8_E8M0`, which tirc does not read",
    ],
    [
      'load("m.safetensors", "index")',
      "f32[4]",
      "models/p.tir:1:1: error[E0663]: the const `w` is declared f32[4], but `index` in models/m.safetensors holds I64",
    ],
    [
      'load("m.safetensors", "half")',
      "f32[1, 4]",
      "models/p.tir:1:1: error[E0663]: the const `w` is declared f32[1, 4], but `half` in models/m.safetensors holds F16 of shape [4]",
    ],
    [
      'load("none.safetensors", "w")',
      "f32[4]",
      "models/p.tir:1:1: error[E0640]: cannot read models/none.safetensors: there is no such file",
    ],
    [
      'load("p.tir", "w")',
      "f32[4]",
      "error[E0660]: models/p.tir is not a valid safetensors file: its header is longer than the file",
    ],
  ])("%s as %s", async (source, type, message) => {
    const { code, stderr } = await run(program(source, type));
    expect(stderr.split("\n")[0]).toBe(message);
    expect(code).not.toBe(0);
  });
});

test("compiling reads no file", async () => {
  const place = new Workplace({ "p.tir": program('load("none.safetensors", "w")') });
  const { code, stdout } = await place.run(["compile", "p.tir", "--emit", "json"]);
  expect(code).toBe(0);
  expect(stdout).toContain('"constant": true');
});

gpuTest("a kernel on the device gets the tensor, and agrees with float64", async ({ gpu }) => {
  expect(gpu.description).not.toBe("");
  const place = new Workplace({ "p.tir": program('load("m.safetensors", "brain")'), "m.safetensors": file });
  const { code, stdout } = await place.run(["run", "p.tir", "--device", "gpu", "--compare"]);
  expect(stdout).toContain("1 launch");
  expect(code).toBe(0);
});
