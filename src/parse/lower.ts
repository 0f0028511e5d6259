/** Lowers the syntax tree to the IR: resolves names, types literals and checks every op. */

import * as elementErrors from "../diagnostics/areas/elements.ts";
import * as externErrors from "../diagnostics/areas/extern.ts";
import * as shapeErrors from "../diagnostics/areas/shapes.ts";
import * as valueErrors from "../diagnostics/areas/values.ts";
import type { Diagnostic, Span } from "../diagnostics/diagnostic.ts";
import { joinSpans } from "../diagnostics/source.ts";
import { Builder, makeOp } from "../ir/builder.ts";
import { type Fn, type Module, makeFn, makeModule, type Result, Value } from "../ir/ir.ts";
import { floats } from "../ir/ops/def.ts";
import { elementCount } from "../ir/tensor.ts";
import {
  type Dim,
  isComputedFloat,
  opaqueType,
  printType,
  sameType,
  type TensorType,
  tensorType,
} from "../ir/types.ts";
import { type Declared, type DeclaredConst, lowerConsts, lowerContract } from "./lower-const.ts";
import { constantOf, ExpressionLowering, type Lowered, type LowerObserver } from "./lower-expression.ts";
import type { FileNode, FnNode, LetNode, ReturnNode, StatementNode, TypeNode } from "./syntax.ts";

/** The valid functions, and all errors in the others; `observer` is notified of both. */
export function lower(file: FileNode, observer?: LowerObserver): { module: Module; diagnostics: Diagnostic[] } {
  const diagnostics: Diagnostic[] = [];
  const names = new Map<string, Span>();
  const consts = lowerConsts(file.consts, diagnostics);
  const fns: Fn[] = [];
  const functions = new Set(file.fns.map(({ name }) => name));
  for (const node of file.fns) {
    const first = names.get(node.name);
    if (first !== undefined) diagnostics.push(valueErrors.duplicate(node.nameSpan, "function", node.name, first));
    else names.set(node.name, node.nameSpan);
    const lowering = new FnLowering(node, consts.declared, functions, observer);
    const fn = lowering.lower();
    for (const one of lowering.diagnostics) diagnostics.push(one);
    if (fn !== undefined && lowering.diagnostics.length === 0) fns.push(fn);
  }
  return { module: makeModule(fns, consts.sound), diagnostics };
}

const largestExtent = 2 ** 32 - 1;

class FnLowering {
  readonly diagnostics: Diagnostic[] = [];
  private readonly node: FnNode;
  private readonly builder: Builder;
  private readonly dims = new Set<string>();
  private readonly scope = new Map<string, { bound: Lowered; span: Span }>();
  private readonly expressions: ExpressionLowering;
  private readonly consts: Declared;
  private readonly observer: LowerObserver | undefined;
  private kernels = 0;

  constructor(node: FnNode, consts: Declared, functions: ReadonlySet<string>, observer: LowerObserver | undefined) {
    this.node = node;
    this.consts = consts;
    this.observer = observer;
    this.builder = new Builder(node.span);
    const { builder, dims, diagnostics } = this;
    this.expressions = new ExpressionLowering({
      ...{ builder, dims, diagnostics, observer },
      lookup: (name) => this.scope.get(name)?.bound ?? this.global(name),
      names: () => this.names(),
      isFunction: (name) => functions.has(name),
    });
  }

  lower(): Fn | undefined {
    const { node } = this;
    for (const param of node.params) {
      for (const dim of param.type.shape) if (typeof dim === "string") this.dims.add(dim);
    }
    for (const { types } of externsOf(node.body)) {
      for (const type of types) for (const dim of type?.shape ?? []) if (typeof dim === "string") this.dims.add(dim);
    }
    const params = node.params.map((param) => {
      const type = this.type(param.type);
      if (type.opaque) this.diagnostics.push(externErrors.opaquePlace(param.type.span, "a parameter"));
      const centered = lowerContract(param.contract, type, this.diagnostics);
      if (param.trained !== undefined && !isComputedFloat(type.element))
        this.diagnostics.push(elementErrors.elementRefused(param.trained, "@trained", type.element, floats));
      const value = new Value(type, param.name, param.nameSpan, undefined, 0, centered, param.trained !== undefined);
      this.define(param.name, param.nameSpan, { kind: "value", value }, "parameter");
      return value;
    });
    const declared = this.declaredResults();
    for (const statement of node.body) if (statement.kind !== "return") this.statement(statement);
    const last = node.body.find((statement): statement is ReturnNode => statement.kind === "return");
    const results = last && this.returned(last, declared);
    if (results === undefined || this.diagnostics.length > 0) return undefined;
    return makeFn({ name: node.name, params, ops: this.builder.ops, results, span: node.span });
  }

  /** Captures the names bound at this point: a map iterates in insertion order, so the count is enough. */
  private names(): () => readonly string[] {
    const { scope, consts } = this;
    const count = scope.size;
    return () => [...new Set([...[...scope.keys()].slice(0, count), ...consts.keys()])];
  }

  /** The value of a `const`: one op in the function, created at its first use. */
  private global(name: string): Lowered | undefined {
    const declared = this.consts.get(name);
    if (declared === undefined) return undefined;
    const bound =
      declared.type === undefined ? { kind: "poison" as const } : this.readGlobal(name, declared.type, declared);
    this.scope.set(name, { bound, span: declared.span });
    return bound;
  }

  private readGlobal(name: string, { element, shape }: TensorType, { number, span }: DeclaredConst): Lowered {
    const options = { places: { op: span }, names: [name] };
    const op =
      number === undefined
        ? makeOp("global", [], { name, element, shape }, options)
        : makeOp("constant", [], { element, value: number }, options);
    return { kind: "value", value: this.builder.add(op).result };
  }

  private define(name: string, span: Span, bound: Lowered, kind = "value"): void {
    this.observer?.bound(span, bound);
    const first = this.scope.get(name) ?? this.consts.get(name);
    if (first !== undefined) this.diagnostics.push(valueErrors.duplicate(span, kind, name, first.span));
    else this.scope.set(name, { bound, span });
  }

  /** The type as written; reports errors in its shape. */
  private type(node: TypeNode): TensorType {
    if (node.opaque) return opaqueType;
    const before = this.diagnostics.length;
    for (const [i, dim] of node.shape.entries()) this.checkDim(dim, node.dimSpans[i] ?? node.span);
    const type = tensorType(node.element, node.shape);
    const known = elementCount(node.shape.filter((dim) => typeof dim === "number"));
    const areRight = this.diagnostics.length === before;
    if (areRight && known > 2 ** 32) this.diagnostics.push(shapeErrors.hugeShape(node.span, printType(type)));
    return type;
  }

  private checkDim(dim: Dim, span: Span): void {
    if (typeof dim === "number") {
      const fits = Number.isInteger(dim) && dim >= 0 && dim <= largestExtent;
      if (!fits) this.diagnostics.push(shapeErrors.badExtent(span, String(dim)));
    } else if (!this.dims.has(dim)) {
      this.diagnostics.push(shapeErrors.unknownDimension(span, dim, () => [...this.dims]));
    }
  }

  private declaredResults(): { name: string; type: TensorType; isRight: boolean; span: Span }[] {
    const seen = new Map<string, Span>();
    return this.node.results.map((result, i) => {
      const name = result.name ?? `out${i}`;
      const span = result.nameSpan ?? result.span;
      const first = seen.get(name);
      if (first !== undefined) this.diagnostics.push(valueErrors.duplicate(span, "result", name, first));
      seen.set(name, span);
      const before = this.diagnostics.length;
      const type = this.type(result.type);
      return { name, type, isRight: this.diagnostics.length === before, span: result.type.span };
    });
  }

  private statement(node: Exclude<StatementNode, ReturnNode>): void {
    if (node.kind === "let") {
      this.let(node);
      return;
    }
    this.expressions.kernel = this.kernels++;
    for (const inner of node.body) this.let(inner);
    this.expressions.kernel = undefined;
  }

  private let(node: LetNode): void {
    const names = node.names.map(({ name }) => name);
    const declared = isExtern(node) ? names.map((_, i) => this.declared(node.types[i])) : undefined;
    const bound = this.expressions.several(node.value, names, declared);
    if (bound.length !== names.length) {
      if (bound[0]?.kind !== "poison") {
        const callee = node.value.kind === "call" ? node.value.callee : "this";
        const at = node.names.map(({ span }) => span).reduce(joinSpans);
        this.diagnostics.push(valueErrors.bindingCount(at, callee, bound.length, names.length));
      }
      for (const { name, span } of node.names) this.define(name, span, { kind: "poison" });
      return;
    }
    for (const [i, { name, span }] of node.names.entries()) {
      const lowered = bound[i] as Lowered;
      const type = declared === undefined ? node.types[i] : undefined;
      this.define(name, span, type === undefined ? lowered : this.annotated(lowered, type, name));
    }
  }

  /** The type of one result of an `extern` op. */
  private declared(node: TypeNode | undefined): TensorType {
    return node === undefined ? opaqueType : this.type(node);
  }

  /** The bound value, checked against the declared type; a literal takes the declared element type. */
  private annotated(bound: Lowered, node: TypeNode, name: string): Lowered {
    const before = this.diagnostics.length;
    const type = this.type(node);
    if (bound.kind === "poison" || this.diagnostics.length > before) return { kind: "poison" };
    const value = bound.kind === "value" ? bound.value : this.constant(bound, type, name);
    if (value === undefined) return { kind: "poison" };
    if (sameType(value.type, type)) return { kind: "value", value };
    const got = bound.kind === "literal" ? "a single number" : printType(value.type);
    const span = bound.kind === "literal" ? bound.span : value.span;
    this.diagnostics.push(valueErrors.typeMismatch(span, `\`${name}\``, printType(type), got, node.span));
    return { kind: "poison" };
  }

  private constant(literal: Lowered & { kind: "literal" }, type: TensorType, name?: string): Value | undefined {
    const made = constantOf(this.builder, literal, type.element, name);
    if (made instanceof Value) return made;
    this.diagnostics.push(made);
    return undefined;
  }

  private returned(node: ReturnNode, declared: ReturnType<FnLowering["declaredResults"]>): Result[] | undefined {
    if (node.values.length !== declared.length) {
      const { resultsSpan } = this.node;
      this.diagnostics.push(valueErrors.resultCount(node.span, declared.length, node.values.length, resultsSpan));
      for (const value of node.values) this.expressions.one(value);
      return undefined;
    }
    return declared.flatMap(({ name, type, isRight, span }, i) => {
      const expression = node.values[i] as ReturnNode["values"][number];
      const lowered = this.expressions.one(expression, this.scope.has(name) ? undefined : name);
      if (lowered.kind === "poison" || !isRight) return [];
      const value = lowered.kind === "value" ? lowered.value : this.constant(lowered, type);
      if (value === undefined) return [];
      if (sameType(value.type, type)) return [{ name, value }];
      const got = lowered.kind === "literal" ? "a single number" : printType(value.type);
      this.diagnostics.push(
        valueErrors.typeMismatch(expression.span, `the result \`${name}\``, printType(type), got, span),
      );
      return [];
    });
  }
}

function isExtern({ value }: LetNode): boolean {
  return value.kind === "call" && value.callee === "extern";
}

/** The statements that bind `extern` ops: their results may introduce new dimensions. */
function externsOf(body: readonly StatementNode[]): LetNode[] {
  return body.flatMap((node) => {
    if (node.kind === "kernel") return externsOf(node.body);
    return node.kind === "let" && isExtern(node) ? [node] : [];
  });
}
