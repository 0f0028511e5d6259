/**
 * A manifest as modules carry it and as the launcher reads it: lists in the order of the bindings, without what is the same
 * for all kernels. The entry point for all extents is `main`, binding i is the ith tensor, and the uniforms are the last
 * binding.
 */

/** An element type of the language. */
export type LaunchElement = "f32" | "f16" | "bf16" | "i32" | "u32" | "i8" | "u8" | "bool";

/** One array type an element type: f16 and bf16 as their bits, bool as 0 and 1. */
export type LaunchArray =
  | Float32Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>;

/** A storage buffer of group 0. It is not bound where the kernel does not read it. */
export type CompactBinding = readonly [
  name: string,
  shape: readonly (number | string)[],
  mayAlias?: readonly string[] | 0,
  /** f32 unless it is said. */
  element?: LaunchElement | 0,
  constant?: 1 | 0,
  unread?: 1,
];

/** A parameter without dimensions. */
export type CompactScalar = readonly [name: string, element: LaunchElement, constant?: 1];

/** Four bytes of the uniform buffer: a dimension, or a scalar. */
export type CompactUniform = string | CompactScalar;

/** The least that is asked of a limit, of `subgroupMinSize` of the adapter's info, and of features, which are 1. */
export type Needs = Readonly<Record<string, number>>;

/** The entry point `main_x4`, say, for extents of a dimension that are multiples of 4, and at least so large. */
export type CompactVariant = readonly [
  dim: string,
  multipleOf: number,
  atLeast: number,
  rowsPerWorkgroup: number,
  strides: readonly number[],
];

/** What is left out is empty. */
export interface CompactManifest {
  readonly reads: readonly CompactBinding[];
  readonly writes: readonly CompactBinding[];
  /** Of each binding: bytes of what the WGSL's array is of. */
  readonly strides: readonly number[];
  readonly uniforms: readonly CompactUniform[];
  /** Pipeline constants, with their dimensions. */
  readonly overrides?: Readonly<Record<string, string>>;
  readonly rows: readonly (number | string)[];
  /** Where their product is not known when compiling: what is, the compiler counts. */
  readonly columns?: readonly (number | string)[];
  readonly rowsPerWorkgroup: number;
  readonly atLeastOne?: boolean;
  readonly needs?: Needs;
  /** It is for software on a processor. */
  readonly cpu?: 1 | 0;
  /** The kernel reads no uniform: none is bound. */
  readonly unread?: 1 | 0;
  /** It is for all extents. Said where there are several. */
  readonly entryPoint?: string;
  /** Of those that take the extents, the first is for them. */
  readonly variants?: readonly CompactVariant[];
}
