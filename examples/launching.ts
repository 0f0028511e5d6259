/** A kernel that is prepared once, bound to tensors, and dispatched in every frame. See docs/launching.md. */

import { compile, parse } from "tirc";
import { prepare } from "tirc/runtime";

const source = `fn scores(s: f32[heads, k], scale: f32) -> (p: f32[heads, k]) {
  return softmax(s * scale, axes = [-1])
}`;

export async function launch(device: GPUDevice) {
  const { kernels } = compile(parse(source));
  const scores = await prepare(device, kernels[0] as (typeof kernels)[0]);

  const s = device.createBuffer({ size: 32 * 128 * 4, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST });
  const p = device.createBuffer({ size: 32 * 128 * 4, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC });
  const bound = scores.bind({ s, p, scale: 0.125 }, { heads: 32, k: 128 });

  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  for (let frame = 0; frame < 10; frame++) bound.dispatch(pass);
  pass.end();
  device.queue.submit([encoder.finish()]);

  // In place, with another length: the same pipeline.
  const inPlace = scores.bind({ s, p: s, scale: 1 }, { heads: 32, k: 100 });
  // Only the first 16 heads.
  const half = scores.bind({ s: { buffer: s, size: 8192 }, scale: 1 }, { heads: 16, k: 128 });
  half.outputs.p?.buffer; // made for it

  const { outputs } = await scores.run({ s: new Float32Array(2 * 3), scale: 1 }, { k: 3 });
  outputs.p?.data; // Float32Array(6) [1/3, ...]

  for (const one of [bound, inPlace, half]) one.destroy();
  scores.destroy();
  return outputs;
}
