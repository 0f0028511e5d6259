/** Whether a backward is the transpose of its forward's Jacobian, in exact arithmetic: <d_y, J v> = <J' d_y, v>. */

import { type FunctionGradient, type GradientOptions, gradient } from "../../src/driver/gradient.ts";
import { fieldPairs } from "../../src/ir/field/prime.ts";
import type { Module } from "../../src/ir/ir.ts";
import { randomNumbers } from "../../src/ir/random.ts";
import { Tangents } from "./dual.ts";

type Dims = Readonly<Record<string, number>>;

/** Both sides at a point, mod a prime near 2^30. */
interface Sides {
  readonly left: number;
  readonly right: number;
  /** Whether r^2 = 1 / u holds for each root r = 1 / sqrt(u) there: closed forms of short rows say so. */
  readonly hasAllRoots: boolean;
  readonly isDecided: boolean;
}

/** @param functions as `gradient` makes them. */
function bothSides(
  { forward, backward }: Pick<FunctionGradient, "forward" | "backward">,
  consts: Module["consts"],
  dims: Dims,
  seed: number,
): Sides {
  const pair = fieldPairs[seed % fieldPairs.length] as (typeof fieldPairs)[number];
  const { p } = pair;
  const tangents = new Tangents({ pair, seed, dims });
  const there = tangents.evaluator.run(backward, consts);
  const next = randomNumbers(seed);
  const gradients = new Map(backward.results.map(({ name, value }) => [name, there.get(value)?.p as Float64Array]));
  const gradientOf = (name: string | undefined) => gradients.get(`d_${name}`);
  const directions = new Map(
    forward.params.flatMap((param) => {
      const of = gradientOf(param.name);
      return of === undefined ? [] : [[param, of.map(() => Math.floor(next() * p.modulus))] as const];
    }),
  );
  const values = tangents.run(forward, consts, directions);
  const cotangents = new Map(backward.params.map((param) => [param.name, there.get(param)?.p as Float64Array]));
  const products = (pairs: readonly (readonly [Float64Array | undefined, Float64Array | undefined])[]) =>
    pairs.reduce((sum, [a, b]) => (a && b ? p.add(sum, tangents.inner(a, b)) : sum), 0);
  return {
    left: products(forward.results.map(({ name, value }) => [cotangents.get(`d_${name}`), values.get(value)?.d])),
    right: products([...directions].map(([param, direction]) => [gradientOf(param.name), direction])),
    hasAllRoots: tangents.hasAllRoots,
    isDecided: tangents.isDecided,
  };
}

/** How many points are tried for one at which all roots are those of squares. */
const mostPoints = 300;

/**
 * Whether the two sides are the same for each function of a module; at points where roots are roots if not at others. They
 * may differ at a point by chance, where a divisor is 0 there, but not at two.
 * @returns nothing where the field does not decide it.
 */
export function isTransposed(module: Module, dims: Dims, seed: number, options?: GradientOptions): boolean | undefined {
  const { functions, module: made } = gradient(module, options);
  const single = Object.fromEntries(Object.keys(dims).map((name) => [name, 1]));
  const verdicts = functions.map((of) => {
    const at = (extents: Dims, point: number) => bothSides(of, made.consts, extents, point);
    const first = at(dims, seed);
    const isSame = ({ left, right }: Sides) => left === right;
    if (isSame(first) || isSame(at(dims, seed + 1))) return true;
    if (!first.isDecided) return undefined;
    if (first.hasAllRoots) return false;
    const rooted = Array.from({ length: mostPoints }, (_, i) => i).find((i) => at(single, seed + i).hasAllRoots);
    return rooted === undefined ? undefined : isSame(at(single, seed + rooted));
  });
  return verdicts.includes(false) ? false : verdicts.includes(undefined) ? undefined : true;
}
