/** The types (TensorMeta) of new tensors of a program, as tracing would have recorded them. */

import { Fields } from "../fields.ts";
import type { Program } from "../program.ts";
import { contiguousStrides, strided } from "../tensor-meta.ts";
import type { NewJson } from "./new-json.ts";

/** A size or a stride: one of the program, or a number. */
export type SymInt = Fields | { readonly as_int: number };

export interface NewMeta {
  readonly dtype: number;
  readonly sizes: readonly SymInt[];
  readonly strides: readonly SymInt[];
  readonly device: NewJson;
}

const symInt = (value: number): SymInt => ({ as_int: value });

/** The value of a SymInt; undefined if it is not a number. */
export function numberIn(size: SymInt): number | undefined {
  if (!(size instanceof Fields)) return size.as_int;
  const { name, of } = size.kind;
  return name === "as_int" ? of.integer : undefined;
}

export class Metas {
  /** The types of tensors that the program did not have. */
  readonly added = new Map<string, NewMeta>();
  private readonly program: Program;

  constructor(program: Program) {
    this.program = program;
  }

  set(name: string, meta: NewMeta): void {
    if (this.program.meta(name) === undefined) this.added.set(name, meta);
  }

  get(name: string): NewMeta | undefined {
    const fields = this.added.has(name) ? undefined : this.program.meta(name)?.fields;
    if (fields === undefined) return this.added.get(name);
    const list = (key: string) => fields.get(key).items;
    const device = fields.get("device");
    return { dtype: fields.get("dtype").integer, sizes: list("sizes"), strides: list("strides"), device };
  }

  /** The device of the first input that is a tensor. */
  get device(): NewJson {
    const first = this.program.inputs.find(({ name }) => this.program.meta(name) !== undefined);
    const meta = first && this.program.meta(first.name);
    return meta?.fields.get("device") ?? { type: "cpu", index: null };
  }
}

/** The type to which two tensors broadcast. */
export function broadcastMeta(a: NewMeta, b: NewMeta): NewMeta {
  const [long, short] = a.sizes.length >= b.sizes.length ? [a, b] : [b, a];
  const shift = long.sizes.length - short.sizes.length;
  const pick = (key: "sizes" | "strides") =>
    long[key].map((own, i) => {
      const isOne = numberIn(long.sizes[i] as SymInt) === 1;
      return isOne && i >= shift ? (short[key][i - shift] as SymInt) : own;
    });
  return { ...long, sizes: pick("sizes"), strides: pick("strides") };
}

/** The type of a reduction along `axes`, with keepdims. */
export function reducedMeta(meta: NewMeta, axes: readonly number[]): NewMeta {
  const rank = meta.sizes.length;
  const isReduced = (i: number) => axes.some((axis) => (axis < 0 ? axis + rank : axis) === i);
  return { ...meta, sizes: meta.sizes.map((size, i) => (isReduced(i) ? symInt(1) : size)) };
}

/** The type of a contiguous tensor. */
export const weightMeta = (dtype: number, shape: readonly number[], device: NewJson): NewMeta => ({
  dtype,
  sizes: shape.map(symInt),
  strides: contiguousStrides(shape).map(symInt),
  device,
});

/** A TensorMeta of the schema. */
export const metaJson = ({ dtype, sizes, strides, device }: NewMeta, requiresGrad: boolean): NewJson => ({
  ...{ dtype, sizes, requires_grad: requiresGrad, device, strides },
  ...{ storage_offset: symInt(0), layout: strided },
});
