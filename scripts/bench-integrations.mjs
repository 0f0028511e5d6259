/**
 * `npm run bench:integrations [-- --rows 1024 --rounds 15]`, after a build
 *
 * GELU(LayerNorm(x + residual)) on rows of 768, with inputs and results on the device, timed until the device is done:
 * as nodes of onnxruntime-web, as layers of TensorFlow.js, and as a kernel that replaces each. Alternating on one
 * device; medians, quartiles, and the ratio of each pair. TIRC_ADAPTER selects the device.
 */
import { readFileSync } from "node:fs";
import { modelOf } from "../bench/lib/ort.mjs";
import { count, scriptOptions } from "./options.mjs";

const {
  values: { rows, rounds },
} = scriptOptions("npm run bench:integrations -- [--rows N] [--rounds N]", {
  options: { rows: { kind: count, default: "1024" }, rounds: { kind: count, default: "15" } },
});
const width = 768;

const { openDevice } = await import("../dist/src/runtime/node.js");
const { compile, parse } = await import("../dist/src/index.js");
const { actAsPage } = await import("../dist/src/cli/peers/page.js");
Object.assign(globalThis, { self: globalThis, WorkerGlobalScope: class {} });
const opened = await openDevice();
const { device, adapterInfo, target, description } = opened;
const adapter = await actAsPage(opened);

const source = readFileSync(new URL("../examples/bert-output.tir", import.meta.url), "utf8");
const [kernel] = compile(parse(source), { target }).kernels;
const wave = (count, step) => Float32Array.from({ length: count }, (_, i) => Math.sin(step * i + 1));
const data = {
  x: wave(rows * width, 1),
  residual: wave(rows * width, 0.7),
  gamma: wave(width, 0.3),
  beta: wave(width, 0.2),
};
const shapes = { x: [rows, width], residual: [rows, width], gamma: [width], beta: [width] };
const inputsBy = (make) =>
  Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, make(data[name], shape)]));

async function ofOnnxruntime() {
  const ort = await import("onnxruntime-web/webgpu");
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  Object.assign(ort.env.webgpu, { adapter, device });
  const nodes = [
    ["Add", ["x", "residual"], ["a"]],
    ["LayerNormalization", ["a", "gamma", "beta"], ["n"], { axis: -1, epsilon: 1e-12 }],
    ["Gelu", ["n"], ["y"], {}, "com.microsoft"],
  ];
  const session = await ort.InferenceSession.create(modelOf(nodes, shapes, { y: [rows, width] }, {}), {
    ...{ executionProviders: ["webgpu"], preferredOutputLocation: "gpu-buffer" },
  });
  const { prepare } = await import("../dist/src/integrations/onnxruntime.js");
  const block = await prepare(ort, kernel);
  const inputs = inputsBy((values, shape) => block.upload(new ort.Tensor("float32", values, shape)));
  return {
    library: async () => (await session.run(inputs)).y,
    kernel: () => block.run(inputs).y,
    read: (y) => y.getData(),
  };
}

async function ofTfjs() {
  const tf = await import("@tensorflow/tfjs-core");
  const { layers } = await import("@tensorflow/tfjs-layers");
  const { WebGPUBackend } = await import("@tensorflow/tfjs-backend-webgpu");
  if (tf.findBackendFactory("webgpu")) tf.removeBackend("webgpu");
  tf.registerBackend("webgpu", () => new WebGPUBackend(device, adapterInfo), 3);
  await tf.setBackend("webgpu");
  const { prepare } = await import("../dist/src/integrations/tfjs.js");
  const block = await prepare(tf, kernel);
  const inputs = inputsBy((values, shape) => tf.tensor(values, shape));
  const norm = layers.layerNormalization({ epsilon: 1e-12 });
  norm.build([rows, width]);
  norm.setWeights([inputs.gamma, inputs.beta]);
  const library = () =>
    tf.tidy(() => {
      const n = norm.apply(tf.add(inputs.x, inputs.residual));
      return tf.mul(tf.mul(n, 0.5), tf.add(tf.erf(tf.mul(n, Math.SQRT1_2)), 1));
    });
  const submitted = (y) => {
    tf.backend().ensureCommandEncoderReady();
    tf.backend().endComputePassEncoder();
    tf.backend().submitQueue();
    return y;
  };
  return { library: () => submitted(library()), kernel: () => block.run(inputs).y, read: (y) => y.data() };
}

const quantile = (list, q) => list.toSorted((a, b) => a - b)[Math.floor((list.length - 1) * q)];
const shown = (list) =>
  `${quantile(list, 0.5).toFixed(2)} (${quantile(list, 0.25).toFixed(2)} to ${quantile(list, 0.75).toFixed(2)})`;

console.log(`${rows} x ${width} on ${description}, ${rounds} rounds, ms per call`);
for (const [name, open] of Object.entries({ "onnxruntime-web": ofOnnxruntime, "TensorFlow.js": ofTfjs })) {
  const { library, kernel: own, read } = await open();
  const [theirs, ours] = [await read(await library()), await read(await own())];
  const apart = theirs.reduce((most, value, i) => Math.max(most, Math.abs(value - ours[i])), 0);
  const times = { library: [], kernel: [] };
  for (let round = -2; round < rounds; round++) {
    for (const [side, call] of Object.entries({ library, kernel: own })) {
      await device.queue.onSubmittedWorkDone();
      const start = performance.now();
      const y = await call();
      await device.queue.onSubmittedWorkDone();
      const time = performance.now() - start;
      y.dispose();
      if (round >= 0) times[side].push(time);
    }
  }
  const ratios = times.library.map((time, i) => time / times.kernel[i]);
  console.log(
    `${name}: ${shown(times.library)}, kernel ${shown(times.kernel)}; ${shown(ratios)} times, apart by ${apart.toPrecision(2)}`,
  );
}
process.exit(0);
