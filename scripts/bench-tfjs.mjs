/**
 * `npm run bench:tfjs [-- --rounds 9 --blocks 4 --width 256 --batch 8 --length 64]`, of a built package
 *
 * A transformer encoder of TensorFlow.js before and after `applyFusedRmsNorm`: launches and milliseconds of inference and of a
 * step of training by Adam, until the device is done. By turns on one device; medians, quartiles, and the ratio of each pair.
 * `--steps 100` compares the losses of so many steps instead: of the fused model with the original's, and beside them of
 * controls, which are the original with what is equal but for its rounding. Adam divides by the root of v, which for small
 * gradients makes a difference of rounding a step of full size, so a distance says something beside the controls' alone: the
 * script exits 1 where the fused model is ten times as far as the farthest control, and more than 1e-5.
 * `--epsilon 1e-4` and `--rate 1e-4` are Adam's. TIRC_ADAPTER chooses the device.
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
    epsilon: { type: "string", default: "1e-7" },
    rate: { type: "string", default: "1e-3" },
    fold: { type: "boolean", default: false },
    post: { type: "boolean", default: false },
  },
});
const [rounds, blocks, width, batch, length, steps, epsilon, rate] = [
  ...["rounds", "blocks", "width", "batch", "length", "steps", "epsilon", "rate"],
].map((name) => Number(values[name]));

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
const [inputs, targets] = [wave([batch, length, width], 1.7), wave([batch, length, width], 0.3)];

let launches = 0;
const dispatch = GPUComputePassEncoder.prototype.dispatchWorkgroups;
GPUComputePassEncoder.prototype.dispatchWorkgroups = function (...counts) {
  launches += 1;
  return dispatch.apply(this, counts);
};

async function open(change, [x, y] = [inputs, targets]) {
  const made = make();
  const result = await change?.(made);
  const optimizer = tf.train.adam(rate, 0.9, 0.999, epsilon);
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

/** The original with one weight of each tensor an f32's last bit larger. */
async function nudged() {
  const side = await open();
  const weights = first.made.getWeights().map((weight) => {
    const data = weight.dataSync().slice();
    const bits = new Int32Array(data.buffer, data.byteOffset, data.length);
    const at = data.findIndex((value) => value !== 0);
    if (at >= 0) bits[at] += 1;
    return tf.tensor(data, weight.shape);
  });
  side.made.setWeights(weights);
  return side;
}

/** The original with the batch in reverse: the same sums, added up in another order. */
async function turned() {
  const side = await open(
    undefined,
    [inputs, targets].map((x) => tf.reverse(x, 0)),
  );
  side.made.setWeights(first.made.getWeights());
  return side;
}

/** The original with its norms in other ops, which round in other places, as kernels do. */
async function written() {
  const side = await open((made) => {
    for (const layer of made.layers) {
      if (layer.getClassName() !== "LayerNormalization") continue;
      layer.call = ([x]) =>
        tf.tidy(() => {
          const { mean, variance } = tf.moments(tf.reverse(x, -1), -1, true);
          const normal = tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5)));
          return tf.add(tf.mul(normal, layer.gamma.read()), layer.beta.read());
        });
    }
  });
  side.made.setWeights(first.made.getWeights());
  return side;
}

if (steps > 0) {
  const others = [
    { what: "fused", side: second, most: 0 },
    { what: "control: last bits", side: await nudged(), most: 0 },
    { what: "control: batch reversed", side: await turned(), most: 0 },
    { what: "control: norms in other ops", side: await written(), most: 0 },
  ];
  const lossOf = async ({ step }) => {
    const loss = step();
    const [value] = await loss.data();
    loss.dispose();
    return value;
  };
  console.log(
    `largest distance of the losses so far, ${steps} steps of Adam, rate ${rate}, epsilon ${epsilon}, on ${description}`,
  );
  for (let step = 1; step <= steps; step++) {
    const loss = await lossOf(first);
    for (const one of others) one.most = Math.max(one.most, Math.abs((await lossOf(one.side)) - loss));
    if (step % 10 > 0) continue;
    const apart = others.map(({ what, most }) => `${what} ${most.toExponential(1)}`);
    console.log(`step ${step}: loss ${loss.toPrecision(6)}; ${apart.join(", ")}`);
  }
  const [fused, ...controls] = others.map(({ most }) => most);
  process.exit(fused <= Math.max(1e-5, 10 * Math.max(...controls)) ? 0 : 1);
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
