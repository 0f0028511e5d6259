/** A human-readable report on the norms of a checkpoint. */

import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import type { CheckpointNorm, CheckpointSurgery } from "../checkpoint/surgery.ts";
import type { WrittenTensor } from "../checkpoint/write.ts";
import { normTable } from "./norm-table.ts";
import { counted, short } from "./surgery-report.ts";

/** Such as `11 LayerNorms: 6 can be RMSNorms, 5 need their means`. */
export function headline(norms: readonly CheckpointNorm[]): string {
  const layerNorms = norms.filter(({ norm }) => norm === "layernorm");
  const free = layerNorms.filter(({ isRms }) => isRms).length;
  const others = norms.length - layerNorms.length;
  const rest = layerNorms.length - free;
  const parts = [
    ...(layerNorms.length === 0 ? [] : [`${counted(layerNorms.length, "LayerNorm")}: ${free} can be RMSNorms`]),
    ...(rest === 0 ? [] : [`${rest} ${rest === 1 ? "needs its mean" : "need their means"}`]),
    ...(others === 0 ? [] : [`${counted(others, "RMSNorm")}, which have no mean to remove`]),
  ];
  return parts.join(", ");
}

/**
 * What can be done with the norms, and how the weights were changed for it. Empty if there are no norms.
 * @param wayOut how the reader can avoid the copy of an embedding table.
 */
export function summaryLines(
  { tensors }: Checkpoint,
  { norms, centered, folded, untied, exactness }: CheckpointSurgery,
  written: readonly WrittenTensor[],
  wayOut = "",
): string[] {
  if (norms.length === 0) return [];
  const most = Math.max(0, ...written.map(({ residual }) => residual));
  const means = written.length === 0 ? "" : `, row means at most ${short(most)} of the row's largest element`;
  const changed = centered.length + folded.length;
  const inReaders = (["gamma", "beta"] as const).flatMap((part) => {
    const count = norms.filter((norm) => norm.folded.includes(part)).length;
    return count === 0 ? [] : [counted(count, part)];
  });
  const said = untied.map(({ table, copies }) => {
    const bytes = copies.reduce((sum, { from }) => sum + (tensors.get(from)?.length ?? 0), 0);
    const own = copies.map(({ tensor }) => tensor).join(", ");
    return `${table} is centered; the head uses an uncentered copy (${own}, ${bytes} bytes more); tie_word_embeddings is false${wayOut}`;
  });
  return [
    headline(norms),
    ...(centered.length === 0 ? [] : [`${counted(centered.length, "weight")} centered${means}`]),
    ...said,
    ...(inReaders.length === 0 ? [] : [`${inReaders.join(" and ")} folded into the products that read the norms`]),
    ...(exactness === "exact" && changed > 0 ? [`exact, up to the rounding of ${counted(changed, "weight")}`] : []),
  ];
}

/** The norms listed below the summary: the LayerNorms that remain, or with `isVerbose` all norms and weights. */
export function detailLines(
  { norms }: CheckpointSurgery,
  written: readonly WrittenTensor[],
  isVerbose: boolean,
): string[] {
  const kept = norms.filter(({ norm, isRms }) => norm === "layernorm" && !isRms);
  return [
    ...table(isVerbose ? norms : kept),
    ...(isVerbose ? written.map(({ tensor, residual }) => `${tensor}: ${short(residual)}`) : []),
  ];
}

export const table = (norms: readonly CheckpointNorm[]) =>
  normTable(norms.map((norm) => ({ ...norm, cells: [norm.module, norm.isRms ? "can be rmsnorm" : norm.norm] })));
