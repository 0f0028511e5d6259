/** A row's bits depend only on the target and on its length, not on the number of rows, named or written out. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { scheduleOf } from "../../codegen/generate.ts";
import { optimize } from "../../src/driver/compile.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { parse } from "../../src/parse/parse.ts";
import type { HostTensor } from "../../src/runtime/host-tensor.ts";
import { type PreparedKernel, prepare } from "../../src/runtime/prepare.ts";
import { builtinTargets, portableTarget } from "../../src/target/target.ts";
import { compileText } from "../support/compile.ts";
import { isDeep } from "../support/deep.ts";
import { driverTest } from "../support/gpu.ts";
import { normal, random } from "../support/oracle.ts";

/** How rows lie in the tensor `x`. */
interface Layout {
  readonly shape: (rows: number | string, length: number) => string;
  readonly axes: string;
  readonly index: (row: number, column: number, rows: number, length: number) => number;
}

const layouts: Readonly<Record<string, Layout>> = {
  "rows, length": {
    shape: (rows, length) => `${rows}, ${length}`,
    axes: "[-1]",
    index: (row, column, _, length) => row * length + column,
  },
  "length, rows": {
    shape: (rows, length) => `${length}, ${rows}`,
    axes: "[0]",
    index: (row, column, rows) => column * rows + row,
  },
  "length / 4, rows, 4": {
    shape: (rows, length) => `${length / 4}, ${rows}, 4`,
    axes: "[0, 2]",
    index: (row, column, rows) => Math.floor(column / 4) * rows * 4 + row * 4 + (column % 4),
  },
};

/** Functions of a row, with `$` for what follows the operand of a reduction. Each result is as large as x. */
const functions = {
  sum: "where(x == x, sum(x$), x)",
  mean: "where(x == x, mean(x$), x)",
  variance: "where(x == x, var(x$), x)",
  product: "where(x == x, prod(1 + 0.001 * x$), x)",
  "sum of exponentials": "exp(x - max(x$)) / sum(exp(x - max(x$))$)",
  layernorm: "(x - mean(x$)) * rsqrt(var(x$) + 1e-5)",
  rmsnorm: "x * rsqrt(mean(x * x$) + 1e-5)",
  "mean of what is dear to compute": "gelu(tanh(x) - mean(tanh(x)$)) + 1",
};

const cases = fc.record({
  layout: fc.constantFrom(...Object.keys(layouts)),
  name: fc.constantFrom(...(Object.keys(functions) as (keyof typeof functions)[])),
  length: fc
    .oneof(fc.constantFrom(64, 300, 768, 1024, 2048), fc.integer({ min: 1, max: 175 }))
    .map((length) => 4 * Math.ceil(length / 4)),
  odd: fc.boolean(),
  // A single row is the most likely to go wrong, and then few rows.
  counts: fc.tuple(fc.constant(1), fc.integer({ min: 2, max: 16 }), fc.integer({ min: 17, max: 1000 })),
});
type Case = typeof cases extends fc.Arbitrary<infer T> ? T : never;

function program({ layout, name }: Case, rows: number | string, length: number): string {
  const { shape, axes } = layouts[layout] as Layout;
  const type = `f32[${shape(rows, length)}]`;
  return `fn f(x: ${type}) -> ${type} { return ${functions[name].replaceAll("$", `, axes = ${axes}, keepdims = true`)} }`;
}

const lengthOf = ({ layout, length, odd }: Case) => (odd && !layout.includes("/") ? length - 1 : length);

/** Rows of which every other is the same. */
function input({ layout }: Case, rows: number, length: number): Float32Array {
  const { index } = layouts[layout] as Layout;
  const x = new Float32Array(rows * length);
  for (let row = 0; row < rows; row++) {
    const next = random(row % 2);
    for (let column = 0; column < length; column++) x[index(row, column, rows, length)] = normal(next);
  }
  return x;
}

/** The distinct bits of even and of odd rows. */
async function bitsOf(kernel: PreparedKernel, one: Case, rows: number) {
  const length = lengthOf(one);
  const { outputs } = await kernel.run({ x: input(one, rows, length) });
  const bits = new Uint32Array(Float32Array.from((outputs.out0 as HostTensor).data as Float32Array).buffer);
  const { index } = layouts[one.layout] as Layout;
  const seen = [new Set<string>(), new Set<string>()] as const;
  for (let row = 0; row < rows; row++) {
    const own = Array.from({ length }, (_, column) => bits[index(row, column, rows, length)]);
    seen[row % 2 === 0 ? 0 : 1].add(own.join(" "));
  }
  return seen.map((set) => [...set]);
}

const runs = Number(process.env.TIRC_FUZZ_RUNS ?? 2);

driverTest(
  "a row has the same bits in every batch",
  async (gpu) => {
    const portable = { ...portableTarget, limits: gpu.target.limits };
    const body = async (one: Case) => {
      for (const target of [gpu.target, portable]) {
        const prepared = (rows: number | string) =>
          prepare(gpu.device, compileText(program(one, rows, lengthOf(one)), target).kernel);
        const named = await prepared("rows");
        const [even, odd] = await bitsOf(named, one, 2);
        for (const rows of one.counts) {
          const want = rows === 1 ? [even, []] : [even, odd];
          expect(await bitsOf(named, one, rows), `${target.name}, ${rows} rows by name`).toEqual(want);
          expect(await bitsOf(await prepared(rows), one, rows), `${target.name}, ${rows} rows`).toEqual(want);
        }
      }
    };
    await fc.assert(fc.asyncProperty(cases, body), { numRuns: runs, seed: 1, endOnFailure: true });
  },
  Math.max(300_000, 60_000 * runs),
);

test("lanes and vectors, which order the sums of a row, are the same for every number of rows, on every target", () => {
  fc.assert(
    fc.property(cases, (one) => {
      const fns = ["rows", ...one.counts].map((rows) => {
        const { module } = optimize(parse(program(one, rows, lengthOf(one)), { file: "test.tir" }));
        return module.fns[0] as Fn;
      });
      for (const target of builtinTargets) {
        const [named, ...counted] = fns.map((fn) => {
          const { lanes, width } = scheduleOf(fn, target).choice;
          return { lanes, width };
        });
        for (const schedule of counted) expect(schedule, target.name).toEqual(named);
      }
    }),
    { numRuns: isDeep ? 150 : 40, seed: 1 },
  );
});
