/** The graph of ONNX that a program of ATen becomes, as it grows: its nodes, its weights, and what tensors are called in it. */

import { FreshNames } from "../ir/fresh-names.ts";
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
import type { Program } from "./program.ts";
import type { TensorMeta } from "./tensor-meta.ts";
import { permutedView, type WeightView, wholeView } from "./weights.ts";

/** The operator set of the graph, in which an RMSNorm is a node. */
const opsetOfTranslation = 23;

/** A weight as the graph takes it. */
export interface Constant {
  readonly view: WeightView;
  /** The tensor of the program that stands for it. */
  readonly argument: string;
  /** Whether the program takes it with its last two axes exchanged, as `linear` does. */
  readonly isTransposed: boolean;
}

export class OnnxGraph {
  readonly nodes: NewNode[] = [];
  /** Weights by their names in the graph. */
  readonly constants = new Map<string, Constant>();
  /** Tensors and sizes of the program by what they are called in the graph. */
  readonly names = new Map<string, string>();
  private readonly program: Program;
  private readonly inputs: Uint8Array[] = [];
  private readonly initializers: Uint8Array[] = [];
  private readonly types: Uint8Array[] = [];
  private readonly unused: FreshNames;
  private readonly small = new Map<string, string>();

  /** The graph with what the program takes, and no node yet. */
  constructor(archive: Pt2Archive, program: Program) {
    const { inputs, nodes } = program;
    this.program = program;
    const made = nodes.flatMap(({ made }) => made);
    const given = inputs.filter(({ state }) => state === undefined);
    this.unused = new FreshNames([...made, ...given].map(({ name }) => name));
    for (const { name, kind, state } of inputs) {
      const stored = state === undefined ? undefined : archive.tensors.get(state);
      if (stored !== undefined) this.constant(name, wholeView(stored), stored.name, name, false);
      else if (kind === "tensor") this.inputs.push(this.info(name));
      else if (kind === "size") this.inputs.push(valueInfoBytes(name, { dataType: 7, shape: [1] }));
    }
  }

  /** The model that has this graph. */
  bytes(): Uint8Array {
    const outputs = [...new Set(this.program.outputs)].map((name) => this.info(name, this.nameOf(name)));
    const graph = joinBytes(
      ...this.nodes.map((node) => messageField(1, nodeBytes(node))),
      textField(2, "main"),
      ...this.initializers.map((tensor) => messageField(5, tensor)),
      ...this.inputs.map((info) => messageField(11, info)),
      ...outputs.map((info) => messageField(12, info)),
      ...this.types.map((info) => messageField(13, info)),
    );
    const domains = new Set(this.nodes.map(({ domain }) => domain).filter((domain) => domain !== ""));
    return joinBytes(
      integerField(1, 10),
      messageField(7, graph),
      messageField(8, opsetBytes("", opsetOfTranslation)),
      ...[...domains].map((domain) => messageField(8, opsetBytes(domain, 1))),
    );
  }

  /** What the graph calls a tensor or a size of the program. */
  nameOf(name: string): string {
    return this.names.get(name) ?? name;
  }

  fresh(hint: string): string {
    return this.unused.next(hint);
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

  /** Says what type a tensor between nodes has. */
  declare(tensor: string, as = tensor): void {
    this.types.push(this.info(tensor, as));
  }

  private info(tensor: string, as = tensor): Uint8Array {
    const meta = this.meta(tensor);
    const shape = meta?.sizes.map((size) => size ?? null);
    return valueInfoBytes(as, { dataType: meta?.type?.onnx ?? 0, ...(shape && { shape }) });
  }
}
