/** Kernels of plans are proved, of tiles and of what merges their states, and those that look elements up; mistakes in each are found. */

import { describe, expect, test } from "vitest";
import { proveLaunch } from "../../codegen/prove.ts";
import { compile } from "../../src/driver/compile.ts";
import { parse } from "../../src/parse/parse.ts";
import { type Launch, launchesOf, type Plan } from "../../src/plan/plan.ts";
import { portableTarget, type TargetProfile, targetByName } from "../../src/target/target.ts";
import { columnPrograms } from "../support/column-programs.ts";
import { indexPrograms } from "../support/index-programs.ts";
import { columnsBesideRows, mixedBackward } from "../support/mixed-programs.ts";

const swiftshader = targetByName("swiftshader");
const launchesFor = (text: string) =>
  launchesOf(compile(parse(text), { splitReductions: "all", products: "plain" }).plans[0] as Plan);

const column = (name: string): [string, string] => [name, columnPrograms[name]?.[1] ?? ""];
const lookup = (name: string): [string, string] => [name, indexPrograms[name] ?? ""];

const proof = (launch: Launch, target: TargetProfile, wgsl?: (text: string) => string) =>
  proveLaunch(launch, [], target, {}, { elements: 2 ** 12, ...(wgsl && { wgsl }) });

describe("kernels of plans compute their functions", () => {
  test.each([
    ...["sums, means and variances", "everything", "one column", "channels of a batch"].map(column),
    ["the backward of a layernorm", mixedBackward("layernorm", 20)],
    ["the backward of a batch of sequences", mixedBackward("layernorm of a batch of sequences", 12)],
    ...[
      "variances of columns beside a norm",
      "moments of batches of rows beside a softmax, and what follows from them",
    ].map((name): [string, string] => [name, columnsBesideRows[name] as string]),
    ...["a loss by labels", "places that are looked up twice", "a row written into a cache"].map(lookup),
    [
      "integers that wrap",
      "fn f(a: i32[n, 6], b: u32[n, 6]) -> (c: i32[n, 6], d: u32[n, 6], e: i32[n]) { return a * a - 7, b * b / 3, sum(a % 5, axes = [-1]) }",
    ],
    [
      "a table by numbers that were rounded",
      "fn f(x: f32[n], table: f32[9, 8]) -> f32[n, 8] { return embedding(cast(floor(x), to = i32), table) }",
    ],
  ])("%s", (_, text) => {
    for (const target of [portableTarget, swiftshader, targetByName("lavapipe")]) {
      for (const launch of launchesFor(text)) expect(proof(launch, target), target.name).toEqual({ verdict: "equal" });
    }
  });
});

test("a measured schedule for rows of a tile", () => {
  const choice = { lanes: 2, workgroup: 8, rowsPerLane: 2, width: 2, keep: 64 } as const;
  const tuned = { ...portableTarget, schedules: [{ fn: "f", columns: 20, choice }] };
  for (const launch of launchesFor(mixedBackward("layernorm", 20))) {
    expect(proof(launch, tuned)).toEqual({ verdict: "equal" });
  }
});

describe("lanes that merge in workgroup memory wait once a row, where memory allows two turns' states", () => {
  const [launch] = launchesFor(mixedBackward("rmsnorm", 1024)) as [Launch];
  const gpu = targetByName("gpu-subgroup-32");
  const withMemory = (bytes: number): TargetProfile => ({
    ...gpu,
    name: `${bytes} bytes`,
    limits: { ...gpu.limits, maxComputeWorkgroupStorageSize: bytes },
  });
  const barriersOf = (target: TargetProfile) => {
    let count = 0;
    proof(launch, target, (wgsl) => {
      count = wgsl.match(/workgroupBarrier/g)?.length ?? 0;
      return wgsl;
    });
    return count;
  };

  test("with memory for both, and with less", () => {
    expect([gpu, withMemory(256), withMemory(48)].map(barriersOf)).toEqual([1, 1, 2]);
    for (const target of [gpu, withMemory(48)])
      expect(proof(launch, target), target.name).toEqual({ verdict: "equal" });
  });
});

/** The mistake, a text of the kernel, and its replacement. */
type Mutant = readonly [what: string, from: string | RegExp, to: string];

const [, statistics] = column("sums, means and variances");
const backward = mixedBackward("rmsnorm", 20);
const lookups = `fn f(ids: i32[n], table: f32[30, 16], y: f32[n, 16], at: u32[n, 1]) -> (a: f32[n, 16]) {
  return embedding(ids, table) * gather(y, at, axis = -1)
}`;
const rowsByNumber =
  "fn f(ids: i32[n, 7], d_y: f32[n, 7, 10]) -> (d: f32[5, 10]) { return embedding_grad(ids, d_y, shape = [5, 10]) }";

const families: readonly (readonly [name: string, text: string, launch: number, TargetProfile, readonly Mutant[]])[] = [
  [
    "partial states of columns",
    statistics,
    0,
    portableTarget,
    [
      ["the last tile as long as the others", /let limit = min\((\S+), .*\);/, "let limit = $1;"],
      ["tiles too near", "(dims.dim_c * dims.dim_n_tile)", "dims.dim_n_tile"],
      ["rows too near", /(if \(unit < limit\) \{\n.*unit) \* dims\.dim_c/, "$1"],
      ["another column", "row % max(dims.dim_c, 1u)", "row % max(dims.dim_c - 1u, 1u)"],
      ["a row left out", /if \(unit < limit\)/, "if (unit < limit - 1u)"],
      ["all tiles store what the first has", /out_(\w+)\[row\]/, "out_$1[row % dims.dim_c]"],
    ],
  ],
  [
    "the merge of their states",
    statistics,
    1,
    portableTarget,
    [
      ["no merge of lanes", /(lanes_\w+\[local\]) = .*\+ lanes_\w+\[local \+ half \* \d+u\]/, "$1 = lanes_f32[local]"],
      ["states too near", /unit \* dims\.dim_c/, "unit"],
      ["no square between the means", /let (\w+) = (\w+) \* \2;/, "let $1 = $2;"],
    ],
  ],
  [
    "sums over rows beside rows",
    backward,
    0,
    portableTarget,
    [
      ["the last tile as long as the others", /let tileEnd = min\((.*), dims\.dim_rows\)/, "let tileEnd = $1"],
      ["rows that there are not", "select(vec4f(0.0), t9, isRow)", "t9"],
      ["the last row alone", "sum_tile[step] +=", "sum_tile[step] ="],
      ["a turn less", "turn < turns", "turn + 1u < turns"],
      ["tiles too near", "tileIndex * 5u", "tileIndex * 4u"],
      ["sums that begin anywhere", "sum_tile[step] = vec4f(0.0);", ""],
      ["a tile too many", "if (isTile) {", "if (true) {"],
      ["states of all turns in one place", /turn % 2u/g, "0u"],
    ],
  ],
  [
    "sums that are stored as they grow",
    backward,
    0,
    swiftshader,
    [
      ["one of the rows left out", "select(0.0, t9_1, isRow_1)", "0.0"],
      ["a row that there is not", "select(0.0, t9_1, isRow_1)", "t9_1"],
      ["nothing to begin with", "out_sums[tileIndex * 20u + unit] = 0.0;", ""],
      ["the last rows alone", /= out_sums\[.*\] \+ \(/, "= ("],
    ],
  ],
  [
    "the merge of sums",
    backward,
    1,
    swiftshader,
    [
      ["no merge of lanes", /sums_sum = sums_sum \+ other/, "sums_sum = sums_sum"],
      ["tiles too near", "unit * 20u", "unit * 10u"],
    ],
  ],
  [
    "elements that are looked up",
    lookups,
    0,
    portableTarget,
    [
      ["a place before the first", "u32(max(ids, 0i))", "u32(ids)"],
      ["a place behind the last", ", 29u)", ", 30u)"],
      ["the last place left out", ", 29u)", ", 28u)"],
      ["rows of the table too near", /, 29u\) \* \d+u/, ", 29u)"],
      ["another's place", /in_ids\[row \/ \d+u\]/, "in_ids[0u]"],
      ["a place of the other operand", /min\(at, 15u\)/, "min(u32(max(ids, 0i)), 15u)"],
      ["no bound", "min(at, 15u)", "at"],
    ],
  ],
  [
    "the gradient of a table",
    rowsByNumber,
    0,
    portableTarget,
    [
      ["all rows", /if \(in_ids\[n\] == .*\) \{/, "if (true) {"],
      ["another row", /== (i32\(\w+\))/, "== $1 + 1i"],
      ["rows too near", "n * 10u", "n * 9u"],
      ["the last run alone", "sum += part", "sum = part"],
    ],
  ],
];

describe.each(families)("mistakes are found: %s", (_, text, index, target, mutants) => {
  const launch = launchesFor(text)[index] as Launch;

  test("there is none", () => expect(proof(launch, target)).toEqual({ verdict: "equal" }));

  test.each(mutants)("%s", (_, from, to) => {
    let isChanged = false;
    const found = proof(launch, target, (text) => {
      const changed = text.replace(from, to);
      isChanged ||= changed !== text;
      return changed;
    });
    expect(isChanged, "the text is there").toBe(true);
    expect(["different", "unsound"], JSON.stringify(found)).toContain(found.verdict);
  });

  test("each barrier is needed", () => {
    let count = 0;
    const without = (index: number) => (text: string) => {
      count = 0;
      return text.replaceAll("workgroupBarrier();", (all) => (count++ === index ? "" : all));
    };
    proof(launch, target, without(-1));
    for (let i = 0; i < count; i++)
      expect(proof(launch, target, without(i)), `barrier ${i}`).toMatchObject({ verdict: "unsound" });
  });
});
