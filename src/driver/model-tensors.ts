/**
 * Which values of a module that passes made of a model are tensors of the model.
 *
 * A value stands for a tensor if passes say so (their provenance, never its name). It is the tensor if it is also computed
 * where that was: after all that was computed before, so that it can have its name in a graph. Of several tensors that are
 * one value now, the value is the first; no value is two tensors.
 */

import type { Fn, Value } from "../ir/ir.ts";
import type { Imported } from "../onnx/import.ts";
import { valuesOf } from "../pass/trail.ts";
import type { History } from "../pass-manager/history.ts";

/**
 * The tensors that the values of `fn` are.
 * @param fn made of the model by the first `runs` runs of the history.
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
    // What is computed earlier than its tensor was, as the parts of another, has no name of its own.
    if (first === undefined || !(isLeaf || first.place < next)) continue;
    if (!isLeaf) next = first.place;
    found.set(value, first.tensor);
  }
  return found as ReadonlyMap<Value, string>;
}

/** A tensor, and where in the imported function it is computed. */
interface Place {
  readonly tensor: string;
  readonly place: number;
}
