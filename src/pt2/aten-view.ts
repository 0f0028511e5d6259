/** The interface between a rule and the ATen node that it translates to ONNX. */

import { encode } from "../ir/number-formats.ts";
import type { NewNode } from "../onnx/encode.ts";
import type { Fields } from "./fields.ts";
import type { OnnxGraph } from "./onnx-graph.ts";
import { type AtenNode, namesIn } from "./program.ts";
import { int64, type ScalarType, type TensorMeta } from "./tensor-meta.ts";

/** A rule does not support the node, which then stays an ATen op. */
export class Untranslated extends Error {}

export type AtenRule = (at: AtenView) => void;

/** The same rule for several ops, whose names are separated by spaces. */
export const each = (names: string, rule: AtenRule): Readonly<Record<string, AtenRule>> =>
  Object.fromEntries(names.split(" ").map((name) => [name, rule]));

type Attributes = NewNode["attributes"];

export class AtenView {
  readonly node: AtenNode;
  private readonly graph: OnnxGraph;

  constructor(node: AtenNode, graph: OnnxGraph) {
    this.node = node;
    this.graph = graph;
  }

  decline(): never {
    throw new Untranslated();
  }

  private argument(name: string): { readonly name: string; readonly of: Fields } | undefined {
    const found = this.node.args.get(name)?.kind;
    // An optional tensor is wrapped in another union.
    const inner = found?.name === "as_optional_tensor" ? found.of.kind : found;
    return inner?.name === "as_none" ? undefined : inner;
  }

  has(name: string): boolean {
    return this.argument(name) !== undefined;
  }

  /** The name of an argument in the program, if it is a tensor. */
  tensorName(name: string): string | undefined {
    const found = this.argument(name);
    return found?.name === "as_tensor" ? found.of.get("name").text : undefined;
  }

  /** The name of an argument in the graph. Declines if it is not a tensor. */
  tensor(name: string): string {
    const found = this.tensorName(name);
    return found === undefined ? this.decline() : this.graph.nameOf(found);
  }

  optionalTensor(name: string): string | undefined {
    return this.has(name) ? this.tensor(name) : undefined;
  }

  tensors(name: string): string[] {
    const found = this.argument(name);
    if (found?.name !== "as_tensors") this.decline();
    return found.of.items.map((one) => this.graph.nameOf(one.get("name").text));
  }

  /** A list of optional tensors, as indexing takes them. Declines if one is missing. */
  tensorsOrNone(name: string): { readonly name: string; readonly type: ScalarType | undefined }[] {
    const found = this.argument(name);
    const items =
      found?.name === "as_optional_tensors" || found?.name === "as_tensors" ? found.of.items : this.decline();
    return items.map((item) => {
      const { name, of } = found?.name === "as_tensors" ? { name: "as_tensor", of: item } : item.kind;
      if (name !== "as_tensor") this.decline();
      const tensor = of.get("name").text;
      return { name: this.graph.nameOf(tensor), type: this.graph.meta(tensor)?.type };
    });
  }

  meta(name: string): TensorMeta {
    const tensor = this.tensorName(name);
    return (tensor === undefined ? undefined : this.graph.meta(tensor)) ?? this.decline();
  }

  rank(name: string): number {
    return this.meta(name).sizes.length;
  }

  typeOf(name: string): ScalarType {
    return this.meta(name).type ?? this.decline();
  }

  /** The extent of an axis of a tensor. Declines if it is not a number. */
  extent(name: string, axis: number): number {
    const size = this.meta(name).sizes.at(axis);
    return typeof size === "number" ? size : this.decline();
  }

  int(name: string, other?: number): number {
    const found = this.argument(name);
    if (found === undefined) return other ?? this.decline();
    if (found.name === "as_sym_int" && found.of.kind.name === "as_int") return found.of.kind.of.integer;
    return found.name === "as_int" ? found.of.integer : this.decline();
  }

  float(name: string, other?: number): number {
    const found = this.argument(name);
    if (found === undefined) return other ?? this.decline();
    return found.name === "as_float" || found.name === "as_int" ? found.of.number : this.decline();
  }

  flag(name: string, other: boolean): boolean {
    const found = this.argument(name);
    return found === undefined ? other : found.name === "as_bool" ? found.of.flag : this.decline();
  }

  text(name: string, other: string): string {
    const found = this.argument(name);
    return found === undefined ? other : found.name === "as_string" ? found.of.text : this.decline();
  }

  ints(name: string, other?: readonly number[]): readonly number[] {
    const found = this.argument(name);
    if (found === undefined) return other ?? this.decline();
    if (found.name === "as_int") return [found.of.integer];
    if (found.name === "as_ints") return found.of.items.map((one) => one.integer);
    if (found.name !== "as_sym_ints") this.decline();
    return found.of.items.map(({ kind }) => (kind.name === "as_int" ? kind.of.integer : this.decline()));
  }

  /** A list with an element per spatial axis; a single number counts for all of them. */
  perAxis(name: string, count: number, otherwise: readonly number[]): number[] {
    const given = this.ints(name, []);
    const list = given.length === 0 ? otherwise : given;
    return Array.from({ length: count }, (_, i) => list[list.length === 1 ? 0 : i] ?? this.decline());
  }

  /** The axis, counted from the front. Declines if there is no such axis. */
  axis(axis: number, rank: number): number {
    const normal = axis < 0 ? axis + rank : axis;
    return normal >= 0 && normal < Math.max(rank, 1) ? normal : this.decline();
  }

  /** The name of result `i` in the program. */
  result(i = 0): string {
    return this.node.made[i]?.name ?? this.decline();
  }

  resultMeta(i = 0): TensorMeta {
    return this.graph.meta(this.result(i)) ?? this.decline();
  }

  resultType(i = 0): ScalarType {
    return this.resultMeta(i).type ?? this.decline();
  }

  fresh(hint: string): string {
    return this.graph.fresh(`${this.node.made[0]?.name ?? this.node.name}_${hint}`);
  }

  /** Emits a node whose result is a new tensor, and returns the name of that. */
  emit(opType: string, inputs: readonly string[], attributes: Attributes = {}): string {
    const output = this.fresh(opType.toLowerCase());
    this.emitAs(opType, inputs, [output], attributes);
    return output;
  }

  /** Emits the node that computes the first result. */
  make(opType: string, inputs: readonly string[], attributes: Attributes = {}): void {
    this.emitAs(opType, inputs, [this.result()], attributes);
  }

  emitAs(opType: string, inputs: readonly string[], outputs: readonly string[], attributes: Attributes = {}): void {
    // Nodes have unique names; the one with the first result takes that of the ATen node.
    const [first] = outputs;
    const name = first === undefined || first === this.node.made[0]?.name ? this.node.name : first;
    this.graph.nodes.push({ name, opType, domain: "", inputs, outputs, attributes });
  }

  /** A tensor with permuted axes; a permuted weight is a view of its storage, without a node. */
  permuted(name: string, order: readonly number[]): string {
    const constant = this.graph.permuted(this.tensorName(name) ?? this.decline(), order, undefined);
    return constant ?? this.emit("Transpose", [this.tensor(name)], { perm: [...order] });
  }

  /** Makes the first result a tensor with permuted axes. */
  makePermuted(name: string, order: readonly number[]): void {
    const tensor = this.tensorName(name) ?? this.decline();
    if (this.graph.permuted(tensor, order, this.result()) !== undefined) return;
    this.make("Transpose", [this.tensor(name)], { perm: [...order] });
  }

  cast(tensor: string, from: ScalarType, to: ScalarType): string {
    return from.number === to.number ? tensor : this.emit("Cast", [tensor], { to: to.onnx });
  }

  /** An argument that is a tensor or a number, as a tensor of the given type. */
  operand(name: string, type: ScalarType): string {
    if (this.tensorName(name) !== undefined) return this.cast(this.tensor(name), this.typeOf(name), type);
    const found = this.argument(name);
    if (found?.name === "as_sym_int") return this.cast(this.size(found.of), int64, type);
    if (found?.name === "as_bool") return this.scalar(Number(found.of.flag), type);
    return this.scalar(this.float(name), type);
  }

  scalar(value: number, type: ScalarType): string {
    return this.list([value], type, []);
  }

  /** A one-dimensional tensor of integers. */
  integers(list: readonly number[]): string {
    return this.list(list, int64, [list.length]);
  }

  private list(numbers: readonly number[], type: ScalarType, dims: readonly number[]): string {
    if (type.kind !== "float" && !numbers.every(Number.isFinite)) this.decline();
    const raw = encode(type.format, numbers);
    return this.graph.number(type.onnx, dims, raw, numbers.length === 1 ? "number" : "numbers");
  }

  /** A SymInt as a tensor with one element. */
  private size(fields: Fields): string {
    const { name, of } = fields.kind;
    if (name === "as_int") return this.integers([of.integer]);
    return name === "as_name" ? this.graph.nameOf(of.text) : this.decline();
  }

  /** An argument that is a size, as a tensor with one element. */
  sizeOf(name: string, other?: number): string {
    const found = this.argument(name);
    if (found === undefined) return this.integers([other ?? this.decline()]);
    return found.name === "as_sym_int" ? this.size(found.of) : this.integers([this.int(name)]);
  }

  /** An argument that is a list of sizes, as a tensor. */
  sizes(name: string): string {
    const found = this.argument(name);
    if (found?.name === "as_ints") return this.integers(this.ints(name));
    if (found?.name !== "as_sym_ints") this.decline();
    const all = found.of.items;
    if (all.every(({ kind }) => kind.name === "as_int")) return this.integers(this.ints(name));
    const parts = all.map((one) => this.size(one));
    return parts.length === 1 ? (parts[0] as string) : this.emit("Concat", parts, { axis: 0 });
  }

  /** The names of all tensors and sizes among the arguments. */
  allTaken(): string[] {
    return [...namesIn(this.node.args.values())].map(({ text }) => this.graph.nameOf(text));
  }
}
