/**
 * Builds a program for the residual streams of a model: what is added to them, and the norms that read them. Embeddings,
 * positions and the last product of each part are ops with their weights as `const`s; everything between a norm and that
 * product (attention, an activation) is an `extern` op, which passes do not change.
 */

import * as checkpointErrors from "../diagnostics/areas/checkpoints.ts";
import { fail, type Span } from "../diagnostics/diagnostic.ts";
import { type WeightElement, weightElement } from "../formats/safetensors.ts";
import { Builder, makeOp } from "../ir/builder.ts";
import { FreshNames } from "../ir/fresh-names.ts";
import { type Attributes, type Const, type ConstData, type Module, makeFn, makeModule, Value } from "../ir/ir.ts";
import type { OpName } from "../ir/ops/index.ts";
import { type Shape, type TensorType, tensorType } from "../ir/types.ts";
import type { Checkpoint, StoredTensor } from "./checkpoint.ts";
import type { Rewriting } from "./rewriting.ts";

const tokens: Shape = ["batch", "tokens"];

/** The extent of the last dimension of a value. */
export const widthOf = ({ shape }: Value): number => shape.at(-1) as number;

/** Properties that the norms of a model share. */
export interface NormKind {
  readonly eps: number;
  readonly isRms?: boolean;
  /** Whether the norm multiplies by 1 + weight, as in Gemma. */
  readonly isPlusOne?: boolean;
  /** Whether the norm has neither gamma nor beta. */
  readonly isPlain?: boolean;
}

export class StreamProgram {
  readonly checkpoint: Checkpoint;
  private readonly rewriting: Rewriting;
  private readonly folder: string;
  /** For each tensor that is added to a stream, the axis along which its rows are. */
  readonly axes = new Map<string, number>();
  /** The LayerScale that multiplies the rows of a tensor before they are added. */
  readonly scales = new Map<string, string>();
  private readonly plusOne = new Set<string>();
  /** The modules of the program's norms, in order. */
  readonly norms: string[] = [];
  /** The tensor of each `const`, by the `const`'s name. */
  readonly tensors = new Map<string, string>();
  /** For each table with a tied head: the tensors that the head has if untied, and the tensors it reads instead. */
  readonly heads = new Map<string, Readonly<Record<string, string>>>();
  /** Constants by what they contain. */
  private readonly consts = new Map<string, Const>();
  /** The values of constants, by their names. */
  private readonly values = new Map<string, Value>();
  /** The parameters that are tensors of the checkpoint. */
  private readonly fixed = new Map<string, Value>();
  private readonly unused = new FreshNames();
  /** The model's names of the program's values. */
  private readonly modelNames = new Map<string, string>();
  private readonly params: Value[] = [];
  private readonly results: Value[] = [];
  private readonly builder: Builder;
  private readonly name: string;
  private readonly span: Span;

  /** @param folder the prefix of file names in the program. */
  constructor(checkpoint: Checkpoint, rewriting: Rewriting = { centered: new Set(), rms: new Set() }, folder = "") {
    this.checkpoint = checkpoint;
    this.rewriting = rewriting;
    this.folder = folder;
    this.name = checkpoint.config.type.replace(/\W/g, "_");
    this.span = { source: { name: `${this.name}.tir`, text: "" }, start: 0, end: 0 };
    this.builder = new Builder(this.span);
  }

  /** The prefix of tensor names, which differs between checkpoints of a bare model and of a model with a head. */
  prefix(tensor: string): string {
    const found = [...this.checkpoint.tensors.keys()].filter((name) => name === tensor || name.endsWith(`.${tensor}`));
    const shortest = found.sort((a, b) => a.length - b.length)[0];
    return shortest === undefined ? this.missing(tensor) : shortest.slice(0, -tensor.length);
  }

  /** Whether products that read norms are ops of the program. */
  get hasReaders(): boolean {
    return this.rewriting.hasReaders === true;
  }

  extent(tensor: string, axis: number): number {
    return this.stored(tensor, "rows").shape[axis] ?? this.missing(tensor);
  }

  has(tensor: string): boolean {
    return this.checkpoint.tensors.has(tensor);
  }

  /** An embedding of tokens or positions. */
  embedding(tensor: string): Value {
    this.stored(tensor, "a table of rows", 2);
    const ids = this.param(`${this.nameOf(tensor)}_ids`, tensorType("i32", tokens));
    return this.let(tensor, "embedding", [ids, this.read(tensor, 1)]);
  }

  /** A tensor that is added to all sequences: a single row, or a row per position. */
  rows(tensor: string): Value {
    const { shape } = this.stored(tensor, "rows");
    return this.read(tensor, shape.length - 1);
  }

  /** `places` rows that the model computes from its input. */
  input(what: string, width: number, places: number | string): Value {
    const input = this.param(`input_of_${what}`, tensorType("f32", ["batch", "inputs"]));
    return this.extern(what, ["batch", places, width], [input]);
  }

  /** An unknown function of values; it has as many rows as the first. */
  opaque(what: string, width: number, from: readonly Value[]): Value {
    return this.extern(what, (from[0] as Value).shape.with(-1, width), from);
  }

  concat(a: Value, b: Value, places: number): Value {
    return this.extern("concat", ["batch", places, widthOf(a)], [a, b], { rows: [0, 1], kept: [-1] });
  }

  private extern(what: string, shape: Shape, operands: readonly Value[], more: Attributes = {}): Value {
    const options = { places: { op: this.span }, names: [this.unique(what)], types: [tensorType("f32", shape)] };
    return this.builder.add(makeOp("extern", operands, { op: what, ...more }, options)).result;
  }

  /**
   * `torch.nn.Linear`, with a weight of `[out, in]` and an optional bias, of an unknown function of `from`.
   * @param scale the tensor of a LayerScale that multiplies each row of the result.
   */
  linear(module: string, what: string, from: readonly Value[], scale?: string): Value {
    return this.product(module, what, from, "linear", scale);
  }

  /** GPT-2's `Conv1D`, with a weight of `[in, out]`. */
  conv1d(module: string, what: string, from: readonly Value[]): Value {
    return this.product(module, what, from, "matmul");
  }

  /**
   * The products that read a norm, as ops of the program if all readers of the norm are known: the block must have no
   * matrices but those of `reads` and `others`, in which `*` stands for the number of an expert.
   */
  readers(
    x: Value,
    block: string,
    reads: readonly string[],
    others: readonly string[],
    isConv1d = false,
  ): readonly Value[] {
    if (!this.hasReaders || reads.length === 0) return [x];
    const inBlock = [...this.checkpoint.tensors].filter(([name]) => name.startsWith(`${block}.`));
    const named = (modules: readonly string[]) => {
      const patterns = modules.map(
        (module) => new RegExp(`^${module.replaceAll(".", "\\.").replaceAll("*", "\\d+")}$`),
      );
      return inBlock.flatMap(([name, { shape }]) => {
        const module = name.slice(block.length + 1, -".weight".length);
        const isNamed = name.endsWith(".weight") && patterns.some((pattern) => pattern.test(module));
        return isNamed && shape.length === 2 ? [name] : [];
      });
    };
    const found = named(reads);
    const known = new Set([...found, ...named(others)]);
    const isComplete = inBlock.every(([name, { shape }]) => known.has(name) || shape.length < 2 || shape.length > 3);
    if (!isComplete || found.length < reads.length) return [x];
    return found.map((name) => this.reader(name.slice(0, -".weight".length), x, isConv1d));
  }

  /** A product that reads a norm, with its bias. */
  reader(module: string, x: Value, isConv1d = false): Value {
    this.stored(`${module}.weight`, "a matrix", 2);
    const [weight, bias] = [this.written(`${module}.weight`), `${module}.bias`];
    const row = this.has(bias) ? this.written(bias) : undefined;
    if (!isConv1d) return this.let(`${module}_read`, "linear", [x, weight, row]);
    const y = this.let(`${module}_read`, "matmul", [x, weight]);
    return row === undefined ? y : this.let(`${module}_read`, "add", [y, row]);
  }

  /** A product with a weight of `[out, in]` for `linear`, and of `[in, out]` for `matmul`. */
  private product(
    module: string,
    what: string,
    from: readonly Value[],
    op: "linear" | "matmul",
    scale?: string,
  ): Value {
    if (scale !== undefined) for (const part of ["weight", "bias"]) this.scales.set(`${module}.${part}`, scale);
    const { shape } = this.stored(`${module}.weight`, "a matrix", 2);
    const out = op === "linear" ? 0 : 1;
    const x = this.opaque(what, shape[1 - out] as number, from);
    return this.withBias(module, this.let(`${module}_product`, op, [x, this.read(`${module}.weight`, out)]));
  }

  private withBias(module: string, product: Value): Value {
    return this.has(`${module}.bias`) ? this.add(product, this.rows(`${module}.bias`)) : product;
  }

  /** A convolution whose windows do not overlap, as a product with patches. */
  patches(module: string, places: number): Value {
    const { shape } = this.stored(`${module}.weight`, "a convolution's weight");
    const [out = 0, ...window] = shape;
    const inner = window.reduce((product, extent) => product * extent, 1);
    const x = this.input("patches", inner, places);
    const weight = this.builder.emit("reshape", [this.read(`${module}.weight`, 0)], { shape: [out, inner] });
    return this.withBias(module, this.let(`${module}_product`, "linear", [x, weight]));
  }

  add(a: Value, b: Value): Value {
    return this.let("stream", "add", [a, b]);
  }

  norm(module: string, x: Value, { eps, isRms = false, isPlusOne = false, isPlain = false }: NormKind): Value {
    const has = isPlain ? [] : ["weight", "bias"].filter((part) => this.has(`${module}.${part}`));
    if (has.length === 0 && !isRms && !isPlain) this.missing(`${module}.weight`);
    if (isPlusOne) this.plusOne.add(`${module}.weight`);
    const affine = has.map((part) => `${module}.${part}`).filter((tensor) => !this.rewriting.emptied?.has(tensor));
    const operands = affine.map((tensor) => {
      const value = this.rows(tensor);
      const isShifted = isPlusOne && tensor.endsWith(".weight");
      return isShifted ? this.builder.emit("add", [value, this.builder.constant("f32", 1)]) : value;
    });
    this.norms.push(module);
    const attributes = { axes: [-1], eps };
    if (!isRms && !this.rewriting.rms.has(module)) return this.let(module, "layernorm", [x, ...operands], attributes);
    const [gamma, beta] = operands;
    if (beta === undefined) return this.let(module, "rmsnorm", [x, gamma], attributes);
    return this.let(module, "add", [this.builder.emit("rmsnorm", [x, gamma], attributes), beta]);
  }

  /** The value of all elements of a gamma or beta that has no effect. */
  emptyOf(tensor: string): 0 | 1 {
    return tensor.endsWith(".weight") && !this.plusOne.has(tensor) ? 1 : 0;
  }

  /** A head that multiplies by the transposed embedding table; for `own` see `heads`. */
  tiedHead(x: Value, table: string, own: Readonly<Record<string, string>>): void {
    this.stored(table, "a table of rows", 2);
    this.heads.set(table, own);
    this.result(this.let("logits", "linear", [x, this.written(table)]));
  }

  /** Declares a result: what happens with it is not of interest. */
  result(x: Value): void {
    this.results.push(x);
  }

  get module(): Module {
    const results = this.results.map((value, i) => ({ name: `out${i}`, value }));
    const fn = makeFn({ name: this.name, params: this.params, ops: this.builder.ops, results, span: this.span });
    return makeModule([fn], [...this.consts.values()]);
  }

  private missing(tensor: string): never {
    const { folder, config, tensors } = this.checkpoint;
    fail(checkpointErrors.noTensor(folder.name, tensor, config.type, [...tensors.keys()]));
  }

  private stored(tensor: string, expected: string, rank?: number): StoredTensor {
    const entry = this.checkpoint.tensors.get(tensor) ?? this.missing(tensor);
    const fits = weightElement(entry.type) !== undefined && (rank === undefined || entry.shape.length === rank);
    if (fits && !entry.shape.includes(0)) return entry;
    fail(checkpointErrors.wrongTensor(this.checkpoint.folder.name, tensor, expected, entry.type, entry.shape));
  }

  /**
   * The tensor as an f32 value.
   * @param axis the axis along which rows are added to a stream; undefined for any other use.
   */
  private read(tensor: string, axis?: number): Value {
    const { type, shape } = this.checkpoint.tensors.get(tensor) as StoredTensor;
    if (axis !== undefined) this.axes.set(tensor, axis);
    if (this.rewriting.fixed?.has(tensor)) {
      const param = this.fixed.get(tensor) ?? this.param(tensor, tensorType(this.element(type), shape));
      this.fixed.set(tensor, param);
      return this.inFloat(param);
    }
    const isCentered = axis !== undefined && this.rewriting.centered.has(tensor);
    return this.inFloat(this.valueOf(isCentered ? this.centered(tensor, axis) : this.scaled(tensor)));
  }

  private inFloat(value: Value): Value {
    return value.element === "f32" ? value : this.builder.emit("cast", [value], { to: "f32" });
  }

  private valueOf({ name, type }: Const): Value {
    const known = this.values.get(name);
    if (known !== undefined) return known;
    const options = { places: { op: this.span }, names: [name] };
    const { result } = this.builder.add(makeOp("global", [], { name, ...type }, options));
    this.values.set(name, result);
    return result;
  }

  /** A tensor that a product reads, with what was folded into it. */
  private written(tensor: string): Value {
    const folded = this.rewriting.folded?.get(tensor);
    if (folded === undefined) return this.read(tensor);
    const { shape } = this.stored(tensor, "a weight");
    const [weight, by] = [this.loaded(folded.weight), this.loaded(folded.by)];
    const made = (hint: string, op: OpName, operands: readonly Const[], attributes: Attributes = {}) =>
      this.computed(`${tensor} ${hint}`, tensor, op, operands, attributes);
    if (folded.kind === "scaled") {
      const column = () => made("along", "reshape", [by], { shape: [shape[folded.axis] as number, 1] });
      const scaled = made("scaled", "mul", [weight, folded.axis === 1 ? by : column()]);
      return this.valueOf(folded.plusOne ? made("scaled by one more", "add", [weight, scaled]) : scaled);
    }
    const bias = this.loaded(folded.bias);
    if (folded.axis === 1) return this.valueOf(made("shifted", "linear", [by, weight, bias]));
    return this.valueOf(made("shifted", "add", [bias, made("product", "matmul", [by, weight])]));
  }

  private loaded(tensor: string): Const {
    const { type, shape, file } = this.checkpoint.tensors.get(tensor) as StoredTensor;
    const data = { kind: "load", file: this.folder + file, tensor } as const;
    return this.const(tensor, tensor, tensorType(this.element(type), shape), data);
  }

  private element(type: string) {
    return this.hasReaders ? "f32" : (weightElement(type) as WeightElement);
  }

  /** The tensor, multiplied by its LayerScale if it has one. */
  private scaled(tensor: string): Const {
    const scale = this.scales.get(tensor);
    const own = this.loaded(tensor);
    if (scale === undefined) return own;
    const [extent = 0] = this.stored(scale, "a row", 1).shape;
    const row = this.loaded(scale);
    const along = [extent, ...own.type.shape.slice(1).map(() => 1)];
    const column =
      along.length === 1 ? row : this.computed(`${scale} along`, scale, "reshape", [row], { shape: along });
    return this.computed(`${tensor} scaled`, tensor, "mul", [own, column]);
  }

  private centered(tensor: string, axis: number): Const {
    return this.computed(`${tensor} centered`, tensor, "center", [this.scaled(tensor)], { axes: [axis] });
  }

  /** An op on other constants. */
  private computed(
    key: string,
    tensor: string,
    op: OpName,
    operands: readonly Const[],
    attributes: Attributes = {},
  ): Const {
    const values = operands.map(({ type, name }) => new Value(type, name, this.span));
    const made = makeOp(op, values, attributes, { places: { op: this.span } });
    const names = operands.map(({ name }) => name);
    const data = { kind: "computed", op, operands: names, attributes: made.attributes } as const;
    return this.const(key, tensor, made.result.type, data);
  }

  private const(key: string, tensor: string, type: TensorType, data: ConstData): Const {
    const known = this.consts.get(key);
    if (known !== undefined) return known;
    const made = { name: this.unique(key), type, data, centered: [], span: this.span };
    this.consts.set(key, made);
    this.tensors.set(made.name, tensor);
    return made;
  }

  private nameOf(tensor: string): string {
    return tensor.replace(/\W+/g, "_").replace(/^(?=\d)/, "_");
  }

  private unique(text: string): string {
    const base = this.nameOf(text);
    const name = this.unused.next(base, (n) => `${base}_${n + 1}`);
    this.modelNames.set(name, text);
    return name;
  }

  /** A sentence about values of the program, with their names in the model. */
  inModel(sentence: string): string {
    return sentence.replace(/`(\w+)`/g, (quoted, name: string) => {
      const known = this.modelNames.get(name);
      return known === undefined ? quoted : `\`${known}\``;
    });
  }

  private param(text: string, type: TensorType): Value {
    const param = new Value(type, this.unique(text), this.span);
    this.params.push(param);
    return param;
  }

  private let(text: string, op: OpName, operands: readonly (Value | undefined)[], attributes: Attributes = {}): Value {
    return this.builder.emit(op, operands, attributes, this.unique(text));
  }
}
