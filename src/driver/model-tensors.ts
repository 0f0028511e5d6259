/**
 * Maps the values of a module that passes have rewritten to the tensors of the model that it was imported from.
 *
 * A value represents a tensor by the provenance that passes report, never by its name. It is the tensor if it is also computed
 * in the same position, after everything that was computed before the tensor, so that it can have the tensor's name in a graph. If
 * several tensors are one value now, the value is the first of them.
 */

import type { Fn, Value } from "../ir/ir.ts";
import type { Imported } from "../onnx/import.ts";
import { valuesOf } from "../pass/trail.ts";
import type { History } from "../pass-manager/history.ts";

/**
 * The tensors that values of `fn` correspond to.
 * @param fn the model after the first `runs` runs of the history.
 */
export function tensorsIn(fn: Fn, { module, tensors }: Imported, history: History, runs = history.runs.length) {
  const standFor = new Map<Value, Place>();
  for (const [place, value] of valuesOf(module.fns[0] as Fn).entries()) {
    const tensor = tensors.get(value);
    const [now] = tensor === undefined ? [] : history.trace(value, 0, runs).values;
    if (tensor === undefined || now === undefined) continue;
    if (!standFor.has(now)) standFor.set(now, { tensor, place });
  }
  const found = new Map<Value, string>();
  let next = Infinity;
  for (const value of valuesOf(fn).toReversed()) {
    const isLeaf = value.def === undefined || value.def.name === "global";
    const first = standFor.get(value);
    // A value that is computed earlier than its tensor was, as a part of another, is not the tensor.
    if (first === undefined || !(isLeaf || first.place < next)) continue;
    if (!isLeaf) next = first.place;
    found.set(value, first.tensor);
  }
  return found as ReadonlyMap<Value, string>;
}

/** A tensor, and its position in the imported function. */
interface Place {
  readonly tensor: string;
  readonly place: number;
}
