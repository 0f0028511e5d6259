/** What a loop along the row accumulates: the states that its reductions read, each once. */

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
  /** Of a reduction of two operands. */
  readonly second?: Node | undefined;
  /** Stem of the names of its variables. */
  readonly name: string;
  /** The maximum that is computed along with it, where it depends on one. */
  readonly max: Accumulator | undefined;
  /** Where its elements stand in their row, if it asks. */
  readonly place: Along | undefined;
  /** The first reduction that reads it. */
  readonly span: Span;
}

/** What an accumulator reads of each element of the row. */
export const operandsOf = ({ operand, second }: Accumulator): readonly Node[] =>
  second ? [operand, second] : [operand];

/** Whether an accumulator's additions round, so that they are nested in blocks. */
export const isBlocked = ({ reduction, operand }: Accumulator): boolean =>
  reduction.rounds(computedType(operand.value.element));

/** Variables that a lane has for an accumulator of one row, with so many blocks around its steps. */
export function variablesOf(accumulator: Accumulator, blocks: number): number {
  const type = typeOf(computedType(accumulator.operand.value.element));
  const lane = accumulator.reduction.identity(type, undefined);
  const inner = isBlocked(accumulator) ? Object.keys(accumulator.reduction.identity(type, {})).length : 0;
  return Object.keys(lane).length + blocks * inner;
}

/**
 * The accumulators of the reductions at one stage, and which of them each reduction reads.
 * @param centered means that are subtracted from their rows.
 * @param isShared whether a mean may be read from the moments that a variance of the same row needs.
 * @param isEven whether all lanes of a row see as many elements.
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
  /** The operands of a covariance, first the one whose variance is read. */
  const pairOf = ({ operands }: Node) => {
    const [x, y] = operands as readonly [Node, Node];
    return spread.has(y) && !spread.has(x) ? ([y, x] as const) : ([x, y] as const);
  };
  const pairs = reductions.filter(isCovariance).map(pairOf);

  /** What the node reads: a pair's state where that has it. */
  const sourceOf = (node: Node): Pick<Accumulator, "reduction" | "operand" | "second"> => {
    const operand = node.operands[0] as Node;
    const ofPair = ([x, y]: readonly [Node, Node]) => ({ reduction: pair, operand: x, second: y });
    if (isCovariance(node)) return ofPair(pairOf(node));
    if (isOnline(node)) return { reduction: exponentials, operand };
    const asFirst = pairs.find(([x]) => x === operand);
    const readsSpread = isMean(node) && spread.has(operand) && (isShared || centered.has(node));
    // Beside a count a pair has no variance.
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
