/** Weights of an archive as strided views of storages. */

import type { ByteSource } from "../onnx/bytes.ts";
import type { StoredTensor } from "./archive.ts";
import { contiguousStrides } from "./tensor-meta.ts";

/** A view of a storage. */
export interface WeightView {
  readonly stored: StoredTensor;
  readonly sizes: readonly number[];
  /** In elements. */
  readonly strides: readonly number[];
  readonly offset: number;
}

export function wholeView(stored: StoredTensor): WeightView {
  const { sizes, strides, offset } = stored.meta;
  return { stored, sizes: sizes as number[], strides: strides as number[], offset: offset as number };
}

export function permutedView(view: WeightView, order: readonly number[]): WeightView {
  const pick = (list: readonly number[]) => order.map((axis) => list[axis] as number);
  return { ...view, sizes: pick(view.sizes), strides: pick(view.strides) };
}

const isContiguous = ({ sizes, strides }: Pick<WeightView, "sizes" | "strides">): boolean =>
  contiguousStrides(sizes).every((stride, i) => (sizes[i] as number) <= 1 || stride === strides[i]);

/** The elements of a view in row-major order: a part of the archive if it is contiguous, otherwise copied on first use. */
export function bytesOfView(source: ByteSource, view: WeightView): ByteSource {
  const { stored, sizes, offset } = view;
  const bytes = stored.meta.type?.bytes ?? 1;
  const count = sizes.reduce((product, size) => product * size, 1);
  const start = stored.storage.data.start + offset * bytes;
  const place = { name: `${source.name}: ${stored.name}`, size: count * bytes };
  if (isContiguous(view)) return { ...place, read: (from, length) => source.read(start + from, length) };
  let whole: Uint8Array | undefined;
  return {
    ...place,
    read(from, length) {
      whole ??= gathered(source, view, bytes, count);
      return whole.subarray(from, from + length);
    },
  };
}

function gathered(source: ByteSource, view: WeightView, bytes: number, count: number): Uint8Array {
  const { stored, sizes, strides, offset } = view;
  const made = new Uint8Array(count * bytes);
  if (count === 0) return made;
  const reach = sizes.reduce((sum, size, i) => sum + (size - 1) * (strides[i] as number), 1);
  const from = source.read(stored.storage.data.start + offset * bytes, reach * bytes);
  const inner = sizes.at(-1) ?? 1;
  const step = (strides.at(-1) ?? 1) * bytes;
  const rows = count / inner;
  const index = new Array<number>(Math.max(0, sizes.length - 1)).fill(0);
  for (let row = 0; row < rows; row++) {
    let at = index.reduce((sum, i, axis) => sum + i * (strides[axis] as number), 0) * bytes;
    let to = row * inner * bytes;
    for (let i = 0; i < inner; i++, at += step, to += bytes) {
      for (let byte = 0; byte < bytes; byte++) made[to + byte] = from[at + byte] as number;
    }
    for (let axis = index.length - 1; axis >= 0; axis--) {
      index[axis] = (index[axis] as number) + 1;
      if ((index[axis] as number) < (sizes[axis] as number)) break;
      index[axis] = 0;
    }
  }
  return made;
}
