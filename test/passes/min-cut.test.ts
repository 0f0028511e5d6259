/** The cheapest assignment under implications: against all assignments of small problems, and its work on large ones. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Choices } from "../../passes/min-cut.ts";
import { random } from "../support/oracle.ts";

interface Problem {
  readonly variables: number;
  /** Numbers of variables; 0 and 1 are true and false. A cost of 0 marks a constraint. */
  readonly implications: readonly (readonly [from: number, to: number, cost: number])[];
}

function solved({ variables, implications }: Problem) {
  const choices = new Choices();
  for (let i = 0; i < variables; i++) choices.add();
  for (const [a, b, cost] of implications) {
    if (cost === 0) choices.imply(a, b);
    else choices.imply(a, b, cost);
  }
  const isTrue = choices.solve();
  return { values: Array.from({ length: variables + 2 }, (_, v) => isTrue(v)), work: choices.work };
}

/** All assignments, one by one: the least cost, and the fewest true variables at that cost. */
function exhaustive({ variables, implications }: Problem) {
  let best: { cost: number; count: number; values: readonly boolean[]; ties: number } | undefined;
  for (let bits = 0; bits < 2 ** variables; bits++) {
    const values = [true, false, ...Array.from({ length: variables }, (_, i) => ((bits >> i) & 1) === 1)];
    let cost = 0;
    for (const [a, b, price] of implications) {
      if (values[a] === true && values[b] === false) cost += price === 0 ? Infinity : price;
    }
    const count = values.filter((value) => value).length;
    if (cost === Infinity || (best !== undefined && cost > best.cost)) continue;
    if (best === undefined || cost < best.cost || count < best.count) best = { cost, count, values, ties: 1 };
    else if (count === best.count) best.ties++;
  }
  return best;
}

const problems: fc.Arbitrary<Problem> = fc.integer({ min: 1, max: 9 }).chain((variables) => {
  const variable = fc.integer({ min: 0, max: variables + 1 });
  const cost = fc.oneof({ weight: 3, arbitrary: fc.constant(1) }, fc.constant(0), fc.integer({ min: 0, max: 4 }));
  return fc.record({
    variables: fc.constant(variables),
    implications: fc.array(fc.tuple(variable, variable, cost), { maxLength: 4 * variables }),
  });
});

test("the cheapest of all assignments, and of these the one with the fewest true variables", () => {
  const kinds = new Map<string, number>();
  fc.assert(
    fc.property(problems, (problem) => {
      const wanted = exhaustive(problem);
      if (wanted === undefined) {
        expect(() => solved(problem)).toThrow("no assignment satisfies");
        kinds.set("none", (kinds.get("none") ?? 0) + 1);
        return;
      }
      expect(wanted.ties).toBe(1);
      expect(solved(problem).values).toEqual(wanted.values);
      const kind = wanted.cost === 0 ? "free" : wanted.cost === 1 ? "one" : "more";
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    }),
    { numRuns: 6000, seed: 7 },
  );
  for (const kind of ["none", "free", "one", "more"]) expect(kinds.get(kind) ?? 0, kind).toBeGreaterThan(200);
});

/**
 * A stream of n sums h[i + 1] = h[i] + f[i], as the planning of centerings sees it: two variables for each value, that
 * its centered rows are read, and that they are computed in its place.
 */
function stream(n: number, at: (i: number) => { norm: boolean; costs: boolean; leaves?: boolean }): Problem {
  const [yes, no] = [0, 1];
  let count = 2;
  const variable = () => count++;
  const implications: [number, number, number][] = [];
  let before: { read: number; inPlace: number } | undefined;
  for (let i = 0; i < n; i++) {
    const { norm, costs, leaves } = at(i);
    const now = { read: variable(), inPlace: variable() };
    implications.push([now.read, now.inPlace, 1]);
    if (norm) implications.push([yes, now.read, 0]);
    if (leaves) implications.push([now.inPlace, no, 0]);
    if (costs) {
      const branch = { read: variable(), inPlace: variable() };
      implications.push([now.inPlace, branch.read, 0], [branch.read, branch.inPlace, 1], [branch.inPlace, no, 0]);
    }
    if (before !== undefined) implications.push([now.inPlace, before.read, 0], [before.inPlace, now.inPlace, 0]);
    before = now;
  }
  return { variables: count - 2, implications };
}

const next = random(11);
const streams: Readonly<Record<string, (n: number) => Problem>> = {
  "norms all along, returned": (n) => stream(n, (i) => ({ norm: true, costs: true, leaves: i === n - 1 })),
  "norms all along, in place": (n) => stream(n, () => ({ norm: true, costs: false })),
  "norms all along, every branch costs": (n) => stream(n, () => ({ norm: true, costs: true })),
  "norms first, costs last": (n) => stream(n, (i) => ({ norm: i < n / 2, costs: i >= n / 2 })),
  "costs first, norms last": (n) => stream(n, (i) => ({ norm: i >= n / 2, costs: i < n / 2 })),
  "norms first, more costs last": (n) => stream(n, (i) => ({ norm: i < n / 3, costs: i >= n / 3 })),
  "norms and costs in turn": (n) => stream(n, (i) => ({ norm: i % 2 === 0, costs: i % 2 === 1 })),
  "norms and costs in runs of growing length": (n) =>
    stream(n, (i) => ({ norm: Math.floor(Math.sqrt(i)) % 2 === 0, costs: Math.floor(Math.sqrt(i)) % 2 === 1 })),
  "norms and costs in runs of doubling length": (n) =>
    stream(n, (i) => ({ norm: Math.floor(Math.log2(i + 1)) % 2 === 0, costs: Math.floor(Math.log2(i + 1)) % 2 === 1 })),
  "norms and costs by chance": (n) => stream(n, () => ({ norm: next() < 0.5, costs: next() < 0.5 })),
  "few costs": (n) => stream(n, (i) => ({ norm: true, costs: i > n - Math.sqrt(n) })),
};

describe("the work grows as the problem does", () => {
  test.each(Object.entries(streams))("%s", (_, make) => {
    const [small, large] = [make(2000), make(32_000)];
    const perImplication = (problem: Problem) => solved(problem).work / problem.implications.length;
    // Sixteen times the problem; quadratic work would be sixteen times as much for each implication.
    const [before, after] = [perImplication(small), perImplication(large)];
    expect(after, `${before} before`).toBeLessThan(2 * before + 10);
    expect(after).toBeLessThan(200);
  });

  test.each(Object.entries(streams))("%s: as the exhaustive search has it", (_, make) => {
    for (let n = 1; n <= 7; n++) {
      const problem = make(n);
      if (problem.variables > 14) continue;
      expect(solved(problem).values).toEqual(exhaustive(problem)?.values);
    }
  });
});
