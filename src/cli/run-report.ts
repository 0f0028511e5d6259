/** The output of `tirc run` about a run. */

import type { Comparison } from "../compare/compare.ts";
import { jsonText } from "../diagnostics/json.ts";
import { printType } from "../ir/types.ts";
import { type HostTensor, toNumbers } from "../runtime/host-tensor.ts";

export interface RunReport {
  readonly function: string;
  readonly device: string;
  readonly launches: number;
  /** The number of launches that are plain kernels of products. */
  readonly products?: number | undefined;
  readonly outputs: Readonly<Record<string, HostTensor>>;
  /** By output; empty if nothing was compared. */
  readonly comparisons: ReadonlyMap<string, Comparison>;
}

export function reportJson({ function: name, device, launches, products, outputs, comparisons }: RunReport): string {
  const described = Object.entries(outputs).map(([output, { element, shape }]) => {
    const comparison = comparisons.get(output);
    const errors =
      comparison === undefined ? {} : { maxAbsError: comparison.maxAbsError, maxRelError: comparison.maxRelError };
    return [output, { shape, dtype: element, ...errors }] as const;
  });
  const report = {
    function: name,
    device,
    launches,
    ...(products ? { products } : {}),
    outputs: Object.fromEntries(described),
  };
  return `${jsonText(report, 2)}\n`;
}

export function reportLines({
  function: name,
  device,
  launches,
  products = 0,
  outputs,
  comparisons,
}: RunReport): string[] {
  const rows = Object.entries(outputs).map(([output, tensor]) => {
    const comparison = comparisons.get(output);
    const what = comparison === undefined ? firstValues(tensor) : errorsOf(comparison);
    return `  ${output}: ${printType(tensor)}  ${what}`;
  });
  const count = launches === 1 ? "1 launch" : `${launches} launches`;
  const kernels = products === 1 ? "a plain kernel of a product, which is" : "plain kernels of products, which are";
  const plain = products === 0 ? "" : `, ${products} of them ${kernels} not tuned`;
  return [`${name} on ${device}, ${count}${plain}`, ...rows];
}

const shownValues = 4;

function firstValues(tensor: HostTensor): string {
  if (tensor.data.length === 0) return "no elements";
  const first = toNumbers({ ...tensor, data: tensor.data.slice(0, shownValues) } as HostTensor);
  const shown = [...first].map((value) => String(Number(value.toPrecision(6))));
  return shown.join(" ") + (tensor.data.length > shownValues ? " ..." : "");
}

function errorsOf({ maxAbsError, maxRelError, amplified, steps, wrong, tolerance }: Comparison): string {
  const verdict = wrong === 0 ? "ok" : "WRONG";
  const errors = `largest error ${shown(maxAbsError)}, ${shown(maxRelError)} of its row's largest value`;
  const more = amplified === 0 ? "" : ", and more where the program amplifies rounding errors";
  const allowed = tolerance === 0 ? "" : ` (allowed: ${tolerance.toExponential()} of that value or of 1${more})`;
  const stepped = steps === 0 ? "" : `; ${steps} values one rounding step apart, which rounding allows`;
  return `${verdict}: ${errors}${allowed}${stepped}`;
}

function shown(error: number): string {
  return error === 0 ? "0" : error.toExponential(1);
}
