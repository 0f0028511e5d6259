/**
 * `npm run train [-- --steps 200 --rows 8 --blocks 2 --width 64 --length 64 --reference --plot]`, of a built package
 *
 * The model of examples/training, trained four ways: with its LayerNorms; as `applyFusedRmsNorm` writes it; with its weights
 * centered once and plain RMSNorms; and in the lossy mode. On the device that TIRC_ADAPTER chooses, with `--reference` in
 * float64 by the interpreter. `--plot` writes docs/training.svg.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";

const text = (value) => ({ type: "string", default: value });
const { values } = parseArgs({
  options: {
    ...{
      steps: text("200"),
      rows: text("8"),
      blocks: text("2"),
      width: text("64"),
      length: text("64"),
      rate: text("0.003"),
    },
    ...{ reference: { type: "boolean", default: false }, plot: { type: "boolean", default: false } },
  },
});
const [steps, rows, blocks, width, length, rate] = ["steps", "rows", "blocks", "width", "length", "rate"].map((name) =>
  Number(values[name]),
);
const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const load = (path) => import(new URL(`../dist/src/${path}`, import.meta.url).href);

// Node runs no TypeScript: the example is bundled, with the package left out.
const folder = mkdtempSync(at("dist/.training-"));
const entryPoints = ["model", "train", "reference"].map((name) => at(`examples/training/${name}.ts`));
await build({
  entryPoints,
  outdir: folder,
  bundle: true,
  format: "esm",
  external: ["tirc", "tirc/*"],
  outExtension: { ".js": ".mjs" },
  logLevel: "error",
});
const [{ modelSource }, { Batches, initial, openTrainer, weightsOf }, { centeredOnce, openReference }] =
  await Promise.all(["model", "train", "reference"].map((name) => import(`${folder}/${name}.mjs`)));
rmSync(folder, { recursive: true });
const { applyFusedRmsNorm, parse } = await load("index.js");

const original = parse(modelSource({ blocks, width, heads: width / 16 || 1, length, alphabet: 64 }));
const start = initial(weightsOf(original));
const { module: exact } = applyFusedRmsNorm(original);
const { module: lossy } = applyFusedRmsNorm(original, { mode: "lossy" });
const runs = [
  ["LayerNorm", original, start],
  ["RMSNorm, exact", exact, start],
  ["RMSNorm, weights centered once", lossy, centeredOnce(exact, start)],
  ["RMSNorm, lossy", lossy, start],
];

async function opened(module, from) {
  if (values.reference) {
    const step = openReference(module, from, { rate });
    return { step: async (batch) => step(batch, length), destroy() {} };
  }
  const { globals } = await import("webgpu");
  Object.assign(globalThis, globals);
  const { openDevice } = await load("runtime/node.js");
  const { device, description } = await openDevice();
  const trainer = await openTrainer(device, module, from, { batch: rows, rate });
  console.log(`${trainer.launches} launches a step on ${description}`);
  return trainer;
}

const characters = readFileSync(at("examples/training/alice.txt"), "utf8");
const curves = [];
for (const [name, module, from] of runs) {
  const trainer = await opened(module, from);
  const batches = new Batches(characters);
  const losses = [];
  const began = performance.now();
  for (let step = 0; step < steps; step++) losses.push(await trainer.step(batches.next(rows, length)));
  const seconds = (performance.now() - began) / 1000;
  trainer.destroy();
  const apart = Math.max(...losses.map((loss, i) => Math.abs(loss - (curves[0]?.losses ?? losses)[i])));
  curves.push({ name, losses });
  console.log(
    `${name}: ${losses[0].toFixed(4)} to ${losses.at(-1).toFixed(4)}, off by ${apart.toPrecision(2)} at most, ${seconds.toFixed(1)} s`,
  );
}
if (values.plot) writeFileSync(at("docs/training.svg"), plot(curves));
process.exit(0);

/** Above, the losses; below, on a scale of powers of ten, how far each is from the first. */
function plot([first, ...others]) {
  const [w, h, left] = [720, 190, 56];
  const colors = ["#222222", "#1a7f37", "#bf5700", "#b02a37"];
  const most = Math.max(...[first, ...others].flatMap(({ losses }) => losses));
  const x = (step) => left + ((w - left - 16) * step) / (steps - 1);
  const line = (losses, y, color, dash = "") =>
    `<polyline fill="none" stroke="${color}" stroke-width="1.5"${dash} points="${losses.map((loss, i) => `${x(i).toFixed(1)},${y(loss).toFixed(1)}`).join(" ")}"/>`;
  const above = (loss) => 30 + (h - 40) * (1 - loss / most);
  const below = (off) => h + 30 + (h - 40) * ((Math.log10(Math.max(off, 1e-17)) - 1) / -18);
  const label = (px, py, words, anchor = "end") => `<text x="${px}" y="${py}" text-anchor="${anchor}">${words}</text>`;
  const offs = others.map(({ losses }) => losses.map((loss, i) => Math.abs(loss - first.losses[i])));
  const all = [first, ...others];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${2 * h + 110}" font-family="sans-serif" font-size="12" fill="#222222">`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    ...[0, 1, 2, 3, 4].filter((loss) => loss < most).map((loss) => label(left - 8, above(loss) + 4, loss)),
    label(left, 18, "loss", "start"),
    ...all.map(({ losses }, i) => line(losses, above, colors[i], i === 1 ? ' stroke-dasharray="6 4"' : "")),
    label(left, h + 18, "distance from the LayerNorm's loss", "start"),
    ...[0, -5, -10, -15].map((power) => label(left - 8, below(10 ** power) + 4, `1e${power}`)),
    ...offs.map((off, i) => line(off, below, colors[i + 1])),
    label(w - 16, 2 * h + 22, `step ${steps}`),
    ...all.map(({ name }, i) => `<text x="${left}" y="${2 * h + 46 + 17 * i}" fill="${colors[i]}">${name}</text>`),
    "</svg>\n",
  ].join("\n");
}
