/**
 * A program of ATen as a graph of ONNX, in memory: the one form that norms are looked for, moved and written in.
 *
 * Each node becomes a few nodes that say the same, as in PyTorch's own exporter to ONNX and in conversions between
 * dialects of MLIR, and each of these knows which one it comes from, so that what changes can be said in ATen again. Sizes
 * are tensors of one integer. What has no rule stays what it is, in a domain of its own. Weights stay in the archive.
 */

import {
  externalTensorBytes,
  integerField,
  joinBytes,
  messageField,
  type NewNode,
  nodeBytes,
  opsetBytes,
  tensorBytes,
  textField,
  valueInfoBytes,
} from "../onnx/encode.ts";
import type { Pt2Archive } from "./archive.ts";
import { AtenView, Untranslated } from "./aten-view.ts";
import type { AtenNode, Program } from "./program.ts";
import { atenRules } from "./rules/index.ts";
import type { TensorMeta } from "./tensor-meta.ts";
import { permutedView, type WeightView, wholeView } from "./weights.ts";

/** The operator set of the graph, in which an RMSNorm is a node. */
export const opsetOfTranslation = 23;

/** A weight as the graph takes it. */
export interface Constant {
  readonly view: WeightView;
  /** The tensor of the program that stands for it. */
  readonly argument: string;
  /** Whether the program takes it with its last two axes exchanged, as `linear` does. */
  readonly isTransposed: boolean;
}

export interface Translated {
  readonly bytes: Uint8Array;
  /** For each node of the graph the node of the program that it comes from. */
  readonly origins: readonly AtenNode[];
  /** By their names in the graph. */
  readonly constants: ReadonlyMap<string, Constant>;
  /** The names in the graph of tensors of the program, where those are others. */
  readonly names: ReadonlyMap<string, string>;
}

export class Translation {
  readonly program: Program;
  readonly nodes: NewNode[] = [];
  readonly origins: AtenNode[] = [];
  readonly constants = new Map<string, Constant>();
  /** Tensors and sizes of the program by what they are called in the graph. */
  readonly names = new Map<string, string>();
  private readonly archive: Pt2Archive;
  private readonly initializers: Uint8Array[] = [];
  private readonly types: Uint8Array[] = [];
  private readonly taken = new Set<string>();
  /** How often names were made from a hint. */
  private readonly counts = new Map<string, number>();
  private readonly small = new Map<string, string>();

  constructor(archive: Pt2Archive, program: Program) {
    this.archive = archive;
    this.program = program;
  }

  run(): Translated {
    const { inputs, nodes, outputs } = this.program;
    for (const { made } of nodes) for (const { name } of made) this.taken.add(name);
    for (const { name, state } of inputs) if (state === undefined) this.taken.add(name);
    const taken: Uint8Array[] = [];
    for (const { name, kind, state } of inputs) {
      const stored = state === undefined ? undefined : this.archive.tensors.get(state);
      if (stored !== undefined) this.constant(name, wholeView(stored), stored.name, name, false);
      else if (kind === "tensor") taken.push(this.info(name));
      else if (kind === "size") taken.push(valueInfoBytes(name, { dataType: 7, shape: [1] }));
    }
    for (const node of nodes) this.node(node);
    const results = [...new Set(outputs)].map((name) => this.info(name, this.nameOf(name)));
    const graph = joinBytes(
      ...this.nodes.map((node) => messageField(1, nodeBytes(node))),
      textField(2, "main"),
      ...this.initializers.map((tensor) => messageField(5, tensor)),
      ...taken.map((info) => messageField(11, info)),
      ...results.map((info) => messageField(12, info)),
      ...this.types.map((info) => messageField(13, info)),
    );
    const domains = new Set(this.nodes.map(({ domain }) => domain).filter((domain) => domain !== ""));
    const bytes = joinBytes(
      integerField(1, 10),
      messageField(7, graph),
      messageField(8, opsetBytes("", opsetOfTranslation)),
      ...[...domains].map((domain) => messageField(8, opsetBytes(domain, 1))),
    );
    return { bytes, origins: this.origins, constants: this.constants, names: this.names };
  }

  /** What the graph calls a tensor or a size of the program. */
  nameOf(name: string): string {
    return this.names.get(name) ?? name;
  }

  fresh(hint: string): string {
    let name = hint;
    let n = this.counts.get(hint) ?? 0;
    while (this.taken.has(name)) name = `${hint}_${++n}`;
    this.counts.set(hint, n);
    this.taken.add(name);
    return name;
  }

  /** A name for what a view of a weight is, one for each view. */
  private constant(tensor: string, view: WeightView, hint: string, argument: string, isTransposed: boolean): string {
    const { type } = view.stored.meta;
    const name = this.fresh(hint);
    const place = { location: name, offset: 0, length: view.sizes.reduce((n, size) => n * size, type?.bytes ?? 1) };
    this.initializers.push(externalTensorBytes({ name, dims: view.sizes, dataType: type?.onnx ?? 0 }, place));
    this.constants.set(name, { view, argument, isTransposed });
    if (!isTransposed) this.names.set(tensor, name);
    return name;
  }

  /** The tensor of the program with its axes in another order, where it is a weight. */
  permuted(tensor: string, order: readonly number[], as: string | undefined): string | undefined {
    const own = this.constants.get(this.nameOf(tensor));
    if (own === undefined) return undefined;
    const view = permutedView(own.view, order);
    const hint = `${this.nameOf(tensor)}.T`;
    if (as !== undefined) return this.constant(as, view, hint, as, false);
    const key = `${tensor} ${order.join()}`;
    const known = this.small.get(key);
    if (known !== undefined) return known;
    const made = this.constant(tensor, view, hint, own.argument, true);
    this.small.set(key, made);
    return made;
  }

  /** A small tensor, one for the same numbers. */
  number(dataType: number, dims: readonly number[], raw: Uint8Array, hint: string): string {
    const key = `${dataType} ${dims.join()} ${raw.join()}`;
    const known = this.small.get(key);
    if (known !== undefined) return known;
    const name = this.fresh(hint);
    this.initializers.push(tensorBytes({ name, dims, dataType, raw }));
    this.small.set(key, name);
    return name;
  }

  meta(tensor: string): TensorMeta | undefined {
    return this.program.meta(tensor);
  }

  private info(tensor: string, as = tensor): Uint8Array {
    const meta = this.meta(tensor);
    const shape = meta?.sizes.map((size) => size ?? null);
    return valueInfoBytes(as, { dataType: meta?.type?.onnx ?? 0, ...(shape && { shape }) });
  }

  private node(node: AtenNode): void {
    const before = this.nodes.length;
    const rule = atenRules[node.target];
    const view = new AtenView(node, this);
    try {
      if (rule !== undefined) {
        rule(view);
        this.note(node);
        for (const { kind, name } of node.made)
          if (kind === "tensor") this.types.push(this.info(name, this.nameOf(name)));
        return;
      }
    } catch (caught) {
      if (!(caught instanceof Untranslated)) throw caught;
      this.nodes.length = before;
    }
    this.keep(node, view);
    this.note(node);
  }

  private note(node: AtenNode): void {
    while (this.origins.length < this.nodes.length) this.origins.push(node);
  }

  /** A node that has no rule: what it takes and makes is known, and no more. */
  private keep({ target, name, made }: AtenNode, view: AtenView): void {
    const outputs = made.filter(({ kind }) => kind !== "other");
    if (outputs.length === 0) return;
    const aten = "torch.ops.aten.";
    const [domain, opType] = target.startsWith(aten) ? ["aten", target.slice(aten.length)] : ["torch", target];
    for (const one of outputs) if (one.kind === "tensor") this.types.push(this.info(one.name));
    const inputs = view.allTaken();
    this.nodes.push({ name, opType, domain, inputs, outputs: outputs.map((one) => one.name), attributes: {} });
  }
}
