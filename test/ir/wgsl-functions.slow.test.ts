/**
 * The WGSL of every elementwise op, alone, for one number and for four, against its float64 reference: densely where ops
 * are used most, and integers. How far it may be off stands in the op table.
 */

import { describe, expect, test as plainTest } from "vitest";
import { Names } from "../../codegen/names.ts";
import type { Attributes } from "../../src/ir/ir.ts";
import type { ElementwiseDef } from "../../src/ir/ops/def.ts";
import { type ElementwiseName, ops } from "../../src/ir/ops/index.ts";
import { libraryNames, type WgslFunction, wgslFunctions } from "../../src/ir/ops/wgsl-functions.ts";
import { polynomials } from "../../src/ir/ops/wgsl-parts.ts";
import { runNode } from "../support/built.ts";
import {
  type Computed,
  completeAttributes,
  elementwiseKernel,
  evaluateOn,
  resultElement,
} from "../support/elementwise-kernel.ts";
import { gpuTest as test } from "../support/gpu.ts";
import { hasTint, validateWgsl } from "../support/tint.ts";

interface Case {
  readonly operands: readonly (readonly number[])[];
  readonly element?: Computed;
  readonly attributes?: Attributes;
}

const line = (low: number, high: number, count = 2048) =>
  Array.from({ length: count }, (_, i) => low + ((high - low) * i) / (count - 1));
/** Equal ratios from low to high, both above 0. */
const powers = (low: number, high: number, count = 1024) =>
  Array.from({ length: count }, (_, i) => low * (high / low) ** (i / (count - 1)));
const bothSigns = (values: readonly number[]) => [...values, ...values.map((x) => -x)];
/** Each of `a` with one of `b`, mixed so that both vary. */
const pairs = (a: readonly number[], b: readonly number[]) => [a, a.map((_, i) => b[(i * 769) % b.length] as number)];
/** Every `a` with every `b`. */
const all = (a: readonly number[], b: readonly number[]) => [a.flatMap((x) => b.map(() => x)), a.flatMap(() => b)];

const tiny = bothSigns(powers(1e-30, 1));
const wide = bothSigns(powers(1e-30, 1e30));
const halves = line(-8, 8, 64 * 16 + 1).slice(1);
const integers = [-(2 ** 31), -7, -2, -1, 0, 1, 2, 3, 5, 7, 1000, 2 ** 31 - 1];
const naturals = [0, 1, 2, 3, 5, 7, 1000, 65537, 2 ** 31, 2 ** 32 - 2, 2 ** 32 - 1, 10];
const bools = [0, 1];
const ofIntegers: Case = { operands: all(integers, integers), element: "i32" };
const ofNaturals: Case = { operands: all(naturals, naturals), element: "u32" };
const comparison: readonly Case[] = [
  { operands: all([-1.5, -0, 0, 1e-30, 1, 1.5, 1e30, 3], [-1.5, -0, 0, 1e-30, 1, 1.5, 1e30, 3]) },
  ofIntegers,
  ofNaturals,
];
const equality: readonly Case[] = [...comparison, { operands: all(bools, bools), element: "bool" }];
const rounding: readonly Case[] = [{ operands: [halves] }, { operands: [wide] }];

const cases: { readonly [Name in ElementwiseName]: readonly Case[] } = {
  neg: [{ operands: [wide] }, { operands: [integers], element: "i32" }],
  abs: [{ operands: [wide] }, { operands: [integers], element: "i32" }, { operands: [naturals], element: "u32" }],
  sign: [{ operands: [[...wide, 0, -0, 1, -1]] }, { operands: [integers], element: "i32" }],
  sqrt: [{ operands: [powers(1e-35, 1e35)] }, { operands: [[0, 1, 4, 9]] }],
  rsqrt: [{ operands: [powers(1e-35, 1e35)] }],
  reciprocal: [{ operands: [bothSigns(powers(1e-35, 1e35))] }],
  exp: [{ operands: [line(-85, 85)] }, { operands: [line(-1, 1)] }],
  exp2: [{ operands: [line(-120, 120)] }, { operands: [line(-1, 1)] }],
  log: [{ operands: [line(0.5, 2)] }, { operands: [[...powers(1e-35, 0.5), ...powers(2, 1e35)]] }],
  log2: [{ operands: [line(0.5, 2)] }, { operands: [[...powers(1e-35, 0.5), ...powers(2, 1e35)]] }],
  log1p: [
    { operands: [bothSigns(powers(1e-30, 0.29))] },
    { operands: [line(-0.99, 3)] },
    { operands: [powers(1, 1e35)] },
  ],
  expm1: [{ operands: [bothSigns(powers(1e-30, 0.499))] }, { operands: [line(-2, 2)] }, { operands: [line(-80, 80)] }],
  pow2_scale: [{ operands: [wide] }, { operands: [bothSigns(powers(1e-37, 3e38))] }],
  sin: [{ operands: [line(-10, 10)] }, { operands: [line(-1e4, 1e4)] }, { operands: [tiny] }],
  cos: [{ operands: [line(-10, 10)] }, { operands: [line(-1e4, 1e4)] }],
  tan: [{ operands: [line(-1.5, 1.5)] }, { operands: [tiny] }],
  tanh: [
    { operands: [line(-12, 12)] },
    { operands: [tiny] },
    { operands: [[...bothSigns([50, 1e3, 1e30, 3e38]), 0, -0, 1, 2]] },
  ],
  erf: [{ operands: [line(-6, 6)] }, { operands: [tiny] }, { operands: [[...bothSigns([10, 1e3, 1e15]), 0, -0]] }],
  sigmoid: [{ operands: [line(-80, 80)] }, { operands: [line(-4, 4)] }],
  square: [{ operands: [line(-1e4, 1e4)] }, { operands: [integers], element: "i32" }],
  relu: [{ operands: [wide] }, { operands: [integers], element: "i32" }],
  gelu: (["none", "tanh"] as const).flatMap((approximate) => [
    { operands: [line(-10, 10)], attributes: { approximate } },
    { operands: [tiny], attributes: { approximate } },
    { operands: [line(100, 1000)], attributes: { approximate } },
  ]),
  silu: [{ operands: [line(-80, 80)] }, { operands: [line(-4, 4)] }],
  softplus: [{ operands: [line(-80, 80)] }, { operands: [line(-1, 5)] }],
  elu: [{ operands: [line(-20, 20)], attributes: { alpha: 1.5 } }],
  leaky_relu: [{ operands: [wide], attributes: { alpha: 0.25 } }],
  hardswish: [{ operands: [line(-8, 8)] }],
  floor: rounding,
  ceil: rounding,
  round: rounding,
  trunc: rounding,
  stop_gradient: [{ operands: [wide] }],
  not: [{ operands: [[0, 1, 1, 0]], element: "bool" }],
  random_bits: [
    {
      operands: [
        [0, 1, 2 ** 32 - 1, 9],
        [0, 0, 2 ** 32 - 1, 7],
        [0, 3, 2 ** 32 - 1, 5],
      ],
      element: "u32",
    },
  ],
  cast: [
    { operands: [[-1e30, -3.7, -0.5, 0, 0.5, 3.7, 2 ** 31, 1e30]], attributes: { to: "i32" } },
    { operands: [[-1e30, -3.7, -0.5, 0, 0.5, 3.7, 2 ** 32, 1e30]], attributes: { to: "u32" } },
    { operands: [[-1, -0, 0, 1e-30]], attributes: { to: "bool" } },
    { operands: [line(-70, 70)], attributes: { to: "f16" } },
    { operands: [bothSigns(powers(1e-9, 1e6))], attributes: { to: "f16" } },
    {
      operands: [[0, 1 + 2 ** -11, 1 + 3 * 2 ** -11, 65519, 65520, 1e30, Infinity, 2 ** -25]],
      attributes: { to: "f16" },
    },
    { operands: [integers], element: "i32", attributes: { to: "f16" } },
    { operands: [bothSigns(powers(1e-9, 1e6))], attributes: { to: "bf16" } },
    {
      operands: [[0, 1 + 2 ** -8, 1 + 3 * 2 ** -8, 3.3961775e38, 1e30, Infinity, 2 ** -126, -1]],
      attributes: { to: "bf16" },
    },
    ...(["f8e4m3", "f8e5m2"] as const).flatMap((to) => [
      { operands: [bothSigns(powers(1e-9, 1e6))], attributes: { to } },
      {
        operands: [
          bothSigns([0, 2 ** -17, 2 ** -10, 3 * 2 ** -10, 1.0625, 1.1875, 440, 464, 1e30, Infinity, Number.NaN]),
        ],
        attributes: { to },
      },
    ]),
    { operands: [[-1e30, -129, -128, -0.5, 0.5, 127.5, 128, 1e30]], attributes: { to: "i8" } },
    { operands: [[-1e30, -1, 0, 0.5, 255, 255.5, 256, 1e30]], attributes: { to: "u8" } },
    {
      operands: [integers.filter((x) => x > -(2 ** 24) && x < 2 ** 24).slice(0, 8)],
      element: "i32",
      attributes: { to: "f32" },
    },
    { operands: [integers], element: "i32", attributes: { to: "bool" } },
    { operands: [integers], element: "i32", attributes: { to: "u32" } },
    { operands: [naturals], element: "u32", attributes: { to: "i32" } },
    { operands: [bools.concat(bools)], element: "bool", attributes: { to: "f32" } },
    { operands: [bools.concat(bools)], element: "bool", attributes: { to: "i32" } },
  ],
  add: [{ operands: pairs(line(-9, 9), wide) }, ofIntegers, ofNaturals],
  sub: [{ operands: pairs(line(-9, 9), wide) }, ofIntegers, ofNaturals],
  mul: [{ operands: pairs(line(-9, 9), wide) }, ofIntegers, ofNaturals],
  div: [{ operands: pairs(line(-9, 9), wide) }, ofIntegers, ofNaturals],
  rem: [
    { operands: all(line(-24, 24, 48 + 1), [-7, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 7]) },
    { operands: pairs(line(-1e6, 1e6), [3, -3, 0.5, 7.25]) },
    { operands: all([1, -1, 1e-3, 0], [1e30, -1e30, 3, 1e3]) },
    ofIntegers,
    ofNaturals,
  ],
  pow: [
    { operands: pairs(powers(1e-3, 1e3), line(-3, 3)) },
    { operands: all(line(-4, 4, 16), [2, 3, -1, -2, 4, 5, 0, 1]) },
    {
      operands: all([0, 1], [-2, -0.5, 0, 0.1, 1, 2.5]),
    },
    {
      operands: [
        [-1, -2, -0.5, -8],
        [0.5, 1.5, -2.5, 1 / 3],
      ],
    },
  ],
  minimum: [{ operands: pairs(wide, line(-9, 9)) }, ofIntegers, ofNaturals],
  maximum: [{ operands: pairs(wide, line(-9, 9)) }, ofIntegers, ofNaturals],
  atan2: [
    { operands: pairs(line(-5, 5), line(-7, 7)) },
    { operands: pairs(bothSigns(powers(1e-10, 1e10)), bothSigns(powers(1e-10, 1e10))) },
    { operands: all([-2, -0, 0, 2], [-2, -0, 0, 2]) },
    { operands: all([-Infinity, -1, 1, Infinity], [-Infinity, -1, 1, Infinity]) },
  ],
  eq: equality,
  ne: equality,
  lt: comparison,
  le: comparison,
  gt: comparison,
  ge: comparison,
  and: [{ operands: all(bools, bools), element: "bool" }],
  or: [{ operands: all(bools, bools), element: "bool" }],
  where: [
    {
      operands: [
        [0, 1, 0, 1],
        [1, 2, 3, 4],
        [5, 6, 7, 8],
      ],
    },
    {
      operands: [
        [0, 1, 0, 1],
        [0, 0, 1, 1],
        [1, 1, 0, 0],
      ],
      element: "bool",
    },
    {
      operands: [
        [0, 1, 0, 1],
        [1, 2, 3, -4],
        [5, -6, 7, 8],
      ],
      element: "i32",
    },
  ],
  clamp: [
    {
      operands: [
        [-5, 0.5, 5, 2],
        [-1, -1, -1, 3],
        [1, 1, 1, 1],
      ],
    },
    {
      operands: [
        [-5, 0, 5, 2],
        [-1, -1, -1, 3],
        [1, 1, 1, 1],
      ],
      element: "i32",
    },
  ],
  fma: [{ operands: [...pairs(line(-5, 5), line(-3, 3)), line(-1, 1)] }],
};

function rounded(values: readonly number[], element: Computed): number[] {
  return element === "f32" ? values.map(Math.fround) : [...values];
}

function wrapped(value: number, element: string): number {
  if (element === "i32") return value | 0;
  if (element === "u32") return value >>> 0;
  return value;
}

/** Repeats the last element up to a multiple of four. */
function padded(values: readonly number[]): number[] {
  const missing = (4 - (values.length % 4)) % 4;
  return [...values, ...new Array<number>(missing).fill(values.at(-1) as number)];
}

const names = Object.keys(cases) as ElementwiseName[];

describe("on the device", () => {
  test.for(names.flatMap((name) => [1, 4].map((width) => [name, width] as const)))(
    "%s, %i at a time",
    async ([name, width], { gpu }) => {
      const def = ops[name] as ElementwiseDef;
      for (const { operands: given, element = "f32", attributes: some = {} } of cases[name]) {
        const attributes = completeAttributes(def, some);
        const operands = given.map((values) => padded(rounded(values, element)));
        const evaluation = { name, element, attributes, operands, width: width as 1 | 4 };
        const got = await evaluateOn(gpu.device, evaluation);
        const out = resultElement(evaluation);
        const wrong = [...got].flatMap((value, i) => {
          const [a = 0, b = 0, c = 0] = operands.map((values) => values[i] as number);
          const exact = wrapped(def.scalar(a, b, c, { element, attributes }), out);
          const error = Math.abs(value - exact);
          const same = value === exact || (Number.isNaN(value) && Number.isNaN(exact));
          const allowed = element === "f32" ? def.numerics.error.allowed(exact, [a, b, c]) : 0;
          // What is subnormal may be lost.
          if (same || error <= allowed + (allowed > 0 ? 2 ** -126 : 0)) return [];
          return [`${name}(${[a, b, c].slice(0, operands.length).join(", ")}) is ${exact}, got ${value}`];
        });
        expect(wrong.slice(0, 5), JSON.stringify({ element, attributes })).toEqual([]);
      }
    },
  );

  test.for([
    ["tanh", [Infinity, -Infinity], [1, -1]],
    ["erf", [Infinity, -Infinity], [1, -1]],
    ["exp", [Infinity, -Infinity, 100, -200], [Infinity, 0, Infinity, 0]],
    ["expm1", [Infinity, -Infinity, 100, -200], [Infinity, -1, Infinity, -1]],
    ["log1p", [Infinity], [Infinity]],
    ["sigmoid", [Infinity, -Infinity, -1e30], [1, 0, 0]],
    ["silu", [Infinity, -200, -1e30], [Infinity, -0, -0]],
    ["softplus", [Infinity, -Infinity, 1e30], [Infinity, 0, Math.fround(1e30)]],
    ["elu", [Infinity, -Infinity], [Infinity, -1]],
    ["gelu", [Infinity, -1e15, 1e15], [Infinity, -0, Math.fround(1e15)]],
  ] as const)("the limits of %s", async ([name, inputs, limits], { gpu }) => {
    const attributes = completeAttributes(ops[name] as ElementwiseDef, {});
    const operands = [padded(inputs)];
    const got = await evaluateOn(gpu.device, { name, element: "f32", attributes, operands, width: 1 });
    expect([...got].slice(0, limits.length).map((x) => x + 0)).toEqual(limits.map((x) => x + 0));
  });
});

test("gelu below 0 is right in its own digits, where 1 + erf would cancel", async ({ gpu }) => {
  const def = ops.gelu as ElementwiseDef;
  const attributes = completeAttributes(def, {});
  const operands = [line(-5, -0.01).map(Math.fround)];
  const got = await evaluateOn(gpu.device, { name: "gelu", element: "f32", attributes, operands, width: 4 });
  const exact = (operands[0] as number[]).map((x) => def.scalar(x, 0, 0, { element: "f32", attributes }));
  const relative = [...got].map((value, i) => Math.abs(value / (exact[i] as number) - 1));
  expect(Math.max(...relative)).toBeLessThan(1e-5);
});

plainTest.runIf(hasTint).each(names)("the WGSL of %s is valid, for one and for four", async (name) => {
  for (const { operands, element = "f32", attributes: some = {} } of cases[name]) {
    const attributes = completeAttributes(ops[name] as ElementwiseDef, some);
    for (const width of [1, 4] as const) {
      const { wgsl } = elementwiseKernel({ name, element, attributes, operands: operands.map(padded), width });
      expect(await validateWgsl(wgsl), wgsl).toEqual([]);
    }
  }
});

plainTest("no local of a kernel hides a function of the library", () => {
  expect(libraryNames).toEqual(expect.arrayContaining(["erf", "erf_v4", "sin_quarter_v4", "pow_", "nan"]));
  expect(libraryNames.filter((name) => new Names().define(name) === name)).toEqual([]);
});

plainTest("every function of the library is one that an op calls", () => {
  const text = names
    .flatMap((name) => cases[name].map((one) => ({ name, one })))
    .map(({ name, one: { operands, element = "f32", attributes = {} } }) => {
      const complet = completeAttributes(ops[name] as ElementwiseDef, attributes);
      return elementwiseKernel({ name, element, attributes: complet, operands, width: 1 }).wgsl;
    })
    .join("\n");
  const unused = (Object.keys(wgslFunctions) as WgslFunction[]).filter((name) => !text.includes(`fn ${name}`));
  // Stores call the first, and `x - x` the second.
  expect(unused).toEqual(["f16_bits", "less_itself"]);
});

plainTest("the polynomials are those that scripts/fit-polynomials.mjs prints", () => {
  const { status, stdout } = runNode(["scripts/fit-polynomials.mjs"]);
  expect(status).toBe(0);
  const printed = stdout.matchAll(/^(\w+): (\S+) .*\n {2}(.*)$/gm);
  const found = [...printed].map(([, name, error, list]) => [
    name as string,
    Number(error),
    list?.split(", ").map(Number),
  ]);
  expect(Object.fromEntries(found.map(([name, , list]) => [name, list]))).toEqual(polynomials);
  // `tanh` is a quotient of two polynomials, so it rounds more often.
  for (const [name, error] of found) {
    expect(error, String(name)).toBeLessThan(name === "tanhCoefficients" ? 4e-7 : 2e-7);
  }
});
