/** Fills for inputs that are not read from a file: constants and random numbers. */

import { isBeyond, roundTo } from "../ir/float16.ts";
import { normal, randomNumbers } from "../ir/random.ts";
import { type ElementType, holds, isFloat } from "../ir/types.ts";

export type Fill = "randn" | "rand" | "zeros" | "ones" | number | Distribution;

interface Distribution {
  readonly name: "uniform" | "normal";
  /** `uniform`: the lower bound and the exclusive upper bound. `normal`: the mean and the standard deviation. */
  readonly of: readonly [number, number];
}

const words = ["randn", "rand", "zeros", "ones"] as const;
/** The syntax of fills, for usage lines and help. */
export const fillForms = [...words, "NUMBER", "uniform(LOW, HIGH)", "normal(MEAN, DEVIATION)"] as const;

const special: Readonly<Record<string, number>> = { inf: Infinity, "+inf": Infinity, "-inf": -Infinity, nan: NaN };

function readNumber(text: string): number | undefined {
  if (Object.hasOwn(special, text)) return special[text];
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : undefined;
}

/** Parses a fill. Returns what is wrong with it, or `undefined` if the text does not look like a fill. */
export function parseFill(text: string): Fill | { readonly wrong: string } | undefined {
  const word = words.find((known) => known === text) ?? readNumber(text);
  const isOverflow = typeof word === "number" && Math.abs(word) === Infinity && !Object.hasOwn(special, text);
  if (isOverflow) return { wrong: "it is beyond the largest number; `inf` is infinity" };
  if (word !== undefined) return word;
  const call = /^([a-z]+) *\(([^()]*)\)$/i.exec(text);
  if (call === null) return undefined;
  const [, name, args = ""] = call;
  if (name !== "uniform" && name !== "normal") return { wrong: `there is no \`${name}(...)\`` };
  const numbers = args.split(",").map((arg) => readNumber(arg.trim()) ?? Number.NaN);
  const [first, second] = numbers;
  if (numbers.length !== 2 || !numbers.every(Number.isFinite)) return { wrong: `\`${name}\` takes two finite numbers` };
  const of = [first as number, second as number] as const;
  if (name === "uniform" && !(of[0] < of[1])) return { wrong: "its lower bound must be less than its upper bound" };
  if (of[1] < 0 && name === "normal") return { wrong: "its standard deviation must not be negative" };
  return { name, of };
}

/** In the syntax of `--in NAME=FILL`. */
export const printFill = (fill: Fill) =>
  typeof fill === "object" ? `${fill.name}(${fill.of.join(", ")})` : String(fill);

const usualFloats = { randn: { name: "normal", of: [0, 1] }, rand: { name: "uniform", of: [0, 1] } } as const;

/** The distributions of `randn` and `rand` for each element type; integers and booleans are uniform. */
const usual: { readonly [E in ElementType]: { readonly [Word in "randn" | "rand"]: Distribution } } = {
  ...{ f32: usualFloats, f16: usualFloats, bf16: usualFloats, f8e4m3: usualFloats, f8e5m2: usualFloats },
  i32: { randn: { name: "uniform", of: [-10, 11] }, rand: { name: "uniform", of: [0, 21] } },
  u32: { randn: { name: "uniform", of: [0, 21] }, rand: { name: "uniform", of: [0, 21] } },
  i8: { randn: { name: "uniform", of: [-128, 128] }, rand: { name: "uniform", of: [0, 128] } },
  u8: { randn: { name: "uniform", of: [0, 256] }, rand: { name: "uniform", of: [0, 256] } },
  bool: { randn: { name: "uniform", of: [0, 2] }, rand: { name: "uniform", of: [0, 2] } },
};

/** A generator of numbers; `undefined` if the element type cannot represent them. */
export function numbersOf(element: ElementType, fill: Fill, seed: number): (() => number) | undefined {
  if (typeof fill !== "object" && fill !== "randn" && fill !== "rand") {
    const number = fill === "zeros" ? 0 : fill === "ones" ? 1 : fill;
    return holds(element, number) ? () => number : undefined;
  }
  const { name, of } = typeof fill === "object" ? fill : usual[element][fill];
  const next = randomNumbers(seed);
  if (isFloat(element)) {
    const [first, second] = of;
    if (of.some((bound) => isBeyond(element, bound))) return undefined;
    if (name === "normal") return () => first + second * normal(next);
    // The upper bound is exclusive: a number that rounds up to it becomes the lower bound.
    return () => {
      const number = first + next() * (second - first);
      return roundTo[element](number) < second ? number : first;
    };
  }
  const [least, end] = [Math.ceil(of[0]), Math.ceil(of[1])];
  if (name === "normal" || !(least < end) || !holds(element, least) || !holds(element, end - 1)) return undefined;
  return () => least + Math.floor(next() * (end - least));
}
