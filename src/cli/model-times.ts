/** The times of two models in interleaved runs, so that other load on the machine slows down both. */

import type { ModelTimes, Times } from "../report/check-outcome.ts";
import type { Opened } from "./onnxruntime.ts";

const fewest = 5;
const most = 101;
const budget = 4000;

/** The inputs that both ran last. */
export async function timesOf(before: Opened, after: Opened): Promise<ModelTimes> {
  const pairs: (readonly [number, number])[] = [];
  // The first runs of a model allocate memory.
  await before.time();
  await after.time();
  const start = performance.now();
  while (pairs.length < fewest || (pairs.length < most && performance.now() - start < budget)) {
    // The order alternates from pair to pair.
    const isBeforeFirst = pairs.length % 2 === 0;
    const first = await (isBeforeFirst ? before : after).time();
    const second = await (isBeforeFirst ? after : before).time();
    pairs.push(isBeforeFirst ? [first, second] : [second, first]);
  }
  return {
    before: quartiles(pairs.map(([was]) => was)),
    after: quartiles(pairs.map(([, is]) => is)),
    ratio: quartiles(pairs.map(([was, is]) => is / was)),
    runs: pairs.length,
  };
}

export function quartiles(numbers: readonly number[]): Times {
  const sorted = numbers.toSorted((a, b) => a - b);
  const at = (part: number) => sorted[Math.round(part * (sorted.length - 1))] as number;
  return { lower: at(0.25), median: at(0.5), upper: at(0.75) };
}
