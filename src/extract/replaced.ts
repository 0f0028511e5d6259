/** Determines the nodes that kernels replace. */

import type { NodeProto } from "../onnx/messages.ts";
import type { Dataflow, Step } from "./dataflow.ts";

/** The nodes that each step replaces, in the order of the file; two steps may replace the same shape computation. */
export function replacedBy<S extends Step>(steps: readonly S[], flow: Dataflow): ReadonlyMap<S, readonly NodeProto[]> {
  const { nodes: left } = flow.needed(steps);
  const { nodes: before } = flow.needed([]);
  return new Map(
    steps.map((step) => {
      const given = { inputs: [], outputs: step.inputs };
      const own = [...flow.needed([given], step.outputs).nodes].filter((node) => before.has(node) && !left.has(node));
      return [step, own.sort((a, b) => a.index - b.index)];
    }),
  );
}
