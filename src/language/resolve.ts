/**
 * Name resolution.
 *
 * - binding: a named function, value or dimension, with the place of its definition and those of its uses.
 *
 * Values (parameters, `let`s and consts) and dimensions have separate namespaces. Only the list of a `shape` attribute
 * may name either; there a dimension takes precedence. Statements that did not parse are scanned word by word.
 */

import { infixOps, isOpName, type OpName, ops, prefixOps } from "../ir/ops/index.ts";
import { reservedWords } from "../ir/print.ts";
import type { Token } from "../parse/scan.ts";
import type {
  CallNode,
  ConstNode,
  ExpressionNode,
  FileNode,
  FnNode,
  LetNode,
  ParamNode,
  ResultNode,
  ReturnNode,
  TypeNode,
} from "../parse/syntax.ts";
import { rangeOf, type TextRange, touches } from "./text-range.ts";

/** What a name can refer to. */
export type BindingKind = "function" | "const" | "parameter" | "result" | "value" | "dimension";

export interface Binding {
  readonly kind: BindingKind;
  readonly name: string;
  readonly definition: TextRange;
  /** In source order. */
  readonly uses: readonly TextRange[];
  /** The function it belongs to; `undefined` for consts and functions. */
  readonly fn: FnNode | undefined;
  /** The defining node; `undefined` for a dimension, which is defined by the first type that names it. */
  readonly node: ConstNode | FnNode | ParamNode | ResultNode | LetNode | undefined;
  /** The declared type, if any. */
  readonly type: TypeNode | undefined;
}

/** The range of an operator. */
interface OperatorUse extends TextRange {
  readonly op: OpName;
  /** The range of the expression that it forms. */
  readonly whole: TextRange;
}

export interface Names {
  readonly bindings: readonly Binding[];
  readonly calls: readonly CallNode[];
  readonly operators: readonly OperatorUse[];
}

export function resolve(file: FileNode, tokens: readonly Token[]): Names {
  const found: Found = { tokens, bindings: [], calls: [], operators: [] };
  const consts = new Map<string, OpenBinding>();
  for (const node of file.consts) {
    const binding = bind(found, { kind: "const", name: node.name, definition: node.nameSpan, node, type: node.type });
    if (!consts.has(node.name)) consts.set(node.name, binding);
  }
  for (const node of file.consts) new Scope(found, undefined, consts).expression(node.value);
  for (const fn of file.fns) {
    bind(found, { kind: "function", name: fn.name, definition: fn.nameSpan, node: fn });
    new Scope(found, fn, consts).function(fn);
  }
  for (const { uses } of found.bindings) uses.sort((a, b) => a.start - b.start);
  return found;
}

/** The binding that the name at `offset` refers to. */
export function bindingAt({ bindings }: Names, offset: number): { binding: Binding; place: TextRange } | undefined {
  for (const binding of bindings) {
    const place = placesOf(binding).find((one) => touches(one, offset));
    if (place !== undefined) return { binding, place };
  }
  return undefined;
}

/** The definition and all uses, in source order. */
export function placesOf({ definition, uses }: Binding): TextRange[] {
  return [definition, ...uses].sort((a, b) => a.start - b.start);
}

interface OpenBinding extends Binding {
  readonly uses: TextRange[];
}

interface Found extends Names {
  readonly tokens: readonly Token[];
  readonly bindings: OpenBinding[];
  readonly calls: CallNode[];
  readonly operators: OperatorUse[];
}

type BindingParts = Pick<Binding, "kind" | "name" | "definition"> & Partial<Pick<Binding, "node" | "type" | "fn">>;

function bind(found: Found, { definition, node, type, fn, ...parts }: BindingParts): OpenBinding {
  const binding: OpenBinding = { ...parts, definition: rangeOf(definition), uses: [], fn, node, type };
  found.bindings.push(binding);
  return binding;
}

class Scope {
  private readonly found: Found;
  private readonly fn: FnNode | undefined;
  private readonly consts: ReadonlyMap<string, OpenBinding>;
  private readonly values = new Map<string, OpenBinding>();
  private readonly dims = new Map<string, OpenBinding>();

  constructor(found: Found, fn: FnNode | undefined, consts: ReadonlyMap<string, OpenBinding>) {
    this.found = found;
    this.fn = fn;
    this.consts = consts;
  }

  function(node: FnNode): void {
    const statements = node.body.flatMap((one): readonly (LetNode | ReturnNode)[] => {
      return one.kind === "kernel" ? one.body : [one];
    });
    for (const { type } of node.params) this.type(type, true);
    // The result types of an `extern` op may introduce dimensions, which the function header may name.
    for (const one of statements) {
      if (one.kind === "let" && isExtern(one)) for (const type of one.types) this.type(type, true);
    }
    for (const param of node.params) this.define("parameter", param.name, param.nameSpan, param, param.type);
    for (const result of node.results) {
      this.type(result.type, false);
      const { name, nameSpan, type } = result;
      if (name !== undefined && nameSpan !== undefined) {
        bind(this.found, { kind: "result", name, definition: nameSpan, node: result, type, fn: node });
      }
    }
    for (const statement of statements) {
      if (statement.kind === "let") this.let(statement);
      else for (const value of statement.values) this.expression(value);
    }
  }

  private let(node: LetNode): void {
    this.expression(node.value, node);
    if (!isExtern(node)) for (const type of node.types) this.type(type, false);
    for (const [i, { name, span }] of node.names.entries()) this.define("value", name, span, node, node.types[i]);
  }

  private define(
    kind: "parameter" | "value",
    name: string,
    definition: TextRange,
    node: ParamNode | LetNode,
    type: TypeNode | undefined,
  ): void {
    const binding = bind(this.found, { kind, name, definition, node, type, fn: this.fn });
    // A second definition of a name is an error: later uses refer to the first.
    if (!this.values.has(name) && !this.consts.has(name)) this.values.set(name, binding);
  }

  private type(node: TypeNode | undefined, defines: boolean): void {
    for (const [i, dim] of (node?.shape ?? []).entries()) {
      const place = node?.dimSpans[i];
      if (typeof dim !== "string" || place === undefined) continue;
      const known = this.dims.get(dim);
      if (known !== undefined) known.uses.push(rangeOf(place));
      else if (defines) {
        this.dims.set(dim, bind(this.found, { kind: "dimension", name: dim, definition: place, fn: this.fn }));
      }
    }
  }

  /** `within` is the enclosing statement; the names that it binds are not uses. */
  expression(node: ExpressionNode, within?: LetNode): void {
    switch (node.kind) {
      case "name":
        this.use(node.name, node.span);
        break;
      case "unary": {
        const { start, end } = node.span;
        this.found.operators.push({ start, end: start + 1, op: prefixOps[node.operator], whole: { start, end } });
        this.expression(node.operand);
        break;
      }
      case "chain": {
        const { start } = node.first.span;
        this.expression(node.first);
        for (const { operator, operatorSpan, operand } of node.rest) {
          const whole = { start, end: operand.span.end };
          this.found.operators.push({ ...rangeOf(operatorSpan), op: infixOps[operator], whole });
          this.expression(operand);
        }
        break;
      }
      case "call":
        this.call(node);
        break;
      case "list":
        for (const item of node.items) this.expression(item);
        break;
      case "error":
        this.words(node.span, within);
        break;
      default:
    }
  }

  private call(node: CallNode): void {
    this.found.calls.push(node);
    const attributes = isOpName(node.callee) ? ops[node.callee].attributes : {};
    for (const { name, value } of node.args) {
      const isShape = name !== undefined && Object.hasOwn(attributes, name) && attributes[name]?.type === "shape";
      if (!isShape || value.kind !== "list") this.expression(value);
      else for (const item of value.items) this.shapeItem(item);
    }
  }

  private shapeItem(item: ExpressionNode): void {
    if (item.kind === "name") this.use(item.name, item.span, this.dims, this.values, this.consts);
    else this.expression(item);
  }

  private use(name: string, place: TextRange, ...scopes: ReadonlyMap<string, OpenBinding>[]): void {
    const tried = scopes.length > 0 ? scopes : [this.values, this.consts];
    const binding = tried.map((scope) => scope.get(name)).find((one) => one !== undefined);
    binding?.uses.push(rangeOf(place));
  }

  /** Text that did not parse still uses names: all but ops, attributes and the names that the statement binds. */
  private words({ start, end }: TextRange, within: LetNode | undefined): void {
    const { tokens } = this.found;
    const own = new Set(within?.names.map(({ span }) => span.start));
    for (let i = firstFrom(tokens, start); i < tokens.length; i++) {
      const token = tokens[i] as Token;
      if (token.end > end) break;
      if (token.kind !== "name" || own.has(token.start) || reservedWords.has(token.text)) continue;
      if (["(", "="].includes(tokens[i + 1]?.text ?? "")) continue;
      this.use(token.text, token, this.values, this.consts, this.dims);
    }
  }
}

/** The index of the first token that starts at or after `offset`. */
export function firstFrom(tokens: readonly Token[], offset: number): number {
  let [low, high] = [0, tokens.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((tokens[middle] as Token).start < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isExtern({ value }: LetNode): boolean {
  return value.kind === "call" && value.callee === "extern";
}
