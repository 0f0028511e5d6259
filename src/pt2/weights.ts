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
  const gather = () => {
    const reach = sizes.reduce((sum, size, i) => sum + (size - 1) * (view.strides[i] as number), 1);
    return gathered(count === 0 ? new Uint8Array() : source.read(start, reach * bytes), view, bytes);
  };
  return {
    ...place,
    read(from, length) {
      whole ??= gather();
      return whole.subarray(from, from + length);
    },
  };
}

/** Copies the elements of a strided view to row-major order. */
export function gathered(
  from: Uint8Array,
  { sizes, strides }: Pick<WeightView, "sizes" | "strides">,
  bytes: number,
): Uint8Array {
  const count = sizes.reduce((product, size) => product * size, 1);
  const made = new Uint8Array(count * bytes);
  const inner = sizes.at(-1) ?? 1;
  const step = (strides.at(-1) ?? 1) * bytes;
  const rows = count === 0 ? 0 : count / inner;
  for (let row = 0; row < rows; row++) {
    let at = 0;
    for (let axis = sizes.length - 2, rest = row; axis >= 0; axis--) {
      const size = sizes[axis] as number;
      at += (rest % size) * (strides[axis] as number) * bytes;
      rest = Math.floor(rest / size);
    }
    let to = row * inner * bytes;
    for (let i = 0; i < inner; i++, at += step, to += bytes) {
      for (let byte = 0; byte < bytes; byte++) made[to + byte] = from[at + byte] as number;
    }
  }
  return made;
}
