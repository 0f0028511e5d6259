/**
 * What stands around the documents' ```ts and ```js examples when they are run: what they count on before them, and what
 * must be so after them. An example that is not listed is run as it stands. Imports are of the package as it is published.
 */

export interface Setting {
  /** The page, and how the example begins. */
  readonly page: string;
  readonly starts: string;
  readonly before?: string;
  readonly after?: string;
  /** It needs a device. */
  readonly device?: true;
  /** The test that runs it, if it has one of its own. */
  readonly by?: string;
}

const readText = `import { readFileSync } from "node:fs";
import { strict as assert } from "node:assert";
`;
const bert = `${readText}import { parse as parseBert, compile as compileBert } from "tirc";
const bertSource = readFileSync("examples/bert-output.tir", "utf8");
const bertKernels = compileBert(parseBert(bertSource)).kernels;
`;
const device = `import { openDevice } from "tirc/runtime/node";
const opened = await openDevice();
const { device } = opened;
`;
const model = `import { OnnxModel as Model, bytesInMemory as inMemory } from "tirc/onnx";
const bytes = new Uint8Array(readFileSync("recognizer.onnx"));
const files: Record<string, Uint8Array> = {};
`;

export const settings: readonly Setting[] = [
  {
    page: "docs/integrations.md",
    starts: 'import * as tf from "@tensorflow/tfjs";\nimport { applyFused',
    by: "tfjs-norms",
  },
  { page: "docs/integrations.md", starts: "import { fusedAdam }", by: "tfjs-optimizers" },
  { page: "docs/integrations.md", starts: "const optimizer = await fusedAdam", by: "tfjs-optimizers" },
  { page: "docs/training.md", starts: "import { applyFusedRmsNorm, parse }", by: "the training of a transformer" },
  { page: "docs/training.md", starts: "import { LossScale, openAdamW }", by: "adamw" },
  {
    page: "docs/plans.md",
    starts: "import { compile, parse, planManifest }",
    device: true,
    before: `${readText}${device}const source = readFileSync("examples/plans/mean-loss.tir", "utf8");
const logits = new Float32Array(2 * 512).map((_, i) => Math.sin(i));
const [label, ids] = [Int32Array.of(3, 500), new Int32Array(512).map((_, i) => i)];
`,
    after: `assert.equal(launches, 2);
assert.equal(outputs.nll.data.length, 2);
opened.close();
`,
  },
  {
    page: "README.md",
    starts: "import { compile, parse }",
    device: true,
    before: `${bert}${device}const source = bertSource;
const row = () => new Float32Array(2 * 768).map((_, i) => Math.sin(i));
const [x, residual] = [row(), row()];
const [gamma, beta] = [new Float32Array(768).fill(1), new Float32Array(768)];
const rows = 2;
const buffer = device.createBuffer({ size: 4 * rows * 768, usage: 0x80 });
const encoder = device.createCommandEncoder();
const pass = encoder.beginComputePass();`,
    after: `pass.end();
device.queue.submit([encoder.finish()]);
await device.queue.onSubmittedWorkDone();
assert.equal(kernels[0].wgsl, bertKernels[0].wgsl);
assert.deepEqual(outputs.y.shape, [2, 768]);
assert.ok(outputs.y.data.every((value) => Number.isFinite(value)) && outputs.y.data.some((value) => value > 1));
opened.close();`,
  },
  {
    page: "docs/library.md",
    starts: "import { compile, definePass, parse, PassManager",
    before: `${bert}const source = bertSource;`,
    after: `assert.equal(kernels[0].wgsl, bertKernels[0].wgsl);
assert.deepEqual(remarks.map(({ code }) => code), ["R0102"]);
assert.deepEqual(kernels[0].manifest.bindings.map(({ name }) => name), ["x", "residual", "gamma", "beta", "y"]);
for (const value of [definePass, PassManager, print, printIr, timing]) assert.equal(typeof value, "function");`,
  },
  {
    page: "docs/library.md",
    starts: "import { equivalent }",
    before: `${readText}import { parse as parseBoth } from "tirc";
const [module, other] = ["x - mean(x, axes = [-1], keepdims = true)", "x"].map((body) =>
  parseBoth(\`fn f(x: f32[n, 4]) -> f32[n, 4] { return \${body} }\`));`,
    after: `assert.equal(equal, false);
assert.equal(functions[0]?.verdict, "different");
assert.equal(functions[0]?.counterexample?.inputs.x?.data.length, 12);`,
  },
  {
    page: "docs/library.md",
    starts: "import { runKernel }",
    device: true,
    before: `${bert}${device}const kernels = bertKernels;
const row = () => new Float32Array(2 * 768).map((_, i) => Math.sin(i));
const [x, residual] = [row(), row()];
const [gamma, beta] = [new Float32Array(768).fill(1), new Float32Array(768)];`,
    after: `assert.deepEqual(outputs.y.shape, [2, 768]);
assert.ok(outputs.y.data.every((value) => Number.isFinite(value)) && outputs.y.data.some((value) => value > 1));
opened.close();`,
  },
  {
    page: "docs/bundlers.md",
    starts: "bertOutput(device,",
    device: true,
    before: `${readText}${device}import { bertOutput } from "./bert-output.ts";
const rows = 2;
const buffer = (size: number) => device.createBuffer({ size: 4 * size, usage: 128 | 4 | 8 });
const [x, residual, gamma, beta, y] = [rows * 768, rows * 768, 768, 768, rows * 768].map(buffer);
const inputs = { x, residual, gamma, beta };
const encoder = device.createCommandEncoder();
device.pushErrorScope("validation");`,
    after: `device.queue.submit([encoder.finish()]);
assert.equal(await device.popErrorScope(), null);
assert.equal(bertOutput(device, inputs, { rows }).y.size, 4 * rows * 768);
assert.ok(bertOutput.wgsl.includes("@compute"));
opened.close();`,
  },
  { page: "docs/bundlers.md", starts: "// vite.config.js", by: "the programs that a bundler takes in" },
  { page: "docs/bundlers.md", starts: "import { bertOutput } from", by: "the programs that a bundler takes in" },
  ...["docs/targets.md", "docs/targets.intro.md"].map((page): Setting => {
    return {
      ...{ page, starts: "const adapter = await navigator.gpu.requestAdapter", device: true },
      before: `import { strict as assert } from "node:assert";
import { openDevice } from "tirc/runtime/node";
const opened = await openDevice();
const requestDevice = async ({ requiredFeatures }: { requiredFeatures: string[] }) => {
  assert.deepEqual(requiredFeatures, opened.target.features);
  return opened.device;
};
const { features } = opened.device;
const navigator = { gpu: { requestAdapter: async (_: GPURequestAdapterOptions) => ({ features, requestDevice }) } };`,
      after: "assert.equal(device, opened.device);\nopened.close();",
    };
  }),
  {
    page: "docs/onnx.md",
    starts: "import { bytesInMemory, importModel",
    before: `${readText}${model}`,
    after: `assert.equal(module.fns.length, 1);
assert.deepEqual(new Set(remarks.map(({ code }) => code)), new Set(["R0701"]));
for (const map of [values, tensors, kept]) assert.ok(map.size > 0);
assert.equal(model.numbers("ln.weight"), undefined);
const { data } = module.consts[0];
assert.equal(data.kind, "load");
const numbers = data.kind === "load" && model.numbers(data.tensor ?? "");
assert.deepEqual(Object.keys(numbers || {}).sort(), ["kind", "numbers", "shape", "type"]);
assert.equal(typeof Model, typeof inMemory);`,
  },
  {
    page: "docs/onnx.md",
    starts: "import { bytesOf, surgery }",
    before: `${readText}${model}const model = new Model(inMemory("model.onnx", bytes), (name) => inMemory(name, files[name]));
let size = 0;
const file = { write: (part: Uint8Array) => void (size += part.length) };`,
    after: `assert.equal(norms.length, 5);
assert.ok(size > 0.9 * bytes.length && size < 1.1 * bytes.length, String(size));
assert.ok(Array.isArray(weights) && Array.isArray(warnings));`,
  },
  {
    page: "docs/pytorch.md",
    starts: "import { bytesInMemory, bytesOf, openArchive",
    before: `${readText}const bytes = new Uint8Array(readFileSync("model.pt2"));
let size = 0;
const file = { write: (part: Uint8Array) => void (size += part.length) };`,
    after: `assert.equal(norms.length, 2);
assert.ok(size > 0.9 * bytes.length && size < 1.2 * bytes.length, String(size));`,
  },
  { page: "docs/guide.md", starts: "export const softsign", by: "the op, the reduction and the pass of the guide" },
  { page: "docs/guide.md", starts: "export const absmax", by: "the op, the reduction and the pass of the guide" },
  { page: "docs/guide.md", starts: "/**\n * Writes softsign", by: "the op, the reduction and the pass of the guide" },
];
