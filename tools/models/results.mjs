/**
 * Collects the results of the matrix: `results.mjs FOLDER`. Writes `results.json`, docs/models.md, and the figures in
 * docs/onnx.md. Exits with 1 if a model does not meet its expectations.
 */

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { modelsIn } from "./models.mjs";
import { page } from "./page.mjs";
import { withWins } from "./wins.mjs";

const here = new URL("./", import.meta.url);
const read = (path) => (existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined);

/** For outputs, relative to the largest element if that exceeds 1. */
const tolerance = { f32: 1e-5, f16: 2e-2 };

const rounded = (number, digits = 3) => (number === undefined ? undefined : Number(number.toPrecision(digits)));
const timed = (time) =>
  time && {
    before: rounded(time.before),
    ratio: rounded(time.ratio[1]),
    quartiles: [time.ratio[0], time.ratio[2]].map((each) => rounded(each)),
  };

function counts(words) {
  const found = {};
  for (const word of words.toSorted()) found[word] = (found[word] ?? 0) + 1;
  return found;
}

function resultOf(folder, name) {
  const [architecture, exporter, axes, element] = name.split(".");
  const [surgery, native, web] = ["surgery", "native", "web"].map(
    (step) => read(join(folder, `${name}.${step}.json`)) ?? {},
  );
  const norms = surgery.norms ?? [];
  const result = {
    ...{ architecture, exporter, axes, element, bytes: native.bytes },
    counted: (native.counted?.layernorm ?? 0) + (native.counted?.rmsnorm ?? 0),
    found: norms.length,
    // With all possible rewrites; `written` is what happens by default.
    outcomes: counts((surgery.asked ?? norms).map(({ centering }) => centering)),
    written: counts(norms.map(({ writtenAs }) => writtenAs ?? "unchanged")),
    beta: counts(norms.map(({ beta }) => String(beta))),
    weights: surgery.weights,
    ...(surgery.nodes && { nodes: surgery.nodes }),
    ...(surgery.opset && { opset: surgery.opset }),
    changed: native.changed,
    checker: native.checker,
    ...(surgery.error && { error: surgery.error.split("\n")[0] }),
    isFixpoint: surgery.isFixpoint ?? false,
    off: { before: rounded(native.before?.error, 2), after: rounded(native.after?.error, 2) },
    native: timed(native.time),
    wasm: { difference: rounded(web.wasm?.difference, 2), ...timed(web.wasm?.time), refused: web.wasm?.refused },
    launches: web.webgpu?.after === undefined ? undefined : { before: web.webgpu.before, after: web.webgpu.after },
    ...(web.computed?.after !== undefined && {
      computed: { ...web.computed, difference: rounded(web.computed.difference, 2) },
    }),
    refused: native.before?.refused?.slice(0, 160),
  };
  return { ...result, faults: faultsOf(result, native) };
}

/** The expectations that a model does not meet. */
function faultsOf(result, native) {
  const expected = read(new URL("expected.json", here))[result.architecture];
  const { outcomes, launches, element } = result;
  const best = [expected.folded ?? 0, expected.rms ?? 0];
  const faults = [];
  if (result.error) faults.push(`surgery fails: ${result.error}`);
  if (result.found !== result.counted) faults.push(`${result.found} of ${result.counted} norms found`);
  else if ((outcomes.folded ?? 0) !== best[0] || (outcomes.none ?? 0) !== best[1]) {
    faults.push(`${outcomes.folded ?? 0} folded, ${best[0]} can be`);
  }
  // If the exporter's model was invalid, so may be the rewritten one.
  if (result.checker !== "valid" && (native.checkerBefore ?? "valid") === "valid")
    faults.push(`onnx.checker: ${result.checker?.slice(0, 80)}`);
  if (!result.isFixpoint) faults.push("a second surgery changes it");
  if (
    native.before?.error !== undefined &&
    !(native.after?.error <= Math.max(tolerance[element], native.before.error))
  ) {
    faults.push(`off by ${native.after?.error ?? native.after?.refused}`);
  }
  if (result.wasm.difference > tolerance[element]) faults.push(`off by ${result.wasm.difference} in onnxruntime-web`);
  if (launches && launches.after > launches.before)
    faults.push(`launches ${launches.before} before, ${launches.after} after`);
  return faults;
}

function main([folder]) {
  const names = modelsIn(folder);
  const models = Object.fromEntries(names.map((name) => [name, resultOf(folder, name)]));
  const notes = readdirSync(folder).filter((file) => file.endsWith(".export.txt"));
  const refused = notes.flatMap((file) => {
    const text = readFileSync(join(folder, file), "utf8");
    return text.startsWith("not exported") ? [file.slice(0, -".export.txt".length)] : [];
  });
  const norms = read(join(folder, "norms/norms.json"));
  const trained = read(join(folder, "trained/trained.json"));
  const results = { models, notExported: refused, ...(norms && { norms }), ...(trained && { trained }) };
  writeFileSync(new URL("results.json", here), `${JSON.stringify(results, undefined, 1)}\n`);
  const expected = read(new URL("expected.json", here));
  writeFileSync(new URL("../../docs/models.md", here), page(results, expected));
  const guide = new URL("../../docs/onnx.md", import.meta.url);
  if (norms !== undefined) writeFileSync(guide, withWins(readFileSync(guide, "utf8"), results));
  const faulty = Object.entries(models).filter(([, { faults }]) => faults.length > 0);
  for (const [name, { faults }] of faulty) console.log(`${name}: ${faults.join("; ")}`);
  console.log(`${names.length} models, ${faulty.length} with faults`);
  if (faulty.length > 0) process.exitCode = 1;
}

main(process.argv.slice(2));
