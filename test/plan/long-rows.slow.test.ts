/** Long rows that several workgroups share, on devices: against float64, on hard rows, and their bits in any batch. */

import { describe, expect, test } from "vitest";
import { proveLaunch } from "../../codegen/prove.ts";
import { interpret } from "../../src/ir/interpret.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { planManifest } from "../../src/plan/manifest.ts";
import { launchesOf } from "../../src/plan/plan.ts";
import { type HostTensor, toNumbers } from "../../src/runtime/host-tensor.ts";
import type { OpenedDevice } from "../../src/runtime/node.ts";
import { runPlan } from "../../src/runtime/prepare-plan.ts";
import { portableTarget, targetByName } from "../../src/target/target.ts";
import { splitText } from "../support/column-programs.ts";
import { isDeep } from "../support/deep.ts";
import { driverTest } from "../support/gpu.ts";
import { longRowPrograms } from "../support/long-row-programs.ts";
import { errorOf, type Fill, inputsFor, normal, tensorsOf } from "../support/oracle.ts";

async function run(
  gpu: OpenedDevice,
  text: string,
  n: number,
  { target = gpu.target, fill = {} }: { target?: OpenedDevice["target"]; fill?: Readonly<Record<string, Fill>> } = {},
) {
  const { fn, plan, kernels } = splitText(text, { splitReductions: "all", target });
  expect(kernels.length).toBeGreaterThan(1);
  const inputs = inputsFor(fn, { n }, { fill });
  const { outputs } = await runPlan(gpu.device, { plan: planManifest(plan), kernels }, inputs);
  return { fn, inputs, outputs };
}

const programs = Object.entries(longRowPrograms).map(([name, [, text]], i) => [name, text, i] as const);

describe.each(programs)("%s", (_, text, i) => {
  driverTest("as in float64", async (gpu) => {
    const { fn, inputs, outputs } = await run(gpu, text, 3, { target: i % 3 === 0 ? portableTarget : gpu.target });
    const most = fn.params[0]?.element === "f16" ? 1e-3 : 2e-6;
    for (const [name, want] of Object.entries(interpret(fn, tensorsOf(inputs)))) {
      // A quotient at a half may round either way.
      const allowed = { i8: 1, f8e4m3: 0.08 }[want.element as string] ?? most;
      expect(errorOf(outputs[name] as HostTensor, want), name).toBeLessThanOrEqual(allowed);
    }
  });
});

const named = (name: string) => [name, longRowPrograms[name]?.[1] ?? ""] as const;

describe.each(["a loss", "layernorm", "moments and a deviation"].map(named))("%s", (_, text) => {
  driverTest("the bits of a row in any batch", async (gpu) => {
    // Random numbers are drawn in turn, those of the rows first.
    const fill = { g: (_: unknown, i: number) => Math.sin(i), b: (_: unknown, i: number) => Math.cos(i) };
    const [{ outputs: one }, { outputs: many }] = [
      await run(gpu, text, 1, { fill }),
      await run(gpu, text, 5, { fill }),
    ];
    for (const [name, { data }] of Object.entries(one)) {
      expect(many[name]?.data.subarray(0, data.length), name).toEqual(data);
    }
  });
});

const proofs = ["logsumexp", "layernorm", "places of the largest and the smallest"];

describe.each(proofs.map((name, i) => [...named(name), i] as const))("%s", (_, text, i) => {
  test("each kernel is proved", () => {
    const targets = [portableTarget, targetByName("swiftshader")];
    for (const target of isDeep ? targets : targets.slice(i % 2, (i % 2) + 1)) {
      for (const launch of launchesOf(splitText(text).plan)) {
        expect(proveLaunch(launch, [], target, {}, { elements: 2 ** 12 }), target.name).toEqual({ verdict: "equal" });
      }
    }
  });
});

const [, layernorm] = longRowPrograms.layernorm as [number, string];

driverTest("a constant row gives exactly beta", async (gpu) => {
  for (const constant of [1e6, -3.3, 12345.678, -3e38]) {
    const { inputs, outputs } = await run(gpu, layernorm, 1, { fill: { x: () => constant } });
    expect(outputs.y?.data, `${constant}`).toEqual(inputs.b?.data);
  }
});

const plain = { g: () => 1, b: () => 0 };

driverTest("rows far from 0", async (gpu) => {
  for (const offset of [1e4, -1e5]) {
    const fill = { ...plain, x: (next: () => number) => offset + normal(next) };
    const { fn, inputs, outputs } = await run(gpu, layernorm, 2, { fill });
    const want = interpret(fn, tensorsOf(inputs)).y as Tensor;
    expect(errorOf(outputs.y as HostTensor, want), `${offset}`).toBeLessThanOrEqual(2e-6);
  }
});

driverTest("an outlier among the elements that the shift is taken from", async (gpu) => {
  const outliers = [0, 10240, 20479];
  for (const outlier of outliers) {
    const fill = { ...plain, x: (next: () => number, i: number) => (i === outlier ? 3e4 : normal(next)) };
    const { fn, inputs, outputs } = await run(gpu, layernorm, 1, { fill });
    const [got, want] = [toNumbers(outputs.y as HostTensor), interpret(fn, tensorsOf(inputs)).y?.data ?? []];
    // Beside the outlier all others are small: they are compared among themselves.
    const others = Array.from(want, (value, i) => ({
      size: Math.abs(value),
      error: Math.abs((got[i] as number) - value),
    }));
    others.splice(outlier, 1);
    const most = (of: "size" | "error") => others.reduce((all, one) => Math.max(all, one[of]), 0);
    expect(most("error") / most("size"), `element ${outlier}`).toBeLessThanOrEqual(2e-5);
  }
});

driverTest("parts that are masked", async (gpu) => {
  const [, text] = longRowPrograms["a loss"] as [number, string];
  const x: Fill = (next, i) => (i % 20480 < 9000 ? -Infinity : normal(next));
  const { fn, inputs, outputs } = await run(gpu, text, 2, { fill: { x } });
  const want = interpret(fn, tensorsOf(inputs));
  expect(errorOf(outputs.z as HostTensor, want.z as Tensor)).toBeLessThanOrEqual(2e-6);
});
