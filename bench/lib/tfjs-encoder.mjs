/**
 * A transformer encoder of TensorFlow.js, as it is and with kernels in place of its norms and its optimizer: launches
 * and times of inference and of a step of training. It runs in Node and in a page.
 */

import { encoder } from "../../examples/tfjs/encoder.js";

/** What is compared with the encoder as it is, by name. */
export const changes = ["norms", "norms and Adam"];

/**
 * Makes encoders on the backend that is set, all with the same weights, and what they are trained on.
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
   * @param change what is done to the model, if anything
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
    /** Until the device has done all that was recorded. */
    done() {
      const backend = tf.backend();
      backend.ensureCommandEncoderReady();
      backend.endComputePassEncoder();
      backend.submitQueue();
      return backend.device.queue.onSubmittedWorkDone();
    },
  };
}

/** The quartiles and the median of a list, in order. */
export const quartiles = (list) => {
  const sorted = list.toSorted((a, b) => a - b);
  return [0.25, 0.5, 0.75].map((q) => sorted[Math.floor((sorted.length - 1) * q)]);
};

/**
 * Times the encoder as it is and with each of the `changes`, by turns on one device.
 *
 * @returns of `inference` and `step`: launches and the quartiles of milliseconds as it is, and of each change its launches and
 * the quartiles of the ratios of its times to those before it in the same round
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
    // Two rounds to compile in.
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
