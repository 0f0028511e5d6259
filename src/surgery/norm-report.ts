/** The report on each norm of a model. */

import type { NormRecord } from "../driver/norm-records.ts";
import type { NodeProto } from "../onnx/messages.ts";
import { shown } from "../onnx/model.ts";
import { microsoft } from "../onnx/norm-ops.ts";
import { type Draft, type Leftovers, type NodeChange, opOf } from "./draft.ts";
import type { Emitter } from "./emit.ts";
import type { LeftNorm } from "./left.ts";
import type { NormOpType } from "./norm-forms.ts";
import type { FoundNorm } from "./passes.ts";

/**
 * Where a norm's beta is: in the weights of the following product (`folded`), in an `Add` behind the norm (`added`), or
 * in the norm as before (`kept`); `none` if there is no beta, or only zeros that were dropped.
 */
export type BetaOutcome = "folded" | "added" | "kept" | "none";

/** The op type of the rewritten norm, `primitives` for a chain of nodes, or `unchanged`. */
export type WrittenAs = "unchanged" | "primitives" | NormOpType | (typeof atenNorms)[keyof typeof atenNorms];

/** The names of norms in PyTorch. */
export const atenNorms = { RMSNormalization: "rms_norm", LayerNormalization: "layer_norm" } as const;

/**
 * A norm of the model, and what became of it. A norm that stays because of its cost is `unchanged`; its `centering` is what
 * a rewrite would have led to.
 */
export interface NormReport extends Omit<NormRecord, "span" | "name" | "fn" | "centers" | "beta"> {
  readonly beta: BetaOutcome;
  /** Whether gamma was folded into the following products, as the option `fold` requested. */
  readonly isGammaFolded?: boolean;
  readonly writtenAs: WrittenAs;
  /** Its nodes in the original model, in the order of the file. */
  readonly nodes: readonly string[];
  /** The tensors that it produces. */
  readonly tensors: readonly string[];
}

/** What became of norms in the rewritten graph. */
export interface Outcomes {
  /** The results of a norm's nodes in the rewritten graph. */
  readonly madeFor: (norm: FoundNorm) => string[];
  readonly of: (norm: FoundNorm) => Pick<Written, "writtenAs" | "isFolded" | "hasBeta"> & { readonly launches: number };
}

interface Outcome {
  readonly makers: ReadonlyMap<string, NodeProto>;
  readonly changes: ReadonlyMap<NodeProto, NodeChange>;
  readonly emitter: Emitter;
  readonly draft: Draft;
  /** The norms whose beta was folded, with the number of Adds that this added. */
  readonly folded: ReadonlyMap<string, number>;
}

export function outcomesIn({ makers, changes, emitter: { forms, unshifted }, draft, folded }: Outcome): Outcomes {
  const types = new Map(draft.lines.map((line) => [line.outputs[0] as string, opOf(line)]));
  /** The results of norms that were fused with the preceding sum. */
  const joined = new Set(draft.lines.flatMap(({ outputs: [y, , , sum] }) => (sum === undefined ? [] : [y as string])));
  const madeFor = ({ tensors }: FoundNorm) => {
    const nodes = tensors.flatMap((tensor) => changes.get(makers.get(tensor) as NodeProto)?.before ?? []);
    return [...tensors, ...nodes.flatMap(({ outputs }) => outputs)];
  };
  return {
    madeFor,
    of(norm) {
      const made = madeFor(norm).filter((name) => forms.has(name));
      // A norm of flattened rows has two results: before and after the shape is restored.
      const own = made.find((tensor) => /Normalization$/.test(types.get(tensor) ?? "")) ?? made[0];
      const hasBeta = norm.op.operands[2] !== undefined && !made.some((tensor) => unshifted.has(tensor));
      // A duplicate of a norm has no nodes of its own: take the form of the others.
      const name = own ?? [...forms.keys()][0] ?? "";
      const form = forms.get(name) ?? "primitive";
      const type = types.get(name)?.replace(`${microsoft}:`, "") as NormOpType;
      const added = made.map((tensor) => folded.get(tensor)).find((adds) => adds !== undefined);
      return {
        // A norm that was fused with the preceding Add saves a launch.
        launches: (joined.has(name) ? 0 : 1) + (added ?? (hasBeta ? 1 : 0)) + (form === "primitive" ? 5 : 0),
        ...{ isFolded: added !== undefined, hasBeta },
        writtenAs: form === "primitive" ? "primitives" : type,
      };
    },
  };
}

/** The report on a norm that the passes did not see. */
export function reportOfLeft({ beta, because, ...norm }: LeftNorm): NormReport {
  return {
    ...norm,
    constants: [],
    movedTo: [],
    beginsStream: false,
    centering: "left",
    because: [`because ${because}`],
    beta: beta ? "kept" : "none",
    writtenAs: "unchanged",
  };
}

interface Written {
  readonly left: Leftovers;
  readonly writtenAs: WrittenAs;
  readonly isFolded: boolean;
  /** Whether there is a beta that is not all zeros. */
  readonly hasBeta: boolean;
}

export function reportOf(
  { record, tensors }: FoundNorm,
  makers: ReadonlyMap<string, NodeProto>,
  written?: Written,
): NormReport {
  const { span: _span, name: _name, fn: _fn, centers: _centers, beta: hasBeta, ...rest } = record;
  const left = written?.left;
  const isKept = written === undefined || written.writtenAs === "LayerNormalization";
  const beta = !(written?.hasBeta ?? hasBeta) ? "none" : isKept ? "kept" : written.isFolded ? "folded" : "added";
  const nodes = new Set<NodeProto>();
  for (const tensor of tensors) {
    const maker = makers.get(tensor);
    if (maker !== undefined) nodes.add(maker);
  }
  for (const node of nodes) {
    for (const name of node.inputs) {
      const maker = makers.get(name);
      if (maker !== undefined && left?.nodes.has(maker) && maker.opType !== "Constant") nodes.add(maker);
    }
  }
  const names = [...nodes].sort((a, b) => a.index - b.index).map(shown);
  return { nodes: names, tensors, ...rest, beta, writtenAs: written?.writtenAs ?? "unchanged" };
}
