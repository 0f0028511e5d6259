/**
 * Times the models of `norms.py`, before and after surgery, on onnxruntime-web's wasm provider: `norms-wasm.mjs FOLDER`.
 * Like `norms.py FOLDER native`, it interleaves all models, and takes the fastest of three runs.
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

/** In milliseconds of processor time, which is less sensitive to other load. */
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
// Warm up: V8 optimizes the module while it runs.
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
