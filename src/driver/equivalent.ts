/** Compares two programs in exact arithmetic, and finds inputs for which they differ. */

import * as passMessages from "../diagnostics/areas/pipelines.ts";
import { anObject, aString, checkOptions, type Kind } from "../diagnostics/arguments.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { checkModule } from "../ir/arguments.ts";
import { Comparer, type ComparisonOptions, type Difference } from "../ir/field/compare.ts";
import { type Constants, constantsOf, interpret, resolveShape } from "../ir/interpret.ts";
import { type Const, dimensionNames, type Fn, type Module } from "../ir/ir.ts";
import { randomNumbers } from "../ir/random.ts";
import { withoutMeans } from "../ir/row-means.ts";
import { type Extents, specialize } from "../ir/specialize.ts";
import { elementCount, indexAt, type Tensor } from "../ir/tensor.ts";
import { isFloat } from "../ir/types.ts";
import { verifySignature } from "../ir/verify.ts";

/** Options of a comparison. */
export interface EquivalentOptions extends Pick<ComparisonOptions, "runs" | "seed" | "most"> {
  /** The only function to compare; by default all. */
  readonly fn?: string;
  /** Extents of symbolic dimensions; others get small ones. */
  readonly dims?: Extents;
}

/** Inputs for which two functions differ in float64, and an element in which they do. */
export interface Counterexample {
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly result: string;
  readonly index: readonly number[];
  readonly a: number;
  readonly b: number;
}

/** The result for two functions of the same name. */
export interface FunctionEquivalence {
  readonly fn: string;
  /** `undecided` if they have more elements than `most`. */
  readonly verdict: "equal" | "different" | "undecided";
  readonly difference?: Difference;
  /** Missing if none of the inputs that were tried shows a difference in float64. */
  readonly counterexample?: Counterexample;
}

/** A constant that two programs load from different places, or that only one of them loads. */
export interface UnlikeLoad {
  readonly name: string;
  /** The file and, if it is given, the tensor in it, from which the first program loads the constant. */
  readonly first?: string;
  readonly second?: string;
}

/** The result for two programs. */
export interface Equivalence {
  readonly equal: boolean;
  /** Loaded constants that were taken to be equal only because they share a name, or to be arbitrary because one program loads them. */
  readonly unlikeLoads: readonly UnlikeLoad[];
  readonly functions: readonly FunctionEquivalence[];
  /** The number of random points that were compared, which alternate between fields and extents. */
  readonly runs: number;
  /** The probability that programs that differ by a rational function of at most degree `degree` are found equal. */
  readonly errorBound: number;
  readonly degree: number;
}

const aNumber: Kind = { what: "a number", holds: (value) => typeof value === "number" };
const equivalentOptions = { fn: aString, dims: anObject, runs: aNumber, seed: aNumber, most: aNumber };

/** The degree for which the bound is given. */
const degree = 1024;
/** A lower bound on the orders of the fields. */
const order = 2 ** 28;

/**
 * Compares the functions of two programs that have the same names. Parameters and loaded constants correspond by name:
 * files are not read, and arbitrary values stand for what they contain.
 * @throws TircError E0307 if only one program has a function, E0310 if its parameters or results differ.
 */
export function equivalent(a: Module, b: Module, options: EquivalentOptions = {}): Equivalence {
  for (const [what, module] of Object.entries({ "first argument": a, "second argument": b })) {
    checkModule("equivalent", module, `the ${what}`);
  }
  checkOptions("equivalent", options, equivalentOptions);
  const { fn, dims = {}, runs = 4, ...rest } = options;
  const [left, right] = [specialize(a, known(a, dims)), specialize(b, known(b, dims))];
  const names = [...left.fns, ...right.fns].map(({ name }) => name).filter((name) => fn === undefined || name === fn);
  if (fn !== undefined && names.length === 0) fail(passMessages.unknownFunction(fn, allNames([a, b])));
  const functions = [...new Set(names)].map((name): FunctionEquivalence => {
    const [before, after] = [left, right].map((module) => module.fns.find((fn) => fn.name === name));
    if (before === undefined || after === undefined)
      fail(passMessages.unpairedFunction(name, before === undefined ? "first" : "second", (before ?? after)?.span));
    const others = verifySignature(before, after);
    if (others.length > 0) fail(passMessages.otherSignature(name, after.span, others));
    const comparer = new Comparer({ ...rest, runs });
    const found = comparer.compare({ fn: before, consts: left.consts }, { fn: after, consts: right.consts });
    if (found.kind === "equal") return { fn: name, verdict: "equal" };
    if (found.kind === "too large") return { fn: name, verdict: "undecided" };
    const { difference } = found;
    const counterexample = search([left, before], [right, after], difference.dims);
    return { fn: name, verdict: "different", difference, ...(counterexample && { counterexample }) };
  });
  const equal = functions.every(({ verdict }) => verdict === "equal");
  const errorBound = (degree / order) ** runs;
  return { equal, unlikeLoads: unlikeLoads(left, right), functions, runs, errorBound, degree };
}

function unlikeLoads(a: Module, b: Module): UnlikeLoad[] {
  const [first, second] = [loadsOf(a), loadsOf(b)];
  return [...new Set([...first.keys(), ...second.keys()])]
    .map((name) => ({ name, first: first.get(name), second: second.get(name) }))
    .filter((load) => load.first !== load.second)
    .map(({ name, first, second }) => ({ name, ...(first && { first }), ...(second && { second }) }));
}

function loadsOf({ consts }: Module): ReadonlyMap<string, string> {
  return new Map(
    consts.flatMap(({ name, data }) =>
      data.kind === "load" ? [[name, [data.file, data.tensor].filter((text) => text !== undefined).join(", ")]] : [],
    ),
  );
}

const allNames = (modules: readonly Module[]) => [
  ...new Set(modules.flatMap(({ fns }) => fns.map(({ name }) => name))),
];

function known(module: Module, dims: Extents): Extents {
  const names = module.fns.flatMap(dimensionNames);
  return Object.fromEntries(Object.entries(dims).filter(([name]) => names.includes(name)));
}

/** A random tensor that satisfies its declaration: floats in [-2, 2], integers from 0 to 9. */
function random({ type, centered }: Pick<Const, "type" | "centered">, shape: number[], next: () => number): Tensor {
  const { element } = type;
  const one = () => (isFloat(element) ? 4 * next() - 2 : Math.floor(next() * (element === "bool" ? 2 : 10)));
  const tensor: Tensor = { element, shape, data: Float64Array.from({ length: elementCount(shape) }, one) };
  return centered.length === 0 ? tensor : withoutMeans(tensor, centered);
}

function constants(module: Module, seed: number): Constants {
  const seedOf = (name: string) => [...name].reduce((sum, letter) => Math.imul(sum, 31) + letter.charCodeAt(0), seed);
  return constantsOf(module, (constant) =>
    random(constant, constant.type.shape as number[], randomNumbers(seedOf(constant.name))),
  );
}

/** Smaller differences are considered rounding. */
const tolerance = 1e-6;
const tries = 8;

/** Tries a few random inputs, and returns some for which results differ by more than rounding. */
function search(
  [a, before]: readonly [Module, Fn],
  [b, after]: readonly [Module, Fn],
  dims: Extents,
): Counterexample | undefined {
  for (let seed = 1; seed <= tries; seed++) {
    const next = randomNumbers(seed);
    const inputs = Object.fromEntries(
      before.params.map((param) => [param.name as string, random(param, resolveShape(param.shape, dims), next)]),
    );
    let outputs: readonly Readonly<Record<string, Tensor>>[];
    try {
      outputs = [interpret(before, inputs, constants(a, seed)), interpret(after, inputs, constants(b, seed))];
    } catch {
      // An index is out of range, or there is an extern op.
      continue;
    }
    const [left, right] = outputs as [Record<string, Tensor>, Record<string, Tensor>];
    for (const [result, tensor] of Object.entries(left)) {
      const other = right[result] as Tensor;
      const at = tensor.data.findIndex((value, i) => {
        const gap = Math.abs(value - (other.data[i] as number));
        return gap > tolerance * Math.max(1, Math.abs(value)) || Number.isNaN(value) !== Number.isNaN(other.data[i]);
      });
      if (at < 0) continue;
      const index = indexAt(at, tensor.shape);
      return { inputs, result, index, a: tensor.data[at] as number, b: other.data[at] as number };
    }
  }
  return undefined;
}
