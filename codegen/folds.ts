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

export const mergeMoments = `/** Chan's formula for two states (count, shift, mean, m2). A state of count 0 is empty. */
fn merge_moments(a: vec4f, b: vec4f) -> vec4f {
  let count = a.x + b.x;
  let weight = b.x / max(count, 1.0);
  let delta = (b.y - a.y) + (b.z - a.z);
  // The mean less one shift and less the other.
  let from_a = a.z + delta * weight;
  let from_b = b.z - delta * (1.0 - weight);
  let near = select(vec2f(b.y, from_b), vec2f(a.y, from_a), abs(from_a) <= abs(from_b));
  let m2 = max(a.w, b.w) + (min(a.w, b.w) + delta * delta * a.x * weight);
  let both = vec4f(count, near, m2);
  return select(select(both, a, b.x == 0.0), b, a.x == 0.0);
}`;

/** A lane's state from those of its `width` elements, which have one count. */
export function laneMoments(width: number): string {
  const parts = ["x", "y", "z", "w"].slice(0, width);
  const merged = (list: readonly string[]): string => {
    if (list.length === 1) return `vec4f(count, shift.${list[0]}, mean.${list[0]}, m2.${list[0]})`;
    const half = list.length / 2;
    return `merge_moments(${merged(list.slice(0, half))}, ${merged(list.slice(half))})`;
  };
  const body =
    width === 2
      ? `  return ${merged(parts)};`
      : [
          `  let low = ${merged(parts.slice(0, 2))};`,
          `  let high = ${merged(parts.slice(2))};`,
          "  return merge_moments(low, high);",
        ].join("\n");
  return `fn lane_moments(count: f32, shift: vec${width}f, mean: vec${width}f, m2: vec${width}f) -> vec4f {\n${body}\n}`;
}

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
