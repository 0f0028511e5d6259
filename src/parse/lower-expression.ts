/** Lowers expressions to ops. Each error is reported once; what depends on it is `poison`, which is never reported. */

import * as callErrors from "../diagnostics/areas/calls.ts";
import * as elementErrors from "../diagnostics/areas/elements.ts";
import * as shapeErrors from "../diagnostics/areas/shapes.ts";
import * as valueErrors from "../diagnostics/areas/values.ts";
import { type Diagnostic, type Span, TircError } from "../diagnostics/diagnostic.ts";
import { joinSpans } from "../diagnostics/source.ts";
import { listing, quoted } from "../diagnostics/wording.ts";
import { oneOf } from "../ir/attribute-types.ts";
import { Builder, copyOp, makeOp } from "../ir/builder.ts";
import { checkElements, type Places, signatureOf } from "../ir/infer.ts";
import type { AttributeValue, Op, Value } from "../ir/ir.ts";
import { callableNames, infixOps, isLeafName, isOpName, type OpName, ops, prefixOps } from "../ir/ops/index.ts";
import { elementCount } from "../ir/tensor.ts";
import { type ElementType, elementTypes, printType, type TensorType } from "../ir/types.ts";
import {
  argumentOf,
  attributeOf,
  insteadOfExtra,
  isNumber,
  joined,
  listOfExtras,
  mentions,
  rewordingOf,
} from "./hints.ts";
import { foldLiterals, type Literal, literalProblem, printedLiteral } from "./literals.ts";
import type { ArgumentNode, CallNode, ChainNode, ExpressionNode, UnaryNode } from "./syntax.ts";

export type Lowered = { readonly kind: "value"; readonly value: Value } | Literal | { readonly kind: "poison" };

/** Notified of what names and ops resolve to, even if other parts have errors; editors show it. */
export interface LowerObserver {
  /** `name` is the span of the name of a parameter or a `let`. */
  bound(name: Span, value: Lowered): void;
  made(place: Span, op: Op): void;
}

interface Context {
  readonly builder: Builder;
  /** The function's dimension names. */
  readonly dims: ReadonlySet<string>;
  readonly diagnostics: Diagnostic[];
  /** The value bound to a name, if there is one. */
  readonly lookup: (name: string) => Lowered | undefined;
  /** Captures the names bound now; the returned function lists them when they are needed. */
  readonly names: () => () => readonly string[];
  /** Whether the file has a function of this name. */
  readonly isFunction?: (name: string) => boolean;
  readonly observer?: LowerObserver | undefined;
}

const poison: Lowered = { kind: "poison" };

/** A classified argument: operand `index`, or the attribute of that name. */
interface Arguments {
  readonly operands: (ExpressionNode | undefined)[];
  readonly attributes: Map<string, ArgumentNode>;
}

/** A `constant` op for a literal, or the error if the literal is not valid for that type. */
export function constantOf(
  builder: Builder,
  literal: Literal,
  element: ElementType,
  name?: string,
): Value | Diagnostic {
  const problem = literalProblem(literal, element);
  if (problem !== undefined) return problem;
  const options = { places: { op: literal.span }, names: [name] };
  return builder.add(makeOp("constant", [], { element, value: literal.value }, options)).result;
}

export class ExpressionLowering {
  /** The kernel group of the ops created from now on. */
  kernel: number | undefined;
  private readonly context: Context;

  constructor(context: Context) {
    this.context = context;
  }

  /** The results of an expression bound to names; a call may have several. `types` are for an `extern` op. */
  several(node: ExpressionNode, names: readonly (string | undefined)[], types?: readonly TensorType[]): Lowered[] {
    if (node.kind !== "call") return [this.one(node, names[0])];
    const results = this.call(node, names, types);
    return Array.isArray(results) ? results.map((value) => ({ kind: "value", value })) : [results as Lowered];
  }

  /** The value of a single-valued expression. */
  one(node: ExpressionNode, name?: string): Lowered {
    switch (node.kind) {
      case "number":
        return { kind: "literal", value: node.value, boolean: false, span: node.span };
      case "boolean":
        return { kind: "literal", value: Number(node.value), boolean: true, span: node.span };
      case "name":
        return this.name(node.name, node.span);
      case "unary":
        return this.unary(node, name);
      case "chain":
        return this.chain(node, name);
      case "call": {
        const results = this.call(node, [name]);
        if (!Array.isArray(results)) return results as Lowered;
        if (results.length === 1) return { kind: "value", value: results[0] as Value };
        return this.report(valueErrors.severalResults(node.span, node.callee));
      }
      case "error":
        return poison;
      default:
        return this.report(valueErrors.notAValue(node.span, describeKind[node.kind]));
    }
  }

  private report(...found: readonly Diagnostic[]): Lowered {
    this.context.diagnostics.push(...found);
    return poison;
  }

  private name(name: string, span: Span): Lowered {
    const { lookup, names, dims } = this.context;
    const bound = lookup(name);
    if (bound !== undefined) return bound.kind === "literal" ? { ...bound, span } : bound;
    if (isOpName(name) && !dims.has(name)) return this.report(callErrors.opAsValue(span, name, signatureOf(name)));
    return this.report(callErrors.unknownName(span, name, names(), dims.has(name)));
  }

  private unary(node: UnaryNode, name: string | undefined): Lowered {
    const operand = this.one(node.operand);
    const places = { op: node.span, operands: [node.operand.span] };
    return first(this.apply(prefixOps[node.operator], [operand], new Map(), places, [name]));
  }

  private chain(node: ChainNode, name: string | undefined): Lowered {
    let left = this.one(node.first);
    let leftSpan = node.first.span;
    for (const [i, link] of node.rest.entries()) {
      const right = this.one(link.operand);
      const whole = joinSpans(leftSpan, link.operand.span);
      const places = { op: whole, operands: [leftSpan, link.operand.span] };
      const isLast = i === node.rest.length - 1;
      left = first(this.apply(infixOps[link.operator], [left, right], new Map(), places, [isLast ? name : undefined]));
      leftSpan = whole;
    }
    return left;
  }

  private call(
    node: CallNode,
    names: readonly (string | undefined)[],
    types?: readonly TensorType[],
  ): Value[] | Lowered {
    if (!isOpName(node.callee) || isLeafName(node.callee)) {
      for (const { value } of node.args) if (value.kind !== "elementType" && value.kind !== "list") this.one(value);
      return this.unknownOp(node);
    }
    const sorted = this.sortArguments(node.callee, node);
    const operands = sorted.operands.map((operand) => operand && this.one(operand));
    const attributes = this.attributes(node.callee, sorted.attributes);
    if (!sorted.ok || attributes === undefined) return poison;
    const places = {
      op: node.span,
      operands: sorted.operands.map((operand) => operand?.span),
      attributes: Object.fromEntries([...sorted.attributes].map(([key, argument]) => [key, argument.value.span])),
    };
    return this.apply(node.callee, operands, attributes, places, names, types);
  }

  private unknownOp(node: CallNode): Lowered {
    const { callee, calleeSpan, args } = node;
    if (this.context.lookup(callee) !== undefined) {
      const factor = quoted(args.length === 1 ? args[0]?.span : undefined);
      const open = calleeSpan.source.text.indexOf("(", calleeSpan.end);
      return this.report(callErrors.calledValue(calleeSpan, callee, `${callee} * (${factor})`, open));
    }
    if (this.context.isFunction?.(callee)) return this.report(callErrors.calledFunction(calleeSpan, callee));
    return this.report(callErrors.unknownOp(calleeSpan, callee, callableNames, rewordingOf(node)));
  }

  /** Separates operands from attributes. */
  private sortArguments(op: OpName, node: CallNode): Arguments & { ok: boolean } {
    const def = ops[op];
    const operands = new Array<ExpressionNode | undefined>(def.operands.length).fill(undefined);
    const attributes = new Map<string, ArgumentNode>();
    const before = this.context.diagnostics.length;
    const givenAt = new Map<string, Span>();
    let position = 0;
    for (const argument of node.args) {
      if (def.kind === "extern" && argument.name === undefined) {
        operands.push(argument.value);
        continue;
      }
      const name = argument.name ?? def.operands[position++]?.name;
      const at = argument.nameSpan ?? argument.span;
      const index = def.operands.findIndex((spec) => spec.name === name);
      const first = name === undefined ? undefined : givenAt.get(name);
      if (name === undefined) {
        const together = listOfExtras(op, node);
        // `reshape(x, n, 8, 8)` is a single mistake.
        if (together !== undefined && position > def.operands.length + 1) continue;
        const instead = together ?? insteadOfExtra(op, node, argument, new Set(givenAt.keys()));
        // Each extra operand is matched with a different attribute.
        for (const { text } of instead) givenAt.set(text.split(" ")[0] as string, at);
        this.report(callErrors.extraOperand(at, op, def.operands.length, signatureOf(op), instead));
      } else if (index < 0 && !Object.hasOwn(def.attributes, name)) {
        this.report(this.unknownArgument(op, node, argument, name, at));
      } else if (index >= 0 && argument.name === undefined && noValues.has(argument.value.kind)) {
        const kind = argument.value.kind as keyof typeof describeKind;
        const { value, span } = argument;
        const attribute = attributeOf(op, value, new Set());
        const named = attribute === undefined ? undefined : { text: attribute, span };
        const instead = joined(op, node, argument) ?? named;
        this.report(valueErrors.notAValue(at, describeKind[kind], instead));
        continue;
      } else if (index > 0 && def.kind === "norm" && isNumber(argument.value)) {
        const instead = { text: attributeOf(op, argument.value, new Set()) as string, span: argument.span };
        this.report(shapeErrors.numberAsOperand(at, op, name, instead));
        continue;
      } else if (first !== undefined) this.report(callErrors.givenTwice(at, op, name, first));
      else if (index >= 0) operands[index] = argument.value;
      else attributes.set(name, argument);
      if (name !== undefined) givenAt.set(name, at);
    }
    return { operands, attributes, ok: this.context.diagnostics.length === before };
  }

  private unknownArgument(op: OpName, call: CallNode, argument: ArgumentNode, name: string, at: Span): Diagnostic {
    const instead = argumentOf(op, call, argument);
    // `where(ids = label, x, 0)`: a name on the left that is a value is not an argument name.
    if (instead === undefined && this.context.lookup(name) !== undefined) {
      const comparison = { text: `${name} == ${quoted(argument.value.span)}`, span: argument.span };
      return callErrors.equalsInCall(at, op, name, comparison);
    }
    const known = [...ops[op].operands.map((spec) => spec.name), ...Object.keys(ops[op].attributes)];
    return callErrors.unknownArgument(at, op, name, known, instead);
  }

  private attributes(op: OpName, given: ReadonlyMap<string, ArgumentNode>): Map<string, AttributeValue> | undefined {
    const values = new Map<string, AttributeValue>();
    for (const [key, { value }] of given) {
      const read = this.attributeValue(op, key, value);
      if (read !== undefined) values.set(key, read);
    }
    return values.size === given.size ? values : undefined;
  }

  /** The value of an attribute; `undefined` if it is invalid, which has been reported. */
  private attributeValue(op: OpName, key: string, node: ExpressionNode): AttributeValue | undefined {
    if (node.kind === "string") return node.value;
    if (node.kind === "elementType") return node.element;
    const def = ops[op].attributes[key];
    if (def !== undefined && node.kind === "name" && (def.type === "element" || def.type === "choice")) {
      const expected = def.type === "element" ? `an element type (${listing(elementTypes, "or")})` : oneOf(def.choices);
      this.report(callErrors.badAttribute(node.span, op, key, expected, node.name));
      return undefined;
    }
    if (node.kind === "list") {
      const items = node.items.map((item) => this.listItem(op, key, item));
      return items.includes(undefined) ? undefined : (items as (number | string)[]);
    }
    const lowered = this.one(node);
    if (lowered.kind === "literal") return lowered.boolean ? lowered.value !== 0 : lowered.value;
    if (lowered.kind === "value") {
      this.report(callErrors.badAttribute(node.span, op, key, "known when the program is compiled", "a tensor"));
    }
    return undefined;
  }

  private listItem(op: OpName, key: string, node: ExpressionNode): number | string | undefined {
    if (node.kind === "name" && ops[op].attributes[key]?.type === "shape") {
      const { dims } = this.context;
      if (dims.has(node.name)) return node.name;
      if (this.context.lookup(node.name)?.kind !== "literal") {
        this.report(shapeErrors.unknownDimension(node.span, node.name, () => [...dims]));
        return undefined;
      }
    }
    const isComputed = ops[op].attributes[key]?.type === "shape" && mentions(node, this.context.dims);
    const lowered = isComputed ? undefined : this.one(node);
    if (lowered?.kind === "literal" && !lowered.boolean) return lowered.value;
    if (isComputed) this.report(callErrors.computedExtent(node.span, op, key));
    else if (lowered?.kind !== "poison") {
      this.report(callErrors.badAttribute(node.span, op, key, "a list of whole numbers", "this"));
    }
    return undefined;
  }

  /** Creates the op, converting its literals to the tensors' element type; ops on literals alone are evaluated here. */
  private apply(
    name: OpName,
    operands: readonly (Lowered | undefined)[],
    attributes: ReadonlyMap<string, AttributeValue>,
    places: Places,
    names: readonly (string | undefined)[],
    types?: readonly TensorType[],
  ): Value[] | Lowered {
    if (operands.some((operand) => operand?.kind === "poison")) return poison;
    const { builder } = this.context;
    const given = Object.fromEntries(attributes);
    try {
      const present = operands.filter((operand) => operand !== undefined);
      if (name !== "extern" && present.length > 0 && present.every((operand) => operand.kind === "literal")) {
        const folded = foldLiterals(name, operands as Literal[], given, places);
        if (given.to === undefined) return folded;
        const value = constantOf(builder, folded, folded.element, names[0]);
        return "code" in value ? this.report(value) : [value];
      }
      const values = this.materialize(name, operands, places);
      if (values === undefined) return poison;
      const op = makeOp(name, values, given, { places: { ...places, values }, names, kernel: this.kernel, types });
      this.checkSize(op);
      const made = this.writtenOut(op, places, names);
      for (const one of made) builder.add(one);
      const last = made.at(-1) as Op;
      this.context.observer?.made(places.op, last);
      return [...last.results];
    } catch (failure) {
      if (failure instanceof TircError) return this.report(...failure.diagnostics);
      throw failure;
    }
  }

  /** The op, or the ops it expands to, the last of which takes its name. */
  private writtenOut(op: Op, places: Places, names: readonly (string | undefined)[]): readonly Op[] {
    const def = ops[op.name];
    if (def.kind !== "composite") return [op];
    const inner = new Builder(places.op);
    inner.standAt({ span: places.op, kernel: this.kernel });
    def.define(inner, op.operands, op.attributes);
    return inner.ops.with(-1, copyOp(inner.ops.at(-1) as Op, { resultNames: names }));
  }

  /** Gives literals the element type of the op's tensors. */
  private materialize(name: OpName, operands: readonly (Lowered | undefined)[], places: Places) {
    const specs = ops[name].operands;
    const typed =
      name === "extern"
        ? undefined
        : operands.find((operand, i) => operand?.kind === "value" && specs[i]?.element === undefined);
    const element = typed?.kind === "value" ? typed.value.element : undefined;
    const found: Diagnostic[] = [];
    const values = operands.map((operand, i) => {
      if (operand === undefined || operand.kind === "poison") return undefined;
      if (operand.kind === "value") return operand.value;
      const own = specs[i]?.element;
      const wanted = own === "index" ? "i32" : (own ?? element);
      const at = { ...operand, span: places.operands?.[i] ?? operand.span };
      const made =
        wanted === undefined
          ? elementErrors.literalUntyped(at.span, `the literal ${printedLiteral(operand)}`)
          : constantOf(this.context.builder, at, wanted);
      if (!("code" in made)) return made;
      // An operand with a fixed element type does not depend on the other tensors: it may be meant for an attribute.
      const help = own && [operandHelp(name, i, wanted as ElementType, printedLiteral(operand))];
      found.push(help ? { ...made, help } : made);
      return undefined;
    });
    if (found.length === 0) return values;
    // If a tensor is in the wrong place, the literals took the wrong type.
    const types = operands.map((operand) => (operand?.kind === "value" ? operand.value.type : undefined));
    checkElements(name, types, places);
    this.report(...found);
    return undefined;
  }

  private checkSize(op: Op): void {
    for (const { type } of op.results) {
      const known = elementCount(type.shape.filter((dim) => typeof dim === "number"));
      if (known > 2 ** 32)
        this.report(shapeErrors.hugeShape(op.span, `the result of \`${op.name}\`, ${printType(type)},`));
    }
  }
}

const noValues: ReadonlySet<string> = new Set(["string", "elementType", "list"]);
const describeKind = { string: "a string", elementType: "an element type", list: "a list" } as const;

function first(results: Value[] | Lowered): Lowered {
  return Array.isArray(results) ? { kind: "value", value: results[0] as Value } : results;
}

/** Help on what an operand takes, and on how to pass a number to the op's attribute. */
function operandHelp(op: OpName, index: number, element: ElementType, literal: string): string {
  const def = ops[op];
  const [attribute] = Object.entries(def.attributes).find(([, { type }]) => type === "number") ?? [];
  const named =
    attribute === undefined ? "" : `; pass the attribute \`${attribute}\` by name: \`${attribute} = ${literal}\``;
  return `\`${def.operands[index]?.name}\` of \`${op}\` has element type ${element}${named}`;
}
