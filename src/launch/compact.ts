/**
 * The compact form of a manifest in generated modules, which the launcher reads: lists in the order of the bindings, without
 * members that are the same for all kernels. The entry point for all extents is `main`, binding i is the ith tensor, and the
 * uniforms are the last binding.
 */

/** An element type of the language. */
export type LaunchElement = "f32" | "f16" | "bf16" | "f8e4m3" | "f8e5m2" | "i32" | "u32" | "i8" | "u8" | "bool";

/** The array type for each element type: narrow floats as their bits, bool as 0 and 1. */
export type LaunchArray =
  | Float32Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>;

/** A storage buffer of group 0. It is not bound if the kernel does not read it. */
export type CompactBinding = readonly [
  name: string,
  shape: readonly (number | string)[],
  mayAlias?: readonly string[] | 0,
  /** f32 by default. */
  element?: LaunchElement | 0,
  constant?: 1 | 0,
  unread?: 1,
];

/** A parameter without dimensions. */
export type CompactScalar = readonly [name: string, element: LaunchElement, constant?: 1];

/** A word of the uniform buffer: a dimension, or a scalar. */
export type CompactUniform = string | CompactScalar;

/** The least values of limits, of `subgroupMinSize` of the adapter's info, and 1 for required features. */
export type Needs = Readonly<Record<string, number>>;

/** An entry point such as `main_x4`, for extents of a dimension that are multiples of 4 and at least `atLeast`. */
export type CompactVariant = readonly [
  dim: string,
  multipleOf: number,
  atLeast: number,
  rowsPerWorkgroup: number,
  strides: readonly number[],
];

/** A manifest in compact form. Members that are left out are empty. */
export interface CompactManifest {
  readonly reads: readonly CompactBinding[];
  readonly writes: readonly CompactBinding[];
  /** For each binding, the size of an element of the WGSL array. */
  readonly strides: readonly number[];
  readonly uniforms: readonly CompactUniform[];
  /** Pipeline constants, with their dimensions. */
  readonly overrides?: Readonly<Record<string, string>>;
  readonly rows: readonly (number | string)[];
  /** Only if their product is not known when compiling, as the compiler checks known counts. */
  readonly columns?: readonly (number | string)[];
  readonly rowsPerWorkgroup: number;
  readonly atLeastOne?: boolean;
  readonly needs?: Needs;
  /** It is for software implementations on a processor. */
  readonly cpu?: 1 | 0;
  /** The kernel reads no uniforms, and so none are bound. */
  readonly unread?: 1 | 0;
  /** The entry point for all extents, given if there are several. */
  readonly entryPoint?: string;
  /** Entry points for particular extents. The first that accepts the extents is used. */
  readonly variants?: readonly CompactVariant[];
}
