/** The types (TensorMeta) of new tensors of a program, as tracing would have recorded them. */

import type { Fields } from "../fields.ts";
import type { Program } from "../program.ts";
import { contiguousStrides, strided } from "../tensor-meta.ts";
import { type JsonText, jsonText, listText, objectText } from "./arguments.ts";

/** Sizes and strides are SymInts, as JSON. */
export interface NewMeta {
  readonly dtype: number;
  readonly sizes: readonly JsonText[];
  readonly strides: readonly JsonText[];
  readonly device: JsonText;
}

const intText = (value: number): JsonText => jsonText({ as_int: value });
const one = intText(1);

export const textOf = (source: string, { json }: Fields): JsonText => source.slice(json.start, json.end);

export class Metas {
  private readonly program: Program;
  private readonly source: string;
  private readonly made = new Map<string, NewMeta>();

  /** @param source the text of the program. */
  constructor(program: Program, source: string) {
    this.program = program;
    this.source = source;
  }

  /** The types of tensors that the program did not have. */
  get added(): ReadonlyMap<string, NewMeta> {
    return this.made;
  }

  set(name: string, meta: NewMeta): void {
    if (this.program.meta(name) === undefined) this.made.set(name, meta);
  }

  get(name: string): NewMeta | undefined {
    const own = this.made.get(name);
    if (own !== undefined) return own;
    const fields = this.program.meta(name)?.fields;
    if (fields === undefined) return undefined;
    const list = (key: string) => fields.get(key).items.map((item) => textOf(this.source, item));
    const device = textOf(this.source, fields.get("device"));
    return { dtype: fields.get("dtype").integer, sizes: list("sizes"), strides: list("strides"), device };
  }
}

/** The type to which two tensors broadcast. */
export function broadcastMeta(a: NewMeta, b: NewMeta): NewMeta {
  const [long, short] = a.sizes.length >= b.sizes.length ? [a, b] : [b, a];
  const shift = long.sizes.length - short.sizes.length;
  const pick = (key: "sizes" | "strides") =>
    long[key].map((text, i) => (long.sizes[i] === one && i >= shift ? (short[key][i - shift] as JsonText) : text));
  return { ...long, sizes: pick("sizes"), strides: pick("strides") };
}

/** The type of a reduction along `axes`, with keepdims. */
export function reducedMeta(meta: NewMeta, axes: readonly number[]): NewMeta {
  const rank = meta.sizes.length;
  const isReduced = (i: number) => axes.some((axis) => (axis < 0 ? axis + rank : axis) === i);
  return { ...meta, sizes: meta.sizes.map((size, i) => (isReduced(i) ? one : size)) };
}

/** The type of a contiguous tensor. */
export const weightMeta = (dtype: number, shape: readonly number[], device: JsonText): NewMeta => ({
  dtype,
  sizes: shape.map(intText),
  strides: contiguousStrides(shape).map(intText),
  device,
});

export function metaText({ dtype, sizes, strides, device }: NewMeta, requiresGrad: boolean): JsonText {
  return objectText([
    ["dtype", jsonText(dtype)],
    ["sizes", listText(sizes)],
    ["requires_grad", jsonText(requiresGrad)],
    ["device", device],
    ["strides", listText(strides)],
    ["storage_offset", intText(0)],
    ["layout", jsonText(strided)],
  ]);
}
