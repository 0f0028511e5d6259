/**
 * Writes a residual sum and its norm as one node, which makes both.
 *
 *   s = Add(a, b)
 *   y = SkipSimplifiedLayerNormalization(s, s, scale; 4 eps)
 *   ->
 *   y, , , s = SkipSimplifiedLayerNormalization(a, b, scale; eps)
 *
 * Not where a and b have other shapes than the sum, and not for a second norm of the same sum.
 */

import type { NewNode } from "../onnx/encode.ts";
import { type Draft, type Line, made, opOf } from "./draft.ts";
import { microsoft, normOpTypes } from "./norm-forms.ts";

const skipOp = `${microsoft}:${normOpTypes.skip}`;

/** @param isSameShape whether tensors have one shape, of two or three axes. */
export function joinSkips(draft: Draft, isSameShape: (names: readonly string[]) => boolean): void {
  const { makers } = draft;
  const instead = new Map<Line, readonly Line[]>();
  const joined = new Set<string>();
  for (const line of draft.lines) {
    const [x, same] = line.inputs;
    if (line.made === undefined || opOf(line) !== skipOp || x === undefined || x !== same || joined.has(x)) continue;
    const add = makers.get(x);
    if (add === undefined || opOf(add) !== "Add" || !isSameShape(add.inputs)) continue;
    if (makers.has(line.inputs[2] as string)) continue;
    const [sum] = add.outputs as [string];
    const [a, b] = add.inputs as [string, string];
    const [y] = line.outputs as [string];
    const { epsilon } = line.made.attributes as { epsilon: { float: number } };
    const node: NewNode = {
      ...line.made,
      inputs: [a, b, line.inputs[2] as string],
      outputs: [y, "", "", sum],
      attributes: { epsilon: { float: epsilon.float / 4 } },
    };
    joined.add(x);
    instead.set(add, [made(add.at, node)]);
    instead.set(line, []);
  }
  draft.replace(instead);
}
