/**
 * `npm run bench:tfjs [-- --rounds 9 --blocks 4 --width 256 --batch 8 --length 64 --chromium --keep]`, after a build
 *
 * A transformer encoder of TensorFlow.js: unchanged, after `applyFusedRmsNorm`, and with `fusedAdam` as well. Measures
 * launches, and milliseconds of inference and of a training step with Adam until the device is done, alternating on one
 * device: medians, quartiles, and the ratio in each round. `--chromium` also measures in a page of Chromium. `--keep`
 * writes the results to bench/tfjs.json and to the table in docs/integrations.md.
 *
 * `--steps 100` instead compares the losses of that many steps with the original's, and with those of controls:
 * variants of the original that differ in rounding only. Adam divides by the root of v, so that for small gradients a
 * rounding difference becomes a step of full size; a distance therefore means something only relative to the controls'.
 * Exits 1 if a fused model is both ten times as far away as the farthest control and farther than 1e-5.
 *
 * `--epsilon 1e-4` and `--rate 1e-4` are Adam's. TIRC_ADAPTER selects the device.
 */
import { fileURLToPath } from "node:url";
import { inChromium, whyNoChromium } from "../bench/lib/in-chromium.mjs";
import { timeEncoders } from "../bench/lib/tfjs-encoder.mjs";
import { compareLosses } from "../bench/lib/tfjs-losses.mjs";
import { keepTfjs, table } from "../bench/lib/tfjs-report.mjs";
import { count, positive, scriptOptions } from "./options.mjs";

const usage = `npm run bench:tfjs -- [--rounds N] [--blocks N] [--width N] [--batch N] [--length N] [--chromium] [--keep]
       npm run bench:tfjs -- --steps N [--epsilon E] [--rate R] [--fold] [--post]`;
const { values: options } = scriptOptions(usage, {
  options: {
    rounds: { kind: count, default: "9" },
    blocks: { kind: count, default: "4" },
    width: { kind: count, default: "256" },
    batch: { kind: count, default: "8" },
    length: { kind: count, default: "64" },
    steps: { kind: count },
    epsilon: { kind: positive, default: "1e-7" },
    rate: { kind: positive, default: "1e-3" },
    fold: { type: "boolean", default: false },
    post: { type: "boolean", default: false },
    chromium: { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
  },
});

const { openDevice } = await import("../dist/src/runtime/node.js");
const { actAsPage } = await import("../dist/src/cli/peers/page.js");
Object.assign(globalThis, { self: globalThis, WorkerGlobalScope: class {} });
const opened = await openDevice();
const { device, adapterInfo, description } = opened;
await actAsPage(opened);
const tf = await import("@tensorflow/tfjs-core");
const { input, layers, model } = await import("@tensorflow/tfjs-layers");
const { WebGPUBackend } = await import("@tensorflow/tfjs-backend-webgpu");
if (tf.findBackendFactory("webgpu")) tf.removeBackend("webgpu");
tf.registerBackend("webgpu", () => new WebGPUBackend(device, adapterInfo), 3);
await tf.setBackend("webgpu");
const { applyFusedRmsNorm, fusedAdam } = await import("../dist/src/integrations/tfjs.js");
const libraries = { tf, input, layers, model, applyFusedRmsNorm, fusedAdam };

if (options.steps !== undefined) {
  const { steps, rate, epsilon } = options;
  console.log(
    `largest distance between the losses so far, ${steps} steps of Adam, rate ${rate}, epsilon ${epsilon}, on ${description}`,
  );
  process.exit((await compareLosses(libraries, options, console.log)) ? 0 : 1);
}

const { blocks, batch, length, width, rounds, fold, post } = options;
const variant = [fold && "centerings in weights", post && "post-norm"].filter(Boolean).join(", ");
const about = { blocks, shape: [batch, length, width], rounds, ...(variant && { variant }) };
const results = [{ where: "Node", device: description, ...about, ...(await timeEncoders(libraries, options)) }];
if (options.chromium) {
  const why = whyNoChromium();
  if (why === undefined) {
    const page = fileURLToPath(new URL("../bench/lib/tfjs-page.mjs", import.meta.url));
    const { device, timed } = await inChromium(page, "run", options);
    results.push({ where: "Chromium", device, ...about, ...timed });
  } else console.log(`not measured in Chromium: ${why}`);
}
console.log(table(results));
for (const { where, device, inference, step } of results) {
  const [a, b] = [inference, step].map(({ milliseconds: [, median] }) => median.toFixed(1));
  console.log(`${where}, ${device}: inference ${a} ms, step ${b} ms before`);
}
if (options.keep) keepTfjs(results);
process.exit(0);
