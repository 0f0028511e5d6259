/**
 * Expressions of the kernel IR from expressions of WGSL. Elements of packed buffers, and values that are stored into them, are
 * recognized by the form in which buffers.ts prints them.
 */

import { type WgslFunction, wgslFunctionName, wgslFunctions } from "../src/ir/ops/wgsl-functions.ts";
import { type Buffer, elementsInWord, isPacked } from "../src/kernel/buffer.ts";
import {
  apply,
  type BinaryOperator,
  type BuiltinFunction,
  binary,
  builtinFunctions,
  call,
  component,
  construct,
  dimension,
  type Expression,
  equals,
  item,
  type KernelFunction,
  library,
  literal,
  load,
  local,
  opaque,
  read,
  select,
  shuffle,
  subgroupSize,
  unary,
  type Variable,
} from "../src/kernel/expression.ts";

import { type Scalar, type Type, typeOf, u32 } from "../src/kernel/types.ts";
import { maskOf, packName } from "./buffers.ts";
import type { Tree } from "./wgsl-syntax.ts";

const libraryByName = new Map<string, WgslFunction>(
  (Object.keys(wgslFunctions) as WgslFunction[]).flatMap((name) =>
    [1, 2, 4].map((width) => [wgslFunctionName(name, width), name] as const),
  ),
);

/** A quad is four adjacent lanes, as a square whose rows are lanes 0 and 1, 2 and 3. */
const masksOfQuadSwaps = new Map([
  ["quadSwapX", 1],
  ["quadSwapY", 2],
  ["quadSwapDiagonal", 3],
]);

const letters: Readonly<Record<string, Scalar>> = { f: "f32", h: "f32", i: "i32", u: "u32" };
const scalars: Readonly<Record<string, Scalar>> = { f32: "f32", f16: "f32", i32: "i32", u32: "u32", bool: "bool" };

/** The type by its name in WGSL. Halves are computed in f32. */
export function typeNamed(text: string): Type | undefined {
  const [, width, letter, scalar] = /^vec([24])(?:([fhiu])|<(\w+)>)$/.exec(text) ?? [];
  const of = width === undefined ? scalars[text] : letter === undefined ? scalars[scalar as string] : letters[letter];
  return of && typeOf(of, Number(width ?? 1));
}

const sameTree = (a: Tree, b: Tree) => JSON.stringify(a) === JSON.stringify(b);

/** Whether the tree divides by this number, or takes the remainder: the index of a vector, or within it. */
const isSplit = (tree: Tree, operator: "/" | "%", by: number): tree is Extract<Tree, { kind: "infix" }> =>
  tree.kind === "infix" && tree.operator === operator && sameTree(tree.right, { kind: "number", text: `${by}u` });
const member = (of: string, name: string): Tree => ({ kind: "member", of: { kind: "name", name: of }, name });
const infix = (operator: string, left: Tree, right: Tree): Tree => ({ kind: "infix", operator, left, right });
/** The index of a workgroup in a dispatch of two dimensions. */
const groupNumber = infix("+", member("group", "x"), infix("*", member("group", "y"), member("groups", "x")));
/** 0: a dispatch has one workgroup along z. */
const zeroBits = infix("-", member("groups", "z"), { kind: "number", text: "1u" });

const zeroBit: Tree = { kind: "number", text: "0u" };

export const isDimension = (name: string) => name.startsWith("dim_");
export const nameOfDimension = (name: string) => name.replace(/^dim_/, "");

/** The index `i` of an element of which `(i) / n` is the vector or word, and `(i) % n` the part within it. */
function dividedBy(n: number, quotient: Tree, rest: Tree): Tree {
  if (!isSplit(quotient, "/", n) || !isSplit(rest, "%", n)) throw new Error("an element's index has an unknown form");
  if (!sameTree(quotient.left, rest.left)) throw new Error("an element is read from the vector of another");
  return quotient.left;
}

/** The number of elements that a function unpacks; `undefined` if it does not unpack. */
function unpackedBy(name: string): number | undefined {
  if (name === "unpack2x16float") return 2;
  if (name === "unpack_halves") return 4;
  return name.startsWith("unpack_") ? Number(/_v(\d)$/.exec(name)?.[1] ?? 1) : undefined;
}

export class ExpressionReader {
  protected readonly buffers = new Map<string, Buffer>();
  protected readonly functions = new Map<string, KernelFunction>();
  protected scope = new Map<string, Variable>();
  /** The index of the workgroup. */
  protected group: Expression | undefined;
  private readonly overrides: readonly string[];

  constructor(overrides: readonly string[]) {
    this.overrides = overrides;
  }

  protected variable(name: string): Variable {
    const found = this.scope.get(name);
    if (found === undefined) throw new Error(`\`${name}\` is not defined here`);
    return found;
  }

  /** The value that is stored into a buffer, without the functions that pack it. */
  protected stored(value: Tree, { storage, type, element }: Buffer): Expression {
    if (!isPacked(storage) && storage !== "f16") return this.value(value);
    let at = value;
    if (storage === "f16") {
      // `vec4h(unpack_halves(pack_halves(x)))`, `vec2h(unpack2x16float(...))`, `f16(unpack2x16float(...).x)`
      at = this.argumentOf(at, type.width === 1 ? "f16" : `vec${type.width}h`);
      if (type.width === 1) {
        if (at.kind !== "member" || at.name !== "x") throw new Error("a half is not the first of its word");
        at = at.of;
      }
      at = this.argumentOf(at, type.width === 4 ? "unpack_halves" : "unpack2x16float");
    }
    return this.value(this.argumentOf(at, packName(element, type.width)));
  }

  private argumentOf(tree: Tree, name: string): Tree {
    if (tree.kind === "call" && tree.name === name && tree.args.length === 1) return tree.args[0] as Tree;
    throw new Error(`the stored value is not a call of \`${name}\``);
  }

  protected value(tree: Tree): Expression {
    switch (tree.kind) {
      case "number":
        return this.number(tree.text);
      case "name":
        return this.name(tree.name);
      case "prefix":
        return unary(tree.operator as "-" | "!", this.value(tree.operand));
      case "infix":
        return this.infix(tree);
      case "call":
        return this.call(tree);
      case "member":
        return this.member(tree);
      case "element":
        return this.element(tree);
      default:
        return tree satisfies never;
    }
  }

  private number(text: string): Expression {
    if (text.endsWith("u")) return literal(u32, Number(text.slice(0, -1)));
    if (/^\d+i?$/.test(text)) return literal(typeOf("i32"), Number(text.replace("i", "")));
    return literal(typeOf("f32"), Number(text.replace(/[fh]$/, "")));
  }

  private name(name: string): Expression {
    const found = this.scope.get(name);
    if (found !== undefined) return read(found);
    if (name === "local") return local;
    if (name === "subgroupSize") return subgroupSize;
    if (name === "true" || name === "false") return literal(typeOf("bool"), Number(name === "true"));
    if (this.overrides.includes(name)) return dimension(nameOfDimension(name));
    throw new Error(`\`${name}\` is not defined here`);
  }

  private infix(tree: Extract<Tree, { kind: "infix" }>): Expression {
    if (sameTree(tree, groupNumber)) return this.group as Expression;
    const { operator } = tree;
    const [left, right] = [this.value(tree.left), this.value(tree.right)];
    if (operator === "!=") return unary("!", equals(left, right));
    if (operator === "||") throw new Error(`\`${operator}\` is not an operator of the kernel IR`);
    return binary(operator as BinaryOperator, left, right);
  }

  private member({ of, name }: Extract<Tree, { kind: "member" }>): Expression {
    if (of.kind === "name" && of.name === "dims") {
      if (isDimension(name)) return dimension(nameOfDimension(name));
      const scalar = this.buffers.get(name);
      if (scalar !== undefined) return load(scalar, 0);
      throw new Error(`\`dims\` has no \`${name}\``);
    }
    const index = "xyzw".indexOf(name);
    if (name.length !== 1 || index < 0) throw new Error(`\`.${name}\` is not a component`);
    return component(this.value(of), index);
  }

  /** The conditions of the parts of a word: `select(0u, 0xffffu, isFirst) | select(0u, 0xffff0000u, isSecond)`. */
  protected partsIn(mask: Tree): readonly Expression[] {
    const terms: Tree[] = [];
    let rest = mask;
    for (; rest.kind === "infix" && rest.operator === "|"; rest = rest.left) terms.unshift(rest.right);
    terms.unshift(rest);
    return terms.map((term, i) => {
      const of: readonly Tree[] = term.kind === "call" && term.name === "select" ? term.args : [];
      const own: Tree = { kind: "number", text: maskOf(i, terms.length) };
      if (of.length !== 3 || !sameTree(of[0] as Tree, zeroBit) || !sameTree(of[1] as Tree, own))
        throw new Error("the mask of a stored word has an unknown form");
      return this.value(of[2] as Tree);
    });
  }

  private element({ of, index }: Extract<Tree, { kind: "element" }>): Expression {
    if (of.kind === "call" && of.name === "unpack2x16float") return this.packed(of.args[0] as Tree, 1, index);
    if (of.kind === "element" && of.of.kind === "name") return this.ofVector(of.of.name, of.index, index);
    if (of.kind !== "name") throw new Error("a value that is not an array is indexed");
    const buffer = this.buffers.get(of.name);
    if (buffer !== undefined) return load(buffer, this.value(index));
    return item(this.variable(of.name), this.value(index));
  }

  /** `vectors[(i) / 4u][(i) % 4u]`. */
  private ofVector(name: string, vector: Tree, which: Tree): Expression {
    const buffer = this.buffers.get(name);
    if (buffer === undefined || buffer.type.width === 1) throw new Error(`\`${name}\` is not an array of vectors`);
    return load(buffer, this.value(dividedBy(buffer.type.width, vector, which)), 1);
  }

  /**
   * `unpack2x16float(words[(i) / 2u])[(i) % 2u]`, `unpack_i8_v2(words[(i) / 2u], (i) % 2u)`, and one element of vectors of
   * two words, `unpack_bf16(words[(i) / 4u][((i) % 4u) / 2u], (i) % 2u)`.
   * @param which the part of the word, if it is not all of it.
   */
  private packed(word: Tree, width: number, which: Tree | undefined): Expression {
    if (word.kind !== "element") throw new Error("a value that is not a buffer's word is unpacked");
    const vector = word.of.kind === "element" ? word.of : undefined;
    const array = vector?.of ?? word.of;
    const buffer = array.kind === "name" ? this.buffers.get(array.name) : undefined;
    if (buffer === undefined || !isPacked(buffer.storage))
      throw new Error("a value that is not a buffer's word is unpacked");
    const perWord = elementsInWord(buffer.storage);
    let at = word.index;
    if (vector !== undefined) {
      const inVector = at.kind === "infix" ? at.left : at;
      if (which === undefined || !isSplit(at, "/", perWord)) throw new Error("a word's index has an unknown form");
      at = dividedBy(buffer.type.width, vector.index, inVector);
      if (!isSplit(which, "%", perWord) || !sameTree(which.left, at))
        throw new Error("an element is read from the word of another");
    } else if (which !== undefined) at = dividedBy(perWord / width, at, which);
    return load({ ...buffer, type: typeOf(buffer.type.scalar, width) }, this.value(at));
  }

  private call({ name, type, args }: Extract<Tree, { kind: "call" }>): Expression {
    const named = typeNamed(type === "" || name === "bitcast" ? name : `${name}<${type}>`);
    if (named !== undefined) return construct(named, ...args.map((arg) => this.value(arg)));
    if (name === "bitcast") return this.opaque(args[0] as Tree);
    if (name === "infinity" || name === "nan") return literal(typeOf("f32"), name === "nan" ? Number.NaN : Infinity);
    const unpacked = unpackedBy(name);
    if (unpacked !== undefined) return this.packed(args[0] as Tree, unpacked, args[1]);
    const values = args.map((arg) => this.value(arg));
    const [a, b, c] = values as [Expression, Expression, Expression];
    if (name === "select") return select(a, b, c);
    if (name === "subgroupShuffleXor" && b.kind === "literal") return shuffle(a, b.value);
    const mask = masksOfQuadSwaps.get(name);
    if (mask !== undefined) return shuffle(a, mask);
    const known = libraryByName.get(name);
    if (known !== undefined) return library(known, ...values);
    if (Object.hasOwn(builtinFunctions, name)) return call(name as BuiltinFunction, ...values);
    const callee = this.functions.get(name);
    if (callee === undefined) throw new Error(`there is no function \`${name}\``);
    return apply(callee, ...values);
  }

  /** `bitcast<f32>(bitcast<u32>(x) ^ (groups.z - 1u))`: x itself. */
  private opaque(bits: Tree): Expression {
    if (bits.kind === "infix" && bits.operator === "^" && bits.left.kind === "call" && bits.left.name === "bitcast") {
      const mask = bits.right.kind === "call" ? (bits.right.args[0] as Tree) : bits.right;
      if (sameTree(mask, zeroBits)) return opaque(this.value(bits.left.args[0] as Tree));
    }
    throw new Error("the bits of a number are changed");
  }
}
