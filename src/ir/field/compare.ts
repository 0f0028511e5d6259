/**
 * Compares two functions in exact arithmetic: their results are compared at random points of finite fields
 * (Schwartz 1980, Zippel 1979; for tensor programs Mirage, OSDI 2025).
 *
 * Functions that are equal by the laws of field/algebra.ts are equal at every point. Others are found to differ except with
 * a probability of about (d / 2^29)^2 in two runs, where d is the degree of their difference: docs/proof.md.
 */

import { getOrInsert } from "../groups.ts";
import { resolveShape } from "../interpret.ts";
import { dimensionNames, type Fn, isLeaf, type Op, presentOperands, type Value } from "../ir.ts";
import { ops } from "../ops/index.ts";
import { elementCount, indexAt } from "../tensor.ts";
import { type Assumed, Evaluator, fingerprint, isLiteral } from "./evaluate.ts";
import { type Exchanges, exchanged, isMeant, type Law, type LawOfValue, type Meaning } from "./laws.ts";
import { fieldPairs } from "./prime.ts";
import { reduced, type Side } from "./reduce.ts";
import type { FieldTensor } from "./tensor.ts";

/** An assumption of an approximate rewrite: a value of the original function equals an operand of its op. */
export interface Assumption {
  readonly value: Value;
  readonly is: Value;
  /** The reason: a clause. */
  readonly because: string;
}

/** The first difference between two functions. */
export interface Difference {
  /** The result's name. */
  readonly result: string;
  readonly index: readonly number[];
  readonly dims: Readonly<Record<string, number>>;
  /** The first op of the rewritten function with a value that the original does not have. */
  readonly firstNew: Op | undefined;
}

/** The replacements of the original function's values. */
type Provenance = ReadonlyMap<Value, Value | readonly Value[]>;

/** The result of a comparison. */
type Comparison =
  | { readonly kind: "equal"; readonly assumed: readonly Assumption[] }
  | { readonly kind: "different"; readonly difference: Difference }
  | { readonly kind: "too large"; readonly elements: number };

/** What a pass states about a rewrite. */
interface Said {
  readonly assumptions?: readonly Assumption[];
  /** Laws about values of the original function. */
  readonly laws?: readonly Law[];
  readonly provenance?: Provenance;
}

/** Options of a comparison. */
export interface ComparisonOptions {
  /** The number of random points, which alternate between fields and extents. 2 by default. */
  readonly runs?: number;
  readonly seed?: number;
  /** The most elements that are computed at a point. */
  readonly most?: number;
}

/**
 * Small extents, different in each run. With `distinct` of them for `names.length` names, two names with the same extent in an
 * even run have different ones in the next, unless there are more names than `distinct` squared.
 */
function extentsFor(names: readonly string[], distinct: number, run: number): Record<string, number> {
  const extent = (i: number) => {
    const group = run % 2 === 0 ? i % distinct : Math.floor((i * distinct) / names.length);
    return (run % 2 === 0 ? 3 : 2) + 2 * ((group + run) % distinct);
  };
  return Object.fromEntries(names.map((name, i) => [name, extent(i)]));
}

/** With more elements than this, fewer different extents are used: a tensor of many dimensions grows with their product. */
const fewElements = 2 ** 18;

/** The number of different extents that is affordable: one for each name, or fewer. */
function distinctExtents(fn: Fn, names: readonly string[]): number {
  let distinct = Math.max(1, names.length);
  while (distinct > 2 && costOf(fn, extentsFor(names, distinct, 0)) > fewElements) distinct = Math.ceil(distinct / 2);
  return distinct;
}

interface Run {
  readonly evaluator: Evaluator;
  results: WeakMap<Fn, Readonly<Record<string, FieldTensor>>>;
}

/** The number of elements that an evaluation computes, including terms of sums. */
function costOf(fn: Fn, dims: Readonly<Record<string, number>>): number {
  const extentsOf = (value: Value) => value.shape.map((dim) => (typeof dim === "number" ? dim : (dims[dim] ?? 1)));
  const count = (value: Value) => elementCount(extentsOf(value));
  const kept = (op: Op) => op.attributes.kept as readonly number[];
  const cost = (op: Op) => {
    const results = op.results.reduce((sum, result) => sum + count(result), 0);
    const operands = presentOperands(op).reduce((sum, operand) => sum + count(operand), 0);
    // Each row of such a result is a sum of all rows of the operand, with random factors.
    if (op.name === "extern" && (op.attributes.rows as readonly number[]).length > 0) {
      const width = extentsOf(op.result).filter((_, axis, all) => kept(op).includes(axis - all.length));
      return results + (results * operands) / Math.max(1, elementCount(width));
    }
    const def = ops[op.name];
    if (def.kind !== "linear" || def.exact !== "bilinear") return results + operands;
    const terms = def.terms(presentOperands(op).map(({ shape }) => shape));
    return results + operands + results * elementCount(resolveShape(terms, dims));
  };
  return fn.params.reduce((sum, param) => sum + count(param), 0) + fn.ops.reduce((sum, op) => sum + cost(op), 0);
}

/** The result at particular extents. The origin of a difference has not been searched yet. */
type AtExtents =
  | Exclude<Comparison, { readonly kind: "different" }>
  | {
      readonly kind: "different";
      readonly found: Pick<Difference, "result" | "index">;
      readonly evaluator: Evaluator;
    };

/** Compares functions, and caches their values for further comparisons. */
export class Comparer {
  private readonly options: Required<ComparisonOptions>;
  private readonly runs = new Map<string, Run>();
  private readonly meanings: Meaning[] = [];

  constructor(options: ComparisonOptions = {}) {
    this.options = { runs: 2, seed: 1, most: 2 ** 22, ...options };
  }

  /** @param before of the same parameters and results as `after`. */
  compare(before: Side, after: Side, said: Said = {}): Comparison {
    const { assumptions = [], laws = [], provenance = new Map() } = said;
    this.define(laws);
    const points = pointsOf(laws, provenance);
    const small = reduced(before, after);
    if (small !== undefined) {
      const [one, other] = small;
      const smaller = {
        ...points,
        before: counterparts(points.before, before.fn, one.fn),
        after: counterparts(points.after, after.fn, other.fn),
      };
      if (this.atExtents(one, other, smaller).kind === "equal") return { kind: "equal", assumed: [] };
    }
    const result = this.atExtents(before, after, points, assumptions, provenance);
    if (result.kind !== "different") return result;
    const { found, evaluator } = result;
    const { dims } = evaluator.point;
    return { kind: "different", difference: { ...found, dims, firstNew: firstNew(before, after, evaluator) } };
  }

  /** Records the formulas of numbers that passes have computed, for all later comparisons. */
  private define(laws: readonly Law[]): void {
    for (const law of laws) {
      if (law.kind !== "meaning" || !isMeant(law)) continue;
      if (this.meanings.some(({ number }) => number === law.number)) continue;
      this.meanings.push(law);
      for (const run of this.runs.values()) {
        const { algebra } = run.evaluator;
        if (algebra.define(law.number, law.is(algebra))) run.results = new WeakMap();
      }
    }
  }

  private atExtents(
    before: Side,
    after: Side,
    points: Points,
    assumptions: readonly Assumption[] = [],
    provenance: Provenance = new Map(),
  ): AtExtents {
    const names = [...new Set([...dimensionNames(before.fn), ...dimensionNames(after.fn)])];
    const distinct = distinctExtents(after.fn, names);
    const elements = costOf(after.fn, extentsFor(names, distinct, 0));
    if (elements > this.options.most) return { kind: "too large", elements };
    let assumed: readonly Assumption[] = [];
    for (let i = 0; i < this.options.runs; i++) {
      const { evaluator, results } = this.run(names, distinct, i);
      const of = (side: Side) => this.resultsOf(side, evaluator, results);
      let found = firstDifference(of(before), of(after));
      if (found !== undefined && isAny(points)) found = atPositive(before, after, points, evaluator);
      if (found !== undefined && assumptions.length > 0) {
        assumed = assumptions;
        found = this.underAssumptions(before, after, assumptions, provenance, evaluator);
      }
      if (found !== undefined) return { kind: "different", found, evaluator };
    }
    return { kind: "equal", assumed };
  }

  private run(names: readonly string[], distinct: number, i: number): Run {
    const key = `${i} ${distinct} ${names.join()}`;
    return getOrInsert(this.runs, key, () => {
      const pair = fieldPairs[i % fieldPairs.length] as (typeof fieldPairs)[number];
      const seed = Math.imul(this.options.seed, 0x9e3779b1) + i;
      const evaluator = new Evaluator({ pair, seed, dims: extentsFor(names, distinct, i) });
      for (const { number, is } of this.meanings) evaluator.algebra.define(number, is(evaluator.algebra));
      return { evaluator, results: new WeakMap() };
    });
  }

  private resultsOf({ fn, consts }: Side, evaluator: Evaluator, known: Run["results"]) {
    return getOrInsert(known, fn, () => resultsIn(fn, evaluator.run(fn, consts)));
  }

  private underAssumptions(
    before: Side,
    after: Side,
    assumptions: readonly Assumption[],
    provenance: Provenance,
    evaluator: Evaluator,
  ) {
    const operandOf = new Map(assumptions.map(({ value, is }) => [value, value.def?.operands.indexOf(is) ?? -1]));
    const images = new Map<Value, number>();
    for (const [value, operand] of operandOf) {
      for (const image of [provenance.get(value) ?? value].flat()) {
        if (image.def?.name === value.def?.name) images.set(image, operand);
      }
    }
    // An assumption about an op also holds for equal ops on equal operands.
    const seen = new Map<string, number>();
    const assumed: Assumed = (op, operands) => {
      if (op.results.length !== 1) return undefined;
      const key = () =>
        [op.name, JSON.stringify(op.attributes), ...operands.map((one) => one && fingerprint(one))].join("|");
      const known = operandOf.get(op.result) ?? images.get(op.result);
      if (known !== undefined) seen.set(key(), known);
      const operand = known ?? (names.has(op.name) ? seen.get(key()) : undefined);
      return operand === undefined ? undefined : retyped(op, operands[operand]);
    };
    const names = new Set(assumptions.map(({ value }) => value.def?.name));
    // The assumptions may be about intermediate values of a pass.
    const start = evaluator.run(before.fn, before.consts, assumed);
    const missing = opsBefore(
      assumptions.map(({ value }) => value),
      start,
    );
    if (missing.length > 0) evaluator.continue(start, missing, after.consts, assumed);
    const old = missing.length > 0 ? evaluator.run(before.fn, before.consts, assumed) : start;
    const now = evaluator.run(after.fn, after.consts, assumed);
    return firstDifference(resultsIn(before.fn, old), resultsIn(after.fn, now));
  }
}

/** What must be positive at the points at which functions are compared again after a difference. */
interface Points {
  readonly before: Exchanges;
  readonly after: Exchanges;
  readonly numbers: readonly number[];
}

const isAny = ({ before, numbers }: Points) => before.size + numbers.length > 0;

function pointsOf(laws: readonly Law[], provenance: Provenance): Points {
  const [before, after] = [new Map<Value, LawOfValue[]>(), new Map<Value, LawOfValue[]>()];
  const numbers: number[] = [];
  for (const law of laws) {
    if (law.kind === "positive number" && law.number > 0) numbers.push(law.number);
    if (law.kind === "positive number" || law.kind === "meaning") continue;
    if (law.kind === "positive rows" && law.eps < 0) continue;
    before.set(law.value, [...(before.get(law.value) ?? []), law]);
    for (const image of [provenance.get(law.value) ?? law.value].flat()) after.set(image, before.get(law.value) ?? []);
  }
  return { before, after, numbers };
}

/** The corresponding values of the function at other extents. */
function counterparts(of: Exchanges, fn: Fn, other: Fn): Exchanges {
  const values = ({ params, ops }: Fn) => [...params, ...ops.flatMap(({ results }) => results)];
  const at = new Map(values(fn).map((value, i) => [value, i]));
  const others = of.size === 0 ? [] : values(other);
  return new Map(
    [...of].flatMap(([value, conditions]) => {
      const counterpart = others[at.get(value) ?? -1];
      return counterpart === undefined ? [] : [[counterpart, conditions] as const];
    }),
  );
}

/** The first difference at a point at which everything positive is a square. */
function atPositive(before: Side, after: Side, { numbers, ...rows }: Points, evaluator: Evaluator) {
  const { algebra } = evaluator;
  return algebra.withPositive(numbers, () => {
    const [old, now] = (
      [
        [before, rows.before],
        [after, rows.after],
      ] as const
    ).map(([{ fn, consts }, of]) =>
      resultsIn(
        fn,
        evaluator.run(fn, consts, undefined, (value, tensor) => {
          const laws = of.get(value);
          return laws === undefined ? tensor : exchanged(tensor, laws, algebra);
        }),
      ),
    );
    return firstDifference(old ?? {}, now ?? {});
  });
}

/** The ops that compute values from known ones, operands before users. */
function opsBefore(values: readonly Value[], known: ReadonlyMap<Value, unknown>): Op[] {
  const done = new Set<Op>();
  const open = values.flatMap(({ def }) => def ?? []);
  for (let op = open.at(-1); op !== undefined; op = open.at(-1)) {
    const needed = presentOperands(op).flatMap((value) =>
      value.def === undefined || known.has(value) ? [] : value.def,
    );
    const missing = known.has(op.result) || done.has(op) ? [] : needed.filter((one) => !done.has(one));
    if (missing.length > 0) {
      open.push(...missing);
      continue;
    }
    open.pop();
    if (!known.has(op.result)) done.add(op);
  }
  return [...done];
}

const retyped = (op: Op, tensor: FieldTensor | undefined): FieldTensor | undefined =>
  tensor && { element: op.result.element, shape: tensor.shape, p: tensor.p, q: tensor.q };

function resultsIn(fn: Fn, values: ReadonlyMap<Value, FieldTensor>): Record<string, FieldTensor> {
  return Object.fromEntries(fn.results.map(({ name, value }) => [name, values.get(value) as FieldTensor]));
}

function firstDifference(
  before: Readonly<Record<string, FieldTensor>>,
  after: Readonly<Record<string, FieldTensor>>,
): Pick<Difference, "result" | "index"> | undefined {
  for (const [result, a] of Object.entries(before)) {
    const b = after[result] as FieldTensor;
    // Compares mod p only: mod q, the sign of a root may differ.
    const at = differsAt(a.p, b.p);
    if (at !== undefined) return { result, index: indexAt(at, a.shape) };
  }
  return undefined;
}

function differsAt(a: Float64Array, b: Float64Array): number | undefined {
  if (a.length !== b.length) return 0;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return i;
  return undefined;
}

/** The first op that results depend on with a value that the original function does not have. */
function firstNew(before: Side, after: Side, evaluator: Evaluator): Op | undefined {
  const old = new Set([...evaluator.run(before.fn, before.consts).values()].map(fingerprint));
  const now = evaluator.run(after.fn, after.consts);
  const needed = new Set<Value>(after.fn.results.map(({ value }) => value));
  for (const op of after.fn.ops.toReversed()) {
    if (op.results.some((result) => needed.has(result))) for (const operand of presentOperands(op)) needed.add(operand);
  }
  const isNew = (value: Value) =>
    needed.has(value) && !isLiteral(value) && !old.has(fingerprint(now.get(value) as FieldTensor));
  return after.fn.ops.find((op) => !isLeaf(op) && op.results.some(isNew));
}
