/** The states that a loop along the row accumulates: each once, whatever number of reductions read it. */

import type { Span } from "../src/diagnostics/diagnostic.ts";
import type { Op } from "../src/ir/ir.ts";
import type { ReductionDef } from "../src/ir/ops/def.ts";
import { ops } from "../src/ir/ops/index.ts";
import { exponentials } from "../src/kernel/exponentials.ts";
import { moments } from "../src/kernel/moments.ts";
import { sum } from "../src/kernel/monoids.ts";
import type { Reduction } from "../src/kernel/reduction.ts";
import { typeOf } from "../src/kernel/types.ts";
import { computedType } from "./expression.ts";
import type { Along } from "./nodes.ts";
import { isCovariance, isMean, isOnline, isVariance, type Node, spanOf } from "./nodes.ts";
import { keyOfPlace } from "./place-along.ts";

/** One accumulation along the row; several reductions of one operand may read it. */
export interface Accumulator {
  readonly reduction: Reduction;
  readonly operand: Node;
  /** The second operand of a reduction of two. */
  readonly second?: Node | undefined;
  /** Prefix of the names of its variables. */
  readonly name: string;
  /** The maximum that it depends on and that is computed along with it, if any. */
  readonly max: Accumulator | undefined;
  /** The positions of its elements in their row, if the reduction uses them. */
  readonly place: Along | undefined;
  /** The first reduction that reads it. */
  readonly span: Span;
}

/** The operands of an accumulator. */
export const operandsOf = ({ operand, second }: Accumulator): readonly Node[] =>
  second ? [operand, second] : [operand];

/** Whether an accumulator's additions round, so that they are nested in blocks. */
export const isBlocked = ({ reduction, operand }: Accumulator): boolean =>
  reduction.rounds(computedType(operand.value.element));

/** The number of variables that a lane needs for an accumulator of one row. @param blocks nested around its steps. */
export function variablesOf(accumulator: Accumulator, blocks: number): number {
  const type = typeOf(computedType(accumulator.operand.value.element));
  const lane = accumulator.reduction.identity(type, undefined);
  const inner = isBlocked(accumulator) ? Object.keys(accumulator.reduction.identity(type, {})).length : 0;
  return Object.keys(lane).length + blocks * inner;
}

/**
 * The accumulators of the reductions of one stage, and the one that each reduction reads.
 * @param centered means that are subtracted from their rows.
 * @param isShared whether a mean may be read from the moments that a variance of the same row needs.
 * @param isEven whether all lanes of a row see the same number of elements.
 */
export function accumulatorsOf(
  reductions: readonly Node[],
  centered: ReadonlySet<Node | undefined>,
  define: (hint: string, reduction: Reduction) => string,
  isShared: boolean,
  isEven = false,
) {
  const { spread: both, mean: shiftedMean, pair } = isEven ? moments.even : moments.counted;
  const spread = new Set(reductions.filter(isVariance).map((node) => node.operands[0]));
  /** The operands of a covariance. The one whose variance is also needed comes first. */
  const pairOf = ({ operands }: Node) => {
    const [x, y] = operands as readonly [Node, Node];
    return spread.has(y) && !spread.has(x) ? ([y, x] as const) : ([x, y] as const);
  };
  const pairs = reductions.filter(isCovariance).map(pairOf);

  /** The state that the node reads: a pair's if that contains it. */
  const sourceOf = (node: Node): Pick<Accumulator, "reduction" | "operand" | "second"> => {
    const operand = node.operands[0] as Node;
    const ofPair = ([x, y]: readonly [Node, Node]) => ({ reduction: pair, operand: x, second: y });
    if (isCovariance(node)) return ofPair(pairOf(node));
    if (isOnline(node)) return { reduction: exponentials, operand };
    const asFirst = pairs.find(([x]) => x === operand);
    const readsSpread = isMean(node) && spread.has(operand) && (isShared || centered.has(node));
    // A pair that counts its elements has no variance.
    if (isVariance(node) || readsSpread) return isEven && asFirst ? ofPair(asFirst) : { reduction: both, operand };
    if (!isMean(node)) return { reduction: (ops[(node.op as Op).name] as ReductionDef).reduction, operand };
    const found = asFirst ?? pairs.find(([, y]) => y === operand);
    return found ? ofPair(found) : { reduction: centered.has(node) ? shiftedMean : sum, operand };
  };
  const accumulators: Accumulator[] = [];
  const accumulatorOf = new Map<Node, Accumulator>();
  for (const node of reductions) {
    const { reduction, operand, second } = sourceOf(node);
    const { place } = node;
    const isSamePlace = (one: Accumulator) =>
      place === undefined || (one.place && keyOfPlace(one.place) === keyOfPlace(place));
    const isSame = (one: Accumulator) =>
      one.operand === operand && one.second === second && one.reduction === reduction && isSamePlace(one);
    let accumulator = accumulators.find(isSame);
    if (accumulator === undefined) {
      const stem = operand.value.name ?? operand.op?.name ?? "x";
      const max = isOnline(node) ? accumulatorOf.get(node.operands[1] as Node) : undefined;
      const name = define(`${stem}_${reduction.name}`, reduction);
      accumulator = { reduction, operand, second, name, max, place, span: spanOf(node) };
      accumulators.push(accumulator);
    }
    accumulatorOf.set(node, accumulator);
  }
  return { accumulators, accumulatorOf };
}
