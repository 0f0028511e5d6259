/** Every example, with rows of every length that is an edge case, against float64. */

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { isFloat } from "../src/ir/types.ts";
import { compileText, targetsForRows } from "./support/compile.ts";
import { isDeep } from "./support/deep.ts";
import { gpuTest } from "./support/gpu.ts";
import { compareKernel, inputsFor } from "./support/oracle.ts";

// Row lengths one by one are what test/codegen/row-lengths.slow.test.ts is about; here they meet what examples compute.
const lengths = isDeep ? [3, 5, 64, 65, 769, 131072] : [5, 769, 131072];
const rowCounts = [1, 7, 65537];

interface Example {
  /** The program with rows of another length. */
  readonly withLength: (text: string, length: number) => string;
  /** The dimensions that make so many rows. */
  readonly dims: (rows: number, length: number) => Record<string, number>;
}

const replace = (from: string) => (text: string, length: number) => text.replaceAll(from, String(length));

/** The numbers of its constants are for rows of 8. */
function constantsAsParameters(text: string, length: number): string {
  const names = [...text.matchAll(/^const (\w+)/gm)].map(([, name]) => `${name}: f32[${length}]`);
  const fn = text.slice(text.indexOf("fn ")).replaceAll("f32[8]", `f32[${length}]`);
  return fn.replaceAll("rows, 8]", `rows, ${length}]`).replace("(", `(${names.join(", ")}, `);
}

const examples: Readonly<Record<string, Example>> = {
  "bert-output.tir": { withLength: replace("768"), dims: (rows) => ({ rows }) },
  "elementwise-chain.tir": { withLength: replace("512"), dims: (rows) => ({ rows }) },
  "gpt2-prenorm.tir": { withLength: replace("768"), dims: (tokens) => ({ tokens }) },
  "groupnorm-silu.tir": {
    withLength: (text, length) =>
      text.replaceAll("320, 16, 16", `1, ${length}, 1`).replaceAll("320", "1").replace("groups = 32", "groups = 1"),
    dims: (batch) => ({ batch }),
  },
  "llama-rmsnorm.tir": { withLength: (text) => text, dims: (tokens, hidden) => ({ batch: 1, tokens, hidden }) },
  "masked-softmax.tir": { withLength: replace("128"), dims: (queries) => ({ heads: 1, queries }) },
  "prenorm-stream.tir": { withLength: constantsAsParameters, dims: (rows) => ({ rows }) },
  "rmsnorm-int8.tir": { withLength: replace("1024"), dims: (rows) => ({ rows }) },
  "vit-block.tir": {
    withLength: (text, length) => text.replaceAll("384", String(length)).replaceAll("197", "1"),
    dims: (batch) => ({ batch }),
  },
};

const tolerance = {
  f32: 2e-6,
  f16: 1e-3,
  bf16: 8e-3,
  f8e4m3: 0.125,
  f8e5m2: 0.25,
  i32: 1,
  u32: 1,
  i8: 1,
  u8: 1,
  bool: 0,
};

test("every example is among them", () => {
  const files = readdirSync("examples").filter((name) => name.endsWith(".tir"));
  expect(Object.keys(examples).sort()).toEqual(files.sort());
});

describe.each(Object.keys(examples))("%s", (file) => {
  const example = examples[file] as Example;
  const source = readFileSync(`examples/${file}`, "utf8");

  gpuTest.for(lengths)("rows of %i", async (length, { gpu }) => {
    const text = example.withLength(source, length);
    for (const target of targetsForRows(gpu.target, length)) {
      const { fn, kernel } = compileText(text, target);
      // 65537 rows test what depends on the number of rows; long rows would take gigabytes, and float64 a second.
      const isForMany = length === 5 && target === gpu.target && (isDeep || file === "bert-output.tir");
      for (const rows of length > 1000 ? [1] : isForMany ? rowCounts : [1, 7]) {
        const comparison = await compareKernel(gpu.device, kernel, fn, inputsFor(fn, example.dims(rows, length)));
        expect(comparison.launches).toBe(1);
        for (const { name, value } of fn.results) {
          const about = `${name}, ${rows} rows, ${target.name}`;
          expect(comparison.errors[name], about).toBeLessThanOrEqual(tolerance[value.element]);
          if (isFloat(value.element) || length * rows < 1000) continue;
          // A value between two steps may round either way, which must be rare.
          const [got, want] = [comparison.outputs[name]?.data, comparison.wanted[name]?.data];
          const off = want?.reduce((count, number, i) => count + Number(number !== got?.[i]), 0) ?? 0;
          expect(off / (want?.length ?? 1), about).toBeLessThanOrEqual(1e-3);
        }
      }
    }
  });
});
