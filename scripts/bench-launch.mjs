/**
 * The cost of launches: CPU time of a frame of 500 bound dispatches beyond the WebGPU calls themselves, in Node and in
 * headless Chromium; whether memory stays flat; and the device time of a kernel whose row length is a uniform compared
 * with the specialized one. Times are medians of alternating rounds. `npm run bench:launch -- [ADAPTER]`, after a build.
 */
import { fileURLToPath } from "node:url";
import { inChromium, whyNoChromium } from "../bench/lib/in-chromium.mjs";
import { compile, parse } from "../dist/src/index.js";
import { prepare } from "../dist/src/runtime/index.js";
import { measure, median } from "../dist/src/runtime/measure.js";
import { openDevice } from "../dist/src/runtime/node.js";
import { dispatchTimes } from "./dispatch-times.mjs";
import { scriptOptions } from "./options.mjs";

const usage =
  "npm run bench:launch -- [ADAPTER]\n\nADAPTER: a part of the adapter's name, by default that of TIRC_ADAPTER";
const [adapter] = scriptOptions(usage, { allowPositionals: true }).positionals;
const { device, description, target, close } = await openDevice({ adapter });
console.log(description);
const source = "fn scores(s: f32[heads, k]) -> (p: f32[heads, k]) { return softmax(s * 0.125, axes = [-1]) }";
const kernelOf = (specialize) => compile(parse(source), { target, specialize }).kernels[0];
const buffer = (floats) => device.createBuffer({ size: floats * 4, usage: 128 });

const uniform = await prepare(device, kernelOf([]));
const [s, p] = [buffer(32 * 4096), buffer(32 * 4096)];

const shown = ({ bare, ...above }) =>
  `${bare.toFixed(2)} us bare; above that ${Object.entries(above).map(([name, us]) => `${name} ${us.toFixed(2)}`)}`;
console.log(`a dispatch in Node: ${shown(await dispatchTimes(device))}`);
if (whyNoChromium() === undefined) {
  const module = fileURLToPath(new URL("dispatch-times.mjs", import.meta.url));
  console.log(`a dispatch in Chromium: ${shown(await inChromium(module, "dispatchTimesOfPage"))}`);
}

/** Megabytes in use after garbage collection, as far as it can be requested. */
const memory = () => {
  globalThis.gc?.();
  return process.memoryUsage().rss / 2 ** 20;
};
const x = new Float32Array(16);
let before = 0;
for (let i = 0; i < 15_000; i++) {
  if (i === 5000) before = memory();
  const encoder = device.createCommandEncoder();
  const again = uniform.bind({ s, p }, { heads: 1, k: 1 + (i % 16) });
  again.encode(encoder);
  device.queue.submit([encoder.finish()]);
  again.destroy();
  if (i % 100 === 0) await device.queue.onSubmittedWorkDone();
}
console.log(`10,000 frames: ${(memory() - before).toFixed(1)} MB more`);
for (let i = 0; i < 15_000; i++) {
  if (i === 5000) before = memory();
  await uniform.run({ s: x }, { heads: 1 });
}
console.log(`10,000 runs: ${(memory() - before).toFixed(1)} MB more`);

console.log("| k | compiled in, ms: uniform | specialized | uniform / specialized |\n|---|---|---|---|");
for (const k of [64, 257, 1024, 4096]) {
  const compiled = [];
  const kernels = [];
  for (const specialize of [[], ["k"]]) {
    const start = performance.now();
    const prepared = await prepare(device, kernelOf(specialize), { k });
    compiled.push(performance.now() - start);
    kernels.push(prepared.bind({ s, p }, { heads: 32, k }));
  }
  const [a, b] = await measure(device, kernels, 31);
  const ratio = median(a.map((value, i) => value / b[i]));
  console.log(`| ${k} | ${compiled.map((ms) => ms.toFixed(0)).join(" | ")} | ${ratio.toFixed(2)} |`);
  for (const kernel of kernels) kernel.destroy();
}
close();
