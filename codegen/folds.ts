/** What a loop along the row accumulates: the states that its reductions read, each once. */

import type { Span } from "../src/diagnostics/diagnostic.ts";
import type { Op } from "../src/ir/ir.ts";
import type { ReductionDef } from "../src/ir/ops/def.ts";
import { ops } from "../src/ir/ops/index.ts";
import { computedType } from "./expression.ts";
import { exponentials } from "./kernel/exponentials.ts";
import { typeOf } from "./kernel/expression.ts";
import { moments } from "./kernel/moments.ts";
import { sum } from "./kernel/monoids.ts";
import type { Reduction } from "./kernel/reduction.ts";
import { isMean, isOnline, isVariance, type Node, spanOf } from "./nodes.ts";
import { type Along, keyOfPlace } from "./place-along.ts";

/** One accumulation along the row; several reductions of one operand may read it. */
export interface Fold {
  readonly reduction: Reduction;
  readonly operand: Node;
  /** Stem of the names of its variables. */
  readonly name: string;
  /** The maximum that is folded along with it, where it depends on one. */
  readonly max: Fold | undefined;
  /** Where its elements stand in their row, if it asks. */
  readonly place: Along | undefined;
  /** The first reduction that reads it. */
  readonly span: Span;
}

/** Whether a fold's additions round, so that they are nested in blocks. */
export const isBlocked = ({ reduction, operand }: Fold): boolean =>
  reduction.rounds(computedType(operand.value.element));

/** Variables that a lane has for a fold of one row, with so many blocks around its steps. */
export function variablesOf(fold: Fold, blocks: number): number {
  const type = typeOf(computedType(fold.operand.value.element));
  const lane = fold.reduction.identity(type, undefined);
  const inner = isBlocked(fold) ? Object.keys(fold.reduction.identity(type, {})).length : 0;
  return Object.keys(lane).length + blocks * inner;
}

/**
 * The folds of the reductions at one level, and which of them each reduction reads.
 * @param centered means that are subtracted from their rows.
 * @param isShared whether a mean may be read from the moments that a variance of the same row needs.
 * @param isEven whether all lanes of a row see as many elements.
 */
export function foldsOf(
  reductions: readonly Node[],
  centered: ReadonlySet<Node | undefined>,
  define: (hint: string, reduction: Reduction) => string,
  isShared: boolean,
  isEven = false,
) {
  const { spread: both, mean: shiftedMean } = isEven ? moments.even : moments.counted;
  const spread = new Set(reductions.filter(isVariance).map((node) => node.operands[0]));

  const reductionOf = (node: Node): Reduction => {
    const isSpread = spread.has(node.operands[0]);
    if (isVariance(node)) return both;
    if (isOnline(node)) return exponentials;
    const isShifted = centered.has(node) || (isShared && isSpread);
    if (isMean(node)) return !isShifted ? sum : isSpread ? both : shiftedMean;
    return (ops[(node.op as Op).name] as ReductionDef).reduction;
  };
  const folds: Fold[] = [];
  const foldOf = new Map<Node, Fold>();
  for (const node of reductions) {
    const operand = node.operands[0] as Node;
    const reduction = reductionOf(node);
    const { place } = node;
    const isSamePlace = (one: Fold) =>
      place === undefined || (one.place && keyOfPlace(one.place) === keyOfPlace(place));
    let fold = folds.find((one) => one.operand === operand && one.reduction === reduction && isSamePlace(one));
    if (fold === undefined) {
      const stem = operand.value.name ?? operand.op?.name ?? "x";
      const max = node.operands[1] && foldOf.get(node.operands[1]);
      const name = define(`${stem}_${reduction.name}`, reduction);
      fold = { reduction, operand, name, max, place, span: spanOf(node) };
      folds.push(fold);
    }
    foldOf.set(node, fold);
  }
  return { folds, foldOf };
}
