/** Finds the products with constant weights that read a norm, into which its beta and gamma can be folded. */

import type { Scope } from "../onnx/types/view.ts";
import { type Reader, readersOfRows } from "./channels.ts";
import { type Draft, type Line, opOf } from "./draft.ts";

/** The constants of the model, and new ones. */
export interface Constants {
  /** The shape of a constant; undefined for any other tensor. */
  readonly shape: (name: string) => readonly number[] | undefined;
  readonly numbers: (name: string) => Float64Array;
  /** Adds a constant with the element type of another, and returns its name. */
  readonly add: (shape: readonly number[], numbers: () => Float64Array, like: string, hint: string) => string;
  /** A constant of ones, with the element type and the shape of another. */
  readonly ones: (like: string) => string;
  readonly isOutput: (name: string) => boolean;
  readonly fresh: (hint: string) => string;
  /** The types of the model's tensors. */
  readonly types: Scope;
}

/** For each element of a weight, the channel of the norm that it multiplies, and the column of the result it adds to. */
interface Layout {
  /** The number of columns of the result. */
  readonly width: number;
  readonly channelOf: (index: number) => number;
  readonly columnOf: (index: number) => number;
}

/** A product with a constant weight, and its bias if it has one. */
export interface Product {
  readonly line: Line;
  readonly weight: string;
  readonly layout: Layout;
  readonly bias: { readonly name: string; readonly add: Line | undefined } | undefined;
  /** Whether its op has an input for a bias. */
  readonly takesBias: boolean;
  /** Whether it also reads zeros around the rows, to which beta is not added. */
  readonly isPadded: boolean;
}

/** The products that read a tensor; undefined if it has another reader. */
export function productsOf(draft: Draft, tensor: string, size: number, constants: Constants): Product[] | undefined {
  const readers = readersOfRows(draft, tensor, constants.types, constants.isOutput);
  const products = readers?.map((reader) => productOf(draft, reader, size, constants));
  return products?.every((product) => product !== undefined) ? products : undefined;
}

type ProductRule = (draft: Draft, reader: Reader, size: number, constants: Constants) => Product | undefined;

/** The weight is [channels, columns]. */
const inRows = (width: number): Layout => ({
  width,
  channelOf: (index) => Math.floor(index / width),
  columnOf: (index) => index % width,
});

/** The weight is [columns, channels, taps], where taps are the positions in the window of a convolution. */
const inColumns = (width: number, size: number, taps = 1): Layout => ({
  width,
  channelOf: (index) => Math.floor(index / taps) % size,
  columnOf: (index) => Math.floor(index / (taps * size)),
});

const gemm: ProductRule = ({ model }, { line, axis }, size, constants) => {
  const [, weight = "", bias = ""] = line.inputs;
  const shape = constants.shape(weight);
  const attribute = (name: string) => model.attribute(line.at, name);
  const isTransposed = (attribute("transB")?.integer ?? 0) !== 0;
  const isPlain = (attribute("alpha")?.float ?? 1) === 1 && (attribute("beta")?.float ?? 1) === 1;
  if (!isPlain || (attribute("transA")?.integer ?? 0) !== 0) return undefined;
  if (axis !== -1 || shape?.length !== 2 || shape[isTransposed ? 1 : 0] !== size) return undefined;
  const width = shape[isTransposed ? 0 : 1] as number;
  const layout = isTransposed ? inColumns(width, size) : inRows(width);
  return withOwnBias({ line, weight, layout, isPadded: false }, bias, constants);
};

const attention: ProductRule = (_, { line, axis }, size, constants) => {
  const [, weight = "", bias = ""] = line.inputs;
  const shape = constants.shape(weight);
  if (axis !== -1 || bias === "" || shape?.length !== 2 || shape[0] !== size) return undefined;
  return withOwnBias({ line, weight, layout: inRows(shape[1] as number), isPadded: false }, bias, constants);
};

const convolution: ProductRule = ({ model }, { line, axis }, size, constants) => {
  const [, weight = "", bias = ""] = line.inputs;
  const shape = constants.shape(weight);
  if (shape === undefined || axis !== 1 - shape.length || shape[1] !== size) return undefined;
  if ((model.attribute(line.at, "group")?.integer ?? 1) !== 1) return undefined;
  const pads = model.attribute(line.at, "pads")?.integers(16) ?? [];
  const automatic = model.attribute(line.at, "auto_pad")?.text ?? "NOTSET";
  const isPadded = !["NOTSET", "VALID"].includes(automatic) || pads.some((pad) => pad !== 0);
  const taps = shape.slice(2).reduce((product, extent) => product * extent, 1);
  const layout = inColumns(shape[0] as number, size, taps);
  return withOwnBias({ line, weight, layout, isPadded }, bias, constants);
};

const matmul: ProductRule = ({ readers }, { line, axis }, size, constants) => {
  const [, weight = ""] = line.inputs;
  const shape = constants.shape(weight);
  if (axis !== -1 || shape?.length !== 2 || shape[0] !== size) return undefined;
  const width = shape[1] as number;
  const [product] = line.outputs as [string];
  const [add, ...others] = readers.get(product) ?? [];
  const isAdded = add !== undefined && others.length === 0 && opOf(add) === "Add" && !constants.isOutput(product);
  const name = isAdded ? add.inputs.find((input) => input !== product) : undefined;
  const bias = name !== undefined && isRow(name, width, constants) ? { name, add } : undefined;
  return { line, weight, layout: inRows(width), bias, takesBias: false, isPadded: false };
};

const rules: Readonly<Record<string, ProductRule>> = {
  Gemm: gemm,
  MatMul: matmul,
  Conv: convolution,
  "com.microsoft:Attention": attention,
};

function productOf(draft: Draft, reader: Reader, size: number, constants: Constants): Product | undefined {
  const op = opOf(reader.line);
  // The rules read attributes of nodes of the model: among new nodes, only MatMul does without.
  return reader.line.made !== undefined && op !== "MatMul" ? undefined : rules[op]?.(draft, reader, size, constants);
}

function withOwnBias(
  product: Pick<Product, "line" | "weight" | "layout" | "isPadded">,
  name: string,
  constants: Constants,
): Product | undefined {
  if (name === "") return { ...product, bias: undefined, takesBias: true };
  const isOwn = isRow(name, product.layout.width, constants);
  return isOwn ? { ...product, bias: { name, add: undefined }, takesBias: true } : undefined;
}

function isRow(name: string, width: number, constants: Constants): boolean {
  const shape = constants.shape(name);
  return shape?.length === 1 && shape[0] === width;
}
