/** The cache lines that an estimate counts are those of the addresses that lanes read. */

import { describe, expect, test } from "vitest";
import type { Buffer } from "../../src/kernel/buffer.ts";
import { estimate } from "../../src/kernel/estimate.ts";
import { binary, construct, count, type Expression, load, multiply } from "../../src/kernel/expression.ts";
import { interpretProgram } from "../../src/kernel/interpret.ts";
import { type Program, Statements } from "../../src/kernel/statement.ts";
import { f32, u32 } from "../../src/kernel/types.ts";
import type { Choice } from "../../src/target/choice.ts";
import { timeOf, usualRates } from "../../src/target/rates.ts";
import { type TargetProfile, targetByName } from "../../src/target/target.ts";
import { compileText } from "../support/compile.ts";

const bufferOf = (width: 1 | 4): Buffer => ({
  ...{ wgsl: "in_x", type: { scalar: "f32", width }, shape: [4096], element: "f32", storage: "f32", access: "read" },
});
const indices: Buffer = { ...bufferOf(1), wgsl: "in_i", type: u32, element: "u32", storage: "u32" };

/** 64 lanes that run the loads of `body`, in two subgroups of 32. */
function linesOf(body: (lane: Expression, to: Statements) => void): number {
  const to = new Statements();
  to.bind("lane", "lane", { extent: 64, stride: 1 }, (lane) => body(lane, to));
  const program: Program = {
    ...{ name: "f", entryPoint: "main", enables: [], dims: [], buffers: [], shared: [], workgroupSize: 64 },
    body: to.all,
  };
  return estimate(program, { extents: {}, workgroups: 1, inStep: 32 }).lines;
}

describe("lines of 128 bytes", () => {
  test.each([
    ["neighbours read neighbours", 1, 1, 2],
    ["neighbours read every second element", 1, 2, 4],
    ["each lane has a line of its own", 1, 32, 64],
    ["lines between are not touched", 1, 1000, 64],
    ["vectors of neighbours", 4, 1, 8],
    ["vectors that lie apart", 4, 8, 64],
    ["all lanes read one element", 1, 0, 2],
  ] as const)("%s", (_, width, stride, lines) => {
    const found = linesOf((lane, to) => void to.define("x", load(bufferOf(width), multiply(lane, stride))));
    expect(found).toBe(lines);
  });

  test("of the lanes that a condition leaves", () => {
    const found = linesOf((lane, to) => {
      to.when(binary("<", lane, count(33)), () => void to.define("x", load(bufferOf(1), multiply(lane, 32))));
    });
    expect(found).toBe(33);
  });

  test("of each turn of a loop, through names of indices", () => {
    const found = linesOf((lane, to) => {
      to.loop("turn", count(0), count(5), 1, (turn) => {
        const at = to.define("at", binary("+", multiply(turn, 64), lane));
        to.define("x", load(bufferOf(1), at));
      });
    });
    expect(found).toBe(5 * 2);
  });

  test("an index from a tensor may be anywhere", () => {
    const found = linesOf((lane, to) => {
      const at = to.define("at", load(indices, lane));
      to.define("x", load(bufferOf(1), at));
    });
    expect(found).toBe(2 + 64);
  });

  test("of stores", () => {
    const out: Buffer = { ...bufferOf(1), wgsl: "out_y", access: "read_write" };
    expect(linesOf((lane, to) => to.store(out, multiply(lane, 16), construct(f32, count(1))))).toBe(32);
  });
});

const rows = 256;
const columns = 256;
const target = (choice: Partial<Choice>): TargetProfile => ({
  ...targetByName("gpu-subgroup-32"),
  schedules: [{ columns, choice: { lanes: 32, workgroup: 64, rowsPerLane: 1, width: 4, keep: 64, ...choice } }],
});
const choices: readonly Partial<Choice>[] = [
  {},
  { lanes: 1, workgroup: 32 },
  { lanes: 2 },
  { lanes: 8 },
  { lanes: 64, width: 1 },
  { lanes: 4, width: 1 },
];

/** The cache lines that a run reads: lanes advance in lockstep, so that the reads of a subgroup are adjacent. */
function linesRead(program: Program, width: number, workgroups: number): number {
  const reads: number[] = [];
  const numbers = Array.from({ length: rows * columns }, (_, i) => Math.sin(i));
  const traced = new Proxy(numbers, {
    get(of, key) {
      if (typeof key === "string" && /^\d+$/.test(key)) reads.push(Number(key));
      return Reflect.get(of, key);
    },
  });
  interpretProgram(program, new Map([["in_x", traced]]), {}, Array(workgroups).keys());
  let lines = 0;
  for (let at = 0; at < reads.length; at += 32 * width) {
    lines += new Set(reads.slice(at, at + 32 * width).map((element) => Math.floor(element / 32))).size;
  }
  return lines;
}

describe("of kernels, as the reads of a run", () => {
  const text = `fn f(x: f32[${rows}, ${columns}]) -> f32[${rows}] { return sum(x, axes = [-1]) }`;
  test.each(choices)("%o", (choice) => {
    const { program, kernel } = compileText(text, target(choice));
    const { width = 4, lanes = 32 } = choice;
    const workgroups = rows / kernel.manifest.dispatch.rowsPerWorkgroup;
    const { lines } = estimate(program, { extents: {}, workgroups, inStep: 32 });
    // One lane of each row stores its sum.
    const stores = lanes === 1 ? rows / 32 : rows / Math.max(1, 32 / lanes);
    expect(lines - stores).toBe(linesRead(program, width, workgroups));
  });
});

test("a graphics card takes longer for what lies apart, and a processor's lanes load one by one", () => {
  const { program } = compileText(
    `fn f(x: f32[rows, ${columns}]) -> f32[rows] { return sum(x, axes = [-1]) }`,
    target({ width: 1 }),
  );
  const together = estimate(program, { extents: { rows: 2e5 }, workgroups: 1e5, inStep: 32, areAlike: true });
  const apart = { ...together, lines: 32 * together.lines };
  const ratio = (kind: "cpu" | "gpu") =>
    timeOf(apart, usualRates[kind], kind) / timeOf(together, usualRates[kind], kind);
  // Sums of elements that lanes read one by one, a row apart, took 2 to 2.8 times as long on an H200.
  expect(ratio("gpu")).toBeGreaterThan(2);
  expect(ratio("gpu")).toBeLessThan(4);
  expect(ratio("cpu")).toBe(1);
});

test("of a small tensor no more bytes are fetched than it has, wherever a workgroup reads it", () => {
  const text = "fn f(x: f32[rows, 768], g: f32[768]) -> f32[rows, 768] { return x + g }";
  const { program } = compileText(text);
  const workgroups = (4096 * 768) / (4 * program.workgroupSize);
  const made = estimate(program, { extents: { rows: 4096 }, workgroups, inStep: 32 });
  expect(made.bytesLoaded).toBe(2 * 4 * 4096 * 768);
  expect(made.bytesLoaded - made.bytesCached).toBe(4 * 4096 * 768 + 4 * 768);
});

test("what lanes read of one place at once is fetched once", () => {
  const fetched = (stride: number) => {
    const to = new Statements();
    to.bind("grid", "group", undefined, (group) => {
      to.bind("lane", "lane", { extent: 64, stride: 1 }, (lane) => {
        to.define("x", load(bufferOf(1), binary("+", multiply(group, 64), multiply(lane, stride))));
      });
    });
    const program: Program = {
      ...{ name: "f", entryPoint: "main", enables: [], dims: [], buffers: [], shared: [], workgroupSize: 64 },
      body: to.all,
    };
    const { bytesLoaded, bytesCached } = estimate(program, { extents: {}, workgroups: 10, inStep: 32 });
    return bytesLoaded - bytesCached;
  };
  expect(fetched(1)).toBe(10 * 64 * 4);
  expect(fetched(0)).toBe(10 * 4);
});
