/** The manifest of a kernel for launchers, in full. Plain JSON data; compact.ts is the form that the launcher reads. */

import type { LaunchElement } from "./compact.ts";

/** A storage buffer of group 0. Its elements are in row-major order without gaps. */
export interface LaunchBinding {
  readonly binding: number;
  readonly name: string;
  readonly access: "read" | "read_write";
  readonly element: LaunchElement;
  readonly shape: readonly (number | string)[];
  /**
   * How an element is stored: `f16x2` packs two elements in a u32, `i8x4` four, the first in its lowest bits; a bool is a u32.
   */
  readonly storage: "f32" | "f16" | "i32" | "u32" | `${"f16" | "bf16"}x2` | `${"f8e4m3" | "f8e5m2" | "i8" | "u8"}x4`;
  /** The name of the WGSL variable. */
  readonly variable: string;
  /**
   * The size in bytes of an element of the WGSL array: a tensor's element, a vector, or a word of packed elements. At least one
   * is bound.
   */
  readonly stride: number;
  /** For a result: inputs that it may overwrite. Each of their elements is read before the result's element is written. */
  readonly mayAlias?: readonly string[];
  /**
   * For an input: where the WGSL reads the variable, as offsets in UTF-16 units. If a result overwrites
   * the input, the result's variable replaces it there, and the input is not bound. Neither is an input that is never read.
   */
  readonly reads?: readonly number[];
  /** It is a `const` of the module, whose tensor is passed like a parameter's. */
  readonly constant?: true;
}

/** The uniform buffer. */
export interface LaunchUniforms {
  readonly binding: number;
  readonly fields: readonly UniformField[];
  readonly size: number;
  /** The kernel does not read it, and so it is not bound. */
  readonly unread?: true;
}

/** A word of the uniform buffer: the extent of a dimension, or a scalar (f16 as an f32, bool as a u32). Fields are contiguous. */
export interface UniformField {
  readonly kind: "dim" | "scalar";
  readonly name: string;
  readonly element: LaunchElement;
  /** It is a `const` of the module. */
  readonly constant?: true;
}

/** The number of workgroups: ceil(product of `rows` / `rowsPerWorkgroup`), in x and y. Without rows, no workgroup starts. */
export interface LaunchDispatch {
  readonly rows: readonly (number | string)[];
  /** Their product is the number of units in a row. A unit is what a lane processes at a time: an element or a vector. */
  readonly columns: readonly (number | string)[];
  readonly rowsPerWorkgroup: number;
  /** Whether one workgroup starts even if there are no rows. */
  readonly atLeastOne?: boolean;
}

/**
 * An entry point of the same text that is faster if a dimension is a multiple of its vector width. It takes the
 * same buffers. Its results may differ in the last digits.
 */
export interface LaunchVariant {
  readonly entryPoint: string;
  /** The dimension that must be a multiple of `multipleOf` and at least `atLeast`. There must be rows, too. */
  readonly dim: string;
  readonly multipleOf: number;
  readonly atLeast: number;
  /** Replaces that of `dispatch`. */
  readonly rowsPerWorkgroup: number;
  /** Replace those of the bindings, in their order. */
  readonly strides: readonly number[];
}

/** How to bind and dispatch a kernel, and its requirements on a device. */
export interface LaunchManifest {
  /** The entry point for all extents. */
  readonly entryPoint: string;
  /** Entry points for particular extents. The first that accepts the extents is used. */
  readonly variants?: readonly LaunchVariant[];
  readonly bindings: readonly LaunchBinding[];
  readonly dims: readonly { readonly name: string }[];
  readonly uniforms?: LaunchUniforms;
  readonly overrides: readonly { readonly dim: string; readonly constant: string }[];
  readonly dispatch: LaunchDispatch;
  readonly requiredFeatures: readonly string[];
  readonly requiredLimits: Readonly<Record<string, number>>;
  /** The number of lanes that reduce by subgroup operations. A device with smaller subgroups would compute wrong results. */
  readonly requiredSubgroupSize?: number;
  /** The kind of processor that it was scheduled for. It works on others too. */
  readonly kind?: "cpu" | "gpu";
}
