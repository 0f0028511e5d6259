/**
 * Rewrites every value to the simplest of its equal forms. No later pass depends on it.
 *
 *   x * 1, x / 1, x - 0, pow(x, 1)    ->   x              (an identity of the op table, where it preserves -0 too)
 *   -(-x), !(!c)                      ->   x              (involutions)
 *   abs(abs(x)), center(center(x))    ->   abs(x), ...    (idempotent ops)
 *   2 + x                             ->   x + 2          (constants on the right of commutative ops)
 *   reshape(reshape(x))               ->   reshape(x); likewise transpose and broadcast; removed where they change nothing
 *   x * broadcast(y)                  ->   x * y          (where NumPy's rules broadcast y anyway)
 *   cast(x, to = its own type)        ->   x; also f16 to f32 and back (if the f16 value x has been rounded)
 *   size(shape = [2, 3])              ->   6
 *   ops on constants                  ->   a constant, in float64, where it fits the element type
 *
 * Not on floats, where it would lose a NaN, an infinity or a sign: x * 0 -> 0, x - x -> 0, x / x -> 1, x + 0 -> x.
 */

import { makeOp, rewrite } from "../src/ir/builder.ts";
import { sameAttributes } from "../src/ir/equal.ts";
import { evaluateOp } from "../src/ir/interpret.ts";
import { type Attributes, constantValue, definedBy, type Op, Value } from "../src/ir/ir.ts";
import { type OpName, ops } from "../src/ir/ops/index.ts";
import { elementCount } from "../src/ir/tensor.ts";
import { broadcastShapes, holds, isNarrow, type Shape, sameShape, sameType } from "../src/ir/types.ts";
import { definePass } from "../src/pass/define-pass.ts";
import { Steps } from "../src/pass/trail.ts";
import { withoutDeadOps } from "./dce.ts";

/** A simpler value, or a simpler op to which the rules apply again; `undefined` where the rule does not apply. */
type Rule = (op: Op) => Value | Op | undefined;

/** An op that replaces `op`. */
function instead(op: Op, name: OpName, operands: readonly (Value | undefined)[], attributes: Attributes): Op {
  return makeOp(name, operands, attributes, {
    places: { op: op.span },
    names: op.results.map((r) => r.name),
    kernel: op.kernel,
  });
}

/** An elementwise op on constants is a constant. Nothing is rounded: constants are float64, like literals. */
const foldConstants: Rule = (op) => {
  if (ops[op.name].kind !== "elementwise") return undefined;
  const numbers = op.operands.map((operand) => constantValue(operand));
  if (numbers.some((number) => number === undefined)) return undefined;
  const operands = op.operands.map((operand, i) => ({
    element: (operand as Value).element,
    shape: [],
    data: Float64Array.of(numbers[i] as number),
  }));
  const { element } = op.result;
  const value = evaluateOp(op, operands, {})[0]?.data[0] as number;
  if (!Number.isFinite(value) || !holds(element, value)) return undefined;
  return instead(op, "constant", [], { element, value });
};

/** The number of elements of a shape whose extents are all numbers. */
const knownSize: Rule = (op) => {
  if (op.name !== "size") return undefined;
  const shape = op.attributes.shape as Shape;
  if (!shape.every((dim) => typeof dim === "number")) return undefined;
  return instead(op, "constant", [], { element: "u32", value: elementCount(shape) % 2 ** 32 });
};

/** f(c, x) = f(x, c). */
const constantsRight: Rule = (op) => {
  const [a, b] = op.operands;
  if (ops[op.name].facts.commutative !== true) return undefined;
  if (constantValue(a) === undefined || constantValue(b) !== undefined) return undefined;
  return instead(op, op.name, [b, a], op.attributes);
};

/** f(x, e) = x, if the op's own arithmetic gives x for -0 too. */
const rightIdentity: Rule = (op) => {
  const def = ops[op.name];
  const number = constantValue(op.operands[1]);
  if (def.kind !== "elementwise" || number === undefined || number !== def.facts.rightIdentity) return undefined;
  const x = op.operand(0);
  const keepsSign = Object.is(def.scalar(-0, number, 0, { element: x.element, attributes: op.attributes }), -0);
  return (keepsSign || x.element === "i32" || x.element === "u32") && sameType(x.type, op.result.type) ? x : undefined;
};

/** f(f(x)) = x, and f(f(x)) = f(x). */
const twice: Rule = (op) => {
  const { involution, idempotent } = ops[op.name].facts;
  if (op.operands.length !== 1 || !(involution === true || idempotent === true)) return undefined;
  const inner = definedBy(op.operand(0), op.name);
  if (inner === undefined || !sameAttributes(inner, op)) return undefined;
  return idempotent === true ? inner.result : inner.operand(0);
};

/** Whether a value of a narrow float has been rounded to that type: results of ops are rounded only by the next cast or store. */
function isRounded(value: Value | undefined): boolean {
  if (value === undefined || !isNarrow(value.element)) return false;
  const { def } = value;
  if (def === undefined || def.name === "global") return true;
  return def.name === "cast" || (ops[def.name].kind === "shape" && isRounded(def.operands[0]));
}

/** A cast to a value's own type, which rounds if that is a narrow float; f32 represents all of their numbers, so a round trip changes nothing. */
const uselessCast: Rule = (op) => {
  if (op.name !== "cast") return undefined;
  const x = op.operand(0);
  const { element } = op.result;
  if (x.element === element) return !isNarrow(element) || isRounded(x) ? x : undefined;
  const inner = definedBy(x, "cast");
  const origin = inner?.operand(0);
  const isRoundTrip = x.element === "f32" && origin?.element === element && isRounded(origin);
  return isRoundTrip ? origin : undefined;
};

/** Shape ops that change nothing, and two of a kind combined. */
const shapes: Rule = (op) => {
  if (ops[op.name].kind !== "shape") return undefined;
  const x = op.operand(0);
  const inner = definedBy(x, op.name);
  if (op.name === "transpose") {
    const perm = permutation(op);
    if (perm.every((axis, i) => axis === i)) return x;
    if (inner === undefined) return undefined;
    const innerPerm = permutation(inner);
    return instead(op, "transpose", [inner.operand(0)], { perm: perm.map((axis) => innerPerm[axis] as number) });
  }
  if (sameShape(x.shape, op.result.shape)) return x;
  return inner && instead(op, op.name, [inner.operand(0)], { shape: op.result.shape });
};

function permutation(op: Op): number[] {
  const perm = op.attributes.perm as readonly number[];
  return perm.map((axis) => (axis < 0 ? axis + perm.length : axis));
}

/** An operand that the op broadcasts anyway need not be broadcast explicitly. */
const impliedBroadcast: Rule = (op) => {
  if (ops[op.name].kind !== "elementwise") return undefined;
  const shapesOf = (operands: readonly (Value | undefined)[]) => operands.map((operand): Shape => operand?.shape ?? []);
  for (const [i, operand] of op.operands.entries()) {
    const inner = definedBy(operand, "broadcast");
    if (inner === undefined) continue;
    const operands = op.operands.with(i, inner.operand(0));
    const shape = broadcastShapes(...shapesOf(operands));
    if (shape !== undefined && sameShape(shape, op.result.shape)) return instead(op, op.name, operands, op.attributes);
  }
  return undefined;
};

const rules: readonly Rule[] = [
  foldConstants,
  knownSize,
  constantsRight,
  rightIdentity,
  twice,
  uselessCast,
  shapes,
  impliedBroadcast,
];

/** Applies rules until none applies. Operands are already in their simplest form, so one traversal reaches a fixpoint. */
function simplest(op: Op, fired: () => void): Value | Op {
  for (let current = op; ; fired()) {
    const at = current;
    const next = rules.reduce<Value | Op | undefined>((found, rule) => found ?? rule(at), undefined);
    if (next === undefined) return current;
    if (next instanceof Value) {
      fired();
      return next;
    }
    current = next;
  }
}

export const canonicalize = definePass({
  name: "canonicalize",
  summary: "Rewrites every value to the simplest of its equal forms.",
  example: "let a = 1 * x\nlet b = -(-a)\nreturn reshape(reshape(b, shape = [n, 1]), shape = [n])\n->\nreturn x",
  options: {},
  run(fn, context) {
    const simplified = rewrite(fn, (op, builder) => {
      const simple = simplest(op, () => context.count("rules applied"));
      if (simple === op) return undefined;
      return simple instanceof Value ? simple : builder.add(simple).results;
    });
    if (simplified.fn === fn) return fn;
    return new Steps(fn).take(simplified).take(withoutDeadOps(simplified.fn)).output;
  },
});
