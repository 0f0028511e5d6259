/** What the op table says of an op that is there. */

import type { ReductionResult } from "../kernel/reduction.ts";
import type { Op, Value } from "./ir.ts";
import { ops } from "./ops/index.ts";

/** Whether an op is a norm that takes a gamma: LayerNorm, RMSNorm or GroupNorm, and no centering or softmax. */
export function isNorm({ name }: Op): boolean {
  return ops[name].kind === "norm" && ops[name].operands.length > 1;
}

/** What the value is of the row that a reduction folds; `undefined` if no reduction defines it. */
export function reductionResultOf({ def: op, index }: Value): ReductionResult | undefined {
  const def = op && ops[op.name];
  return def?.kind === "reduction" ? def.results[index] : undefined;
}
