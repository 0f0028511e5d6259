/**
 * Tensors of a graph that are computed twice, in the same way: of two such the passes keep one, and nodes take that. Where
 * it has no name in the program, a node goes on to take the other.
 */

import type { NodeProto } from "../../onnx/messages.ts";
import { makersIn } from "../../onnx/model.ts";
import type { Line } from "../../surgery/draft.ts";
import type { Pt2Model } from "../model.ts";

/** Deeper than what is merged goes. */
const deepest = 16;

export class Twins {
  private readonly model: Pt2Model;
  private readonly makers: ReadonlyMap<string, NodeProto>;
  /** Nodes that are what they were, by what they take too. */
  private readonly same: ReadonlySet<NodeProto>;

  constructor(model: Pt2Model, lines: readonly Line[]) {
    this.model = model;
    this.makers = makersIn(model);
    const isSame = ({ at, made, edit, inputs }: Line) =>
      made === undefined && edit === undefined && inputs.every((name, i) => name === at.inputs[i]);
    this.same = new Set(lines.filter(isSame).map(({ at }) => at));
  }

  /** Whether `was` is computed as `now` is, by nodes that are what they were. */
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
