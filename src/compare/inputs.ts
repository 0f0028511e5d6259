/** The inputs of `tirc run`: read from files, or generated. */

import * as cliErrors from "../diagnostics/areas/command.ts";
import * as fileErrors from "../diagnostics/areas/files.ts";
import * as inputErrors from "../diagnostics/areas/inputs.ts";
import { type Diagnostic, fail, type Word } from "../diagnostics/diagnostic.ts";
import type { NpyArray } from "../formats/npy.ts";
import { isBeyond } from "../ir/float16.ts";
import { resolveShape } from "../ir/interpret.ts";
import { dimensionNames, type Fn, type Value } from "../ir/ir.ts";
import { lookupRanges } from "../ir/lookups.ts";
import type { NumberKind } from "../ir/number-formats.ts";
import { elementCount, printIndex } from "../ir/tensor.ts";
import { type ElementType, elementInfo, printShape, printType, type Shape } from "../ir/types.ts";
import { fromNumbers, type HostTensor } from "../runtime/host-tensor.ts";
import { type Fill, numbersOf, printFill } from "./fill.ts";

/** An input as a program or a model declares it. */
export interface DeclaredInput {
  readonly name: string;
  /** Its type for messages. */
  readonly type: string;
  readonly shape: Shape;
}

/** Where the data of an input comes from: a fill, or an array from a file. */
export type InputSource =
  | { readonly kind: "fill"; readonly fill: Fill; readonly word?: Word }
  | { readonly kind: "file"; readonly file: string; readonly array: NpyArray };

export interface ChosenDims {
  readonly extents: Readonly<Record<string, number>>;
  /** Names of dimensions that got a default extent. */
  readonly defaults: readonly string[];
}

const defaultColumns = 768;
const mostRows = 1024;
/** With default dimensions, the largest input has about this many elements at most. */
const mostElements = 2 ** 20;

/**
 * An extent for every named dimension: from the files, from `given`, or else a default. The default is 768 for a
 * dimension that is only ever the last of a parameter; the others get the largest power of two up to 1024 that keeps
 * every parameter at about a million elements or less.
 * @throws TircError E0604, E0606.
 */
export function chooseDims(
  fn: Fn,
  sources: ReadonlyMap<string, InputSource>,
  given: Readonly<Record<string, number>>,
): ChosenDims {
  const extents = extentsIn(fn.params.map(declared), sources, given);
  const defaults = dimensionNames(fn).filter((name) => extents[name] === undefined);
  Object.assign(extents, defaultDims(fn, extents, defaults));
  return { extents, defaults };
}

/** 2 GiB in float64. */
const mostInTensor = 2 ** 28;

/**
 * Throws E0718 for every input and output that is too large for memory; with `isInterpreted` also for intermediate
 * values, which the interpreter stores and a kernel does not.
 */
export function checkSizes(fn: Fn, dims: Readonly<Record<string, number>>, isInterpreted = true): void {
  const between = isInterpreted ? fn.ops.flatMap((op) => op.results) : [];
  const values = new Map([...fn.params, ...between].map((value) => [value, value.name ?? value.def?.name ?? ""]));
  for (const { name, value } of fn.results) values.set(value, name);
  const tensors = [...values].map(([{ element, shape }, name]) => {
    return { name, element, shape: resolveShape(shape, dims) };
  });
  const large = tensors.filter(({ shape }) => elementCount(shape) > mostInTensor);
  if (large.length > 0)
    fail(...large.map((tensor) => cliErrors.tooLarge(tensor.name, printType(tensor), mostInTensor)));
}

const declared = ({ name, type, shape }: Value): DeclaredInput => ({
  name: name as string,
  type: printType(type),
  shape,
});

/** The extents in `given`, and those of the files. Throws E0604, E0606. */
export function extentsIn(
  inputs: readonly DeclaredInput[],
  sources: ReadonlyMap<string, InputSource>,
  given: Readonly<Record<string, number>>,
): Record<string, number> {
  const extents: Record<string, number> = Object.assign(Object.create(null), given);
  const toldBy = new Map(Object.keys(given).map((name) => [name, "--dim"]));
  const found = inputs.flatMap(({ name, type, shape }): Diagnostic[] => {
    const source = sources.get(name);
    if (source?.kind !== "file") return [];
    const { file, array } = source;
    const wrong = (why: string) => inputErrors.wrongShape(name, type, `${file}, ${printShape(array.shape)}`, why);
    if (array.shape.length !== shape.length)
      return [wrong(`it has ${array.shape.length} dimensions, not ${shape.length}`)];
    return shape.flatMap((dim, axis): Diagnostic[] => {
      const extent = array.shape[axis] as number;
      if (typeof dim === "number") return dim === extent ? [] : [wrong(`axis ${axis} is ${extent}, not ${dim}`)];
      const [before, teller = ""] = [extents[dim], toldBy.get(dim)];
      extents[dim] = extent;
      toldBy.set(dim, file);
      const isSame = before === undefined || before === extent;
      return isSame ? [] : [inputErrors.dimConflict(dim, teller, before, file, extent)];
    });
  });
  return found.length > 0 ? fail(...found) : extents;
}

function defaultDims(fn: Fn, known: Readonly<Record<string, number>>, open: readonly string[]): Record<string, number> {
  const columns = new Set(fn.params.map((param) => param.shape.at(-1)));
  const isColumn = (name: string) =>
    columns.has(name) && fn.params.every((param) => !param.shape.slice(0, -1).includes(name));
  const withRows = (rows: number) =>
    Object.fromEntries(open.map((name) => [name, isColumn(name) ? defaultColumns : rows]));
  const largest = (rows: number) => {
    const dims = { ...known, ...withRows(rows) };
    return Math.max(...fn.params.map((param) => elementCount(resolveShape(param.shape, dims))));
  };
  let rows = mostRows;
  while (rows > 1 && largest(rows) > mostElements) rows /= 2;
  return withRows(rows);
}

/** A separate seed for each parameter, so that an input does not change when another one is given. */
export function seedOf(seed: number, name: string): number {
  let hash = seed ^ 0x811c9dc5;
  for (const char of name) hash = Math.imul(hash ^ (char.codePointAt(0) as number), 0x01000193);
  return hash;
}

/** The tensor for a parameter. Generated indices of lookups are in range. Throws E0636, E0637, E0717. */
export function makeInput(
  fn: Fn,
  param: Value,
  source: InputSource,
  dims: Readonly<Record<string, number>>,
  seed: number,
): HostTensor {
  const { element } = param;
  const shape = resolveShape(param.shape, dims);
  if (source.kind === "file") {
    const { kind } = elementInfo[element];
    checkNumbers({ ...declared(param), kind: kind === "truth" ? "bool" : kind }, element, source);
    return fromNumbers(element, shape, source.array.numbers);
  }
  const { word } = source;
  const range = source.fill === "randn" ? lookupRanges(fn, dims).get(param) : undefined;
  const fill: Fill = range ? { name: "uniform", of: [range.least, range.most + 1] } : source.fill;
  const name = param.name as string;
  const next = numbersOf(element, fill, seedOf(seed, name));
  if (next === undefined) {
    const { kind, range: held } = elementInfo[element];
    const integers = kind === "float" ? undefined : held;
    fail(cliErrors.numberDoesNotFit(word?.span, name, printType(param.type), word?.text ?? printFill(fill), integers));
  }
  const numbers = new Float64Array(elementCount(shape));
  for (let i = 0; i < numbers.length; i++) numbers[i] = next();
  return fromNumbers(element, shape, numbers);
}

/**
 * Floats within the range of the element type are rounded to it; other numbers must fit exactly. Throws E0636, E0637.
 * @param element `undefined` for a type that holds all numbers of a file.
 */
export function checkNumbers(
  { name, type, kind }: Pick<DeclaredInput, "name" | "type"> & { readonly kind: NumberKind },
  element: ElementType | undefined,
  { file, array }: InputSource & { kind: "file" },
): void {
  const isAccepted = array.kind === kind || (kind === "float" && array.kind === "integer");
  if (!isAccepted) fail(fileErrors.wrongKind(file, array.type, name, type));
  const at = array.numbers.findIndex((number) => element !== undefined && isBeyond(element, number));
  if (at < 0) return;
  const place = printIndex(at, array.shape);
  fail(fileErrors.outOfRange(file, array.numbers[at] as number, place, name, type));
}
