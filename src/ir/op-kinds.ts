/** Classifies ops and values by the op table. */

import { isMonoid, type ReductionResult } from "../kernel/reduction.ts";
import type { Op, Value } from "./ir.ts";
import { attribute } from "./ops/attributes.ts";
import { ops } from "./ops/index.ts";
import type { PartialReduction } from "./ops/parts.ts";

/** Whether an op is a norm that takes a gamma: LayerNorm, RMSNorm or GroupNorm, and no centering or softmax. */
export function isNorm({ name }: Op): boolean {
  return ops[name].kind === "norm" && ops[name].operands.length > 1;
}

/** Which result of a reduction the value is; `undefined` if no reduction defines it. */
export function reductionResultOf({ def: op, index }: Value): ReductionResult | undefined {
  const def = op && ops[op.name];
  return def?.kind === "reduction" ? def.results[index] : undefined;
}

/** How an op follows from reductions of parts, if it does. A monoid reduces its results for parts as elements. */
export function partialReduction({ name }: Op): PartialReduction | undefined {
  const def = ops[name];
  if (def.kind !== "reduction") return undefined;
  if (def.parts !== undefined || !isMonoid(def.reduction) || String(def.results) !== "combined") return def.parts;
  return {
    state: [`${name}s`],
    states: (to, x, { axes }) => [to.emit(name, [x], { axes })],
    merge: (to, [results], { axes }) => [to.emit(name, [results], { axes })],
  };
}

/** The direction of a scan along a row. */
export type Direction = "forward" | "reverse";

/** The parameters of a scan. */
export interface Scan {
  /** Counted from the end. */
  readonly axis: number;
  readonly direction: Direction;
  /** Whether an element is excluded from its own sum. */
  readonly isExclusive: boolean;
}

/** The scan that an op computes; `undefined` if it is not a scan. */
export function scanOf({ name, attributes }: Op): Scan | undefined {
  const def = ops[name];
  if (def.kind !== "linear" || def.outside !== undefined) return undefined;
  const [isExclusive, isReverse] = ["exclusive", "reverse"].map((flag) => attribute.flag(attributes, flag));
  return {
    axis: attribute.axis(attributes),
    direction: isReverse === true ? "reverse" : "forward",
    isExclusive: isExclusive === true,
  };
}
