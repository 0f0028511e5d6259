/** Compares the results of two functions number by number. */

import type { Tensor } from "../ir/tensor.ts";

/**
 * Describes the first difference: in names, shapes or numbers; `undefined` if there is none. NaN equals NaN, and an
 * infinity equals itself.
 * @param relative the largest allowed error, relative to the largest finite magnitude in the result or to 1, whichever
 * is larger.
 */
export function numberDifference(
  found: Readonly<Record<string, Tensor>>,
  wanted: Readonly<Record<string, Tensor>>,
  relative: number,
): string | undefined {
  const [names, wantedNames] = [found, wanted].map((tensors) => Object.keys(tensors).join(", "));
  if (names !== wantedNames) return `the results are ${names}, not ${wantedNames}`;
  for (const [name, { data, shape }] of Object.entries(wanted)) {
    const other = found[name] as Tensor;
    if (String(other.shape) !== String(shape)) return `${name} has the shape [${other.shape}], not [${shape}]`;
    const largest = data.reduce((top, x) => (Number.isFinite(x) ? Math.max(top, Math.abs(x)) : top), 1);
    const wrong = data.findIndex((x, i) => {
      const y = other.data[i] as number;
      return !Object.is(x, y) && !(Math.abs(x - y) <= relative * largest);
    });
    if (wrong >= 0) return `${name}[${wrong}] is ${other.data[wrong]}, not ${data[wrong]}`;
  }
  return undefined;
}
