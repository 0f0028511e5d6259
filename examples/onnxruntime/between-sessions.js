/**
 * A model with a tirc kernel in the middle: onnxruntime-web runs the parts before and after it on the same device, and
 * the tensors between them stay there.
 */
import { prepare } from "tirc/onnxruntime";

/**
 * @param ort the module "onnxruntime-web/webgpu"
 * @param kernel GELU(LayerNorm(x + residual)): what "./bert-output.tir" exports
 * @param models the bytes of two ONNX models, from `x` to `h` and from `y` to `z`
 * @param weights `gamma` and `beta`, as Float32Arrays
 */
export async function openModel(ort, kernel, models, weights) {
  const options = { executionProviders: ["webgpu"], preferredOutputLocation: "gpu-buffer" };
  // Sequentially, because the first session opens the device.
  const before = await ort.InferenceSession.create(models.before, options);
  const after = await ort.InferenceSession.create(models.after, options);
  const block = await prepare(ort, kernel);
  const upload = (data) => block.upload(new ort.Tensor("float32", data, [data.length]));
  const [gamma, beta] = [upload(weights.gamma), upload(weights.beta)];

  /** Takes and returns a tensor of shape `[batch, tokens, 768]` on the GPU; the caller disposes of the result. */
  return async (x) => {
    const { h } = await before.run({ x });
    const { y } = block.run({ x: h, residual: x, gamma, beta });
    h.dispose();
    const { z } = await after.run({ y });
    y.dispose();
    return z;
  };
}
