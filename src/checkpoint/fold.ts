/**
 * Folds gammas and betas of a checkpoint's norms into the matrix products that read them, as the pass `fold-affine` does.
 *
 *   norm.weight = g, norm.bias = b, q_proj.weight = W, q_proj.bias = c
 *   ->
 *   norm.weight = 1, norm.bias = 0, q_proj.weight = W diag(g), q_proj.bias = c + W b
 *
 * Tensors keep their names and shapes, so that a beta can only be folded if every product that reads the norm has a bias. If
 * the norm multiplies by 1 + g, its weight becomes 0, and W becomes W + W diag(g). See FlashNorm (arXiv 2407.09577).
 */

import { foldAffine } from "../../passes/fold-affine.ts";
import { readConstants } from "../driver/materialize.ts";
import type { Module } from "../ir/ir.ts";
import { PassManager } from "../pass-manager/pass-manager.ts";
import type { Folded } from "./rewriting.ts";

/** The parameters of norms that can be folded into the products that read them. */
export const foldableInCheckpoints = ["gamma", "beta"] as const;
export type FoldableInCheckpoint = (typeof foldableInCheckpoints)[number];

interface Folding {
  /** How each changed tensor is computed, by name. */
  readonly folded: ReadonlyMap<string, Folded>;
  /** The gammas and betas that were folded, and become the identity. */
  readonly emptied: ReadonlySet<string>;
}

export const nothingFolded: Folding = { folded: new Map(), emptied: new Set() };

/** The program of a checkpoint, and the tensors that its constants are loaded from. */
interface Program {
  readonly module: Module;
  readonly tensors: ReadonlyMap<string, string>;
}

/**
 * Runs the pass until all its results can be stored in the checkpoint: a gamma or a beta that would need a new tensor, or
 * that something else reads, becomes a parameter of the program, which the pass does not fold.
 *
 * @param programWith the program in which the given tensors are parameters.
 */
export function foldedIntoReaders(
  programWith: (fixed: ReadonlySet<string>) => Program,
  fold: ReadonlySet<FoldableInCheckpoint>,
): Folding {
  const fixed = new Set<string>();
  for (;;) {
    const { module, tensors } = programWith(fixed);
    const passes = [{ pass: foldAffine, options: { gamma: fold.has("gamma"), beta: fold.has("beta") } }];
    const after = new PassManager(passes, { verify: false }).run(module).module;
    const made = madeIn(after, tensors);
    const read = new Set([...readConstants(after)].map((name) => tensors.get(name)));
    const isWrong = ({ tensor, by, folded }: Made) =>
      tensor === undefined || read.has(by) || (folded.kind === "shifted" && read.has(tensor));
    const wrong = made.filter(isWrong);
    if (wrong.length === 0) {
      return {
        folded: new Map(made.map(({ tensor, folded }) => [tensor as string, folded])),
        emptied: new Set(made.map(({ by }) => by)),
      };
    }
    for (const { by } of wrong) fixed.add(by);
  }
}

/** A constant that the pass computes, the tensor that would store it, and the gamma or beta that was folded into it. */
interface Made {
  readonly tensor: string | undefined;
  readonly by: string;
  readonly folded: Folded;
}

function madeIn(after: Module, tensors: ReadonlyMap<string, string>): Made[] {
  const byName = new Map(after.consts.map((one) => [one.name, one]));
  const computed = (name: string | undefined) => {
    const data = name === undefined ? undefined : byName.get(name)?.data;
    return data?.kind === "computed" ? data : undefined;
  };
  // The rows of a transposed weight are scaled by gamma reshaped to a column.
  const tensorOf = (name: string): string => {
    const data = computed(name);
    return data === undefined || tensors.has(name)
      ? (tensors.get(name) as string)
      : tensorOf(data.operands[0] as string);
  };
  const scaledBy = (name: string, plusOne: boolean): Made | undefined => {
    const data = computed(name);
    if (data?.op !== "mul") return undefined;
    const [weight, vector] = data.operands as [string, string];
    const tensor = tensorOf(weight);
    const by = tensorOf(vector);
    const axis = computed(vector)?.op === "reshape" ? 0 : 1;
    return { tensor, by, folded: { kind: "scaled", weight: tensor, by, plusOne, axis } };
  };
  const shiftedBy = (product: string, bias: string | undefined): Made | undefined => {
    const data = computed(product);
    if (data?.op !== "linear" && data?.op !== "matmul") return undefined;
    const [beta, weight, own] = data.operands as [string, string, string | undefined];
    const to = data.op === "linear" ? own : bias;
    const tensor = to === undefined ? undefined : tensorOf(to);
    const [by, axis] = [tensorOf(beta), data.op === "linear" ? 1 : 0] as const;
    return { tensor, by, folded: { kind: "shifted", weight: tensorOf(weight), by, bias: tensor ?? "", axis } };
  };
  return [...readConstants(after)].flatMap((name) => {
    const data = tensors.has(name) ? undefined : computed(name);
    if (data === undefined) return [];
    const [a, b] = data.operands as [string, string | undefined];
    const sum = data.op === "add" && b !== undefined ? (scaledBy(b, true) ?? shiftedBy(b, a)) : undefined;
    return sum ?? scaledBy(name, false) ?? shiftedBy(name, undefined) ?? [];
  });
}
