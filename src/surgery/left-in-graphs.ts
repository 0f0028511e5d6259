/**
 * Finds norms in subgraphs of a PyTorch program: the branches of `torch.cond`, the bodies of loops. Nodes with subgraphs are
 * not translated to ONNX, so that only norms that are single ops are found there.
 */

import type { Fields } from "../pt2/fields.ts";
import type { Pt2Model } from "../pt2/model.ts";
import { type AtenNode, readNode } from "../pt2/program.ts";
import type { LeftNorm } from "./left.ts";

const aten = "torch.ops.aten.";

/** The ops that are norms, with PyTorch's default for eps; for an RMSNorm, that is the machine epsilon of f32. */
const norms: Readonly<Record<string, Pick<LeftNorm, "norm" | "eps">>> = {
  "layer_norm.default": { norm: "layernorm", eps: 1e-5 },
  "native_layer_norm.default": { norm: "layernorm", eps: 1e-5 },
  "rms_norm.default": { norm: "rmsnorm", eps: 2 ** -23 },
  "_fused_rms_norm.default": { norm: "rmsnorm", eps: 2 ** -23 },
  "group_norm.default": { norm: "groupnorm", eps: 1e-5 },
};

/** Throws E0770. */
export const normsInGraphs = ({ program }: Pt2Model): LeftNorm[] => normsBelow(program.nodes, []);

function normsBelow(nodes: readonly AtenNode[], path: readonly string[]): LeftNorm[] {
  return nodes.flatMap((node) =>
    graphsOf(node).flatMap((graph) => {
      const inner = graph.get("nodes").items.map(readNode);
      const within = [`a graph that \`${node.name}\` (${shortTarget(node)}) runs`, ...path];
      return [...inner.flatMap((one) => leftNorm(one, within)), ...normsBelow(inner, within)];
    }),
  );
}

/** The subgraphs among the arguments, which are not named. */
const graphsOf = ({ fields }: AtenNode): Fields[] =>
  fields.get("inputs").items.flatMap((input) => input.get("arg").optional("as_graph")?.optional("graph") ?? []);

const shortTarget = ({ target }: AtenNode) => target.replace(/^torch\.ops\./, "");

function leftNorm(node: AtenNode, within: readonly string[]): LeftNorm[] {
  const { target, name, args, made } = node;
  const op = target.slice(aten.length);
  const kind = target.startsWith(aten) && Object.hasOwn(norms, op) ? norms[op] : undefined;
  if (kind === undefined) return [];
  const has = (arg: string) => args.get(arg)?.optional("as_tensor") !== undefined;
  return [
    {
      ...{ norm: kind.norm, eps: args.get("eps")?.optional("as_float")?.number ?? kind.eps },
      ...{ gamma: has("weight"), beta: has("bias") },
      nodes: [`${name} (${shortTarget(node)})`],
      tensors: made.flatMap((one) => (one.kind === "tensor" ? [one.name] : [])),
      because: `it is in ${within.join(", in ")}`,
    },
  ];
}
