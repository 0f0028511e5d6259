/** Type inference for If, Loop and Scan, from their subgraphs. */

import { types } from "../data-types.ts";
import type { Extent } from "../extent.ts";
import { closed, sameExtents, type TensorInfo, type Typed, type TypeRule, type TypeView } from "./view.ts";

type Info = TensorInfo | undefined;

/** The join of two types: what is known of a tensor that is one of the two. */
function either(a: Info, b: Info): Typed | undefined {
  if (a === undefined || b === undefined) return undefined;
  const element = a.element === b.element ? a.element : undefined;
  const isSequence = a.isSequence === true || b.isSequence === true;
  if (a.shape?.length !== b.shape?.length || a.shape === undefined) return { element, shape: undefined, isSequence };
  const shape = a.shape.map((extent, i): Extent | undefined => {
    const other = b.shape?.[i];
    return other !== undefined && sameExtents([extent], [other]) ? extent : undefined;
  });
  return { element, shape, isSequence };
}

const if_: TypeRule = (at) => {
  const [yes, no] = [at.body("then_branch", []), at.body("else_branch", [])];
  return at.node.outputs.map((_, i) => either(yes[i], no[i]));
};

const scalar = (element: number): TensorInfo => ({ element, shape: [] });

/**
 * Types of loop-carried values: an extent that the first iteration changes is unknown. `results` are all results of the
 * body, `last` the carried values after the loop.
 */
function carried(at: TypeView, first: readonly Info[], run: (inputs: readonly Info[]) => readonly Info[]) {
  const plain = first.map((info) => info && { ...info, items: undefined });
  const after = run(plain);
  const general = plain.map((info, i) => {
    const both = either(info, after[i]);
    const isSame = both?.shape !== undefined && sameExtents(both.shape, info?.shape);
    return { info: both && closed(both, at), isSame };
  });
  const isStable = general.every(({ isSame }) => isSame);
  const inputs = isStable ? plain : general.map(({ info }) => info);
  const results = isStable ? after : run(inputs);
  // After zero iterations, the values are the initial ones.
  return { results, last: inputs.map((info, i) => either(info, results[i])) };
}

const loop: TypeRule = (at) => {
  const initial = Array.from({ length: Math.max(0, at.node.inputs.length - 2) }, (_, i) => at.info(i + 2));
  const run = (inputs: readonly Info[]) => at.body("body", [scalar(types.int64), scalar(types.bool), ...inputs]);
  const { results, last } = carried(at, initial, (inputs) => run(inputs).slice(1));
  const scanned = results.slice(initial.length).map((info): Typed | undefined => {
    return info && { element: info.element, shape: info.shape && [undefined, ...info.shape] };
  });
  return [...last, ...scanned];
};

/** The body takes the state, and a slice of each scanned input along its axis. */
const scan: TypeRule = (at) => {
  const count = at.int("num_scan_inputs", 0);
  const states = at.inputCount - count;
  const axisOf = (list: readonly number[] | undefined, i: number, rank: number) => at.axis(list?.[i] ?? 0, rank);
  const [into, out] = [at.ints("scan_input_axes"), at.ints("scan_output_axes")];
  let steps: Extent | undefined;
  const pieces = Array.from({ length: count }, (_, i): TensorInfo => {
    const { element, shape } = at.info(states + i);
    if (shape === undefined) return { element, shape };
    const axis = axisOf(into, i, shape.length);
    steps ??= shape[axis];
    return { element, shape: shape.filter((_, j) => j !== axis) };
  });
  const initial = Array.from({ length: states }, (_, i) => at.info(i));
  const { results, last } = carried(at, initial, (inputs) => at.body("body", [...inputs, ...pieces]));
  const scanned = results.slice(states).map((info, i): Typed | undefined => {
    if (info?.shape === undefined) return info;
    const axis = axisOf(out, i, info.shape.length + 1);
    return { element: info.element, shape: [...info.shape.slice(0, axis), steps, ...info.shape.slice(axis)] };
  });
  return [...last, ...scanned];
};

export const controlTypes: Readonly<Record<string, TypeRule>> = { If: if_, Loop: loop, Scan: scan };
