/**
 * Compares the losses of a TensorFlow.js encoder with kernels in place of its norms with the original's, and with those
 * of controls: variants of the original that differ in rounding only.
 */

import { changes, encoders } from "./tfjs-encoder.mjs";

/** @returns whether the fused model is within 1e-5, or within ten times the farthest control */
export async function compareLosses(libraries, options, say) {
  const { tf } = libraries;
  const { data, open, changed } = encoders(libraries, options);
  const first = await open();

  /** Increases one weight of each tensor by the last bit of an f32. */
  const nudge = (made) => {
    const weights = made.getWeights().map((weight) => weight.dataSync().slice());
    for (const values of weights) {
      const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
      const at = values.findIndex((value) => value !== 0);
      if (at >= 0) bits[at] += 1;
    }
    made.setWeights(made.getWeights().map(({ shape }, i) => tf.tensor(weights[i], shape)));
  };
  /** Writes norms in other ops, which round at other points, as kernels do. */
  const rewrite = (made) => {
    for (const layer of made.layers) {
      if (layer.getClassName() !== "LayerNormalization") continue;
      layer.call = ([x]) =>
        tf.tidy(() => {
          const { mean, variance } = tf.moments(tf.reverse(x, -1), -1, true);
          const normal = tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5)));
          return tf.add(tf.mul(normal, layer.gamma.read()), layer.beta.read());
        });
    }
  };
  const reversed = data.map((x) => tf.reverse(x, 0));
  const others = [
    ...(await Promise.all(changes.map(async (name) => ({ what: name, side: await changed(name), isFused: true })))),
    { what: "control: last bits", side: await open(nudge) },
    { what: "control: batch reversed", side: await open(undefined, reversed) },
    { what: "control: norms in other ops", side: await open(rewrite) },
  ].map((one) => ({ ...one, most: 0 }));

  const lossOf = async ({ step }) => {
    const loss = step();
    const [value] = await loss.data();
    loss.dispose();
    return value;
  };
  const { steps } = options;
  for (let step = 1; step <= steps; step++) {
    const loss = await lossOf(first);
    for (const one of others) one.most = Math.max(one.most, Math.abs((await lossOf(one.side)) - loss));
    if (step % 10 > 0 && step < steps) continue;
    const apart = others.map(({ what, most }) => `${what} ${most.toExponential(1)}`);
    say(`step ${step}: loss ${loss.toPrecision(6)}; ${apart.join(", ")}`);
  }
  const mostOf = (isFused) => Math.max(...others.filter((one) => !one.isFused === !isFused).map(({ most }) => most));
  return mostOf(true) <= Math.max(1e-5, 10 * mostOf(false));
}
