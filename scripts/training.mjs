/**
 * `npm run train [-- --size full|small|tiny --steps 200 --reference --keep]`, after a build
 *
 * Trains the model of examples/training in four ways: with its LayerNorms; as rewritten by `applyFusedRmsNorm`; with
 * weights centered once and plain RMSNorms; and in lossy mode. Uses the device selected by TIRC_ADAPTER, or with
 * `--reference` the interpreter in float64. `--keep` writes the losses to examples/training/losses.json, and
 * docs/training.svg from those of `small`.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { count, scriptOptions } from "./options.mjs";

const { values } = scriptOptions("npm run train -- [--size full|small|tiny] [--steps N] [--reference] [--keep]", {
  options: {
    size: { type: "string", default: "full" },
    steps: { kind: count, default: "200" },
    reference: { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
  },
});
const { steps } = values;
const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

// Node does not run TypeScript, so the example is bundled, with the package as an external import.
const folder = mkdtempSync(at("dist/.training-"));
const names = ["train", "reference", "ways", "chart"];
await build({
  entryPoints: names.map((name) => at(`examples/training/${name}.ts`)),
  outdir: folder,
  bundle: true,
  format: "esm",
  external: ["tirc", "tirc/*"],
  outExtension: { ".js": ".mjs" },
  logLevel: "error",
});
const [{ Batches, openTrainer }, { openReference }, { settings, waysOf }, { chart, chartStyle }] = await Promise.all(
  names.map((name) => import(`${folder}/${name}.mjs`)),
);
rmSync(folder, { recursive: true });

const setting = settings[values.size];
if (setting === undefined || (values.keep && !values.reference)) {
  console.error(`--size is one of ${Object.keys(settings).join(", ")}, and --keep is for --reference`);
  process.exit(2);
}
const { model, rows, rate } = setting;

async function opened(module, from) {
  if (values.reference) {
    const step = openReference(module, from, { rate });
    return { step: async (batch) => step(batch, model.length), destroy() {} };
  }
  const { globals } = await import("webgpu");
  Object.assign(globalThis, globals);
  const { openDevice } = await import("../dist/src/runtime/node.js");
  const { device, description } = await openDevice();
  const trainer = await openTrainer(device, module, from, { batch: rows, rate });
  console.log(`${trainer.launches} launches per step on ${description}`);
  return trainer;
}

const characters = readFileSync(at("examples/training/alice.txt"), "utf8");
const curves = [];
for (const { name, module, start } of waysOf(setting)) {
  const trainer = await opened(module, start);
  const batches = new Batches(characters);
  const losses = [];
  const began = performance.now();
  for (let step = 0; step < steps; step++) losses.push(await trainer.step(batches.next(rows, model.length)));
  const seconds = (performance.now() - began) / 1000;
  trainer.destroy();
  const apart = Math.max(...losses.map((loss, i) => Math.abs(loss - (curves[0]?.losses ?? losses)[i])));
  curves.push({ name, losses });
  console.log(
    `${name}: ${losses[0].toFixed(4)} to ${losses.at(-1).toFixed(4)}, off by ${apart.toPrecision(2)} at most, ${seconds.toFixed(1)} s`,
  );
}
if (values.keep) {
  const path = at("examples/training/losses.json");
  const kept = { ...JSON.parse(readFileSync(path, "utf8")), [values.size]: curves };
  writeFileSync(path, `${JSON.stringify(kept, null, 1)}\n`);
  const { small } = kept;
  if (small) {
    const [first] = small;
    const text = chart(small, first.losses, first.losses.length).replace(">", `>${chartStyle}`);
    writeFileSync(at("docs/training.svg"), `${text}\n`);
  }
}
process.exit(0);
