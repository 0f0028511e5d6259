/**
 * A transformer encoder of TensorFlow.js, unchanged and with kernels in place of its norms and its optimizer: launches
 * and times of inference and of a training step. Runs in Node and in a page.
 */

import { encoder } from "../../examples/tfjs/encoder.js";

/** The variants to compare with the unchanged encoder. */
export const changes = ["norms", "norms and Adam"];

/**
 * Creates encoders on the current backend, all with the same weights, and their training data.
 *
 * @param libraries `tf`, tfjs-layers' `input`, `layers` and `model`, and tirc's `applyFusedRmsNorm` and `fusedAdam`
 * @param options `blocks`, `width`, `batch`, `length`, `post`, `fold`, and Adam's `rate` and `epsilon`
 */
export function encoders(libraries, options) {
  const { tf, applyFusedRmsNorm, fusedAdam } = libraries;
  const { width, batch, length, rate, epsilon } = options;
  const wave = (step) =>
    tf.tensor(
      Float32Array.from({ length: batch * length * width }, (_, i) => Math.sin(step * i + 1)),
      [batch, length, width],
    );
  const data = [wave(1.7), wave(0.3)];
  let weights;

  /**
   * @param change applied to the model, if given
   * @param given inputs and targets
   */
  async function open(change, [x, y] = data, isFused = false) {
    const made = encoder(libraries, { ...options, postNorm: options.post });
    weights ??= made.getWeights().map((weight) => tf.clone(weight));
    made.setWeights(weights);
    const result = await change?.(made);
    const optimizer = isFused
      ? await fusedAdam(tf, { learningRate: rate, epsilon })
      : tf.train.adam(rate, 0.9, 0.999, epsilon);
    const variables = made.trainableWeights.map((weight) => weight.val);
    const loss = () => tf.losses.meanSquaredError(y, made.apply(x, { training: true }));
    return {
      made,
      result,
      inference: () => made.predict(x),
      step: () => optimizer.minimize(loss, true, variables),
    };
  }

  return {
    data,
    open,
    /** The encoder with one of the `changes`. */
    changed: (name) =>
      open((made) => applyFusedRmsNorm(tf, made, { fold: options.fold }), data, name === "norms and Adam"),
    /** Waits until the device has done all recorded work. */
    done() {
      const backend = tf.backend();
      backend.ensureCommandEncoderReady();
      backend.endComputePassEncoder();
      backend.submitQueue();
      return backend.device.queue.onSubmittedWorkDone();
    },
  };
}

/** The lower quartile, the median and the upper quartile of a list. */
export const quartiles = (list) => {
  const sorted = list.toSorted((a, b) => a - b);
  return [0.25, 0.5, 0.75].map((q) => sorted[Math.floor((sorted.length - 1) * q)]);
};

/**
 * Times the unchanged encoder and each of the `changes`, alternating on one device.
 *
 * @returns for `inference` and `step`: the launches and quartiles of milliseconds of the unchanged encoder, and for each
 * change its launches and the quartiles of the ratios of its times to the unchanged encoder's in the same round
 */
export async function timeEncoders(libraries, options) {
  const { open, changed, done } = encoders(libraries, options);
  const sides = [await open(), ...(await Promise.all(changes.map(changed)))];
  let launches = 0;
  const { prototype } = GPUComputePassEncoder;
  const dispatch = prototype.dispatchWorkgroups;
  prototype.dispatchWorkgroups = function (...counts) {
    launches += 1;
    return dispatch.apply(this, counts);
  };
  const timed = {};
  for (const what of ["inference", "step"]) {
    const [times, counts] = [sides.map(() => []), []];
    // Two warm-up rounds, which compile.
    for (let round = -2; round < options.rounds; round++) {
      for (const [i, side] of sides.entries()) {
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
    timed[what] = {
      launches: counts[0],
      milliseconds: quartiles(times[0]),
      changes: changes.map((name, i) => ({
        name,
        launches: counts[i + 1],
        ratio: quartiles(times[i + 1].map((time, round) => time / times[0][round])),
      })),
    };
  }
  prototype.dispatchWorkgroups = dispatch;
  return timed;
}
