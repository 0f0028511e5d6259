/**
 * The column `numerics` of the op table, which docs/language.md prints: every bound over all binades and corners, and
 * every special result, in the interpreter and on both drivers.
 */

import { describe, expect, test } from "vitest";
import { grouped } from "../../src/ir/groups.ts";
import type { Attributes } from "../../src/ir/ir.ts";
import type { ElementwiseDef } from "../../src/ir/ops/def.ts";
import { type ElementwiseName, opNames, ops } from "../../src/ir/ops/index.ts";
import { isElementType } from "../../src/ir/types.ts";
import { completeAttributes, evaluateOn } from "../support/elementwise-kernel.ts";
import { driverTest } from "../support/gpu.ts";
import { random } from "../support/oracle.ts";

const rows = opNames.flatMap((name) => {
  const def = ops[name];
  return def.kind === "elementwise" ? [{ name: name as ElementwiseName, def }] : [];
});

const floats = new Float32Array(1);
const words = new Uint32Array(floats.buffer);
const fromBits = (bits: number) => {
  words[0] = bits;
  return floats[0] as number;
};
/** The f32 some steps above. */
function stepped(x: number, steps: number): number {
  floats[0] = x;
  words[0] = (words[0] as number) + steps;
  return floats[0] as number;
}

const smallest = 2 ** -126;
const largest = fromBits(0x7f7fffff);
const isSubnormal = (x: number) => x !== 0 && Math.abs(x) < smallest;
const range = (count: number) => Array.from({ length: count }, (_, i) => i);
const bothSigns = (values: readonly number[]) => values.flatMap((x) => [x, -x]);
const specials = bothSigns([0, Infinity, 1e-40, fromBits(1), fromBits(0x7fffff)].map(Math.fround)).concat(NaN);

const next = random(11);
/** Numbers of every exponent; next to multiples of pi / 4, to 1, to halves, and to where exp overflows and vanishes. */
const sweep = bothSigns([
  ...range(254).flatMap((e) => {
    const mantissas = [0, 1, 0x3fffff, 0x400000, 0x7fffff, ...range(6).map(() => Math.floor(next() * 2 ** 23))];
    return mantissas.map((m) => fromBits(((e + 1) << 23) | m));
  }),
  ...range(160).flatMap((k) => [-1, 0, 1].map((step) => stepped(((k + 1) * Math.PI) / 4, step))),
  ...range(64).map((k) => stepped(1, k - 32)),
  ...range(48).flatMap((k) => [k / 2, k + 0.25]),
  ...[87.3, 88, 88.72, 88.73, 103, 104, 126, 127.9, 128, 149, 150].map(Math.fround),
]).concat(specials);

const corners = bothSigns(
  [1, 2, 3, 0.5, 7, 0.1, 1e-3, 1e9, 1e-9, 1e20, 1e-20, 3e38, 1.2e-38, 100, 16777217, 65535.5, 12345.678].map(
    Math.fround,
  ),
).concat(stepped(1, 1), stepped(1, -1), stepped(Math.PI, 0), largest, -largest, smallest, specials);

function operandsOf(count: number): number[][] {
  if (count === 1) return [sweep];
  const thirds = count === 3 ? [1, -2.5, 1e-20, 0, NaN, Infinity] : [0];
  const all = corners.flatMap((a) => corners.flatMap((b) => thirds.map((c) => [a, b, c])));
  const more = count === 2 ? range(1500).map(() => [pick(), pick(), 0]) : [];
  return range(count).map((i) => [...all, ...more].map((one) => one[i] as number));
}
const pick = () => sweep[Math.floor(next() * sweep.length)] as number;

/** What an operand may be taken for: a device may make 0 of a subnormal, or something up to the smallest normal number. */
const readings = (x: number) => (isSubnormal(x) ? [x, Math.sign(x) * 0, Math.sign(x) * smallest] : [x]);

/** Why a result is wrong; `undefined` if it is not. */
function problem(def: ElementwiseDef, attributes: Attributes, args: readonly number[], got: number) {
  const [as, bs, cs] = [0, 1, 2].map((i) => readings(args[i] ?? 0)) as [number[], number[], number[]];
  const ways = as.flatMap((a) => bs.flatMap((b) => cs.map((c) => [a, b, c] as const)));
  const wanted = ways.map((way) => def.scalar(...way, { element: "f32", attributes }));
  const fits = wanted.some((want, i) => {
    if (Number.isNaN(want) || Number.isNaN(got)) return Number.isNaN(want) && Number.isNaN(got);
    if (want === got || Math.fround(want) === got) return true;
    const bound = def.numerics.error.allowed(want, ways[i] as readonly number[]);
    // What lies below the normal numbers may be lost, also on the way.
    const lost = Math.abs(want) < smallest * 128 && (want !== 0 || ways.length > 1) ? smallest * 128 : 0;
    if (Math.abs(got) === Infinity) return Math.sign(got) * want + bound > largest;
    return Math.abs(got - want) <= bound + lost;
  });
  const numbers = wanted.filter((want) => !Number.isNaN(want));
  const isBetween = ways.length > 1 && got >= Math.min(...numbers) && got <= Math.max(...numbers);
  return fits || isBetween ? undefined : `(${args.map(shown)}) is ${shown(wanted[0] as number)}, not ${shown(got)}`;
}

const shown = (x: number) => (Object.is(x, -0) ? "-0" : String(x));

const takesFloats = (def: ElementwiseDef) => def.elements.includes("f32");
const takesNumbersOnly = (def: ElementwiseDef) => def.operands.every(({ element }) => element === undefined);

/** As many as a multiple of four, by repeating the last. */
const padded = (values: readonly number[]) => [
  ...values,
  ...range((4 - (values.length % 4)) % 4).map(() => values.at(-1) as number),
];

const swept = rows.filter(({ name, def }) => takesFloats(def) && takesNumbersOnly(def) && name !== "cast");

/**
 * What WGSL leaves open and graphics cards make use of, seen on an H200: a compiler may assume that there is no NaN, and a
 * divisor beyond 2^126 may have 0 for its inverse.
 */
const mayDiffer = (name: string, args: readonly number[]) =>
  (name === "relu" && args.some(Number.isNaN)) ||
  (["div", "atan2"].includes(name) && args.some((x) => Math.abs(x) > 2 ** 126));

describe("the bound of", () => {
  for (const { name, def } of swept) {
    const choices: Attributes[] = name === "gelu" ? [{ approximate: "none" }, { approximate: "tanh" }] : [{}];
    driverTest(name, async (gpu, driver) => {
      for (const some of choices) {
        const attributes = completeAttributes(def, some);
        const operands = operandsOf(def.operands.length).map(padded);
        const got = await evaluateOn(gpu.device, { name, element: "f32", attributes, operands, width: 4 });
        const wrong = [...got].flatMap((value, i) => {
          const args = operands.map((list) => list[i] as number);
          // A product that f32 cannot hold is an infinity before the sum, where the device does not fuse them.
          if (name === "fma" && Math.abs((args[0] as number) * (args[1] as number)) > largest) return [];
          if (driver === "hardware" && mayDiffer(name, args)) return [];
          return problem(def, attributes, args, value) ?? [];
        });
        expect(wrong.slice(0, 5), `${wrong.length} of ${got.length}`).toEqual([]);
      }
    });
  }
});

interface Equation {
  readonly text: string;
  readonly args: readonly number[];
  readonly attributes: Attributes;
  readonly result: string;
  /** The values of `x`. */
  readonly x: number;
}

const named: Readonly<Record<string, number>> = { nan: NaN, inf: Infinity, "-inf": -Infinity, true: 1, false: 0 };
function numberOf(token: string, x: number): number {
  const [base, exponent] = token.split("^");
  if (exponent !== undefined) return Number(base) ** Number(exponent);
  return token === "x" ? x : (named[token] ?? Number(token));
}

/** The equations of a row, with each `x` as a positive and a negative number. */
function equationsOf({ special }: ElementwiseDef["numerics"]): Equation[] {
  const texts =
    typeof special === "string"
      ? special.split(" ").map((result, i) => `${["nan", "inf", "-inf", "-0"][i]}: ${result}`)
      : special;
  return texts.flatMap((text) => {
    const [left = "", result = ""] = text.split(": ");
    const tokens = left.split(", ");
    const to = tokens.find(isElementType);
    return [1.5, -2.5].map((x) => ({
      text,
      args: tokens.filter((token) => token !== to).map((token) => numberOf(token, x)),
      attributes: to === undefined ? {} : { to },
      result,
      x,
    }));
  });
}

function holds({ result, x }: Equation, got: number): boolean {
  if (result === "±0") return got === 0;
  const want = numberOf(result, x);
  const isWritten = Object.is(got, want) || Math.abs(got - want) <= 1e-6 * Math.abs(want);
  return isWritten && (want !== 0 || Object.is(got, want));
}

test.each(rows)("the special results of $name, in the interpreter", ({ def }) => {
  for (const equation of equationsOf(def.numerics)) {
    const [a = 0, b = 0, c = 0] = equation.args;
    const attributes = completeAttributes(def, equation.attributes);
    const got = def.scalar(a, b, c, { element: "f32", attributes });
    expect(holds(equation, got), `${equation.text}, got ${shown(got)}`).toBe(true);
  }
});

describe("the special results of", () => {
  for (const { name, def } of rows.filter((row) => equationsOf(row.def.numerics).length > 0)) {
    driverTest(name, async (gpu, driver) => {
      const byType = grouped(equationsOf(def.numerics), ({ attributes }) => attributes.to);
      for (const equations of byType.values()) {
        const attributes = completeAttributes(def, (equations[0] as Equation).attributes);
        const operands = range(def.operands.length).map((i) => padded(equations.map(({ args }) => args[i] as number)));
        for (const width of [1, 4] as const) {
          const got = await evaluateOn(gpu.device, { name, element: "f32", attributes, operands, width });
          const wrong = equations.flatMap((equation, i) =>
            holds(equation, got[i] as number) || (driver === "hardware" && mayDiffer(name, equation.args))
              ? []
              : [`${equation.text}, got ${shown(got[i] as number)}`],
          );
          expect(wrong).toEqual([]);
        }
      }
    });
  }
});
