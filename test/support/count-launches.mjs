/** `FOLDER MODEL...`: how many kernels onnxruntime-web's WebGPU provider launches for each model, as JSON. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, ...paths] = process.argv.slice(2);
const { countedDevice } = await import(pathToFileURL(join(folder, "tools/models/device.mjs")).href);
const { ort, launches } = await countedDevice(true);

function feedOf({ name, shape, type }) {
  const dims = shape.map((extent) => (typeof extent === "number" ? extent : 4));
  const count = dims.reduce((product, extent) => product * extent, 1);
  const data =
    type === "int64" ? new BigInt64Array(count) : Float32Array.from({ length: count }, (_, i) => Math.sin(i));
  return [name, new ort.Tensor(type, data, dims)];
}

const counts = [];
// The last session to close would take the provider with it.
const sessions = [];
for (const path of paths) {
  const options = { executionProviders: ["webgpu"], logSeverityLevel: 4 };
  const session = await ort.InferenceSession.create(new Uint8Array(readFileSync(path)), options);
  sessions.push(session);
  const feeds = Object.fromEntries(session.inputMetadata.map(feedOf));
  // The first run prepares weights too.
  await session.run(feeds);
  launches.count = 0;
  await session.run(feeds);
  counts.push(launches.count);
}
process.stdout.write(JSON.stringify(counts), () => process.exit(0));
