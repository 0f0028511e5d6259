import * as ort from "onnxruntime-web/webgpu";
import { bertOutput } from "../bert-output.tir";
import { openModel } from "./between-sessions.js";

const read = async (name) => new Uint8Array(await (await fetch(name)).arrayBuffer());
const models = { before: await read("before.onnx"), after: await read("after.onnx") };
const weights = { gamma: new Float32Array(768).fill(1), beta: new Float32Array(768) };
const run = await openModel(ort, bertOutput, models, weights);

const numbers = Float32Array.from({ length: 16 * 768 }, (_, i) => Math.sin(i));
const z = await run(new ort.Tensor("float32", numbers, [1, 16, 768]));
document.querySelector("#result").textContent = `${z.type} [${z.dims}] on ${z.location}`;
globalThis.values = await z.getData();
document.querySelector("#result").textContent += `, read back: ${globalThis.values.slice(0, 3)}`;
