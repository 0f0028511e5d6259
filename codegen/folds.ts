/**
 * Reductions of a row: what each lane accumulates, and how the lanes' results are merged.
 *
 * Mean and variance come from Welford's algorithm in each lane (Welford 1962), merged by Chan, Golub and LeVeque's
 * formula (1979) in its delta form. A state is a vec4f (count, shift, mean, m2): `shift` is an element of the lane, `mean`
 * that of the elements less the shift, so that rows far from 0 lose nothing, and a constant row gives exactly 0. Of two
 * shifts the one nearer to the mean is kept: an outlier's would cost all others digits.
 *
 * A sum of exp(x - max(x)) may be folded in the maximum's own read of the row (Milakov and Gimelshein 2018): each lane
 * takes off a shift of its own, which follows the largest element at a distance, so that it moves but a few times and the
 * sum is seldom scaled.
 */

import type { Span } from "../src/diagnostics/diagnostic.ts";
import type { Op } from "../src/ir/ir.ts";
import type { ReductionDef } from "../src/ir/ops/def.ts";
import { ops } from "../src/ir/ops/index.ts";
import type { MonoidName } from "../src/ir/ops/monoids.ts";
import { computedType } from "./expression.ts";
import { isMean, isOnline, isVariance, type Node, spanOf } from "./graph.ts";
import {
  add,
  apply,
  binary,
  call,
  component,
  construct,
  divide,
  type Expression,
  equals,
  f32,
  field,
  literal,
  multiply,
  select,
  subtract,
  type Type,
  typeOf,
} from "./kernel/expression.ts";
import { defineFunction } from "./kernel/function.ts";

export type FoldKind = MonoidName | "moments" | "exps";

/** One accumulation along the row; several reductions of one operand may read it. */
export interface Fold {
  readonly kind: FoldKind;
  readonly operand: Node;
  /** Stem of the names of its variables. */
  readonly name: string;
  /** Of moments: whether anything needs m2. */
  readonly variance: boolean;
  /** Of exps: the maximum that is folded along with it. */
  readonly max: Fold | undefined;
  /** The first reduction that reads it. */
  readonly span: Span;
}

/** Whether a fold's additions round, so that they are nested in blocks. */
export function isBlocked({ kind, operand }: Fold): boolean {
  return kind === "moments" || (isSum(kind) && computedType(operand.value.element) === "f32");
}

const isSum = (kind: FoldKind) => kind === "sum" || kind === "exps";

/** Variables that a lane has for a fold of one row, with so many blocks around its steps. */
export function variablesOf(fold: Fold, blocks: number): number {
  const states = isBlocked(fold) ? blocks + 1 : 1;
  if (fold.kind === "moments") return 1 + states * (fold.variance ? 2 : 1);
  return states * (fold.kind === "exps" ? 2 : 1);
}

/** Moments of some elements: how many, one of them, the mean of the others less that, the sum of squared deviations. */
export const momentsType: Type = { ...typeOf("f32", 4), fields: ["count", "shift", "mean", "m2"] };

const fieldsOf = (state: Expression) =>
  ["count", "shift", "mean", "m2"].map((name) => field(state, name)) as [
    Expression,
    Expression,
    Expression,
    Expression,
  ];

export const mergeMoments = defineFunction(
  "merge_moments",
  "Chan's formula for two states (count, shift, mean, m2). A state of count 0 is empty.",
  { a: momentsType, b: momentsType },
  ({ a, b }, define) => {
    const [countA, shiftA, meanA, m2A] = fieldsOf(a);
    const [countB, shiftB, meanB, m2B] = fieldsOf(b);
    const count = define("count", add(countA, countB));
    const weight = define("weight", divide(countB, call("max", count, literal(f32, 1))));
    const delta = define("delta", add(subtract(shiftB, shiftA), subtract(meanB, meanA)));
    const fromA = define("from_a", add(meanA, multiply(delta, weight)), "The mean less one shift and less the other.");
    const fromB = define("from_b", subtract(meanB, multiply(delta, subtract(1, weight))));
    const isNear = binary("<=", call("abs", fromA), call("abs", fromB));
    const pair = (shift: Expression, from: Expression) => construct(typeOf("f32", 2), shift, from);
    const near = define("near", select(pair(shiftB, fromB), pair(shiftA, fromA), isNear));
    const between = multiply(multiply(multiply(delta, delta), countA), weight);
    const m2 = define("m2", add(call("max", m2A, m2B), add(call("min", m2A, m2B), between)));
    const both = define("both", construct(momentsType, count, near, m2));
    return select(select(both, a, equals(countB, 0)), b, equals(countA, 0));
  },
);

/** A lane's state from those of its `width` elements, which have one count. */
function laneMomentsOf(width: 2 | 4) {
  const elements = typeOf("f32", width);
  const parameters = { count: f32, shift: elements, mean: elements, m2: elements };
  return defineFunction("lane_moments", "", parameters, ({ count, shift, mean, m2 }, define) => {
    const ofElement = (i: number) =>
      construct(momentsType, count, component(shift, i), component(mean, i), component(m2, i));
    const merged = (i: number) => apply(mergeMoments, ofElement(i), ofElement(i + 1));
    return width === 2 ? merged(0) : apply(mergeMoments, define("low", merged(0)), define("high", merged(2)));
  });
}

export const laneMoments = { 2: laneMomentsOf(2), 4: laneMomentsOf(4) };

/**
 * The folds of the reductions at one level, and which of them each reduction reads.
 * @param centered means that are taken off their rows.
 * @param isShared whether a mean may be read from the moments that a variance of the same row needs.
 */
export function foldsOf(
  reductions: readonly Node[],
  centered: ReadonlySet<Node | undefined>,
  define: (hint: string) => string,
  isShared: boolean,
) {
  const spread = new Set(reductions.filter(isVariance).map((node) => node.operands[0]));

  const kindOf = (node: Node): FoldKind => {
    if (isVariance(node)) return "moments";
    if (isOnline(node)) return "exps";
    if (isMean(node)) return centered.has(node) || (isShared && spread.has(node.operands[0])) ? "moments" : "sum";
    return (ops[(node.op as Op).name] as ReductionDef).monoid;
  };
  const folds = new Map<string, Fold>();
  const foldOf = new Map<Node, Fold>();
  const ids = new Map<Node, number>();
  for (const node of reductions) {
    const operand = node.operands[0] as Node;
    const kind = kindOf(node);
    if (!ids.has(operand)) ids.set(operand, ids.size);
    const key = `${kind} ${ids.get(operand)}`;
    let fold = folds.get(key);
    if (fold === undefined) {
      const stem = operand.value.name ?? operand.op?.name ?? "x";
      const max = node.operands[1] && foldOf.get(node.operands[1]);
      const name = define(`${stem}_${kind}`);
      fold = { kind, operand, name, max, variance: spread.has(operand), span: spanOf(node) };
      folds.set(key, fold);
    }
    foldOf.set(node, fold);
  }
  return { folds: [...folds.values()], foldOf };
}
