/**
 * The rules' schedules compared with the least estimate of all schedules. A rule may differ from it only if measurements support
 * the rule, or if the estimate ignores what matters. These are the limits of the estimate, and all of them are listed here.
 */

import { describe, expect, test } from "vitest";
import { explainSchedule } from "../../codegen/candidates.ts";
import { compile } from "../../src/driver/compile.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { parse } from "../../src/parse/parse.ts";
import { targetByName } from "../../src/target/target.ts";
import { isDeep } from "../support/deep.ts";

const along =
  (body: string, element = "f32") =>
  (n: number) =>
    `fn f(x: ${element}[rows, ${n}], g: ${element}[${n}]) -> ${element}[rows, ${n}] { return ${body} }`;
const overRows = (body: string) => (n: number) => `fn f(x: f32[${n}, columns]) -> f32[columns] { return ${body} }`;

const ops = {
  layernorm: along("layernorm(x, g, axes = [-1])"),
  rmsnorm: along("rmsnorm(x, g, axes = [-1])"),
  "rmsnorm in f16": along("rmsnorm(x, g, axes = [-1])", "f16"),
  softmax: along("softmax(x, axes = [-1])"),
  sum: (n: number) => `fn f(x: f32[rows, ${n}]) -> f32[rows] { return sum(x, axes = [-1]) }`,
  elementwise: along("gelu(x * 2 + g) * tanh(x)"),
  "sum over rows": overRows("sum(x, axes = [0])"),
  "variance over rows": overRows("var(x, axes = [0])"),
} as const;
type Op = keyof typeof ops;

/** The usual run takes two of these. Only deep runs take all, and so need every limit. */
const allLengths = [32, 64, 256, 769, 4096, 16384];
const lengths = isDeep ? allLengths : [64, 4096];
const targets = ["portable", "gpu-subgroup-32", "gpu-f16-subgroup-32", "swiftshader", "lavapipe"] as const;
type Target = (typeof targets)[number];

const after = (text: string) => compile(parse(text)).module.fns[0] as Fn;

/** Ratios of estimates up to this count as equal. */
const tie = 1.02;

interface Limit {
  readonly why: string;
  readonly targets: readonly Target[];
  readonly ops: readonly Op[];
  readonly lengths: readonly number[];
  /** The largest ratio of the rule's estimate to the least. */
  readonly atMost: number;
}

const processors = ["swiftshader", "lavapipe"] as const;
const cards = ["portable", "gpu-subgroup-32", "gpu-f16-subgroup-32"] as const;
const reductions = ["layernorm", "rmsnorm", "rmsnorm in f16", "softmax", "sum"] as const;
const acrossRows = ["sum over rows", "variance over rows"] as const;
const limits: readonly Limit[] = [
  {
    why: "measured on an H200: long columns are faster with 64 lanes per column than with 32, though only four columns are adjacent then",
    ...{ targets: cards, ops: acrossRows, lengths: [16384], atMost: 1.08 },
  },
  {
    why: "on cards a lane has one row, which is what was measured; rounding halves takes as long as loading them, and with several rows per lane fewer states would be merged",
    ...{ targets: cards, ops: ["rmsnorm in f16", "softmax"], lengths: [32, 64, 256, 769], atMost: 1.16 },
  },
  {
    why: "measured: with fewer than four lanes per row SwiftShader takes up to 1.3 times as long at 64 columns",
    ...{ targets: ["swiftshader"], ops: reductions, lengths: [64], atMost: 1.5 },
  },
  {
    why: "measured: one row of a few vectors per lane; by estimate several rows per lane share more work",
    ...{ targets: processors, ops: reductions, lengths: [32, 64], atMost: 1.2 },
  },
  {
    why: "measured: the lanes of a subgroup share a row and load adjacent elements; by estimate loads of separate rows cost the same, and there is nothing to merge",
    ...{ targets: processors, ops: reductions, lengths: [256, 769, 4096], atMost: 1.15 },
  },
  {
    why: "measured: without a reduction single elements are as fast there; by estimate a vector costs one load",
    ...{ targets: ["swiftshader"], ops: ["elementwise"], lengths: allLengths, atMost: 1.16 },
  },
  {
    why: "one lane per column would leave a tensor of few columns to one core; estimates assume many columns",
    ...{ targets: processors, ops: acrossRows, lengths: [32, 64], atMost: 1.08 },
  },
];

const needed = new Set<Limit>();

describe.each(targets)("for %s the rules' schedules have the least estimates", (name) => {
  test.each(Object.keys(ops) as Op[])("%s", { timeout: 300_000 }, (op) => {
    for (const length of lengths) {
      const { usual, candidates } = explainSchedule(after(ops[op](length)), targetByName(name));
      const least = candidates[0] as (typeof candidates)[number];
      const ratio = usual.nanoseconds / least.nanoseconds;
      if (ratio <= tie) continue;
      const known = limits.filter(
        (one) => one.targets.includes(name) && one.ops.includes(op) && one.lengths.includes(length),
      );
      for (const limit of known) needed.add(limit);
      const choices = `${length} columns: ${JSON.stringify(usual.choice)} beside ${JSON.stringify(least.choice)}`;
      expect.soft(ratio, choices).toBeLessThanOrEqual(Math.max(tie, ...known.map(({ atMost }) => atMost)));
    }
  });
});

if (isDeep) {
  test("every limit is needed", () => {
    expect(limits.filter((limit) => !needed.has(limit))).toEqual([]);
  });
}
