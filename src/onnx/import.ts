/**
 * Imports a model as a module with one function, whose parameters are the inputs of the graph. A node becomes ops of the
 * language by its rule in `rules/`, or an `extern` op if it has none.
 */

import * as onnxMessages from "../diagnostics/areas/onnx.ts";
import { type Diagnostic, fail, type Span, TircError } from "../diagnostics/diagnostic.ts";
import { progress } from "../diagnostics/progress.ts";
import { Builder, copyOp, makeOp } from "../ir/builder.ts";
import {
  type Const,
  constantNames,
  isLeaf,
  type Module,
  makeFn,
  makeModule,
  type Op,
  presentOperands,
  type Result,
  Value,
} from "../ir/ir.ts";
import { elementCount } from "../ir/tensor.ts";
import {
  type Dim,
  type ElementType,
  isFloat8,
  opaqueType,
  printType,
  type TensorType,
  tensorType,
} from "../ir/types.ts";
import { dataTypes, types } from "./data-types.ts";
import { Dimensions } from "./dimensions.ts";
import type { Extent } from "./extent.ts";
import { listing } from "./listing.ts";
import { functionKey, type NodeProto, type ValueInfoProto } from "./messages.ts";
import { type OnnxModel, shownOp, writtenName } from "./model.ts";
import { identifier, UniqueNames } from "./names.ts";
import { Declined, decline, NodeView, type Rule, type Surroundings } from "./node.ts";
import { microsoft } from "./norm-ops.ts";
import { rowsOf } from "./rows.ts";
import { rules } from "./rules/index.ts";
import { sizesIn } from "./sizes.ts";
import { ScopeTypes } from "./types/infer.ts";
import { shapeOperands } from "./types/shapes.ts";
import { mostItems, type TensorInfo } from "./types/view.ts";

/** A model as a program. */
export interface Imported {
  readonly module: Module;
  /** R0701: why nodes for which a rule exists remain `extern` ops. */
  readonly remarks: readonly Diagnostic[];
  /** The value of each tensor of the graph, by the tensor's name in the model. */
  readonly values: ReadonlyMap<string, Value>;
  /** The tensor of each value; the first one if several tensors are aliases. */
  readonly tensors: ReadonlyMap<Value, string>;
  /** The names of tensors in the program, by their names in the model. */
  readonly names: ReadonlyMap<string, string>;
  /** The tensors that the module's constants are loaded from, by the constants' names. */
  readonly weights: ReadonlyMap<string, string>;
  /** The node of each `extern` op. */
  readonly kept: ReadonlyMap<Op, NodeProto>;
  /** Why nodes for which a rule exists remain `extern` ops. */
  readonly declined: ReadonlyMap<NodeProto, string>;
  /** What was inferred about each tensor. */
  readonly types: ScopeTypes;
}

/** Options of `importModel`. */
export interface ImportOptions {
  /** Treat f64 and bf16 as f32. Such a program only serves to locate norms. */
  readonly foreignFloats?: boolean;
  /**
   * Treat bf16 as unsupported unless the model's runtime computes in it: onnxruntime has no norms for bf16, and
   * onnxruntime-web no tensors of bf16 and f8. For programs whose results are handed back to the runtime.
   */
  readonly asRuntime?: boolean;
  /**
   * Import a tensor of unknown rank whose last extent is known as rows of that length: three axes stand for any number
   * of leading ones. Only ops that treat all rows alike are imported on it.
   */
  readonly rowsOfUnknownRank?: boolean;
  /** For a subgraph: the types inferred so far. Values from the enclosing graph become parameters. */
  readonly types?: ScopeTypes;
}

/**
 * @param file the file name from which the program loads its constants.
 * @throws TircError E0740 for a graph without results, E0747 for a file name that cannot be written in a program.
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
  /** Tensors of the model by their names in the program. */
  private readonly named = new Map<string, string>();
  private readonly tensors = new Map<Value, string>();
  private readonly values = new Map<string, Value>();
  private readonly consts: Const[] = [];
  private readonly remarks: Diagnostic[] = [];
  private readonly kept = new Map<Op, NodeProto>();
  private readonly used: ReadonlySet<string>;
  /** Dimensions of parameters: their extents are known when a kernel is launched. */
  private readonly launchDims = new Set<string>();
  /** Ops that only compute shapes or read constants: removed if their results are unused. */
  private readonly removable = new Set<Op>();

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
    const read = new Set(constantNames(ops));
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

  /** Parameters for the values that a subgraph takes from the enclosing graph. */
  private captured(): Value[] {
    const { graph, tensorNames } = this.model;
    const own = new Set([...tensorNames, ...graph.sparse, ...graph.nodes.flatMap(({ outputs }) => outputs)]);
    const names = [...this.used].filter((name) => name !== "" && !own.has(name) && !this.values.has(name));
    return names.flatMap((name) => this.input(name));
  }

  /** A new name of the program for a tensor. */
  private nameOf(tensor: string): string {
    const name = this.names.give(tensor);
    this.named.set(name, tensor);
    return name;
  }

  /** Records that `value` is the tensor `name`. */
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
    const element = dataType === undefined ? undefined : dataTypes.get(dataType)?.element;
    return this.options.asRuntime && element !== undefined && isFloat8(element) ? undefined : element;
  }

  /** The type in the language, or undefined if it has none. */
  private typeOf(info: TensorInfo | undefined): TensorType | undefined {
    const element = this.elementOf(info?.element);
    const extents = info?.shape ?? this.rowsOf(info);
    if (element === undefined || extents === undefined || info?.isSequence === true) return undefined;
    const shape = this.dimensions.shape(extents);
    return isRepresentable(shape) ? tensorType(element, shape) : undefined;
  }

  private rowsOf(info: TensorInfo | undefined): Extent[] | undefined {
    const isTaken = this.options.rowsOfUnknownRank === true && info?.last !== undefined;
    const fresh = () => this.dimensions.fresh();
    return isTaken ? [fresh(), fresh(), fresh(), info.last as Extent] : undefined;
  }

  /** An opaque value that no node produces: an input, or an initializer whose type the language lacks. */
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
    return type && element && isRepresentable(type.dims) ? tensorType(element, type.dims) : undefined;
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
      this.removable.add(value.def as Op);
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
    // Read constants before the mark: ops behind it are removed if the rule declines.
    const operands = this.model.namesTaken(node).map((name) => this.value(name));
    const mark = this.builder.ops.length;
    // A model may define a function of a com.microsoft op for runtimes that lack it: the op's rule still applies.
    const isOther = node.domain !== microsoft && this.model.functions.has(functionKey({ ...node, name: node.opType }));
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
      // An opaque operand has a remark of its own.
      const follows = operands.some(({ type }) => type.opaque);
      if (!follows) this.remarks.push(onnxMessages.keptAsExtern(span, shownOp(node), reason));
    }
    this.keep(view, span);
  }

  /** The result of a node that computes with extents alone, as Shape and Gather do. */
  private sizes({ outputs }: NodeProto): Value | undefined {
    const [name = "", ...others] = outputs;
    return others.length > 0
      ? undefined
      : sizesIn(this.types.info(name), this.builder, this.dimensions, this.launchDims);
  }

  /** Assigns values to the outputs of a node, and names to the values that its ops from `mark` on define. */
  private bind(node: NodeProto, values: readonly (Value | undefined)[], mark: number): void {
    const made = this.builder.ops.slice(mark);
    const large = made.flatMap((op) => op.results).find(({ type }) => !isRepresentable(type.shape));
    if (large !== undefined) decline(`${printType(large.type)} has more than 2^32 elements`);
    const bound = node.outputs.flatMap((name, i) => {
      if (name === "" || !this.used.has(name)) return [];
      return [{ name, value: values[i] ?? decline(`its output ${i} is not supported`) }];
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
    if (this.isKnown(node)) for (const op of this.builder.ops.slice(mark)) this.removable.add(op);
  }

  /** Whether the elements of all outputs were inferred. */
  private isKnown({ outputs }: NodeProto): boolean {
    return outputs.every((name) => name === "" || this.types.info(name)?.items !== undefined);
  }

  /** Replaces ops from `mark` on by copies whose results have these names. */
  private rename(names: ReadonlyMap<Value, string>, mark: number): ReadonlyMap<Value, Value> {
    const renamed = new Map<Value, Value>();
    const { ops } = this.builder;
    for (let at = names.size === 0 ? ops.length : mark; at < ops.length; at++) {
      const op = ops[at] as Op;
      const operands = op.operands.map((operand) => operand && (renamed.get(operand) ?? operand));
      const resultNames = op.results.map((result) => names.get(result) ?? result.name);
      const isSame = operands.every((operand, i) => operand === op.operands[i]);
      if (isSame && resultNames.every((name, i) => name === op.results[i]?.name)) continue;
      const copy = copyOp(op, { operands, resultNames });
      ops[at] = copy;
      for (const [i, result] of op.results.entries()) renamed.set(result, copy.results[i] as Value);
    }
    return renamed;
  }

  private keep(view: NodeView, span: Span): void {
    const { node } = view;
    // The result's type already contains an inferred shape: reading it would add a use of the stream it is computed from.
    const shapes = shapeOperands(node);
    const isInferred = (name: string) => {
      const i = node.inputs.indexOf(name);
      return shapes.includes(i) && this.types.info(name)?.items?.includes(undefined) === false;
    };
    const taken = this.model.namesTaken(node).filter((name) => !isInferred(name));
    const operands = taken.map((name) => this.value(name));
    const label = node.domain === "" ? node.opType : `${node.domain}.${node.opType}`;
    const types = node.outputs.map((name) => this.typeOf(this.types.info(name)) ?? opaqueType);
    const names = node.outputs.map((name) => (name === "" ? undefined : this.nameOf(name)));
    const written = { op: writtenName(label), node: `${this.file}#${node.index}` };
    const attributes = { ...written, ...this.rowFact(view, taken) };
    const op = this.builder.add(makeOp("extern", operands, attributes, { places: { op: span }, names, types }));
    this.kept.set(op, node);
    for (const [i, name] of node.outputs.entries()) if (name !== "") this.made(name, op.results[i] as Value);
    if (this.isKnown(node)) this.removable.add(op);
    const follows = operands.some(({ type }) => type.opaque);
    for (const result of op.results) {
      const name = node.outputs[result.index] ?? "";
      if (result.type.opaque && !follows && this.used.has(name)) {
        this.remarks.push(onnxMessages.unknownType(span, shownOp(node), name));
      }
    }
  }

  /** The attributes that say of which operands' rows the result's rows are linear combinations. */
  private rowFact(view: NodeView, taken: readonly string[]): { rows?: number[]; kept?: readonly number[] } {
    const fact = rowsOf(view, view.result());
    if (fact === undefined) return {};
    const rows = fact.inputs.map((i) => taken.indexOf(view.node.inputs[i] as string));
    return { rows: [...new Set(rows)].sort((a, b) => a - b), kept: fact.kept.toSorted((a, b) => a - b) };
  }

  /** All ops but removable ones whose results are unused. */
  private needed(results: readonly Result[]): Op[] {
    const live = new Set(results.map(({ value }) => value));
    const kept: Op[] = [];
    for (const op of this.builder.ops.toReversed()) {
      const isNeeded = !isLeaf(op) && !this.removable.has(op);
      if (!isNeeded && !op.results.some((result) => live.has(result))) continue;
      for (const operand of presentOperands(op)) live.add(operand);
      kept.push(op);
    }
    return kept.reverse();
  }
}

/** Whether the language allows a tensor of this shape. */
function isRepresentable(shape: readonly (Dim | undefined)[]): boolean {
  const numbers = shape.filter((dim) => typeof dim === "number");
  const isExtent = (dim: number) => Number.isInteger(dim) && dim >= 0 && dim < 2 ** 32;
  return numbers.every(isExtent) && elementCount(numbers) <= 2 ** 32;
}

/** Why a rule failed: it declined, or the op rejected the operands. */
function reasonOf(caught: unknown): string {
  if (caught instanceof Declined) return caught.message;
  if (caught instanceof TircError) return caught.diagnostics[0]?.message ?? "";
  throw caught;
}
