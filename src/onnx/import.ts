/**
 * From a model to a module: one function, its inputs the parameters. Nodes whose op the language has become that op, by
 * the rules of `rules/`; any other becomes an `extern` op.
 */

import * as onnxMessages from "../diagnostics/areas/onnx.ts";
import { type Diagnostic, fail, type Span, TircError } from "../diagnostics/diagnostic.ts";
import { progress } from "../diagnostics/progress.ts";
import { Builder, copyOp, makeOp } from "../ir/builder.ts";
import {
  type Const,
  isLeaf,
  isOp,
  type Module,
  makeFn,
  makeModule,
  type Op,
  presentOperands,
  type Result,
  Value,
} from "../ir/ir.ts";
import { elementCount } from "../ir/tensor.ts";
import { type Dim, type ElementType, opaqueType, printType, type TensorType, tensorType } from "../ir/types.ts";
import { dataTypes } from "./data-types.ts";
import { Dimensions } from "./dimensions.ts";
import type { Extent } from "./extent.ts";
import { listing } from "./listing.ts";
import { functionKey, type NodeProto, type ValueInfoProto } from "./messages.ts";
import { type OnnxModel, shownOp, writtenName } from "./model.ts";
import { identifier, UniqueNames } from "./names.ts";
import { Declined, decline, NodeView, type Rule, type Surroundings } from "./node.ts";
import { rowsOf } from "./rows.ts";
import { rules } from "./rules/index.ts";
import { sizesIn } from "./sizes.ts";
import { ScopeTypes } from "./types/infer.ts";
import { mostItems, type TensorInfo, types } from "./types/view.ts";

/** The program that a model became. */
export interface Imported {
  readonly module: Module;
  /** Why nodes that look like ops of the language are kept as they are: R0701. */
  readonly remarks: readonly Diagnostic[];
  /** What became of each tensor of the graph, by its name in the model. */
  readonly values: ReadonlyMap<string, Value>;
  /** The tensor that a value is: the first, where nodes hand a tensor on under other names. */
  readonly tensors: ReadonlyMap<Value, string>;
  /** What tensors are called in the program. */
  readonly names: ReadonlyMap<string, string>;
  /** The tensors that constants of the module are, by their names there. */
  readonly weights: ReadonlyMap<string, string>;
  /** The nodes that are `extern` ops, by these. */
  readonly kept: ReadonlyMap<Op, NodeProto>;
  /** Why nodes that look like ops of the language are `extern`. */
  readonly declined: ReadonlyMap<NodeProto, string>;
  /** What is known of each tensor. */
  readonly types: ScopeTypes;
}

/** How far a model is taken for a program. */
export interface ImportOptions {
  /** Floats that the language has no type for are taken for f32: what comes of it shows where norms are, no more. */
  readonly foreignFloats?: boolean;
  /**
   * A bf16 has a type only where what runs the model computes in it: onnxruntime has no norms of bf16, and its tensors in
   * JavaScript are of no such type. For what is handed back to the runtime.
   */
  readonly asRuntime?: boolean;
  /**
   * A tensor of which the last extent is known and the rank is not is taken for rows of that length, three axes standing
   * for any number before the last. What does the same to every row is an op of the language on them.
   */
  readonly rowsOfUnknownRank?: boolean;
  /** What is known of the tensors already: of a graph inside of a node, whose other names are parameters. */
  readonly types?: ScopeTypes;
}

/**
 * @param file what the program calls the model: its constants are loaded from there.
 * @throws TircError E0740 for a graph without results, E0747 for a file name that cannot be written.
 */
export function importModel(model: OnnxModel, file: string, options: ImportOptions = {}): Imported {
  if (writtenName(file) !== file || !/\.(onnx|pt2)$/.test(file)) fail(onnxMessages.unwritableName(file));
  return new GraphImport(model, file, options).run();
}

class GraphImport implements Surroundings {
  readonly model: OnnxModel;
  readonly builder: Builder;
  readonly dimensions: Dimensions;
  readonly types: ScopeTypes;
  private readonly options: ImportOptions;
  private readonly declined = new Map<NodeProto, string>();
  private readonly file: string;
  private readonly whole: Span;
  private readonly spanOf: (node: NodeProto) => Span;
  private readonly names = new UniqueNames();
  /** The tensors by their names in the program. */
  private readonly named = new Map<string, string>();
  private readonly tensors = new Map<Value, string>();
  private readonly values = new Map<string, Value>();
  private readonly consts: Const[] = [];
  private readonly remarks: Diagnostic[] = [];
  private readonly kept = new Map<Op, NodeProto>();
  private readonly used: ReadonlySet<string>;
  /** Dimensions of parameters, whose extents are known when a kernel is launched. */
  private readonly launchDims = new Set<string>();
  /** Ops that only compute shapes, or read constants: they go where nothing needs them. */
  private readonly mayGo = new Set<Op>();

  constructor(model: OnnxModel, file: string, options: ImportOptions) {
    this.model = model;
    this.options = options;
    this.types = options.types ?? new ScopeTypes({ model, dimensions: new Dimensions() }, model.graph);
    this.dimensions = this.types.shared.dimensions;
    this.file = file;
    const { source, spanOf } = listing(model, this.named);
    this.whole = { source, start: 0, end: 0 };
    this.spanOf = spanOf;
    this.builder = new Builder(this.whole);
    const { outputs } = model.graph;
    const taken = model.graph.nodes.flatMap((node) => model.namesTaken(node));
    this.used = new Set([...taken, ...outputs.map(({ name }) => name)]);
  }

  run(): Imported {
    const { graph, order } = this.model;
    if (graph.outputs.length === 0) fail(onnxMessages.noOutputs(this.model.file));
    const constants = new Set(this.model.tensorNames);
    const params = graph.inputs.flatMap((input) => (constants.has(input.name) ? [] : this.parameter(input)));
    if (this.options.types !== undefined) params.push(...this.captured());
    for (const dim of params.flatMap(({ shape }) => shape)) if (typeof dim === "string") this.launchDims.add(dim);
    for (const name of graph.sparse) this.made(name, this.outside("SparseInitializer", name));
    for (const [i, node] of order.entries()) {
      progress(() => `import: node ${i + 1} of ${order.length}`);
      if (!constants.has(node.outputs[0] ?? "")) this.node(node);
    }
    const resultNames = new UniqueNames();
    const results = graph.outputs.map(
      ({ name }): Result => ({ name: resultNames.give(name), value: this.value(name) }),
    );
    const ops = this.needed(results);
    const read = new Set(ops.flatMap((op) => (isOp(op, "global") ? [op.attributes.name] : [])));
    const name = identifier(graph.name === "" ? "main" : graph.name);
    const fn = makeFn({ name, params, ops, results, span: this.whole });
    const consts = this.consts.filter((constant) => read.has(constant.name));
    const there = new Set(ops);
    const kept = new Map([...this.kept].filter(([op]) => there.has(op)));
    const weights = new Map(consts.map((constant) => [constant.name, this.named.get(constant.name) as string]));
    const names = new Map([...this.named].map(([written, tensor]) => [tensor, written]));
    const { remarks, values, tensors, declined, types } = this;
    return { module: makeModule([fn], consts), remarks, values, tensors, names, weights, kept, declined, types };
  }

  /** What the nodes take from around their graph. */
  private captured(): Value[] {
    const { graph, tensorNames } = this.model;
    const own = new Set([...tensorNames, ...graph.sparse, ...graph.nodes.flatMap(({ outputs }) => outputs)]);
    const names = [...this.used].filter((name) => name !== "" && !own.has(name) && !this.values.has(name));
    return names.flatMap((name) => this.input(name));
  }

  /** The name of a tensor in the program. */
  private nameOf(tensor: string): string {
    const name = this.names.give(tensor);
    this.named.set(name, tensor);
    return name;
  }

  /** A value that was made for a tensor. */
  private made(name: string, value: Value): Value {
    this.values.set(name, value);
    this.tensors.set(value, name);
    return value;
  }

  private parameter(info: ValueInfoProto): Value[] {
    if (this.options.types === undefined) this.types.parameter(info);
    return this.input(info.name);
  }

  private input(name: string): Value[] {
    const type = this.typeOf(this.types.info(name));
    if (type === undefined) {
      this.made(name, this.outside("Input", name));
      return [];
    }
    return [this.made(name, new Value(type, this.nameOf(name), this.whole))];
  }

  elementOf(dataType: number | undefined): ElementType | undefined {
    if (this.options.foreignFloats && (dataType === types.double || dataType === types.bfloat16)) return "f32";
    if (this.options.asRuntime && dataType === types.bfloat16 && !this.model.hasBfloat16) return undefined;
    return dataType === undefined ? undefined : dataTypes.get(dataType)?.element;
  }

  /** The type in the language, where it has one. */
  private typeOf(info: TensorInfo | undefined): TensorType | undefined {
    const element = this.elementOf(info?.element);
    const extents = info?.shape ?? this.rowsOf(info);
    if (element === undefined || extents === undefined || info?.isSequence === true) return undefined;
    const shape = this.dimensions.shape(extents);
    return isBearable(shape) ? tensorType(element, shape) : undefined;
  }

  private rowsOf(info: TensorInfo | undefined): Extent[] | undefined {
    const isTaken = this.options.rowsOfUnknownRank === true && info?.last !== undefined;
    const fresh = () => this.dimensions.fresh();
    return isTaken ? [fresh(), fresh(), fresh(), info.last as Extent] : undefined;
  }

  /** A value that comes from outside of the nodes and has no type in the language. */
  private outside(what: string, name: string): Value {
    const attributes = { op: what, node: `${this.file}#${writtenName(name)}` };
    const options = { places: { op: this.whole }, names: [this.nameOf(name)], types: [opaqueType] };
    return this.builder.add(makeOp("extern", [], attributes, options)).result;
  }

  value(name: string): Value {
    return this.values.get(name) ?? this.made(name, this.readConstant(name));
  }

  isUsed(name: string): boolean {
    return this.used.has(name);
  }

  private constantType(name: string): TensorType | undefined {
    const type = this.model.tensorType(name);
    const element = this.elementOf(type?.dataType);
    return type && element && isBearable(type.dims) ? tensorType(element, type.dims) : undefined;
  }

  constant(name: string): { shape: readonly number[]; numbers: readonly number[] } | undefined {
    const type = this.constantType(name);
    if (type === undefined || elementCount(type.shape as number[]) > mostItems) return undefined;
    const numbers = this.model.numbers(name)?.numbers;
    return numbers && { shape: type.shape as number[], numbers: [...numbers] };
  }

  private readConstant(name: string): Value {
    const type = this.constantType(name);
    if (type === undefined) {
      const value = this.outside("Initializer", name);
      this.mayGo.add(value.def as Op);
      return value;
    }
    const written = this.nameOf(name);
    const { element, shape } = type;
    const data = { kind: "load" as const, file: this.file, tensor: writtenName(name) };
    this.consts.push({ name: written, type, data, centered: [], span: this.whole });
    const options = { places: { op: this.whole }, names: [written] };
    return this.builder.add(makeOp("global", [], { name: written, element, shape }, options)).result;
  }

  private node(node: NodeProto): void {
    const span = this.spanOf(node);
    this.builder.standAt({ span, kernel: undefined });
    if (this.options.types === undefined) this.types.node(node);
    const view = new NodeView(node, this);
    // Constants that it reads stand before its own ops, as those may be taken back.
    const operands = this.model.namesTaken(node).map((name) => this.value(name));
    const mark = this.builder.ops.length;
    // A function of onnxruntime's domain says the same in primitives, for runtimes that lack the op.
    const isOther =
      node.domain !== "com.microsoft" && this.model.functions.has(functionKey({ ...node, name: node.opType }));
    const rule = isOther ? undefined : rules.get(`${node.domain}:${node.opType}`);
    try {
      const sizes = this.sizes(node);
      if (sizes !== undefined || rule !== undefined) {
        this.bind(node, sizes ? [sizes] : [(rule as Rule)(view)].flat(), mark);
        return;
      }
    } catch (caught) {
      const reason = reasonOf(caught);
      this.builder.ops.length = mark;
      this.declined.set(node, reason);
      // What is so because of an opaque operand has been said of that.
      const follows = operands.some(({ type }) => type.opaque);
      if (!follows) this.remarks.push(onnxMessages.keptAsExtern(span, shownOp(node), reason));
    }
    this.keep(view, span);
  }

  /** What a node computes of extents alone, as Shape and Gather do. */
  private sizes({ outputs }: NodeProto): Value | undefined {
    const [name = "", ...others] = outputs;
    return others.length > 0
      ? undefined
      : sizesIn(this.types.info(name), this.builder, this.dimensions, this.launchDims);
  }

  /** Gives the outputs of a node their values, and those that were just made their names. */
  private bind(node: NodeProto, values: readonly (Value | undefined)[], mark: number): void {
    const made = this.builder.ops.slice(mark);
    const large = made.flatMap((op) => op.results).find(({ type }) => !isBearable(type.shape));
    if (large !== undefined) decline(`${printType(large.type)} has more elements than a program may have`);
    const bound = node.outputs.flatMap((name, i) => {
      if (name === "" || !this.used.has(name)) return [];
      return [{ name, value: values[i] ?? decline(`its output ${i} is not made`) }];
    });
    const names = new Map<Value, string>();
    const isMade = new Set(made);
    for (const { name, value } of bound) {
      const isNew = value.def !== undefined && !isLeaf(value.def) && isMade.has(value.def);
      if (isNew && value.name === undefined && !names.has(value)) names.set(value, this.nameOf(name));
    }
    const renamed = this.rename(names, mark);
    for (const { name, value } of bound) {
      const now = renamed.get(value) ?? value;
      const isFirst = names.has(value) && !this.tensors.has(now);
      if (isFirst) this.made(name, now);
      else this.values.set(name, now);
    }
    if (this.isKnown(node)) for (const op of this.builder.ops.slice(mark)) this.mayGo.add(op);
  }

  /** Whether a node makes nothing but what is known before it runs. */
  private isKnown({ outputs }: NodeProto): boolean {
    return outputs.every((name) => name === "" || this.types.info(name)?.items !== undefined);
  }

  /** Gives values that ops from `mark` on make their names; the ops after them read what is named. */
  private rename(names: ReadonlyMap<Value, string>, mark: number): ReadonlyMap<Value, Value> {
    const renamed = new Map<Value, Value>();
    const { ops } = this.builder;
    for (const [at, op] of names.size === 0 ? [] : ops.slice(mark).map((op, i) => [mark + i, op] as const)) {
      const operands = op.operands.map((operand) => operand && (renamed.get(operand) ?? operand));
      const resultNames = op.results.map((result) => names.get(result) ?? result.name);
      const isSame = operands.every((operand, i) => operand === op.operands[i]);
      if (isSame && resultNames.every((name, i) => name === op.results[i]?.name)) continue;
      const copy = copyOp(op, { operands, resultNames });
      ops[at] = copy;
      for (const [i, result] of op.results.entries()) {
        const now = copy.results[i] as Value;
        renamed.set(result, now);
      }
    }
    return renamed;
  }

  private keep(view: NodeView, span: Span): void {
    const { node } = view;
    // What its type says already is not read: what computes a shape of a stream reads the stream.
    const shapes = shapeOperands(node);
    const isSaid = (name: string) => {
      const i = node.inputs.indexOf(name);
      return shapes.includes(i) && this.types.info(name)?.items?.includes(undefined) === false;
    };
    const taken = this.model.namesTaken(node).filter((name) => !isSaid(name));
    const operands = taken.map((name) => this.value(name));
    const label = node.domain === "" ? node.opType : `${node.domain}.${node.opType}`;
    const types = node.outputs.map((name) => this.typeOf(this.types.info(name)) ?? opaqueType);
    const names = node.outputs.map((name) => (name === "" ? undefined : this.nameOf(name)));
    const written = { op: writtenName(label), node: `${this.file}#${node.index}` };
    const attributes = { ...written, ...this.rowFact(view, taken) };
    const op = this.builder.add(makeOp("extern", operands, attributes, { places: { op: span }, names, types }));
    this.kept.set(op, node);
    for (const [i, name] of node.outputs.entries()) if (name !== "") this.made(name, op.results[i] as Value);
    if (this.isKnown(node)) this.mayGo.add(op);
    const follows = operands.some(({ type }) => type.opaque);
    for (const result of op.results) {
      const name = node.outputs[result.index] ?? "";
      if (result.type.opaque && !follows && this.used.has(name)) {
        this.remarks.push(onnxMessages.unknownType(span, shownOp(node), name));
      }
    }
  }

  /** Which operands' rows the result's rows are made of. */
  private rowFact(view: NodeView, taken: readonly string[]): { rows?: number[]; kept?: readonly number[] } {
    const fact = rowsOf(view, view.result());
    if (fact === undefined) return {};
    const rows = fact.inputs.map((i) => taken.indexOf(view.node.inputs[i] as string));
    return { rows: [...new Set(rows)].sort((a, b) => a - b), kept: fact.kept.toSorted((a, b) => a - b) };
  }

  /** All ops but those whose results nothing reads, of those that only compute shapes or read a constant. */
  private needed(results: readonly Result[]): Op[] {
    const live = new Set(results.map(({ value }) => value));
    const kept: Op[] = [];
    for (const op of this.builder.ops.toReversed()) {
      const isNeeded = !isLeaf(op) && !this.mayGo.has(op);
      if (!isNeeded && !op.results.some((result) => live.has(result))) continue;
      for (const operand of presentOperands(op)) live.add(operand);
      kept.push(op);
    }
    return kept.reverse();
  }
}

const withShapes = new Set([
  ...["Reshape", "Expand", "Slice", "Tile", "Pad", "Resize", "Upsample", "Squeeze", "Unsqueeze", "Split", "TopK"],
  ...["CenterCropPad", "ConstantOfShape", "Range"],
]);

/** The inputs of a node that say nothing but what shape it makes, or where it cuts. */
function shapeOperands({ domain, opType, inputs }: NodeProto): number[] {
  if (domain !== "" || !withShapes.has(opType)) return [];
  const first = opType === "ConstantOfShape" || opType === "Range" ? 0 : 1;
  return [...inputs.keys()].filter((i) => i >= first);
}

/** Whether extents are some that a program may have. */
function isBearable(shape: readonly (Dim | undefined)[]): boolean {
  const numbers = shape.filter((dim) => typeof dim === "number");
  const isExtent = (dim: number) => Number.isInteger(dim) && dim >= 0 && dim < 2 ** 32;
  return numbers.every(isExtent) && elementCount(numbers) <= 2 ** 32;
}

/** Why a rule did not come to an end: it declined, or the op does not take such operands. */
function reasonOf(caught: unknown): string {
  if (caught instanceof Declined) return caught.message;
  if (caught instanceof TircError) return caught.diagnostics[0]?.message ?? "";
  throw caught;
}
