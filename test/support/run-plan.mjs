/**
 * Runs folders of `tirc extract --cut` by the example: `run-plan.mjs PACKAGE CASES.json`, where the package has dist/ and
 * tools/. Prints what each makes, and how often something was read back to the processor before its outputs were.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, cases] = process.argv.slice(2);
const load = (path) => import(pathToFileURL(join(folder, path)).href);
const { countedDevice } = await load("tools/models/device.mjs");
const { openPlan } = await load("examples/onnx/run-plan.mjs");
const { ort, launches } = await countedDevice(false);
const device = await ort.env.webgpu.device;

const readBack = { count: 0 };
const createBuffer = device.createBuffer.bind(device);
device.createBuffer = (descriptor) => {
  if (descriptor.usage & GPUBufferUsage.MAP_READ) readBack.count++;
  return createBuffer(descriptor);
};

/** The numbers of a tensor on the device. */
async function numbersOf({ gpuBuffer, dims }) {
  const size = 4 * dims.reduce((all, extent) => all * extent, 1);
  const staging = createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(gpuBuffer, 0, staging, 0, size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  return [...new Float32Array(staging.getMappedRange())];
}

const results = [];
for (const { files, feeds } of JSON.parse(readFileSync(cases, "utf8"))) {
  const read = async (name) => new Uint8Array(readFileSync(join(files, name))).buffer;
  const run = await openPlan(ort, device, read);
  const tensor = ({ shape, numbers }) => new ort.Tensor("float32", Float32Array.from(numbers), shape);
  const inputs = Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, tensor(feed)]));
  // Twice: what the first run frees is not what the second needs.
  await run(inputs);
  [readBack.count, launches.count] = [0, 0];
  const outputs = await run(inputs);
  const counts = { readBacks: readBack.count, launches: launches.count };
  const made = {};
  for (const [name, one] of Object.entries(outputs)) made[name] = { shape: one.dims, data: await numbersOf(one) };
  results.push({ ...counts, outputs: made });
}
console.log(JSON.stringify(results));
process.exit(0);
