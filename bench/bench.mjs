/**
 * `npm run bench [-- --quick] [-- --op layernorm --shape 4096x768 --peer jax-js --rounds 15]`
 *
 * Measures kernel times (recorded dispatches, replayed between timestamps) and end-to-end times (from call to
 * completion, inputs on the device), alternating on one device in one process, as medians. Every result is checked
 * against float64 before it is timed. Times are given as multiples of the best plain copy of rows x n. The results are
 * merged with those of other devices in bench/results.json, docs/performance.md, docs/performance.svg and the README.
 * TIRC_ADAPTER selects the device.
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { count, oneOf, scriptOptions, shape } from "../scripts/options.mjs";
import { copiesOf, median, openBench, passesFor, replayed } from "./lib/device.mjs";
import { ops } from "./lib/ops.mjs";
import { referencesOf } from "./lib/reference.mjs";
import { inOrder, table, writeReport } from "./lib/report.mjs";

const { values: options } = scriptOptions(
  "npm run bench -- [--quick] [--op NAME]... [--shape ROWSxCOLUMNS]... [--peer NAME]... [--rounds N]",
  {
    options: {
      quick: { type: "boolean", default: false },
      op: { kind: oneOf(Object.keys(ops)), multiple: true },
      shape: { kind: shape, multiple: true },
      peer: { type: "string", multiple: true },
      rounds: { kind: count, default: "9" },
    },
  },
);
const allShapes = [
  ...["4096x64", "4096x768", "2048x1024", "1024x4096", "256x16384", "1000x1000", "4096x769", "8x131072", "65537x32"],
];
const quickShapes = ["4096x64", "4096x768", "1024x4096"];
/** Shapes for GPUs: they exceed the caches. */
const largeShapes = ["262144x64", "20480x768", "16384x1024", "4096x4096", "1024x16384", "20480x769"];
const { rounds } = options;
/** Runs with selected peers or with few rounds are printed only. */
const isWritten = options.peer === undefined && rounds >= 9;

const context = await openBench();
const { device, recorder, watch, isGpu } = context;
const usualShapes = options.quick ? quickShapes : [...allShapes, ...(isGpu ? largeShapes : [])];
const shapes = options.shape ?? usualShapes.map(shape.parse);
const contenders = [];
for (const file of ["tirc", "hand", "jax", "tfjs", "ort"]) {
  const module = await import(`./lib/${file}.mjs`);
  if (options.peer !== undefined && !["tirc", "by hand", ...options.peer].includes(module.name)) continue;
  const isIn = ({ wrt }) => wrt === undefined || module.name === "tirc" || module.hasGradients;
  contenders.push({ name: module.name, isIn, make: await module.open(context) });
}

const quantile = (values, share) => values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * share)];

/** Beyond it a result is wrong. Peers lose some digits; using the tanh form of GELU would exceed it. */
const tolerance = 2e-4;

/** The largest error: of an element relative to it or 1, of a sum over the rows relative to the largest one. */
function errorOf(wanted, got, [rows, n]) {
  const largest =
    wanted.length === n && rows > 1 ? wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0) : 0;
  const off = (value, i) => Math.abs(value - got[i]) / Math.max(1, largest, Math.abs(value));
  return wanted.reduce((most, value, i) => Math.max(most, off(value, i)), 0);
}

async function prepare({ name, make }, key, shape, data, wanted) {
  try {
    const run = await make.prepare(ops[key], shape, data);
    await run.launch();
    const dispatches = await recorder.during(async () => {
      await run.launch();
      await device.queue.onSubmittedWorkDone();
    });
    const got = await run.results(wanted.map(({ length }) => length));
    const error = Math.max(...wanted.map((one, i) => errorOf(one, got[i], shape)));
    if (!(error <= tolerance)) return { name, failed: `wrong by ${error.toPrecision(2)}` };
    const [launches, work] = [dispatches.length, replayed(dispatches)];
    return { name, run, launches, work, error, kernel: [], whole: [] };
  } catch (caught) {
    return {
      name,
      failed: String(caught?.message ?? caught)
        .split("\n")[0]
        .slice(0, 120),
    };
  }
}

async function measure(key, shape, { data, wanted }) {
  const { copies: works, destroy } = copiesOf(device, 8 * shape[0] * shape[1]);
  const copies = works.map((work) => ({ work, kernel: [] }));
  const runs = [];
  for (const contender of contenders.filter(({ isIn }) => isIn(ops[key])))
    runs.push(await prepare(contender, key, shape, data, wanted));
  const sound = runs.filter(({ failed }) => failed === undefined);
  const passes = await passesFor(context, works[0]);
  for (let round = -2; round < rounds; round++) {
    // The order rotates, because each measurement influences the next one.
    const turned = (list) => list.map((_, i) => list[(i + round + list.length * 2) % list.length]);
    for (const each of turned([...copies, ...sound])) {
      const time = await watch.time(each.work, passes);
      if (round >= 0) each.kernel.push(time);
    }
    for (const each of turned(sound)) {
      const start = performance.now();
      await each.run.launch();
      await device.queue.onSubmittedWorkDone();
      if (round >= 0) each.whole.push(performance.now() - start);
    }
  }
  destroy();
  recorder.release();
  const copy = Math.min(...copies.map(({ kernel }) => median(kernel)));
  const entries = runs.map(({ name, failed, launches, error, kernel, whole }) => {
    if (failed !== undefined) return { name, failed };
    const spread = [quantile(kernel, 0.1) / copy, quantile(kernel, 0.9) / copy];
    return { name, launches, error, kernel: median(kernel) / copy, spread, whole: median(whole) };
  });
  return { op: key, shape: shape.join(" x "), rounds, copy, entries };
}

const kept = new URL("results.json", import.meta.url);

/** The runs on all devices, with this result added to its device's. */
function keep(result) {
  const runs = existsSync(kept) ? JSON.parse(readFileSync(kept, "utf8")) : [];
  const others = runs.find(({ device }) => device === context.description)?.results ?? [];
  const shapeOrder = [...allShapes, ...largeShapes];
  const order = ({ op, shape }) => Object.keys(ops).indexOf(op) * 100 + shapeOrder.indexOf(shape.replaceAll(" ", ""));
  const all = [...others.filter(({ op, shape }) => op !== result.op || shape !== result.shape), result];
  const run = { device: context.description, results: all.sort((a, b) => order(a) - order(b)) };
  const after = inOrder([...runs.filter(({ device }) => device !== run.device), run]);
  writeFileSync(kept, `${JSON.stringify(after, null, 1)}\n`);
  return after;
}

const results = [];
const cases = (options.op ?? Object.keys(ops)).flatMap((key) => shapes.map((shape) => [key, shape]));
const references = referencesOf(cases, isGpu);
for (const [key, shape] of cases) {
  const result = await measure(key, shape, (await references.next()).value);
  results.push(result);
  console.log(table([result], results.length === 1));
  if (isWritten) writeReport(keep(result));
}
process.exit(0);
