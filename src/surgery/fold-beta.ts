/**
 * Folds what is added to a norm into the products that read it.
 *
 *   y = MatMul(Add(n, beta), W) + c
 *   ->
 *   y = MatMul(n, W) + c',  c' = c + beta W
 *
 * Exact; computed in float64. Every reader must be a product with a constant weight, perhaps behind Reshape or Transpose
 * that leave the last axis. A product without a bias gets an Add; not if there would be more of them than go.
 */

import type { NewNode } from "../onnx/encode.ts";
import { type Draft, kept, type Line, made, opOf } from "./draft.ts";

/** What folding asks of the model and the constants that are new. */
export interface Constants {
  /** The shape of a constant, of the model or new; nothing of other tensors. */
  readonly shape: (name: string) => readonly number[] | undefined;
  readonly numbers: (name: string) => Float64Array;
  /** Adds a constant of one axis, with the element type of another, and returns its name. */
  readonly add: (numbers: Float64Array, like: string, hint: string) => string;
  readonly isOutput: (name: string) => boolean;
  readonly fresh: (hint: string) => string;
}

/** A product, and the Add of its bias where it has one behind it. */
interface Product {
  readonly line: Line;
  readonly weight: string;
  readonly isTransposed: boolean;
  readonly bias: { readonly name: string; readonly add: Line | undefined } | undefined;
}

/** The tensors that norms make of which it was folded, with how many Adds came in for that. */
export function foldBetas(draft: Draft, norms: Iterable<string>, constants: Constants): ReadonlyMap<string, number> {
  const folded = new Map<string, number>();
  for (let open = [...norms]; open.length > 0; ) {
    const round = { draft, readers: draft.readers, constants, instead: new Map<Line, readonly Line[]>() };
    // What takes a line that another has changed waits for the next round.
    open = open.filter((norm) => {
      const added = foldBeta(norm, round);
      if (typeof added === "number") folded.set(norm, added);
      return added === "later";
    });
    draft.replace(round.instead);
  }
  return folded;
}

interface Round extends Around {
  readonly draft: Draft;
  readonly instead: Map<Line, readonly Line[]>;
}

/** How many Adds came in; nothing where it cannot be folded. */
function foldBeta(norm: string, { draft, readers, constants, instead }: Round): number | "later" | undefined {
  const [add, ...others] = readers.get(norm) ?? [];
  if (add?.made === undefined || others.length > 0 || opOf(add) !== "Add" || constants.isOutput(norm)) return undefined;
  const beta = add.inputs[1] as string;
  const [sum] = add.outputs as [string];
  const size = constants.shape(beta);
  if (size?.length !== 1) return undefined;
  const found = productsOf(draft.model, sum, size[0] as number, { readers, constants });
  if (found === undefined || found.length === 0) return undefined;
  const added = found.filter(({ bias }) => bias === undefined).length;
  if (added > 1) return undefined;
  const direct = new Map((readers.get(sum) ?? []).map((line) => [line, renamed(draft, line, sum, norm)]));
  const touched = [add, ...direct.keys(), ...found.flatMap(({ line, bias }) => [line, bias?.add ?? line])];
  if (touched.some((line) => instead.has(line))) return "later";
  const shift = constants.numbers(beta);
  for (const [line, now] of direct) instead.set(line, [now]);
  for (const product of found) {
    const now = direct.get(product.line) ?? product.line;
    for (const [line, lines] of withBias(draft, product, now, shift, constants)) instead.set(line, lines);
  }
  instead.set(add, []);
  return added;
}

function renamed({ model }: Draft, line: Line, from: string, to: string): Line {
  const inputs = line.inputs.map((name) => (name === from ? to : name));
  return line.made === undefined ? kept(model, line.at, inputs) : made(line.at, { ...line.made, inputs });
}

interface Around {
  readonly readers: ReadonlyMap<string, readonly Line[]>;
  readonly constants: Constants;
}

/** The products that read a tensor, or nothing where something else does. */
function productsOf(model: Draft["model"], tensor: string, size: number, around: Around): Product[] | undefined {
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
  if (weight === undefined || shape?.length !== 2 || line.made !== undefined) return undefined;
  const attribute = (name: string) => model.attribute(line.at, name);
  const op = opOf(line);
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

/** The product with the bias that it now has. */
function withBias(
  draft: Draft,
  { line, weight, isTransposed, bias }: Product,
  now: Line,
  shift: Float64Array,
  constants: Constants,
): [Line, Line[]][] {
  const numbers = constants.numbers(weight);
  const width = numbers.length / shift.length;
  const was = bias && constants.numbers(bias.name);
  const sums = Float64Array.from({ length: width }, (_, column) => was?.[column] ?? 0);
  for (let column = 0; column < width; column++) {
    let sum = sums[column] as number;
    for (let i = 0; i < shift.length; i++) {
      sum += (shift[i] as number) * (numbers[isTransposed ? column * shift.length + i : i * width + column] as number);
    }
    sums[column] = sum;
  }
  const name = constants.add(sums, weight, `${bias?.name ?? weight}_shifted`);
  if (opOf(line) !== "MatMul") {
    return [[line, [kept(draft.model, now.at, [...now.inputs.slice(0, 2), name, ...now.inputs.slice(3)])]]];
  }
  if (bias?.add !== undefined) {
    const { add } = bias;
    return [
      [line, [now]],
      [add, [renamed(draft, add, bias.name, name)]],
    ];
  }
  const [product] = line.outputs as [string];
  const plain = constants.fresh(`${product}_product`);
  const node = (opType: string, inputs: readonly string[], output: string): NewNode => {
    return { name: output, opType, domain: "", inputs, outputs: [output], attributes: {} };
  };
  const at = line.at;
  return [
    [
      line,
      [
        made(at, node("MatMul", now.inputs, plain)),
        made(at, { ...node("Add", [plain, name], product), name: at.name }),
      ],
    ],
  ];
}
