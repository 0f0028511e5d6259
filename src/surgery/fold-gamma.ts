/**
 * Folds the gamma of a norm into the matrix products that read it.
 *
 *   y = MatMul(RMSNormalization(x, gamma), W)
 *   ->
 *   y = MatMul(RMSNormalization(x, 1), W'),  W' = diag(gamma) W
 *
 * Exact in real arithmetic, with a single rounding: FlashNorm (https://arxiv.org/abs/2407.09577). Every reader must be a
 * product with a constant weight that nothing else reads, perhaps behind nodes that only move rows (channels.ts).
 */

import { normOpOf } from "../onnx/norm-ops.ts";
import { type Draft, type Line, renamed } from "./draft.ts";
import { type Constants, type Product, productsOf } from "./products.ts";

/** Returns the results of the norms whose gamma was folded. */
export function foldGammas(draft: Draft, constants: Constants): ReadonlySet<string> {
  const folded = new Set<string>();
  const instead = new Map<Line, readonly Line[]>();
  for (const line of draft.lines) {
    const op = normOpOf(line.made ?? line.at);
    if (op?.norm !== "rmsnorm") continue;
    const [tensor] = line.outputs as [string];
    const gamma = line.inputs[op.gamma ?? 1] as string;
    const products = foldable(draft, tensor, gamma, constants);
    if (products === undefined) continue;
    instead.set(line, [renamed(draft, line, gamma, constants.ones(gamma))]);
    for (const product of products) instead.set(product.line, [scaled(draft, product, gamma, constants)]);
    folded.add(tensor);
  }
  draft.replace(instead);
  return folded;
}

/** The products that gamma can be folded into; undefined if another reader needs it, or if it is all ones. */
function foldable(draft: Draft, norm: string, gamma: string, constants: Constants): readonly Product[] | undefined {
  const { readers } = draft;
  const shape = constants.shape(gamma);
  if (shape?.length !== 1) return undefined;
  const products = productsOf(draft, norm, shape[0] as number, constants);
  if (products === undefined || products.length === 0) return undefined;
  const lines = new Set(products.map(({ line }) => line));
  const isShared = ({ weight }: Product) =>
    constants.isOutput(weight) || readers.get(weight)?.some((line) => !lines.has(line) || line.inputs[0] === weight);
  if (products.some(isShared)) return undefined;
  return constants.numbers(gamma).every((number) => number === 1) ? undefined : products;
}

function scaled(draft: Draft, { line, weight, layout }: Product, gamma: string, constants: Constants): Line {
  const shape = constants.shape(weight) as readonly number[];
  const numbers = () => {
    const scale = constants.numbers(gamma);
    return constants.numbers(weight).map((number, i) => number * (scale[layout.channelOf(i)] as number));
  };
  return renamed(draft, line, weight, constants.add(shape, numbers, weight, `${weight}_scaled`));
}
