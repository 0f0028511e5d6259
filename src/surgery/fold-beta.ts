/**
 * Folds the beta of a norm into the matrix products that read it.
 *
 *   y = MatMul(Add(n, beta), W) + c
 *   ->
 *   y = MatMul(n, W) + c',  c' = c + beta W
 *
 * Exact in real arithmetic; c' is computed in float64. Every reader must be a product with a constant weight, perhaps
 * behind nodes that only move rows (channels.ts). A MatMul without a bias gets an Add, unless that takes more than one.
 */

import { newNode } from "../onnx/encode.ts";
import { type Draft, kept, type Line, made, opOf, renamed } from "./draft.ts";
import { type Constants, type Product, productsOf } from "./products.ts";

/**
 * @param norms the results of norms.
 * @returns the norms whose beta was folded, with the number of Adds that this added.
 */
export function foldBetas(draft: Draft, norms: Iterable<string>, constants: Constants): ReadonlyMap<string, number> {
  const folded = new Map<string, number>();
  for (let open = [...norms]; open.length > 0; ) {
    const round = { draft, constants, instead: new Map<Line, readonly Line[]>() };
    // A fold that changes a line that was changed in this round waits for the next one.
    open = open.filter((norm) => {
      const added = foldBeta(norm, round);
      if (typeof added === "number") folded.set(norm, added);
      return added === "later";
    });
    draft.replace(round.instead);
  }
  return folded;
}

interface Round {
  readonly draft: Draft;
  readonly constants: Constants;
  readonly instead: Map<Line, readonly Line[]>;
}

/** The number of Adds that were added; undefined if the beta cannot be folded. */
function foldBeta(norm: string, { draft, constants, instead }: Round): number | "later" | undefined {
  const { readers } = draft;
  const [add, ...others] = readers.get(norm) ?? [];
  if (add?.made === undefined || others.length > 0 || opOf(add) !== "Add" || constants.isOutput(norm)) return undefined;
  const beta = add.inputs[1] as string;
  const [sum] = add.outputs as [string];
  const size = constants.shape(beta);
  if (size?.length !== 1) return undefined;
  const found = productsOf(draft, sum, size[0] as number, constants);
  if (found === undefined || found.length === 0 || found.some(({ isPadded }) => isPadded)) return undefined;
  const added = found.filter(({ bias, takesBias }) => bias === undefined && !takesBias).length;
  if (added > 1) return undefined;
  const direct = new Map((readers.get(sum) ?? []).map((line) => [line, renamed(draft, line, sum, norm)]));
  const touched = [add, ...direct.keys(), ...found.flatMap(({ line, bias }) => [line, bias?.add ?? line])];
  if (touched.some((line) => instead.has(line))) return "later";
  for (const [line, now] of direct) instead.set(line, [now]);
  for (const product of found) {
    const now = direct.get(product.line) ?? product.line;
    for (const [line, lines] of withBias(draft, product, now, beta, constants)) instead.set(line, lines);
  }
  instead.set(add, []);
  return added;
}

/** c + beta W. */
function shifted({ weight, layout, bias }: Product, beta: string, constants: Constants): Float64Array {
  const [numbers, shift] = [constants.numbers(weight), constants.numbers(beta)];
  const sums = new Float64Array(layout.width);
  numbers.forEach((number, i) => {
    const column = layout.columnOf(i);
    sums[column] = (sums[column] as number) + (shift[layout.channelOf(i)] as number) * number;
  });
  const was = bias && constants.numbers(bias.name);
  return was === undefined ? sums : sums.map((sum, column) => sum + (was[column] as number));
}

/** The lines to replace so that the product gets its new bias. */
function withBias(draft: Draft, product: Product, now: Line, beta: string, constants: Constants): [Line, Line[]][] {
  const { line, weight, layout, bias } = product;
  const sums = () => shifted(product, beta, constants);
  const name = constants.add([layout.width], sums, weight, `${bias?.name ?? weight}_shifted`);
  if (product.takesBias) {
    return [[line, [kept(draft.model, now.at, [...now.inputs.slice(0, 2), name, ...now.inputs.slice(3)])]]];
  }
  if (bias?.add !== undefined) {
    const { add } = bias;
    return [
      [line, [now]],
      [add, [renamed(draft, add, bias.name, name)]],
    ];
  }
  const [result] = line.outputs as [string];
  const plain = constants.fresh(`${result}_product`);
  const { at } = line;
  const add = { ...newNode("Add", [plain, name], result), name: at.name };
  return [[line, [made(at, newNode("MatMul", now.inputs, plain)), made(at, add)]]];
}
