/**
 * Factors the scales that normalize a row out of sums over the row:
 *
 *   y = x * r, r = rsqrt(mean(x * x) + eps)
 *   sum(g * y)  ->  sum(g * x) * r
 *
 * The sum then depends on no other reduction of the row, and both are computed in one loop over it: a backward function reads
 * its rows once for its sums, and at most once more for its result. Likewise for a softmax: sum(g * (e / sum(e))) is
 * sum(g * e) / sum(e).
 *
 * A scale is factored out only if it is computed from a sum over the factor that it scales, or over that factor's squares. Any
 * other scale may be there to keep a row's squares in range, and stays. So does a scale that is itself squared in the
 * product: without it, the squares may be too small for f32.
 */

import { meetsItsRow } from "../passes/match.ts";
import { type Builder, rewriteFn } from "../src/ir/builder.ts";
import { definedBy, type Fn, type Op, presentOperands, type Value } from "../src/ir/ir.ts";
import { attribute } from "../src/ir/ops/attributes.ts";
import { ops } from "../src/ir/ops/index.ts";
import { sameShape } from "../src/ir/types.ts";
import { centeredAlong } from "./lower-norms.ts";

/** Bounds the ops of a product, and those between a scale and the sum that it comes from, to limit the work for one sum. */
const mostOps = 16;

export function factorSums(fn: Fn): Fn {
  return rewriteFn(fn, (op, builder) => (isLinear(op) ? factored(op, builder) : undefined));
}

const isLinear = ({ name }: Op) => name === "sum" || name === "mean";
const isProduct = (value: Value) => definedBy(value, "mul", "div") !== undefined;

interface Product {
  /** The product and its factors that vary along the row, products among them included. */
  readonly parts: ReadonlySet<Value>;
  /** Its factors that do not vary along the row. */
  readonly scales: ReadonlySet<Value>;
}

function factored(op: Op, builder: Builder): Value | undefined {
  const x = op.operand(0);
  if (!isProduct(x)) return undefined;
  const axes = attribute.axes(op.attributes);
  const { parts, scales } = productOf(x, (value) => meetsItsRow(value.shape, x.shape, axes));
  const taken: [scale: Value, by: "mul" | "div"][] = [];
  let rest = x;
  for (const scale of scales) {
    const uses = usesIn(x, scale);
    // A squared scale stays: without it, the squares may be too small for f32.
    if (uses.length !== 1 || !normalizes(scale, parts, axes)) continue;
    const without = withoutScale(rest, scale, builder);
    if (!sameShape(without.shape, x.shape)) continue;
    rest = without;
    taken.push([scale, uses[0] as "mul" | "div"]);
  }
  if (taken.length === 0) return undefined;
  const sum = builder.emit(op.name, [rest], { ...op.attributes, keepdims: true });
  const y = taken.reduce((y, [scale, by]) => builder.emit(by, [y, scale]), sum);
  return sameShape(y.shape, op.result.shape) ? y : builder.emit("reshape", [y], { shape: op.result.shape });
}

function productOf(x: Value, isSame: (value: Value) => boolean): Product {
  const parts = new Set([x]);
  const scales = new Set<Value>();
  for (const part of parts) {
    if (!isProduct(part) || parts.size > mostOps) continue;
    const { name, operands } = part.def as Op;
    const [a, b] = operands as [Value, Value];
    if (isSame(b)) scales.add(b);
    else if (name === "mul") parts.add(b);
    if (name === "mul" && isSame(a)) scales.add(a);
    else parts.add(a);
  }
  return { parts, scales };
}

/**
 * The operations by which the scale enters the product: two for the square of a value that has it once, and never more than two.
 */
function usesIn(
  x: Value,
  scale: Value,
  known = new Map<Value, readonly ("mul" | "div")[]>(),
): readonly ("mul" | "div")[] {
  const found = known.get(x);
  if (found !== undefined || !isProduct(x)) return found ?? [];
  const { name, operands } = x.def as { readonly name: "mul" | "div"; readonly operands: readonly Value[] };
  const [a, b] = operands as [Value, Value];
  const own = [...(b === scale ? [name] : []), ...(a === scale && name === "mul" ? [name] : [])];
  const uses = [...own, ...usesIn(a, scale, known), ...(name === "mul" ? usesIn(b, scale, known) : [])].slice(0, 2);
  known.set(x, uses);
  return uses;
}

/** The product without a scale that is in it once. Other factors remain, as the product varies along the row. */
function withoutScale(x: Value, scale: Value, builder: Builder): Value {
  if (usesIn(x, scale).length === 0) return x;
  const { name, operands } = x.def as Op;
  const [a, b] = operands as [Value, Value];
  if (b === scale) return a;
  if (name === "mul" && a === scale) return b;
  const rest = [withoutScale(a, scale, builder), name === "div" ? b : withoutScale(b, scale, builder)] as const;
  return builder.emit(name, rest, {}, x.name);
}

/** Whether the scale is computed from a sum of a part of the product, or of its squares. */
function normalizes(scale: Value, parts: ReadonlySet<Value>, axes: readonly number[]): boolean {
  const open = new Set([scale]);
  for (const { def } of open) {
    if (def === undefined || open.size > mostOps) continue;
    const { kind } = ops[def.name];
    if (kind === "elementwise" || kind === "shape") for (const operand of presentOperands(def)) open.add(operand);
    else if (kind === "reduction" && String(attribute.axes(def.attributes)) === String(axes) && sumsPart(def, parts)) {
      return true;
    }
  }
  return false;
}

function sumsPart(op: Op, parts: ReadonlySet<Value>): boolean {
  const x = op.operand(0);
  const [a, b] = definedBy(x, "mul")?.operands ?? [];
  const axes = attribute.axes(op.attributes);
  if (isLinear(op)) return parts.has(x) || (a !== undefined && a === b && parts.has(a));
  return op.name === "var" && [...parts].some((part) => centeredAlong(part, axes) === x);
}
