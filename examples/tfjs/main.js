import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-webgpu";
import { input, layers, model } from "@tensorflow/tfjs-layers";
import { bertOutput } from "../bert-output.tir";
import { fusedLayer } from "./fused-layer.js";

await tf.setBackend("webgpu");
const bertOutputLayer = await fusedLayer(bertOutput);

const x = input({ shape: [16, 768] });
const h = layers.dense({ units: 768, kernelInitializer: "identity" }).apply(x);
const y = bertOutputLayer().apply([h, x]);
const block = model({ inputs: x, outputs: layers.activation({ activation: "relu" }).apply(y) });

const numbers = Float32Array.from({ length: 16 * 768 }, (_, i) => Math.sin(i));
const z = block.predict(tf.tensor3d(numbers, [1, 16, 768]));
globalThis.values = await z.data();
document.querySelector("#result").textContent = `${z.dtype} [${z.shape}]: ${globalThis.values.slice(0, 3)}`;
