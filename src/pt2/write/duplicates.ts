/**
 * Recognizes duplicates: tensors that are computed twice in the same way. The passes merge them, but the remaining one may
 * have no name in the program; then a node keeps using the other.
 */

import type { NodeProto } from "../../onnx/messages.ts";
import { makersIn, type OnnxModel } from "../../onnx/model.ts";
import type { Line } from "../../surgery/draft.ts";

/** No real duplicates have longer chains of nodes. */
const deepest = 16;

/** Returns whether `was` and `now` are computed in the same way, by nodes that did not change. */
export function duplicatesIn(model: OnnxModel, lines: readonly Line[]): (was: string, now: string) => boolean {
  const makers = makersIn(model);
  /** Nodes that did not change, nor did their inputs. */
  const same = new Set(lines.filter(isSame).map(({ at }) => at));
  const attributesOf = ({ attributes }: NodeProto) =>
    [...attributes].map(([name, range]) => `${name} ${model.reader.bytes(range).join()}`).join(";");
  const areSame = (was: string, now: string, depth: number): boolean => {
    if (was === now) return true;
    const [a, b] = [makers.get(was), makers.get(now)];
    if (a === undefined || b === undefined || depth > deepest || !same.has(b)) return false;
    const isSameOp = a.opType === b.opType && a.domain === b.domain && a.inputs.length === b.inputs.length;
    if (!isSameOp || a.outputs.indexOf(was) !== b.outputs.indexOf(now) || attributesOf(a) !== attributesOf(b))
      return false;
    return a.inputs.every((name, i) => areSame(name, b.inputs[i] as string, depth + 1));
  };
  return (was, now) => areSame(was, now, 0);
}

const isSame = ({ at, made, edit, inputs }: Line) =>
  made === undefined && edit === undefined && inputs.every((name, i) => name === at.inputs[i]);
