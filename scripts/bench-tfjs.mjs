/**
 * `npm run bench:tfjs [-- --rounds 9 --blocks 4 --width 256 --batch 8 --length 64]`, of a built package
 *
 * A transformer encoder of TensorFlow.js before and after `applyFusedRmsNorm`: launches and milliseconds of inference and of a
 * step of training by Adam, until the device is done. By turns on one device; medians, quartiles, and the ratio of each pair.
 * `--steps 100` compares the losses of so many steps instead. TIRC_ADAPTER chooses the device.
 */
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "9" },
    blocks: { type: "string", default: "4" },
    width: { type: "string", default: "256" },
    batch: { type: "string", default: "8" },
    length: { type: "string", default: "64" },
    steps: { type: "string", default: "0" },
    fold: { type: "boolean", default: false },
    post: { type: "boolean", default: false },
  },
});
const [rounds, blocks, width, batch, length, steps] = ["rounds", "blocks", "width", "batch", "length", "steps"].map(
  (name) => Number(values[name]),
);

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
const { applyFusedRmsNorm } = await import("../dist/src/integrations/tfjs.js");
const { encoder } = await import("../examples/tfjs/encoder.js");

const make = () => encoder({ tf, input, layers, model }, { blocks, width, length, postNorm: values.post });
const wave = (shape, step) =>
  tf.tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(step * i + 1)),
    shape,
  );
const [x, y] = [wave([batch, length, width], 1.7), wave([batch, length, width], 0.3)];

let launches = 0;
const dispatch = GPUComputePassEncoder.prototype.dispatchWorkgroups;
GPUComputePassEncoder.prototype.dispatchWorkgroups = function (...counts) {
  launches += 1;
  return dispatch.apply(this, counts);
};

async function open(change) {
  const made = make();
  const result = await change?.(made);
  const optimizer = tf.train.adam(1e-3);
  const variables = made.trainableWeights.map((weight) => weight.val);
  return {
    made,
    result,
    inference: () => made.predict(x),
    step: () =>
      optimizer.minimize(() => tf.losses.meanSquaredError(y, made.apply(x, { training: true })), true, variables),
  };
}

const first = await open();
const second = await open((made) => applyFusedRmsNorm(tf, made, { fold: values.fold }));
second.made.setWeights(first.made.getWeights());
console.log(
  second.result.norms.map(({ name, centering, movedTo }) => `${name}: ${centering} ${movedTo.join(" ")}`).join("\n"),
);

const done = () => {
  tf.backend().ensureCommandEncoderReady();
  tf.backend().endComputePassEncoder();
  tf.backend().submitQueue();
  return device.queue.onSubmittedWorkDone();
};

if (steps > 0) {
  let most = 0;
  for (let step = 0; step < steps; step++) {
    const [a, b] = [(await first.step().data())[0], (await second.step().data())[0]];
    most = Math.max(most, Math.abs(a - b));
    if (step % 10 === 9) console.log(`step ${step + 1}: loss ${a}, ${b}, apart by ${most.toPrecision(2)} so far`);
  }
  process.exit(0);
}

const quantile = (list, q) => list.toSorted((a, b) => a - b)[Math.floor((list.length - 1) * q)];
const shown = (list) =>
  `${quantile(list, 0.5).toFixed(2)} (${quantile(list, 0.25).toFixed(2)} to ${quantile(list, 0.75).toFixed(2)})`;
console.log(`${blocks} blocks, ${batch} x ${length} x ${width} on ${description}, ${rounds} rounds, ms`);
for (const what of ["inference", "step"]) {
  const times = [[], []];
  const counts = [0, 0];
  for (let round = -2; round < rounds; round++) {
    for (const [i, side] of [first, second].entries()) {
      await done();
      launches = 0;
      const start = performance.now();
      const result = side[what]();
      await done();
      const time = performance.now() - start;
      result.dispose();
      counts[i] = launches;
      if (round >= 0) times[i].push(time);
    }
  }
  const ratios = times[1].map((time, i) => time / times[0][i]);
  console.log(
    `${what}: ${shown(times[0])} in ${counts[0]} launches, then ${shown(times[1])} in ${counts[1]}; ratio ${shown(ratios)}`,
  );
}
process.exit(0);
