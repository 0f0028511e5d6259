/**
 * What can be folded from a row into the constant weights of the products that read it.
 *
 *   linear(u * g, W, c)     =  linear(u, W diag(g), c)
 *   linear(u + b, W, c)     =  linear(u, W, c + W b)
 *   linear(center(u), W, c) =  linear(u, W - rowmean(W), c)
 *
 * and likewise for matmul, whose weight is transposed. Exact if every reader of the row is such a product, possibly after
 * reshapes and transposes that keep rows intact. The new weights are constants computed from the old ones.
 */

import type { Miss } from "../src/diagnostics/areas/rewrites.ts";
import { type Builder, rewrite } from "../src/ir/builder.ts";
import { append } from "../src/ir/groups.ts";
import { type Const, constantValue, definedBy, type Fn, isLeaf, type Op, usesOf, type Value } from "../src/ir/ir.ts";
import { quoted, quotedOp } from "../src/ir/naming.ts";
import { attribute } from "../src/ir/ops/attributes.ts";
import { ops } from "../src/ir/ops/index.ts";
import { sameShape } from "../src/ir/types.ts";
import type { Steps } from "../src/pass/trail.ts";
import { withoutDeadOps } from "./dce.ts";

/** A product of a row with a constant matrix. */
export interface Product {
  readonly op: Op;
  /** The name of the constant that is its weight. */
  readonly weight: string;
  /** The axis of the weight that is multiplied with the row. */
  readonly axis: -1 | -2;
  /** The constant that is added to it: its bias, or an operand of its only reader. */
  readonly bias: { readonly constant: string; readonly add: Op | undefined } | undefined;
}

/** The products that are the only readers of a row, and the values in between. */
interface Readers {
  readonly products: readonly Product[];
  readonly between: readonly Value[];
}

/** The name of the constant, if the value is one. */
export const globalOf = (value: Value | undefined): string | undefined => definedBy(value, "global")?.attributes.name;

/** The readers of a function's values. */
export class ProductReaders {
  private readonly uses: ReturnType<typeof usesOf>;
  private readonly readersOf = new Map<string, Op[]>();
  private readonly returned = new Set<string>();

  constructor(fn: Fn) {
    this.uses = usesOf(fn);
    for (const op of fn.ops) {
      for (const name of new Set(op.operands.map(globalOf))) {
        if (name !== undefined) append(this.readersOf, name, op);
      }
    }
    for (const { value } of fn.results) this.returned.add(globalOf(value) ?? "");
  }

  /**
   * The products, or another reader of the row.
   * @param isLinear whether a multiplication by a number may be in between: it commutes with factors, but not with terms.
   */
  of(row: Value, isLinear: boolean): Readers | Miss {
    const between = new Set([row]);
    const products: Product[] = [];
    for (const at of between) {
      const { ops: readers, returned } = this.uses(at);
      if (returned) return missed(`${quoted(at)} is returned`, at);
      for (const op of readers) {
        const product = this.product(op, at);
        if (product !== undefined && "because" in product) return product;
        if (product !== undefined) products.push(product);
        else if (keepsRows(op) || (isLinear && scalesRows(op))) between.add(op.result);
        else return missed(`${quoted(at)} is read by ${quotedOp(op)}`, op.result);
      }
    }
    return products.length > 0 ? { products, between: [...between] } : missed(`nothing reads ${quoted(row)}`, row);
  }

  /** Why the weights cannot change, if something else reads one of them. */
  tied({ products }: Readers): Miss | undefined {
    const own = new Set(products.map(({ op }) => op));
    for (const { op, weight } of products) {
      const others = this.readersOf.get(weight)?.filter((reader) => !own.has(reader)) ?? [];
      if (others.length > 0 || this.returned.has(weight)) {
        return missed(`\`${weight}\` has other readers, which need it as it is`, op.operand(1));
      }
    }
    return undefined;
  }

  private product(op: Op, row: Value): Product | Miss | undefined {
    if (op.name !== "linear" && op.name !== "matmul") return undefined;
    const [left, right] = [op.operand(0), op.operand(1)];
    const weight = globalOf(right);
    if (left !== row || right === row) return missed(`${quoted(row)} is the weight of ${quotedOp(op)}`, op.result);
    if (weight === undefined || right.shape.length !== 2) {
      return missed(`${quoted(right)}, by which ${quotedOp(op)} multiplies, is not a constant matrix`, op.result);
    }
    if (op.name === "matmul") return { op, weight, axis: -2, bias: this.addedTo(op) };
    const constant = globalOf(op.operands[2]);
    if (op.operands[2] === undefined) return { op, weight, axis: -1, bias: undefined };
    if (constant === undefined) return missed(`the bias of ${quotedOp(op)} is not a constant`, op.result);
    return { op, weight, axis: -1, bias: { constant, add: undefined } };
  }

  private addedTo({ result }: Op): Product["bias"] {
    const { ops: readers, returned } = this.uses(result);
    const add = readers.length === 1 && !returned && readers[0]?.name === "add" ? readers[0] : undefined;
    const other = add?.operands.find((operand) => operand !== result);
    const constant = globalOf(other);
    const isRow = other !== undefined && sameShape(other.shape, result.shape.slice(-1));
    return add !== undefined && constant !== undefined && isRow ? { constant, add } : undefined;
  }
}

const missed = (because: string, at: Value): Miss => ({
  because,
  help: "it is folded only if products with constant weights are the only readers of the row and of the weights",
  at: at.span,
});

/** Whether an op moves rows, but keeps each intact. */
function keepsRows(op: Op): boolean {
  const def = ops[op.name];
  if (def.kind !== "shape") return false;
  const x = op.operand(0);
  if (def.move === "permute") {
    const last = attribute.permutation(op.attributes).at(-1);
    return last === -1 || last === x.shape.length - 1;
  }
  return x.shape.length > 0 && x.shape.at(-1) === op.result.shape.at(-1);
}

/** Whether an op multiplies its whole operand by a number. */
function scalesRows(op: Op): boolean {
  if (op.name === "neg") return true;
  const number = constantValue(op.operands.find((operand) => constantValue(operand) !== undefined));
  const isFirst = op.name === "div" && constantValue(op.operands[0]) !== undefined;
  return (op.name === "mul" || op.name === "div") && number !== undefined && !isFirst;
}

/** The rewrite of an op whose effect is folded into the products that read it. */
export interface Folding {
  readonly readers: Readers;
  /** The replacement of its result. */
  readonly becomes: (op: Op, builder: Builder) => Value;
  /** The new weight of a product. */
  readonly weight?: ((product: Product) => Const) | undefined;
  /** The new bias of a product. */
  readonly bias?: ((product: Product) => Const) | undefined;
}

/** What can be folded from an op into products, if anything. */
export type FoldingRule = (op: Op, readers: ProductReaders) => Folding | undefined;

/** One traversal with the rule at each op of `fn`. */
function swept(fn: Fn, rule: FoldingRule) {
  const readers = new ProductReaders(fn);
  const foldings = new Map<Op, Folding>();
  const products = new Map<Op, { readonly product: Product; readonly folding: Folding }>();
  const sums = new Map<Op, { readonly product: Product; readonly folding: Folding }>();
  for (const op of fn.ops) {
    const folding = isLeaf(op) ? undefined : rule(op, readers);
    // A product that another folding changes waits for the next traversal.
    if (folding === undefined || folding.readers.products.some((one) => products.has(one.op))) continue;
    foldings.set(op, folding);
    for (const product of folding.readers.products) {
      products.set(product.op, { product, folding });
      if (product.bias?.add !== undefined && folding.bias !== undefined)
        sums.set(product.bias.add, { product, folding });
    }
  }
  const taken = new Set([...fn.params, ...fn.ops.flatMap(({ results }) => results)].map(({ name }) => name));
  const globals = new Map<string, Value>();
  const read = ({ name, type }: Const, builder: Builder): Value => {
    const value =
      globals.get(name) ?? builder.emit("global", [], { name, ...type }, taken.has(name) ? undefined : name);
    globals.set(name, value);
    return value;
  };
  const rewritten = rewrite(fn, (op, builder, original) => {
    const folded = foldings.get(original);
    if (folded !== undefined) return folded.becomes(op, builder);
    const sum = sums.get(original);
    if (sum !== undefined) {
      const { product, folding } = sum;
      const isBias = (operand: Value | undefined) => globalOf(operand) === product.bias?.constant;
      const bias = read((folding.bias as (product: Product) => Const)(product), builder);
      return builder.emit(
        "add",
        op.operands.map((operand) => (isBias(operand) ? bias : operand)),
      );
    }
    const found = products.get(original);
    if (found === undefined) return undefined;
    const { product, folding } = found;
    const weight = folding.weight ? read(folding.weight(product), builder) : op.operand(1);
    const bias =
      folding.bias !== undefined && product.bias?.add === undefined ? read(folding.bias(product), builder) : undefined;
    if (op.name === "linear") return builder.emit("linear", [op.operand(0), weight, bias ?? op.operands[2]]);
    const result = builder.emit("matmul", [op.operand(0), weight]);
    return bias === undefined ? result : builder.emit("add", [result, bias]);
  });
  // The values in between have different elements now.
  const provenance = new Map<Value, Value | readonly Value[]>(rewritten.provenance);
  for (const { readers } of foldings.values()) for (const value of readers.between) provenance.set(value, []);
  for (const { product } of sums.values()) provenance.set(product.op.result, []);
  return { fn: rewritten.fn, provenance };
}

/** Repeats traversals until no rule applies. */
export function foldIntoProducts(steps: Steps, rules: readonly FoldingRule[]): Steps {
  for (;;) {
    const before = steps.fn;
    for (const rule of rules) steps.take(swept(steps.fn, rule));
    if (steps.fn === before) return steps;
    steps.take(withoutDeadOps(steps.fn));
  }
}
