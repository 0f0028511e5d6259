/**
 * Decides how new weights are stored. A new weight replaces the one that it was computed from, so that names in the state
 * dict do not change, unless something else still reads that one, as with tied tables: then it is added.
 */

import { FreshNames } from "../../ir/fresh-names.ts";
import { grouped } from "../../ir/groups.ts";
import type { Line } from "../../surgery/draft.ts";
import type { LazyTensor } from "../../surgery/emit.ts";
import type { Pt2Archive, StoredTensor } from "../archive.ts";
import type { Pt2Model } from "../model.ts";
import { contiguousStrides, scalarTypeOf } from "../tensor-meta.ts";
import { gathered } from "../weights.ts";
import type { ZipEntry } from "../zip.ts";

/** A new weight of the rewritten program. */
export interface NewWeight {
  /** Its name in the program. */
  readonly argument: string;
  /** The weight that it replaces, if any. */
  readonly instead: StoredTensor | undefined;
  /** Its name in the state dict. */
  readonly state: string;
  /** Its type, a ScalarType of the schema. */
  readonly dtype: number;
  readonly shape: readonly number[];
  /** Whether the graph uses its transpose. */
  readonly isTransposed: boolean;
  readonly bytes: () => Uint8Array;
}

/** The new weights, by their names in the graph. Scalars and integers are not weights, but arguments of nodes. */
export function newWeights(
  model: Pt2Model,
  lines: readonly Line[],
  added: ReadonlyMap<string, LazyTensor>,
  fresh: (hint: string) => string,
): ReadonlyMap<string, NewWeight> {
  const { constants } = model.translated;
  const replaced = replacements(model, lines, added);
  const taken = new Set([...lines.flatMap(({ takes }) => takes), ...model.graph.outputs.map(({ name }) => name)]);
  const byStorage = tensorsByStorage(model.archive);
  // Storages that are still read.
  const read = new Set([...constants].flatMap(([name, { view }]) => (taken.has(name) ? [view.stored.storage] : [])));
  const states = new FreshNames(model.archive.tensors.keys());
  // A tied table may become two weights, for the embedding and the head: only the first replaces it.
  const claimed = new Set<ZipEntry>();
  const weights = new Map<string, NewWeight>();
  for (const [name, tensor] of added) {
    const from = replaced.get(name);
    const type = scalarTypeOf(tensor.dataType);
    if (type === undefined || type.kind !== "float" || tensor.dims.length === 0) continue;
    const old = from === undefined ? undefined : constants.get(from);
    const isTransposed = old?.isTransposed ?? false;
    const shape = isTransposed ? swapped(tensor.dims) : tensor.dims;
    const transposed = () =>
      gathered(tensor.raw(), { sizes: shape, strides: swapped(contiguousStrides(tensor.dims)) }, type.bytes);
    const bytes = isTransposed ? transposed : tensor.raw;
    const common = { dtype: type.number, shape, isTransposed, bytes };
    const stored = old?.view.stored;
    const isFree = (own: StoredTensor) =>
      !claimed.has(own.storage) &&
      !read.has(own.storage) &&
      byStorage.get(own.storage)?.every((one) => isAlias(one, own)) === true;
    if (
      old !== undefined &&
      stored !== undefined &&
      stored.meta.type?.number === type.number &&
      isWhole(old.view.sizes, stored, isTransposed) &&
      isFree(stored)
    ) {
      claimed.add(stored.storage);
      weights.set(name, { ...common, argument: old.argument, instead: stored, state: stored.name });
      continue;
    }
    const state = states.next(name.replace(/\.T(?=_)/, ""));
    weights.set(name, { ...common, argument: fresh(`p_${state}`), instead: undefined, state });
  }
  return weights;
}

const swapped = (list: readonly number[]): number[] => [...list.slice(0, -2), ...list.slice(-2).reverse()];

/** The tensors of the state by storage. */
export const tensorsByStorage = ({ tensors }: Pt2Archive): ReadonlyMap<ZipEntry, readonly StoredTensor[]> =>
  grouped(tensors.values(), ({ storage }) => storage);

/** Whether a constant is the whole tensor of the state, or its transpose. */
const isWhole = (sizes: readonly number[], { meta }: StoredTensor, isTransposed: boolean) =>
  isTransposed || (sizes.length === meta.sizes.length && sizes.every((size, i) => size === meta.sizes[i]));

const isAlias = (a: StoredTensor, b: StoredTensor) =>
  a.meta.offset === b.meta.offset &&
  a.meta.sizes.join() === b.meta.sizes.join() &&
  a.meta.strides.join() === b.meta.strides.join();

/** For each new tensor, the constant that it replaces in all nodes that use it. */
function replacements(
  { translated, graph }: Pt2Model,
  lines: readonly Line[],
  added: ReadonlyMap<string, LazyTensor>,
): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const several = new Set<string>();
  for (const { at, made, inputs } of lines) {
    if (made !== undefined && made.opType !== at.opType) continue;
    for (const [i, now] of inputs.entries()) {
      const was = graph.nodes[at.index]?.inputs[i];
      if (was === undefined || was === now || !added.has(now) || !translated.constants.has(was)) continue;
      if (found.has(now) && found.get(now) !== was) several.add(now);
      found.set(now, was);
    }
  }
  for (const name of several) found.delete(name);
  return found;
}
