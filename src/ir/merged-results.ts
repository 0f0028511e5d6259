/** The results of a reduction from states of parts that were merged (src/ir/ops/parts.ts). */

import type { ReductionResult } from "../kernel/reduction.ts";
import type { Builder } from "./builder.ts";
import type { Op, Value } from "./ir.ts";
import { reductionResultOf } from "./op-kinds.ts";
import type { Emitter } from "./ops/emitter.ts";
import type { Operands } from "./ops/meaning.ts";
import type { Division, PartialReduction } from "./ops/parts.ts";
import { elementCount } from "./tensor.ts";
import { type ElementType, type Shape, sameShape } from "./types.ts";

/** The results of a reduction from what is merged, without the axes that it reduces. */
export function resultsFrom(
  to: Emitter,
  op: Op,
  { result }: PartialReduction,
  merged: readonly Value[],
  division: Division,
): readonly Value[] {
  const values = merged as Operands<Value>;
  return op.results.map((value, i) => {
    const name = reductionResultOf(value) as ReductionResult;
    return result?.[name]?.(to, values, division, op.attributes) ?? (values[i] as Value);
  });
}

/** The number of elements of a shape; if extents are symbolic, as an f32 value that the merge `to` computes. */
export function countIn(shape: Shape, to: Emitter): Value | number {
  if (shape.every((dim) => typeof dim === "number")) return elementCount(shape);
  return to.emit("cast", [to.emit("size", [], { shape })], { to: "f32" });
}

/** The value converted to the element type and the shape of the result. */
export function asResult(to: Builder, value: Value, { element, shape, name }: Value): Value {
  const cast = element === value.element ? value : to.emit("cast", [value], { to: element as ElementType });
  return sameShape(cast.shape, shape) ? cast : to.emit("reshape", [cast], { shape }, name);
}
