/**
 * Which weights of a program are new: each in the place of the one that it was made from where nothing else reads that, so
 * that the state keeps its names; beside it where something does, as with tied tables.
 */

import { FreshNames } from "../../ir/fresh-names.ts";
import type { NewTensor } from "../../onnx/encode.ts";
import type { Line } from "../../surgery/draft.ts";
import type { Pt2Archive, StoredTensor } from "../archive.ts";
import type { Pt2Model } from "../model.ts";
import { scalarTypes } from "../tensor-meta.ts";
import type { ZipEntry } from "../zip.ts";

/** A new tensor of the graph, its bytes made when they are asked for. */
export type LazyTensor = Omit<NewTensor, "raw"> & { readonly raw: () => Uint8Array };

/** A weight of the written program that the old one did not have. */
export interface NewWeight {
  readonly tensor: LazyTensor;
  /** The name of the program for it. */
  readonly argument: string;
  /** What it stands in the place of, in the state and in the graph; else it is another one. */
  readonly instead: StoredTensor | undefined;
  /** Its name in the state. */
  readonly state: string;
  /** The number of its type in the schema. */
  readonly dtype: number;
  readonly shape: readonly number[];
  /** Whether the program takes it with its last two axes exchanged. */
  readonly isTransposed: boolean;
  readonly bytes: () => Uint8Array;
}

/** By the names of the new tensors in the graph. Those that are numbers of other nodes are none. */
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
  // Storages of which nodes go on to read something.
  const read = new Set([...constants].flatMap(([name, { view }]) => (taken.has(name) ? [view.stored.storage] : [])));
  const states = new FreshNames(model.archive.tensors.keys());
  // A tied table may become two weights: one for embeddings, one for the head. The first takes its place.
  const claimed = new Set<ZipEntry>();
  const weights = new Map<string, NewWeight>();
  for (const [name, tensor] of added) {
    const from = replaced.get(name);
    const type = [...scalarTypes.values()].find(({ onnx }) => onnx === tensor.dataType);
    if (type === undefined || type.kind !== "float" || tensor.dims.length === 0) continue;
    const old = from === undefined ? undefined : constants.get(from);
    const isTransposed = old?.isTransposed ?? false;
    const shape = isTransposed
      ? [...tensor.dims.slice(0, -2), tensor.dims.at(-1) as number, tensor.dims.at(-2) as number]
      : tensor.dims;
    const common = {
      tensor,
      dtype: type.number,
      shape,
      isTransposed,
      bytes: () => (isTransposed ? transposed(tensor, type.bytes) : tensor.raw()),
    };
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

/** Which tensors of the state lie in each storage. */
export function tensorsByStorage({ tensors }: Pt2Archive): ReadonlyMap<ZipEntry, readonly StoredTensor[]> {
  const found = new Map<ZipEntry, StoredTensor[]>();
  for (const one of tensors.values()) {
    const own = found.get(one.storage);
    if (own === undefined) found.set(one.storage, [one]);
    else own.push(one);
  }
  return found;
}

/** Whether a constant is the tensor as the state has it: a transposed one is, read the other way. */
const isWhole = (sizes: readonly number[], { meta }: StoredTensor, isTransposed: boolean) =>
  isTransposed || (sizes.length === meta.sizes.length && sizes.every((size, i) => size === meta.sizes[i]));

const isAlias = (a: StoredTensor, b: StoredTensor) =>
  a.meta.offset === b.meta.offset &&
  a.meta.sizes.join() === b.meta.sizes.join() &&
  a.meta.strides.join() === b.meta.strides.join();

/** The constant that each new tensor stands for, where nodes that took the one take the other. */
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

function transposed({ dims, raw }: LazyTensor, bytes: number): Uint8Array {
  const [rows, columns] = dims.slice(-2) as [number, number];
  const from = raw();
  const made = new Uint8Array(from.length);
  const count = from.length / (rows * columns * bytes);
  for (let matrix = 0; matrix < count; matrix++) {
    const base = matrix * rows * columns;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const at = (base + row * columns + column) * bytes;
        made.set(from.subarray(at, at + bytes), (base + column * rows + row) * bytes);
      }
    }
  }
  return made;
}
