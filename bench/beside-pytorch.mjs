/**
 * `node bench/beside-pytorch.mjs` (PYTHON=python3): compares the times of tirc's kernels with PyTorch's on a CUDA
 * device, in milliseconds. PyTorch runs before and after tirc, and the lesser time counts. Writes bench/pytorch.json
 * and the comparison in docs/performance.md.
 */

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { copiesOf, median, openBench, passesFor, replayed } from "./lib/device.mjs";
import { inputsOf, ops } from "./lib/ops.mjs";
import { writeReport } from "./lib/report.mjs";
import { open } from "./lib/tirc.mjs";

const timed = ["layernorm", "rmsnorm", "softmax", "column-sums", "layernorm-dx", "rmsnorm-dx", "rmsnorm-dx-dgamma"];
const shapes = ["4096x64", "4096x768", "2048x1024", "1024x4096", "256x16384", "4096x769", "65537x32"];
const rounds = 15;
const context = await openBench();
const { device, recorder, watch } = context;
const tirc = await open(context);

async function timeOf(work) {
  const passes = await passesFor(context, work);
  const times = [];
  for (let round = 0; round < rounds; round++) times.push(await watch.time(work, passes));
  return median(times);
}

async function measured(shape) {
  const { copies, destroy } = copiesOf(device, 8 * shape[0] * shape[1]);
  const all = [];
  for (const copy of copies) all.push(await timeOf(copy));
  destroy();
  const times = { copy: Math.min(...all) };
  for (const key of timed) {
    const run = await tirc.prepare(ops[key], shape, inputsOf(ops[key], shape));
    await run.launch();
    const dispatches = await recorder.during(async () => {
      await run.launch();
      await device.queue.onSubmittedWorkDone();
    });
    times[key] = await timeOf(replayed(dispatches));
    recorder.release();
  }
  return { shape: shape.join(" x "), ...times };
}

const pytorch = () =>
  JSON.parse(
    execFileSync(process.env.PYTHON ?? "python3", [new URL("pytorch.py", import.meta.url).pathname, ...shapes], {
      encoding: "utf8",
    }),
  );
const least = (a, b) =>
  Object.fromEntries(Object.entries(a).map(([key, x]) => [key, typeof x === "number" ? Math.min(x, b[key]) : x]));

const before = pytorch();
const own = [];
for (const shape of shapes) own.push(await measured(shape.split("x").map(Number)));
const after = pytorch();
const results = before.results.map((one, i) => ({ tirc: own[i], pytorch: least(one, after.results[i]) }));
const kept = { device: before.device, torch: before.torch, results };
writeFileSync(new URL("pytorch.json", import.meta.url), `${JSON.stringify(kept, null, 1)}\n`);
writeReport(JSON.parse(readFileSync(new URL("results.json", import.meta.url), "utf8")));
process.exit(0);
