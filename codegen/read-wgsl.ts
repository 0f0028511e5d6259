/**
 * A kernel's program from its WGSL: what the text says, whatever it was printed from. Functions of the library, and those
 * that pack halves, count by their names; all else is read as it stands.
 */

import { libraryNames, type WgslFunction, wgslFunctionName, wgslFunctions } from "../src/ir/ops/wgsl-functions.ts";
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
  type ExpressionOf,
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
import { type Program, Statements } from "../src/kernel/statement.ts";
import { type Scalar, type Type, typeOf, u32 } from "../src/kernel/types.ts";
import { bufferFunctionNames, maskOf, packName } from "./buffers.ts";
import {
  readTree,
  type Tree,
  type TreeFunction,
  type TreeModule,
  type TreeStatement,
  type TreeVariable,
} from "./wgsl-syntax.ts";

/** What a text is read with: what it is bound to. */
interface Interface {
  readonly name: string;
  readonly entryPoint: string;
  /** What lies in each buffer, by its name in the text; how it is declared, the text says. */
  readonly buffers: readonly Buffer[];
}

/** A program, and where the text expects its buffers. */
interface ReadKernel {
  readonly program: Program;
  /** The names of buffers, by their numbers. */
  readonly bindings: readonly string[];
  /** The fields of the uniform buffer, in their order. */
  readonly uniforms: readonly string[];
}

const isKnown = (name: string) =>
  libraryNames.includes(name) || bufferFunctionNames.includes(name) || name.startsWith("store_");

/** @throws Error with what the text has that no kernel has. */
export function readWgsl(wgsl: string, given: Interface): ReadKernel {
  return new KernelReader(readTree(wgsl, isKnown), given).kernel();
}

const libraryByName = new Map<string, WgslFunction>(
  (Object.keys(wgslFunctions) as WgslFunction[]).flatMap((name) =>
    [1, 2, 4].map((width) => [wgslFunctionName(name, width), name] as const),
  ),
);

const letters: Readonly<Record<string, Scalar>> = { f: "f32", h: "f32", i: "i32", u: "u32" };
const scalars: Readonly<Record<string, Scalar>> = { f32: "f32", f16: "f32", i32: "i32", u32: "u32", bool: "bool" };

/** Halves are computed in f32. */
function typeNamed(text: string): Type | undefined {
  const [, width, letter, scalar] = /^vec([24])(?:([fhiu])|<(\w+)>)$/.exec(text) ?? [];
  const of = width === undefined ? scalars[text] : letter === undefined ? scalars[scalar as string] : letters[letter];
  return of && typeOf(of, Number(width ?? 1));
}

const sameTree = (a: Tree, b: Tree) => JSON.stringify(a) === JSON.stringify(b);

/** Whether the text is what stands before the operator, and after it the number: an index by its vector, or in it. */
const isSplit = (tree: Tree, operator: "/" | "%", by: number): tree is Extract<Tree, { kind: "infix" }> =>
  tree.kind === "infix" && tree.operator === operator && sameTree(tree.right, { kind: "number", text: `${by}u` });
const member = (of: string, name: string): Tree => ({ kind: "member", of: { kind: "name", name: of }, name });
const infix = (operator: string, left: Tree, right: Tree): Tree => ({ kind: "infix", operator, left, right });
/** The number of a workgroup in a dispatch of two dimensions. */
const groupNumber = infix("+", member("group", "x"), infix("*", member("group", "y"), member("groups", "x")));
/** 0: a dispatch has one workgroup along z. */
const zeroBits = infix("-", member("groups", "z"), { kind: "number", text: "1u" });

const zeroBit: Tree = { kind: "number", text: "0u" };

const isDimension = (name: string) => name.startsWith("dim_");
const nameOfDimension = (name: string) => name.replace(/^dim_/, "");
/** The index of what is read: `(i) / n` says which vector or word, and `(i) % n` which of its parts. */
function dividedBy(n: number, quotient: Tree, rest: Tree): Tree {
  if (!isSplit(quotient, "/", n) || !isSplit(rest, "%", n)) throw new Error("an element is read in no known way");
  if (!sameTree(quotient.left, rest.left)) throw new Error("an element is read from the vector of another");
  return quotient.left;
}

/** How many elements a function unpacks; `undefined` of one that is none. */
function unpackedBy(name: string): number | undefined {
  if (name === "unpack2x16float") return 2;
  if (name === "unpack_halves") return 4;
  return name.startsWith("unpack_") ? Number(/_v(\d)$/.exec(name)?.[1] ?? 1) : undefined;
}

/** Whether a part of a tree has this name, or stores in parts of the words that it names. */
function mentions(tree: unknown, name: string): boolean {
  if (typeof tree === "string") return tree === name || tree === `store_${name}` || tree === `store_word_${name}`;
  return typeof tree === "object" && tree !== null && Object.values(tree).some((part) => mentions(part, name));
}

class KernelReader {
  private readonly module: TreeModule;
  private readonly given: Interface;
  private readonly buffers = new Map<string, Buffer>();
  private readonly shared: Variable[] = [];
  private readonly functions = new Map<string, KernelFunction>();
  private scope = new Map<string, Variable>();
  private readonly to = new Statements();
  /** The number of the workgroup. */
  private group: Expression | undefined;

  constructor(module: TreeModule, given: Interface) {
    this.module = module;
    this.given = given;
  }

  kernel(): ReadKernel {
    const { variables, enables, overrides, structs, functions } = this.module;
    const { entryPoint } = this.given;
    const main = functions.find(({ name }) => name === entryPoint);
    if (main === undefined) throw new Error(`there is no \`${entryPoint}\``);
    const isOther = ({ name, attributes }: TreeVariable) =>
      variables.some((one) => one.name !== name && one.attributes === attributes) && !mentions(main.body, name);
    const bindings: string[] = [];
    for (const variable of variables) {
      const { name, attributes, space, type } = variable;
      const number = /^@group\(0\)@binding\((\d+)\)$/.exec(attributes)?.[1];
      const [, element = "", length] = /^array<(.*?)(?:,(\d+)u?)?>$/.exec(type) ?? [];
      if (space === "workgroup") {
        const of = this.typeOf(element);
        this.shared.push({ name, type: of, length: Number(length), isMutable: true, isShared: true });
      } else if (space === "uniform") bindings[Number(number)] = name;
      // Of several at one place, an entry point has the one that it reads or writes.
      else if (!isOther(variable)) {
        bindings[Number(number)] = name;
        const tensors = this.given.buffers.filter(({ storage }) => storage !== "uniform");
        this.addBuffer(name, tensors[Number(number)], space, element);
      }
    }
    const uniforms = (structs.get("Dims") ?? []).map(({ name }) => name);
    for (const { name, type } of structs.get("Dims") ?? []) {
      const scalar = this.given.buffers.find(({ wgsl }) => wgsl === name);
      if (!isDimension(name)) this.addBuffer(name, scalar, "uniform", type);
    }
    for (const array of this.shared) this.scope.set(array.name, array);
    for (const one of functions) {
      if (!one.attributes.includes("@compute")) this.functions.set(one.name, this.function(one));
    }
    const sizeOf = (attribute: string) => new RegExp(`@${attribute}\\((\\d+)\\)`).exec(main.attributes)?.[1];
    const workgroupSize = Number(sizeOf("workgroup_size"));
    const subgroup = sizeOf("subgroup_size");
    this.to.bind("grid", "group", undefined, (group) => {
      this.group = group;
      this.block(main.body);
    });
    const buffers = [...this.buffers.values()];
    const dims = [
      ...uniforms.filter(isDimension).map((name) => ({ name: nameOfDimension(name), isOverride: false })),
      ...overrides.map((name) => ({ name: nameOfDimension(name), isOverride: true })),
    ];
    const program = {
      ...{ name: this.given.name, entryPoint, enables, dims, buffers, shared: this.shared },
      ...{ workgroupSize, ...(subgroup && { subgroupSize: Number(subgroup) }), body: this.to.all },
    };
    return { program, bindings, uniforms };
  }

  private typeOf(text: string): Type {
    const type = typeNamed(text);
    if (type === undefined) throw new Error(`\`${text}\` is no type of a kernel`);
    return type;
  }

  private addBuffer(name: string, buffer: Buffer | undefined, space: string, element: string): void {
    if (buffer === undefined) throw new Error(`there is no buffer \`${name}\``);
    const access = space.includes("read_write") ? "read_write" : "read";
    this.buffers.set(name, { ...buffer, access, type: this.bufferType(buffer, element) });
  }

  /** Words that hold several elements are read and written as so many numbers: one where they are put in with atomics. */
  private bufferType({ storage, access, type }: Buffer, element: string): Type {
    if (!isPacked(storage)) return this.typeOf(element);
    const whole = element === "u32" && access === "read_write" ? elementsInWord(storage) : 1;
    return typeOf(type.scalar, element === "vec2u" ? 4 : whole);
  }

  private function({ name, parameters, body }: TreeFunction): KernelFunction {
    const outer = this.scope;
    this.scope = new Map();
    const variables = parameters.map(
      (one): Variable => ({
        name: one.name,
        type: this.typeOf(one.type),
        isMutable: false,
      }),
    );
    for (const variable of variables) this.scope.set(variable.name, variable);
    const steps: KernelFunction["steps"][number][] = [];
    let result: Expression | undefined;
    for (const statement of body) {
      if (statement.kind === "let") {
        const value = this.value(statement.value as Tree);
        const variable: Variable = { name: statement.name, type: value.type, isMutable: false };
        steps.push({ variable, value });
        this.scope.set(statement.name, variable);
      } else if (statement.kind === "return") result = this.value(statement.value as Tree);
      else throw new Error(`a ${statement.kind} stands in \`${name}\``);
    }
    this.scope = outer;
    if (result === undefined) throw new Error(`\`${name}\` returns nothing`);
    return { name, summary: "", parameters: variables, steps, result };
  }

  /** Names of a block end with it. */
  private block(statements: readonly TreeStatement[]): void {
    const outer = this.scope;
    this.scope = new Map(outer);
    for (const statement of statements) this.statement(statement);
    this.scope = outer;
  }

  private variable(name: string): Variable {
    const found = this.scope.get(name);
    if (found === undefined) throw new Error(`\`${name}\` is not defined here`);
    return found;
  }

  private statement(statement: TreeStatement): void {
    const { to } = this;
    switch (statement.kind) {
      case "let":
      case "var": {
        const { kind, name, type, value } = statement;
        if (value === undefined) {
          const [, element = "", length] = /^array<(.*),(\d+)u?>$/.exec(type) ?? [];
          this.scope.set(name, to.array(name, this.typeOf(element), Number(length)));
          return;
        }
        const made = kind === "let" ? to.define(name, this.value(value)) : to.variable(name, this.value(value));
        this.scope.set(name, (made as { variable: Variable }).variable);
        return;
      }
      case "assign": {
        const { target, operator, value } = statement;
        const buffer = target.kind === "element" && target.of.kind === "name" && this.buffers.get(target.of.name);
        if (target.kind === "element" && buffer) {
          to.store(buffer, this.value(target.index), this.stored(value, buffer));
          return;
        }
        if (operator === "-" || operator === "/") throw new Error(`\`${operator}=\` stands outside of a loop`);
        to.assign(this.value(target), this.value(value), operator === "" ? undefined : (operator as "+" | "*"));
        return;
      }
      case "call": {
        const { name, args } = statement.call as Extract<Tree, { kind: "call" }>;
        const buffer = this.buffers.get(name.replace(/^store_(word_)?/, ""));
        if (name === "workgroupBarrier") to.barrier();
        else if (buffer) {
          const [index, value] = args.slice(0, 2).map((arg) => this.value(arg)) as [Expression, Expression];
          if (args[2] === undefined) to.store({ ...buffer, type: value.type }, index, value);
          else to.storeWord({ ...buffer, type: typeOf(value.type.scalar) }, index, value, this.partsIn(args[2]));
        } else throw new Error(`\`${name}\` is called for nothing`);
        return;
      }
      case "if":
        to.when(this.value(statement.condition), () => this.block(statement.body));
        return;
      case "block":
        to.scope(() => this.block(statement.body));
        return;
      case "for":
        this.loop(statement);
        return;
      default:
        throw new Error(`a ${statement.kind} stands in \`main\``);
    }
  }

  private loop({ first, condition, next, body }: Extract<TreeStatement, { kind: "for" }>): void {
    if (first.kind !== "var" || first.value === undefined) throw new Error("a loop counts with a variable of its own");
    const { name } = first;
    const counts = (tree: Tree) => tree.kind === "name" && tree.name === name;
    if (condition.kind !== "infix" || !counts(condition.left) || next.kind !== "assign" || !counts(next.target)) {
      throw new Error(`the loop over \`${name}\` does not count`);
    }
    const from = this.value(first.value);
    const bound = this.value(condition.right);
    const by = next.value.kind === "number" ? Number(next.value.text.replace(/u$/, "")) : Number.NaN;
    const outer = this.scope;
    const turn = (at: Expression) => {
      this.scope = new Map(outer).set(name, (at as ExpressionOf<"read">).variable);
      this.block(body);
    };
    const ends = bound.kind === "literal" && bound.value === 0 && condition.operator === ">";
    if (next.operator === "+" && by > 0 && condition.operator === "<") this.to.loop(name, from, bound, by, turn);
    else if (next.operator === "/" && by === 2 && ends && from.kind === "literal")
      this.to.halving(name, from.value, turn);
    else throw new Error(`the loop over \`${name}\` goes on in no known way`);
    this.scope = outer;
  }

  /** What is written into a buffer: narrow types without how they are packed, truth values as numbers. */
  private stored(value: Tree, { storage, type, element }: Buffer): Expression {
    if (!isPacked(storage) && storage !== "f16") return this.value(value);
    let at = value;
    if (storage === "f16") {
      // `vec4h(unpack_halves(pack_halves(x)))`, `vec2h(unpack2x16float(...))`, `f16(unpack2x16float(...).x)`
      at = this.argumentOf(at, type.width === 1 ? "f16" : `vec${type.width}h`);
      if (type.width === 1) {
        if (at.kind !== "member" || at.name !== "x") throw new Error("a half is not the first one of its word");
        at = at.of;
      }
      at = this.argumentOf(at, type.width === 4 ? "unpack_halves" : "unpack2x16float");
    }
    return this.value(this.argumentOf(at, packName(element, type.width)));
  }

  private argumentOf(tree: Tree, name: string): Tree {
    if (tree.kind === "call" && tree.name === name && tree.args.length === 1) return tree.args[0] as Tree;
    throw new Error(`what is stored is no \`${name}\``);
  }

  private value(tree: Tree): Expression {
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
    if (this.module.overrides.includes(name)) return dimension(nameOfDimension(name));
    throw new Error(`\`${name}\` is not defined here`);
  }

  private infix(tree: Extract<Tree, { kind: "infix" }>): Expression {
    if (sameTree(tree, groupNumber)) return this.group as Expression;
    const { operator } = tree;
    const [left, right] = [this.value(tree.left), this.value(tree.right)];
    if (operator === "!=") return unary("!", equals(left, right));
    if (operator === "||") throw new Error(`\`${operator}\` is no operator of a kernel`);
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
    if (name.length !== 1 || index < 0) throw new Error(`\`.${name}\` is no component`);
    return component(this.value(of), index);
  }

  /** `select(0u, 0xffffu, isFirst) | select(0u, 0xffff0000u, isSecond)`: which parts of a word are there. */
  private partsIn(mask: Tree): readonly Expression[] {
    const terms: Tree[] = [];
    let rest = mask;
    for (; rest.kind === "infix" && rest.operator === "|"; rest = rest.left) terms.unshift(rest.right);
    terms.unshift(rest);
    return terms.map((term, i) => {
      const of: readonly Tree[] = term.kind === "call" && term.name === "select" ? term.args : [];
      const own: Tree = { kind: "number", text: maskOf(i, terms.length) };
      if (of.length !== 3 || !sameTree(of[0] as Tree, zeroBit) || !sameTree(of[1] as Tree, own))
        throw new Error("a word is stored by an unknown mask");
      return this.value(of[2] as Tree);
    });
  }

  private element({ of, index }: Extract<Tree, { kind: "element" }>): Expression {
    if (of.kind === "call" && of.name === "unpack2x16float") return this.packed(of.args[0] as Tree, 1, index);
    if (of.kind === "element" && of.of.kind === "name") return this.ofVector(of.of.name, of.index, index);
    if (of.kind !== "name") throw new Error("an element of what is no array");
    const buffer = this.buffers.get(of.name);
    if (buffer !== undefined) return load(buffer, this.value(index));
    return item(this.variable(of.name), this.value(index));
  }

  /** `vectors[(i) / 4u][(i) % 4u]`. */
  private ofVector(name: string, vector: Tree, which: Tree): Expression {
    const buffer = this.buffers.get(name);
    if (buffer === undefined || buffer.type.width === 1) throw new Error("an element of what is no array");
    return load(buffer, this.value(dividedBy(buffer.type.width, vector, which)), 1);
  }

  /**
   * `unpack2x16float(words[(i) / 2u])[(i) % 2u]`, `unpack_i8_v2(words[(i) / 2u], (i) % 2u)`, and one element of vectors of
   * two words, `unpack_bf16(words[(i) / 4u][((i) % 4u) / 2u], (i) % 2u)`.
   * @param which the part of the word, if it is not all of it.
   */
  private packed(word: Tree, width: number, which: Tree | undefined): Expression {
    if (word.kind !== "element") throw new Error("a word is read in no known way");
    const vector = word.of.kind === "element" ? word.of : undefined;
    const array = vector?.of ?? word.of;
    const buffer = array.kind === "name" ? this.buffers.get(array.name) : undefined;
    if (buffer === undefined || !isPacked(buffer.storage)) throw new Error("what is unpacked is no word of a buffer");
    const perWord = elementsInWord(buffer.storage);
    let at = word.index;
    if (vector !== undefined) {
      const inVector = at.kind === "infix" ? at.left : at;
      if (which === undefined || !isSplit(at, "/", perWord)) throw new Error("a word is read in no known way");
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
    throw new Error("bits of a number are changed");
  }
}
