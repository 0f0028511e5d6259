/**
 * The norms alone on onnxruntime-web's wasm provider: `norms-wasm.mjs FOLDER`, with the models that `norms.py` and the
 * surgery wrote there. All run by turns, the fastest of three runs each, as `norms.py FOLDER native` does it.
 */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as ort from "onnxruntime-web";

const seconds = 60;
const [folder] = process.argv.slice(2);
ort.env.wasm.numThreads = 1;
ort.env.logLevel = "fatal";

const session = (file) =>
  ort.InferenceSession.create(new Uint8Array(readFileSync(join(folder, file))), {
    executionProviders: ["wasm"],
    logSeverityLevel: 4,
  });

const { data } = JSON.parse(readFileSync(join(folder, "rows.inputs.json"), "utf8")).ids;
const ids = new BigInt64Array(Uint8Array.from(Buffer.from(data, "base64")).buffer);
const feeds = { ids: new ort.Tensor("int64", ids, [ids.length]) };

/** Milliseconds of the processor: what else the machine does counts less. */
async function fastest(run) {
  let best = Infinity;
  for (let i = 0; i < 3; i++) {
    const started = process.cpuUsage();
    await run.run(feeds);
    const { user, system } = process.cpuUsage(started);
    best = Math.min(best, (user + system) / 1000);
  }
  return best;
}

const quantile = (numbers, part) => numbers.toSorted((a, b) => a - b)[Math.floor(part * numbers.length)];

const names = readdirSync(folder).flatMap((file) => (file.endsWith(".after.onnx") ? [file.slice(0, -11)] : []));
const sessions = new Map();
for (const name of names) sessions.set(name, [await session(`${name}.onnx`), await session(`${name}.after.onnx`)]);
// V8 compiles the module anew while it runs.
for (let i = 0; i < 20; i++) for (const both of sessions.values()) for (const one of both) await fastest(one);

const pairs = new Map(names.map((name) => [name, []]));
for (const end = performance.now() + 1000 * seconds; performance.now() < end; ) {
  const alone = await fastest(sessions.get("rows")[0]);
  for (const [name, [before, after]] of sessions) {
    pairs.get(name).push([(await fastest(before)) - alone, (await fastest(after)) - alone]);
  }
}
const report = [...pairs].map(([name, list]) => {
  const ratios = list.map(([before, after]) => after / before);
  const before = list.map(([time]) => time);
  return [name, { before: quantile(before, 0.5), ratio: [0.25, 0.5, 0.75].map((part) => quantile(ratios, part)) }];
});
writeFileSync(join(folder, "wasm.json"), JSON.stringify(Object.fromEntries(report), undefined, 1));
process.exit(0);
