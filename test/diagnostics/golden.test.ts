/** Every diagnostic as people see it, in test/golden/. */

import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as archiveErrors from "../../src/diagnostics/areas/archives.ts";
import * as checkpointErrors from "../../src/diagnostics/areas/checkpoints.ts";
import { internalError } from "../../src/diagnostics/areas/command.ts";
import * as compareMessages from "../../src/diagnostics/areas/comparison.ts";
import * as constErrors from "../../src/diagnostics/areas/consts.ts";
import * as deviceErrors from "../../src/diagnostics/areas/devices.ts";
import * as externErrors from "../../src/diagnostics/areas/extern.ts";
import * as fileErrors from "../../src/diagnostics/areas/files.ts";
import * as gradientMessages from "../../src/diagnostics/areas/gradients.ts";
import * as inputErrors from "../../src/diagnostics/areas/inputs.ts";
import * as kernelMessages from "../../src/diagnostics/areas/kernels.ts";
import * as libraryErrors from "../../src/diagnostics/areas/library.ts";
import * as normWarnings from "../../src/diagnostics/areas/norms.ts";
import * as onnxMessages from "../../src/diagnostics/areas/onnx.ts";
import * as passMessages from "../../src/diagnostics/areas/pipelines.ts";
import * as pluginErrors from "../../src/diagnostics/areas/plugins.ts";
import * as remarks from "../../src/diagnostics/areas/rewrites.ts";
import * as surgeryErrors from "../../src/diagnostics/areas/surgery.ts";
import * as targetErrors from "../../src/diagnostics/areas/targets.ts";
import * as verifyErrors from "../../src/diagnostics/areas/verifier.ts";
import { catalog } from "../../src/diagnostics/catalog.ts";
import { type Diagnostic, refusedBy, TircError } from "../../src/diagnostics/diagnostic.ts";
import { renderPretty } from "../../src/diagnostics/pretty.ts";
import { kernelRefusals } from "../../src/diagnostics/refusals.ts";
import { parse } from "../../src/parse/parse.ts";
import { expectGolden } from "../support/golden.ts";

function diagnosticsOf(text: string, file: string): readonly Diagnostic[] {
  try {
    parse(text, { file });
    return [];
  } catch (caught) {
    if (caught instanceof TircError) return caught.diagnostics;
    throw caught;
  }
}

function rendered(diagnostics: readonly Diagnostic[]): string {
  return diagnostics.map((diagnostic) => `${renderPretty(diagnostic)}\n`).join("\n");
}

/** One argument list for each function of an area that words a message. */
type Samples<Area> = {
  readonly [Name in keyof Area as Area[Name] extends (...args: never[]) => Diagnostic
    ? Name
    : never]: Area[Name] extends (...args: infer Args) => Diagnostic ? Args : never;
};

function sampled<Area extends object>(area: Area, samples: Samples<Area>): Diagnostic[] {
  const makers = area as Record<string, (...args: unknown[]) => Diagnostic>;
  return Object.entries<unknown>(samples).map(([name, args]) => makers[name]?.(...(args as unknown[])) as Diagnostic);
}

test("the examples of the catalog", () => {
  const pages = [...catalog].filter(([code]) => /^E0[12]/.test(code));
  expect(pages.length).toBeGreaterThan(60);
  expectGolden("language.txt", rendered(pages.flatMap(([code, page]) => diagnosticsOf(page.wrong, `${code}.tir`))));
});

test("a program with many mistakes", () => {
  const text = `# A block with all that can go wrong in one.
def block(x: float[rows, 768], w: f32[768]) -> f32[rows, 768] {
	let h = x * 2;
	lte n = layernorm(h, w, axes = [-1)
	if n > 0 {
		h = n
	}
	let g = 0 < n < 1
	let long = ${"gelu(x) + ".repeat(20)} .5
	gelu(h)
}

fn tail(x: f32[n]) -> (y: f32[n], z: f16[n]) {
  let x = exp(x + "a")
  retrun x, y
`;
  expectGolden("many-mistakes.txt", rendered(diagnosticsOf(text, "many.tir")));
});

test("what users of other languages write", () => {
  const expressions = [
    "x / max(abs(x), axes = [-1])",
    "image * g",
    "max(x, 0)",
    "reshape(g, [64, 1, 1])",
    "reshape(x, n, 8, 8)",
    "swish(x)",
    "f16(x)",
    "huber(x, x)",
    "stddev(x, dim = -1)",
    "x + arange(64)",
    "where(ids = label, x, 0)",
    "half + x",
    "x * mask",
    "2 x",
    "(x + 1) (x - 1)",
    "x(1 + x)",
    "relu x",
    "relu",
    "other(x)",
    "x / n",
    "rmsnorm(x, g, g)",
    "layernorm(x, [64])",
    "layernorm(x, axes = [64])",
    "groupnorm(x, 8)",
    "sum(x, axes = [-1], keepdim = True)",
    "x * pi",
    "where(x > 0, x, None)",
    "gelu(x, approximate = tanh)",
    "reshape(x, shape = [n * 8, 8])",
    "sum(x, axis = (0, 1))",
    "x[0]",
    "torch.exp(x)",
    "half",
    "mean(x, axes = [1])",
    "ids / 2.5",
  ];
  const params =
    "x: f32[n, 64], g: f32[64], image: f32[n, 64, h, w], half: f16[n, 64], mask: bool[n, 64], ids: i32[64], label: i32[n, 1]";
  const functions = expressions.map(
    (value) => `fn f(${params}) -> (y: f32[n, 64]) {\n  return ${value}\n}\nfn other(x: f32) -> f32 { return x }\n`,
  );
  const headers = [
    "fn f(x: f32[n][m]) -> f32 { return x }",
    "fn f(f32[n] x) -> f32[n] { return x }",
    "fn f(x: f32[n], eps: f32 = 1) -> f32[n] { return x }",
    "fn f(x: f32[n], eps = 1) -> f32[n] { return x }",
    "fn f(x: f32[?, 64]) -> f32 { return x }",
    "fn f(x: i8[n]) -> f32 { return x }",
    "fn f(x: f32[n]) -> (a: f32[n], b: f32[n]) { return (x, x) }",
    "fn f(x: f32[n]) -> (a: f32[n], b: f32[n]) { return (a = x, b = x) }",
    "let s = 2\nfn f(x: f32) -> f32 { return x }",
    "fn f(x: f32) -> f32 {\n  for i in 0..4 { }\n  return x\n}",
  ];
  expectGolden(
    "other-languages.txt",
    rendered([...functions, ...headers].flatMap((one) => diagnosticsOf(one, "f.tir"))),
  );
});

const text = "fn f(x: f32[n]) -> (y: f32[n]) {\n  return gelu(x)\n}\n";
const at = { source: { name: "model.tir", text }, start: 42, end: 49 };

test("what the verifier says", () => {
  const found = sampled(verifyErrors, {
    undefinedOperand: [at, "gelu", "x"],
    undefinedResult: [at, "y"],
    definedTwice: [at, "x"],
    wrongType: [at, "gelu", "f32[n, 2]", "f32[n]"],
    attributes: [at, "gelu"],
    kernelGap: [at, 1],
    resultNameTwice: [at, "y"],
    resultChanged: [at, "results", "y: f32[n]", "y: f16[n]"],
    noResults: [at],
  });
  expectGolden("verifier.txt", rendered(found));
});

test("what is said of plugins", () => {
  const source = { name: "<command line>", text: "tirc compile f.tir --plugin mine.mjs" };
  const mine = { name: "mine.mjs", span: { source, start: 28, end: 36 } };
  const found = sampled(pluginErrors, {
    cannotLoad: [mine, "no luck"],
    noFile: [mine, "there is no such file"],
    wrongPart: [mine, "ops.twice.cost", '"low" or "high"', "missing"],
    unknownPart: [{ name: "ops" }, "pass", ["passes", "ops"]],
    taken: [mine, "pass", "cse"],
  });
  expectGolden("plugins.txt", rendered(found));
});

test("what is said of targets", () => {
  const json = { source: { name: "t.json", text: '{ name: "t" }' }, start: 2, end: 3 };
  const found = sampled(targetErrors, {
    unknownTarget: ["metal", ["portable", "swiftshader"]],
    fieldTwice: [json, "name"],
    notJson: [json, "Expected property name or '}' in JSON at position 2"],
    wrongField: ["t.json", "subgroup.min", "a power of two up to 128", "12"],
    unknownField: ["t.json", "limits.maxBindGroups", ["maxStorageBuffersPerShaderStage", "maxComputeWorkgroupSizeX"]],
  });
  expectGolden("targets.txt", rendered(found));
});

test("what is said when a kernel runs", () => {
  const inputs = sampled(inputErrors, {
    idOutOfRange: [at, 50257, 3, 50257],
    indexOutOfRange: [at, -1, 3, 20],
    missingInput: ["f", "x", "f32[rows, 768]"],
    noInputs: ["f", "null"],
    unknownInput: ["f", "gama", ["x", "gamma"]],
    unknownResult: ["f", "z", ["y"]],
    noBuffer: ["y", "f32[rows, 8]", "a Float32Array"],
    wrongElement: ["x", "f32[rows, 768]", "an Int32Array"],
    wrongShape: ["x", "f32[rows, 768]", "[4, 512]", "768 is not 512"],
    wrongLength: ["x", "f32[4, 768]", 3072, 3000],
    ambiguousShape: ["x", "f32[rows, columns]", 3072, ["rows", "columns"]],
    dimConflict: ["rows", "`x`", 4, "`residual`", 5],
    missingDim: ["f", "rows"],
    unknownDim: ["f", "row", ["rows"]],
    wrongExtent: ["rows", "-1"],
    noDims: ["f", "null"],
    bufferTooLarge: ["x", 307_200_000, "maxStorageBufferBindingSize", 134_217_728],
    notCounted: ["f", { what: "steps along a row", extents: [65_536, 65_536], count: 2 ** 32 }, 2 ** 32 - 2 ** 20],
    noStorage: ["f", "x"],
    bufferTooSmall: ["x", "f32[rows, 768]", 3072, 6144],
    misaligned: ["x", 100, 256],
    boundTwice: ["f", "x", "y", true],
    noProduct: ["f", "f_2", "matmul"],
    destroyed: ["f"],
  });
  const devices = sampled(deviceErrors, {
    missingFeatures: ["f", ["subgroups", "shader-f16"]],
    missingLimit: ["f", "maxComputeInvocationsPerWorkgroup", 1024, 256],
    shaderRejected: ["f", ["3:4 error: unresolved value 'x'"]],
    shaderRejectedAt: [
      { source: { name: "f.tir", text: "  return exp(x)\n" }, start: 9, end: 15 },
      "f",
      { message: "unresolved value 'x'", lineNum: 30, linePos: 15 },
      "    let y = exp(x);",
    ],
    pipelineRejected: ["f", "too much workgroup memory"],
    outOfMemory: ["f", "buffer of 307200000 bytes"],
    deviceLost: ["f", "destroyed", "the device was destroyed"],
    deviceError: ["f", "buffer of another device"],
    wrongNumbers: ["f", "y"],
    noWebgpuPackage: ["Cannot find package 'webgpu'"],
    webgpuPackageBroken: ["libc.so.6: version `GLIBC_2.38' not found"],
    noAdapter: [["asked for: gpu"]],
    noFeature: ["SwiftShader", ["shader-f16"]],
    noDevice: ["SwiftShader", "out of memory"],
    noOnnxruntimeDevice: [],
    noTfjsDevice: ["cpu"],
    noTfjsType: ["f", "y", "u32[rows]"],
    noOnnxruntimeType: ["f", "y", "bf16"],
    noUpload: ["a tensor of int64 (cpu)"],
    narrowSubgroups: ["f", 32, 4],
  });
  expectGolden("runtime.txt", rendered([...inputs, ...devices]));
});

const pipeline = { name: "--passes", text: "canonicalise,cse{n=1,n=2}" };
const part = (start: number, end: number) => ({ source: pipeline, start, end });
const whole = { source: at.source, start: 0, end: 2 };
const otherAxes = kernelRefusals.otherAxes("axes [0] of [n]", "reduces", {
  name: "sum",
  verb: "reduces",
  span: whole,
  axes: "axes [1] of [n, m]",
});
const miss = { because: "the exponent is 3", help: "square the difference", at: whole };

test("what is said of gradients", () => {
  const found = sampled(gradientMessages, {
    unknown: [at, "f", "parameter", "gama", ["x", "gamma"]],
    noFloat: [at, "parameter", "ids", "i32[n]"],
    noDerivative: [at, "round", "it has jumps, and is constant between them"],
    independent: [at, "mask", ["y", "z"]],
    nothing: [at, "f"],
    taken: [at, "f_grad", "f"],
    saved: [at, "f", { names: ["h", "saved_rstd"], bytes: { saved: 8192, computed: 12288 } }],
    trainedPromise: [at, "w", [-2]],
    stops: [at, "gt"],
  });
  expectGolden("gradients.txt", rendered(found));
});

test("what is said of pipelines and passes", () => {
  const found = sampled(passMessages, {
    unknownPass: [part(0, 12), "canonicalise", ["canonicalize", "cse"]],
    unknownOption: [part(17, 18), "cse", "n", []],
    badOption: [part(19, 20), "`mode` of `eliminate-centering`", "1", "`exact` or `lossy`", ["exact", "lossy"]],
    optionTwice: [part(21, 22), "cse", "n", part(17, 18)],
    pipelineSyntax: [part(12, 13), "the name of a pass", "`,`"],
    pipelineDepth: [part(0, 12), 20],
    brokeIr: ["my-pass", "f", [verifyErrors.noResults(at)]],
    wrongClaims: [
      "my-pass",
      { name: "f", span: at },
      [..."abcdefghij"].map((name) => `\`${name}\` is gone, but has no entry`),
    ],
    passThrew: ["my-pass", "f", at, "x is undefined"],
    unknownFunction: ["g", ["f"]],
    unpairedFunction: ["f", "first", at],
    notTheSame: [
      "my-pass",
      "f",
      at,
      { result: "y", index: [1, 3], dims: { rows: 3, n: 5 }, firstNew: { name: "sub", span: at } },
    ],
    otherSignature: ["f", at, [verifyErrors.resultChanged(at, "results", "y: f32", "z: f32")]],
    noFixpoint: ["a,b", 100],
    tooLargeToCompare: ["my-pass", "f", at, 100_000_000],
  });
  found.push(refusedBy("my-pass", verifyErrors.noResults(at)));
  expectGolden("passes.txt", rendered(found));
});

test("what passes remark", () => {
  const found = sampled(remarks, {
    notRaised: [at, "a LayerNorm", miss],
    notSimplified: [at, "the scale before `rmsnorm`", miss],
    centeringStays: [at, "`x`", miss, ["it does not move: `x` is a parameter"]],
    centeringDropped: [at, "`x`", miss],
    centeringProved: [at, "`d`", ["`d` is `x - mean(x)`"]],
    groupNormStays: [at],
    assumed: [at, "raise-norms", "a variance is not below 0"],
    centeringFolded: [at, "`h`", ["`w`", "`b`"]],
    centeringMoved: [at, "`h`", [{ name: "`h0`", span: whole }], [..."abcdefgh"].map((name) => `\`${name}\``)],
  });
  expectGolden(
    "remarks.txt",
    rendered([
      ...found,
      normWarnings.noNorm(["main"], "model"),
      ...sampled(normWarnings, {
        noNorm: [["f", "g"], "program"],
        noLayerNorm: [["f"]],
        noKernel: [at, "`ln`", "`ids` is i32[n], and kernels only read and write tensors of floats"],
      }),
    ]),
  );
});

test("what is said of functions that are no kernel", () => {
  const found = sampled(kernelMessages, {
    notFused: [at, "f", "gelu"],
    severalKernels: [at, "f", "gelu", otherAxes, 2],
    noLoops: [at, "reshape", { reason: "it mixes the axes of its operand" }],
    noCommonSpace: [whole, "f", "the largest has n, and another axis has m"],
    outside: [at, "f", "matmul", "matrix products are not compiled to kernels", { others: 2, isInterpreted: true }],
    tooManyBuffers: [whole, "f", ["a", "b", "y"], "tiny", 2],
    tooLarge: [at, "f", 500, 250_000],
    tooManyPlaces: [at, "concat", 2000],
    notCounted: [whole, "f", { what: "rows", extents: [65_536, 1, 65_536], count: 2 ** 32 }, 2 ** 32 - 2 ** 20],
    oneWorkgroup: [at, "softmax", 2 ** 16],
    staysOutside: [at, "linear", "matrix products are not compiled to kernels"],
    newKernel: [at, "gelu", otherAxes, [{ name: "`n`", bytes: "3072 * rows" }]],
    notProved: [whole, "f", "portable", "it computes 3151875 elements"],
    notTheFunction: [whole, "f", "portable", { result: "y", index: [0, 3], dims: { rows: 5 } }],
  });
  const faults = ["a race on lanes_f32", "a load outside of in_x"];
  found.push(kernelMessages.notTheFunction(whole, "f", "portable", { faults }));
  const ofAnother = { others: 0, isInterpreted: false };
  found.push(kernelMessages.outside(at, "f", "extern", "nothing is known of it", ofAnother));
  expectGolden("kernels.txt", rendered(found));
});

test("what is said of files", () => {
  const files = sampled(fileErrors, {
    notNpy: ["x.npy"],
    badHeader: ["x.npy", "the file ends in it"],
    fortranOrder: ["x.npy"],
    bigEndian: ["x.npy", ">f4"],
    unknownType: ["x.npy", "<c8", ["f2", "f4"]],
    wrongLength: ["x.npy", "<f4 of shape (4)", 16, 12],
    wrongKind: ["x.npy", "<f4", "ids", "i32[n]"],
    outOfRange: ["x.npy", 1099511627776, "[3]", "ids", "i32[n]"],
    cannotRead: ["x.npy", "it is a folder"],
    isOnnx: ["m.onnx"],
    isProgram: ["m.tir"],
    notAModel: ["a.png", "it is neither .onnx nor .pt2 nor .safetensors", ["take an ONNX model"]],
    cannotWrite: ["y.npy", "the disk is full"],
  });
  const notFinite = {
    ...({ output: "y", what: "NaN", count: 5, total: 9 } as const),
    ...{ operands: [-0.5], params: ["v"], instead: "--in v=rand" },
  };
  const consts = sampled(constErrors, {
    notSafetensors: ["m.bin", "its header is longer than the file"],
    noTensor: [at, "m.safetensors", "ln.wieght", ["ln.weight", "ln.bias"]],
    unknownType: ["m.safetensors", "w", "F8_E8M0", ["F32", "F16"]],
    wrongType: [at, "w", "f32[4]", "`w` in m.safetensors", "F32 of shape [5]"],
    outOfRange: [at, "w", "f32[4]", "`w` in m.safetensors", "[3]", 1e300],
    needsTensor: [at, "w", "m.safetensors"],
    oneTensor: [at, "w", "w.npy"],
    symbolicDimension: [at, "w", "n"],
    notAValue: [at, "w"],
    wrongShape: [at, "w", "a list of 3", "f32[4]"],
    loadArguments: [at],
    cycle: [at, ["w", "v"]],
    notLoaded: [at, "w"],
    notCentered: [at, "w_centered", 3, Number.NaN],
  });
  const values = { at: "[3, 5]", got: "1.5", want: "1.25", count: 2, total: 100 };
  const others = [
    ...sampled(compareMessages, {
      differs: ["y", values, "2e-6"],
      notFinite: [at, "rsqrt", notFinite],
      notCentered: [at, "x", [-1], { row: 3, mean: 0.5, count: 2, rows: 8 }],
    }),
    externErrors.notInterpreted(at, "Conv"),
    internalError("x is undefined", "repro.tir"),
  ];
  expectGolden("files.txt", rendered([...files, ...consts, ...others]));
});

test("what is said of ONNX models", () => {
  const model = { name: "m.onnx", text: "y = Conv(x, w)\n" };
  const found = sampled(onnxMessages, {
    corrupt: ["m.onnx", 4096, "a number is cut off"],
    notOnnx: ["m.onnx"],
    noOutputs: ["m.onnx"],
    unknownOpset: ["m.onnx", 7, 9, 23],
    undefinedName: ["m.onnx", "w", "conv_0 (Conv)"],
    cycle: ["m.onnx", ["a (Add)", "b (Relu)", "node 7 (Mul)", "d (Add)", "e (Add)"]],
    definedTwice: ["m.onnx", "y"],
    wrongTensor: ["m.onnx", "w", "FLOAT of shape [768] needs 3072 bytes, but it has 3000"],
    badExternal: ["m.onnx", "w", "its `external_data` has no `location`"],
    unwritableName: ['the "best".onnx'],
    unknownBoundary: ["m.onnx", "h"],
    keptAsExtern: [{ source: model, start: 0, end: 14 }, "Conv", "the language has no op for it"],
    unknownType: [{ source: model, start: 0, end: 14 }, "NonZero", "y"],
  });
  const line = { source: { name: "<command line>", text: "tirc surgery m.onnx -o out/m.onnx" }, start: 23, end: 33 };
  const written = sampled(surgeryErrors, {
    noSuchOp: ["m.onnx", 17, "because the model has functions"],
    unwritable: ["m.onnx", "add_3 (Add)", "`broadcast` has no node"],
    weightsElsewhere: [line, "out/m.onnx", "m.onnx.data", "./m.onnx"],
    noOnnxruntime: ["Cannot find package 'onnxruntime-web'"],
    doesNotRun: [
      "m.onnx",
      "Got invalid dimensions for input: ids",
      "lstm_0 (LSTM) is nothing that the interpreter has",
    ],
    notFed: ["m.onnx", "text", "STRING"],
    nothingCompared: ["logits", "all numbers of % are NaN"],
    differs: ["logits", "0.5", "12", "before: 1.0e-7, after: 0.5"],
    tooLong: ["m.onnx", 5e9],
  });
  expectGolden("onnx.txt", rendered([...found, ...written]));
});

test("what is said of archives of torch.export", () => {
  const found = sampled(archiveErrors, {
    notZip: ["m.pt2"],
    unsound: ["m.pt2", "its entry m/byteorder is not where it says"],
    badJson: ["m.pt2", "m/models/model.json", 4096, "a string is not terminated"],
    badValue: ["m.pt2", "graph_module.graph.nodes[3].target", "is not a string"],
    compressed: ["m.pt2", "m/models/model.json"],
    unread: ["m.pt2", "it has no entry `archive_format`"],
    unknownSchema: ["m.pt2", "9.1", 8],
    badTensor: ["m.pt2", "ln.weight", "it reaches to byte 3072 of its storage, which has 1024"],
    noSuchForm: ["m.pt2", "skip"],
  });
  expectGolden("archives.txt", rendered(found));
});

test("what is said of checkpoints", () => {
  const line = { name: "command line", text: "tirc surgery ./gpt2 -o ./out" };
  const found = sampled(checkpointErrors, {
    notACheckpoint: ["./gpt2", "it has no config.json", "name the folder that `save_pretrained` writes"],
    wrongConfig: ["./gpt2/config.json", "it has no `model_type`"],
    unknownArchitecture: ["./mamba/config.json", "mamba", ["bert", "gpt2"]],
    noTensor: ["./gpt2", "transformer.h.0.ln1.weight", "gpt2", ["transformer.h.0.ln_1.weight", "wte.weight"]],
    wrongTensor: ["./gpt2", "wte.weight", "a table of rows", "I8", [50257, 768]],
    wrongIndex: ["./gpt2/model.safetensors.index.json", "it has no object `weight_map`"],
    notEmpty: [{ source: line, start: line.text.indexOf("./out"), end: line.text.length }, "./out"],
    tooLarge: ["./llama", "model.layers.0.mlp.up_proj.weight", "f16", 81920],
  });
  expectGolden("checkpoints.txt", rendered(found));
});

test("what is said of arguments of the library", () => {
  const found = sampled(libraryErrors, {
    wrongArgument: ["the first argument of `compile`", "a module", "a string", ["parse the text: `parse(text)`"]],
    unnamedEncoder: ["launch"],
    missingKernels: ["f", ["f_1"], ["f_0"]],
    unknownOption: ["compile", "targett", ["target", "passes"]],
  });
  expectGolden("library.txt", rendered(found));
});

test("every error says what to do", () => {
  const texts = readdirSync("test/golden").map((name) => readFileSync(`test/golden/${name}`, "utf8"));
  const said = texts.flatMap((text) => text.split("\n\n")).filter((text) => /error\[E\d+\]/.test(text));
  expect(said.length).toBeGreaterThan(200);
  expect(said.filter((text) => !text.includes("= help: "))).toEqual([]);
});

test("every code is in a golden", () => {
  const texts = readdirSync("test/golden").map((name) => readFileSync(`test/golden/${name}`, "utf8"));
  // Their examples are hundreds of characters deep or thousands of tokens long: test/parse/limits.test.ts.
  const elsewhere = ["E0137", "E0138"];
  const missing = [...catalog.keys()].filter((code) => !texts.some((text) => text.includes(`[${code}]`)));
  expect(missing).toEqual(elsewhere);
});
