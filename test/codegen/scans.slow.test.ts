/** Running sums in kernels: against float64 and over a field, alone and among other ops, and mistakes in them that are found. */

import { describe, expect, test } from "vitest";
import { proveLaunch } from "../../codegen/prove.ts";
import { compile } from "../../src/driver/compile.ts";
import { gradient } from "../../src/driver/gradient.ts";
import { interpret } from "../../src/ir/interpret.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { parse } from "../../src/parse/parse.ts";
import { planManifest } from "../../src/plan/manifest.ts";
import { callsOf, type Launch, launchesOf, type Plan } from "../../src/plan/plan.ts";
import { fromNumbers, toNumbers } from "../../src/runtime/host-tensor.ts";
import { runPlan } from "../../src/runtime/prepare-plan.ts";
import { portableTarget, type TargetProfile, targetByName } from "../../src/target/target.ts";
import { randomInputs } from "../../src/testing/random-inputs.ts";
import { allTargets } from "../support/compile.ts";
import { isDeep } from "../support/deep.ts";
import { gpuTest } from "../support/gpu.ts";
import { hasTint, validateWgsl } from "../support/tint.ts";

const swiftshader = targetByName("swiftshader");
/** Workgroups of so few lanes that short lines are several blocks of chunks. */
const few = (count: number, target = portableTarget): TargetProfile => ({
  ...target,
  limits: { ...target.limits, maxComputeInvocationsPerWorkgroup: count },
});

const compiled = (text: string, target: TargetProfile) => {
  const module = parse(text);
  const { plans, kernels } = compile(module, { target });
  return { fn: module.fns[0] as Fn, plan: plans[0] as Plan, kernels };
};
const kernelFor = (text: string, target: TargetProfile) => launchesOf(compiled(text, target).plan)[0] as Launch;

const scan = (type: string, shape: string, how: string) =>
  `fn f(x: ${type}[${shape}]) -> (y: ${type}[${shape}]) { return cumsum(x, ${how}) }`;
const alongRows = scan("f32", "m, n", "axis = -1");
const between = scan("f32", "m, n, 3", "axis = 1, exclusive = true, reverse = true");
const pairs = scan("f32", "m, n, 2", "axis = 1");

test("it is one launch, with nothing for a caller to fill in", () => {
  const { plan, kernels } = compiled(alongRows, portableTarget);
  expect(callsOf(plan).map(({ kind }) => kind)).toEqual(["launch"]);
  expect(kernels).toHaveLength(1);
});

describe("the kernel is proved", () => {
  test.each([
    ["one lane a line", alongRows, few(2, swiftshader)],
    ["two lanes a line: one exchange", alongRows, few(2)],
    ["lanes of several lines beside each other", between, few(8)],
    ["a line that is shorter than a workgroup", scan("f32", "m, 37", "axis = 1, reverse = true"), portableTarget],
    ["integers", scan("i32", "n, k", "axis = 0"), few(4)],
    ["lines that are of no known number", scan("f32", "2, n, m, k", "axis = 1, exclusive = true"), few(32)],
  ] as const)("%s", (_, text, target) => {
    expect(proveLaunch(kernelFor(text, target), [], target)).toEqual({ verdict: "equal" });
  });
});

/** Together with other ops, each in one kernel. */
const fused: Readonly<Record<string, string>> = {
  "a running sum of probabilities, masked": `fn f(x: f32[m, 37], mask: f32[m, 37]) -> f32[m, 37] {
  return cumsum(softmax(x, axes = [-1]), axis = -1) * mask
}`,
  "the most likely ones, scaled to a sum of 1": `fn f(x: f32[m, 64], most: f32) -> (y: f32[m, 64]) {
  let p = softmax(x, axes = [-1])
  let kept = where(cumsum(p, axis = -1, exclusive = true) < most, p, 0)
  return kept / sum(kept, axes = [-1], keepdims = true)
}`,
  "statistics of running sums": `fn f(x: f32[m, 100], g: f32[100]) -> (y: f32[m, 100]) {
  return layernorm(cumsum(x, axis = -1), g, axes = [-1])
}`,
  "statistics of running sums, of rows of any length": `fn f(x: f32[m, n], g: f32[n]) -> (y: f32[m, n]) {
  return layernorm(cumsum(x * g, axis = -1), g, axes = [-1])
}`,
  "sums beside the values that they add up": `fn f(x: f32[m, n], w: f32[n]) -> (c: f32[m, n], s: f32[m], i: i32[m]) {
  let c = cumsum(x * w, axis = -1, reverse = true)
  return c, sum(c * x, axes = [-1]), argmax(c, axes = [-1])
}`,
  "sums from both ends, in loops of their own": `fn f(x: f32[m, 64], d_y: f32[m, 64]) -> (d_x: f32[m, 64]) {
  let s = sum(x, axes = [-1], keepdims = true)
  let d = cumsum(d_y / s, axis = -1, reverse = true)
  return d - sum(d_y * cumsum(x, axis = -1), axes = [-1], keepdims = true) / (s * s)
}`,
  "values kept for a loop from the end": `fn f(x: f32[m, 64]) -> (y: f32[m, 64]) {
  let p = softmax(x, axes = [-1])
  return p * cumsum(p, axis = -1, reverse = true, exclusive = true)
}`,
  "places of marked elements": `fn f(m: bool[b, n]) -> (place: i32[b, n]) {
  return where(m, cumsum(cast(m, to = i32), axis = -1) - 1, 0)
}`,
  "halves, of which two share a word": `fn f(x: f16[m, 33], k: f32[m]) -> (y: f16[m, 33], v: f32[m]) {
  let c = cumsum(x, axis = 1, exclusive = true)
  return c, var(cast(c, to = f32), axes = [1]) * k
}`,
  "lines that lie apart": `fn f(x: f32[m, 4, n]) -> (y: f32[n, m, 4]) {
  return transpose(cumsum(softmax(x, axes = [1]), axis = 1), perm = [2, 0, 1])
}`,
  "a row of two axes, in the other order in memory": `fn f(x: f32[8, 16, m]) -> (y: f32[m, 128]) {
  return cumsum(reshape(transpose(x, perm = [2, 1, 0]), shape = [m, 128]), axis = -1) * 2
}`,
  "one element": `fn f(x: f32[m, 1]) -> (y: f32[m, 1], z: f32[m, 1]) {
  return cumsum(x, axis = 1) + 1, cumsum(x, axis = 1, exclusive = true) + x
}`,
};

const proved = [portableTarget, targetByName("gpu-subgroup-32"), swiftshader, few(4)];

describe.each(Object.entries(fused).map(([name, text], i) => [name, text, i] as const))("%s", (_, text, i) => {
  test("it is one kernel, which is proved", () => {
    for (const target of proved.filter((_, at) => isDeep || at % 2 === i % 2)) {
      const { plan } = compiled(text, target);
      expect(launchesOf(plan)).toHaveLength(1);
      expect(proveLaunch(launchesOf(plan)[0] as Launch, [], target)).toEqual({ verdict: "equal" });
    }
  });
});

// Barriers in the loops of lanes must be reached by all of them, which Tint checks too.
test.skipIf(!hasTint).each(allTargets.map((target) => [target.name, target] as const))(
  "the text is valid for %s",
  async (_, target) => {
    for (const text of Object.values(fused)) {
      for (const { wgsl } of compiled(text, target).kernels) expect(await validateWgsl(wgsl)).toEqual([]);
    }
  },
);

test("the gradient of a running sum is one kernel", () => {
  const text = `fn f(x: f32[m, 64], g: f32[64]) -> (y: f32[m, 64]) { return cumsum(softmax(x, axes = [-1]), axis = -1) * g }`;
  const { module } = gradient(parse(text), { wrt: ["x"] });
  const { plans, kernels } = compile(module, { fn: "f_grad" });
  expect(kernels).toHaveLength(1);
  expect(proveLaunch(launchesOf(plans[0] as Plan)[0] as Launch, [], portableTarget)).toEqual({ verdict: "equal" });
});

describe("what one kernel does not compute takes two", () => {
  test.each([
    [
      "from both ends at once",
      "cumsum(x, axis = -1) + cumsum(x, axis = -1, reverse = true)",
      "needs running sums from both ends of a row",
    ],
    ["along two axes", "cumsum(cumsum(x, axis = -1), axis = 0)", "`cumsum` before it scans axes [-1]"],
    ["sums moved along the row", "flip(cumsum(x, axis = -1), axis = -1)", "moves rows along axis -1"],
  ] as const)("%s", (_, expression, why) => {
    const module = parse(`fn f(x: f32[m, n]) -> (y: f32[m, n]) { return ${expression} }`);
    expect(compile(module).kernels).toHaveLength(2);
    expect(() => compile(module, { singleKernel: true })).toThrow(why);
  });
});

describe("a mistake is found", () => {
  test.each([
    ["a lane adds what lies above it", /> 0u\)/, "== 0u)"],
    ["the wrong neighbour", /\^ 1u\]/, "^ 2u]"],
    ["no wait for the others", "workgroupBarrier();", ""],
    ["a step that is not carried on", "y_carried += all;", ""],
    ["a block that is counted twice", /(carried_1 \+= y_carried;\s*)y_carried = 0.0;/, "$1"],
    ["a block that is lost", "y_carried_2 += y_carried_1;", ""],
    ["elements behind the last one", "min(place_1, dims.dim_n - 1u)", "place_1"],
    ["elements that there are not", "if (isIn)", "if (true)"],
  ] as const)("%s", (_, from, to) => {
    const target = few(4);
    const wgsl = (text: string) => {
      expect(text.replace(from, to)).not.toBe(text);
      return text.replace(from, to);
    };
    expect(proveLaunch(kernelFor(pairs, target), [], target, {}, { wgsl }).verdict).not.toBe("equal");
  });
});

gpuTest("it runs, for lines of any length", async ({ gpu }) => {
  const run = async (text: string, target: TargetProfile, dims: Readonly<Record<string, number>>) => {
    const { fn, plan, kernels } = compiled(text, target);
    const inputs = randomInputs(fn, 3, dims);
    const host = Object.entries(inputs).map(([name, { element, shape, data }]) => [
      name,
      fromNumbers(element, shape, data),
    ]);
    const { outputs } = await runPlan(
      gpu.device,
      { plan: planManifest(plan), kernels },
      Object.fromEntries(host),
      dims,
    );
    return {
      got: toNumbers(outputs.y as Parameters<typeof toNumbers>[0]),
      wanted: interpret(fn, inputs).y?.data as Float64Array,
    };
  };
  for (const [text, target, lengths, allowed] of [
    [alongRows, swiftshader, [0, 17, 301], 2e-5],
    [alongRows, few(4), [9, 1001], 2e-5],
    [scan("f16", "m, n", "axis = 1"), swiftshader, [33], 0.02],
    [scan("u32", "n, m", "axis = 0, exclusive = true"), few(4), [33], 0],
  ] as const) {
    for (const n of lengths) {
      const { got, wanted } = await run(text, target, { m: 3, n });
      expect(got).toHaveLength(wanted.length);
      const off = wanted.reduce((most, value, i) => Math.max(most, Math.abs(value - (got[i] as number))), 0);
      expect(off, `${text} of ${n}`).toBeLessThanOrEqual(allowed);
    }
  }
});

gpuTest("an infinity is in no sum before it", async ({ gpu }) => {
  for (const target of [swiftshader, few(8)]) {
    const { plan, kernels } = compiled(scan("f32", "n", "axis = 0"), target);
    const x = { element: "f32" as const, shape: [100], data: new Float32Array(100).fill(1).fill(Infinity, 70, 71) };
    const { outputs } = await runPlan(gpu.device, { plan: planManifest(plan), kernels }, { x });
    const got = toNumbers(outputs.y as Parameters<typeof toNumbers>[0]);
    expect([...got]).toEqual(Array.from({ length: 100 }, (_, i) => (i < 70 ? i + 1 : Infinity)));
  }
});

// What is less than half a step of the sum so far is lost one after the other. An element passes through 16 additions in a
// lane and as many in each of three blocks.
gpuTest("a long line loses no more than its blocks do", async ({ gpu }) => {
  const n = 2 ** 17;
  const { plan, kernels } = compiled(scan("f32", "n", "axis = 0"), swiftshader);
  const data = Float32Array.from({ length: n }, () => 1 + 2 ** -13);
  const x = { element: "f32" as const, shape: [n], data };
  const { outputs } = await runPlan(gpu.device, { plan: planManifest(plan), kernels }, { x });
  const got = toNumbers(outputs.y as Parameters<typeof toNumbers>[0]);
  let [sum, worst] = [0, 0];
  for (const [i, value] of data.entries()) {
    sum += value;
    worst = Math.max(worst, Math.abs((got[i] as number) - sum) / sum);
  }
  expect(worst).toBeLessThan(4 * 16 * 2 ** -24);
});
