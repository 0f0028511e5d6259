/**
 * `npm run bench:norms [-- ROUNDS]`: times of a LayerNorm, and of the RMSNorm it becomes if its rows are proved
 * centered, as multiples of a plain copy of the same tensor. Timestamps on the current adapter, interleaved, medians.
 * Needs dist/.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { roundsOr } from "./options.mjs";

const rounds = roundsOr(31, "bench:norms");

const root = fileURLToPath(new URL("..", import.meta.url));
if (!existsSync(`${root}dist/src/index.js`)) {
  console.error("dist/ is missing: run `npm run build` first");
  process.exit(1);
}
const { measure, median, openBench, copiesOf, tirc } = await import(`${root}bench/lib/device.mjs`);
const { prepare } = await import(`${root}dist/src/runtime/index.js`);

const shapes = [
  [4096, 64],
  [4096, 768],
  [2048, 1024],
  [1024, 4096],
  [256, 16384],
  [4096, 769],
];
const { device, description, target, recorder, close } = await openBench();

const program = (contract) => `fn f(x: f32[rows, n]${contract}, gamma: f32[n], beta: f32[n]) -> f32[rows, n] {
  return layernorm(x, gamma, beta, axes = [-1])
}`;

async function bound(text, [rows, n]) {
  const { kernels } = tirc.compile(tirc.parse(text), { target, dims: { rows, n } });
  const read = kernels[0].manifest.bindings.filter(({ access }) => access === "read");
  const inputs = read.map(({ name, shape }) => {
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * 12.9898) * 2);
    return [name, data];
  });
  return (await prepare(device, kernels[0])).bind(Object.fromEntries(inputs));
}

console.log(`on ${description}, ${rounds} rounds, multiples of the copy's time`);
console.log("| rows x hidden | copy, ms | LayerNorm | RMSNorm | RMSNorm / LayerNorm |\n|---|---|---|---|---|");
for (const shape of shapes) {
  const kernels = [];
  for (const contract of ["", " @centered(-1)"]) kernels.push(await bound(program(contract), shape));
  const { copies, destroy } = copiesOf(device, 8 * shape[0] * shape[1]);
  const times = await measure(device, [...kernels, ...copies], rounds);
  const [layerNorm, rmsNorm, ...copy] = times.map(median);
  const best = Math.min(...copy);
  const ratio = median(times[1].map((value, i) => value / times[0][i]));
  const cells = [shape.join(" x "), best.toFixed(2), (layerNorm / best).toFixed(1), (rmsNorm / best).toFixed(1)];
  console.log(`| ${cells.join(" | ")} | ${ratio.toFixed(2)} |`);
  for (const kernel of kernels) kernel.destroy();
  destroy();
  recorder.release();
}
close();
