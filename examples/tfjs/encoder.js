/** A transformer encoder of TensorFlow.js: unmasked attention and an MLP, each with a norm and a residual sum. */

/**
 * @param of `tf`, and `input`, `layers` and `model` of tfjs-layers
 * @param options the number of blocks, the width, the sequence length, and whether norms follow the sums
 */
export function encoder({ tf, input, layers, model }, { blocks, width, length, postNorm = false }) {
  class Attention extends layers.Layer {
    static className = "Attention";

    computeOutputShape([shape]) {
      return shape;
    }

    call([q, k, v]) {
      return tf.tidy(() => {
        const scores = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(width));
        return tf.matMul(tf.softmax(scores), v);
      });
    }
  }

  const dense = (x, units, activation = "linear") => layers.dense({ units, activation }).apply(x);
  const norm = (x) => layers.layerNormalization({ epsilon: 1e-5 }).apply(x);
  const attention = (x) => {
    const [q, k, v] = [0, 1, 2].map(() => dense(x, width));
    return dense(new Attention({}).apply([q, k, v]), width);
  };
  const mlp = (x) => dense(dense(x, 4 * width, "relu"), width);

  const x = input({ shape: [length, width] });
  let h = postNorm ? x : dense(x, width);
  for (let block = 0; block < blocks; block++) {
    for (const part of [attention, mlp]) {
      const sum = (a, b) => layers.add().apply([a, b]);
      h = postNorm ? norm(sum(h, part(h))) : sum(h, part(norm(h)));
    }
  }
  return model({ inputs: x, outputs: postNorm ? h : norm(h) });
}
