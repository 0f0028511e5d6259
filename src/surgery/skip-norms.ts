/**
 * Fuses a residual sum and its norm to a single node with both results.
 *
 *   s = Add(a, b)
 *   y = SkipSimplifiedLayerNormalization(s, s, scale; 4 eps)
 *   ->
 *   y, , , s = SkipSimplifiedLayerNormalization(a, b, scale; eps)
 *
 * The same applies to an RMSNormalization of opset 23 under `--norm-op auto`. It does not apply if a and b broadcast, nor to
 * a second norm of the same sum. The node takes the position of the Add: a scale from a Constant node, which may come
 * later, becomes an initializer.
 */

import type { NewNode } from "../onnx/encode.ts";
import { microsoft } from "../onnx/norm-ops.ts";
import { type Draft, type Line, made, opOf } from "./draft.ts";
import { normOpTypes } from "./norm-forms.ts";
import type { Constants } from "./products.ts";

const skipOp = `${microsoft}:${normOpTypes.skip}`;

/** The eps of a norm of a single tensor, also if written as the skip of a tensor with itself; undefined for other nodes. */
function epsOf(line: Line): number | undefined {
  const { epsilon, axis } = (line.made?.attributes ?? {}) as { epsilon?: { float: number }; axis?: number };
  if (epsilon === undefined) return undefined;
  if (opOf(line) === normOpTypes.rmsnorm) return axis === -1 ? epsilon.float : undefined;
  return opOf(line) === skipOp && line.inputs[0] === line.inputs[1] ? epsilon.float / 4 : undefined;
}

/** @param isSameShape whether tensors all have the same shape, with two or three axes. */
export function joinSkips(
  draft: Draft,
  isSameShape: (names: readonly string[]) => boolean,
  constants: Constants,
): void {
  const { makers } = draft;
  const instead = new Map<Line, readonly Line[]>();
  const joined = new Set<string>();
  const scales = new Map<string, string>();
  const scaleFor = (name: string): string | undefined => {
    const maker = makers.get(name);
    if (maker === undefined) return name;
    const shape = constants.shape(name);
    if (opOf(maker) !== "Constant" || shape === undefined) return undefined;
    const made = scales.get(name) ?? constants.add(shape, () => constants.numbers(name), name, name);
    scales.set(name, made);
    return made;
  };
  for (const line of draft.lines) {
    const [x] = line.inputs;
    const eps = epsOf(line);
    if (line.made === undefined || eps === undefined || x === undefined || joined.has(x)) continue;
    const add = makers.get(x);
    if (add === undefined || opOf(add) !== "Add" || !isSameShape(add.inputs)) continue;
    const scale = scaleFor(line.inputs.at(-1) as string);
    if (scale === undefined) continue;
    const [sum] = add.outputs as [string];
    const [a, b] = add.inputs as [string, string];
    const [y] = line.outputs as [string];
    const node: NewNode = {
      ...line.made,
      opType: normOpTypes.skip,
      domain: microsoft,
      inputs: [a, b, scale],
      outputs: [y, "", "", sum],
      attributes: { epsilon: { float: eps } },
    };
    joined.add(x);
    instead.set(add, [made(add.at, node)]);
    instead.set(line, []);
  }
  draft.replace(instead);
}
