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
import { type Draft, kept, type Line, made, opOf, renamed } from "./draft.ts";
import { type Around, type Constants, type Product, productsOf } from "./products.ts";

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
  for (const [line, now] of direct) instead.set(line, [now]);
  for (const product of found) {
    const now = direct.get(product.line) ?? product.line;
    for (const [line, lines] of withBias(draft, product, now, beta, constants)) instead.set(line, lines);
  }
  instead.set(add, []);
  return added;
}

/** c + beta W. */
function shifted({ weight, isTransposed, bias }: Product, width: number, beta: string, constants: Constants) {
  const [numbers, shift] = [constants.numbers(weight), constants.numbers(beta)];
  const was = bias && constants.numbers(bias.name);
  return Float64Array.from({ length: width }, (_, column) => {
    let sum = was?.[column] ?? 0;
    for (let i = 0; i < shift.length; i++) {
      sum += (shift[i] as number) * (numbers[isTransposed ? column * shift.length + i : i * width + column] as number);
    }
    return sum;
  });
}

/** The product with the bias that it now has. */
function withBias(draft: Draft, product: Product, now: Line, beta: string, constants: Constants): [Line, Line[]][] {
  const { line, weight, isTransposed, bias } = product;
  const width = constants.shape(weight)?.[isTransposed ? 0 : 1] as number;
  const sums = () => shifted(product, width, beta, constants);
  const name = constants.add([width], sums, weight, `${bias?.name ?? weight}_shifted`);
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
