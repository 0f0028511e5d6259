/**
 * Recognizes duplicates: tensors that are computed twice in the same way. The passes merge them, but the remaining one may
 * have no name in the program; then a node keeps using the other.
 */

import type { NodeProto } from "../../onnx/messages.ts";
import { makersIn } from "../../onnx/model.ts";
import type { Line } from "../../surgery/draft.ts";
import type { Pt2Model } from "../model.ts";

/** No real duplicates have longer chains of nodes. */
const deepest = 16;

export class Duplicates {
  private readonly model: Pt2Model;
  private readonly makers: ReadonlyMap<string, NodeProto>;
  /** Nodes that did not change, nor did their inputs. */
  private readonly same: ReadonlySet<NodeProto>;

  constructor(model: Pt2Model, lines: readonly Line[]) {
    this.model = model;
    this.makers = makersIn(model);
    const isSame = ({ at, made, edit, inputs }: Line) =>
      made === undefined && edit === undefined && inputs.every((name, i) => name === at.inputs[i]);
    this.same = new Set(lines.filter(isSame).map(({ at }) => at));
  }

  /** Whether `was` and `now` are computed in the same way, by nodes that did not change. */
  areSame(was: string, now: string, depth = 0): boolean {
    if (was === now) return true;
    const [a, b] = [this.makers.get(was), this.makers.get(now)];
    if (a === undefined || b === undefined || depth > deepest || !this.same.has(b)) return false;
    const isSameOp = a.opType === b.opType && a.domain === b.domain && a.inputs.length === b.inputs.length;
    if (!isSameOp || a.outputs.indexOf(was) !== b.outputs.indexOf(now) || !this.haveSameAttributes(a, b)) return false;
    return a.inputs.every((name, i) => this.areSame(name, b.inputs[i] as string, depth + 1));
  }

  private haveSameAttributes(a: NodeProto, b: NodeProto): boolean {
    const { reader } = this.model;
    const textOf = ({ attributes }: NodeProto) =>
      [...attributes].map(([name, range]) => `${name} ${reader.bytes(range).join()}`).join(";");
    return textOf(a) === textOf(b);
  }
}
