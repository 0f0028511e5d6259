/**
 * Builds a program for the residual streams of a model: what is added to them, and the norms that read them. Embeddings,
 * positions and the last product of each part are ops with their weights as `const`s; everything between a norm and that
 * product (attention, an activation) is an `extern` op, which passes do not change.
 */

import * as checkpointErrors from "../diagnostics/areas/checkpoints.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { FreshNames } from "../ir/fresh-names.ts";
import type { Checkpoint, StoredTensor } from "./checkpoint.ts";
import type { Rewriting } from "./rewriting.ts";

/** A value of the program. */
export interface Rows {
  readonly name: string;
  /** The leading dimensions: "batch, tokens". */
  readonly lead: string;
  /** The extent of the last dimension. */
  readonly width: number;
}

const tokens = "batch, tokens";

const elements: Readonly<Record<string, "f32" | "f16" | "bf16">> = { F32: "f32", F16: "f16", BF16: "bf16" };

interface Layout {
  readonly inner: 0 | 1;
  call(x: string, weight: string): string;
}

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
  private readonly names = new Map<string, string>();
  private readonly unused = new FreshNames();
  /** The model's names of the program's values. */
  private readonly modelNames = new Map<string, string>();
  private readonly consts: string[] = [];
  private readonly params: string[] = [];
  private readonly lines: string[] = [];
  private readonly results: Rows[] = [];

  /** @param folder the prefix of file names in the program. */
  constructor(checkpoint: Checkpoint, rewriting: Rewriting = { centered: new Set(), rms: new Set() }, folder = "") {
    this.checkpoint = checkpoint;
    this.rewriting = rewriting;
    this.folder = folder;
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
  embedding(tensor: string): Rows {
    const { shape } = this.stored(tensor, "a table of rows", 2);
    const ids = this.param(`${this.nameOf(tensor)}_ids`, "i32[batch, tokens]");
    return this.let(tensor, `embedding(${ids}, ${this.read(tensor, 1)})`, { lead: tokens, width: shape[1] as number });
  }

  /** A tensor that is added to all sequences: a single row, or a row per position. */
  rows(tensor: string): Rows {
    const { shape } = this.stored(tensor, "rows");
    return { name: this.read(tensor, shape.length - 1), lead: "", width: shape.at(-1) as number };
  }

  /** `places` rows that the model computes from its input. */
  input(what: string, width: number, places: string): Rows {
    const input = this.param(`input_of_${what}`, "f32[batch, inputs]");
    return this.extern(what, { lead: `batch, ${places}`, width }, [input]);
  }

  /** An unknown function of values; it has as many rows as the first. */
  opaque(what: string, width: number, from: readonly Rows[]): Rows {
    const { lead } = from[0] as Rows;
    return this.extern(
      what,
      { lead, width },
      from.map(({ name }) => name),
    );
  }

  concat(a: Rows, b: Rows, places: number): Rows {
    return this.extern(
      "concat",
      { lead: `batch, ${places}`, width: a.width },
      [a.name, b.name],
      ", rows = [0, 1], kept = [-1]",
    );
  }

  private extern(what: string, shape: Omit<Rows, "name">, operands: readonly string[], more = ""): Rows {
    const name = this.unique(what);
    const type = `f32[${shape.lead}, ${shape.width}]`;
    this.lines.push(`let ${name}: ${type} = extern(${operands.join(", ")}, op = "${what}"${more})`);
    return { name, ...shape };
  }

  /**
   * `torch.nn.Linear`, with a weight of `[out, in]` and an optional bias, of an unknown function of `from`.
   * @param scale the tensor of a LayerScale that multiplies each row of the result.
   */
  linear(module: string, what: string, from: readonly Rows[], scale?: string): Rows {
    return this.product(module, what, from, { inner: 1, call: (x, w) => `linear(${x}, ${w})` }, scale);
  }

  /** GPT-2's `Conv1D`, with a weight of `[in, out]`. */
  conv1d(module: string, what: string, from: readonly Rows[]): Rows {
    return this.product(module, what, from, { inner: 0, call: (x, w) => `matmul(${x}, ${w})` });
  }

  /**
   * The products that read a norm, as ops of the program if all readers of the norm are known: the block must have no
   * matrices but those of `reads` and `others`, in which `*` stands for the number of an expert.
   */
  readers(
    x: Rows,
    block: string,
    reads: readonly string[],
    others: readonly string[],
    isConv1d = false,
  ): readonly Rows[] {
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
  reader(module: string, x: Rows, isConv1d = false): Rows {
    const { shape } = this.stored(`${module}.weight`, "a matrix", 2);
    const [weight, bias] = [this.written(`${module}.weight`), `${module}.bias`];
    const row = this.has(bias) ? this.written(bias) : undefined;
    const width = shape[isConv1d ? 1 : 0] as number;
    if (!isConv1d)
      return this.let(`${module}_read`, `linear(${[x.name, weight, ...(row ? [row] : [])].join(", ")})`, {
        ...x,
        width,
      });
    const y = this.let(`${module}_read`, `matmul(${x.name}, ${weight})`, { ...x, width });
    return row === undefined ? y : this.let(`${module}_read`, `${y.name} + ${row}`, y);
  }

  /** @param layout the axis of the weight that is summed over, and the op. */
  private product(module: string, what: string, from: readonly Rows[], layout: Layout, scale?: string): Rows {
    if (scale !== undefined) for (const part of ["weight", "bias"]) this.scales.set(`${module}.${part}`, scale);
    const { shape } = this.stored(`${module}.weight`, "a matrix", 2);
    const [inner, out] = [shape[layout.inner], shape[1 - layout.inner]] as [number, number];
    const x = this.opaque(what, inner, from);
    const y = this.let(`${module}_product`, layout.call(x.name, this.read(`${module}.weight`, 1 - layout.inner)), {
      ...x,
      width: out,
    });
    return this.has(`${module}.bias`) ? this.add(y, this.rows(`${module}.bias`)) : y;
  }

  /** A convolution whose windows do not overlap, as a product with patches. */
  patches(module: string, places: number): Rows {
    const { shape } = this.stored(`${module}.weight`, "a convolution's weight");
    const [out = 0, ...window] = shape;
    const inner = window.reduce((product, extent) => product * extent, 1);
    const x = this.input("patches", inner, String(places));
    const weight = `reshape(${this.read(`${module}.weight`, 0)}, shape = [${out}, ${inner}])`;
    const y = this.let(`${module}_product`, `linear(${x.name}, ${weight})`, { ...x, width: out });
    return this.has(`${module}.bias`) ? this.add(y, this.rows(`${module}.bias`)) : y;
  }

  add(a: Rows, b: Rows): Rows {
    return this.let("stream", `${a.name} + ${b.name}`, a);
  }

  norm(module: string, x: Rows, { eps, isRms = false, isPlusOne = false, isPlain = false }: NormKind): Rows {
    const has = isPlain ? [] : ["weight", "bias"].filter((part) => this.has(`${module}.${part}`));
    if (has.length === 0 && !isRms && !isPlain) this.missing(`${module}.weight`);
    if (isPlusOne) this.plusOne.add(`${module}.weight`);
    const affine = has.map((part) => `${module}.${part}`).filter((tensor) => !this.rewriting.emptied?.has(tensor));
    const operands = [
      x.name,
      ...affine.map((tensor) => {
        const { name } = this.rows(tensor);
        return isPlusOne && tensor.endsWith(".weight") ? `${name} + 1` : name;
      }),
    ];
    this.norms.push(module);
    const attributes = `axes = [-1], eps = ${eps}`;
    if (!isRms && !this.rewriting.rms.has(module)) {
      return this.let(module, `layernorm(${operands.join(", ")}, ${attributes})`, x);
    }
    const [beta] = operands.splice(2);
    const normed = `rmsnorm(${operands.join(", ")}, ${attributes})`;
    return this.let(module, beta === undefined ? normed : `${normed} + ${beta}`, x);
  }

  /** The value of all elements of a gamma or beta that has no effect. */
  emptyOf(tensor: string): 0 | 1 {
    return tensor.endsWith(".weight") && !this.plusOne.has(tensor) ? 1 : 0;
  }

  /** A head that multiplies by the transposed embedding table; for `own` see `heads`. */
  tiedHead(x: Rows, table: string, own: Readonly<Record<string, string>>): void {
    const { shape } = this.stored(table, "a table of rows", 2);
    this.heads.set(table, own);
    this.result(this.let("logits", `linear(${x.name}, ${this.written(table)})`, { ...x, width: shape[0] as number }));
  }

  /** Declares a result: what happens with it is not of interest. */
  result(x: Rows): void {
    this.results.push(x);
  }

  /** The text of the program. */
  text(name: string): string {
    const results = this.results.map(({ lead, width }, i) => `out${i}: f32[${lead}, ${width}]`);
    return [
      ...this.consts,
      "",
      `fn ${name}(${this.params.join(", ")}) -> (${results.join(", ")}) {`,
      ...this.lines.map((line) => `  ${line}`),
      `  return ${this.results.map((result) => result.name).join(", ")}`,
      "}",
      "",
    ].join("\n");
  }

  private missing(tensor: string): never {
    const { folder, config, tensors } = this.checkpoint;
    fail(checkpointErrors.noTensor(folder.name, tensor, config.type, [...tensors.keys()]));
  }

  private stored(tensor: string, expected: string, rank?: number): StoredTensor {
    const entry = this.checkpoint.tensors.get(tensor) ?? this.missing(tensor);
    const fits = elements[entry.type] !== undefined && (rank === undefined || entry.shape.length === rank);
    if (fits && !entry.shape.includes(0)) return entry;
    fail(checkpointErrors.wrongTensor(this.checkpoint.folder.name, tensor, expected, entry.type, entry.shape));
  }

  /**
   * The tensor as an f32 value.
   * @param axis the axis along which rows are added to a stream; undefined for any other use.
   */
  private read(tensor: string, axis?: number): string {
    const { type } = this.checkpoint.tensors.get(tensor) as StoredTensor;
    if (axis !== undefined) this.axes.set(tensor, axis);
    const isCentered = axis !== undefined && this.rewriting.centered.has(tensor);
    const name = isCentered ? this.centered(tensor, axis) : this.scaled(tensor);
    return type === "F32" || this.hasReaders ? name : `cast(${name}, to = f32)`;
  }

  /** A tensor that a product reads, with what was folded into it. */
  private written(tensor: string): string {
    const folded = this.rewriting.folded?.get(tensor);
    if (folded === undefined) return this.read(tensor);
    const shape = this.stored(tensor, "a weight").shape;
    const [weight, by] = [this.loaded(folded.weight), this.loaded(folded.by)];
    const op = (hint: string, text: string, own: readonly number[] = shape) =>
      this.const(`${tensor} ${hint}`, tensor, "F32", own, text);
    if (folded.kind === "scaled") {
      const extent = shape[folded.axis] as number;
      const along = folded.axis === 1 ? by : op("along", `reshape(${by}, shape = [${extent}, 1])`, [extent, 1]);
      const scaled = op("scaled", `mul(${weight}, ${along})`);
      return folded.plusOne ? op("scaled by one more", `add(${weight}, ${scaled})`) : scaled;
    }
    const bias = this.loaded(folded.bias);
    if (folded.axis === 1) return op("shifted", `linear(${by}, ${weight}, ${bias})`);
    return op("shifted", `add(${bias}, ${op("product", `matmul(${by}, ${weight})`)})`);
  }

  private loaded(tensor: string): string {
    const { type, shape, file } = this.checkpoint.tensors.get(tensor) as StoredTensor;
    if (this.rewriting.fixed?.has(tensor)) {
      const name = this.names.get(tensor) ?? this.param(tensor, `${this.element(type)}[${shape.join(", ")}]`);
      this.names.set(tensor, name);
      return name;
    }
    return this.const(tensor, tensor, type, shape, `load(${JSON.stringify(this.folder + file)}, "${tensor}")`);
  }

  private element(type: string) {
    return this.hasReaders ? "f32" : elements[type];
  }

  /** The tensor, multiplied by its LayerScale if it has one. */
  private scaled(tensor: string): string {
    const scale = this.scales.get(tensor);
    const name = this.loaded(tensor);
    if (scale === undefined) return name;
    const { type, shape } = this.checkpoint.tensors.get(tensor) as StoredTensor;
    const [extent = 0] = this.stored(scale, "a row", 1).shape;
    const along = [extent, ...shape.slice(1).map(() => 1)];
    const by = this.loaded(scale);
    const column =
      along.length === 1
        ? by
        : this.const(`${scale} along`, scale, type, along, `reshape(${by}, shape = [${along.join(", ")}])`);
    return this.const(`${tensor} scaled`, tensor, type, shape, `mul(${name}, ${column})`);
  }

  private centered(tensor: string, axis: number): string {
    const { type, shape } = this.checkpoint.tensors.get(tensor) as StoredTensor;
    const text = `center(${this.scaled(tensor)}, axes = [${axis}])`;
    return this.const(`${tensor} centered`, tensor, type, shape, text);
  }

  private const(key: string, tensor: string, type: string, shape: readonly number[], text: string): string {
    const known = this.names.get(key);
    if (known !== undefined) return known;
    const name = this.unique(key);
    this.names.set(key, name);
    this.tensors.set(name, tensor);
    this.consts.push(`const ${name}: ${this.element(type)}[${shape.join(", ")}] = ${text}`);
    return name;
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

  private param(text: string, type: string): string {
    const name = this.unique(text);
    this.params.push(`${name}: ${type}`);
    return name;
  }

  private let(text: string, expression: string, { lead, width }: Omit<Rows, "name">): Rows {
    const name = this.unique(text);
    this.lines.push(`let ${name} = ${expression}`);
    return { name, lead, width };
  }
}
