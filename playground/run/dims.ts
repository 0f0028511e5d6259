/** The initial extents of a run. */

import { chooseDims } from "../../src/compare/inputs.ts";
import { resolveShape } from "../../src/ir/interpret.ts";
import { dimensionNames, type Fn } from "../../src/ir/ir.ts";
import { elementCount } from "../../src/ir/tensor.ts";

/** The number of elements that the reference interpreter computes in about a second. */
const mostElements = 2 ** 25;

/** The defaults of `tirc run`, but with fewer rows if the interpreter would take long. */
export function startingDims(fn: Fn): Record<string, number> {
  const dims = { ...chooseDims(fn, new Map(), {}).extents };
  const columns = new Set(fn.params.map((param) => param.shape.at(-1)));
  const rows = dimensionNames(fn).filter((name) => !columns.has(name));
  const work = () =>
    fn.ops.flatMap((op) => op.results).reduce((sum, { shape }) => sum + elementCount(resolveShape(shape, dims)), 0);
  const largest = () => rows.reduce((a, b) => ((dims[b] as number) > (dims[a] as number) ? b : a), rows[0] ?? "");
  while (rows.length > 0 && (dims[largest()] as number) > 1 && work() > mostElements) {
    dims[largest()] = Math.ceil((dims[largest()] as number) / 2);
  }
  return dims;
}
