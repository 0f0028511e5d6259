/** Builds the ONNX graph that an ATen program is translated to. */

import { FreshNames } from "../ir/fresh-names.ts";
import { types } from "../onnx/data-types.ts";
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

/** The opset of the graph: it has RMSNormalization. */
const opsetOfTranslation = 23;

/** A weight as the graph uses it. */
export interface Constant {
  readonly view: WeightView;
  /** Its name in the program. */
  readonly argument: string;
  /** Whether it is the transpose of the program's tensor, as for `linear`. */
  readonly isTransposed: boolean;
}

export class OnnxGraph {
  readonly nodes: NewNode[] = [];
  /** Weights by their names in the graph. */
  readonly constants = new Map<string, Constant>();
  /** Names in the graph of the program's tensors and sizes, if they differ. */
  readonly names = new Map<string, string>();
  private readonly program: Program;
  private readonly inputs: Uint8Array[] = [];
  private readonly initializers: Uint8Array[] = [];
  private readonly types: Uint8Array[] = [];
  private readonly unused: FreshNames;
  private readonly small = new Map<string, string>();

  /** A graph with the inputs and weights of the program, and no nodes. */
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
      else if (kind === "size") this.inputs.push(valueInfoBytes(name, { dataType: types.int64, shape: [1] }));
    }
  }

  /** The encoded model. */
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

  /** The name in the graph of a tensor or a size of the program. */
  nameOf(name: string): string {
    return this.names.get(name) ?? name;
  }

  fresh(hint: string): string {
    return this.unused.next(hint);
  }

  /** Adds a view of a weight as an initializer, and returns its name. */
  private constant(tensor: string, view: WeightView, hint: string, argument: string, isTransposed: boolean): string {
    const { type } = view.stored.meta;
    const name = this.fresh(hint);
    const place = { location: name, offset: 0, length: view.sizes.reduce((n, size) => n * size, type?.bytes ?? 1) };
    this.initializers.push(externalTensorBytes({ name, dims: view.sizes, dataType: type?.onnx ?? 0 }, place));
    this.constants.set(name, { view, argument, isTransposed });
    if (!isTransposed) this.names.set(tensor, name);
    return name;
  }

  /** A weight with permuted axes, as another view; undefined if the tensor is not a weight. */
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

  /** A small constant; equal ones are shared. */
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

  /** Declares the type of an intermediate tensor. */
  declare(tensor: string, as = tensor): void {
    this.types.push(this.info(tensor, as));
  }

  private info(tensor: string, as = tensor): Uint8Array {
    const meta = this.meta(tensor);
    const shape = meta?.sizes.map((size) => size ?? null);
    return valueInfoBytes(as, { dataType: meta?.type?.onnx ?? 0, ...(shape && { shape }) });
  }
}
