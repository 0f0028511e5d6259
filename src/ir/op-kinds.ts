/** Classifies ops and values by the op table. */

import type { ReductionResult } from "../kernel/reduction.ts";
import type { Op, Value } from "./ir.ts";
import { attribute } from "./ops/attributes.ts";
import { ops } from "./ops/index.ts";

/** Whether an op is a norm that takes a gamma: LayerNorm, RMSNorm or GroupNorm, and no centering or softmax. */
export function isNorm({ name }: Op): boolean {
  return ops[name].kind === "norm" && ops[name].operands.length > 1;
}

/** Which result of a reduction the value is; `undefined` if no reduction defines it. */
export function reductionResultOf({ def: op, index }: Value): ReductionResult | undefined {
  const def = op && ops[op.name];
  return def?.kind === "reduction" ? def.results[index] : undefined;
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
