/**
 * Times from estimates: fitting recovers the rates from which measurements were made, and the rates choose schedules.
 */

import { describe, expect, test } from "vitest";
import { estimatedElements, explainSchedule, worthwhile } from "../../codegen/candidates.ts";
import { generateKernel, scheduleOf } from "../../codegen/generate.ts";
import { compile } from "../../src/driver/compile.ts";
import type { Fn } from "../../src/ir/ir.ts";
import type { Estimate } from "../../src/kernel/estimate.ts";
import { parse } from "../../src/parse/parse.ts";
import { launchesOf } from "../../src/plan/plan.ts";
import { fitRates, type Measured, rankCorrelation } from "../../src/target/fit-rates.ts";
import { occupancyOf, type Rates, rateNames, timeOf, usualRates } from "../../src/target/rates.ts";
import { builtinTargets, checkTarget, targetByName } from "../../src/target/target.ts";
import { random } from "../support/oracle.ts";

const next = random(3);
const some = (most: number) => Math.floor(most * next() ** 3) + 1;
const anyEstimate = (): Estimate => ({
  ...{
    bytesLoaded: some(1e9),
    bytesStored: some(1e8),
    bytesCached: 0,
    lines: 0,
    operations: some(1e10),
    transcendentals: some(1e9),
  },
  ...{ barriers: some(1e6), workgroups: 1e3 + some(1e6), launches: 1, registers: 16, lanes: 1e6, workgroupMemory: 0 },
});
const known: Rates = {
  gigabytes: 717,
  gigaoperations: 9100,
  transcendental: 6.5,
  barrier: 3.1,
  workgroup: 0.7,
  launch: 8200,
};
const measured = (count: number, noise: number): Measured[] =>
  Array.from({ length: count }, () => {
    const estimate = anyEstimate();
    return { estimate, nanoseconds: timeOf(estimate, known, "gpu") * (1 + noise * (2 * next() - 1)) };
  });

describe("rates are fitted", () => {
  test("to exact times: they are those that made them", () => {
    const found = fitRates(measured(200, 0), usualRates.gpu, "gpu");
    for (const name of rateNames) expect(found[name] / known[name], name).toBeCloseTo(1, 2);
  });

  test("to times that are off by up to 10 %: times are predicted to a few percent", () => {
    const found = fitRates(measured(200, 0.1), usualRates.gpu, "gpu");
    for (const { estimate, nanoseconds } of measured(20, 0)) {
      expect(timeOf(estimate, found, "gpu") / nanoseconds).toBeGreaterThan(0.93);
      expect(timeOf(estimate, found, "gpu") / nanoseconds).toBeLessThan(1.07);
    }
  });

  test("what measurements say nothing about stays as it was", () => {
    const only = measured(50, 0).map(({ estimate }) => {
      const one = { ...estimate, barriers: 0, transcendentals: 0 };
      return { estimate: one, nanoseconds: timeOf(one, known, "gpu") };
    });
    const found = fitRates(only, usualRates.gpu, "gpu");
    expect(found.barrier).toBeCloseTo(usualRates.gpu.barrier, 6);
    expect(found.gigabytes / known.gigabytes).toBeCloseTo(1, 2);
    expect(found.transcendental / found.gigaoperations).toBeCloseTo(
      usualRates.gpu.transcendental / usualRates.gpu.gigaoperations,
      8,
    );
  });

  test("no rate is below 0, whatever was measured", () => {
    const odd = measured(20, 0).map(({ estimate }, i) => ({ estimate, nanoseconds: i % 2 === 0 ? 1 : 1e12 }));
    const found = fitRates(odd, usualRates.gpu, "gpu");
    for (const name of rateNames) expect(found[name], name).toBeGreaterThan(0);
    expect(checkTarget({ name: "mine", kind: "gpu", rates: found }, "mine").rates).toEqual(found);
  });
});

test("the rank correlation is that of ranks", () => {
  expect(rankCorrelation([1, 2, 3, 4], [10, 20, 30, 1000])).toBe(1);
  expect(rankCorrelation([1, 2, 3, 4], [4, 3, 2, 1])).toBe(-1);
  // 1 - 6 * sum(d^2) / (n (n^2 - 1)), without ties.
  expect(rankCorrelation([1, 2, 3, 4, 5], [2, 1, 4, 3, 5])).toBeCloseTo(1 - (6 * 4) / (5 * 24), 12);
});

test("a GPU's lanes are fewer where each takes more registers, and too few do not use its bandwidth", () => {
  const one = anyEstimate();
  expect(occupancyOf({ registers: 32 }, "gpu")).toBe(1);
  expect(occupancyOf({ registers: 128 }, "gpu")).toBe(0.5);
  expect(occupancyOf({ registers: 1000 }, "cpu")).toBe(1);
  const at = (registers: number, lanes: number) => timeOf({ ...one, registers, lanes }, usualRates.gpu, "gpu");
  expect(at(128, 1e6)).toBe(at(16, 1e6));
  expect(at(512, 1e6)).toBeGreaterThan(1.5 * at(16, 1e6));
  expect(at(16, 1024)).toBeGreaterThan(4 * at(16, 1e6));
});

const norm = (rows: string, columns: number) =>
  `fn f(x: f32[${rows}, ${columns}], g: f32[${columns}]) -> f32[${rows}, ${columns}] { return rmsnorm(x, g, axes = [-1]) }`;
const after = (text: string) => compile(parse(text)).module.fns[0] as Fn;

describe("a schedule", () => {
  test.each(builtinTargets)("is that of the rules for $name, which has no rates", (target) => {
    const explained = explainSchedule(after(norm("rows", 96)), target);
    expect(explained).toMatchObject({ by: "rules", columns: 96 });
    expect(explained.chosen).toBe(explained.usual);
    expect(explained.candidates).toContain(explained.usual);
    const times = explained.candidates.map(({ nanoseconds }) => nanoseconds);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  // If starting a workgroup dominates the cost, few are started.
  const dear = { ...targetByName("portable"), rates: { ...usualRates.gpu, workgroup: 1e6 } };

  test("is the least by the rates of a profile, as far as it orders no sums", () => {
    const fn = after(norm("rows", 96));
    const { by, chosen, usual } = explainSchedule(fn, dear);
    expect(by).toBe("estimate");
    expect(chosen.estimate.workgroups).toBeLessThan(usual.estimate.workgroups);
    expect(chosen.nanoseconds).toBeLessThanOrEqual(worthwhile * usual.nanoseconds);
    const { lanes, width, keep } = usual.choice;
    expect(chosen.choice).toMatchObject({ lanes, width, keep });
    expect(scheduleOf(fn, dear).choice).toEqual(chosen.choice);
    const sizes = [dear, targetByName("portable")].map((target) => generateKernel(fn, target).manifest.dispatch);
    expect(sizes[0]?.rowsPerWorkgroup).toBeGreaterThan(sizes[1]?.rowsPerWorkgroup as number);
  });

  test("that was measured is taken whatever the estimate", () => {
    const fn = after(norm("rows", 96));
    const choice = { lanes: 8, workgroup: 64, rowsPerLane: 1, width: 2, keep: 64 } as const;
    const { hash } = scheduleOf(fn, dear);
    const both = { ...dear, schedules: [{ kernel: hash, columns: 96, choice }] };
    expect(explainSchedule(fn, both)).toMatchObject({ by: "measurement", chosen: { choice } });
    expect(scheduleOf(fn, both).choice).toEqual(choice);
  });

  test("of a row does not depend on how many rows there are", () => {
    const choices = ["1", "2", "3", "64", "1000", "rows"].map((rows) => scheduleOf(after(norm(rows, 96)), dear).choice);
    // The number of rows per lane or workgroup does not affect the order of a sum.
    for (const { lanes, width, keep } of choices) expect(choices[0]).toMatchObject({ lanes, width, keep });
    expect(choices.at(-1)).toEqual(choices.at(-2));
  });

  test("is estimated for as many elements, whatever the row's length", () => {
    for (const columns of [32, 96, 1024]) {
      const { usual } = explainSchedule(after(norm("rows", columns)), targetByName("gpu-subgroup-64"));
      expect(usual.estimate.bytesStored / 4 / estimatedElements).toBeGreaterThanOrEqual(1);
      expect(usual.estimate.bytesStored / 4 / estimatedElements).toBeLessThan(1.01);
    }
  });

  test("is estimated without the extents of rows, whatever axes they have", () => {
    const bodies = ["rmsnorm(x, g, axes = [-1])", "softmax(x, axes = [-1])", "x * g"];
    for (const target of ["portable", "swiftshader"]) {
      for (const body of bodies) {
        const [first, ...others] = ["a, b", "8, 16", "64, 197"].map((rows) => {
          const text = `fn f(x: f32[${rows}, 96], g: f32[96]) -> f32[${rows}, 96] { return ${body} }`;
          return explainSchedule(after(text), targetByName(target)).candidates;
        });
        expect(others).toEqual([first, first]);
        for (const { choice, estimate } of first ?? []) {
          const elements = estimate.bytesStored / 4 / estimatedElements;
          expect(elements, `${body} by ${JSON.stringify(choice)}`).toBeGreaterThanOrEqual(1);
          // The first dimension is rounded up to whole workgroups.
          expect(elements).toBeLessThan(1.05);
        }
      }
    }
  });

  test("of sums over the first axis loads each element once, whatever the number of columns", () => {
    for (const columns of ["columns", "32", "768"]) {
      const text = `fn f(x: f32[256, ${columns}]) -> f32[${columns}] { return sum(x, axes = [0]) }`;
      const { usual } = explainSchedule(after(text), targetByName("portable"));
      const { bytesLoaded, bytesCached } = usual.estimate;
      expect((bytesLoaded - bytesCached) / 4 / estimatedElements).toBeCloseTo(1, 2);
    }
  });

  test("of a plan's tiles is estimated for as many elements", () => {
    const text = `fn f(x: f32[n, 96], dy: f32[n, 96]) -> (dx: f32[n, 96], db: f32[96]) {
  return dy * layernorm(x, axes = [-1]), sum(dy, axes = [0])
}`;
    const { plans } = compile(parse(text), { splitReductions: "all" });
    const tiled = plans.flatMap(launchesOf).filter(({ tile }) => tile !== undefined);
    expect(tiled.length).toBeGreaterThan(0);
    for (const { fn, tile } of tiled) {
      const { usual } = explainSchedule(fn, targetByName("portable"), {}, tile);
      const { bytesLoaded, bytesCached } = usual.estimate;
      const tensors = fn.params.filter(({ shape }) => shape.length === 2).length;
      expect((bytesLoaded - bytesCached) / 4 / tensors / estimatedElements).toBeCloseTo(1, 1);
    }
  });

  test("is estimated for as many elements where nothing is reduced, in whatever vectors and workgroups", () => {
    for (const columns of [6, 769, 1024, 16384]) {
      const text = `fn f(x: bf16[rows, ${columns}]) -> bf16[rows, ${columns}] { return x * 2 }`;
      const { candidates } = explainSchedule(after(text), targetByName("swiftshader"));
      // With single rows, lanes share words, which takes more bytes.
      const whole = candidates.filter(({ choice }) => choice.width * choice.rowsPerLane > 1);
      expect(whole.length).toBeGreaterThan(1);
      for (const { choice, estimate } of whole) {
        const elements = estimate.bytesStored / 2 / estimatedElements;
        expect(elements, JSON.stringify(choice)).toBeGreaterThanOrEqual(1);
        // A dimension of rows is rounded up to whole workgroups.
        expect(elements, JSON.stringify(choice)).toBeLessThan(columns === 769 ? 1.5 : 1.01);
      }
    }
  });
});

describe("with `schedule: least-estimate` a schedule", () => {
  const least = { schedule: "least-estimate" } as const;
  // Where arithmetic costs all, a lane has a row of its own: nothing is merged.
  const slow = { ...targetByName("portable"), rates: { ...usualRates.gpu, gigaoperations: 1 } };

  test("is the least of all candidates", () => {
    const fn = after(norm("rows", 96));
    const { by, chosen, usual, candidates } = explainSchedule(fn, slow, least);
    expect(by).toBe("estimate");
    expect(chosen).toBe(candidates[0]);
    expect(chosen.choice.lanes).toBeLessThan(usual.choice.lanes);
    expect(scheduleOf(fn, slow, least).choice).toEqual(chosen.choice);
    expect(scheduleOf(fn, slow).choice.lanes).toBe(usual.choice.lanes);
  });

  test("needs no rates", () => {
    const { by, chosen, usual } = explainSchedule(after(norm("rows", 64)), targetByName("swiftshader"), least);
    expect(by).toBe("estimate");
    expect(chosen.nanoseconds).toBeLessThanOrEqual(worthwhile * usual.nanoseconds);
  });

  test("does not depend on the number of rows", () => {
    const choices = ["1", "2", "3", "64", "1000", "rows"].map(
      (rows) => scheduleOf(after(norm(rows, 96)), slow, least).choice,
    );
    for (const [i, choice] of choices.entries()) expect(choice, `rows of the ${i}th`).toEqual(choices.at(-1));
    expect(choices[0]?.lanes).not.toBe(scheduleOf(after(norm("1", 96)), slow).choice.lanes);
  });

  test("keeps the order of sums with strict rounding, and that of measured ones", () => {
    const fn = after(norm("rows", 96));
    const { lanes, width, keep } = scheduleOf(fn, slow, { rounding: "strict" }).choice;
    expect(scheduleOf(fn, slow, { ...least, rounding: "strict" }).choice).toMatchObject({ lanes, width, keep });
    const choice = { lanes: 8, workgroup: 64, rowsPerLane: 1, width: 2, keep: 64 } as const;
    const measured = { ...slow, schedules: [{ columns: 96, choice }] };
    expect(scheduleOf(fn, measured, least).choice).toEqual(choice);
  });
});
