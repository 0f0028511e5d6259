/** Inference of an op's result types and canonicalization of its attributes, by the kind of its row in the op table. */

import * as callErrors from "../diagnostics/areas/calls.ts";
import * as elementErrors from "../diagnostics/areas/elements.ts";
import * as externErrors from "../diagnostics/areas/extern.ts";
import * as shapeErrors from "../diagnostics/areas/shapes.ts";
import { fail, type Span } from "../diagnostics/diagnostic.ts";
import { typeOfAttribute } from "./attribute-types.ts";
import { conflictIn, type Places } from "./broadcast-hints.ts";
import type { Attributes, AttributeValue } from "./ir.ts";
import type { ElementwiseDef, IndexDef, LinearDef, NormDef, OpDef, ReductionDef } from "./ops/def.ts";
import { type OpName, ops } from "./ops/index.ts";
import {
  broadcastShapes,
  type ElementType,
  elementInfo,
  normalizeAxes,
  opaqueType,
  printShape,
  printType,
  reducedShape,
  type Shape,
  sameShape,
  type TensorType,
  tensorType,
} from "./types.ts";

export type { Places } from "./broadcast-hints.ts";

type OperandTypes = readonly (TensorType | undefined)[];

/** The signature of an op: `layernorm(x, gamma?, beta?, axes = ..., eps = 1e-5)`. */
export function signatureOf(name: OpName): string {
  const { operands, attributes } = ops[name];
  const parts = operands.map((operand) => operand.name + (operand.optional === true ? "?" : ""));
  if (ops[name].kind === "extern") parts.push("...");
  for (const [key, def] of Object.entries(attributes)) {
    const value = "default" in def && def.default !== undefined ? def.default : undefined;
    parts.push(
      value === undefined ? `${key} = ...` : `${key} = ${typeof value === "string" ? `"${value}"` : describe(value)}`,
    );
  }
  return `${name}(${parts.join(", ")})`;
}

function describe(value: AttributeValue): string {
  return Array.isArray(value) ? `[${value.join(", ")}]` : typeof value === "string" ? `"${value}"` : String(value);
}

/** Axes counted from the end and sorted. @param op the name in messages. @throws TircError E0212 to E0214. */
export function checkedAxes(op: string, axes: readonly number[], shape: Shape, at: Span): readonly number[] {
  const rank = shape.length;
  if (axes.length === 0) fail(shapeErrors.noAxes(at, op));
  for (const axis of axes) {
    if (axis < -rank || axis >= rank) fail(shapeErrors.axisOutOfRange(at, op, axis, shape));
  }
  const ofEnd = (axis: number) => (axis < 0 ? axis : axis - rank);
  const first = (axis: number) => axes.findIndex((other) => ofEnd(other) === ofEnd(axis));
  const twice = axes.find((axis, i) => first(axis) !== i);
  if (twice !== undefined) fail(shapeErrors.axisTwice(at, op, axes[first(twice)] as number, twice));
  return Object.freeze(normalizeAxes(axes, rank));
}

/**
 * Checks the attributes of an op, fills in defaults, and counts axes from the end and sorts them.
 * @throws TircError with an E02xx diagnostic; a missing operand comes first.
 */
export function completeAttributes(op: OpName, given: Attributes, operands: OperandTypes, places: Places): Attributes {
  const { operands: specs, attributes: defs } = ops[op];
  const missing = specs.find((spec, i) => spec.optional !== true && operands[i] === undefined);
  if (missing !== undefined) fail(callErrors.missingOperand(places.op, op, missing.name, signatureOf(op)));
  const complete: Record<string, AttributeValue> = {};
  for (const key of Object.keys(given)) {
    if (!Object.hasOwn(defs, key)) fail(callErrors.unknownArgument(places.op, op, key, Object.keys(defs)));
  }
  for (const [key, def] of Object.entries(defs)) {
    const type = typeOfAttribute(def);
    const at = places.attributes?.[key] ?? places.op;
    const value = given[key] ?? ("default" in def ? def.default : undefined);
    if (value === undefined) {
      const { example, isUsual = false } = type;
      fail(callErrors.missingAttribute(places.op, op, key, example, isUsual));
    }
    if (!type.takes(value, def)) fail(callErrors.badAttribute(at, op, key, type.words(def), describe(value)));
    if (def.type === "choice" && !def.choices.includes(value as string)) {
      fail(callErrors.unknownChoice(at, op, key, value as string, def.choices));
    }
    const shape = operands[0]?.shape ?? (complete.shape as Shape | undefined) ?? [];
    if (def.type === "axes") complete[key] = checkedAxes(op, value as number[], shape, at);
    else if (def.type === "axis") complete[key] = checkedAxes(op, [value as number], shape, at)[0] as number;
    else complete[key] = Array.isArray(value) && !Object.isFrozen(value) ? Object.freeze([...value]) : value;
  }
  return shared(ops[op], complete);
}

/** The attributes that were completed last by each row of the op table. They are immutable, so that ops may share them. */
const lastCompleted = new WeakMap<OpDef, Attributes>();

/** `complete`, or an equal object: in most programs the ops of one name have the same attributes. */
function shared(row: OpDef, complete: Attributes): Attributes {
  const last = lastCompleted.get(row);
  if (last !== undefined && Object.keys(complete).every((name) => isSame(complete[name], last[name]))) return last;
  lastCompleted.set(row, Object.freeze(complete));
  return complete;
}

/** Whether attributes are the same numbers, among which 0 and -0 are not, or the same texts. */
function isSame(a: AttributeValue | undefined, b: AttributeValue | undefined): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return Object.is(a, b);
  return a.length === b.length && a.every((item, i) => Object.is(item, b[i]));
}

/** The element types of operands that do not share the op's. */
const acceptedBy = { bool: ["bool"], index: ["i32", "u32"] } as const;

/** A type of larger rank represents the values of a smaller one, except for large integers in floats. */
const widths: Readonly<Record<ElementType, number>> = {
  ...{ bool: 0, u8: 1, i8: 2, u32: 3, i32: 4, f8e4m3: 5, f8e5m2: 5, f16: 6, bf16: 6, f32: 7 },
};

/**
 * Refuses operands whose element types the op does not take, before literals beside them, which are undefined here, have one.
 * @throws TircError
 */
export function checkElements(op: OpName, operands: OperandTypes, places: Places): void {
  operandElement(op, ops[op], operands, places);
}

/** The element type that all operands share, which must be one that the row accepts. */
function operandElement(op: OpName, def: OpDef, operands: OperandTypes, places: Places): ElementType {
  let first: { element: ElementType; index: number } | undefined;
  for (const [index, type] of operands.entries()) {
    const spec = def.operands[index];
    if (type === undefined || def.kind === "extern") continue;
    const at = places.operands?.[index] ?? places.op;
    if (type.opaque) fail(externErrors.opaqueOperand(at, op));
    if (spec === undefined) continue;
    const accepted = spec.element === undefined ? def.elements : acceptedBy[spec.element];
    const isAccepted = (element: ElementType) => (accepted as readonly ElementType[]).includes(element);
    if (!isAccepted(type.element)) {
      // One of the operands without a type of their own: the type to convert to, or the operand that belongs here.
      const beside = operands.findIndex(
        (other, i) => other !== undefined && isAccepted(other.element) && def.operands[i]?.element === undefined,
      );
      const there = places.operands?.[beside];
      if (spec.element !== undefined && there !== undefined)
        fail(elementErrors.operandsSwapped(at, op, spec.name, there, type.element, accepted));
      const { computed } = elementInfo[type.element];
      const isComputed = type.element !== "bool" && isAccepted(computed);
      const wanted = operands[beside]?.element ?? (isComputed ? computed : undefined);
      fail(elementErrors.elementRefused(at, op, type.element, accepted, wanted));
    }
    if (spec.element !== undefined) continue;
    if (first !== undefined && first.element !== type.element) {
      const label = (i: number, t: ElementType) => ({ span: places.operands?.[i] ?? places.op, message: t });
      const labels =
        places.operands === undefined ? [] : [label(first.index, first.element), label(index, type.element)];
      const isWider = widths[type.element] > widths[first.element];
      const [narrow, wide] = isWider ? [first.index, type.element] : [index, first.element];
      // Of f16 and bf16, or two floats of one byte, neither represents all values of the other: both become f32.
      const isNeither = widths[type.element] === widths[first.element];
      const fix = { narrow: places.operands?.[narrow], wide: isNeither ? "f32" : wide };
      fail(elementErrors.elementMismatch(places.op, op, first.element, type.element, labels, fix));
    }
    first ??= { element: type.element, index };
  }
  return first?.element ?? "f32";
}

function inferElementwise(
  op: OpName,
  def: ElementwiseDef,
  element: ElementType,
  operands: OperandTypes,
  attributes: Attributes,
  places: Places,
) {
  const shapes = operands.map((operand) => operand?.shape ?? []);
  const shape = broadcastShapes(...shapes);
  if (shape === undefined) {
    const labels = operands.flatMap((type, i) => {
      const span = places.operands?.[i];
      return type === undefined || span === undefined ? [] : [{ span, message: printType(type) }];
    });
    fail(shapeErrors.noBroadcast(places.op, op, conflictIn(shapes, places), labels));
  }
  const result = { same: element, bool: "bool", to: attributes.to as ElementType } as const;
  return [tensorType(result[def.result], shape)];
}

function inferReduction(def: ReductionDef, x: TensorType, attributes: Attributes) {
  const axes = attributes.axes as number[];
  const shape = reducedShape(x.shape, axes, attributes.keepdims as boolean);
  return def.results.map(() => tensorType(def.resultElement ?? x.element, shape));
}

function inferNorm(op: OpName, def: NormDef, operands: OperandTypes, attributes: Attributes, places: Places) {
  const x = operands[0] as TensorType;
  const refused = def.refuse?.(x.shape, attributes);
  if (refused !== undefined) fail(refused((part) => placeOf(places, part)));
  const { affine } = def.view(x.shape, attributes);
  for (const [i, spec] of def.operands.entries()) {
    const type = operands[i];
    if (i === 0 || type === undefined || sameShape(type.shape, affine)) continue;
    fail(
      shapeErrors.affineShape(
        places.operands?.[i] ?? places.op,
        op,
        spec.name,
        printShape(type.shape),
        printShape(affine),
      ),
    );
  }
  return [x];
}

function inferLinear(
  def: LinearDef | IndexDef,
  element: ElementType,
  operands: OperandTypes,
  attributes: Attributes,
  places: Places,
) {
  const shape = def.infer(
    operands.map((type) => type?.shape),
    attributes,
  );
  if (typeof shape !== "function") return [tensorType(element, shape)];
  fail(shape((part) => placeOf(places, part)));
}

const placeOf = ({ op, operands, attributes }: Places, part: number | string) =>
  (typeof part === "number" ? operands?.[part] : attributes?.[part]) ?? op;

/**
 * The types of an op's results.
 * @param declared the types of an `extern` op, which cannot be inferred; a single opaque one by default.
 * @throws TircError with E02xx diagnostics that point at the invalid operand or attribute.
 */
export function inferTypes(
  op: OpName,
  operands: OperandTypes,
  attributes: Attributes,
  places: Places,
  declared: readonly TensorType[] = [opaqueType],
): readonly TensorType[] {
  const def: OpDef = ops[op];
  const element = operandElement(op, def, operands, places);
  const x = operands[0] as TensorType;
  switch (def.kind) {
    case "elementwise":
      return inferElementwise(op, def, element, operands, attributes, places);
    case "reduction":
      return inferReduction(def, x, attributes);
    case "norm":
      return inferNorm(op, def, operands, attributes, places);
    case "shape": {
      const shape = def.infer(x.shape, attributes);
      if (typeof shape === "string") fail(shapeErrors.shapeOp(places.op, op, shape));
      return [tensorType(x.element, shape)];
    }
    case "index":
    case "linear":
      return inferLinear(
        def,
        def.operands.length === 0 ? (def.elements[0] as ElementType) : element,
        operands,
        attributes,
        places,
      );
    case "composite": {
      const refused = def.refuse(
        operands.map((type) => type?.shape),
        attributes,
      );
      return refused === undefined ? [x] : fail(refused((part) => placeOf(places, part)));
    }
    case "extern":
      return declared;
    case "global":
      return [tensorType(attributes.element as ElementType, attributes.shape as Shape)];
    case "constant":
      return [tensorType(attributes.element as ElementType, [])];
    default:
      return def satisfies never;
  }
}
