/** Writes the nodes of a program: old ones unchanged or with other arguments, and new ones in place of others. */

import * as surgeryErrors from "../../diagnostics/areas/surgery.ts";
import { fail } from "../../diagnostics/diagnostic.ts";
import { grouped } from "../../ir/groups.ts";
import { decode } from "../../ir/number-formats.ts";
import { dataTypes } from "../../onnx/data-types.ts";
import type { NodeProto } from "../../onnx/messages.ts";
import { shown } from "../../onnx/model.ts";
import type { Line } from "../../surgery/draft.ts";
import type { LazyTensor } from "../../surgery/emit.ts";
import type { Pt2Model } from "../model.ts";
import { type AtenNode, namesIn } from "../program.ts";
import { duplicatesIn } from "./duplicates.ts";
import { type Metas, type NewMeta, weightMeta } from "./metas.ts";
import { type Edit, edited, type NewJson } from "./new-json.ts";
import { type AtenCall, type AtenValue, type LineView, toAten } from "./to-aten.ts";
import type { NewWeight } from "./weights.ts";

/** A node of the rewritten program. */
export interface WrittenNode {
  readonly json: NewJson;
  readonly takes: readonly string[];
  readonly makes: readonly string[];
  /** The old node, if it was kept. */
  readonly from: AtenNode | undefined;
}

interface Writing {
  readonly model: Pt2Model;
  readonly weights: ReadonlyMap<string, NewWeight>;
  readonly added: ReadonlyMap<string, LazyTensor>;
  readonly metas: Metas;
  readonly fresh: (hint: string) => string;
}

/** No ATen op expresses a node. */
class Inexpressible extends Error {}

export function writtenNodes(writing: Writing, lines: readonly Line[]): WrittenNode[] {
  const { model } = writing;
  const { origins } = model.translated;
  const before = grouped(model.graph.nodes, (node) => origins[node.index] as AtenNode);
  const now = grouped(lines, ({ at }) => origins[at.index] as AtenNode);
  const writer = new NodeWriter(writing, lines);
  return model.program.nodes.flatMap((node) => {
    const group = { node, before: before.get(node) ?? [], now: now.get(node) ?? [] };
    try {
      return writer.group(group);
    } catch (caught) {
      if (!(caught instanceof Inexpressible)) throw caught;
      const [first] = group.before as [NodeProto];
      return fail(surgeryErrors.unwritable(model.file, shown(first), "no ATen op expresses the rewritten node"));
    }
  });
}

/** The translation of an old node: its nodes before and after the surgery. */
interface Group {
  readonly node: AtenNode;
  readonly before: readonly NodeProto[];
  readonly now: readonly Line[];
}

class NodeWriter {
  private readonly writing: Writing;
  private readonly readers = new Map<string, number>();
  private readonly areSame: (was: string, now: string) => boolean;
  private readonly sizes: ReadonlySet<string>;
  /** Names in the program of tensors that only the graph had. */
  private readonly called = new Map<string, string>();

  constructor(writing: Writing, lines: readonly Line[]) {
    this.writing = writing;
    this.areSame = duplicatesIn(writing.model, lines);
    const made = writing.model.program.nodes.flatMap((node) => node.made);
    this.sizes = new Set(made.flatMap(({ kind, name }) => (kind === "size" ? [name] : [])));
    for (const { takes } of lines) for (const name of takes) this.readers.set(name, (this.readers.get(name) ?? 0) + 1);
    for (const { name } of writing.model.graph.outputs) this.readers.set(name, (this.readers.get(name) ?? 0) + 1);
  }

  group({ node, before, now }: Group): WrittenNode[] {
    // A duplicate may have been merged with it: dead nodes are removed when all nodes are known.
    if (now.length === 0) return [this.kept(node, new Map())];
    const isKept = now.every(({ at, made, edit }) => made === undefined && edit === undefined && before.includes(at));
    const exchanged = isKept ? this.exchanged(now) : undefined;
    if (exchanged !== undefined) return [this.kept(node, exchanged)];
    const written: WrittenNode[] = [];
    for (let i = 0; i < now.length; i++) {
      const line = now[i] as Line;
      const next = now[i + 1];
      const isLinear = next !== undefined && this.isBiasOf(line, next);
      const { args, ...call } = this.call(line);
      const bias = isLinear ? { bias: this.view(next).tensor(next.inputs[1] === line.outputs[0] ? 0 : 1) } : {};
      written.push(this.node(node, { ...call, args: { ...args, ...bias } }, isLinear ? next : line));
      if (isLinear) i++;
    }
    return written;
  }

  /** The replacements for inputs; undefined if an input is not replaced consistently. */
  private exchanged(lines: readonly Line[]): ReadonlyMap<string, string> | undefined {
    const found = new Map<string, string>();
    const { nodes } = this.writing.model.graph;
    for (const { at, inputs } of lines) {
      for (const [i, was] of (nodes[at.index] as NodeProto).inputs.entries()) {
        const now = inputs[i] as string;
        if (found.has(was) && found.get(was) !== now) return undefined;
        found.set(was, now);
      }
    }
    return found;
  }

  private isOfProgram(tensor: string): boolean {
    const { weights, model } = this.writing;
    const { program, translated } = model;
    const isConstant = weights.has(tensor) || translated.constants.has(tensor);
    return isConstant || this.called.has(tensor) || program.meta(tensor) !== undefined || this.sizes.has(tensor);
  }

  /** The name in the program of a tensor of the graph. */
  private nameOf(tensor: string): string {
    const { weights, model } = this.writing;
    return (
      weights.get(tensor)?.argument ??
      model.translated.constants.get(tensor)?.argument ??
      this.called.get(tensor) ??
      tensor
    );
  }

  private kept(node: AtenNode, exchanged: ReadonlyMap<string, string>): WrittenNode {
    const names = new Map<string, string>();
    for (const [was, now] of exchanged) {
      if (was === now || this.areSame(was, now)) continue;
      if (this.isOfProgram(was) && !this.isOfProgram(now)) decline();
      names.set(this.nameOf(was), this.nameOf(now));
    }
    const edits: Edit[] = [];
    const takes: string[] = [];
    for (const name of namesIn(node.args.values())) {
      const now = names.get(name.text) ?? name.text;
      takes.push(now);
      if (now !== name.text) edits.push([name, now]);
    }
    return { json: edited(node.fields, edits), takes, makes: node.made.map(({ name }) => name), from: node };
  }

  /** Whether `sum` adds a bias to a product with a transposed weight and no other use: together they are `linear`. */
  private isBiasOf(product: Line, sum: Line): boolean {
    const [made = ""] = product.outputs;
    if (opTypeOf(product) !== "MatMul" || opTypeOf(sum) !== "Add" || this.readers.get(made) !== 1) return false;
    if (!this.view(product).isTransposed(1)) return false;
    const other = sum.inputs.find((name) => name !== made);
    const isRow = other !== undefined && (this.shapeOf(other)?.length ?? 0) === 1;
    return sum.inputs.includes(made) && isRow;
  }

  private shapeOf(name: string): readonly number[] | undefined {
    const { weights, model } = this.writing;
    return weights.get(name)?.shape ?? model.translated.constants.get(name)?.view.sizes;
  }

  private call(line: Line): AtenCall {
    return (toAten[opTypeOf(line)] ?? decline)(this.view(line));
  }

  private node(node: AtenNode, { op, args, keyword, meta }: AtenCall, line: Line): WrittenNode {
    const [tensor = ""] = line.outputs;
    const isKnown = this.writing.model.program.meta(tensor) !== undefined;
    const name = isKnown ? tensor : this.writing.fresh(tensor);
    this.called.set(tensor, name);
    this.writing.metas.set(name, meta);
    const inputs = Object.entries(args).map(([name, arg]) => ({ name, arg, kind: argumentKind(name === keyword) }));
    const json = {
      target: `torch.ops.aten.${op}`,
      ...{ inputs, outputs: [tensorNamed(name)] },
      metadata: node.fields.optional("metadata") ?? {},
      is_hop_single_tensor_return: null,
      name,
    };
    const takes = Object.values(args).flatMap((arg) => ("as_tensor" in arg ? [arg.as_tensor.name] : []));
    return { json, takes, makes: [name], from: undefined };
  }

  private view(line: Line): LineView {
    const { weights, added, model } = this.writing;
    const inputs = line.inputs.filter((name) => name !== "");
    const nameAt = (input: number) => inputs[input] ?? decline();
    return {
      inputs,
      tensor: (input) => tensorNamed(this.nameOf(nameAt(input))),
      numbers: (input) => {
        const tensor = weights.has(nameAt(input)) ? undefined : added.get(nameAt(input));
        return tensor && numbersOf(tensor);
      },
      isOnes: (input) => {
        const tensor = added.get(nameAt(input));
        return tensor !== undefined && numbersOf(tensor).every((value) => value === 1);
      },
      isTransposed: (input) =>
        (weights.get(nameAt(input)) ?? model.translated.constants.get(nameAt(input)))?.isTransposed === true,
      meta: (input) => this.metaOf(nameAt(input)),
      integer: (name) => attributeOf(line, name, model, "integer"),
      float: (name) => attributeOf(line, name, model, "float"),
      decline,
    };
  }

  private metaOf(tensor: string): NewMeta {
    const { weights, metas } = this.writing;
    const weight = weights.get(tensor);
    const known = metas.get(this.nameOf(tensor));
    if (weight === undefined || known !== undefined) return known ?? decline();
    return weightMeta(weight.dtype, weight.shape, metas.device);
  }
}

const decline = (): never => {
  throw new Inexpressible();
};

const opTypeOf = ({ at, made }: Line): string => (made ?? at).opType;

const tensorNamed = (name: string): AtenValue => ({ as_tensor: { name } });

/** ArgumentKind of the schema. */
const argumentKind = (isKeyword: boolean) => (isKeyword ? 2 : 1);

function attributeOf({ at, made }: Line, name: string, model: Pt2Model, part: "integer" | "float"): number | undefined {
  if (made === undefined) return model.attribute(at, name)?.[part];
  const value = made.attributes[name];
  if (typeof value === "number") return value;
  return typeof value === "object" && "float" in value ? value.float : undefined;
}

/** The elements of a new tensor; only called for small ones. */
function numbersOf({ dataType, raw }: LazyTensor): number[] {
  const type = dataTypes.get(dataType);
  if (type === undefined || (type.kind !== "float" && type.name !== "INT64")) return decline();
  return [...decode(type.format, raw())];
}
