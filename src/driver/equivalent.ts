/** Whether two programs compute the same, in exact arithmetic; and inputs on which they do not. */

import * as passMessages from "../diagnostics/areas/pipelines.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { Comparer, type ComparisonOptions, type Difference } from "../ir/field/compare.ts";
import { type Constants, constantsOf, interpret, resolveShape } from "../ir/interpret.ts";
import { type Const, dimensionNames, type Fn, type Module } from "../ir/ir.ts";
import { randomNumbers } from "../ir/random.ts";
import { withoutMeans } from "../ir/row-means.ts";
import { type Extents, specialize } from "../ir/specialize.ts";
import { elementCount, indexAt, type Tensor } from "../ir/tensor.ts";
import { isFloat } from "../ir/types.ts";
import { verifySignature } from "../ir/verify.ts";

/** How programs are compared. */
export interface EquivalentOptions extends Pick<ComparisonOptions, "runs" | "seed" | "most"> {
  /** The one function to compare; all unless said otherwise. */
  readonly fn?: string;
  /** Extents for named dimensions; others get small ones. */
  readonly dims?: Extents;
}

/** Inputs on which two functions differ in float64, and an element in which they do. */
export interface Counterexample {
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly result: string;
  readonly index: readonly number[];
  readonly a: number;
  readonly b: number;
}

/** What was found of two functions of one name. */
export interface FunctionEquivalence {
  readonly fn: string;
  /** `undecided` where they have more elements than `most`. */
  readonly verdict: "equal" | "different" | "undecided";
  readonly difference?: Difference;
  /** Missing where float64 shows none: then they differ in what it cannot see, or for other inputs. */
  readonly counterexample?: Counterexample;
}

/** What was found of two programs. */
export interface Equivalence {
  readonly equal: boolean;
  readonly functions: readonly FunctionEquivalence[];
  /** How many points were compared, each with numbers of its own; fields and extents take turns. */
  readonly runs: number;
  /** The chance that programs are called equal which differ by a rational function of degree `degree` at most. */
  readonly errorBound: number;
  readonly degree: number;
}

/** The degree that the bound is told for. */
const degree = 1024;
/** The smaller one of the orders of the fields is above 2^28. */
const order = 2 ** 28;

/**
 * Compares the functions of two programs by their names. Parameters are compared by name, loaded constants too.
 * @throws TircError E0307 where a function is in one program alone, E0310 where its parameters or results are others.
 */
export function equivalent(a: Module, b: Module, options: EquivalentOptions = {}): Equivalence {
  const { fn, dims = {}, runs = 4, ...rest } = options;
  const [left, right] = [specialize(a, known(a, dims)), specialize(b, known(b, dims))];
  const names = [...left.fns, ...right.fns].map(({ name }) => name).filter((name) => fn === undefined || name === fn);
  if (fn !== undefined && names.length === 0) fail(passMessages.unknownFunction(fn, allNames([a, b])));
  const functions = [...new Set(names)].map((name): FunctionEquivalence => {
    const [before, after] = [find(left, name), find(right, name)];
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
  return { equal, functions, runs, errorBound: (degree / order) ** runs, degree };
}

const allNames = (modules: readonly Module[]) => [
  ...new Set(modules.flatMap(({ fns }) => fns.map(({ name }) => name))),
];

function known(module: Module, dims: Extents): Extents {
  const names = module.fns.flatMap(dimensionNames);
  return Object.fromEntries(Object.entries(dims).filter(([name]) => names.includes(name)));
}

function find(module: Module, name: string): Fn {
  const found = module.fns.find((fn) => fn.name === name);
  return found ?? fail(passMessages.unknownFunction(name, allNames([module])));
}

/** A tensor that keeps its promise: of floats in [-2, 2], of integers 0 to 9. */
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

/** What differs by less is rounding. */
const tolerance = 1e-6;
const tries = 8;

/** Inputs for which results differ by more than rounding; a few are tried. */
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
      // A row number outside of its table, or an op of another program.
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
