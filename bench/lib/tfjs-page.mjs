/** The encoder of TensorFlow.js on a page's device; bundled, and run in the page. */

import * as tf from "@tensorflow/tfjs-core";
import { input, layers, model } from "@tensorflow/tfjs-layers";
import "@tensorflow/tfjs-backend-webgpu";
import { applyFusedRmsNorm, fusedAdam } from "../../dist/src/integrations/tfjs.js";
import { timeEncoders } from "./tfjs-encoder.mjs";

export async function run(options) {
  await tf.setBackend("webgpu");
  await tf.ready();
  const { device } = tf.backend();
  const { vendor, architecture, device: name, description } = device.adapterInfo ?? {};
  const timed = await timeEncoders({ tf, input, layers, model, applyFusedRmsNorm, fusedAdam }, options);
  return { device: [description || name || vendor, architecture].filter(Boolean).join(" "), timed };
}
