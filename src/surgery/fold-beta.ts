/**
 * Folds what is added to a norm into the products that read it.
 *
 *   y = MatMul(Add(n, beta), W) + c
 *   ->
 *   y = MatMul(n, W) + c',  c' = c + beta W
 *
 * Exact; computed in float64. Every reader must be a product with a constant weight, perhaps behind nodes that only place
 * rows (channels.ts). A MatMul without a bias gets an Add; not if there would be more of them than go.
 */

import type { NewNode } from "../onnx/encode.ts";
import { type Draft, kept, type Line, made, opOf, renamed } from "./draft.ts";
import { type Constants, type Product, productsOf } from "./products.ts";

/** The tensors that norms make of which it was folded, with how many Adds came in for that. */
export function foldBetas(draft: Draft, norms: Iterable<string>, constants: Constants): ReadonlyMap<string, number> {
  const folded = new Map<string, number>();
  for (let open = [...norms]; open.length > 0; ) {
    const round = { draft, constants, instead: new Map<Line, readonly Line[]>() };
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

interface Round {
  readonly draft: Draft;
  readonly constants: Constants;
  readonly instead: Map<Line, readonly Line[]>;
}

/** How many Adds came in; nothing where it cannot be folded. */
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

/** The product with the bias that it now has. */
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
  const node = (opType: string, inputs: readonly string[], output: string): NewNode => {
    return { name: output, opType, domain: "", inputs, outputs: [output], attributes: {} };
  };
  const at = line.at;
  return [
    [
      line,
      [made(at, node("MatMul", now.inputs, plain)), made(at, { ...node("Add", [plain, name], result), name: at.name })],
    ],
  ];
}
