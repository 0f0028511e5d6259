/**
 * Work counted, not timed: a busy machine, a collection of garbage and the engine's optimizations change the time that a function
 * takes, and not how often its blocks run. A file that counts work needs a process of its own.
 */

import { Session } from "node:inspector";
import { setFlagsFromString } from "node:v8";
import { expect, inject } from "vitest";

/** Methods of arrays that loop in the engine, where no block of ours is counted, and the length of that loop. */
const loops = {
  concat: (_: Sized, result: Sized) => result.length,
  fill: (self: Sized) => self.length,
  includes: (self: Sized) => self.length,
  indexOf: (self: Sized) => self.length,
  join: (self: Sized) => self.length,
  lastIndexOf: (self: Sized) => self.length,
  reverse: (self: Sized) => self.length,
  slice: (_: Sized, result: Sized) => result.length,
  splice: (self: Sized) => self.length,
};
interface Sized {
  readonly length: number;
}

/** Runs `work`, and returns how many elements the engine's own loops took: those above, and spreads and copies of iterables. */
function elementsOf(work: () => unknown): number {
  let count = 0;
  const restorations: (() => void)[] = [];
  function wrap(prototype: object, name: string, costOf: (self: Sized, result: Sized) => number): void {
    const own = Object.getOwnPropertyDescriptor(prototype, name) as PropertyDescriptor;
    const value = function (this: Sized, ...args: unknown[]) {
      const result = own.value.apply(this, args);
      count += costOf(this, result);
      return result;
    };
    Object.defineProperty(prototype, name, { ...own, value });
    restorations.push(() => Object.defineProperty(prototype, name, own));
  }
  for (const iterator of [[].values(), new Map().values(), new Set().values()]) {
    wrap(Object.getPrototypeOf(iterator), "next", () => 1);
  }
  for (const [name, costOf] of Object.entries(loops)) wrap(Array.prototype, name, costOf);
  try {
    work();
  } finally {
    for (const restore of restorations) restore();
  }
  return count;
}

/** The engine's compilers that inline functions, whose calls are then not counted. Node 20 does not use the second. */
const optimizers = Number(process.versions.node.split(".")[0]) < 22 ? ["opt"] : ["opt", "maglev"];

/** How many blocks of code and elements of the engine's own loops `work` runs, with all that it calls. */
export function workOf(work: () => unknown): number {
  if (inject("isAlone") !== true) throw new Error("a file that counts work is listed as `alone` in vitest.config.ts");
  const session = new Session();
  session.connect();
  for (const optimizer of optimizers) setFlagsFromString(`--no-${optimizer}`);
  try {
    session.post("Profiler.enable");
    session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
    let count = elementsOf(work);
    session.post("Profiler.takePreciseCoverage", (error, { result }) => {
      if (error !== null) throw error;
      for (const { functions } of result)
        for (const { ranges } of functions) for (const range of ranges) count += range.count;
    });
    return count;
  } finally {
    session.post("Profiler.stopPreciseCoverage");
    session.disconnect();
    for (const optimizer of optimizers) setFlagsFromString(`--${optimizer}`);
  }
}

/**
 * Expects that work on inputs of one, two and four times a size grows with the size: from two to four times it grows by twice
 * what it grows from one to two, and by a quarter of that more for the depth of trees. Quadratic work grows by four times as much.
 */
export function expectLinear<T>(size: number, make: (size: number) => T, work: (input: T) => unknown): void {
  work(make(size)); // What is made once is not counted.
  const [one, two, four] = [size, 2 * size, 4 * size].map((size) => {
    const input = make(size);
    return workOf(() => work(input));
  }) as [number, number, number];
  expect(four - two, `the growth of ${one}, ${two} and ${four} blocks`).toBeLessThanOrEqual(2.5 * (two - one));
}
