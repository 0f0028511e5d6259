/** How dropping centerings without a proof changes the results, measured on the given data. */

import type { Tensor } from "../ir/tensor.ts";

type Tensors = Readonly<Record<string, Tensor>>;

/** A line for each result. Both sides are float64, so they differ only by the dropped centerings. */
export function lossyEffect(exact: Tensors, lossy: Tensors): string[] {
  return Object.entries(exact).map(([name, { data }]) => {
    const other = (lossy[name] as Tensor).data;
    const differences = data.map((value, i) => Math.abs(value - (other[i] as number)));
    const worst = differences.reduce((most, value) => Math.max(most, value), 0);
    const share = rootMeanSquare(differences) / rootMeanSquare(data);
    const percent = Number.isFinite(share) ? `, ${(100 * share).toPrecision(2)} % of it in the root mean square` : "";
    return `mode=lossy: \`${name}\` is off by ${worst.toPrecision(2)} at most${percent}`;
  });
}

function rootMeanSquare(values: Float64Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}
