/**
 * Runs the models of the matrix in onnxruntime-web: `web.mjs FOLDER [--no-time] [--compute] [NAME...]`. For each
 * `NAME.onnx`, writes `NAME.web.json`: the kernel launches of the WebGPU provider before and after, and the times of both on
 * the wasm provider, where the outputs are compared too.
 *
 * Launches are counted on a null device, as software drivers take minutes to compile the kernels of a model. With
 * `--compute`, kernels run on the driver that Vulkan's loader finds (`VK_ICD_FILENAMES`).
 */

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { countedDevice } from "./device.mjs";
import { modelsIn } from "./models.mjs";

const types = { int64: "int64", int32: "int32", float32: "float32", float16: "float16", bool: "bool" };
const arrays = {
  int64: BigInt64Array,
  int32: Int32Array,
  float32: Float32Array,
  float16: Uint16Array,
  bool: Uint8Array,
};

function feedsOf(ort, file, { inputNames }) {
  const inputs = JSON.parse(readFileSync(file, "utf8"));
  const fed = Object.entries(inputs).filter(([name]) => inputNames.includes(name));
  const tensor = ({ type, dims, data }) => {
    const bytes = Uint8Array.from(Buffer.from(data, "base64"));
    return new ort.Tensor(types[type], new arrays[type](bytes.buffer), dims);
  };
  return Object.fromEntries(fed.map(([name, input]) => [name, tensor(input)]));
}

/** Decodes an f16. */
const half = (bits) => {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const size = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
  return (bits >> 15 ? -1 : 1) * (exponent === 31 ? (fraction ? Number.NaN : Infinity) : size);
};

async function numbersOf(results) {
  const lists = Object.entries(results).map(async ([name, tensor]) => {
    const data = await tensor.getData();
    const isBits = tensor.type === "float16" && data instanceof Uint16Array;
    return [name, Float64Array.from(data, isBits ? half : Number)];
  });
  return new Map(await Promise.all(lists));
}

/** The largest difference, relative to the largest element if that exceeds 1. */
function distance(was, is) {
  let off = 0;
  for (const [name, numbers] of was) {
    const scale = numbers.reduce((most, number) => Math.max(most, Math.abs(number)), 1);
    const other = is.get(name);
    for (const [i, number] of numbers.entries()) {
      const difference = Object.is(number, other[i]) ? 0 : Math.abs(number - other[i]) / scale;
      off = Number.isNaN(difference) ? Infinity : Math.max(off, difference);
    }
  }
  return off;
}

const open = [];

async function onWebGpu(paths, inputs, isComputed) {
  const { ort, launches } = await countedDevice(!isComputed);
  const report = {};
  const outputs = {};
  for (const [which, path] of Object.entries(paths)) {
    try {
      const session = await ort.InferenceSession.create(new Uint8Array(readFileSync(path)), {
        executionProviders: ["webgpu"],
        logSeverityLevel: 4,
      });
      const feeds = feedsOf(ort, inputs, session);
      // The first run also prepares weights.
      await session.run(feeds);
      launches.count = 0;
      const results = await session.run(feeds);
      report[which] = launches.count;
      if (isComputed) outputs[which] = await numbersOf(results);
      // Keep sessions open: closing the last one would close the provider too.
      open.push(session);
      if (open.length > 2) await open.shift().release();
    } catch (error) {
      report.refused = `${which}: ${error.message}`.slice(0, 300);
      return report;
    }
  }
  return isComputed ? { ...report, difference: distance(outputs.before, outputs.after) } : report;
}

const quantile = (sorted, part) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];

async function onWasm(paths, inputs, isTimed) {
  const ort = await import("onnxruntime-web");
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "fatal";
  const create = (path) =>
    ort.InferenceSession.create(new Uint8Array(readFileSync(path)), {
      executionProviders: ["wasm"],
      logSeverityLevel: 4,
    });
  let sessions = [];
  try {
    sessions = [await create(paths.before), await create(paths.after)];
    const feeds = feedsOf(ort, inputs, sessions[0]);
    const [was, is] = [await numbersOf(await sessions[0].run(feeds)), await numbersOf(await sessions[1].run(feeds))];
    const difference = distance(was, is);
    return isTimed ? { difference, time: await times(sessions, feeds) } : { difference };
  } catch (error) {
    return { refused: error.message.slice(0, 300) };
  } finally {
    for (const session of sessions) await session.release();
  }
}

/** Quartiles of time after / time before of interleaved runs, and the median time before in ms. */
async function times([before, after], feeds) {
  const timed = async (session) => {
    // Processor time is less sensitive to other load.
    const started = process.cpuUsage();
    await session.run(feeds);
    const { user, system } = process.cpuUsage(started);
    return (user + system) / 1000;
  };
  for (let i = 0; i < 5; i++) for (const session of [before, after]) await timed(session);
  const pairs = [];
  const end = performance.now() + 300;
  while (pairs.length < 15 || performance.now() < end) {
    // Alternate the order: the second run of a pair finds warmer caches.
    const isFirst = pairs.length % 2 === 1;
    const one = await timed(isFirst ? before : after);
    const other = await timed(isFirst ? after : before);
    pairs.push(isFirst ? [one, other] : [other, one]);
  }
  const ratios = pairs.map(([was, is]) => is / was).toSorted((a, b) => a - b);
  const befores = pairs.map(([was]) => was).toSorted((a, b) => a - b);
  return { before: quantile(befores, 0.5), ratio: [0.25, 0.5, 0.75].map((part) => quantile(ratios, part)) };
}

/** V8's optimizing compiler takes a minute for the runtime, and times do not matter for the WebGPU provider. */
const quickStart = ["--liftoff-only"];

async function main(words) {
  const isTimed = !words.includes("--no-time");
  const isComputed = words.includes("--compute");
  const provider = words.find((word) => word.startsWith("--only="))?.slice("--only=".length);
  const [folder, ...chosen] = words.filter((word) => !word.startsWith("--"));
  const names = modelsIn(folder, chosen).filter((name) => existsSync(join(folder, `${name}.after.onnx`)));
  // Each provider runs in its own process.
  if (provider === undefined) {
    for (const only of isComputed ? ["webgpu"] : ["webgpu", "wasm"]) {
      const passed = words.filter((word) => word.startsWith("--"));
      const script = [fileURLToPath(import.meta.url), folder, `--only=${only}`, ...passed, ...chosen];
      spawnSync(process.execPath, [...(only === "webgpu" ? quickStart : []), ...script], { stdio: "inherit" });
    }
    return;
  }
  for (const name of names) {
    const file = join(folder, `${name}.web.json`);
    const known = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
    const paths = { before: join(folder, `${name}.onnx`), after: join(folder, `${name}.after.onnx`) };
    const inputs = join(folder, `${name}.inputs.json`);
    if (provider === "wasm") known.wasm = await onWasm(paths, inputs, isTimed);
    else known[isComputed ? "computed" : "webgpu"] = await onWebGpu(paths, inputs, isComputed);
    writeFileSync(file, JSON.stringify(known, undefined, 2));
  }
  // The open device would keep the process alive.
  process.exit(0);
}

await main(process.argv.slice(2));
