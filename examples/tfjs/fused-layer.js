/** A layer of TensorFlow.js whose `call` is a tirc kernel: GELU(LayerNorm(x + residual)), in one launch. */
import * as tf from "@tensorflow/tfjs-core";
import { layers } from "@tensorflow/tfjs-layers";
import { prepare } from "tirc/tfjs";

/**
* Compiles the kernel on the device of TensorFlow.js's backend, and returns a function that creates the layer.
 *
* @param kernel the exports of "./bert-output.tir"
 */
export async function fusedLayer(kernel) {
  const block = await prepare(tf, kernel);

  class BertOutput extends layers.Layer {
    static className = "BertOutput";

    build([[, , width]]) {
      const weight = (name, value) => this.addWeight(name, [width], "float32", { apply: (shape) => tf.fill(shape, value) });
      [this.gamma, this.beta] = [weight("gamma", 1), weight("beta", 0)];
      super.build();
    }

    computeOutputShape([shape]) {
      return shape;
    }

    call([x, residual]) {
      return block.run({ x, residual, gamma: this.gamma.read(), beta: this.beta.read() }).y;
    }
  }

  return (options = {}) => new BertOutput(options);
}
