/**
 * Inputs of an op and its results in float64. On a machine with spare cores they are computed ahead in worker threads,
 * which does not affect measurements on a GPU.
 */

import { availableParallelism } from "node:os";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { inputsOf, ops, reference } from "./ops.mjs";

async function computed(key, shape) {
  const tirc = await import("../../dist/src/index.js");
  const data = inputsOf(ops[key], shape);
  return { data, wanted: reference(tirc, ops[key], shape, data) };
}

if (!isMainThread)
  parentPort.on("message", async ({ key, shape }) => {
    const made = await computed(key, shape);
    const buffers = [...Object.values(made.data), ...made.wanted].map(({ buffer }) => buffer);
    parentPort.postMessage(made, [...new Set(buffers)]);
  });

/**
 * Yields a promise of the inputs and results of each case in order.
 * @param cases pairs of an op's key and a shape.
 */
export async function* referencesOf(cases, isAhead) {
  const count = isAhead ? availableParallelism() - 2 : 0;
  if (count < 2) {
    for (const [key, shape] of cases) yield await computed(key, shape);
    return;
  }
  const workers = Array.from({ length: count }, () => new Worker(new URL(import.meta.url)));
  const asked = [];
  const ask = (worker) => {
    const next = cases[asked.length];
    if (next === undefined) return;
    worker.postMessage({ key: next[0], shape: next[1] });
    const made = new Promise((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
    });
    asked.push(made.then((result) => ({ result, worker })));
  };
  for (const worker of workers) ask(worker);
  for (let i = 0; i < cases.length; i++) {
    const { result, worker } = await asked[i];
    ask(worker);
    yield result;
  }
  for (const worker of workers) await worker.terminate();
}
