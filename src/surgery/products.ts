/** The products with constant weights that read a norm: what its beta and its gamma can go into. */

import { type Draft, type Line, opOf } from "./draft.ts";

/** What folding asks of the model and the constants that are new. */
export interface Constants {
  /** The shape of a constant, of the model or new; nothing of other tensors. */
  readonly shape: (name: string) => readonly number[] | undefined;
  readonly numbers: (name: string) => Float64Array;
  /** Adds a constant with the element type of another, and returns its name. */
  readonly add: (shape: readonly number[], numbers: () => Float64Array, like: string, hint: string) => string;
  /** A constant of ones, with the element type and the shape of another. */
  readonly ones: (like: string) => string;
  readonly isOutput: (name: string) => boolean;
  readonly fresh: (hint: string) => string;
}

/** A product, and the Add of its bias where it has one behind it. */
export interface Product {
  readonly line: Line;
  readonly weight: string;
  readonly isTransposed: boolean;
  readonly bias: { readonly name: string; readonly add: Line | undefined } | undefined;
}

export interface Around {
  readonly readers: ReadonlyMap<string, readonly Line[]>;
  readonly constants: Constants;
}

/** The products that read a tensor, or nothing where something else does. */
export function productsOf(model: Draft["model"], tensor: string, size: number, around: Around): Product[] | undefined {
  const { readers, constants } = around;
  if (constants.isOutput(tensor)) return undefined;
  const products: Product[] = [];
  for (const line of readers.get(tensor) ?? []) {
    if (line.inputs[0] !== tensor || line.inputs.indexOf(tensor, 1) >= 0) return undefined;
    if (line.takes.length > line.inputs.filter((name) => name !== "").length) return undefined;
    const behind = isView(model, line) ? productsOf(model, line.outputs[0] as string, size, around) : undefined;
    const product = behind ?? productOf(model, line, size, around);
    if (product === undefined) return undefined;
    products.push(...[product].flat());
  }
  return products;
}

/** Rows stay rows: a product that takes rows of the same length behind it has proved it for a Reshape. */
function isView(model: Draft["model"], line: Line): boolean {
  const op = opOf(line);
  if (["Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity"].includes(op)) return true;
  if (op !== "Transpose" || line.made !== undefined) return false;
  const perm = model.attribute(line.at, "perm")?.integers(8) ?? [];
  return perm.length > 0 && perm.at(-1) === perm.length - 1;
}

function productOf(model: Draft["model"], line: Line, size: number, { readers, constants }: Around) {
  const [, weight, bias] = line.inputs;
  const shape = weight === undefined ? undefined : constants.shape(weight);
  const op = opOf(line);
  if (weight === undefined || shape?.length !== 2 || (line.made !== undefined && op !== "MatMul")) return undefined;
  const attribute = (name: string) => model.attribute(line.at, name);
  if (op === "Gemm") {
    const isTransposed = (attribute("transB")?.integer ?? 0) !== 0;
    const isPlain = (attribute("alpha")?.float ?? 1) === 1 && (attribute("beta")?.float ?? 1) === 1;
    if (!isPlain || (attribute("transA")?.integer ?? 0) !== 0 || shape[isTransposed ? 1 : 0] !== size) return undefined;
    const width = shape[isTransposed ? 0 : 1] as number;
    if (bias === undefined || bias === "") return { line, weight, isTransposed, bias: undefined };
    return isRow(bias, width, constants)
      ? { line, weight, isTransposed, bias: { name: bias, add: undefined } }
      : undefined;
  }
  if (op === "com.microsoft:Attention" && shape[0] === size) {
    const isBias = bias !== undefined && isRow(bias, shape[1] as number, constants);
    return isBias ? { line, weight, isTransposed: false, bias: { name: bias, add: undefined } } : undefined;
  }
  if (op !== "MatMul" || shape[0] !== size) return undefined;
  const width = shape[1] as number;
  const [product] = line.outputs as [string];
  const [add, ...others] = readers.get(product) ?? [];
  const isAdded = add !== undefined && others.length === 0 && opOf(add) === "Add" && !constants.isOutput(product);
  const name = isAdded ? add.inputs.find((input) => input !== product) : undefined;
  const isBias = name !== undefined && isRow(name, width, constants);
  return { line, weight, isTransposed: false, bias: isBias ? { name, add } : undefined } as Product;
}

function isRow(name: string, width: number, constants: Constants): boolean {
  const shape = constants.shape(name);
  return shape?.length === 1 && shape[0] === width;
}
