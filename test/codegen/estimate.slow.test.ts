/** The estimated operations of a kernel are those counted in a run, lane by lane. */

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ops } from "../../src/ir/ops/index.ts";
import {
  type WgslFunction,
  wgslFunctionName,
  wgslFunctions,
  wgslFunctionText,
} from "../../src/ir/ops/wgsl-functions.ts";
import { estimate } from "../../src/kernel/estimate.ts";
import { binary, construct, count, negate } from "../../src/kernel/expression.ts";
import { type Program, Statements } from "../../src/kernel/statement.ts";
import { f32 } from "../../src/kernel/types.ts";
import { portableTarget, type TargetProfile, targetByName } from "../../src/target/target.ts";
import { compileText } from "../support/compile.ts";
import { countRun } from "../support/count-run.ts";
import { opPrograms } from "../support/op-programs.ts";
import { withExpressions } from "../support/rewrite-program.ts";

const examples = readdirSync("examples").filter((name) => name.endsWith(".tir"));
/** No product of them is a power of two, by which dividing is another operation where it is known. */
const small = { hidden: 36, columns: 20 };
const few = { ...portableTarget.limits, maxComputeInvocationsPerWorkgroup: 16 };
const targets: readonly TargetProfile[] = [
  { ...portableTarget, name: "a tree", limits: few },
  targetByName("lavapipe"),
  { ...targetByName("gpu-subgroup-32"), name: "subgroups and a tree", subgroup: { min: 4, max: 4 } },
];

const programs = Object.entries(opPrograms).flatMap(([name, [text]]) => {
  const def = ops[name as keyof typeof ops];
  return "outside" in def || text === undefined ? [] : [[name, text] as const];
});

/** An opaque value costs an operation on a device, and none here. */
const bare = (program: Program) => withExpressions(program, (one) => (one.kind === "opaque" ? one.operand : one));

function expectCounted(
  text: string,
  target: TargetProfile,
  extents: Readonly<Record<string, number>> = small,
  most = 2,
) {
  const { kernel, program: whole } = compileText(text, target);
  const program = bare(whole);
  const dims = Object.fromEntries(kernel.manifest.dims.map(({ name }) => [name, extents[name] ?? 3]));
  const { arithmetic, bytes, counts, faults, workgroups } = countRun(kernel, program, dims, most);
  expect(faults).toEqual([]);
  const { operations, ...found } = estimate(program, { extents: dims, workgroups, inStep: 1 });
  expect(found).toMatchObject({
    ...{ bytesLoaded: bytes.loaded, bytesStored: bytes.stored, workgroups },
    ...{ transcendentals: arithmetic.transcendentals, barriers: counts.barriers },
  });
  expect(operations).toBe(arithmetic.operations + counts.accesses + counts.turns);
}

describe.each(targets)("$name", (target) => {
  test.each(examples)("examples/%s", (file) => {
    expectCounted(readFileSync(`examples/${file}`, "utf8"), target);
  });
});

test.each(programs)("%s", (_, text) => expectCounted(text, targetByName("lavapipe")));

test.each(["bf16", "i8", "f8e4m3", "f8e5m2"])("rows of %s are loaded and stored", (element) => {
  const text = `fn f(x: ${element}[rows, 40]) -> (y: ${element}[rows, 40], m: f32[rows, 1]) {
  let wide = cast(x, to = f32)
  let m = max(wide, axes = [-1], keepdims = true)
  return cast(wide / m, to = ${element}), m
}`;
  for (const target of targets) expectCounted(text, target);
});

test("of many workgroups the last may have fewer rows", () => {
  const text = "fn f(x: f32[rows, 40]) -> f32[rows, 40] { return softmax(x, axes = [-1]) }";
  for (const target of targets) expectCounted(text, target, { rows: 101 }, Infinity);
});

test("what all rows read at the same places is in caches", () => {
  const { kernel, program } = compileText(
    "fn f(x: f32[rows, 64], g: f32[64]) -> f32[rows, 64] { return rmsnorm(x, g, axes = [-1]) }",
  );
  const workgroups = 40 / kernel.manifest.dispatch.rowsPerWorkgroup;
  const { bytesLoaded, bytesCached } = estimate(program, { extents: { rows: 40 }, workgroups, inStep: 1 });
  expect([bytesLoaded - bytesCached, bytesCached]).toEqual([40 * 64 * 4, 40 * 64 * 4]);
});

describe("what a workgroup reads again is in caches", () => {
  const bodies = {
    softmax: "softmax(x, axes = [-1])",
    layernorm: "layernorm(x, axes = [-1])",
    // Three reductions, one after the other.
    three: "x / max(exp(x - mean(x, axes = [-1], keepdims = true)), axes = [-1], keepdims = true)",
    flat: "x * 2",
  };
  for (const [name, body] of Object.entries(bodies)) {
    test.each(["portable", "swiftshader", "lavapipe"])(`${name} for %s`, (target) => {
      for (const columns of [64, 1000, 16384]) {
        const text = `fn f(x: f32[64, ${columns}]) -> f32[64, ${columns}] { return ${body} }`;
        const { kernel, program } = compileText(text, targetByName(target));
        const { rows, rowsPerWorkgroup } = kernel.manifest.dispatch;
        const count = (rows as number[]).reduce((product, extent) => product * extent, 1);
        const workgroups = Math.ceil(count / rowsPerWorkgroup);
        const { bytesLoaded, bytesCached } = estimate(program, { extents: {}, workgroups, inStep: 1 });
        const fresh = (bytesLoaded - bytesCached) / (4 * 64 * columns);
        // If the length is not a multiple of the lanes, the remainder is counted in each loop.
        expect(fresh).toBeGreaterThanOrEqual(1);
        expect(fresh).toBeLessThan(columns === 1000 ? 1.3 : 1.0001);
      }
    });
  }
});

describe("lanes that go in step", () => {
  /** One operation of so many of 64 lanes, and as many turns of a loop as a lane's number. */
  function made(lanes: number): Program {
    const to = new Statements();
    to.bind("lane", "lane", { extent: 64, stride: 1 }, (lane) => {
      to.when(binary("<", lane, lanes), () => void to.define("x", negate(construct(f32, count(1)))));
      to.loop("i", count(0), lane, 1, () => undefined);
    });
    return {
      name: "f",
      entryPoint: "main",
      enables: [],
      dims: [],
      buffers: [],
      shared: [],
      workgroupSize: 64,
      body: to.all,
    };
  }
  const operations = (lanes: number, inStep: number) =>
    estimate(made(lanes), { extents: {}, workgroups: 1, inStep }).operations;

  test.each([
    [1, 33],
    [16, 48],
    [32, 64],
    [64, 64],
  ])("%i of them: all wait for one that works", (inStep, working) => {
    expect(operations(33, inStep) - operations(0, inStep)).toBe(2 * working);
  });

  test("turns go on until the last lane has none left", () => {
    const sum = (inStep: number) => {
      let turns = 0;
      for (let lane = 0; lane < 64; lane++) turns += Math.floor(lane / inStep) * inStep + inStep - 1;
      return turns;
    };
    for (const inStep of [1, 8, 32]) expect(operations(0, inStep)).toBe(64 + sum(inStep));
  });
});

/** Operators and calls of a WGSL function and of those that it calls, without branches that are seldom taken. */
function countedIn(name: string, texts: ReadonlyMap<string, string>): readonly [number, number] {
  const text = texts.get(name) as string;
  const code = text
    .slice(text.indexOf("{"))
    .replace(/\/\/.*|bitcast<[^>]*>/g, "")
    .replace(/(\d)e-/g, "$1e");
  const count = (pattern: RegExp) => (code.match(pattern) ?? []).length;
  const operators = count(/<<|>>|[<>=!]=|[-+*<>&|!](?!=)/g);
  const calls = count(/\b(?:fma|select|abs|min|max|clamp|floor|sign|trunc)(?=\()/g);
  const divisions = count(/\//g);
  const transcendentals = count(/\b(?:exp2?|log2?|sqrt)(?=\()/g);
  const own = [operators + calls, transcendentals + divisions] as const;
  const callees = [...code.matchAll(/\b(\w+)(?=\()/g)].map(([, callee]) => callee as string);
  return callees
    .filter((callee) => callee !== name && callee !== "far_angle" && texts.has(callee))
    .map((callee) => countedIn(callee, texts))
    .reduce(([a, b], [c, d]) => [a + c, b + d] as const, own);
}

test.each(Object.keys(wgslFunctions) as WgslFunction[])("the library's %s costs what its text says", (name) => {
  const all = wgslFunctionText(name, 1, new Set()).flatMap((text) => text.split(/\n(?=fn )/));
  const texts = new Map(all.map((text) => [/fn (\w+)/.exec(text)?.[1] as string, text]));
  const [operations, transcendentals] = countedIn(wgslFunctionName(name, 1), texts);
  // Its division is an integer division by a power of two.
  const shifts = name === "pow2_scale" ? 1 : 0;
  expect(wgslFunctions[name].cost).toEqual([operations + shifts, transcendentals - shifts]);
});
